"""Damage to a picture by what its format is made of: PNG's parts, JPEG's segments, TIFF's fields, the head of a BMP."""

import struct
import zlib

from fuzzing.odd import WHOLE, Draw

_PNG = b"\x89PNG\r\n\x1a\n"
_BMP_FIELDS = ((2, 4), (10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 4), (34, 4), (46, 4))
_KINDS = (b"tRNS", b"acTL", b"eXIf", b"sBIT", b"gAMA", b"PLTE", b"iCCP", b"zTXt", b"IDAT", b"IEND")


def damaged_picture(draw: Draw, content: bytes) -> bytes:
    """One to three changes of the file's own parts, and now and then of its bytes."""
    for _ in range(draw.whole(1, 3)):
        if draw.often(0.25) or len(content) < 60:
            content = _noise(draw, content)
        elif content.startswith(_PNG):
            content = _png(draw, content)
        elif content.startswith(b"\xff\xd8"):
            content = _jpeg(draw, content)
        elif content.startswith(b"BM"):
            at, size = draw.one(_BMP_FIELDS)
            content = content[:at] + (draw.one(WHOLE) % 256**size).to_bytes(size, "little") + content[at + size :]
        else:
            content = _tiff(draw, content)
    return content


def _noise(draw: Draw, content: bytes) -> bytes:
    if draw.often(0.3):
        return content[: draw.whole(0, len(content))]
    changed = bytearray(content)
    for _ in range(draw.one((1, 1, 3, 20))):
        if changed:
            changed[draw.whole(0, len(changed) - 1)] = draw.whole(0, 255)
    return bytes(changed) + (draw.some_bytes() if draw.often(0.1) else b"")


def _png(draw: Draw, content: bytes) -> bytes:
    parts, at = [], len(_PNG)
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        parts.append((kind, content[at + 8 : at + 8 + length]))
        at += 12 + length
    if not parts:
        return _noise(draw, content)
    place = draw.whole(0, len(parts) - 1)
    kind, data = parts[place]
    match draw.whole(0, 5):
        case 0:
            del parts[place]
        case 1:
            parts.insert(place, (draw.one(_KINDS), draw.some_bytes()))
        case 2:
            parts.insert(place, parts[place])
        case 3 if parts[0][0] == b"IHDR" and len(parts[0][1]) == 13:
            head = bytearray(parts[0][1])
            field = draw.one((0, 4, 8, 9, 10, 11, 12))
            if field < 8:
                head[field : field + 4] = draw.one(WHOLE).to_bytes(4, "big")
            else:
                head[field] = draw.one((0, 1, 2, 3, 4, 6, 8, 16, 255))
            parts[0] = (b"IHDR", bytes(head))
        case 4 if kind == b"IDAT":
            parts[place] = (kind, zlib.compress(draw.one((b"", bytes(10), b"\x05" * 5000, bytes(10**6)))))
        case _:
            changed = bytearray(data)
            if changed:
                changed[draw.whole(0, len(changed) - 1)] = draw.whole(0, 255)
            parts[place] = (kind, bytes(changed))
    whole = _PNG
    for number, (kind, data) in enumerate(parts):
        crc = zlib.crc32(kind + data) ^ (number == place and draw.often(0.1))
        whole += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)
    return whole


def _jpeg(draw: Draw, content: bytes) -> bytes:
    segments, at = [], 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        length = struct.unpack_from(">H", content, at + 2)[0]
        segments.append((at, length))
        at += 2 + length
        if content[segments[-1][0] + 1] == 0xDA:
            break
    if not segments:
        return _noise(draw, content)
    start, length = draw.one(segments)
    end = start + 2 + length
    match draw.whole(0, 5):
        case 0:
            return content[:start] + content[end:]
        case 1:
            return content[:end] + content[start:end] * draw.one((1, 3, 200)) + content[end:]
        case 2:
            return content[: start + 2] + struct.pack(">H", draw.one(WHOLE) % 65536) + content[start + 4 :]
        case 3:
            odd = draw.whole(start + 4, max(start + 4, min(end, len(content)) - 1))
            return content[:odd] + bytes([draw.whole(0, 255)]) + content[odd + 1 :]
        case 4:
            return (
                content[: start + 1]
                + bytes([draw.one((0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xDA, 0xE1, 0xD9, 0xFE))])
                + content[start + 2 :]
            )
        case _:
            exif = b"Exif\0\0" + draw.one(
                (b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", b"MM\0*" + draw.some_bytes(), b"")
            )
            return content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]


def _tiff(draw: Draw, content: bytes) -> bytes:
    order = "<" if content[:2] == b"II" else ">"
    try:
        at = struct.unpack_from(order + "I", content, 4)[0]
        count = struct.unpack_from(order + "H", content, at)[0]
        entry = at + 2 + 12 * draw.whole(0, max(0, count - 1))
        if entry + 12 > len(content):
            return _noise(draw, content)
        field = draw.one((0, 2, 4, 8, 8, 8))
        if draw.often(0.15):
            entry, field = at + 2 + 12 * count, 0  # where the next page is
            new = struct.pack(order + "I", draw.one((0, at, 8, *WHOLE)))
        elif field < 4:
            new = struct.pack(
                order + "H",
                draw.one((1, 3, 4, 256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317, 322, 338, 339, 65535)),
            )
        else:
            new = draw.one(
                (struct.pack(order + "I", draw.one(WHOLE)), struct.pack(order + "HH", draw.one(WHOLE) % 65536, 0))
            )
    except struct.error:
        return _noise(draw, content)
    return content[: entry + field] + new + content[entry + field + len(new) :]
