"""Names of index 1, 2 and so on, however a tool writes the background before them."""

from pathlib import Path

import pytest

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.index_class_names import class_names


def listed(folder: Path, *lines: str) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    (folder / "classes.txt").write_text("\n".join(lines), "utf-8")
    return class_names(folder)


@pytest.mark.parametrize(
    ("lines", "passed"),
    [
        (("crack", "pit"), 0),
        (("\ufeffcrack", "", " pit "), 0),
        (("background", "crack", "pit"), 1),
        (("__ignore__", "_background_", "crack", "pit"), 2),
        (("1: crack", "2: pit"), 0),
        (("0 background", "1 crack", "2 pit"), 1),
    ],
)
def test_every_way_to_write_two_classes(tmp_path: Path, lines: tuple[str, ...], passed: int) -> None:
    names, told = listed(tmp_path, *lines)
    assert names == ("crack", "pit")
    assert len(told) == passed


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((), "0 names"),
        (("crack", "crack"), "2 names"),
        (("crack", "background"), "no class of defects"),
        (("1 crack", "3 pit"), "begin 1, 3"),
        (("0 crack", "1 pit"), "begin 0, 1"),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, lines: tuple[str, ...], says: str) -> None:
    with pytest.raises(UserError, match=says):
        listed(tmp_path, *lines)


def test_a_tables_columns_name_them_where_no_list_does(tmp_path: Path) -> None:
    assert class_names(tmp_path) == (None, ())
    (tmp_path / "index.csv").write_text("image,pit_2,crack_1\n")
    assert class_names(tmp_path) == (("crack", "pit"), ())
    (tmp_path / "index.csv").write_text("image,pit_3,crack_1\n")
    assert class_names(tmp_path) == (None, ())
    assert listed(tmp_path, "scratch")[0] == ("scratch",)  # the list comes first


def test_a_number_of_thousands_of_digits_is_no_index(tmp_path: Path) -> None:
    long = "1" * 5000
    assert listed(tmp_path, f"{long} crack", f"{long}2 pit")[0] == (f"{long} crack", f"{long}2 pit")
    (tmp_path / "classes.txt").unlink()
    (tmp_path / "index.csv").write_text(f"image,crack_{long}\n")
    assert class_names(tmp_path)[0] is None
