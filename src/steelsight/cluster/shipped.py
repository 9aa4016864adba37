"""A folder's files by way of Ray's object store, for nodes that share no disk: packed once, unpacked once on each node."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from steelsight.cluster.scratch import own_folder
from steelsight.core.files import write_bytes, write_text

CHUNK = 32 * 2**20
"""Bytes that travel at once."""

Chunk = NDArray[np.uint8]


@dataclass(frozen=True)
class PackedFile:
    """A file by its path in the folder, with its bytes in so many chunks or in a part of one.

    Attributes:
        parts: number of the chunk, where it begins there, and its length, in the order of the file.
    """

    path: str
    parts: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Packed:
    """What lies in the object store.

    Attributes:
        key: of the content; chunks: references to `Chunk`.
    """

    key: str
    files: tuple[PackedFile, ...]
    chunks: tuple[Any, ...]


def pack(ray: Any, root: Path, paths: Sequence[Path], key: str) -> Packed:
    """Put files below a folder into the object store.

    Args:
        key: changes with what they hold.
    """
    files: list[PackedFile] = []
    chunks: list[Any] = []
    waiting = bytearray()

    def close() -> None:
        if waiting:
            chunks.append(ray.put(np.frombuffer(bytes(waiting), np.uint8)))
            waiting.clear()

    for path in paths:
        parts: list[tuple[int, int, int]] = []
        for content in read_chunks(path):
            if len(waiting) + len(content) > CHUNK:
                close()
            parts.append((len(chunks), len(waiting), len(content)))
            waiting += content.data
        files.append(PackedFile(path.relative_to(root).as_posix(), tuple(parts)))
    close()
    return Packed(key, tuple(files), tuple(chunks))


def unpack(ray: Any, packed: Packed, parent: Path | None = None) -> Path:
    """The files in a folder of this node, written by the first worker that asks.

    Args:
        parent: where the folder is made; among the system's temporary files if left out.
    """
    around = own_folder("steelsight-shipped", parent)
    folder = around / packed.key
    done = around / f"{packed.key}.done"
    with FileLock(around / f"{packed.key}.lock"):
        if not done.is_file():
            number, chunk = -1, np.zeros(0, np.uint8)
            for file in packed.files:
                content = bytearray()
                for of, start, length in file.parts:
                    if of != number:
                        number, chunk = of, ray.get(packed.chunks[of])
                    content += chunk[start : start + length].data
                write_bytes(folder / safe_path(file.path), memoryview(content))
            write_text(done, "")
    return folder


def read_chunks(path: Path) -> Iterator[Chunk]:
    """A file's bytes, piece by piece."""
    with path.open("rb") as stream:
        while content := stream.read(CHUNK):
            yield np.frombuffer(content, np.uint8)


def safe_path(text: str) -> Path:
    """A path below a folder, as another machine names it.

    Raises:
        ValueError: it leads out of the folder.
    """
    path = PurePosixPath(text)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise ValueError(f"{text!r} leads out of its folder")
    return Path(*path.parts)
