"""Damage to a file: of its bytes whatever they are, and of what JSON, CSV, XML and YAML say, so that the reader gets past the
parser."""

import copy
import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from fuzzing.archives import damaged_safetensors, damaged_sqlite, damaged_zip
from fuzzing.odd import TEXTS, WHOLE, Draw
from fuzzing.pictures import damaged_picture

_DEEP = ("[" * 100_000, '{"a":' * 50_000, "[" * 400 + "]" * 400)
_ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1", "utf-32", "ascii")
_NO_SUCH_FILE = (
    *(ValueError, KeyError, IndexError, RecursionError, OverflowError),
    *(ElementTree.ParseError, yaml.YAMLError, zipfile.BadZipFile),
)
_SEPARATORS = (";", "\t", ",", "|", " ")
_BOMB = (
    "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9))
)  # fmt: skip


def damaged(draw: Draw, content: bytes, name: str) -> bytes:
    """A file's content changed in a way that fits its name, or in its bytes."""
    if draw.often(0.15):
        return damaged_bytes(draw, content)
    by_kind: dict[str, Callable[[Draw, bytes], bytes]] = {
        ".json": damaged_json,
        ".jsonl": _damaged_lines,
        ".csv": damaged_table,
        ".xml": damaged_xml,
        ".yaml": damaged_yaml,
        ".yml": damaged_yaml,
        ".txt": damaged_text,
        ".sqlite": damaged_sqlite,
        ".safetensors": damaged_safetensors,
        ".pt": damaged_zip,
        ".pth": damaged_zip,
        ".npz": damaged_zip,
        ".zip": damaged_zip,
        **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"), damaged_picture),
    }
    change = by_kind.get(Path(name).suffix.lower(), damaged_bytes)
    try:
        return change(draw, content)
    except _NO_SUCH_FILE:
        return damaged_bytes(draw, content)  # it was damaged before, and is no such file any more


def damaged_bytes(draw: Draw, content: bytes) -> bytes:
    """Cut off, with bits flipped, or with parts that are gone, strange or there twice."""
    found = bytearray(content)
    for _ in range(draw.whole(1, 4)):
        at = draw.whole(0, max(0, len(found) - 1))
        span = min(draw.one((1, 2, 4, 16, 256)), len(found) - at)
        match draw.whole(0, 6):
            case 0:
                del found[at:]
            case 1 if found:
                found[at] ^= 1 << draw.whole(0, 7)
            case 2:
                del found[at : at + span]
            case 3:
                found[at:at] = found[at : at + span] * draw.one((1, 2, 64))
            case 4:
                found[at : at + span] = draw.some_bytes()
            case 5:
                number = draw.one(WHOLE).to_bytes(4, draw.one(("little", "big")))
                found[at : at + 4] = number
            case _:
                found[at : at + span] = bytes(span)
    return bytes(found)


def damaged_text(draw: Draw, content: bytes) -> bytes:
    """Lines that are gone, there twice or strange; another encoding or other ends of lines."""
    lines = content.decode("utf-8").split("\n")
    for _ in range(draw.whole(1, 3)):
        at = draw.whole(0, len(lines) - 1)
        match draw.whole(0, 4):
            case 0:
                lines[at] = draw.text()
            case 1:
                lines.insert(at, lines[at])
            case 2 if len(lines) > 1:
                del lines[at]
            case 3:
                words = lines[at].split(" ")
                words[draw.whole(0, len(words) - 1)] = draw.one((draw.text(), str(draw.number())))
                lines[at] = " ".join(words)
            case _:
                lines[at] = lines[at][: draw.whole(0, len(lines[at]))]
    return _encoded(draw, draw.one(("\n", "\n", "\r\n", "\r")).join(lines))


def damaged_json(draw: Draw, content: bytes) -> bytes:
    """Values that are gone, strange, doubled, exchanged or of another kind; keys of other names; depth."""
    if draw.often(0.03):
        return draw.one(_DEEP).encode()
    if draw.often(0.03):
        return content.replace(b"1", b"1" * 5000, 1)
    tree = {"": json.loads(content)}
    for _ in range(draw.one((1, 1, 2, 3))):
        _change(draw, tree)
    text = json.dumps(tree[""], ensure_ascii=draw.often(0.5))
    return _encoded(draw, text) if draw.often(0.1) else text.encode("utf-8", "surrogatepass")


def damaged_yaml(draw: Draw, content: bytes) -> bytes:
    if draw.often(0.05):
        return draw.one(
            (
                _BOMB,
                "a: &a [*a]",
                "[" * 5000,
                "a: 0x" + "f" * 5000,
                "a: 2024-99-99",
                "? [a]\n: b",
                "!!python/object:x {}",
            )
        ).encode()
    if draw.often(0.3):
        return damaged_text(draw, content)
    tree = {"": yaml.safe_load(content)}
    for _ in range(draw.one((1, 1, 2))):
        _change(draw, tree)
    return yaml.safe_dump(tree[""], allow_unicode=True).encode("utf-8", "surrogatepass")


def damaged_table(draw: Draw, content: bytes) -> bytes:
    """Cells, rows and columns changed; other separators, encodings and ends of lines."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    for _ in range(draw.whole(1, 4)):
        row = draw.whole(0, len(rows) - 1)
        column = draw.whole(0, max(0, len(rows[row]) - 1))
        match draw.whole(0, 7):
            case 0 | 1 | 2 if rows[row]:
                rows[row][column] = draw.one((draw.text(), str(draw.number())))
            case 3:
                rows.insert(row, list(rows[row]))
            case 4 if len(rows) > 1:
                del rows[row]
            case 5 if rows[row]:
                del rows[row][column]
            case 6:
                rows[row].insert(column, draw.text())
            case _:
                other = draw.one(rows)
                if other and rows[row]:
                    rows[row][column] = draw.one(other)
    text = io.StringIO()
    mark = draw.one(_SEPARATORS) if draw.often(0.2) else ","
    ends = draw.one(("\r\n", "\r")) if draw.often(0.2) else "\n"
    csv.writer(text, delimiter=mark, lineterminator=ends, escapechar="\\").writerows(rows)
    return _encoded(draw, text.getvalue())


def damaged_xml(draw: Draw, content: bytes) -> bytes:
    if draw.often(0.05):
        return b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'">]><a>&b;&b;</a>'
    if draw.often(0.03):
        return b"<a>" * 100_000
    root = ElementTree.fromstring(content)
    for _ in range(draw.whole(1, 4)):
        every = list(root.iter())
        one = draw.one(every)
        said = _xml_text(draw)
        match draw.whole(0, 6):
            case 0 | 1:
                one.text = said
            case 2 if one.attrib:
                one.set(draw.one(list(one.attrib)), said)
            case 3 if one.attrib:
                del one.attrib[draw.one(list(one.attrib))]
            case 4 if len(one):
                one.remove(draw.one(list(one)))
            case 5 if len(one):
                one.append(copy.deepcopy(draw.one(list(one))))
            case _:
                one.tag = draw.one(("object", "name", "polygon", "mask", "box", "size", "x"))
    written: bytes = ElementTree.tostring(root, encoding=draw.one(("utf-8", "utf-8", "utf-16", "us-ascii")))
    return written


def _xml_text(draw: Draw) -> str:
    said = draw.one((draw.text(), str(draw.number())))
    return "".join(one for one in said if one.isprintable() and not 0xD800 <= ord(one) < 0xE000)


def _damaged_lines(draw: Draw, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at = draw.whole(0, len(lines) - 1)
    lines[at] = damaged_json(draw, lines[at]) if lines[at].strip() else draw.some_bytes()
    joined = b"\n".join(lines)
    return joined[: draw.whole(0, len(joined))] if draw.often(0.2) else joined


def _change(draw: Draw, tree: Any) -> None:
    """One change somewhere in a tree of dicts and lists, whose root is a dict with one entry."""
    holder: Any = tree
    key: Any = ""
    while draw.often(0.8):
        inside = holder[key]
        if isinstance(inside, dict) and inside:
            holder, key = inside, draw.one(list(inside))
        elif isinstance(inside, list) and inside:
            holder, key = inside, draw.whole(0, len(inside) - 1)
        else:
            break
    old = holder[key]
    match draw.whole(0, 7):
        case 0 if holder is not tree:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.insert(key, copy.deepcopy(old))
        case 2 if isinstance(holder, dict) and holder is not tree:
            holder[draw.one((draw.text(), str(key).upper(), f"{key} "))] = holder.pop(key)
        case 3 if isinstance(old, int | float | str):
            holder[key] = _otherwise(draw, old)
        case 4:
            holder[key] = [copy.deepcopy(old)]
        case _:
            holder[key] = draw.value()


def _otherwise(draw: Draw, old: float | str) -> Any:
    """Nearly the same value, or the same as another kind."""
    if isinstance(old, str):
        return draw.one(
            (old.upper(), f" {old}", old[:-1], old + draw.one(TEXTS), old.replace(".", "_"), f"./{old}", f"x/{old}")
        )
    return draw.one((str(old), float(old), -old, old + 1, old * 1000, old + 0.5))


def _encoded(draw: Draw, text: str) -> bytes:
    if draw.often(0.85):
        return text.encode("utf-8", "surrogatepass")
    return text.encode(draw.one(_ENCODINGS), "replace")
