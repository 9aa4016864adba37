"""Text as other programs write it says the same, however it is encoded and separated."""

from pathlib import Path

import pytest
from helpers.layout_writers import write_picture
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.text_file import delimiter_of, encoding_of, read_text, table_header, table_rows
from steelsight.dataset.read import read_dataset

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le")


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), min_size=2))
def test_what_is_written_with_a_byte_order_mark_is_read(text: str) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        content = text.encode(encoding)
        assert content.decode(encoding_of(content)) == text


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_tables_are_read_in_each_encoding(tmp_path: Path, encoding: str, mark: str, newline: str) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(newline.join([f"image{mark}class", f"a b.jpg{mark}Riß", ""]).encode(encoding))
    assert table_rows(file) == [(1, ["image", "class"]), (2, ["a b.jpg", "Riß"])]
    assert table_header(file) == ["image", "class"]


def test_a_header_is_read_of_a_file_whose_first_part_ends_within_a_character(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(("image,class\n" + "x" * ((1 << 16) - 13) + "ß").encode())
    assert table_header(file) == ["image", "class"]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes("größe;1\n".encode("latin-1"))
    for read in (read_text, table_rows, table_header):
        with pytest.raises(UserError, match="in UTF-8"):
            read(file)
        with pytest.raises(UserError, match="no such file"):
            read(tmp_path / "gone.csv")
    assert delimiter_of("a") == ","


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_severstal_table_from_excel_or_windows_gives_the_same_masks(tmp_path: Path, encoding: str) -> None:
    write_picture(tmp_path / "train_images" / "a.jpg", (4, 4))
    write_picture(tmp_path / "train_images" / "b.jpg", (4, 4))
    text = "ImageId;ClassId;EncodedPixels\r\n.\\a.jpg;1;1 3\r\n"
    (tmp_path / "train.csv").write_bytes(text.encode(encoding))
    dataset = read_dataset(tmp_path)
    assert dataset.faults == ()
    assert [sample.runs[0].area for sample in dataset.samples] == [3, 0]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (['b.jpg,1,"1 5', "c.jpg,1,1 5", "d.jpg,1,1 5"], 4),
        (['"b.jpg,1,1 5', "c.jpg,1,1 5", 'd.jpg,1,"1 5"'], 4),
        (['b.jpg,1,"1 5', "c.jpg,1,1 5", 'd.jpg,1,1 5"'], 4),  # which looks like a row of three fields
        (['b.jpg,"1', '",1 5"', "c.jpg,1,1 5"], 4),
        (["b.jpg,1,1 5", "", 'c.jpg,1,"1 5', "d.jpg,1,1 5"], 6),
    ],
)
def test_a_stray_quotation_mark_loses_no_row(tmp_path: Path, rows: list[str], line: int, newline: str) -> None:
    text = newline.join(["ImageId,ClassId,EncodedPixels", "a.jpg,1,1 5", "", *rows, ""])
    (tmp_path / "train.csv").write_bytes(text.encode())
    for name in "abcd":
        write_picture(tmp_path / "train_images" / f"{name}.jpg", (4, 4))
    for free in (None, ("imageid", "classid", "encodedpixels")):
        with pytest.raises(UserError, match=rf"train\.csv:{line}: a field begins here with a quotation mark"):
            table_rows(tmp_path / "train.csv", free)
    with pytest.raises(UserError, match=f"train.csv:{line}: "):
        read_dataset(tmp_path)


@pytest.mark.parametrize("header", ["ImageId,ClassId,EncodedPixels,Remark", "ImageId_ClassId,EncodedPixels,Remark"])
def test_a_remark_of_several_lines_in_a_severstal_table_is_passed_over(tmp_path: Path, header: str) -> None:
    write_picture(tmp_path / "train_images" / "a.jpg", (4, 4))
    write_picture(tmp_path / "train_images" / "b.jpg", (4, 4))
    of = "," if header.startswith("ImageId,") else "_"
    (tmp_path / "train.csv").write_text(f'{header}\na.jpg{of}1,1 3,"first\nsecond"\nb.jpg{of}1,1 5,\n')
    dataset = read_dataset(tmp_path)
    assert dataset.faults == ()
    assert [sample.runs[0].area for sample in dataset.samples] == [3, 5]


def test_a_remark_may_have_several_lines_and_rows_are_counted_where_they_begin(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text('image,class,Remark\na.jpg,pit,"one\ntwo\n"\nb.jpg,good,\n')
    assert table_rows(file, ("image", "class")) == [
        (1, ["image", "class", "Remark"]),
        (2, ["a.jpg", "pit", "one\ntwo\n"]),
        (5, ["b.jpg", "good", ""]),
    ]
    for columns in (None, ("image", "class", "remark")):
        with pytest.raises(UserError, match=r"labels\.csv:2: "):
            table_rows(file, columns)
    file.write_text('image,class,Remark\na.jpg,pit,"one\nb.jpg,good,"5 mm"\nc.jpg,pit,\n')
    with pytest.raises(UserError, match=r"labels\.csv:2: "):
        table_rows(file, ("image", "class"))
    file.write_text('image,class,Remark\na.jpg,"pit","one ""and"" two"\n')
    assert table_rows(file)[1] == (2, ["a.jpg", "pit", 'one "and" two'])


@pytest.mark.parametrize("of", [",", ";", "\t"])
def test_two_stray_marks_in_remarks_lose_no_row_between_them(tmp_path: Path, of: str) -> None:
    """The second closes the field of the first, and the row that it swallowed would leave its image free of defects."""
    file = tmp_path / "labels.csv"
    rows = ["image,class,Remark", 'a.jpg,pit,"one', 'b.jpg,pit,two"', "c.jpg,good,", ""]
    file.write_text("\n".join(rows).replace(",", of))
    with pytest.raises(UserError, match=r"labels\.csv:2: a field begins here with a quotation mark"):
        table_rows(file, ("image", "class"))
