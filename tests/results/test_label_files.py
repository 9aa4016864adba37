"""What was found, as label files: read back, they are the masks of the tables."""

import csv
import json
import os
import shutil
from pathlib import Path
from xml.etree.ElementTree import parse

import numpy as np
import pytest
from helpers.data import SAMPLE, run_cli
from helpers.tiny_inspector import CLASSES, make_inspector

from steelsight.dataset.read import read_dataset
from steelsight.imaging.read import list_images

IMAGES = list_images(SAMPLE / "train_images")[:6]


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.mark.parametrize(("kind", "wide"), [("labelme", False), ("cvat", True), ("coco", False)])
def test_predictions_go_to_a_tool_and_come_back(inspector: Path, tmp_path: Path, kind: str, wide: bool) -> None:
    data = tmp_path / "strips"
    data.mkdir()
    for path in IMAGES:
        shutil.copy(path, data)
    (data / "broken.jpg").write_bytes(b"no image")
    out = tmp_path / "out"
    layout = "wide" if wide else "long"
    done = run_cli("inspect", inspector, data, "--out", out, "--labels", kind, "--layout", layout)
    assert done.returncode == 3  # for the broken one
    assert f"wrote {out / f'labels_{kind}'}" in done.stdout
    found = out / f"labels_{kind}"
    (data / "broken.jpg").unlink()
    if kind == "labelme":
        assert len(list(found.glob("*.json"))) == len(IMAGES)
        dataset = read_dataset(tmp_path)  # imagePath leads from the file to the image
    else:
        shutil.copy(next(found.iterdir()), data)
        dataset = read_dataset(data)
    assert dataset.faults == ()
    truth = tmp_path / "truth"
    shutil.copytree(data, truth / "train_images", ignore=shutil.ignore_patterns("*.json", "*.xml"))
    other = tmp_path / "again"
    run_cli("inspect", inspector, data, "--out", other, "--class-ids", "numbers")
    shutil.copy(other / "submission.csv", truth / "train.csv")
    numbered = read_dataset(truth)
    wanted = {sample.image_id: sample for sample in numbered.samples}
    assert len(dataset.samples) == len(wanted) == len(IMAGES)
    shown = 0
    for sample in dataset.samples:
        same = wanted[Path(sample.image_id).name]
        for number, mask in zip(numbered.classes, same.mask(), strict=True):
            name = CLASSES[int(number) - 1]
            there = name in dataset.classes
            found_mask = sample.mask()[dataset.classes.index(name)] if there else np.zeros(sample.size, bool)
            np.testing.assert_array_equal(found_mask, mask)
            shown += int(mask.any())
    assert shown > 0


def test_names_that_no_text_can_hold_are_written_for_each_tool(inspector: Path, tmp_path: Path) -> None:
    data = tmp_path / "strips"
    data.mkdir()
    strange = [os.fsdecode(b"bad\xff.jpg"), "\x1b[31m\u202ered.jpg", "none\uffff.jpg", "left\u200e.jpg"]
    for path, name in zip(IMAGES, strange, strict=False):
        shutil.copy(path, data / name)
    for kind in ("labelme", "cvat", "coco"):
        out = tmp_path / kind
        done = run_cli("inspect", inspector, data, "--out", out, "--labels", kind)
        assert done.returncode == 0, done.stderr
    with (tmp_path / "cvat" / "images.csv").open(encoding="utf-8", newline="") as stream:
        in_tables = [row["ImageId"] for row in csv.DictReader(stream)]
    assert set(in_tables) == {r"bad\udcff.jpg", r"\x1b[31m\u202ered.jpg", r"none\uffff.jpg", r"left\u200e.jpg"}
    root = parse(tmp_path / "cvat" / "labels_cvat" / "annotations.xml").getroot()
    own = ["left\u200e.jpg" if name == r"left\u200e.jpg" else name for name in in_tables]  # which XML can hold
    assert [one.get("name") for one in root.iter("image")] == own
    coco = json.loads((tmp_path / "coco" / "labels_coco" / "annotations.json").read_text("utf-8"))
    assert {one["file_name"] for one in coco["images"]} == {*strange}
    for file in (tmp_path / "labelme" / "labels_labelme").iterdir():  # each opens its image
        assert (file.parent / json.loads(file.read_text("utf-8"))["imagePath"]).is_file()
