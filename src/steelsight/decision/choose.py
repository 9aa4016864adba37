"""From what was tested and what is wanted to the verdict policy."""

from steelsight.decision.bounds import find_policy
from steelsight.decision.calibrate import choose_calibration
from steelsight.decision.policy import Policy, Wish
from steelsight.decision.redrawn import redraw_thresholds
from steelsight.decision.severity import Severity
from steelsight.decision.tested import Tested


def choose_policy(tested: Tested, wish: Wish, severity: Severity | None) -> Policy:
    """The policy that tested images bear: probabilities calibrated as chosen nested, the bounds, and how far they move.

    Raises:
        UserError: the wish names a class that there is not.
    """
    chosen = choose_calibration(tested.p_defect, tested.defective, tested.folds, tested.groups)
    policy = find_policy(tested, wish, chosen.calibration, severity)
    return policy.model_copy(update={"stability": redraw_thresholds(tested, wish, severity)})
