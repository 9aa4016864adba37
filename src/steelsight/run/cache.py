"""Arrays derived from evidence, kept under RUN/evidence so that deciding again is quick."""

import hashlib
import zipfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
from numpy.typing import NDArray

from steelsight.core.files import replacing
from steelsight.imaging.preprocess import Preprocess
from steelsight.recipe import Member
from steelsight.run.predictions import OutOfFoldPredictions

T = TypeVar("T", bound=np.generic)


def key(evidence: OutOfFoldPredictions, members: Sequence[Member], fold: int) -> str:
    """16 hexadecimal digits that change with the data, the fold's images, the members and their evidence."""
    images = [evidence.record.samples[index].image_id for index in evidence.indices(fold)]
    said = [(member.name, _said(member.preprocess), evidence.digest(member, fold)) for member in members]
    combined = () if evidence.combine == "mean" else (evidence.combine,)  # so that keys of before stay
    text = repr((evidence.record.fingerprint, fold, images, said, *combined))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _said(preprocess: Preprocess) -> str:
    """What it is, with the words of before where it has nothing new."""
    said = (f"{name}={value!r}" for name, value in preprocess if (name, value) != ("bits", None))
    return f"Preprocess({', '.join(said)})"


def evidence_key(evidence: OutOfFoldPredictions, incomplete: Collection[str]) -> str:
    """16 hexadecimal digits that change with the data, the folds and all evidence that a decision rests on.

    Args:
        incomplete: members that took no part in it, whatever there is of them by now; that of all others must be there.
    """
    took_part = [member for member in evidence.recipe.members if member.name not in incomplete]
    members = sorted(took_part, key=lambda member: member.step)  # classifiers first
    said = [key(evidence, members, fold) for fold in range(evidence.recipe.folds)]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def cached(path: Path, shape: tuple[int, ...], dtype: type[T], make: Callable[[], NDArray[T]]) -> NDArray[T]:
    """The array stored in `path` (npz); made and stored where it is missing, unreadable, or of another shape or dtype.

    Args:
        shape: -1 as the first stands for any number of rows.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open("array.npy") as entry:
            return _read(entry, shape, np.dtype(dtype))
    except Exception:  # zip, its compressions and numpy have errors of their own, and all mean the same
        pass  # made below, outside of the handler: what goes wrong there has nothing to do with this
    array = make()
    with replacing(path) as temporary:
        np.savez_compressed(temporary, array=array)
    return array


def _read(entry: IO[bytes], shape: tuple[int, ...], dtype: "np.dtype[T]") -> NDArray[T]:
    """An array of a known kind: its head is compared before anything is unpacked, and nothing is unpickled."""
    if np.lib.format.read_magic(entry) != (1, 0):
        raise ValueError("not written here")
    found = np.lib.format.read_array_header_1_0(entry)
    if shape[:1] == (-1,):
        shape = (*found[0][:1], *shape[1:])
    if found != (shape, False, dtype):
        raise ValueError("another array")
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    content = entry.read(size + 1)
    if len(content) != size:
        raise ValueError("too short or too long")
    return np.frombuffer(bytearray(content), dtype).reshape(shape)
