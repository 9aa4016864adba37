"""Labels that find no image: an image that one of them may mean is no example without a defect, it is a fault.

An image without a label is defect-free in most layouts. Where a label under nearly its name finds no image (`5.jpg` for
`5.JPG`), that would turn a defect into a good example, all the more so where faulty rows are left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path

from steelsight.core.safe_names import nearly, same_but_for_spelling, shown
from steelsight.dataset.model import Fault


@dataclass(frozen=True)
class Orphan:
    """A label whose image is not there: the name that it gives, and where it stands."""

    name: str
    file: Path
    line: int | None = None


def unsure_labels(orphans: Iterable[Orphan], images: Iterable[str], labelled: Set[str]) -> list[Fault]:
    """The faults of images that a label without an image may mean.

    Args:
        images: names of those that are there.
        labelled: those that have a label of their own, which count where nothing but the spelling differs.
    """
    near: defaultdict[str, list[str]] = defaultdict(list)
    there = set(images)
    for image_id in sorted(there):
        near[nearly(image_id)].append(image_id)
    found: dict[str, Fault] = {}
    for orphan in orphans:
        if orphan.name in there:
            continue  # a fault of its own says what is wrong with it
        spelling = same_but_for_spelling(orphan.name)
        meant = near.get(nearly(orphan.name), [])
        inside = [one for one in meant if _ends_alike(spelling, same_but_for_spelling(one))]
        for image_id in inside or meant:
            if image_id in labelled and same_but_for_spelling(image_id) != spelling:
                continue
            found.setdefault(image_id, _fault(orphan, image_id))
    return list(found.values())


def _ends_alike(first: str, second: str) -> bool:
    """Whether one path is the other with folders before it."""
    return f"/{first}".endswith(f"/{second}") or f"/{second}".endswith(f"/{first}")


def _fault(orphan: Orphan, image_id: str) -> Fault:
    message = (
        f"the label of {shown(orphan.name)!r} matches no image, but {image_id} has nearly the same name, so it is not known "
        "whether it has defects; give both the same name, or remove the label"
    )
    return Fault("unsure-label", orphan.file, orphan.line, image_id, message)
