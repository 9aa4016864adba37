"""Networks that answer with nan, as a user meets them at every verb: nothing dies, nothing is lost, a person is told."""

import json
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from csv import DictReader
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE, run_cli, start_cli
from helpers.layout_writers import write_coco
from helpers.policies import make_policy
from helpers.random_run import random_run
from helpers.tiny_inspector import is_bright, make_inspector
from safetensors.torch import load_file, save_file

from steelsight.imaging.read import list_images
from steelsight.inspector.checksums import write_checksums
from steelsight.report.sections.inspected import inspected_view

IMAGES = list_images(SAMPLE / "train_images")[:12]
SENTENCE = "the networks gave no probability for this image, so a person must look: in step "


@pytest.fixture(scope="module", params=["classify", "segment"])
def odd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("made") / "inspector"
    made = make_inspector(folder, policy=make_policy(0.2, 0.95), odd={request.param: float("nan")})
    return request.param, made


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    (tmp_path / "in").mkdir()
    for path in IMAGES:
        shutil.copy(path, tmp_path / "in")
    return tmp_path / "in"


def rows(path: Any) -> Any:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(DictReader(stream))


def check_tables(out: Any, step: Any) -> Any:
    """Every image has its row; those that a person must look at say so, and are in no other table."""
    images = rows(out / "images.csv")
    bright = {path.name for path in IMAGES if is_bright(path)}
    assert {row["ImageId"] for row in images} == {path.name for path in IMAGES}
    assert {row["ImageId"] for row in rows(out / "submission.csv")} == {path.name for path in IMAGES} - bright
    assert not bright & {row["ImageId"] for row in rows(out / "defects.csv")}
    assert "nan" not in {cell.lower() for row in images for cell in row.values()}
    for row in images:
        assert bool(row["error"]) == (row["ImageId"] in bright)
        if row["error"]:
            assert row["verdict"] == "review"
            assert row["reason"].startswith(f"{SENTENCE}{1 if step == 'classify' else 2}, ")
            assert row["reason"].endswith(f"{step}-0:0 answered nan")
            assert (row["height"], row["width"], row["classes"], row["area_bright"]) == ("256", "1600", "", "")
            assert bool(row["p_defect"]) == bool(row["probability"]) == (step == "segment")
        else:
            assert 0 <= float(row["p_defect"]) <= 1
    return bright


def test_inspect_judges_all_others_and_says_so_by_its_status(odd: Any, folder: Any, tmp_path: Path) -> None:
    step, inspector = odd
    out, options = tmp_path / "out", ("--overlays", "--masks", "--device", "cpu", "--threads", "1", "--json")
    done = run_cli("inspect", inspector, folder, "--out", out, *options)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    bright, result = check_tables(out, step), json.loads(done.stdout)
    assert {one["image_id"] for one in result["unjudged"]} == bright
    assert (len(bright), result["images"], result["unreadable"]) == (4, 12, [])
    assert result["verdicts"]["review"] >= 4
    assert all(f"{name}: {SENTENCE}" in done.stderr for name in bright)
    assert len(list((out / "masks").iterdir())) == len(list((out / "overlays").iterdir())) == 8
    view = inspected_view(out, ("bright", "dark"))
    assert (view.images, view.unreadable, view.unjudged) == (12, 0, 4)
    plain = run_cli("inspect", inspector, folder, "--out", out, "--threads", "1")
    assert plain.returncode == 3
    assert "0 unreadable, " in plain.stderr
    assert "4 without an answer of the networks" in plain.stderr


def test_watch_once_logs_each_and_ends(odd: Any, folder: Any, tmp_path: Path) -> None:
    step, inspector = odd
    out, options = (
        tmp_path / "out",
        ("--settle", "0.1", "--patience", "0.2", "--device", "cpu", "--threads", "1", "--json"),
    )
    data, moved = tmp_path / "data", tmp_path / "moved"
    done = run_cli("watch", inspector, folder, "--data", data, "--out", out, "--move", moved, "--once", *options)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    bright, result = check_tables(out, step), json.loads(done.stdout)
    assert (result["inspected"], result["unjudged"], result["unreadable"], result["moved"]) == (12, 4, 0, 12)
    assert all(f"{name}: {SENTENCE}" in done.stderr for name in bright)
    assert "logged for review" in done.stderr
    with closing(sqlite3.connect(data / "log.sqlite")) as log:
        said = log.execute("SELECT name, verdict, unreadable, doubt, p_defect, has_image FROM inspections").fetchall()
    for name, verdict, unreadable, doubt, p_defect, has_image in said:
        assert (unreadable, has_image) == (0, 1)
        if name in bright:
            assert (verdict, doubt, p_defect is None) == ("review", 1.0, step == "classify")
    again = run_cli("watch", inspector, moved, "--data", data, "--once", *options)
    assert again.returncode in (0, 3), again.stderr


def test_watch_goes_on_and_ends_in_good_order(odd: Any, folder: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = start_cli(
        "watch", odd[1], folder, "--data", data, "--settle", "0.1", "--poll", "0.1", "--device", "cpu", "--threads", "1"
    )

    def logged() -> Any:
        if not (data / "log.sqlite").is_file():
            return 0
        with closing(sqlite3.connect(data / "log.sqlite", timeout=10)) as log:
            try:
                return log.execute("SELECT count(*) FROM inspections").fetchone()[0]
            except sqlite3.OperationalError:  # the tables are not there yet
                return 0

    end = time.monotonic() + 120
    while logged() < len(IMAGES) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, logged()) == (0, len(IMAGES)), said
    assert "tried again" not in said
    with closing(sqlite3.connect(data / "log.sqlite")) as log:
        answers = dict(log.execute("SELECT name, verdict FROM inspections").fetchall())
    assert {answers[path.name] for path in IMAGES if is_bright(path)} == {"review"}


def test_bench_measures_and_names_the_share(odd: Any) -> None:
    done = run_cli("bench", odd[1], IMAGES[2], IMAGES[0], "--seconds", "0.4", "--device", "cpu", "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert "got no probability from a network, and go to a person" in done.stdout


def test_calibration_is_refused_in_a_sentence_and_changes_nothing(odd: Any, folder: Any, tmp_path: Path) -> None:
    data, inspector = tmp_path / "data", shutil.copytree(odd[1], tmp_path / "inspector")
    (inspector / "seen.txt").write_text("0" * 64 + "\n")
    write_checksums(inspector)
    shutil.copytree(folder, data / "images")
    images = [{"id": n, "file_name": path.name, "height": 256, "width": 1600} for n, path in enumerate(IMAGES)]
    mark = {"id": 1, "image_id": 0, "category_id": 1, "segmentation": [[2, 1, 5, 1, 5, 4, 2, 4]], "iscrowd": 0}
    write_coco(data, images, [mark], {1: "bright"})
    before = {path.name: path.read_bytes() for path in inspector.iterdir()}
    done = run_cli("decide", inspector, "--calibrate", data)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert f"{SENTENCE}{1 if odd[0] == 'classify' else 2}, " in " ".join(done.stderr.split())
    assert "nothing was decided again" in " ".join(done.stderr.split())
    assert {path.name: path.read_bytes() for path in inspector.iterdir()} == before


@pytest.mark.parametrize("step", [1, 2])
def test_predict_leaves_what_its_networks_cannot_judge_to_a_person(
    step: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Weights of nan, as a training may leave them, answer so of every image that comes to them."""
    run, out = tmp_path / "run", tmp_path / "out"
    shutil.copytree(random_run(tmp_path_factory).run.path, run)
    member = "classify" if step == 1 else "segment-unet"
    path = run / f"jobs/{member}/fold1/weights.safetensors"
    weights = load_file(path)
    name = "output_bias" if step == 1 else "network.segmentation_head.0.bias"
    weights[name][:1] = float("nan")
    save_file(weights, path)
    done = run_cli("predict", run, SAMPLE / "test_images", "--out", out, "--json")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    result, images = json.loads(done.stdout), rows(out / "images.csv")
    unjudged = [row for row in images if row["error"]]
    assert len(unjudged) == len(result["unjudged"]) == (12 if step == 1 else len(unjudged))
    assert 0 < len(unjudged) <= len(images) == 12
    for row in unjudged:
        assert row["verdict"] == "review"
        assert (
            row["reason"] == f"{SENTENCE}{step}, {'classifier' if step == 1 else 'segmenter'} {member}:1 answered nan"
        )
