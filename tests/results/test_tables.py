"""Tables list what is suspected apart, and everything else is as without."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.suspecting import CLASSES, judged

from steelsight.cascade.judge import Prediction
from steelsight.imaging.rle import Runs, parse_runs
from steelsight.results.tables import ResultRow, Tables
from steelsight.results.writer import ResultWriter


@pytest.fixture(scope="module")
def said() -> list[Prediction]:
    return judged(keep_maps=True)


def written(out: Any, images: Any, **options: Any) -> Any:
    with ResultWriter(out, CLASSES, [one.source for one in images], **options) as writer:
        for one in images:
            writer.write(one)
    rows = {}
    for name in ("images.csv", "defects.csv"):
        with (out / name).open(newline="", encoding="utf-8") as stream:
            rows[name] = list(csv.DictReader(stream))
    return writer.tally, rows


def test_tables_list_them_apart_and_everything_else_is_as_without(tmp_path: Path, said: list[Prediction]) -> None:
    tally, rows = written(tmp_path / "with", said, masks=True)
    without = [replace(one, suspected=(), suspected_runs=()) for one in said]
    plain, other = written(tmp_path / "without", without, masks=True)
    assert tally == plain
    assert (tmp_path / "with/submission.csv").read_bytes() == (tmp_path / "without/submission.csv").read_bytes()
    for path in (tmp_path / "with/masks").iterdir():
        assert path.read_bytes() == (tmp_path / "without/masks" / path.name).read_bytes()
    new = [f"suspected_{what}_{name}" for what in ("count", "area") for name in CLASSES]
    assert list(rows["images.csv"][0])[-5:] == ["error", *new]
    for one, row, bare in zip(said, rows["images.csv"], other["images.csv"], strict=True):
        assert {name: row[name] for name in row if name not in new} == {
            name: bare[name] for name in bare if name not in new
        }
        for index, name in enumerate(CLASSES):
            areas = [region.area for region in one.suspected if region.class_index == index]
            assert (row[f"suspected_count_{name}"], row[f"suspected_area_{name}"]) == (str(len(areas)), str(sum(areas)))
    kinds = {kind: [row for row in rows["defects.csv"] if row["kind"] == kind] for kind in ("found", "suspected")}
    assert kinds["found"] == other["defects.csv"]
    assert [int(row["area"]) for row in kinds["suspected"]] == [part.area for one in said for part in one.suspected]
    assert list(rows["defects.csv"][0])[-1] == "kind"


def test_what_was_found_has_a_share_above_0_however_large_the_image() -> None:
    tables = Tables(("1", "2", "3"))
    runs = (parse_runs("1 1", None), parse_runs("1 1800", None), Runs.empty())
    for size, shares in (
        ((1000, 6000), ("0.0000002", "0.000300", "0.000000")),
        ((10, 600), ("0.000167", "0.300000", "0.000000")),
        ((32768, 32768), ("0.000000001", "0.000002", "0.000000")),
    ):
        said = ResultRow("a.jpg", size, 0.5, None, "", "", runs, (), (), "")
        text = (tables.header("images.csv") + tables.lines(said)["images.csv"]).decode()
        (row,) = csv.DictReader(io.StringIO(text))
        assert tuple(row[f"share_{name}"] for name in tables.classes) == shares
