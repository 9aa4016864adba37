"""Folders of strips: the same whatever draws them, read back as they were drawn in every layout, whole or not at all."""

import csv
import json
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest

from steelsight.core.errors import UserError
from steelsight.dataset.groups import read_groups
from steelsight.dataset.read import read_dataset
from steelsight.dataset.twins import find_twins
from steelsight.dataset.writers.write import WrittenLayout
from steelsight.imaging.rle import encode_mask, shared_area
from steelsight.strips import draw_strip, make_strips
from steelsight.strips.labels import DOUBTFUL, OVERLOOKED, exact, loose

SMALL = (64, 400)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def groups(folder: Path) -> list[dict[str, str]]:
    with (folder / "groups.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_threads_change_no_byte_and_fewer_strips_are_the_first_of_more(tmp_path: Path) -> None:
    make_strips(tmp_path / "one", 24, seed=3, size=SMALL, workers=1)
    make_strips(tmp_path / "four", 24, seed=3, size=SMALL, workers=4)
    make_strips(str(tmp_path / "few"), 9, seed=3, size=SMALL)
    assert content(tmp_path / "one") == content(tmp_path / "four")
    whole, few = content(tmp_path / "one"), content(tmp_path / "few")
    images = [name for name in few if name.endswith(".jpg")]
    assert len(images) == 9
    assert all(whole[name] == few[name] for name in images)
    assert whole["train.csv"].startswith(few["train.csv"])


@pytest.mark.parametrize("loose_labels", [False, True])
@pytest.mark.parametrize("layout", get_args(WrittenLayout))
def test_every_layout_is_read_without_a_fault_and_says_what_was_drawn(
    tmp_path: Path, layout: WrittenLayout, loose_labels: bool
) -> None:
    made = make_strips(
        tmp_path / "strips", 20, seed=5, size=SMALL, defective=0.8, layout=layout, loose_labels=loose_labels
    )
    dataset = read_dataset(tmp_path / "strips")
    assert (dataset.layout, dataset.faults, len(dataset.samples)) == (layout, (), 20)
    for sample in dataset.samples:
        index = int(Path(sample.image_id).stem.rpartition("_")[2])
        strip = draw_strip(5, index, size=SMALL, defective=0.8)
        masks = loose(5, index, strip.truth) if loose_labels else exact(strip.truth)
        read = dict(zip(dataset.classes, sample.runs, strict=True))
        for name, runs in zip("1234", masks, strict=True):
            found = read[name].area if name in read else 0
            if layout == "index-png" and loose_labels:  # where polygons cross, a mask shows one class
                assert found <= runs.area
            else:
                assert (found, shared_area(read[name], runs) if found else 0) == (runs.area, runs.area)
    known = read_groups(str(tmp_path / "strips" / "groups.csv"), [sample.image_id for sample in dataset.samples])
    assert known["coil"] == [Path(sample.image_id).name.partition("_")[0] for sample in dataset.samples]
    assert made.images == 20
    assert made.defective == sum(draw_strip(5, index, size=SMALL, defective=0.8).truth.any() for index in range(20))


def test_groups_name_coil_and_twin_of_every_image(tmp_path: Path) -> None:
    made = make_strips(tmp_path / "strips", 90, seed=8, size=SMALL)
    rows = groups(tmp_path / "strips")
    names = sorted(path.name for path in (tmp_path / "strips" / "train_images").iterdir())
    assert sorted(row["image"] for row in rows) == names
    assert all(row["image"].startswith(row["coil"]) for row in rows)
    twins = [row for row in rows if row["twin_of"]]
    assert (len(twins), len({row["coil"] for row in rows})) == (made.twins, made.coils)
    assert made.twins > 0
    by_name = {row["image"]: row for row in rows}
    assert all(by_name[row["twin_of"]]["coil"] == row["coil"] for row in twins)
    assert max(sum(row["coil"] == coil for row in rows) for coil in by_name[names[0]]["coil"].split()) <= 4
    wish = json.loads((tmp_path / "strips" / "strips.json").read_text())
    assert (wish["seed"], wish["images"], wish["size"], wish["made_up"]) == (8, 90, [64, 400], True)


def test_the_twin_search_finds_most_twins(tmp_path: Path) -> None:
    made = make_strips(tmp_path / "strips", 60, seed=8, size=(128, 800), strips_per_coil=1)
    rows = groups(tmp_path / "strips")
    found = find_twins([tmp_path / "strips" / "train_images" / row["image"] for row in rows])
    group = {row["image"]: int(number) for row, number in zip(rows, found, strict=True)}
    pairs = [(row["image"], row["twin_of"]) for row in rows if row["twin_of"]]
    assert len(pairs) == made.twins >= 1
    assert np.mean([group[a] == group[b] for a, b in pairs]) >= 0.5


def test_loose_labels_surround_what_was_drawn() -> None:
    wide, missed, doubtful, count = [], 0, 0, 300
    for index in range(count):
        truth = draw_strip(21, index, size=(64, 400), strips_per_coil=1).truth
        for sharp, mask in zip(exact(truth), loose(21, index, truth), strict=True):
            if sharp.area > 60:
                missed += not shared_area(sharp, mask)
                if shared_area(sharp, mask) > 0.9 * sharp.area:
                    wide.append(mask.area / sharp.area)
        if not truth.any():
            doubtful += any(mask.area for mask in loose(21, index, truth))
            count += 0
    assert 1.05 < np.median(wide) < 1.8
    assert 0 < missed < 2 * OVERLOOKED * count
    assert 0 < doubtful < 3 * DOUBTFUL * count


def test_labels_keep_within_the_frame_and_are_the_same_every_time() -> None:
    truth = np.zeros((64, 400), np.uint8)
    truth[:20, :10], truth[50:, 390:] = 1, 4
    for index in range(20):
        first, again = loose(1, index, truth), loose(1, index, truth)
        assert [runs.area for runs in first] == [runs.area for runs in again]
        assert all(runs.ends.max(initial=0) <= truth.size for runs in first)
    assert exact(truth)[0].area == encode_mask(truth == 1).area == 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"images": 0}, "0 images"),
        ({"workers": 0}, "0 threads"),
        ({"line": 5}, "line 5"),
        ({"defective": 1.2}, "1.2"),
        ({"size": (16, 400)}, "size 16x400"),
        ({"layout": "x"}, "`layout=x`: it must be one of: coco, cvat, index-png"),
    ],
)
def test_a_wrong_argument_leaves_nothing(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        make_strips(tmp_path / "strips", **{"images": 2, "size": SMALL} | wrong)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "strips").mkdir()
    (tmp_path / "strips" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="is already there"):
        make_strips(tmp_path / "strips", 2, size=SMALL)
    assert content(tmp_path) == {"strips/mine.txt": b"mine"}


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_strips(tmp_path / "strips", 50, size=SMALL, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_images_are_grey_jpegs_of_the_size_asked_for(tmp_path: Path) -> None:
    make_strips(tmp_path / "strips", 2, size=(48, 300), line=2)
    for path in (tmp_path / "strips" / "train_images").iterdir():
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape == (48, 300)
