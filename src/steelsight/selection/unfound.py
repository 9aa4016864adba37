"""Classes that are found on no image that their networks and their rule had not seen: why, and what would help."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.core.commands import command
from steelsight.core.formatting import apart, percent
from steelsight.core.safe_names import shown
from steelsight.metrics.dice import pair_dice
from steelsight.rule.kinds import KINDS, PLAIN, kind_named
from steelsight.rule.pixel_counts import Histograms, PixelCounts
from steelsight.selection.decision import Decision, UnfoundClass
from steelsight.verdicts.text import another_text

LEARNED = 0.1
"""Of `best_dice`: with less, no threshold makes much of a class's maps."""

_BY_CLASS = tuple(name for name, kind in KINDS.items() if kind.searched == "gate and thresholds of each class")


def find_unfound(
    decision: Decision, groups: NDArray[np.int64], nested: PixelCounts, histograms: Histograms
) -> tuple[UnfoundClass, ...]:
    """The classes that images show, and that the nested masks hit nowhere, or the kept rule marks nowhere.

    Args:
        groups: int64 (N,), the group of each image.
        nested: pixels of the masks by members and a rule that were chosen without each image's fold.
        histograms: of the maps behind `nested`.
    """
    unfound = []
    for place, name in enumerate(decision.classes):
        shows = nested.truth[:, place] > 0
        hits = int(np.count_nonzero(nested.intersection[:, place]))
        if not shows.any() or (hits and decision.figures.predicted_pairs_per_class[place]):
            continue
        unfound.append(
            UnfoundClass(
                name=name,
                images=int(shows.sum()),
                surfaces=int(np.unique(groups[shows]).size),
                marked=int(np.count_nonzero(nested.predicted[:, place])),
                hits=hits,
                best_dice=best_dice(histograms[:, place]),
                found_by=tuple(
                    candidate.kind
                    for candidate in decision.candidates
                    if candidate.nested.figures.defective_per_class[place]
                ),
            )
        )
    return tuple(unfound)


def best_dice(histograms: NDArray[np.uint32]) -> float:
    """Dice of the pixels of all images, at the best of all thresholds.

    Args:
        histograms: uint32 (images, 2, 256) of one class: pixels per value over background and over truth.

    >>> pixels = np.zeros((1, 2, 256), np.uint32)
    >>> pixels[0, 1, [10, 200]], pixels[0, 0, 200] = (5, 5), 2
    >>> round(best_dice(pixels), 3)  # above 9: all ten pixels, and two that are none
    0.909
    """
    above = histograms.sum(axis=0, dtype=np.int64)[:, ::-1].cumsum(axis=1)[:, :-1]  # the value 0 exceeds no threshold
    truth = int(histograms[:, 1].sum(dtype=np.int64))
    return float(pair_dice(above[1], above.sum(axis=0), np.full(above.shape[1], truth)).max())


def unfound_sentences(unfound: UnfoundClass, decision: Decision, run: Path) -> tuple[str, ...]:
    """What a person should know of such a class: that it is not found, why, and what would help.

    Args:
        run: the folder, for commands.
    """
    return (_what(unfound), _why(unfound), *_help(unfound, decision, run))


def _what(of: UnfoundClass) -> str:
    images = f"{_counted(of.images, 'image')} that show{'s' if of.images == 1 else ''} it"
    groups = _counted(of.surfaces, "group")
    if of.hits:
        return (
            f"The rule marks class {shown(of.name)} on no image. Rules that were chosen without a fold hit it on {of.hits} "
            f"of the {images} ({groups})."
        )
    beside = f", and on {_counted(of.marked, 'image')} wrongly" if of.marked else ""
    return (
        f"Class {shown(of.name)} is not found: of {images} ({groups}), judged by networks and a rule that had not seen "
        f"them, it is rightly marked on none{beside}. Its Dice is 0 on every image that shows it."
    )


def _why(of: UnfoundClass) -> str:
    reached, _ = apart(of.best_dice, LEARNED)
    if of.best_dice < LEARNED:
        return f"The networks have not learned it: the best threshold brings the Dice of its pixels to {reached} alone."
    return f"The networks have learned something of it: the best threshold brings the Dice of its pixels to {reached}."


def _help(of: UnfoundClass, decision: Decision, run: Path) -> Iterator[str]:
    grouped_by = decision.policy.grouped_by if decision.policy else ()
    more = f"more than {_counted(of.surfaces, 'group')}, each of {another_text(grouped_by)}"
    yield f"What helps: labelled images with it of {more}."
    if of.best_dice < LEARNED:
        return
    objective = decision.objective
    if objective.aim != "defects":
        again = command("decide", run, objective="defects")
        yield f"What may help: an objective by which silence is no answer, `{again}`."
    elif decision.kept != PLAIN:
        again = command("decide", run, objective="defects", max_false_alarms="SHARE")
        more = percent(objective.max_false_alarms)
        yield f"What may help: to allow false alarms on more than {more} of the empty pairs, `{again}`."
    if PLAIN in of.found_by and decision.kept != PLAIN:
        yield f"The plain rule hits it: `{command('decide', run, rule='plain')}`."
    by_class = [name for name in _BY_CLASS if name in of.found_by]
    if by_class and decision.kept not in _BY_CLASS:
        phrase = kind_named(by_class[0]).phrase
        yield f"{phrase[0].upper()}{phrase[1:]} hits it: `{command('decide', run, rule='each-class')}`."


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
