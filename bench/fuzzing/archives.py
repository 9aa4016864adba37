"""Damage within files of other formats: zip, safetensors and SQLite."""

import io
import json
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

from fuzzing.odd import WHOLE, Draw


def damaged_zip(draw: Draw, content: bytes) -> bytes:
    """An archive with a member that is gone, there twice, changed, or under another name."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        names = old.namelist()
        chosen, what = draw.one(names), draw.whole(0, 4)
        for name in names:
            inside = old.read(name)
            if name != chosen:
                new.writestr(name, inside)
                continue
            match what:
                case 0:
                    continue
                case 1:
                    new.writestr(name, inside[: draw.whole(0, len(inside))])
                case 2:
                    new.writestr(f"{draw.one(('../', '/', 'x/'))}{name}", inside)
                case _:
                    at = draw.whole(0, len(inside))
                    new.writestr(name, inside[:at] + draw.some_bytes() + inside[at + draw.one((0, 1, 8)) :])
    return made.getvalue()


def damaged_safetensors(draw: Draw, content: bytes) -> bytes:
    """Another head: names, types, shapes and places of tensors, or its length."""
    length = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + length])
    name = draw.one([one for one in head if one != "__metadata__"])
    match draw.whole(0, 5):
        case 0:
            head[name]["shape"] = draw.one(([], [0], [1], [2**62], [-1], [1.5], None, head[name]["shape"] * 2))
        case 1:
            head[name]["dtype"] = draw.one(("F16", "F64", "I8", "BOOL", "X", None, "F8_E4M3"))
        case 2:
            head[name]["data_offsets"] = draw.one(([0, 0], [0, 2**63], [8, 4], [0], None))
        case 3:
            head[draw.one(("x", "", "__metadata__"))] = head.pop(name)
        case 4:
            return draw.one(WHOLE).to_bytes(8, "little") + content[8:]
        case _:
            del head[name]
    written = json.dumps(head).encode()
    return len(written).to_bytes(8, "little") + written + content[8 + length :]


def damaged_sqlite(draw: Draw, content: bytes) -> bytes:
    """Odd values in a column, a table that is gone or emptied, or an odd number in the head."""
    if draw.often(0.25):
        at = draw.one((16, 18, 20, 24, 28, 44, 52, 56, 60, 96))
        return content[:at] + draw.one(WHOLE).to_bytes(4, "big") + content[at + 4 :]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log.sqlite"
        file.write_bytes(content)
        try:
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA foreign_keys=OFF")
                _edit(draw, connection)
                connection.commit()
                connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error:
            return content[: draw.whole(0, len(content))]  # a rule of the table, or a file that was damaged before
        return file.read_bytes()


def _edit(draw: Draw, connection: sqlite3.Connection) -> None:
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = draw.one([one for one in tables if not one.startswith("sqlite_")])
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    column = draw.one(columns)
    match draw.whole(0, 8):
        case 0:
            connection.execute(f'DROP TABLE "{table}"')
        case 1:
            connection.execute(f'DELETE FROM "{table}"')
        case 2:
            connection.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO strange')
        case _:
            odd = draw.one(
                (
                    None,
                    "",
                    "x",
                    b"\xff\x00",
                    -1,
                    2**62,
                    1e308,
                    float("inf"),
                    "[]",
                    "{}",
                    '{"a": 1}',
                    "[" * 2000,
                    0.5,
                    "\u202e",
                )
            )
            connection.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = ?', (odd,))
