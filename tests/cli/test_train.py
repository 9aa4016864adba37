"""`steelsight train` as a user types it: the reference in small, wrong use, a plan, jobs alone, Ctrl-C, a full disk."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.data import ROOT, SAMPLE, run_cli, start_cli
from helpers.training_samples import SMALL, few_images, sets

from steelsight.cli.begin_run import begin_run
from steelsight.cli.next_step import export_of
from steelsight.cli.output import results
from steelsight.cli.plan import _time_table
from steelsight.dataset.model import UNKNOWN
from steelsight.dataset.read import read_dataset
from steelsight.recipe import load_recipe
from steelsight.run.run import Run
from steelsight.strips import make_strips
from steelsight.training.cost_plan import Cost
from steelsight.training.start import start_run


def test_a_job_can_run_alone_and_says_which_are_left(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = (
        "train",
        few_images(tmp_path / "data"),
        "--recipe",
        "lite",
        "--out",
        run,
        *sets(*SMALL, "members.*.keep.last=1"),
    )
    run.mkdir()
    (run / "samples.csv").write_text("image_id\n")  # of a training that was killed as it began to write the run
    (run / ".truth.4711.part.csv").write_text("Imag")
    done = run_cli(*command, "--only", "classify-lite0:1", "--device", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    assert not (run / ".truth.4711.part.csv").exists()
    result = json.loads(done.stdout)
    assert result["open_jobs"] == ["segment-lite0:0", "segment-lite0:1", "classify-lite0:0"]
    assert (run / "evidence/classify-lite0/fold1.parquet").is_file()
    assert not (run / "decision.json").exists()
    assert result["next"].endswith("--device cpu --json --resume --only segment-lite0:0")
    refused = run_cli(*command)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr


def test_a_member_that_starts_from_another_waits_for_it_and_learns_from_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    small = [change for change in SMALL if ".weights=" not in change]
    fresh = sets(*small, "members.*.keep.last=1", "members.segment-lite0.weights=random")
    command = ("train", few_images(tmp_path / "data"), "--recipe", "lite", "--out", run, "--device", "cpu", *fresh)
    early = run_cli(*command, "--only", "classify-lite0:1")
    assert early.returncode == 2, early.stderr
    assert "train that job first, with --only segment-lite0:1" in early.stderr.replace("\n", " ")
    assert "`only=" not in early.stderr  # nor where a job that failed is told of while others train
    assert run_cli(*command, "--resume", "--only", "segment-lite0:1").returncode == 0
    done = run_cli(*command, "--resume", "--only", "classify-lite0:1")
    assert done.returncode == 0, done.stderr
    assert (run / "evidence/classify-lite0/fold1.parquet").is_file()


def test_a_run_goes_on_with_the_data_that_it_began_with(tmp_path: Path) -> None:
    data, run = few_images(tmp_path / "data"), tmp_path / "run[a][/b]"
    start_run(Run(run), read_dataset(data, decode=False), load_recipe("lite", [*SMALL, "members.*.keep.last=1"]))
    resume = ("--recipe", "lite", "--out", run, "--device", "cpu", "--resume", "--only", "segment-lite0:0")
    other = run_cli("train", SAMPLE.parent, *resume)
    assert (other.returncode, "not the images that the run" in other.stderr) == (2, True), other.stderr
    images = sorted((data / "train_images").glob("*.jpg"))
    shutil.copy(images[1], images[0])  # as large, and another
    changed = run_cli("train", data, *resume)
    assert (changed.returncode, "no longer those" in changed.stderr) == (2, True), changed.stderr
    ignored = f"{run / 'recipe.yaml'} is kept as the run began; other values of --recipe, --roi and --set are ignored"
    assert ignored in changed.stderr  # it began with others
    same = run_cli("train", data, *resume, *sets(*SMALL, "members.*.keep.last=1"))
    assert "is ignored" not in same.stderr
    table = (data / "train.csv").read_text()
    (data / "train.csv").write_text("\n".join(table.splitlines()[:-1]) + "\n")
    mended = run_cli("train", data, *resume)
    assert (mended.returncode, "images with other labels: 1, the first" in mended.stderr) == (2, True), mended.stderr
    (data / "train.csv").write_text(table)
    asked = ("--layout", "severstal", "--boxes", "as-masks", "--limit", "10")
    kept = " ".join(run_cli("train", data, *resume, *asked).stderr.split())
    assert "images and labels are kept as the run began; other values of --boxes and --limit are ignored" in kept
    assert not (run / "jobs").exists()


def test_a_run_keeps_its_region_of_interest_though_the_file_has_changed(tmp_path: Path) -> None:
    data, run, region = few_images(tmp_path / "data"), tmp_path / "run", tmp_path / "edges.json"
    region.write_text('{"inside": [[[0, 0.1], [1, 0.1], [1, 1], [0, 1]]]}')
    settings = [*SMALL, "members.*.keep.last=1"]
    start_run(Run(run), read_dataset(data, decode=False), load_recipe("lite", [*settings, f"roi={region}"]))
    images = sorted((data / "train_images").glob("*.jpg"))
    shutil.copy(images[1], images[0])  # so that nothing is trained
    command = ("train", data, "--recipe", "lite", "--out", run, "--resume", "--roi", region, *sets(*settings))
    assert "has changed since" not in run_cli(*command).stderr
    region.write_text('{"inside": [[[0, 0.2], [1, 0.2], [1, 1], [0, 1]]]}')
    changed = run_cli(*command)
    assert (changed.returncode, "no longer those" in changed.stderr) == (2, True), changed.stderr
    said = " ".join(changed.stderr.split())
    assert f"{region} has changed since: the run keeps the region of interest that it began with" in said
    region.unlink()  # the run needs it no more
    assert "no longer those" in run_cli(*command).stderr


def test_what_a_limit_leaves_out_for_want_of_masks_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_strips(tmp_path / "strips", 12, size=(64, 256), defective=0.6)
    read = read_dataset(tmp_path / "strips", decode=False)
    bad = replace(read.samples[0], shown=(UNKNOWN,))
    data = replace(read, samples=read.samples[1:], without_masks=(bad,))
    for name, limit in (("all", None), ("some", 10)):
        evidence = begin_run(data, load_recipe("demo"), Run(tmp_path / name), None, limit, None, 0.25)
        said = " ".join(capsys.readouterr().err.split())
        assert len(evidence.record.without_masks) == (limit is None)
        assert ("1 images without masks (only their classes are known) are not trained on: --limit" in said) == (
            limit == 10
        )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_plan_trains_nothing(tmp_path: Path) -> None:
    done = run_cli(
        "train",
        few_images(tmp_path / "data"),
        "--recipe",
        "lite",
        "--plan",
        *sets(*SMALL),
        "--device",
        "cpu",
        "--parallel",
        "2",
        "--json",
        "--set",
        "members.*.keep.last=1",
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    planned = json.loads(done.stdout)
    assert planned["jobs"] == 4
    assert planned["parallel"] == 2
    alone = sum(member["seconds"] for member in planned["members"])
    assert alone / 2 * 0.999 <= planned["seconds"] < alone
    assert all(member["memory"] > 1e8 for member in planned["members"])
    assert planned["bytes"] > 1e6
    assert planned["device_hours"] == pytest.approx(alone / 3600)
    for member in planned["members"]:
        assert member["job_disk"] * member["jobs"] == pytest.approx(member["disk"])
        assert min(member["training_rate"], member["validation_rate"], member["evidence_rate"]) > 0
    assert planned["next"].startswith(f"steelsight train {tmp_path / 'data'} --recipe lite --set")
    assert planned["next"].endswith("--out run")
    assert "--plan" not in planned["next"]


UNTIL_TORCH = """
import sys
from steelsight.cli.main import main
sys.argv[0] = "steelsight"
try:
    main()
except SystemExit as ending:
    print(ending.code, "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "nowhere"),
        (["DATA", "--recipe", "lite", "--device", "cuda"], "no CUDA device"),
        (
            ["DATA", "--recipe", "paper"],
            "encoders b0, b1, b2, b3, b4, b5: their ImageNet weights are not on this machine; download",
        ),
        (["DATA", "--set", "folds=13"], "13 folds need at least 13 groups of images"),
        (["DATA", "--limit", "2"], "5 folds need at least 5 groups of images"),
        (["DATA", "--groups", "nowhere.csv"], "nowhere.csv"),
        (["DATA", "--max-escape", "7"], "--max-escape"),
        (["DATA", "--never-miss", "scale=0.1"], "--never-miss scale: no defect class is named so"),
        (["DATA", "--quick", "--out", "."], "exists and is not a run"),
    ],
)
def test_what_is_wrong_is_told_before_torch_is_imported(arguments: list[str], says: str, tmp_path: Path) -> None:
    if "cuda" in arguments and Path("/proc/driver/nvidia").exists():
        pytest.skip("there is a GPU")
    given = [str(few_images(tmp_path / "data")) if word == "DATA" else word for word in arguments]
    done = subprocess.run(
        [sys.executable, "-c", UNTIL_TORCH, "train", "--out", str(tmp_path / "run"), *given],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"},
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "2 False", done.stderr
    assert says in done.stderr


def test_the_next_step_is_the_export_until_one_is_newer_than_the_decision(tmp_path: Path) -> None:
    run, inspector = tmp_path / "run", tmp_path / "inspector"
    for folder in (run, inspector):
        folder.mkdir()
    export = f"steelsight export {run} --out {inspector}"
    (run / "decision.json").touch()
    assert export_of(run) == export
    (inspector / "inspector.json").touch()
    os.utime(run / "decision.json", ns=(0, 0))
    assert export_of(run).startswith(f"steelsight inspect {inspector} IMAGES")
    os.utime(inspector / "inspector.json", ns=(0, 0))
    (run / "decision.json").touch()
    assert export_of(run) == export


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_quick_training_goes_all_the_way_and_says_what_it_is(tmp_path: Path) -> None:
    run, limits = tmp_path / "run", ("--max-escape", "0.5", "--max-overkill", "0.5", "--confidence", "0.6")
    smaller = sets("members.*.phases.*.epochs=1", "members.*.keep.last=1", "members.*.input.pixels=4096")
    done = run_cli(
        "train", SAMPLE, "--out", run, "--quick", "--limit", "40", *limits, *smaller, "--device", "cpu", timeout=800
    )
    assert done.returncode == 0, done.stderr
    assert "A quick training" in done.stderr
    assert "of the 66 images" in done.stderr
    assert f"look at: {run / 'report' / 'index.html'}" in done.stdout
    assert f"next: steelsight export {run} --out {tmp_path / 'inspector'}" in done.stdout
    assert Run(run).recipe.name == "lite (quick)"
    page = (run / "report/index.html").read_text("utf-8")
    assert "A quick training" in page
    assert "of the 66 images" in page
    assert json.loads((run / "decision.json").read_text())["policy"]["wish"]["max_escape"] == 0.5


def test_a_class_with_hardly_any_masks_is_told_of_in_training_in_the_decision_and_in_the_report(tmp_path: Path) -> None:
    data, run = few_images(tmp_path / "data"), tmp_path / "run"
    lines = (data / "train.csv").read_text().splitlines()
    shows = [line.split(",")[0] for line in lines if line.split(",")[1] == "2"]
    left = [line for line in lines if line.split(",")[1] != "2" or line.split(",")[0] == shows[0]]
    (data / "train.csv").write_text("\n".join(left) + "\n")
    small = sets(*SMALL, "members.*.keep.last=1", "members.*.validate_every=1", "search.area_ratio=2")
    done = run_cli("train", data, "--recipe", "lite", "--out", run, "--device", "cpu", *small, timeout=800)
    assert done.returncode == 0, done.stderr
    watched = [line for line in done.stderr.splitlines() if "Dice of each class on the fold's images" in line]
    assert len(watched) == 2  # of each fold's segmenter
    assert all("hardly learned: " in line for line in watched)
    assert sum("2: -" in line for line in watched) == 1  # one fold has no image of it
    dice = [json.loads((run / f"jobs/segment-lite0/fold{k}/done.json").read_text())["class_dice"] for k in (0, 1)]
    assert all(set(of) == set("1234") for of in dice)
    assert sorted(of["2"] is None for of in dice) == [False, True]
    note = next(line for line in done.stdout.splitlines() if line.startswith("note: Class 2 is not found: of 1 image"))
    assert "(1 group)" in note
    assert "What helps: labelled images with it of more than 1 group, each of another" in note
    page = (run / "report/index.html").read_text("utf-8")
    assert page.index("Class 2 is not found: of 1 image that shows it") < page.index('id="summary"')


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--recipe", "lyte"], "did you mean 'lite'"),
        (["--set", "members.*.sampling.bath=3"], "did you mean 'batch'"),
        (["--only", "segment-lite:0"], "did you mean 'segment-lite0"),
        (["--recipe", "paper"], "steelsight weights add --all --from-hub"),
        (["--recipe", "paper", "--plan"], "steelsight weights add --all --from-hub"),
        (["--parallel", "0"], "give a number, or auto"),
        (["--set", "devices_per_job=2"], "batch 8 is no multiple of device_batch 8 x 2 devices_per_job"),
    ],
)
def test_wrong_use_is_one_sentence_and_leaves_nothing(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = run_cli("train", SAMPLE, "--out", tmp_path / "run", *arguments)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_faults_stop_a_training_unless_they_are_skipped(tmp_path: Path) -> None:
    data = few_images(tmp_path / "data")
    victim = sorted((data / "train_images").glob("*.jpg"))[0]
    victim.write_bytes(victim.read_bytes()[:5000])
    stopped = run_cli("train", data, "--out", tmp_path / "run", *sets(*SMALL, "members.*.keep.last=1"))
    assert stopped.returncode == 2
    assert victim.name in stopped.stderr
    assert "--skip-faulty" in stopped.stderr
    skipped = run_cli(
        "train", data, "--out", tmp_path / "run", *sets(*SMALL, "members.*.keep.last=1"),
        "--skip-faulty", "--only", "classify-lite0:0", "--device", "cpu",
    )  # fmt: skip
    assert skipped.returncode == 0, skipped.stderr
    assert victim.name in skipped.stderr
    assert victim.name not in (tmp_path / "run/samples.csv").read_text()


def test_ctrl_c_is_one_message_and_the_run_goes_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    long = sets(*SMALL, "members.*.keep.last=1", "members.*.phases.1.epochs=50")
    data = few_images(tmp_path / "data")
    training = start_cli("train", data, "--recipe", "lite", "--out", run, *long, "--only", "classify-lite0:0")
    deadline = time.monotonic() + 120
    while not (run / "jobs/classify-lite0/fold0/checkpoint.pt").is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    training.send_signal(signal.SIGINT)
    _, errors = training.communicate(timeout=60)
    assert training.returncode == 130, errors
    assert "interrupted" in errors
    assert f"this goes on: steelsight train {data} --recipe lite --out {run}" in errors
    assert errors.rstrip().endswith("--resume")
    assert "Traceback" not in errors
    assert not list(run.rglob("*.part*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    """A file system of one megabyte, where the user may mount one."""
    mount = tmp_path / "small"
    mount.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a small file system here")
    try:
        done = run_cli(
            "train", few_images(tmp_path / "data"), "--out", mount / "run", *sets(*SMALL, "members.*.keep.last=1"),
            "--only", "classify-lite0:0", "--device", "cpu",
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert "the disk is full" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(mount.rglob("*.part*"))
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_a_recipe_keeps_its_brackets_in_the_title_of_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    results.print(_time_table("lite[x][/y]", Cost((), 1, 0.0), "cpu"))
    assert "Plan of recipe lite[x][/y] on cpu" in " ".join(capsys.readouterr().out.split())
