"""What a TIFF says of itself, and whether its pixels are all there: seen to before a decoder does.

A decoder reads the first page and says nothing of the others, fills what it cannot decode with black, multiplies by alpha,
turns by the orientation or not, and tells white from black in 8 bit alone. So the file is read here as far as it takes to
refuse what no two programs agree on, and to have the rest decoded as it is stored.

Source of the numbers: TIFF 6.0 and its Technical Notes; BigTIFF.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from steelsight.imaging.tiff_strips import COMPRESSIONS, StripError, check_strip

_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">", b"II+\x00": "<", b"MM\x00+": ">"}
_WHOLE = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q", 18: "Q"}  # field types of whole numbers
_MOST_PAGES, _MOST_ENTRIES = 10_000, 65_535
_MOST_STRIPS = 32_768  # each is looked at by itself; one row a strip is usual, and tiles have 128 x 128 pixels and more
_PADDED, _SMALL = 4, 1 << 24  # pixels of all tiles: so many times those of the image, unless they are no more than this
_SHARED = 4  # times the file's bytes, or `_SMALL` bytes, that all strips may state: some may lie at one place

NEW_SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS, PLANAR, COLOURS = 273, 274, 277, 278, 279, 284, 320
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, EXTRA, FORMAT, TABLES = 322, 323, 324, 325, 338, 339, 347

_FEW, _MANY, _TABLES = 16, _MOST_STRIPS, 65_536
_MOST_VALUES = {
    **dict.fromkeys(
        (NEW_SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, SAMPLES, ROWS, PLANAR), _FEW
    ),
    **dict.fromkeys((TILE_WIDTH, TILE_HEIGHT, EXTRA, FORMAT), _FEW),
    **dict.fromkeys((OFFSETS, COUNTS, TILE_OFFSETS, TILE_COUNTS), _MANY),
    COLOURS: 3 << 4,
    TABLES: _TABLES,
}
"""Of the fields that are read: others may each point to the same megabytes, as often as there is room for fields."""

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_CHANNELS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4, _YCBCR: 3}
_JPEG = 7
_MULTIPLIED, _APART = 1, 2  # of ExtraSamples: alpha by which the colours were multiplied, or were not


class TiffError(ValueError):
    """What is wrong with a TIFF, and the mend."""


@dataclass(frozen=True)
class Field:
    """One field of a page: its whole numbers, where they and their number stand in the file, and as which types."""

    values: tuple[int, ...]
    at: int
    code: str
    count_at: int
    count_code: str


@dataclass(frozen=True)
class TiffPage:
    """The first page of a TIFF of one page.

    Attributes:
        order: `<` or `>`.
        fields: by tag, those of whole numbers.
    """

    order: str
    fields: Mapping[int, Field]

    @property
    def bits(self) -> int:
        """Of one channel."""
        return self.one(BITS, 1)

    @property
    def few_bits(self) -> bool:
        """Whether it has 2 or 4 bits a pixel and nothing beside them, and so few bits a row that any field can say it."""
        wide = self.bits * max(self.one(WIDTH), self.one(TILE_WIDTH))
        return self.bits in (2, 4) and self.one(SAMPLES, 1) == 1 and wide < 1 << 16

    @property
    def is_palette(self) -> bool:
        return self.one(PHOTOMETRIC) == _PALETTE

    @property
    def is_white_zero(self) -> bool:
        """Whether 0 stands for white."""
        return self.one(PHOTOMETRIC) == _WHITE_IS_ZERO

    def one(self, tag: int, default: int = -1) -> int:
        """The first number of a field."""
        field = self.fields.get(tag)
        return field.values[0] if field and field.values else default

    def all(self, tag: int) -> tuple[int, ...]:
        """All numbers of a field."""
        field = self.fields.get(tag)
        return field.values if field else ()

    def as_stored(self, content: bytes, *, indices: bool = False) -> bytes:
        """The same file, which a decoder neither turns nor multiplies by alpha; with `indices`, without its palette, and with
        `few_bits` as single bits, so many times as wide, which decoders know: the bytes of a row are the same."""
        changes = {ORIENTATION: 1}
        if self.all(EXTRA) == (_APART,):
            changes[EXTRA] = 0
        if indices and self.is_palette:
            changes[PHOTOMETRIC] = _BLACK_IS_ZERO
        if indices and self.few_bits:
            changes |= {BITS: 1, WIDTH: self.bits * self.one(WIDTH), TILE_WIDTH: self.bits * self.one(TILE_WIDTH)}
        changed = bytearray(content)
        for tag, value in changes.items():
            field = self.fields.get(tag)
            if field and field.values:
                struct.pack_into(self.order + field.code, changed, field.at, value)
        if indices and self.few_bits and (field := self.fields.get(COLOURS)):  # else OpenCV warns of each such file
            struct.pack_into(self.order + field.count_code, changed, field.count_at, 3 << 1)
        return bytes(changed)


def read_page(content: bytes) -> TiffPage:
    """The page of a TIFF, once it is seen to be the only one, of a kind that is read, and whole.

    Raises:
        TiffError: it is not.
    """
    page = _only_page(content)
    _refuse_kind(page)
    try:
        for strip in _strips(page, content):
            strip.check(content)
    except StripError as error:
        raise TiffError(f"its pixels are damaged: {error}; copy it again from its source") from None
    return page


def orientation(content: bytes) -> int:
    """The orientation that a TIFF or an EXIF states, 1 to 8; 1 where it states none."""
    try:
        order, big, at = _first_page(content)
        fields = dict(_fields(content, order, big, *_entries(content, order, big, at), only=ORIENTATION))
    except (struct.error, KeyError):
        return 1  # of an EXIF that breaks off elsewhere, the orientation still counts
    stated = TiffPage(order, fields).one(ORIENTATION, 1)
    return stated if 1 <= stated <= 8 else 1


def _only_page(content: bytes) -> TiffPage:
    pages = _pages(content)
    try:
        order, big, first, entries = next(pages)
        fields = dict(_fields(content, order, big, first, entries))
        further = sum(1 for _ in pages)
    except (struct.error, StopIteration, KeyError):
        raise TiffError("the file breaks off or its list of pages is damaged; copy it again from its source") from None
    if further:
        raise TiffError(
            f"{further + 1} pages, of which a decoder would read the first alone; save each as a file of its own"
        )
    page = TiffPage(order, fields)
    if page.one(NEW_SUBFILE, 0) & 1:
        raise TiffError("it holds a small preview in the place of the image; save the image itself")
    return page


def _pages(content: bytes) -> Iterator[tuple[str, bool, int, int]]:
    """Of each page in the file's order: byte order, whether it is a BigTIFF's, the place of its first field, and how many
    there are."""
    order, big, at = _first_page(content)
    seen: set[int] = set()
    while at and at not in seen and len(seen) < _MOST_PAGES:
        seen.add(at)
        first, entries = _entries(content, order, big, at)
        end = first + entries * (20 if big else 12)
        (following,) = struct.unpack_from(order + ("Q" if big else "I"), content, end)
        yield order, big, first, entries
        at = int(following)


def _first_page(content: bytes) -> tuple[str, bool, int]:
    """Byte order, whether it is a BigTIFF, and the place of the first page."""
    order, big = _ORDERS[content[:4]], content[:4].strip(b"IM\x00") == b"+"
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)
    return order, big, int(at)


def _entries(content: bytes, order: str, big: bool, at: int) -> tuple[int, int]:
    """Place of the first field of a page, and how many there are.

    Raises:
        struct.error: they are not there, or more than a page can have.
    """
    (entries,) = struct.unpack_from(order + ("Q" if big else "H"), content, at)
    if entries > _MOST_ENTRIES:
        raise struct.error
    return at + (8 if big else 2), int(entries)


def _fields(
    content: bytes, order: str, big: bool, first: int, entries: int, only: int | None = None
) -> Iterator[tuple[int, Field]]:
    seen: set[int] = set()  # of fields that come twice the first counts, as it does for decoders
    for number in range(entries):
        at = first + number * (20 if big else 12)
        tag, kind, count = struct.unpack_from(order + ("HHQ" if big else "HHI"), content, at)
        if kind not in _WHOLE or count > _MOST_VALUES.get(tag, -1) or only not in (None, tag) or tag in seen:
            continue
        seen.add(tag)
        code, where = _WHOLE[kind], at + (12 if big else 8)
        if struct.calcsize(code) * count > (8 if big else 4):
            (where,) = struct.unpack_from(order + ("Q" if big else "I"), content, where)
        values = struct.unpack_from(f"{order}{count}{code}", content, where)
        yield tag, Field(values, where, code, at + 4, "Q" if big else "I")


def _refuse_kind(page: TiffPage) -> None:
    """Refuse what decoders do not agree on."""
    model, samples, extra = page.one(PHOTOMETRIC), page.one(SAMPLES, 1), page.all(EXTRA)
    if model not in _CHANNELS or (model == _YCBCR and page.one(COMPRESSION, 1) != _JPEG):
        raise TiffError(f"its colour model has the number {model}; save it as grey or RGB")
    if page.one(COMPRESSION, 1) not in COMPRESSIONS:
        raise TiffError(
            f"compression {page.one(COMPRESSION)} is not read; save it uncompressed, or with LZW or deflate"
        )
    if len(set(page.all(BITS))) > 1:
        raise TiffError(
            f"its channels have {', '.join(map(str, page.all(BITS)))} bits; save it with 8 or 16 bit a channel"
        )
    if set(page.all(FORMAT)) - {1, 4}:
        raise TiffError("its numbers are signed or fractions; save it with 8 or 16 bit a channel, from 0 up")
    if not 0 <= samples - _CHANNELS[model] <= 1:
        raise TiffError(f"{samples} channels; save it as grey or RGB")
    if extra[:1] == (_MULTIPLIED,):
        raise TiffError(
            "its colours are multiplied by an alpha channel, so the colours under it are lost; save it without"
        )
    if page.bits == 16 and samples == 2:
        raise TiffError("grey with an alpha channel in 16 bit; save it without alpha")
    if page.bits == 16 and samples > 1 and page.one(PLANAR, 1) != 1:
        raise TiffError("its channels are stored one after the other in 16 bit; save them pixel by pixel")


@dataclass(frozen=True)
class _Strip:
    """A strip or tile: where it lies, how it is compressed, how many bytes it should hold, and its greatest height and
    width."""

    at: int
    size: int
    compression: int
    holds: int
    tables: bytes
    most: tuple[int, int]

    def check(self, content: bytes) -> None:
        if self.at + self.size > len(content) or not self.size:
            raise StripError("they lie beyond the end of the file")
        check_strip(content[self.at : self.at + self.size], self.compression, self.holds, self.tables, self.most)


def _strips(page: TiffPage, content: bytes) -> Iterator[_Strip]:
    width, height = page.one(WIDTH), page.one(HEIGHT)
    tiled = TILE_OFFSETS in page.fields
    offsets, counts = (
        (page.all(TILE_OFFSETS), page.all(TILE_COUNTS)) if tiled else (page.all(OFFSETS), page.all(COUNTS))
    )
    wide, high = (
        (page.one(TILE_WIDTH), page.one(TILE_HEIGHT)) if tiled else (width, min(page.one(ROWS, height), height))
    )
    if min(width, height, wide, high) < 1:
        raise TiffError("its header does not say its size; copy it again from its source")
    samples = page.one(SAMPLES, 1)
    planes = samples if page.one(PLANAR, 1) == 2 else 1
    across, down = ceil(width / wide), ceil(height / high)
    if across * down * planes > _MOST_STRIPS:
        raise TiffError(
            f"{across * down * planes} strips or tiles are more than {_MOST_STRIPS}; save it with larger ones"
        )
    if across * down * wide * high > max(_PADDED * width * height, _SMALL) and tiled:
        raise TiffError(
            f"its tiles hold {across * down * wide * high} pixels for an image of {width * height}; save it with smaller ones"
        )
    if len(offsets) != len(counts) or len(offsets) < across * down * planes:
        raise StripError("some of them are not in the file")
    row = ceil(wide * page.bits * (samples // planes) / 8)
    field = page.fields.get(TABLES)
    tables = bytes(field.values) if field and field.code == "B" else b""
    stated = 0
    for number, (at, size) in enumerate(zip(offsets, counts, strict=True)):
        place = number % (across * down)
        rows = high if tiled else min(high, height - place * high)
        stated += size
        if stated > max(_SHARED * len(content), _SMALL):
            raise TiffError(
                f"its strips or tiles state more bytes than {_SHARED} times its {len(content)}; save it again"
            )
        if number < across * down * planes:
            yield _Strip(at, size, page.one(COMPRESSION, 1), row * rows, tables, (high, wide))
