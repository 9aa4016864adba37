"""What labelled images cannot teach, or cannot be tested on, in plain sentences: nothing of it is a fault of one image."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steelsight.core.safe_names import shown
from steelsight.dataset.model import Dataset, Sample


def lacks(classes: Sequence[str], samples: Sequence[Sample]) -> tuple[str, ...]:
    """What the images lack altogether."""
    if not samples:
        return ()
    shows = _shows(classes, samples)
    said = []
    if shows.any(axis=1).all():
        said.append(
            "Every image shows a defect: nothing teaches what is good, every accuracy is empty, and no image can "
            "pass. Only masks can be learned. Add images without a defect."
        )
    said += [
        f"No image shows class {shown(name)}: it cannot be learned, and its {len(samples)} pairs, which are always empty, "
        "raise every mean Dice. Add images of it, or remove the class."
        for name, there in zip(classes, np.any(shows, axis=0).tolist(), strict=True)
        if not there
    ]
    return tuple(said)


def cannot_test(of_inspector: Sequence[str], dataset: Dataset) -> tuple[str, ...]:
    """What images lack that an inspector is judged on, those that are known by a label alone included.

    Args:
        of_inspector: its classes.
    """
    samples = (*dataset.samples, *dataset.without_masks)
    if not samples:
        return ()
    said = []
    if all(sample.is_defective for sample in samples):
        said.append(
            "Every image shows a defect: no image can pass, and no limit on overkill can be kept. Add images without a "
            "defect."
        )
    named = {dataset.classes[place] for sample in samples for place in sample.classes}
    if not any(sample.is_defective for sample in samples):
        said.append("No image shows a defect: no limit on escapes can be kept. Add images with one.")
    elif lacking := [shown(name) for name in of_inspector if name not in named]:
        which, on = ("any of the classes", "one of them") if len(lacking) > 1 else ("class", "it")
        said.append(
            f"No image is known to show {which} {', '.join(lacking)}: no limit on {on} can be kept. Add images of it, or "
            "name it in their labels."
        )
    return tuple(said)


def lacks_in_folds(
    classes: Sequence[str], samples: Sequence[Sample], folds: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[str, ...]:
    """What single folds lack, of classes that some image shows."""
    shows = _shows(classes, samples)
    count = int(folds.max()) + 1 if folds.size else 0
    said = []
    kinds = [(f"class {shown(name)}", shows[:, place]) for place, name in enumerate(classes)]
    for what, there in [*kinds, ("no defect", ~shows.any(axis=1))]:
        held = sorted(set(folds[there].tolist()))
        alike = len(set(groups[there].tolist()))
        if not held or len(held) == count:
            continue
        of = f"{alike} group{'s' if alike > 1 else ''} for {count} folds"
        if len(held) == 1:
            said.append(
                f"Only fold {held[0]} has images with {what} ({of}): the networks that are judged on it have never seen any, "
                "and no other fold tests it. Ask for fewer folds, or add such images."
            )
        else:
            lacking = [str(fold) for fold in range(count) if fold not in held]
            where = f"fold{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}"
            said.append(
                f"No image with {what} is in {where} ({of}): nothing there tests it. Ask for fewer folds, or add such "
                "images."
            )
    return tuple(said)


def _shows(classes: Sequence[str], samples: Sequence[Sample]) -> NDArray[np.bool_]:
    """Whether each image shows each class: bool (N, K)."""
    shows = [[bool(runs.area) for runs in sample.runs] for sample in samples]
    return np.array(shows, np.bool_).reshape(len(samples), len(classes))
