"""Which names of labels are no class of defects but say what is not to be judged, and masks without it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from steelsight.core.errors import UserError, nearest
from steelsight.core.safe_names import is_ignore
from steelsight.dataset.layouts.listing import Marks, Size, difference, union
from steelsight.dataset.model import Fault, Sample
from steelsight.imaging.rle import Runs


def ignored_names(names: Iterable[str], asked: Sequence[str], beside: str | None, root: Path) -> frozenset[str]:
    """The names, of all that the data has, that are no class.

    Args:
        asked: those that the user names.
        beside: one that counts so where masks of others are there, see `Listing.ignored_beside`.

    Raises:
        UserError: the data has no class of a name that the user gives.
    """
    known = sorted(set(names))
    for name in asked:
        if name not in known:
            raise UserError(
                f"`ignore_class={name}`: {root} has no class of this name; {nearest(name, known)}; write it as the labels do"
            )
    found = {name for name in known if is_ignore(name)} | set(asked)
    if beside in known and set(known) - found - {beside}:
        found.add(beside)
    return frozenset(found)


def set_apart(marks: Marks, names: frozenset[str], size: Size | None) -> Marks:
    """Marks whose masks of these names are what is ignored, and no longer masks; other masks lack those pixels.

    Args:
        size: height and width of the image; None where it could not be opened, and has no marks.
    """
    if size is None or not (marks.ignored.area or names & marks.masks.keys()):
        return marks
    parts = [runs for name, runs in marks.masks.items() if name in names and runs.area]
    ignored = union([marks.ignored, *parts], size) if parts else marks.ignored
    masks: Mapping[str, Runs] = {name: runs for name, runs in marks.masks.items() if name not in names}
    return replace(marks, masks=masks, ignored=ignored)


def without_ignored(runs: Runs, marks: Marks, size: Size) -> Runs:
    """A mask without the pixels that are ignored."""
    return difference(runs, marks.ignored, size)


def placeless(marks: Marks, names: frozenset[str], image_id: str, path: Path) -> list[Fault]:
    """The fault of an image that is said to show what is ignored, somewhere: no pixel of it can be judged."""
    shown = sorted(marks.shown & names)
    if not shown:
        return []
    message = (
        f"{shown[0]} is not to be judged, and this image only says that it shows it, not where; draw it, let boxes count "
        "by `boxes=as-masks`, or leave the image out"
    )
    return [Fault("missing-mask", marks.file or path, marks.line, image_id, message)]


def say_ignored(samples: Sequence[Sample], names: frozenset[str]) -> tuple[str, ...]:
    """How much is ignored, in one sentence; none where nothing is."""
    areas = [sample.ignored.area for sample in samples if sample.ignored.area]
    if not areas:
        return ()
    only = sum(not sample.is_defective for sample in samples if sample.ignored.area)
    more = f"; {only} of these images show nothing else and count as defect-free" if only else ""
    called = f" ({', '.join(sorted(names))})" if names else ""
    return (
        f"{sum(areas):,} pixels of {len(areas):,} images are ignored{called}: nothing is learned there, and no figure "
        f"counts them{more}",
    )
