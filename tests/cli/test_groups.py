"""`--groups` as a user types it: what is counted as one surface, in folds and in an inspector's evidence."""

import csv
from pathlib import Path

import numpy as np
import pytest
from helpers.data import run_cli
from helpers.fresh import knows_its_images
from helpers.pictures import encoded
from helpers.tiny_inspector import CLASSES, make_inspector
from helpers.training_samples import SMALL, sets

from steelsight.cli.groups import say_known
from steelsight.dataset.writers.labelled import Labelled
from steelsight.dataset.writers.write import write_dataset
from steelsight.imaging.rle import encode_mask
from steelsight.inspector.artifact import read_card
from steelsight.run.record import read_record
from steelsight.strips import as_jpeg, draw_strip, make_strips
from steelsight.verdicts.evaluated_files import read_evaluation_set

SIZE = (64, 400)
PATTERN = r"^(?P<coil>coil\d+)_"


@pytest.fixture(scope="module")
def strips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve strips of three coils, in the classes of the tests' inspector."""
    images = []
    for index in range(12):
        strip = draw_strip(3, index, size=SIZE)
        masks = (encode_mask(strip.truth > 0), encode_mask(strip.truth > 4))
        images.append(Labelled(f"coil{strip.coil}_{index:02}.jpg", as_jpeg(strip.image), SIZE, masks))
    folder = tmp_path_factory.mktemp("fresh") / "strips"
    write_dataset(folder, "coco", CLASSES, images)
    return folder


@pytest.fixture
def inspector(tmp_path: Path) -> Path:
    """One that knows which images it learned from."""
    return knows_its_images(make_inspector(tmp_path / "inspector"))


def test_an_inspector_is_calibrated_on_coils(inspector: Path, strips: Path) -> None:
    done = run_cli("decide", inspector, "--calibrate", strips, "--groups", PATTERN)
    assert done.returncode == 0, done.stderr
    assert "3 coils among 12 images; with twins, 3 groups" in done.stderr
    tested = read_evaluation_set(inspector)
    assert tested.groups.tolist() == [int(name[4]) for name in tested.image_ids]
    assert "(by coil and twins)" in " ".join(done.stdout.split())
    card = read_card(inspector)
    assert (card.policy.grouped_by, card.schema_version) == (("coil",), 9)  # type: ignore[union-attr]
    readme = (inspector / "README.md").read_text("utf-8")
    assert "12 images of 3 groups (by coil and twins) were tested" in readme
    limits = run_cli("decide", inspector, "--max-escape", "0.3")
    assert limits.returncode == 0, limits.stderr
    assert "3 groups (by coil and twins)" in (inspector / "README.md").read_text("utf-8")
    again = run_cli("decide", inspector, "--calibrate", strips)
    assert again.returncode == 0, again.stderr
    assert len(np.unique(read_evaluation_set(inspector).groups)) > 3
    assert "grouped_by" not in (inspector / "inspector.json").read_text("utf-8")
    (strips / "days.csv").write_text("image,day\n" + "".join(f"{name},2026-11-28\n" for name in tested.image_ids))
    by_day = run_cli("decide", inspector, "--calibrate", strips, "--groups", strips / "days.csv")
    assert "note: day says when an image was taken" in by_day.stderr


def test_an_inspector_keeps_its_white_whatever_camera_fresh_images_speak_of(inspector: Path, tmp_path: Path) -> None:
    images = []
    for index in range(4):
        strip = draw_strip(3, index, size=SIZE)
        masks = (encode_mask(strip.truth > 0), encode_mask(strip.truth > 4))
        images.append(Labelled(f"{index}.png", encoded(".png", strip.image.astype(np.uint16) * 4), SIZE, masks))
    write_dataset(tmp_path / "fresh", "coco", CLASSES, images)
    assert "(10 bit;" in " ".join(run_cli("data", "check", tmp_path / "fresh").stdout.split())
    done = run_cli("decide", inspector, "--calibrate", tmp_path / "fresh")
    assert done.returncode == 0, done.stderr
    assert "bit" not in done.stderr


def test_groups_without_fresh_images_are_one_sentence(inspector: Path) -> None:
    done = run_cli("decide", inspector, "--groups", PATTERN)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "use it with --calibrate DATA, or with `steelsight train`" in done.stderr


def test_no_fold_parts_a_coil_and_a_run_goes_on_with_its_groups(tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    make_strips(data, 32, seed=5, size=SIZE, strips_per_coil=4)
    command = (
        "train",
        data,
        "--out",
        run,
        "--recipe",
        "lite",
        *sets(*SMALL, "members.*.keep.last=1"),
        "--only",
        "segment-lite0:0",
    )
    done = run_cli(*command, "--groups", str(data / "groups.csv"))
    assert done.returncode == 0, done.stderr
    assert "8 coils among 32 images" in done.stderr
    record = read_record(run)
    with (data / "groups.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    said_twins = {row["image"] for row in rows if row["twin_of"]} | {row["twin_of"] for row in rows} - {""}
    assert record.grouped_by == ("coil",)
    assert len(said_twins) <= record.twins < len(record.samples)
    coils = np.array([sample.image_id.partition("_")[0] for sample in record.samples])
    np.testing.assert_array_equal(record.groups[:, None] == record.groups, coils[:, None] == coils)
    for coil in np.unique(coils):
        assert len(set(record.folds[coils == coil])) == 1
    assert run_cli(*command, "--groups", PATTERN, "--resume").returncode == 0
    other = run_cli(*command, "--groups", r"(?P<day>\d)\.jpg", "--resume")
    assert other.returncode == 2
    assert "began without these groups" in other.stderr


def test_a_check_proposes_the_training_with_the_groups_that_it_was_given(strips: Path) -> None:
    done = run_cli("data", "check", strips, "--groups", PATTERN, "--no-twins")
    assert done.returncode == 0, done.stderr
    assert f"next: steelsight train {strips} --groups '{PATTERN}' --quick --out run\n" in done.stdout


@pytest.mark.parametrize(
    ("names", "is_time"),
    [
        (["2026-11-28", "2026-11-28", "2026-11-29"], True),
        (["20261128", "20261128", ""], True),
        (["2026/11/28 14:05", "2026/11/28 14:05", "2026/11/28 14:07"], True),
        (["2026-11-28", "2026-11-29", "2026-11-30"], False),  # which join no images
        (["2026-11-28", "2026-11-28", "c7"], False),
        (["2026-1-9", "2026-1-9", "2026_01_31"], True),
        (["20261128001", "20261128001", "20261128002"], False),  # a coil's number
        (["20134567", "20134567", "20019999"], False),
        (["20261128", "20261128", "20261100"], False),
        (["2026-13-01", "2026-13-01", "2026-1-32"], False),
    ],
)
def test_a_day_that_joins_images_is_named(names: list[str], is_time: bool, capsys: pytest.CaptureFixture[str]) -> None:
    say_known({"coil": ["a", "a", "b"], "day": names}, None, 3)
    said = " ".join(capsys.readouterr().err.split())
    assert ("note: day says when an image was taken" in said) == is_time
    assert "note: coil" not in said


def test_a_kind_of_groups_keeps_its_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    say_known({"coil[left][/b]": ["a", "a", "b"]}, None, 3)
    assert "2 coil[left][/b]s among 3 images" in " ".join(capsys.readouterr().err.split())
