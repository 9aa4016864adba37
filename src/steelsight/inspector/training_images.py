"""What an inspector's networks were trained on, so that none of it is taken for fresh.

seen.txt has the SHA-256 of every file, to compare without this program; seen.npz has of every image a
fingerprint of its pixels, the same in whatever lossless format, and its amplitude spectrum, nearly the same at another
exposure or quality, mirrored, turned by quarters, or cut a little. No image can be made of either.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.core.files import replacing, write_text
from steelsight.dataset.model import Sample
from steelsight.dataset.twins import Prints, likeness, take_prints
from steelsight.imaging.read import read_content
from steelsight.inspector.artifact import require_listed

SEEN, PRINTS = "seen.txt", "seen.npz"
ALIKE = 0.98
"""Likeness from which an image is taken for one that was trained on. Of 154 strips, different ones come to at most .96;
copies at another exposure, mirrored or turned to .988 and more, in JPEG quality 70 or cut by 5 % to .977 and more."""


MOST_ALIKE = 0.05
"""Share of images that may be alike by chance, as two that are black but for a corner of steel: two of 400 strips drawn anew.
These are left out; more of them are a set that was trained on."""


def write_seen(folder: Path, samples: Sequence[Sample]) -> None:
    """Write what tells the run's images again, in an order that says nothing of the images.

    Raises:
        ImageError: a file is gone.
    """
    write_text(folder / SEEN, "".join(f"{digest}\n" for digest in sorted(set(map(_digest, samples)))))
    prints = take_prints([sample.path for sample in samples])
    order = np.lexsort(prints.digests.T)
    with replacing(folder / PRINTS) as temporary:
        np.savez_compressed(
            temporary, digests=prints.digests[order], spectra=prints.spectra[order], scale=np.float64(prints.scale)
        )


def are_fresh(folder: Path, samples: Sequence[Sample]) -> NDArray[np.bool_]:
    """Of each image, whether the inspector learned from none that is nearly like it.

    Raises:
        UserError: an image is one that it learned from, more than `MOST_ALIKE` of them look like such ones, or the
            inspector does not say what it learned from.
    """
    path = folder / SEEN
    if not path.is_file():
        raise UserError(
            f"{path}: not found, so fresh images cannot be told from training images; export the run "
            "again while its images are there"
        )
    require_listed(folder, SEEN)
    seen = set(path.read_text(encoding="utf-8", errors="replace").split())
    known = [sample for sample in samples if _digest(sample) in seen]
    if known:
        raise _refused(known, "trained on this file")
    prints = read_prints(folder)
    if prints is None or not samples:
        return np.ones(len(samples), np.bool_)
    fresh = take_prints([sample.path for sample in samples], scale=prints.scale)
    digests = {one.tobytes() for one in prints.digests}
    same = [sample for sample, one in zip(samples, fresh.digests, strict=True) if one.tobytes() in digests]
    if same:
        raise _refused(same, "trained on these very pixels, in another file")
    alike = likeness(fresh, prints) >= ALIKE
    if alike.mean() > MOST_ALIKE:
        which = [sample for sample, is_alike in zip(samples, alike.tolist(), strict=True) if is_alike]
        raise _refused(which, "trained on an image of this very surface, by its likeness")
    return ~alike


def read_prints(folder: Path) -> Prints | None:
    """The fingerprints of an inspector; None of one that was made before there were any, which knows files alone.

    Raises:
        UserError: the file is not what an export wrote.
    """
    path = folder / PRINTS
    if not path.is_file():
        return None
    require_listed(folder, PRINTS)
    try:
        with np.load(path, allow_pickle=False) as stored:
            prints = Prints(stored["digests"], stored["spectra"], float(stored["scale"]))
    except Exception as error:  # whatever reads on the way, zlib and tokenize too, has errors of its own
        raise UserError(f"{path}: not the fingerprints that `steelsight export` wrote; export the run again") from error
    count = len(prints.digests)
    kinds = [(kept.dtype.name, kept.shape) for kept in (prints.digests, prints.spectra)]
    if kinds != [("uint8", (count, 16)), ("float16", (count, 13, 25))] or not prints.scale > 0:
        raise UserError(f"{path}: not the fingerprints that `steelsight export` wrote; export the run again")
    return prints


def _refused(known: Sequence[Sample], how: str) -> UserError:
    return UserError(
        f"{known[0].path}: the inspector's networks were {how}; {len(known)} of the given images are such, and a bound needs "
        "images that the networks did not see; take these out"
    )


def _digest(sample: Sample) -> str:
    return hashlib.sha256(read_content(sample.path)).hexdigest()
