"""What a user brings, read whole: every image opened, every mask checked against it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.natural_order import natural
from steelsight.core.safe_names import is_plain, shown
from steelsight.dataset.depth import find_depth, say_depth
from steelsight.dataset.ignored import ignored_names, placeless, say_ignored, set_apart, without_ignored
from steelsight.dataset.layouts.class_name_rules import refuse_class_names
from steelsight.dataset.layouts.detect import list_dataset
from steelsight.dataset.layouts.good_names import marks_no_defect
from steelsight.dataset.layouts.listing import UNNAMED, Boxes, Listed, Listing, Marks, Size
from steelsight.dataset.model import UNKNOWN, Dataset, Fault, Layout, Remark, Sample
from steelsight.dataset.remarks import doubled, flat, left_out, oriented
from steelsight.imaging.orientation import stated_orientation, upright_size
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import ImageError, decode_image, image_size, read_content
from steelsight.imaging.rle import Runs

BLACK = 5
"""An image is all black when no pixel exceeds this, in 8 and in 16 bit: a covered lens still shows a little noise."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Opened:
    """An image with its marks; `size` is None where it could not be opened, and the rest unknown where it was not decoded.

    Attributes:
        orientation: as EXIF numbers them.
        largest: value of a pixel, in an image of 16 bit; else 0.
        is_flat: see there.
    """

    listed: Listed
    size: tuple[int, int] | None
    marks: Marks
    orientation: int = 1
    largest: int = 0
    is_flat: bool = False


def read_dataset(
    root: Path,
    layout: Layout | None = None,
    *,
    boxes: Boxes | None = None,
    ignore_class: Sequence[str] = (),
    classes_if_unnamed: Sequence[str] = (),
    decode: bool = True,
    progress: Progress | None = None,
    workers: int = 2,
) -> Dataset:
    """Read a folder in any of the layouts.

    Args:
        root: the folder, or the CSV, JSON or XML to read where the folder has several.
        layout: detected where None.
        boxes: what boxes count as, where nobody drew an outline; each is a fault where None.
        ignore_class: labels that are not defect classes: areas with them are not judged. Names such as
            `ignore` and `void`, and 255 beside other indices, mean that anyway.
        classes_if_unnamed: what the classes are, in their order, where labels say of images as a whole that they are good or
            defective, and nothing names a class: those of an inspector that is judged on them. Without it nothing can be
            learned from such images, and they are refused.
        decode: open every image whole, which finds truncated and black ones; otherwise read only its size.
        progress: called with images done and images in all.
        workers: threads that read and decode (both leave Python's lock alone).

    Returns:
        Samples in the order of their ids within the layout, without any that has a fault; all faults.

    Raises:
        UserError: no layout fits, a layout's own rules are broken, no image shows a class, or a name to be ignored is none.
    """
    listing = _list(root, layout, boxes, frozenset(ignore_class))
    images = [listed for listed in listing.images if is_plain(listed.image_id)]
    opened = list(_open_all(images, decode, workers, progress))
    faults = [fault for fault in listing.faults if fault.image_id is None or is_plain(fault.image_id)]
    faults += [_unwritable_name(listed) for listed in listing.images if not is_plain(listed.image_id)]
    for image in opened:
        faults += image.marks.faults
    notes = listing.notes
    if listing.finish is not None:
        more, said = listing.finish({image.listed.image_id: image.marks for image in opened})
        faults, notes = [*faults, *more], (*notes, *said)
    names = _names(listing, opened)
    ignored = ignored_names(names, ignore_class, listing.ignored_beside, root)
    for image in opened:
        faults += placeless(image.marks, ignored, image.listed.image_id, image.listed.path)
    opened = [replace(image, marks=set_apart(image.marks, ignored, image.size)) for image in opened]
    faulty = {fault.image_id for fault in faults}
    usable = [image for image in opened if image.listed.image_id not in faulty]
    classes = listing.classes if listing.classes is not None else _classes_shown(usable) or _classes_shown(opened)
    classes = tuple(name for name in classes if name not in ignored)
    if not classes and (listing.layout == "image-labels" or any(UNNAMED in image.marks.shown for image in opened)):
        classes = tuple(classes_if_unnamed)
    for image in opened:
        faults += _empty_masks(image, classes)
        if image.listed.image_id not in faulty:  # whose classes do not count
            faults += _strange_classes(image, classes, ignored)
    faults.sort(key=_place)
    if not classes:
        raise UserError(f"{root}: {_nothing_shown(listing)}{_first(faults)}")
    refuse_class_names(classes, root)
    faulty = {fault.image_id for fault in faults}
    sound = [_sample(image, classes) for image in opened if image.listed.image_id not in faulty]
    samples = tuple(sample for sample in sound if not sample.shown)
    without_masks = tuple(sample for sample in sound if sample.shown)
    good = [one for one in opened if one.listed.image_id not in faulty]
    depth = find_depth({one.listed.path: one.largest for one in good if one.largest})
    remarks = (*left_out(listing, faults), *_remarks(good), *say_depth(depth))
    return Dataset(
        listing.root,
        listing.layout,
        classes,
        samples,
        tuple(faults),
        notes=(*notes, *say_ignored(samples, ignored)),
        remarks=remarks,
        without_masks=without_masks,
        depth=depth,
        ignored_classes=tuple(sorted(ignored)),
    )


def _names(listing: Listing, opened: Sequence[_Opened]) -> set[str]:
    """All names of labels, of classes or not."""
    names = set(listing.classes or ())
    for image in opened:
        names |= image.marks.masks.keys() | image.marks.shown
    return names


def _list(root: Path, layout: Layout | None, boxes: Boxes | None, ignore: frozenset[str]) -> Listing:
    try:
        return list_dataset(root, layout, boxes, ignore)
    except OSError as error:  # a folder that may not be read, for one
        raise UserError(f"{error.filename or root}: cannot be read ({error.strerror}); check its rights") from None


def _open_all(images: Sequence[Listed], decode: bool, workers: int, progress: Progress | None) -> Iterator[_Opened]:
    pool = ThreadPoolExecutor(workers)
    try:
        for done, opened in enumerate(pool.map(lambda listed: _open(listed, decode), images), start=1):
            yield opened
            if progress:
                progress(done, len(images))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # Ctrl-C must not wait for thousands of images


def _open(listed: Listed, decode: bool) -> _Opened:
    try:
        if not decode:
            size = image_size(listed.path)
            return _Opened(listed, size, listed.marks(size))
        content = read_content(listed.path)
        image = decode_image(content, listed.path)
    except ImageError as error:
        return _Opened(listed, None, Marks({}, (_image_fault(listed, error),)))
    size = (image.shape[0], image.shape[1])
    if is_black(image):
        message = f"no pixel above {BLACK}; take the image again or remove it"
        black = Fault("all-black", listed.path, None, listed.image_id, message)
        return _Opened(listed, size, Marks({}, (black,)))
    largest = int(image.max()) if image.dtype.itemsize == 2 else 0
    orientation = stated_orientation(content)
    marks = _on_turned(listed, listed.marks(size), size, orientation)
    return _Opened(listed, size, marks, orientation, largest, is_flat(image))


def _on_turned(listed: Listed, marks: Marks, size: Size, orientation: int) -> Marks:
    """The marks, with a word on the orientation where a label states the size that the image has before it is turned."""
    stored = upright_size(size, orientation)
    wrong = [fault for fault in marks.faults if fault.kind == "wrong-size"]
    if stored == size or not wrong or any(fault.kind == "wrong-size" for fault in listed.marks(stored).faults):
        return marks
    first = wrong[0]
    message = (
        f"made for {stored[1]} x {stored[0]} (width x height), as the image is stored; EXIF orientation {orientation} turns "
        f"it to {size[1]} x {size[0]}, as labelling tools show it, and nobody can tell on which of the two the label was "
        "drawn; save the image without an orientation, as it was marked"
    )
    turned = Fault("exif-orientation", first.file, first.line, first.image_id, message)
    others = tuple(fault for fault in marks.faults if fault not in wrong)
    return replace(marks, faults=(*others, turned))


def _remarks(opened: Sequence[_Opened]) -> list[Remark]:
    twice = [(image.listed.path, image.marks.doubled[0]) for image in opened if image.marks.doubled]
    return [
        *doubled(twice),
        *oriented([image.listed.path for image in opened if image.orientation != 1]),
        *flat([image.listed.path for image in opened if image.is_flat], BLACK),
    ]


def _unwritable_name(listed: Listed) -> Fault:
    """Neither the file nor the image is named as it is: nothing could print or store that."""
    odd = any(0xD800 <= ord(character) < 0xE000 for character in listed.image_id)
    why = "is not UTF-8" if odd else "has characters that steer a terminal or turn the direction of writing"
    message = f"the file name {shown(listed.image_id)} {why}; rename the file"
    return Fault("bad-image-name", listed.path.parent, None, None, message)


def _image_fault(listed: Listed, error: ImageError) -> Fault:
    """A missing image stands in whatever lists it, an unreadable one in the image itself."""
    if error.kind == "missing-image":
        message = f"image {listed.path} is not there; add it or remove its labels"
        return Fault(error.kind, listed.source, listed.line, listed.image_id, message)
    return Fault(error.kind, listed.path, None, listed.image_id, error.sentence)


def is_black(image: Image) -> bool:
    """Whether no pixel exceeds `BLACK`: such an image is a fault."""
    return bool(image.max() <= BLACK)


def is_flat(image: Image) -> bool:
    """Whether no two pixels differ by more than `BLACK`, as of a covered camera."""
    return int(image.max()) - int(image.min()) <= BLACK


def _classes_shown(opened: Sequence[_Opened]) -> tuple[str, ...]:
    """Classes with a pixel somewhere, numbers in their order, then names in theirs."""
    shown = {name for image in opened for name, runs in image.marks.masks.items() if runs.area}
    shown |= {name for image in opened for name in image.marks.shown if name != UNNAMED}
    return tuple(
        sorted(shown, key=lambda name: (not name.isdecimal(), natural(name) if name.isdecimal() else (), name))
    )


def _empty_masks(image: _Opened, classes: tuple[str, ...]) -> list[Fault]:
    """Masks that mark a class and show no pixel of it."""
    return [
        _fault(image, "empty-mask", f"no pixel of {name} in this mask; draw it, or list the image as defect-free")
        for name, runs in image.marks.masks.items()
        if not runs.area and name in classes
    ]


def _strange_classes(image: _Opened, classes: tuple[str, ...], ignored: frozenset[str]) -> list[Fault]:
    """What is marked or said of an image and is no class: without it the image would count as free of defects."""
    marks = image.marks
    named = {name for name, runs in marks.masks.items() if runs.area} | (marks.shown - {UNNAMED})
    return [
        _fault(
            image,
            "unknown-class",
            f"{shown(name)} is none of the classes ({', '.join(map(shown, classes))}); add it where these are named, mend "
            f"the label, or say that it is not to be judged by `ignore_class={shown(name)}`",
        )
        for name in sorted(named.difference(classes, ignored))
        if not marks_no_defect(name)
    ]


def _fault(image: _Opened, kind: str, message: str) -> Fault:
    """What is wrong with an image's marks, where they stand."""
    return Fault(kind, image.marks.file or image.listed.path, image.marks.line, image.listed.image_id, message)


def _sample(image: _Opened, classes: tuple[str, ...]) -> Sample:
    if image.size is None:
        raise ValueError(f"{image.listed.path} was not opened")
    marks, size = image.marks, image.size
    runs = tuple(without_ignored(marks.masks.get(name, Runs.empty()), marks, size) for name in classes)
    shown = tuple(place for place, name in enumerate(classes) if name in marks.shown)
    if UNNAMED in marks.shown:
        shown = (UNKNOWN, *shown)
    return Sample(image.listed.image_id, image.listed.path, size, runs, shown, marks.ignored)


def _nothing_shown(listing: Listing) -> str:
    if listing.layout != "image-labels":
        return "no mask shows a defect; at least one image must have a pixel of a class"
    calibrate = command("decide", "INSPECTOR", calibrate="DATA")
    return (
        "its labels name no class of a defect, so nothing can be learned from them; draw the defects "
        f"of some, or name their classes (`{calibrate}` takes the labels as they are)"
    )


def _first(faults: Sequence[Fault]) -> str:
    if not faults:
        return ""
    line = f", line {faults[0].line}" if faults[0].line else ""
    return f" (the first of {len(faults)} faults: {faults[0].file}{line}: {faults[0].message})"


def _place(fault: Fault) -> tuple[str, int, str]:
    return str(fault.file), fault.line or 0, fault.kind
