"""`steelsight predict` as a user types it, on drawn strips and a run of untrained networks."""

import csv
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import cv2
import pytest
from helpers.data import SAMPLE, run_cli, start_cli
from helpers.policies import make_policy
from helpers.random_run import random_run

from steelsight.run.run import Run
from steelsight.selection.decision import read_decision, write_decision

TEST_IMAGES = SAMPLE / "test_images"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return random_run(tmp_path_factory).run.path


def rows(path: Any) -> Any:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_unlabelled_images_become_a_submission_masks_and_overlays(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_cli("predict", run, TEST_IMAGES, "--out", out, "--masks", "--overlays", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    names = sorted(path.name for path in TEST_IMAGES.glob("*.jpg"))
    assert (result["images"], result["unreadable"]) == (len(names), [])
    assert (result["classifiers"], result["segmenters"]) == (2, 4)
    assert result["wrote"] == [
        str(out / name) for name in ("submission.csv", "images.csv", "defects.csv", "masks", "overlays")
    ]
    images = rows(out / "images.csv")
    submission = rows(out / "submission.csv")
    assert [row["ImageId"] for row in images] == names
    assert [(row["ImageId"], row["ClassId"]) for row in submission] == [(n, c) for n in names for c in "1234"]
    found = {row["ImageId"] for row in submission if row["EncodedPixels"]}
    assert 0 < len(found) == result["defective"] < len(names)
    gate = read_decision(Run(run)).rule.gate
    assert all(float(row["p_defect"]) >= round(gate, 6) for row in images if row["ImageId"] in found)
    for name in names:
        mask = cv2.imread(str(out / "masks" / name.replace(".jpg", ".png")), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (256, 1600)
        assert mask.any() == (name in found)
        assert (out / "overlays" / name).is_file()


def test_a_run_with_a_policy_gives_verdicts(run: Any, tmp_path: Path) -> None:
    decided = shutil.copytree(run, tmp_path / "run")
    rules = [{"verdict": "reject", "class": "3"}]
    write_decision(Run(decided), read_decision(Run(run)).model_copy(update={"policy": make_policy(0.3, 0.99, rules)}))
    done = run_cli("predict", decided, TEST_IMAGES, "--out", tmp_path / "out", "--json", cold=True)
    assert done.returncode == 0, done.stderr
    images = rows(tmp_path / "out" / "images.csv")
    verdicts = json.loads(done.stdout)["verdicts"]
    assert sum(verdicts.values()) == len(images)
    found = [row for row in images if "3" in row["classes"].split(";") and not row["flags"]]  # flags come first
    assert found
    for row in found:
        assert row["verdict"] == "reject"
        assert "of class 3 (rule 1)" in row["reason"]


def test_what_is_predicted_can_be_scored(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_cli("predict", run, SAMPLE / "train_images", "--out", out, "--folds", "1", "--layout", "wide")
    assert done.returncode == 0, done.stderr
    assert f"next: steelsight export {run}" in done.stdout
    scored = run_cli("score", SAMPLE / "train.csv", out / "submission.csv", "--json")
    assert scored.returncode == 0, scored.stderr
    assert json.loads(scored.stdout)["images"] == 66


def test_unreadable_images_are_named_and_the_rest_is_done(run: Any, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    good = sorted(TEST_IMAGES.glob("*.jpg"))[0].read_bytes()
    (folder / "good.jpg").write_bytes(good)
    (folder / "cut.jpg").write_bytes(good[: len(good) // 2])
    (folder / "text.jpg").write_text("no image")
    done = run_cli("predict", run, folder, "--out", out, "--folds", "0")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert str(folder / "cut.jpg") in done.stderr
    assert str(folder / "text.jpg") in done.stderr
    assert {row["ImageId"]: bool(row["error"]) for row in rows(out / "images.csv")} == {
        "good.jpg": False,
        "cut.jpg": True,
        "text.jpg": True,
    }
    assert {row["ImageId"] for row in rows(out / "submission.csv")} == {"good.jpg"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": "nowhere"}, "no such file or folder"),
        ({"folds": "2"}, "--folds 2: the run has the folds 0 to 1"),
        ({"folds": "first"}, "--folds first"),
        ({"run": SAMPLE}, "is not a run"),
    ],
)
def test_wrong_use_is_one_sentence(run: Any, tmp_path: Path, change: Any, words: Any) -> None:
    given = {"run": run, "images": TEST_IMAGES, "folds": "all"} | change
    done = run_cli("predict", given["run"], given["images"], "--out", tmp_path / "out", "--folds", given["folds"])
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_is_one_sentence(run: Any, tmp_path: Path) -> None:
    done = run_cli("predict", run, tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "no image in this folder" in done.stderr


def test_ctrl_c_leaves_what_was_finished(run: Any, tmp_path: Path) -> None:
    """Many copies of a strip, so that the interruption comes in the middle."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    content = sorted(TEST_IMAGES.glob("*.jpg"))[0].read_bytes()
    for number in range(3000):
        (folder / f"{number:04}.jpg").write_bytes(content)
    predicting = start_cli("predict", run, folder, "--out", out, "--masks")
    deadline = time.monotonic() + 120
    while len(list((out / "masks").glob("0*.png"))) < 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    predicting.send_signal(signal.SIGINT)
    _, errors = predicting.communicate(timeout=60)
    assert predicting.returncode == 130, errors
    assert "Traceback" not in errors
    tables = {f"{name}.partial.csv" for name in ("submission", "defects", "images", "contents")}
    assert {path.name for path in out.iterdir()} == {"run.partial.json", *tables, "masks"}
    done = rows(out / "images.partial.csv")
    assert 10 <= len(done) < 3000
    assert len(rows(out / "submission.partial.csv")) == 4 * len(done)


@pytest.mark.slow
def test_kill_9_then_resume_ends_in_the_same_bytes(run: Any, tmp_path: Path) -> None:
    """Networks that see several images at a time see the same ones together."""
    command = ("predict", run, "-", "--masks", "--folds", "0", "--out")
    listed = "".join(f"{path}\n" for path in sorted((SAMPLE / "train_images").iterdir()))
    assert run_cli(*command, tmp_path / "whole", stdin=listed).returncode == 0
    out = tmp_path / "killed"
    killed = start_cli("predict", run, SAMPLE / "train_images", "--masks", "--folds", "0", "--out", out)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not len(list((out / "masks").glob("*.png"))) > 20:
        time.sleep(0.01)
    killed.kill()
    killed.communicate(timeout=60)
    assert (out / "images.partial.csv").is_file()
    refused = run_cli(*command, out, "--resume", "--folds", "1", stdin=listed)
    assert refused.returncode == 2
    assert "made with --folds 0, now it is 1" in refused.stderr
    resumed = run_cli(*command, out, "--resume", "--json", stdin=listed)
    assert resumed.returncode == 0, resumed.stderr
    assert 0 < json.loads(resumed.stdout)["resumed"] < 66
    files = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for path in (tmp_path / "whole").rglob("*"):
        assert path.is_dir() or files.pop(path.relative_to(tmp_path / "whole")) == path.read_bytes()
    assert not files


def test_a_full_disk_is_one_sentence(run: Any, tmp_path: Path) -> None:
    """A file system of 64 kB, where the user may mount one."""
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount)], check=False).returncode:
        pytest.skip("may not mount a small file system here")
    try:
        done = run_cli("predict", run, TEST_IMAGES, "--out", mount / "out", "--overlays")
        assert done.returncode == 2, done.stderr
        assert "the disk is full" in done.stderr
        assert "Traceback" not in done.stderr
        assert not [path for path in mount.rglob("*") if ".part." in path.name or path.suffixes == [".csv"]]
    finally:
        subprocess.run(["umount", str(mount)], check=True)
