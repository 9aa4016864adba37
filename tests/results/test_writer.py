import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine

from steelsight.cascade.judge import Prediction, judge
from steelsight.cascade.sources import Source, find_sources
from steelsight.core.errors import UserError
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.regions import Region
from steelsight.imaging.rle import decode_runs, encode_mask, format_runs
from steelsight.metrics.mask_table import read_mask_table
from steelsight.results.overlay import class_colour, draw_overlay
from steelsight.results.pictures import index_mask, picture_names
from steelsight.results.writer import ResultWriter
from steelsight.rule.rule import Rule
from steelsight.verdicts.verdict import UNREADABLE, Verdict

PREPROCESS = Preprocess(height=64, width=416)
RULE = Rule(gate=0.3, upper=(150, 230), lower=(120, 200), min_area=(800, 400))
CLASSES = ("bright", "dark, very")


@pytest.fixture(scope="module")
def judged() -> Any:
    """Eight strips and one that cannot be read."""
    sources = (*find_sources([str(SAMPLE / "train_images")])[:8], Source("gone.jpg", SAMPLE / "gone.jpg"))
    engine = Engine((BrightImage(PREPROCESS),), (BrightPixels(PREPROCESS),), CLASSES)
    judged = list(judge(sources, engine, RULE))
    return [replace(one, flags=("bright", "odd") if index % 2 else ()) for index, one in enumerate(judged)]


def write(out: Any, judged: Any, **options: Any) -> Any:
    with ResultWriter(out, CLASSES, [one.source for one in judged], **options) as writer:
        for one in judged:
            writer.write(one)
    return writer


def write_then_raise(writer: Any, judged: Any, error: Any) -> None:
    with writer:
        for one in judged:
            writer.write(one)
        raise error


def rows(path: Any) -> Any:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def readable(judged: Any) -> Any:
    return [one for one in judged if one.error is None]


def test_submission_has_a_row_per_readable_image_and_class(tmp_path: Path, judged: Any) -> None:
    write(tmp_path, judged)
    header, *body = rows(tmp_path / "submission.csv")
    assert header == ["ImageId", "ClassId", "EncodedPixels"]
    assert body == [
        [one.source.image_id, name, format_runs(runs)]
        for one in readable(judged)
        for name, runs in zip(CLASSES, one.runs, strict=True)
    ]
    assert any(text for _, _, text in body)
    assert any(not text for _, _, text in body)


def test_class_numbers_and_the_wide_layout(tmp_path: Path, judged: Any) -> None:
    write(tmp_path, judged, class_ids="numbers", layout="wide")
    header, *body = rows(tmp_path / "submission.csv")
    assert header == ["ImageId_ClassId", "EncodedPixels"]
    assert [row[0] for row in body] == [f"{one.source.image_id}_{n}" for one in readable(judged) for n in (1, 2)]


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_score_reads_what_is_written(tmp_path: Path, judged: Any, layout: str) -> None:
    write(tmp_path, judged, class_ids="numbers", layout=layout)
    table = read_mask_table(tmp_path / "submission.csv", None)
    for one in readable(judged):
        for number, runs in enumerate(one.runs, start=1):
            if runs.area:
                assert table.runs[one.source.image_id, str(number)].area == runs.area


def test_images_csv_says_what_was_found_and_what_could_not_be_read(tmp_path: Path, judged: Any) -> None:
    write(tmp_path, judged)
    header, *body = rows(tmp_path / "images.csv")
    columns = ["area_bright", "area_dark, very", "share_bright", "share_dark, very", "flags", "error"]
    columns += [f"suspected_{what}_{name}" for what in ("count", "area") for name in CLASSES]
    assert header == ["ImageId", "verdict", "reason", "height", "width", "p_defect", "probability", "classes", *columns]
    assert len(body) == len(judged)
    for row, one in zip(body[:-1], judged[:-1], strict=True):
        assert row[:5] == [one.source.image_id, "", "", "256", "1600"]
        assert float(row[5]) == pytest.approx(one.p_defect, abs=1e-6)
        assert row[6] == ""  # without a policy
        assert row[7].split(";") == ([n for n, r in zip(CLASSES, one.runs, strict=True) if r.area] or [""])
        assert [int(area) for area in row[8:10]] == [runs.area for runs in one.runs]
        assert row[10:12] == [f"{runs.area / 256 / 1600:.6f}" for runs in one.runs]
        assert row[12:14] == [";".join(one.flags), ""]
    assert any(row[12] == "bright;odd" for row in body)
    assert body[-1][:13] == ["gone.jpg", *[""] * 12]
    assert "no such image" in body[-1][13]
    assert body[-1][14:] == [""] * 4


def test_images_csv_begins_with_the_verdict_and_they_are_counted(tmp_path: Path, judged: Any) -> None:
    answers = ["pass", "review", "reject"]
    said = [
        replace(one, verdict=Verdict(answers[index % 3], f'P(defect) 0.3, "{index}", lies between'))
        for index, one in enumerate(judged[:-1])
    ]
    tally = write(tmp_path, [*said, replace(judged[-1], verdict=UNREADABLE)]).tally
    _, *body = rows(tmp_path / "images.csv")
    assert [row[1:3] for row in body[:-1]] == [[one.verdict.answer, one.verdict.reason] for one in said]
    assert body[-1][1:6] == ["review", UNREADABLE.reason, "", "", ""]
    assert tally.verdicts == {"pass": 3, "review": 4, "reject": 2}
    assert sum(tally.verdicts.values()) == tally.images == len(judged)
    assert write(tmp_path, judged).tally.verdicts is None


@pytest.mark.parametrize(("class_ids", "names"), [("data", CLASSES), ("numbers", ("1", "2"))])
def test_defects_csv_has_a_row_per_connected_defect(tmp_path: Path, judged: Any, class_ids: Any, names: Any) -> None:
    write(tmp_path, judged, class_ids=class_ids)
    header, *body = rows(tmp_path / "defects.csv")
    assert header == ["ImageId", "ClassId", "left", "top", "width", "height", "area", "probability", "kind"]
    body = [row for row in body if row[8] == "found"]
    regions = [(one.source.image_id, region) for one in judged for region in one.regions]
    assert len(body) == len(regions) > 10
    for row, (image_id, region) in zip(body, regions, strict=True):
        assert row[:2] == [image_id, names[region.class_index]]
        assert [int(cell) for cell in row[2:7]] == [
            region.left,
            region.top,
            region.width,
            region.height,
            region.area,
        ]
        assert float(row[7]) == pytest.approx(region.probability, abs=1e-6)


def test_any_file_name_is_safe_in_a_cell(tmp_path: Path, judged: Any) -> None:
    """Commas, quotes, formulas, what steers a terminal or turns the writing, and bytes that are no UTF-8."""
    names = [
        "a,b.jpg",
        'a"b.jpg',
        "a\nb.jpg",
        "a\r\nb.jpg",
        " a.jpg ",
        "ä.jpg",
        "\udcff.jpg",
        "=1+2.jpg",
        "\u202egpj.jpg",
        r"a\x0ab.jpg",
    ]
    defective = next(one for one in judged if one.is_defective)
    suspected = (Region(1, 3, 4, 5, 6, 7, 0.5),)
    renamed = [replace(defective, source=Source(name, defective.source.path), suspected=suspected) for name in names]
    write(tmp_path, renamed)
    odd = [
        "a\\x0ab.jpg",
        "a\\x0d\\x0ab.jpg",
        " a.jpg ",
        "ä.jpg",
        "\\udcff.jpg",
        "'=1+2.jpg",
        "\\u202egpj.jpg",
        "a\\x5cx0ab.jpg",
    ]
    written = [*names[:2], *odd]
    assert [row[0] for row in rows(tmp_path / "images.csv")[1:]] == written
    assert [row[0] for row in rows(tmp_path / "submission.csv")[1:]] == [name for name in written for _ in CLASSES]
    assert list(dict.fromkeys(row[0] for row in rows(tmp_path / "defects.csv")[1:])) == written


def test_what_was_written_is_counted(tmp_path: Path, judged: Any) -> None:
    tally = write(tmp_path, judged).tally
    assert (tally.images, tally.flagged) == (len(judged), len(judged) // 2)
    assert tally.defective == sum(one.is_defective for one in judged)
    assert [name for name, _ in tally.unreadable] == ["gone.jpg"]


def test_no_two_images_share_a_picture() -> None:
    names = picture_names(["x.jpg", "x.png", "x.jpg.png", "y/x.jpg", "z.tar.png"])
    assert len(set(names.values())) == len(names)
    assert names["z.tar.png"] == "z.tar"


def test_masks_hold_class_numbers_at_the_image_size(tmp_path: Path, judged: Any) -> None:
    writer = write(tmp_path, judged, masks=True)
    assert all(path.exists() for path in writer.wrote)
    assert len(list((tmp_path / "masks").iterdir())) == len(readable(judged))
    for one in readable(judged):
        name = one.source.image_id.removesuffix(".jpg")
        stored = cv2.imread(str(tmp_path / "masks" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(stored, index_mask(one.runs, one.size))
        assert set(np.unique(stored)) <= {0, 1, 2}
        assert (stored > 0).sum() == np.any([decode_runs(r, one.size) for r in one.runs], axis=0).sum()


def test_overlays_show_the_image_with_outlines_and_a_legend(tmp_path: Path, judged: Any) -> None:
    write(tmp_path, judged, overlays=True)
    one = next(one for one in judged if one.is_defective)
    name = one.source.image_id.removesuffix(".jpg")
    stored = cv2.imread(str(tmp_path / "overlays" / f"{name}.jpg"))
    height, width = one.size
    assert stored.shape[0] > height
    assert stored.shape[1] == width
    drawn = draw_overlay(one.image, one.runs, CLASSES, one.p_defect)
    assert drawn.shape == stored.shape
    for index, runs in enumerate(one.runs):
        outlined = (drawn[:height] == class_colour(index)).all(axis=2)
        assert outlined.any() == bool(runs.area)
    with_verdict = draw_overlay(one.image, one.runs, CLASSES, one.p_defect, Verdict("reject", "above 2 cm² " * 40))
    np.testing.assert_array_equal(with_verdict[:height], drawn[:height])
    np.testing.assert_array_equal(with_verdict[height - len(drawn) :], drawn[height:])
    assert len(with_verdict) > len(drawn) + 22 * 2  # the reason takes more than one line
    untouched = (drawn[:height] == np.repeat(one.image[..., None], 3, axis=2)).all(axis=2)
    assert untouched.mean() > 0.5


@pytest.mark.parametrize("size", [(4, 70_000), (70_000, 4)])
def test_an_overlay_longer_than_a_jpeg_can_be_is_made_smaller(tmp_path: Path, judged: Any, size: Any) -> None:
    nothing = (encode_mask(np.zeros(size, bool)),) * 2
    one = replace(judged[0], image=np.full(size, 90, np.uint8), runs=nothing, regions=())
    write(tmp_path, [one], masks=True, overlays=True)
    name = one.source.image_id.removesuffix(".jpg")
    assert max(cv2.imread(str(tmp_path / "overlays" / f"{name}.jpg")).shape) == 65_500
    assert cv2.imread(str(tmp_path / "masks" / f"{name}.png"), cv2.IMREAD_UNCHANGED).shape == size


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_overlays_of_small_and_colour_images(kind: Any) -> None:
    limit = np.iinfo(kind).max
    image = np.full((20, 12, 3), limit // 3, kind)
    mask = np.zeros((20, 12), bool)
    mask[4:9, 2:7] = True
    drawn = draw_overlay(image, [encode_mask(mask), encode_mask(~mask)], ("Kratzer ß", "b"), 0.5)
    assert drawn.dtype == np.uint8
    assert drawn.shape[1:] == (12, 3)
    assert (drawn[:20] == 85).all(axis=2).any()


@pytest.mark.parametrize("ending", [KeyboardInterrupt, ZeroDivisionError])
def test_an_end_before_the_end_leaves_whole_rows_and_the_old_results(tmp_path: Path, judged: Any, ending: Any) -> None:
    write(tmp_path, judged[:2])
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    writer = ResultWriter(tmp_path, CLASSES, [one.source for one in judged], masks=True, batch=4)
    with pytest.raises(ending):
        write_then_raise(writer, judged[:5], ending)
    assert {name: (tmp_path / name).read_bytes() for name in old} == old
    kept = 5 if ending is KeyboardInterrupt else 4
    assert len(rows(tmp_path / "submission.partial.csv")) == 1 + kept * 2
    assert len(rows(tmp_path / "images.partial.csv")) == 1 + kept
    assert len(rows(tmp_path / "defects.partial.csv")) == 1 + sum(
        len(one.regions) + len(one.suspected) for one in judged[:kept]
    )
    assert len(list((tmp_path / "masks").iterdir())) == 5
    write(tmp_path, judged)
    assert {path.name for path in tmp_path.iterdir()} == {"submission.csv", "images.csv", "defects.csv", "masks"}


def test_a_file_where_the_folder_should_be_is_a_user_error(tmp_path: Path, judged: Any) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(UserError, match="out"):
        write(tmp_path / "out", judged)


def test_nothing_found_is_written_as_empty_rows(tmp_path: Path) -> None:
    image = np.zeros((8, 8), np.uint8)
    nothing = (encode_mask(image), encode_mask(image))
    write(tmp_path, [Prediction(Source("a/b.png", tmp_path), image, 0.1, nothing)], masks=True)
    assert rows(tmp_path / "submission.csv")[1:] == [["a/b.png", "bright", ""], ["a/b.png", "dark, very", ""]]
    assert not cv2.imread(str(tmp_path / "masks/a/b.png"), cv2.IMREAD_UNCHANGED).any()


def test_an_object_store_takes_no_results(judged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^`out=s3:/archive/results`: results are written to a disk"):
        write(Path("s3://archive/results"), judged)
    assert list(tmp_path.iterdir()) == []
