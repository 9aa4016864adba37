"""Index masks: `images/` and `masks/`, one mask per image under the same name; 0 is background, 1.. are the classes.

Class names come from `classes.txt` (see `class_names`) or from an `index.csv` whose header has columns such as
`inclusion_1,patches_2`; otherwise they are the indices that occur. 255 beside them is ignored.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.index_class_names import class_names
from steelsight.dataset.layouts.listing import Listed, Listing, Marks, Size, second_mask, shared_mask, wrong_size
from steelsight.dataset.layouts.mask_images import blended, contradicts_alpha, is_restless, read_mask
from steelsight.dataset.model import Fault
from steelsight.imaging.read import ImageError, list_images
from steelsight.imaging.rle import Runs, encode_mask

IMAGES, MASKS = "images", "masks"
IGNORED_INDEX = 255

_LOSSLESS = frozenset({".png", ".bmp", ".tif", ".tiff"})
_MOST_VALUES = 64  # a mask with more grey values than this was resized or saved as JPEG
_BLENDED = (
    32  # pixels of a mask, or of all together, from which on a value that lies between others is the trace of a resize
)
_IGNORED = "ignore"
_SHARE = 0.9  # of its pixels, that lie there


@dataclass
class _Seen:
    """What the masks hold together, gathered while each is read.

    Attributes:
        named: whether the classes have names; is_told: whether the user has said that 255 is ignored.
    """

    named: bool
    is_told: bool
    blended: dict[str, dict[int, tuple[int, int]]] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def finish(self, marks: Mapping[str, Marks]) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
        return (*self._interpolated(), *self._unsure(marks)), ()

    def _interpolated(self) -> list[Fault]:
        total: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        for values in self.blended.values():
            for value, (pixels, between) in values.items():
                total[value][0] += pixels
                total[value][1] += between
        everywhere = _odd({value: (pixels, between) for value, (pixels, between) in total.items()})
        odd = {image_id: _odd(values) | (everywhere & values.keys()) for image_id, values in self.blended.items()}
        return [
            Fault(
                "not-an-index-mask",
                self.files[image_id],
                None,
                image_id,
                f"value {min(values)} stands only between a lower and a higher one: the mask was resized with "
                "interpolation; make it again from the original, or resize it with the nearest neighbour",
            )
            for image_id, values in odd.items()
            if values
        ]

    def _unsure(self, marks: Mapping[str, Marks]) -> list[Fault]:
        """255 that may be a class: with names, if no mask has any of them; without, beside other great indices, for the
        classes may be spread over the grey values."""
        name = _IGNORED if self.named else str(IGNORED_INDEX)
        others = {other for one in marks.values() for other in one.masks if other != name}
        if self.is_told or (others if self.named else max(map(int, others), default=0) <= _MOST_VALUES):
            return []
        told = f"say that it is to be ignored by `ignore_class={name}`"
        if self.named:
            message = (
                f"value {IGNORED_INDEX} is the only one in all masks, and beside named classes it is what is not judged; "
                f"write the index of its class, from 1 up, or {told}"
            )
        else:
            message = (
                f"value {IGNORED_INDEX} beside {max(map(int, others))}: it may be a class, or pixels to ignore, as many "
                f"tools write it; name all classes in classes.txt, or {told}"
            )
        return [
            Fault("unknown-class", self.files[image_id], None, image_id, message)
            for image_id, one in marks.items()
            if name in one.masks
        ]


def _odd(values: Mapping[int, tuple[int, int]]) -> set[int]:
    """Of the values of a mask, or of all masks together, those that nearly always lie between two others."""
    found = {value for value, (pixels, between) in values.items() if between >= _SHARE * pixels}
    return found if sum(values[value][0] for value in found) >= _BLENDED else set()


def looks_like(root: Path) -> bool:
    """Say whether a folder has `images/` and `masks/`."""
    return (root / IMAGES).is_dir() and (root / MASKS).is_dir()


def list_folder(root: Path, *, ignore: frozenset[str] = frozenset()) -> Listing:
    """List a folder of images and index masks.

    Raises:
        UserError: a folder is missing or empty, or the class names are unusable.
    """
    for folder in (root / IMAGES, root / MASKS):
        if not list_images(folder):
            raise UserError(
                f"{folder}: no images here; the index-png layout keeps images in {IMAGES}/, masks in {MASKS}/"
            )
    names, notes = class_names(root)
    every: defaultdict[str, list[Path]] = defaultdict(list)
    for path in list_images(root / MASKS):
        every[path.stem].append(path)
    masks = {stem: one for stem, paths in every.items() for one in paths if one.suffix.lower() in _LOSSLESS}
    read = _Seen(names is not None, (str(IGNORED_INDEX) if names is None else _IGNORED) in ignore)
    images: list[Listed] = []
    faults: list[Fault] = []
    found = list_images(root / IMAGES)
    seen = Counter(path.stem for path in found)
    for path in found:
        mask = masks.get(path.stem)
        if seen[path.stem] > 1:
            faults.append(shared_mask(path.name, path))
        elif mask is None and path.stem in every:
            smeared = every[path.stem][0]
            message = (
                f"{smeared.name} is a JPEG, which changes the indices beside every edge; write the mask anew as PNG"
            )
            faults.append(Fault("not-an-index-mask", smeared, None, path.name, message))
        elif mask is None:
            message = f"no mask {MASKS}/{path.stem}.png for this image; add it (all 0 if nothing is there)"
            faults.append(Fault("missing-mask", path, None, path.name, message))
        elif len(every[path.stem]) > 1:
            faults.append(second_mask(path.name, *every[path.stem][:2]))
        images.append(_listed(path, mask or root / MASKS / f"{path.stem}.png", names, read))
    for stem in sorted(masks.keys() - seen.keys()):
        message = f"no image {IMAGES}/{stem}.* for this mask; add the image or remove the mask"
        faults.append(Fault("missing-image", masks[stem], None, None, message))
    owned, used = (root / IMAGES, root / MASKS), frozenset(masks.values())
    return Listing(
        root,
        "index-png",
        names,
        tuple(images),
        tuple(faults),
        notes,
        read.finish,
        owned,
        used,
        ignored_beside=None if names is not None else str(IGNORED_INDEX),
    )


def _listed(path: Path, mask: Path, names: tuple[str, ...] | None, read: _Seen) -> Listed:
    def marks(size: Size) -> Marks:
        return _marks(path.name, mask, names, size, read) if mask.is_file() else Marks({})

    return Listed(path.name, path, marks, path)


def _marks(image_id: str, file: Path, names: tuple[str, ...] | None, size: Size, read: _Seen) -> Marks:
    try:
        mask = read_mask(file)
    except ImageError as error:
        return Marks({}, (Fault("unreadable-mask", file, None, image_id, error.sentence),))
    if mask.shape[:2] != size:
        return Marks({}, (wrong_size(image_id, file, None, (mask.shape[0], mask.shape[1]), size),))
    values = _values(mask)
    if values is None:
        message = (
            f"colours or more than {_MOST_VALUES} grey values; an index mask holds 0 for background and 1.. for classes"
        )
        return Marks({}, (Fault("not-an-index-mask", file, None, image_id, message),))
    if is_restless(mask):
        message = "values change from pixel to pixel: a photograph, not an index mask; put the mask in its place"
        return Marks({}, (Fault("not-an-index-mask", file, None, image_id, message),))
    if contradicts_alpha(file, mask > 0):
        message = "its transparency draws another mask than its values; save the indices as a grey PNG without alpha"
        return Marks({}, (Fault("not-an-index-mask", file, None, image_id, message),))
    known = None if names is None else {IGNORED_INDEX: _IGNORED} | dict(enumerate(names, start=1))
    unknown = [value for value in values if known is not None and value not in known]
    if names is not None and unknown:
        message = (
            f"value {unknown[0]}; the {len(names)} named classes are 1 to {len(names)} ({', '.join(names)}), and "
            f"{IGNORED_INDEX} is ignored"
        )
        return Marks({}, (Fault("unknown-class", file, None, image_id, message),))
    read.files[image_id] = file
    read.blended[image_id] = blended(
        mask if known is None else np.where(mask == IGNORED_INDEX, mask.dtype.type(0), mask)
    )
    masks: dict[str, Runs] = {}
    for value in values:
        masks[str(value) if known is None else known[value]] = encode_mask(mask == value)
    return Marks(masks, (), file)


def _values(mask: NDArray[np.generic]) -> list[int] | None:
    """The indices that occur, without 0; None where this is no index mask."""
    if mask.ndim != 2:
        return None
    values = np.flatnonzero(np.bincount(mask.ravel()))
    return None if values.size > _MOST_VALUES else [int(value) for value in values if value]
