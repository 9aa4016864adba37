"""Whether two engines say the same of an image, by the definition that an export is held to and no other."""

from typing import Any

from steelsight.cascade.judge import Prediction
from steelsight.export.compare_image import ComparedSide, compare
from steelsight.rule.rule import Rule
from steelsight.verdicts.policy import Policy


def assert_alike(one: Prediction, other: Prediction, engine: Any, rule: Rule, policy: Policy | None = None) -> None:
    """No difference beyond the tolerance; both with maps, since a mask may hang on a pixel at the minimum area.

    Args:
        engine: of either side; its classes name what differs.
    """
    sides = (ComparedSide(name, engine, rule, policy) for name in ("one", "the other"))
    assert compare(one, other, *sides).faults == ()
