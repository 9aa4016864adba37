"""`steelsight.score`: the figures of the verb, and what it refuses."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from helpers.data import run_cli

import steelsight
from steelsight import UserError


def write_masks(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("ImageId", "ClassId", "EncodedPixels"), *rows])
    return path


def test_a_score_is_that_of_the_verb(tmp_path: Path) -> None:
    truth = write_masks(tmp_path / "truth.csv", [("a.jpg", "1", "1 40"), ("b.jpg", "2", "9 9"), ("c.jpg", "1", "")])
    said = write_masks(tmp_path / "said.csv", [("a.jpg", "1", "21 40"), ("c.jpg", "2", "1 4")])
    verb = json.loads(run_cli("score", truth, said, "--size", "16x16", "--classes", "1,2", "--json").stdout)
    scored = steelsight.score(truth, str(said), size=(16, 16), classes=["1", "2"])
    assert json.loads(json.dumps(scored.as_dict())) == {name: verb[name] for name in scored.as_dict()}
    listed = tmp_path / "images.txt"
    listed.write_text("a.jpg\n")
    assert steelsight.score(truth, said, images=listed).figures.images == 1
    with pytest.raises(UserError, match=r"`mm_per_pixel=0\.5`: a length needs the images' widths"):
        steelsight.score(truth, said, mm_per_pixel=0.5)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": "16x16"}, "`size=16x16`: no height and width"),
        ({"size": (0, 16)}, "`size="),
        ({"classes": [1, 2]}, "`classes=1`: int in place of a name"),
        ({"classes": "12"}, "`classes=12`: one text in place of a list"),
        ({"classes": []}, "`classes=`: there is no class in it"),
        ({"size": (16, 16), "mm_per_pixel": 0}, "`mm_per_pixel=0`: the size of a pixel is a number above 0"),
        ({"size": (16, 16), "mm_per_pixel": float("nan")}, "`mm_per_pixel=nan`"),
        ({"size": (16, 16), "mm_per_pixel": float("inf")}, "`mm_per_pixel=inf`"),
    ],
)
def test_a_score_refuses_arguments_out_of_their_range(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    truth = write_masks(tmp_path / "truth.csv", [("a.jpg", "1", "1 40"), ("b.jpg", "2", "9 9")])
    with pytest.raises(UserError, match=said):
        steelsight.score(truth, truth, **wrong)
