"""From what was tested and what is wanted to the verdict policy."""

from steelsight.verdicts.bootstrap import redraw_thresholds
from steelsight.verdicts.calibration import choose_calibration
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.policy import Limits, Policy
from steelsight.verdicts.severity import Severity
from steelsight.verdicts.thresholds import find_policy


def choose_policy(tested: EvaluationSet, wish: Limits, severity: Severity | None) -> Policy:
    """The policy that the tested images support: calibrated probabilities, the bounds, and how far they move.

    Raises:
        UserError: the wish names a class that there is not.
    """
    chosen = choose_calibration(tested.p_defect, tested.defective, tested.folds, tested.groups)
    policy = find_policy(tested, wish, chosen.calibration, severity)
    return policy.model_copy(update={"stability": redraw_thresholds(tested, wish, severity)})
