"""Files of masks in both layouts, whole and faulty."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.metrics.mask_table import class_text, read_mask_table, split_joined


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_columns_in_any_order_with_others_between_and_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "masks.csv"
    file.write_bytes("\ufeffEncodedPixels, score ,ClassId,ImageId\r\n1 2,.9,1,a.jpg\r\n\r\n,.1,2,b.jpg\r\n".encode())
    table = read_mask_table(file)
    assert {key: runs.area for key, runs in table.runs.items()} == {("a.jpg", "1"): 2, ("b.jpg", "2"): 0}
    assert list(table.lines.values()) == [2, 4]
    assert table.lists_empty


def test_a_mask_longer_than_the_csv_readers_default_limit(tmp_path: Path) -> None:
    text = " ".join(f"{start} 1" for start in range(1, 100_000, 2))
    table = read_mask_table(write(tmp_path / "m.csv", ["ImageId,ClassId,EncodedPixels", f"a.jpg,1,{text}"]))
    assert table.runs["a.jpg", "1"].area == 50_000


@given(
    st.from_regex(r"[a-z0-9_/]{1,12}\.(jpg|PNG|tiff)", fullmatch=True), st.from_regex(r"\w[\w ]{0,8}", fullmatch=True)
)
def test_joined_names_part_behind_the_suffix(image: str, name: str) -> None:
    assert split_joined(f"{image}_{name}") == (image, name)


def test_a_whole_number_with_a_point_is_that_number() -> None:
    assert [class_text(text) for text in ("3.0", "3", "3.5", "v3.0")] == ["3", "3", "3.5", "v3.0"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["ImageId,EncodedPixels"], ":1: column ClassId is missing"),
        ([], ":1: column ImageId, ClassId, EncodedPixels is missing (found: nothing)"),
        (["ImageId,ClassId,EncodedPixels", "a.jpg,1"], ":2: 2 fields, but the header has 3"),
        (["ImageId,ClassId,EncodedPixels", "a.jpg,1,1 2 3"], ":2: a.jpg, class 1: 3 numbers"),
        (["ImageId,ClassId,EncodedPixels", "a.jpg,1,", "a.jpg,1,x 2"], ":3: a.jpg, class 1 stands in line 2"),
        (["ImageId,ClassId,EncodedPixels", "a.jpg,1,x 2"], "'x' is not a whole number"),
        (["ImageId,ClassId,EncodedPixels", "a.jpg,1,9 2 1 2"], "begins before the end"),
        (["ImageId,ClassId,EncodedPixels", "a.jpg,1,409600 2"], "beyond the 409600 pixels"),
        (["ImageId,ClassId,EncodedPixels", "a.jpg,,1 2"], "a.jpg has no class"),
        (["ImageId,ClassId,EncodedPixels", ",1,1 2"], "names no image"),
        (["ImageId_ClassId,EncodedPixels", "a.jpg,1 2"], "'a.jpg' names no image"),
        (["ImageId_ClassId,EncodedPixels", "a.jpg_,1 2"], "a.jpg has no class"),
        (["ImageId,ClassId,EncodedPixels", "a.jpg,1," + "9" * 5000 + " 1"], "beyond any image"),
    ],
)
def test_a_faulty_row_is_named_with_file_and_line(tmp_path: Path, lines: list[str], says: str) -> None:
    file = write(tmp_path / "faulty.csv", lines)
    with pytest.raises(UserError) as caught:
        read_mask_table(file, (256, 1600))
    assert str(file) in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize("size", [(10**30, 2), (1 << 20, 1 << 11), (0, 4)])
def test_a_size_that_no_image_has_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    file = write(tmp_path / "m.csv", ["ImageId,ClassId,EncodedPixels", "a.jpg,1,1 1"])
    with pytest.raises(UserError, match=r"`size=.*: an image has at least 1 and at most 1073741824 pixels"):
        read_mask_table(file, size)
