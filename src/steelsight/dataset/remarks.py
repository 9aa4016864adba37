"""What a user should know of a folder beside its faults: images that nobody reads, orientations, flat ones."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from steelsight.dataset.layouts.listing import Listing
from steelsight.dataset.model import Fault, Remark
from steelsight.imaging.folders import group_by_folder, look_below
from steelsight.imaging.read import list_images

_NAMED = 3


def left_out(listing: Listing, faults: Iterable[Fault]) -> list[Remark]:
    """Images of the folder that are neither read nor faulty: deeper than the layout looks, listed nowhere, or hidden."""
    told = list(faults)
    known = {one.path for one in listing.images} | listing.masks | {fault.file for fault in told}
    known |= {listing.root / fault.image_id for fault in told if fault.image_id is not None}
    owned = list(dict.fromkeys(listing.owned))
    found = dict.fromkeys(list_images(listing.root))
    passed_over = []
    for folder in owned:
        images, others = look_below(folder)
        found |= dict.fromkeys(images)
        passed_over += others
    unread = [path for path in found if path not in known]
    reason = listing.unlisted or f"the layout {listing.layout} does not read them there; move them, or take them out"
    places = dict.fromkeys([*group_by_folder(unread, reason), *passed_over])
    return [Remark("left-out", Path(str(one.path)), one.images, one.sentence) for one in places]


def oriented(files: Sequence[Path]) -> list[Remark]:
    """Images that are read turned."""
    message = (
        f"{len(files)} images state an EXIF orientation ({_names(files)}) and are read turned as it says, as labelling tools "
        "show them; labels count as drawn on the turned picture"
    )
    return [Remark("exif-orientation", files[0], len(files), message)] if files else []


def doubled(images: Sequence[tuple[Path, str]]) -> list[Remark]:
    """Images with one outline of two classes, each with the first such pair."""
    if not images:
        return []
    file, pair = images[0]
    message = (
        f"{len(images)} images have one outline with two classes ({file.name}: {pair}): both count; if one of them was to be "
        "replaced, remove it"
    )
    return [Remark("double-outline", file, len(images), message)]


def flat(files: Sequence[Path], within: int) -> list[Remark]:
    """Images in which nothing can be seen, as of a covered camera."""
    message = (
        f"{len(files)} images are flat, all pixels within {within} of each other ({_names(files)}), as from a covered "
        "camera: training takes their labels as they are"
    )
    return [Remark("flat-image", files[0], len(files), message)] if files else []


def _names(files: Sequence[Path]) -> str:
    names = ", ".join(file.name for file in files[:_NAMED])
    return f"{names} and {len(files) - _NAMED} more" if len(files) > _NAMED else names
