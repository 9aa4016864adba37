"""Text files as other programs write them: with a byte order mark, in UTF-16, as CSV with semicolons or tabs."""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from steelsight.core.errors import UserError

_LONGEST_FIELD = 2**31 - 1  # a loosely drawn mask of a large image exceeds the 131,072 characters allowed by default
_LONGEST_HEADER = 1 << 16
_DELIMITERS = ",;\t"
_LINE_END = re.compile("\r\n|\r|\n")


def read_text(file: Path, what: str = "text") -> str:
    """The text of a file in UTF-8, or in UTF-16 where its first bytes say so, without a byte order mark.

    Raises:
        UserError: there is no such file, it may not be read, or it is no such text.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); check its rights") from error
    try:
        return content.decode(encoding_of(content))
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not {what} in UTF-8 (byte {error.start + 1}); save it again as UTF-8") from error


def encoding_of(content: bytes) -> str:
    """The encoding that the first bytes of a text give away.

    >>> encoding_of("a".encode("utf-16")), encoding_of(b"a"), encoding_of("a".encode("utf-16-le"))
    ('utf-16', 'utf-8-sig', 'utf-16-le')
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if content[1:2] == b"\0" and content[:1] not in (b"", b"\0"):
        return "utf-16-le"
    return "utf-8-sig"


def table_rows(file: Path, free_text_but: Collection[str] | None = None) -> list[tuple[int, list[str]]]:
    """Line number and fields of every row of a CSV file, the header first; the header says what stands between fields.

    A field that goes on over the end of a line is what one stray quotation mark makes of all the rows behind it.

    Args:
        free_text_but: the only columns of which a field may not do so even if it is closed, in small letters; None for all.

    Raises:
        UserError: as of `read_text`, it is no CSV, or a field goes on over the end of a line.
    """
    text = read_text(file, "a CSV file")
    csv.field_size_limit(_LONGEST_FIELD)
    delimiter = delimiter_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    long: list[tuple[int, int]] = []  # of rows of several lines: which, and its last line
    begin = 1
    try:
        for fields in reader:
            if reader.line_num > begin:
                long.append((len(rows), reader.line_num))
            rows.append((begin, fields))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{file}: not a CSV file ({error}); save it again as CSV, UTF-8") from error
    lines = io.StringIO(text, newline="").readlines() if long else []
    for place, last in long:
        first, fields = rows[place]
        of_row = lines[first - 1 : last]
        is_free = free_text_but is not None and _is_closed(of_row, delimiter)
        is_free = is_free and not _has_row(of_row[1:], len(rows[0][1]), delimiter)
        names = rows[0][1] if is_free and len(fields) == len(rows[0][1]) else []
        free = [name.strip().casefold() not in (free_text_but or ()) for name in names]
        _require_one_line(file, first, fields, free)
    return rows


def _is_closed(lines: Iterable[str], delimiter: str) -> bool:
    """Whether each quotation mark that opens a field of one row has another that ends the field."""
    try:
        return len(list(csv.reader(lines, delimiter=delimiter, strict=True))) == 1
    except csv.Error:
        return False


def _has_row(lines: Iterable[str], columns: int, delimiter: str) -> bool:
    """Whether one of the lines looks like a row: of two stray marks the second closes the field of the first."""
    return columns > 1 and any(line.count(delimiter) + 1 == columns for line in lines)


def _require_one_line(file: Path, line: int, fields: Sequence[str], free: Sequence[bool]) -> None:
    """See that the fields of a row that begins in `line` end where they begin, but for those that are `free`."""
    for place, field in enumerate(fields):
        ends = len(_LINE_END.findall(field))
        if ends and not any(free[place : place + 1]):
            raise UserError(
                f"{file}:{line}: a field begins here with a quotation mark and goes on over the end of the line, so that "
                "the rows behind it would be lost; remove the mark, or end the field with another in this line"
            )
        line += ends


def table_header(file: Path) -> list[str]:
    """The names of the columns of a CSV file, of which no more than its first line is read.

    Raises:
        UserError: as of `table_rows`.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with file.open("rb") as stream:
            content = stream.read(_LONGEST_HEADER)
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); check its rights") from error
    decoder = codecs.getincrementaldecoder(encoding_of(content))()  # which leaves a character that is cut off alone
    try:
        line = _first_line(decoder.decode(content))
        return next(csv.reader([line], delimiter=delimiter_of(line)), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: not a CSV file in UTF-8 ({error}); save it again as CSV, UTF-8") from error


def delimiter_of(text: str) -> str:
    r"""What stands between the fields of the first line: a comma, or what Excel takes in its place.

    >>> delimiter_of("image;class\na,b;c"), delimiter_of("image")
    (';', ',')
    """
    header = _first_line(text)
    return max(_DELIMITERS, key=lambda mark: (header.count(mark), mark == ","))


def _first_line(text: str) -> str:
    """Without what ends it, which in old files is a carriage return alone."""
    return io.StringIO(text[:_LONGEST_HEADER], newline="").readline().rstrip("\r\n")
