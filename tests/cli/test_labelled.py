"""Images that people called good or bad, shown to an inspector by the real verb: they count for bounds, not for masks."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.data import run_cli
from helpers.fresh import knows_its_images
from helpers.tiny_inspector import CLASSES, make_inspector

from steelsight.dataset.writers.labelled import Labelled
from steelsight.dataset.writers.write import write_dataset
from steelsight.imaging.rle import encode_mask
from steelsight.imaging.roi import Roi
from steelsight.inspector.artifact import read_card, write_card
from steelsight.inspector.checksums import write_checksums
from steelsight.strips import as_jpeg, draw_strip
from steelsight.verdicts.evaluated_files import read_evaluation_set

SIZE = (64, 400)
IMAGES = 24
LIMITS = ("--max-escape", "0.9", "--max-overkill", "0.9", "--never-miss", "bright=0.9")
"""Loose enough for a few surfaces."""


@pytest.fixture
def inspector(tmp_path: Path) -> Path:
    return knows_its_images(make_inspector(tmp_path / "inspector"))


def _strips(folder: Path, drawn: set[int]) -> dict[str, list[int]]:
    """Images, those of `drawn` with their masks, and the true classes of every one by its name."""
    images, shows = [], {}
    for index in range(IMAGES):
        strip = draw_strip(3, index, size=SIZE, defective=0.6, strips_per_coil=1)
        masks = (strip.truth > 0, strip.truth > 4)
        name = f"{index:02}.jpg"
        shows[name] = [place for place, mask in enumerate(masks) if mask.any()]
        runs = tuple(encode_mask(mask & (index in drawn)) for mask in masks)
        images.append(Labelled(name, as_jpeg(strip.image), SIZE, runs))
    write_dataset(folder, "coco", CLASSES, images)
    return shows


def _say(folder: Path, rows: dict[str, str]) -> None:
    table = "".join(f"{name},{word}\n" for name, word in rows.items())
    (folder / "labels.csv").write_text(f"image,class\n{table}", encoding="utf-8")


def test_labels_beside_masks_count_for_the_bounds_alone(inspector: Path, tmp_path: Path) -> None:
    shows = _strips(tmp_path / "fresh", drawn=set(range(0, IMAGES, 3)))
    bad = [name for name, classes in shows.items() if classes]
    label = [name for name in bad if int(name[:2]) % 3]
    words = {name: "bad" if place % 2 else CLASSES[0] for place, name in enumerate(label)}
    _say(tmp_path / "fresh", words)
    done = run_cli("decide", inspector, "--calibrate", tmp_path / "fresh", *LIMITS)
    assert done.returncode == 0, done.stderr
    said, told = " ".join(done.stdout.split()), " ".join(done.stderr.split())
    unnamed = sum(word == "bad" for word in words.values())
    assert f"{len(label)} defective images are known by a label alone: they count for the bounds" in told
    assert f"the label of {unnamed} names no class" in told
    masks = len(bad) - len(label)
    assert f"Of {len(bad)} defective images, {masks} have masks and {len(label)} have a label alone" in said
    outcome = read_card(inspector).policy.outcome
    assert (outcome.images, outcome.defective, outcome.label_alone, outcome.class_unknown) == (
        IMAGES,
        len(bad),
        len(label),
        unnamed,
    )
    tested = read_evaluation_set(inspector)
    assert {name for name, bad in zip(tested.image_ids, tested.defective, strict=True) if bad} == set(bad)
    assert not tested.truth[tested.label_alone].any()
    readme = " ".join((inspector / "README.md").read_text("utf-8").split())
    assert f"{masks} have masks and {len(label)} have a label alone" in readme
    bounds = {(one.among, one.defect_class): one for one in read_card(inspector).policy.statements}
    named = [at for at, name in enumerate(tested.image_ids) if name in bad and words.get(name) != "bad"]
    assert bounds["defective", None].groups == len(np.unique(tested.groups[tested.defective]))
    assert bounds["defective", "bright"].groups == len(np.unique(tested.groups[named]))
    again = run_cli("decide", inspector, "--max-escape", "0.95", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["policy"]["outcome"]["label_alone"] == len(label)


def test_good_and_bad_alone_are_enough_for_a_bound(inspector: Path, tmp_path: Path) -> None:
    shows = _strips(tmp_path / "drawn", drawn=set())
    folder = tmp_path / "fresh"
    (tmp_path / "drawn" / "images").rename(folder)
    _say(folder, {name: "bad" if classes else "good" for name, classes in shows.items()})
    done = run_cli("decide", inspector, "--calibrate", folder, *LIMITS)
    assert done.returncode == 0, done.stderr
    assert "No image is known to show any of the classes bright, dark" in " ".join(done.stderr.split())
    card = read_card(inspector)
    bounds = {(one.among, one.defect_class): one for one in card.policy.statements}
    bad = sum(map(bool, shows.values()))
    assert bounds["defective", None].kept
    assert bounds["good", None].kept
    assert not bounds["defective", "bright"].kept
    assert bounds["defective", "bright"].groups == 0
    assert (card.policy.outcome.defective, card.policy.outcome.class_unknown) == (bad, bad)
    refused = run_cli("data", "check", folder)
    assert refused.returncode == 2
    assert "name no class of a defect" in refused.stderr


def test_a_class_that_the_inspector_does_not_know_can_be_labelled_bad(inspector: Path, tmp_path: Path) -> None:
    shows = _strips(tmp_path / "drawn", drawn=set())
    folder = tmp_path / "fresh"
    (tmp_path / "drawn" / "images").rename(folder)
    _say(folder, {name: "scratch" if classes else "good" for name, classes in shows.items()})
    done = run_cli("decide", inspector, "--calibrate", folder)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "class 'scratch' is not one of the inspector's (bright, dark)" in done.stderr
    assert "or label them `bad`, which names no class" in done.stderr


def test_a_label_speaks_of_the_whole_image_where_a_region_counts(inspector: Path, tmp_path: Path) -> None:
    write_card(inspector, read_card(inspector).with_roi(Roi(strip=True)))
    write_checksums(inspector)
    shows = _strips(tmp_path / "fresh", drawn=set())
    _say(tmp_path / "fresh", {name: "dark" for name, classes in shows.items() if classes})
    done = run_cli("decide", inspector, "--calibrate", tmp_path / "fresh", *LIMITS)
    assert done.returncode == 0, done.stderr
    assert "may lie outside of the region of interest" in " ".join(done.stderr.split())
    assert read_card(inspector).policy.outcome.label_alone == sum(map(bool, shows.values()))
