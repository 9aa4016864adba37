"""What the rule is searched for: the user's choice, counted exactly from pixels."""

from math import floor
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from steelsight.core.errors import UserError
from steelsight.core.formatting import percent
from steelsight.core.model import Model
from steelsight.metrics.dice import pair_dice
from steelsight.recipe.model import Search
from steelsight.rule.pixel_counts import PixelCounts

ObjectiveName = Literal["competition", "pooled", "defects"]
"""`competition`: mean Dice over every (image, class) pair. `pooled`: Dice of the pixels of all images, mean over the defect
classes, the background not among them. `defects`: mean Dice of the pairs that have a defect, at a limited share of false
alarms."""

MAX_FALSE_ALARMS = 0.05
"""Share of the empty pairs in which `defects` may mark something, unless the user says otherwise."""


class Objective(Model):
    """What makes one rule better than another.

    Attributes:
        aim: see `ObjectiveName`.
        max_false_alarms: of `defects`: share of the empty (image, class) pairs, over all classes, in which the rule may
            mark something on the images that it is searched on.
    """

    aim: ObjectiveName = "competition"
    max_false_alarms: float = Field(default=MAX_FALSE_ALARMS, ge=0, le=1)

    @property
    def noise(self) -> float:
        """A change of the score below this is noise: .001 of the competition's Dice, by the experience of its strongest
        solutions; .005 where only defects count, which are about a fifth of the pairs."""
        return 0.001 if self.aim == "competition" else 0.005

    @property
    def name(self) -> str:
        """What the score is, in words."""
        match self.aim:
            case "competition":
                return "mean Dice over every (image, class) pair"
            case "pooled":
                return "Dice of the pixels of all images, mean over the classes"
            case "defects":
                most = percent(self.max_false_alarms)
                return f"Dice of pairs with a defect, with false alarms on at most {most} of the empty pairs"

    def budget(self, empty: int) -> int:
        """How many of `empty` pairs may be marked.

        >>> Objective(aim="defects", max_false_alarms=0.07).budget(100)
        7
        """
        return floor(self.max_false_alarms * empty + 1e-9)

    def score(self, counts: PixelCounts) -> float:
        """The score of masks: at most 1, more is better.

        With `defects`, each false alarm beyond the limit costs as much as a whole defect. That happens on images that the
        rule was not searched on, and where nothing that is searched keeps to the limit.

        >>> one = np.array([[4]]), np.array([[4]]), np.array([[8]])
        >>> round(Objective().score(PixelCounts(*one)), 3)
        0.667
        """
        if self.aim == "pooled":
            return float(
                pooled_dice(
                    *(part.sum(axis=0) for part in (counts.intersection, counts.predicted, counts.truth))
                ).mean()
            )
        dice = pair_dice(counts.intersection, counts.predicted, counts.truth)
        if self.aim == "competition":
            return float(dice.mean())
        defective = counts.truth > 0
        alarms = int((~defective & (counts.predicted > 0)).sum())
        return float(
            defects_score(dice[defective].sum(), alarms, int(defective.sum()), self.budget(int((~defective).sum())))
        )


def pooled_dice(intersection: NDArray[Any], predicted: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    """Dice of pixel sums, whole numbers of any dtype: the field's F1 of pixels; 1 where there is neither truth nor mask."""
    return pair_dice(intersection, predicted, truth)


def defects_score(
    gain: NDArray[np.float64], alarms: NDArray[np.int64] | int, defective: int, budget: int
) -> NDArray[np.float64]:
    """(sum of the Dice of pairs with a defect - false alarms beyond the budget) / pairs with a defect."""
    return np.asarray((gain - np.maximum(np.asarray(alarms) - budget, 0)) / max(defective, 1))


def chosen_objective(search: Search, aim: ObjectiveName | None, max_false_alarms: float | None) -> Objective | None:
    """What a caller asks for, the recipe's where that is silent; None if all of it is.

    Raises:
        UserError: a limit on false alarms that is no share, or that belongs to another objective.
    """
    if aim is None and max_false_alarms is None:
        return None
    chosen = aim or search.objective
    if max_false_alarms is not None and chosen != "defects":
        raise UserError(f"`max_false_alarms={max_false_alarms:g}`: belongs to `objective=defects`; add that")
    limit = search.max_false_alarms if max_false_alarms is None else max_false_alarms
    if not 0 <= limit <= 1:
        raise UserError(f"`max_false_alarms={limit:g}`: a share; give a number from 0 to 1")
    return Objective(aim=chosen, max_false_alarms=limit)
