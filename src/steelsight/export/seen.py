"""seen.txt: which image files an inspector's networks were trained on, so that none of them is taken for a fresh one."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from steelsight.dataset.model import Sample
from steelsight.errors import UserError
from steelsight.files import write_text
from steelsight.images import read_content
from steelsight.inspector.artifact import require_listed

SEEN = "seen.txt"


def write_seen(folder: Path, samples: Sequence[Sample]) -> None:
    """Write the SHA-256 of every image file, one a line, sorted.

    Raises:
        ImageError: a file is gone.
    """
    write_text(folder / SEEN, "".join(f"{digest}\n" for digest in sorted(set(map(_digest, samples)))))


def refuse_seen(folder: Path, samples: Iterable[Sample]) -> None:
    """See that no image is one that the inspector learned from.

    Raises:
        UserError: one is, or the inspector does not say what it learned from.
    """
    path = folder / SEEN
    if not path.is_file():
        raise UserError(
            f"{path}: not found, so nobody can tell fresh images from those that the networks learned from; export the run "
            "again while its images are there"
        )
    require_listed(folder, SEEN)
    seen = set(path.read_text(encoding="utf-8").split())
    known = [sample for sample in samples if _digest(sample) in seen]
    if known:
        raise UserError(
            f"{known[0].path}: the inspector's networks were trained on this file, as on {len(known)} in all of those given, "
            "and a bound needs images that they did not see; take these out"
        )


def _digest(sample: Sample) -> str:
    return hashlib.sha256(read_content(sample.path)).hexdigest()
