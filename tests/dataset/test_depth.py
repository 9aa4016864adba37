"""What is white in 16-bit images: found from all of them, or stated; kept by the run, and by the inspector."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data import run_cli
from helpers.pictures import encoded, steel, tiff
from helpers.tiny_inspector import make_inspector

from steelsight.core.errors import UserError
from steelsight.dataset.depth import find_depth, with_bits
from steelsight.dataset.model import Dataset
from steelsight.dataset.read import read_dataset
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.read import read_image
from steelsight.inspector.input_range import InputRange
from steelsight.inspector.inspector import Inspector
from steelsight.recipe import load_recipe
from steelsight.run.run import Run
from steelsight.training.start import start_run

COUNT = 6
WRITERS = {"png": lambda pixels: encoded(".png", pixels), "tif": tiff}


def seen_by(bits: int, seed: int) -> Any:
    """A surface as a camera of so many bits stores it in 16: its white is in the picture."""
    seen = (steel(seed).astype(np.float64) / 255 * ((1 << bits) - 1)).round().astype(np.uint16)
    seen[0, :4] = (1 << bits) - 1
    return seen


def folder(root: Path, pictures: list[Any], suffix: str = "png") -> Path:
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for number, pixels in enumerate(pictures):
        write = WRITERS[suffix] if pixels.dtype == np.uint16 else WRITERS["png"]
        (root / f"images/{number}.{suffix}").write_bytes(write(pixels))
        mask = np.zeros(pixels.shape, np.uint8)
        mask[10:40, 10:50] = number % 2
        (root / f"masks/{number}.png").write_bytes(encoded(".png", mask))
    return root


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_the_bits_of_a_camera_are_found_from_the_largest_value(tmp_path: Path, bits: int, suffix: str) -> None:
    pictures = [seen_by(bits, seed) for seed in range(COUNT)]
    for one in pictures[1:]:
        one[0, :4] = 0  # one image alone shows white
    dataset = read_dataset(folder(tmp_path, pictures, suffix))
    assert dataset.depth is not None
    assert (dataset.depth.bits, dataset.depth.images, dataset.depth.largest) == (bits, COUNT, (1 << bits) - 1)
    said = [(one.kind, one.images) for one in dataset.remarks]
    assert said == ([] if bits == 16 else [("bits", COUNT)])
    assert bits == 16 or f"0 to {(1 << bits) - 1} is black to white" in dataset.remarks[0].message


def test_images_of_8_bit_have_none_and_may_stand_beside_others(tmp_path: Path) -> None:
    plain = read_dataset(folder(tmp_path / "plain", [steel(1), steel(2)]))
    assert (plain.depth, plain.remarks) == (None, ())
    mixed = read_dataset(folder(tmp_path / "mixed", [steel(1), seen_by(12, 2)]))
    assert mixed.depth is not None
    assert (mixed.depth.bits, mixed.depth.images) == (12, 1)
    with pytest.raises(UserError, match="has no image of 16 bit"):
        with_bits(plain, 12)


def test_few_images_beyond_the_rest_are_named() -> None:
    values = {Path(f"{number}.png"): 4000 for number in range(39)}
    alone = find_depth(values | {Path("hot.png"): 40_000})
    assert alone is not None
    assert (alone.bits, alone.file.name, alone.few, alone.rest) == (16, "hot.png", 1, 12)
    many = find_depth(values | {Path(f"{number}_.png"): 40_000 for number in range(39)})
    assert many is not None
    assert many.few == 0


def test_a_user_says_otherwise_and_an_image_beyond_that_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "data", [seen_by(12, seed) for seed in range(2)])
    dataset = read_dataset(root)
    stated = with_bits(dataset, 14)
    assert stated.depth is not None
    assert stated.depth.bits == 14
    assert "0 to 16383" in stated.remarks[0].message
    assert with_bits(dataset, None) is dataset
    with pytest.raises(UserError, match=r"0\.png has a value of 4095, and white is 1023; give 12 or more"):
        with_bits(dataset, 10)
    with pytest.raises(UserError, match="8 to 16 bits"):
        with_bits(dataset, 17)
    told = run_cli("data", "check", root, "--no-twins", "--bits", "16", "--json")
    assert (told.returncode, json.loads(told.stdout)["bits"]) == (0, 16)
    shown = run_cli("data", "check", root, "--no-twins", "--bits", "13")
    assert "0 to 8191 is black to white in all of them (13 bit" in shown.stdout
    assert "training takes another white by --bits" in shown.stdout
    assert "--bits 13" in shown.stdout.splitlines()[-1]
    refused = run_cli("data", "check", root, "--no-twins", "--bits", "10")
    assert (refused.returncode, "--bits 10: " in refused.stderr) == (2, True)


@pytest.mark.parametrize("stated", [None, 14])
def test_a_run_keeps_the_bits_for_every_member(tmp_path: Path, stated: int | None) -> None:
    dataset = read_dataset(folder(tmp_path / "data", [seen_by(12, seed) for seed in range(2 * COUNT)]))
    run = start_run(Run(tmp_path / "run"), with_bits(dataset, stated), load_recipe("lite", ["folds=2"]))
    assert {member.preprocess.bits for member in run.recipe.members} == {stated or 12}


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_an_inspector_sees_the_same_in_16_bit_as_in_8_and_flags_what_is_beyond(tmp_path: Path, bits: int) -> None:
    plain = [np.where(steel(seed) > 110, 255, 10).astype(np.uint8) for seed in range(3)]
    top = (1 << bits) - 1
    deep = [(one.astype(np.float64) / 255 * top).round().astype(np.uint16) for one in plain]
    sees = Preprocess(height=32, width=96, colour="grey", bits=bits)
    made = {}
    for name, pictures, preprocess in (
        ("plain", plain, sees.model_copy(update={"bits": None})),
        ("deep", deep, sees),
    ):
        familiar = InputRange.of(pictures, preprocess.bits)
        inspector = make_inspector(
            tmp_path / name, classifiers=(preprocess,), segmenters=(preprocess,), familiar=familiar
        )
        made[name] = Inspector.open(inspector)
    root = folder(tmp_path / "data", deep, "tif")
    for number, (one, other) in enumerate(zip(plain, deep, strict=True)):
        expected = made["plain"](one)
        for said in (made["deep"](other), made["deep"](root / f"images/{number}.tif")):
            assert said.p_defect == pytest.approx(expected.p_defect, abs=1e-3)
            assert said.flags == expected.flags == ()
            assert [runs.area for runs in said.runs] == [runs.area for runs in expected.runs]
        beyond = other.copy()
        beyond[5:9, 5:9] = top + 1
        said = made["deep"](beyond)
        assert said.flags == ("bits",)
        assert said.p_defect == pytest.approx(expected.p_defect, abs=0.02)  # as white, and no brighter
        assert "light" in made["plain"](other).flags  # 16 bit that it has never seen, of which the upper bits are empty
        assert made["deep"](one).flags == ()
    assert read_image(root / "images/0.tif").max() == top


def test_a_dataset_without_decoding_knows_no_depth(tmp_path: Path) -> None:
    dataset: Dataset = read_dataset(folder(tmp_path, [seen_by(12, 1), seen_by(12, 2)]), decode=False)
    assert dataset.depth is None
