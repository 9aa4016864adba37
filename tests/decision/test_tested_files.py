from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.decision.tested import Tested
from steelsight.decision.tested_files import DEFECTS, IMAGES, read_tested, write_tested
from steelsight.errors import UserError
from steelsight.regions import Region

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
SIDES = st.integers(0, 2**31)
REGIONS = st.builds(
    Region, st.integers(0, 1), SIDES, SIDES, SIDES, SIDES, SIDES, st.floats(0, 1).map(lambda p: round(p, 6))
)


@st.composite
def some_images(draw: st.DrawFn) -> Tested:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    count = len(names)
    numbers = st.lists(st.integers(0, 2**40), min_size=count, max_size=count)
    return Tested(
        kind=draw(st.sampled_from(["own", "calibrated", "cross-validated"])),
        classes=("4", "edge, torn"),
        image_ids=tuple(names),
        folds=np.array(draw(numbers)),
        groups=np.array(draw(numbers)),
        sizes=np.array([draw(numbers), draw(numbers)]).T,
        p_defect=np.array(draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))),
        truth=np.array([draw(numbers), draw(numbers)]).T,
        regions=tuple(tuple(draw(st.lists(REGIONS, max_size=2))) for _ in names),
    )


@given(some_images())
def test_what_is_written_is_read_to_the_last_digit(tmp_path_factory: pytest.TempPathFactory, one: Tested) -> None:
    folder = tmp_path_factory.mktemp("tested")
    write_tested(folder, one)
    other = read_tested(folder)
    assert (other.kind, other.classes, other.image_ids, other.regions) == (
        one.kind,
        one.classes,
        one.image_ids,
        one.regions,
    )
    for name in ("folds", "groups", "sizes", "p_defect", "truth"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name))


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (IMAGES, "ImageId,evidence", "ImageId,word", "not the table of tested images"),
        (IMAGES, ",own,", ",guessed,", "export or calibrate"),
        (IMAGES, ",0.25,", ",much,", "could not convert"),
        (IMAGES, "a.jpg,own,0,", "a.jpg,own,", "row 2: 7 cells where there must be 8"),
        (DEFECTS, ",4,", ",5,", "a.jpg"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, file: str, old: str, new: str, says: str) -> None:
    one = np.array([0])
    regions = ((Region(0, 1, 2, 3, 4, 5, 0.5),),)
    write_tested(
        tmp_path,
        Tested(
            "own", ("4",), ("a.jpg",), one, one, np.array([[256, 1600]]), np.array([0.25]), np.array([[7]]), regions
        ),
    )
    path = tmp_path / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=says):
        read_tested(tmp_path)


def test_a_missing_table_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--calibrate"):
        read_tested(tmp_path)
