"""Damage to a folder: its files' contents and names, links, folders in the place of files, files that are gone."""

import os
import shutil
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fuzzing.damage import damaged
from fuzzing.odd import Draw

_NAMES = (
    "-", "--help", "=1+2", "not good", "no_good", ".hidden", "a b", "Größe", "x\u202ey", "l" * 232, "x.jpg", "[red]x", "a\nb",
    "\udcff", "background", "classes", "labels",
)  # fmt: skip
_FOLDERS = ("good", "not good", "sub", ".hidden", "masks", "images", "background", "ok", "x/y/z")
_SUFFIXES = (".JPG", ".jpeg", ".png", ".webp", ".tif", "", ".json", ".csv")


@dataclass(frozen=True)
class Link:
    """A symbolic link in place of a file."""

    target: str


Files = dict[str, bytes | Link | None]
"""What a folder holds, by path; None is an empty folder."""


def read_files(folder: Path) -> Files:
    """All that lies in a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def write_files(folder: Path, files: Mapping[str, bytes | Link | None]) -> None:
    """Make a folder anew; what a file system refuses is left out."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir()
            elif isinstance(content, Link):
                path.symlink_to(content.target)
            else:
                path.write_bytes(content)
        except (OSError, ValueError):
            continue


def damaged_folder(draw: Draw, files: Files, only: tuple[str, ...] = ()) -> Files:
    """One to three changes, most of them of a file's content.

    Args:
        only: ends of the names of those that may be changed; all where there are none.
    """
    changed = dict(files)
    for _ in range(draw.one((1, 1, 2, 3))):
        names = [name for name in changed if not only or name.endswith(only)]
        if not names:
            return changed
        kinds = sorted({PurePosixPath(name).suffix for name in names})
        kind = draw.one(kinds)  # else pictures, of which there are most, would get most of the damage
        name = draw.one([name for name in names if PurePosixPath(name).suffix == kind])
        content = changed[name]
        if draw.often(0.65) and isinstance(content, bytes):
            changed[name] = damaged(draw, content, name)
        else:
            _misplace(draw, changed, name)
    return changed


def _misplace(draw: Draw, files: Files, name: str) -> None:
    path, content = PurePosixPath(name), files[name]
    match draw.whole(0, 9):
        case 0:
            del files[name]
        case 1:
            files[name] = b""
        case 2:
            files[name] = None
        case 3:
            files[name] = Link(draw.one(("gone", path.name, "/", "/etc/hostname", "..")))
        case 4:
            files[str(path.with_name(draw.one(_NAMES) + path.suffix))] = files.pop(name)
        case 5:
            files[str(path.with_name(path.stem + draw.one(_SUFFIXES)))] = content
        case 6:
            files[f"{draw.one(_FOLDERS)}/{path.name}"] = files.pop(name) if draw.often(0.5) else content
        case 7:
            other = draw.one(
                (path.name.upper(), unicodedata.normalize("NFD", path.name), f"{path.name} ", path.stem + path.name)
            )
            files[str(path.with_name(other))] = files.pop(name)
        case 8:
            files[str(path.with_name(draw.one(_NAMES)))] = draw.some_bytes()
        case _:
            files[name] = files[draw.one(list(files))]


def size_of(files: Files) -> int:
    """Bytes of all files."""
    return sum(len(content) for content in files.values() if isinstance(content, bytes))


def keep(folder: Path, target: Path) -> None:
    """Copy what was tried to where failures are kept."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target, symlinks=True, ignore_dangling_symlinks=True)
    os.utime(target)
