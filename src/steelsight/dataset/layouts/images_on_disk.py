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


@dataclass(frozen=True)
class Found:
    """The image that is meant, or why there is none."""

    path: Path | None
    why_not: str = ""


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

    def name_of(self, path: Path) -> str:
        """The image's id: its path inside the folder, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def find(self, stated: str, beside: Sequence[Path] = ()) -> Found:
        """The image that a label file calls `stated`.

        It is that path in one of the folders `beside` or in the root; else the one image whose path ends in the same folders
        and name, as many of them as it takes; else the only one of that name. Backslashes are read as slashes.

        Args:
            beside: folders from which the path may be given, before the root.
        """
        plain = stated.replace("\\", "/").strip()
        for folder in (*beside, self.root):
            path = _inside(folder, plain)
            if path is not None and path in self._all:
                return Found(path)
        parts = [part for part in PurePosixPath(unquote(plain)).parts if part not in ("..", "/")]
        if not parts:
            return Found(None, "it names no image")
        candidates = self._by_name.get(parts[-1], [])
        if not candidates and (match := _UPLOAD.fullmatch(parts[-1])):
            candidates = self._by_name.get(match[1], [])
            parts = [match[1]]
        if len(candidates) <= 1:
            return Found(candidates[0]) if candidates else Found(None, f"image {stated} is not there")
        for count in range(len(parts), 1, -1):
            alike = [path for path in candidates if list(path.parts[-count:]) == parts[-count:]]
            if len(alike) == 1:
                return Found(alike[0])
        names = ", ".join(self.name_of(path) for path in candidates[:3])
        return Found(None, f"image {stated} may be any of {len(candidates)} ({names}); give the path inside the folder")

    def of_stem(self, stem: str, folder: Path) -> list[Path]:
        """The images of a folder that are called so, whatever their suffix."""
        return [path for path in self.paths if path.parent == folder and path.stem == stem]


def _inside(folder: Path, stated: str) -> Path | None:
    """A path below a folder, `..` resolved; None where it can be none."""
    if not stated or "\0" in stated or PurePosixPath(stated).is_absolute():
        return None
    path = folder
    for part in PurePosixPath(stated).parts:
        path = path.parent if part == ".." else path / part
    return path
