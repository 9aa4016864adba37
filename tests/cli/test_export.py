"""`steelsight export` as a user types it."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE, run_cli
from helpers.signing import make_key
from helpers.small_run import small_run, without_classifiers

from steelsight.inspector.inspector import Inspector
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return without_classifiers(shutil.copytree(small_run(tmp_path_factory), tmp_path_factory.mktemp("lean") / "run"))


@pytest.mark.slow
def test_one_folds_networks_replace_an_inspector(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "an inspector"
    out.mkdir()
    for name in ("inspector.json", "old-fold7.onnx"):
        (out / name).write_text("{}")
    images = [f"--images={SAMPLE / 'test_images'}", f"--images={SAMPLE / 'train_images/coil0000*.jpg'}"]
    private, public = make_key(tmp_path.parent / f"{tmp_path.name}-mill")
    done = run_cli("export", run, "--out", out, "--folds", "1", *images, "--sign", private, "--json", cold=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["wrote"], result["folds"], result["evidence"]) == ([str(out)], [1], "own")
    assert (
        result["next"]
        == f"steelsight inspect '{out}' IMAGES --out {shlex.quote(str(out.parent / 'inspected'))} --overlays"
    )
    assert result["parity"]["images"] > 12
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md",
        "checksums.sig",
        "checksums.txt",
        "inspector.json",
        "parity.json",
        "seen.npz",
        "seen.txt",
        "segment-unet-fold1.onnx",
        "signer.pem",
    ]
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    inspector = Inspector.open(out, trust=[public])
    assert [one.fold for one in inspector.card.networks] == [1]
    assert inspector.card.rule == read_decision(Run(run)).rule
    text = (out / "README.md").read_text("utf-8")
    assert "fold 1 alone" in text
    assert "It has no classifiers" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"run": SAMPLE}, "is not a run"),
        ({"folds": "first"}, "--folds first: the run has the folds 0 to 1"),
        ({"images": "nowhere"}, "nowhere: no such file or folder"),
        ({"out": SAMPLE}, "would be replaced as a whole"),
    ],
)
def test_wrong_use_is_one_sentence(run: Any, tmp_path: Path, change: Any, words: Any) -> None:
    given = {"run": run, "out": tmp_path / "out", "folds": "all", "images": SAMPLE / "test_images"} | change
    done = run_cli(
        "export", given["run"], "--out", given["out"], "--folds", given["folds"], "--images", given["images"]
    )
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
