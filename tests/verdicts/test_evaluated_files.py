from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.imaging.regions import Region
from steelsight.metrics.defects import Defects
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import DEFECTS, IMAGES, MATCHES, read_evaluation_set, write_evaluation_set

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
SIDES = st.integers(0, 2**31)
REGIONS = st.builds(
    Region, st.integers(0, 1), SIDES, SIDES, SIDES, SIDES, SIDES, st.floats(0, 1).map(lambda p: round(p, 6))
)


@st.composite
def some_defects(draw: st.DrawFn, images: int) -> tuple[Defects, np.ndarray]:
    """Defects of two classes, and the true pixels of each image and class that go with them."""
    row = st.tuples(st.integers(0, images - 1), st.integers(0, 1), st.integers(1, 2**30), st.floats(0, 1))
    annotated, marked = (
        [(image, of, area, int(share * area)) for image, of, area, share in draw(st.lists(row, max_size=6))]
        for _ in range(2)
    )
    truth = np.zeros((images, 2), np.int64)
    for image, of, area, _ in annotated:
        truth[image, of] += area
    return Defects(*(np.array(rows, np.int64).reshape(-1, 4) for rows in (annotated, marked))), truth


@st.composite
def some_images(draw: st.DrawFn) -> EvaluationSet:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    count = len(names)
    numbers = st.lists(st.integers(0, 2**40), min_size=count, max_size=count)
    defects, truth = draw(some_defects(count))
    older = draw(st.booleans())
    truth = np.array([draw(numbers), draw(numbers)]).T if older else truth
    shown = np.array(draw(st.lists(st.tuples(*[st.booleans()] * 3), min_size=count, max_size=count)))
    shown[truth.sum(axis=1) > 0] = False  # an image has masks, or a label alone
    return EvaluationSet(
        kind=draw(st.sampled_from(["own", "calibrated", "cross-validated"])),
        classes=("4", "edge, torn"),
        image_ids=tuple(names),
        folds=np.array(draw(numbers)),
        groups=np.array(draw(numbers)),
        sizes=np.array([draw(numbers), draw(numbers)]).T,
        p_defect=np.array(draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))),
        truth=truth,
        regions=tuple(tuple(draw(st.lists(REGIONS, max_size=2))) for _ in names),
        defects=None if older else defects,
        shown=draw(st.sampled_from([None, shown])),
        flags=draw(st.sampled_from([None, ((), ("size",), ("light", "bits"), (), ())[:count]])),
    )


@given(some_images())
def test_what_is_written_is_read_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, one: EvaluationSet
) -> None:
    folder = tmp_path_factory.mktemp("tested")
    write_evaluation_set(folder, one)
    other = read_evaluation_set(folder)
    assert (other.kind, other.classes, other.image_ids, other.regions) == (
        one.kind,
        one.classes,
        one.image_ids,
        one.regions,
    )
    for name in ("folds", "groups", "sizes", "p_defect", "truth"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name))
    assert (other.shown is None) == (one.shown is None)
    if one.shown is not None and other.shown is not None:
        assert other.shown.tolist() == one.shown.tolist()
    assert other.flags == one.flags
    assert (other.defects is None) == (one.defects is None)
    if one.defects is not None and other.defects is not None:
        assert other.defects.annotated.tolist() == one.defects.annotated.tolist()
        assert other.defects.marked.tolist() == one.defects.marked.tolist()


def test_tables_of_older_versions_are_read_and_those_of_other_images_do_not_stay(tmp_path: Path) -> None:
    _write_one(tmp_path)
    known = read_evaluation_set(tmp_path)
    assert known.defects is not None
    (tmp_path / MATCHES).unlink()
    assert read_evaluation_set(tmp_path).defects is None
    write_evaluation_set(tmp_path, known)
    write_evaluation_set(tmp_path, replace(known, defects=None))
    assert not (tmp_path / MATCHES).exists()


def _write_one(folder: Path) -> None:
    one = np.array([0])
    regions = ((Region(0, 1, 2, 3, 4, 5, 0.5),),)
    defects = Defects(np.array([[0, 0, 7, 2]]), np.array([[0, 0, 5, 2]]))
    truth = np.array([[7]])
    size = np.array([[256, 1600]])
    write_evaluation_set(
        folder, EvaluationSet("own", ("4",), ("a.jpg",), one, one, size, np.array([0.25]), truth, regions, defects)
    )


def test_images_that_are_known_by_a_label_are_no_part_of_what_masks_are_held_against() -> None:
    regions = ((Region(0, 1, 2, 3, 4, 5, 0.5),),) * 4
    tested = replace(_four(), regions=regions, defects=Defects(np.array([[0, 0, 7, 2]]), np.array([[3, 1, 5, 0]])))
    assert tested.label_alone.tolist() == [False, True, True, False]
    assert tested.defective.tolist() == [True, True, True, False]
    assert tested.shows.tolist() == [[True, False], [False, True], [False, False], [False, False]]
    assert tested.class_unknown.tolist() == [False, False, True, False]
    drawn = tested.with_masks()
    assert (drawn.image_ids, drawn.shown) == (("a", "d"), None)
    assert drawn.defects is not None
    assert (drawn.defects.annotated.tolist(), drawn.defects.marked.tolist()) == ([[0, 0, 7, 2]], [[1, 1, 5, 0]])
    assert drawn.with_masks() is drawn
    assert tested.only(np.array([2, 0])).class_unknown.tolist() == [True, False]


def _four() -> EvaluationSet:
    """One with a mask, one whose label names its class, one whose label does not, and a good one."""
    zero = np.zeros(4, np.int64)
    truth, shown = np.zeros((4, 2), np.int64), np.zeros((4, 3), np.bool_)
    truth[0, 0], shown[1, 1], shown[2, 2] = 7, True, True
    p_defect = np.full(4, 0.25)
    return EvaluationSet(
        "calibrated",
        ("4", "5"),
        tuple("abcd"),
        zero,
        np.arange(4),
        np.full((4, 2), 64),
        p_defect,
        truth,
        ((),) * 4,
        shown=shown,
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("shown_4,shown_5", "shown_5,shown_4", "columns of labels are of other classes"),
        ("shown_4,", "", "cells, but there must be"),
        ("c,calibrated,0,2,64,64,0.25,0,0,0,0,1", "c,calibrated,0,2,64,64,0.25,0,0,0,0,2", "neither 0 nor 1"),
        ("c,calibrated,0,2,64,64,0.25,0,0,0,0,1", "c,calibrated,0,2,64,64,0.25,9,0,0,0,1", "beside a mask"),
    ],
)
def test_damaged_labels_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    write_evaluation_set(tmp_path, _four())
    path = tmp_path / IMAGES
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=says):
        read_evaluation_set(tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (IMAGES, "ImageId,evidence", "ImageId,word", "not the table of tested images"),
        (IMAGES, ",own,", ",guessed,", "export or calibrate"),
        (IMAGES, ",0.25,", ",much,", "could not convert"),
        (IMAGES, "a.jpg,own,0,", "a.jpg,own,", "row 2: 7 cells, but there must be 8"),
        (IMAGES, "a.jpg,own,0,", f"a.jpg,own,{10**20},", "has more than 64 bits"),
        (MATCHES, "annotated,7,2", f"annotated,{10**20},2", "has more than 64 bits"),
        (DEFECTS, ",4,", ",5,", "a.jpg"),
        (MATCHES, "kind", "word", "not the table of annotated and marked defects"),
        (MATCHES, "a.jpg,4,annotated", "b.jpg,4,annotated", "row 2: 'b.jpg'"),
        (MATCHES, "annotated,7,2", "annotated,7,8", "row 2: 8 of 7 pixels"),
        (MATCHES, "annotated,7,2", "annotated,6,2", "defects of a.jpg have other areas than in tested.csv"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, file: str, old: str, new: str, says: str) -> None:
    _write_one(tmp_path)
    path = tmp_path / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=says):
        read_evaluation_set(tmp_path)


def test_a_missing_table_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--calibrate"):
        read_evaluation_set(tmp_path)
