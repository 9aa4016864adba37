"""`steelsight inspect` as a user types it, on drawn strips and a small inspector."""

import csv
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import ROOT, SAMPLE, run_cli, start_cli
from helpers.policies import make_policy
from helpers.tiny_inspector import CLASSES, RULE, make_inspector

from steelsight.imaging.read import list_images
from steelsight.imaging.rle import decode_runs, format_runs
from steelsight.inspector.inspector import Inspector
from steelsight.verdicts.severity import read_severity
from steelsight.verdicts.verdict import UNREADABLE

IMAGES = list_images(SAMPLE / "train_images")
TABLES = {"submission.csv", "images.csv", "defects.csv"}


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Many images, so that an interruption comes in the middle."""
    folder = tmp_path_factory.mktemp("many")
    contents = [path.read_bytes() for path in IMAGES[:30]]
    for number in range(300):
        (folder / f"{number:04}.jpg").write_bytes(contents[number % 30])
    return folder


@pytest.fixture(scope="module")
def whole(inspector: Any, many: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What an undisturbed run writes."""
    out = tmp_path_factory.mktemp("whole")
    assert run_cli("inspect", inspector, many, "--masks", "--out", out).returncode == 0
    return content(out)


def rows(path: Any) -> Any:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def content(folder: Any) -> Any:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def wait_for_rows(out: Any, count: Any) -> None:
    deadline = time.monotonic() + 60
    partial = out / "images.partial.csv"
    while time.monotonic() < deadline and not (partial.exists() and partial.read_bytes().count(b"\n") > count):
        time.sleep(0.01)


def test_tables_and_pictures_say_what_the_inspector_says(inspector: Any, tmp_path: Path) -> None:
    out, folder = tmp_path / "out", SAMPLE / "test_images"
    done = run_cli("inspect", inspector, folder, "--out", out, "--masks", "--overlays", "--json", "--threads", "1")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["wrote"] == [
        str(out / name) for name in ("submission.csv", "images.csv", "defects.csv", "masks", "overlays")
    ]
    assert (result["images"], result["unreadable"], result["resumed"]) == (12, [], 0)
    assert result["images_per_second"] > 0
    judged = list(Inspector.open(inspector).stream(list_images(folder)))
    assert result["defective"] == sum(one.is_defective for one in judged) > 2
    assert result["flagged"] == sum(bool(one.flags) for one in judged)
    images, submission, defects = (rows(out / name) for name in ("images.csv", "submission.csv", "defects.csv"))
    assert [row["ImageId"] for row in images] == [one.source.image_id for one in judged]
    assert [row["EncodedPixels"] for row in submission] == [format_runs(runs) for one in judged for runs in one.runs]
    assert sum(row["kind"] == "found" for row in defects) == sum(len(one.regions) for one in judged)
    for row, one in zip(images, judged, strict=True):
        assert float(row["p_defect"]) == pytest.approx(one.p_defect, abs=1e-6)
        assert row["flags"].split(";") == list(one.flags or ("",))
        stem = Path(one.source.image_id).stem
        mask = cv2.imread(str(out / "masks" / f"{stem}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask > 0, np.any([decode_runs(r, one.size) for r in one.runs], axis=0))
        assert (out / "overlays" / f"{stem}.jpg").is_file()


def test_it_ends_with_what_it_wrote_counts_and_the_next_command(inspector: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_cli("inspect", inspector, SAMPLE / "train_images", "--out", out, "--layout", "wide")
    assert done.returncode == 0, done.stderr
    assert "66 images: " in done.stderr
    assert " 0 unreadable, " in done.stderr
    assert "images/s" in done.stderr
    assert f"next: steelsight serve {inspector}" in done.stdout
    assert {path.name for path in out.iterdir()} == TABLES


def test_every_image_has_a_verdict_with_its_reason(tmp_path: Path) -> None:
    """Severity rules from a file as a person writes it, on drawn strips and two that cannot be read."""
    folder, out, rules = tmp_path / "in", tmp_path / "out", tmp_path / "severity.yaml"
    rules.write_text(
        "mm_per_pixel: 0.5\n"
        "rules:\n"
        "  - {verdict: review, class: bright, nearer_to_edge_than: 2 mm}\n"
        "  - {verdict: reject, class: bright, total_area_above: 100 cm²}\n"
    )
    policy = make_policy(0.2, 0.95, severity=read_severity(rules, CLASSES))
    rule = RULE.model_copy(update={"gate": 0.05})
    judging = make_inspector(tmp_path / "inspector", rule=rule, policy=policy)
    shutil.copytree(SAMPLE / "train_images", folder)
    (folder / "cut.jpg").write_bytes(IMAGES[0].read_bytes()[:9000])
    (folder / "text.jpg").write_text("no image")
    done = run_cli("inspect", judging, folder, "--out", out, "--json", "--overlays")
    assert done.returncode == 3, done.stderr
    result, images = json.loads(done.stdout), rows(out / "images.csv")
    answers = [row["verdict"] for row in images]
    assert result["verdicts"] == {name: answers.count(name) for name in ("pass", "review", "reject")}
    assert min(result["verdicts"].values()) > 0
    for row in images:
        p = float(row["p_defect"] or "nan")
        match row["verdict"]:
            case "pass":
                assert p <= 0.2
                assert not row["classes"]
                assert not row["flags"]
            case "reject":
                by_area = int(row["area_bright"]) * 0.25 > 10_000
                assert by_area or p > 0.95
                assert ("cm², above 100 cm² (rule 2)" in row["reason"]) == by_area
            case _:
                assert row["reason"]
        if row["error"]:
            assert (row["verdict"], row["reason"]) == ("review", UNREADABLE.reason)
    reasons = "\n".join(row["reason"] for row in images)
    for words in ("from the edge, below 2 mm (rule 1)", "lies between 0.20 and 0.95", "(rule 2)"):
        assert words in reasons
    spoken = run_cli("inspect", judging, folder, "--out", tmp_path / "again")
    counts = result["verdicts"]
    assert f"68 images: {counts['pass']} pass, {counts['review']} review, {counts['reject']} reject; " in spoken.stderr
    overlay = cv2.imread(str(out / "overlays" / IMAGES[0].name))
    assert overlay.shape[0] == 256 + 2 * 26  # a line of the verdict and one of the classes


def test_without_a_policy_the_columns_are_there_and_empty(inspector: Any, tmp_path: Path) -> None:
    done = run_cli("inspect", inspector, *IMAGES[:2], "--out", tmp_path, "--json")
    assert json.loads(done.stdout)["verdicts"] is None
    assert [(row["verdict"], row["reason"]) for row in rows(tmp_path / "images.csv")] == [("", "")] * 2


def test_a_list_on_standard_input(inspector: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = "".join(f"{path}\n" for path in (IMAGES[5], IMAGES[2], IMAGES[7]))
    done = run_cli("inspect", inspector, "-", "--out", out, stdin=given)
    assert done.returncode == 0, done.stderr
    assert [row["ImageId"] for row in rows(out / "images.csv")] == [IMAGES[n].name for n in (5, 2, 7)]
    done = run_cli("inspect", inspector, "-", "--out", out)
    assert done.returncode == 2
    assert "standard input held no path" in done.stderr


def test_bad_files_lose_none_of_the_good(inspector: Any, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    good = [path.read_bytes() for path in IMAGES[:50]]
    for number in range(100):
        (folder / f"good{number:03}.jpg").write_bytes(good[number % 50])
    bad = [good[0][:9000], b"no image", b"", good[1][:-3]]
    for number in range(20):
        (folder / f"good{5 * number:03}-bad.png").write_bytes(bad[number % 4])
    done = run_cli("inspect", inspector, folder, "--out", out, "--json", "--masks")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "and 10 more images could not be read" in done.stderr
    result = json.loads(done.stdout)
    assert (result["images"], len(result["unreadable"])) == (120, 20)
    images = rows(out / "images.csv")
    assert [row["ImageId"] for row in images] == sorted(path.name for path in folder.iterdir())
    assert all(bool(row["error"]) == ("bad" in row["ImageId"]) == (not row["p_defect"]) for row in images)
    assert len({row["ImageId"] for row in rows(out / "submission.csv")}) == 100
    assert len(list((out / "masks").iterdir())) == 100


@pytest.mark.parametrize("pass_at", [None, 0.2])
def test_where_every_image_goes_to_review_it_says_why(tmp_path: Path, pass_at: float | None) -> None:
    judging = make_inspector(tmp_path / "inspector", policy=make_policy(pass_at, None))
    done = run_cli("inspect", judging, IMAGES[0], "--out", tmp_path / "out")
    assert ("note: Every image goes to review, since the images that it was" in done.stderr) == (pass_at is None)


def test_pictures_of_an_earlier_run_are_named(inspector: Any, tmp_path: Path) -> None:
    first = run_cli("inspect", inspector, IMAGES[0], "--out", tmp_path / "out", "--overlays")
    assert "earlier run" not in first.stderr
    again = run_cli("inspect", inspector, IMAGES[0], "--out", tmp_path / "out")
    assert f"{tmp_path / 'out' / 'overlays'}: of an earlier run" in again.stderr
    assert again.returncode == 0


def test_masks_beside_the_images_are_named_and_not_judged(inspector: Any, tmp_path: Path) -> None:
    folder = tmp_path / "crack"
    folder.mkdir()
    for path in IMAGES[:3]:
        shutil.copy(path, folder)
        height, width = cv2.imread(str(path)).shape[:2]
        mask = np.zeros((height, width), np.uint8)
        mask[20:50, 30:90] = 255
        cv2.imwrite(str(folder / f"{path.stem}.png"), mask)
    done = run_cli("inspect", inspector, tmp_path / "crack", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert f"{folder}: 3 masks left out: {IMAGES[0].stem}.png, " in done.stderr
    assert [one["are_masks"] for one in json.loads(done.stdout)["left_out"]] == [True]
    assert [row["ImageId"] for row in rows(tmp_path / "out" / "images.csv")] == [path.name for path in IMAGES[:3]]
    named = run_cli("inspect", inspector, folder / f"{IMAGES[0].stem}.png", "--out", tmp_path / "named", "--json")
    assert json.loads(named.stdout)["images"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_kill_9_at_any_moment_then_resume(inspector: Any, many: Any, whole: Any, tmp_path: Path, seed: int) -> None:
    """The real verb, a real kill, and the same bytes as an undisturbed run."""
    command, out = ("inspect", inspector, many, "--masks", "--threads", "2"), tmp_path / "killed"
    out.mkdir()
    (out / "images.csv").write_text("results of before")
    killed = start_cli(*command, "--out", out)
    wait_for_rows(out, random.Random(seed).randrange(1, 150))
    time.sleep(random.Random(seed).random() / 20)
    killed.kill()
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert (out / "images.csv").read_text() == "results of before"
    finished = rows(out / "images.partial.csv")
    assert 0 < len(finished) < 300
    resumed = run_cli(*command, "--out", out, "--resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert len(finished) - 4 <= json.loads(resumed.stdout)["resumed"] <= len(finished)
    assert content(out) == whole


def test_resuming_judges_other_images_under_the_names_of_finished_ones(inspector: Any, tmp_path: Path) -> None:
    """A camera that counts from 0000.jpg every day."""
    contents = [path.read_bytes() for path in IMAGES[:30]]
    for day, shift in (("day1", 0), ("day2", 7)):
        (tmp_path / day).mkdir()
        for number in range(150):
            (tmp_path / day / f"{number:04}.jpg").write_bytes(contents[(number + shift) % 30])
    out = tmp_path / "out"
    killed = start_cli("inspect", inspector, tmp_path / "day1", "--out", out)
    wait_for_rows(out, 16)
    killed.kill()
    killed.communicate(timeout=60)
    assert not (out / "images.csv").exists()
    resumed = run_cli("inspect", inspector, tmp_path / "day2", "--out", out, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert f"{tmp_path / 'day2' / '0000.jpg'}: not the file that was judged under this name" in resumed.stderr
    assert "finished already" not in resumed.stderr
    assert run_cli("inspect", inspector, tmp_path / "day2", "--out", tmp_path / "whole").returncode == 0
    assert content(out) == content(tmp_path / "whole")


def test_a_second_run_into_the_same_folder_is_refused_and_the_first_is_whole(
    inspector: Any, many: Any, whole: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = start_cli("inspect", inspector, many, "--masks", "--out", out)
    wait_for_rows(out, 20)
    first.send_signal(signal.SIGSTOP)
    before = content(out)
    other = make_inspector(tmp_path / "other", rule=RULE.model_copy(update={"gate": 0.4}))
    second = run_cli("inspect", other, many, "--out", out)
    assert second.returncode == 2
    assert f"{out}: another run writes its results here; wait for it or end it, or give another --out" in second.stderr
    assert "Traceback" not in second.stderr
    assert content(out) == before
    first.send_signal(signal.SIGCONT)
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 0, errors
    assert content(out) == whole


# Ctrl-C between the two steps of a wait, in which the main thread is whenever a batch is not done: core/interruption.py.
CTRL_C_INSIDE_A_LOCK = """
import concurrent.futures, threading
from steelsight.cli.main import main
result, waits = concurrent.futures.Future.result, []
def interrupted_result(self, timeout=None):
    condition = self._condition
    def release_and_stop():
        waits.append(1)
        saved = release()
        if len(waits) == 8:
            raise KeyboardInterrupt
        return saved
    if threading.current_thread() is threading.main_thread():
        release, condition._release_save = condition._release_save, release_and_stop
    return result(self, timeout)
concurrent.futures.Future.result = interrupted_result
main()
"""


def test_ctrl_c_inside_a_lock_ends_as_elsewhere(inspector: Any, many: Any, tmp_path: Path) -> None:
    command = ["inspect", str(inspector), str(many), "--out", str(tmp_path / "out")]
    ended = subprocess.run(
        [sys.executable, "-c", CTRL_C_INSIDE_A_LOCK, *command],
        cwd=ROOT / "src",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 130, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "--resume" in ended.stderr
    resumed = run_cli(*command, "--resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert 0 < json.loads(resumed.stdout)["resumed"] < 300


def test_ctrl_c_then_other_options_then_resume(inspector: Any, many: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    running = start_cli("inspect", inspector, many, "--out", out)
    wait_for_rows(out, 20)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    assert "--resume" in errors
    tables = {"contents.csv", *TABLES}
    names = {"run.partial.json", *(name.replace(".csv", ".partial.csv") for name in tables)}
    assert {path.name for path in out.iterdir()} == names
    finished = rows(out / "images.partial.csv")
    assert len(rows(out / "submission.partial.csv")) == len(CLASSES) * len(finished)
    other = make_inspector(tmp_path / "other", rule=RULE.model_copy(update={"gate": 0.4}))
    decided = make_inspector(tmp_path / "decided", policy=make_policy())
    for given, words in (
        ((inspector, "--layout", "wide"), "made with --layout long, now it is wide"),
        ((other,), "made by other networks, another rule or another policy"),
        ((decided,), "made by other networks, another rule or another policy"),
    ):
        refused = run_cli("inspect", *given, many, "--out", out, "--resume")
        assert refused.returncode == 2
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr
    resumed = run_cli("inspect", inspector, many, "--out", out, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "images are finished already" in resumed.stderr
    assert {path.name for path in out.iterdir()} == TABLES
    assert len(rows(out / "images.csv")) == 300


def test_a_full_disk_is_one_sentence_and_the_run_goes_on(inspector: Any, tmp_path: Path) -> None:
    """A file system of 160 kB, where the user may mount one."""
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(mount)], check=False).returncode:
        pytest.skip("may not mount a small file system here")
    command = ("inspect", inspector, SAMPLE / "train_images", "--out", mount / "out", "--masks")
    try:
        done = run_cli(*command)
        assert done.returncode == 2, done.stderr
        assert "the disk is full" in done.stderr
        assert "Traceback" not in done.stderr
        assert not {path.name for path in (mount / "out").iterdir()} & TABLES
        subprocess.run(["mount", "-o", "remount,size=9m", str(mount)], check=True)
        assert run_cli(*command, "--resume").returncode == 0
        assert run_cli(*command[:-2], tmp_path / "whole", "--masks").returncode == 0
        assert content(mount / "out") == content(tmp_path / "whole")
    finally:
        subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((SAMPLE, SAMPLE), "is no inspector"),
        (("INSPECTOR", "nowhere"), "no such file or folder"),
        (("INSPECTOR", SAMPLE, "--threads", "0"), "--threads"),
        (("INSPECTOR", SAMPLE, "--device", "tpu"), "--device"),
    ],
)
def test_wrong_use_is_said_and_nothing_is_written(inspector: Any, tmp_path: Path, given: Any, words: Any) -> None:
    named = (inspector if one == "INSPECTOR" else one for one in given)
    done = run_cli("inspect", *named, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_it_runs_without_any_library_of_training(inspector: Any, tmp_path: Path) -> None:
    """As in the plain install, where importing one of them fails."""
    absent = ("torch", "timm", "pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "zarr", "onnx")
    program = f"import sys; sys.modules.update(dict.fromkeys({absent!r})); from steelsight.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "inspect", inspector, SAMPLE / "test_images", "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(rows(tmp_path / "out" / "images.csv")) == 12
