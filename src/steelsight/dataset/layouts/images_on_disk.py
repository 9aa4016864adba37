"""The images below a folder, and which of them a label file means: files move between machines, and their paths do not
follow."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from steelsight.imaging.folders import look_below

_UPLOAD = re.compile(r"[0-9a-f]{8}-(.+)", re.ASCII)
"""What Label Studio puts before the name of an uploaded file."""
_NUMBER = re.compile("[0-9]+", re.ASCII)


@dataclass(frozen=True)
class Found:
    """The image that is meant, or why there is none."""

    path: Path | None
    why_not: str = ""


@dataclass(frozen=True)
class Stated:
    """What a label file says of all its images together, which tells what a path of it cannot mean.

    Attributes:
        paths: images that some entry names outright; no other entry means them.
        folders: of all entries, with those around them: the file tells siblings among them apart.
    """

    paths: frozenset[Path] = frozenset()
    folders: frozenset[tuple[str, ...]] = frozenset()


_NONE_STATED = Stated()


class ImagesOnDisk:
    """All images below a folder.

    Attributes:
        root: the folder.
        paths: its images, sorted; without those in hidden and linked folders.
    """

    def __init__(self, root: Path, without: Iterable[Path] = ()) -> None:
        taken_out = set(without)
        self.root = root
        self.paths: tuple[Path, ...] = tuple(path for path in look_below(root)[0] if path not in taken_out)
        self._by_name: defaultdict[str, list[Path]] = defaultdict(list)
        self._all = frozenset(self.paths)
        for path in self.paths:
            self._by_name[path.name].append(path)
        self._folders = frozenset(folder for of in {path.parent for path in self.paths} for folder in (of, *of.parents))

    def name_of(self, path: Path) -> str:
        """The image's id: its path inside the folder, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def stated(self, names: Iterable[str], beside: Sequence[Path] = ()) -> Stated:
        """What the names in a label file say together; for `find`."""
        paths: set[Path] = set()
        folders: set[tuple[str, ...]] = set()
        for name in names:
            path = self._outright(name, beside)
            paths.update([path] if path is not None else ())
            inside = _parts(name)[:-1]
            folders.update(inside[:end] for end in range(1, len(inside) + 1))
        return Stated(frozenset(paths), frozenset(folders))

    def find(self, stated: str, beside: Sequence[Path] = (), all_stated: Stated = _NONE_STATED) -> Found:
        """The image that a label file calls `stated`.

        It is that path in one of the folders `beside` or in the root; else the one image whose path ends in the same folders
        and name, as many of them as it takes; else the only one of that name. Backslashes are read as slashes. Such a one is
        another image where another entry names it outright, or its folder is a sibling of the one that is stated.

        Args:
            beside: folders from which the path may be given, before the root.
            all_stated: what the label file says together.
        """
        path = self._outright(stated, beside)
        if path is not None:
            return Found(path)
        parts = _parts(stated)
        if not parts:
            return Found(None, "it names no image")
        candidates = self._by_name.get(parts[-1], [])
        if not candidates and (match := _UPLOAD.fullmatch(parts[-1])):
            candidates = self._by_name.get(match[1], [])
            parts = (match[1],)
        if not candidates:
            return Found(None, f"image {stated} is not there")
        alike = candidates
        for count in range(len(parts), 1, -1):
            if len(alike) == 1:
                break
            alike = [path for path in candidates if path.parts[-count:] == parts[-count:]]
        if len(alike) == 1:
            if alike[0] in all_stated.paths or self._is_elsewhere(parts, alike[0], all_stated):
                return Found(None, f"image {stated} is not there ({self.name_of(alike[0])} is another)")
            return Found(alike[0])
        names = ", ".join(self.name_of(path) for path in candidates[:3])
        return Found(None, f"image {stated} may be any of {len(candidates)} ({names}); give the path inside the folder")

    def _outright(self, stated: str, beside: Sequence[Path]) -> Path | None:
        """The image that a path names as it stands."""
        plain = _plain(stated)
        for folder in (*beside, self.root):
            path = _inside(folder, plain)
            if path is not None and path in self._all:
                return path
        return None

    def _is_elsewhere(self, parts: tuple[str, ...], path: Path, all_stated: Stated) -> bool:
        """Whether an image's folder is another than the stated one, such as that of another camera, and not merely the same
        under the name that it has on this machine."""
        if "upload" in parts[:-2]:  # whose folders Label Studio numbers
            return False
        said, inside = list(parts[:-1]), list(path.relative_to(self.root).parts[:-1])
        while said and inside:
            one, other = said.pop(), inside.pop()
            if _same(one) != _same(other):
                return (
                    _NUMBER.sub("0", one.casefold()) == _NUMBER.sub("0", other.casefold())
                    or (*said, other) in all_stated.folders
                    or self.root.joinpath(*inside, one) in self._folders
                )
        return False

    def of_stem(self, stem: str, folder: Path) -> list[Path]:
        """The images of a folder that are called so, whatever their suffix."""
        return [path for path in self.paths if path.parent == folder and path.stem == stem]


def _plain(stated: str) -> str:
    return stated.replace("\\", "/").strip()


def _parts(stated: str) -> tuple[str, ...]:
    """Folders and name of a path, as far as they say something."""
    return tuple(part for part in PurePosixPath(unquote(_plain(stated))).parts if part not in ("..", "/"))


def _same(folder: str) -> str:
    """Equal for folders that are one however they are spelt: `Line 02` and `line 2`."""
    return _NUMBER.sub(lambda number: number[0].lstrip("0") or "0", folder.casefold())


def _inside(folder: Path, stated: str) -> Path | None:
    """A path below a folder, `..` resolved; None where it can be none."""
    if not stated or "\0" in stated or PurePosixPath(stated).is_absolute():
        return None
    path = folder
    for part in PurePosixPath(stated).parts:
        path = path.parent if part == ".." else path / part
    return path
