"""Arrays derived from evidence, kept under RUN/evidence so that deciding again is quick."""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from steelsight.evidence.store import Evidence
from steelsight.files import replacing
from steelsight.recipe import Member

T = TypeVar("T", bound=np.generic)


def key(evidence: Evidence, members: Sequence[Member], fold: int) -> str:
    """16 hexadecimal digits that change with the data, the fold's images, the members and their evidence."""
    images = [evidence.record.samples[index].image_id for index in evidence.indices(fold)]
    said = [(member.name, repr(member.preprocess), evidence.digest(member, fold)) for member in members]
    combined = () if evidence.combine == "mean" else (evidence.combine,)  # so that keys of before stay
    text = repr((evidence.record.fingerprint, fold, images, said, *combined))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def evidence_key(evidence: Evidence) -> str:
    """16 hexadecimal digits that change with the data, the folds and all evidence that a decision rests on."""
    members = [*evidence.members("classify"), *evidence.members("segment")]
    said = [key(evidence, members, fold) for fold in range(evidence.recipe.folds)]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def cached(path: Path, make: Callable[[], NDArray[T]]) -> NDArray[T]:
    """The array stored in `path` (npz); made and stored where it is missing or unreadable."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            array: NDArray[T] = stored["array"]
            return array
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass  # made below, outside of the handler: what goes wrong there has nothing to do with this
    array = make()
    with replacing(path) as temporary:
        np.savez_compressed(temporary, array=array)
    return array
