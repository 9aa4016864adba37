"""What is white in the 16-bit images of a data set: one scale for all, that of the camera whose values they hold."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.dataset.model import Dataset, Depth, Remark
from steelsight.imaging.depth import DEPTHS, depth_of

_FEW = 0.05  # of the images: so few with larger values than the rest may be damaged, or of another camera
KIND = "bits"


def find_depth(largest: Mapping[Path, int]) -> Depth | None:
    """The depth by the largest value of each 16-bit image; None where there is no such image.

    >>> find_depth({Path("a.png"): 900, Path("b.png"): 3000}).bits
    12
    """
    if not largest:
        return None
    file = max(largest, key=lambda path: largest[path])
    bits = depth_of(largest[file])
    above = [path for path, value in largest.items() if depth_of(value) == bits]
    rest = max((depth_of(value) for value in largest.values() if depth_of(value) < bits), default=None)
    few = len(above) if rest is not None and len(above) <= _FEW * len(largest) else 0
    return Depth(bits, len(largest), file, largest[file], few, rest)


def with_bits(dataset: Dataset, bits: int | None) -> Dataset:
    """The data set with the bits that a user states, and what is said of them; None: those that were found.

    Raises:
        UserError: no camera has so many bits, or an image has a larger value.
    """
    if bits is None:
        return dataset
    if bits not in range(DEPTHS[0], DEPTHS[-1] + 1):
        raise UserError(f"`bits={bits}`: a camera has {DEPTHS[0]} to {DEPTHS[-1]} bits; give a number from there")
    found = dataset.depth
    if found is None:
        raise UserError(
            f"`bits={bits}`: {dataset.root} has no image of 16 bit, and of 8 bit nothing is left to say; leave it out"
        )
    if found.largest >= 1 << bits:
        raise UserError(
            f"`bits={bits}`: {found.file} has a value of {found.largest}, and white is {(1 << bits) - 1}; give "
            f"{depth_of(found.largest)} or more, or remove the image"
        )
    stated = replace(found, bits=bits, few=0)
    others = tuple(remark for remark in dataset.remarks if remark.kind != KIND)
    return replace(dataset, depth=stated, remarks=(*others, *say_depth(stated)))


def say_depth(depth: Depth | None) -> list[Remark]:
    """What is taken as white, where that is not all of 16 bit, or rests on few images."""
    if depth is None or (depth.bits == 16 and not depth.few):
        return []
    message = (
        f"{depth.images} images of 16 bit: 0 to {(1 << depth.bits) - 1} is black to white in all of them ({depth.bits} bit; "
        f"the largest value is {depth.largest}, in {depth.file.name}); training takes another white by `bits=`"
    )
    if depth.few and depth.rest is not None:
        message += (
            f"; all but {depth.few} stay within {depth.rest} bit ({(1 << depth.rest) - 1}): look whether these are damaged "
            "or of another camera"
        )
    return [Remark(KIND, depth.file, depth.images, message)]
