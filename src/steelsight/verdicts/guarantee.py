"""What a verdict policy's bounds are worth, and how to get better ones."""

from dataclasses import dataclass

from steelsight.core.commands import command
from steelsight.core.formatting import percent
from steelsight.verdicts.policy import Policy

_FEWER = "The test images support fewer limits than you asked for. How many more you need is listed below."


@dataclass(frozen=True)
class Guarantee:
    """Whether the policy guarantees the limits that the user asked for: a title, and the full text."""

    guaranteed: bool
    title: str
    text: str


def guarantee_of(policy: Policy) -> Guarantee:
    """What the bounds of a policy are worth, and how to get better ones."""
    calibrate = (
        "calibrate the exported inspector with fresh labelled images "
        f"({command('decide', 'INSPECTOR', calibrate='DATA')})"
    )
    match policy.evidence:
        case "own":
            return _borne(
                policy,
                "The networks are those of one fold. They were judged on that fold’s images, which none of them has seen.",
            )
        case "calibrated":
            return _borne(
                policy, "The inspector was judged as it is, on fresh images that none of its networks has seen."
            )
        case "cross-validated":
            return Guarantee(
                False,
                "Cross-validated, not guaranteed",
                "Each image was judged by the networks of its own fold, which had not seen it. The exported inspector "
                "judges with the networks of all folds together, and these together were not tested. Read every bound below "
                "as an estimate. "
                f"For a guaranteed bound, export a single fold ({command('export', 'RUN', folds='K')}), which has its own "
                f"test images, or {calibrate}.",
            )
        case "epoch-selected":
            return Guarantee(
                False,
                "Epoch-selected, not guaranteed",
                "Some networks kept the epoch that did best on the very images that they are judged on, so every figure here "
                f"is too good. For a guaranteed bound, {calibrate}.",
            )
        case "other-region":
            return Guarantee(
                False,
                "Tested with another region of interest, not guaranteed",
                "The inspector was tested with another region of interest, or none; what it sees and marks has changed "
                f"since. For a guaranteed bound, {calibrate}.",
            )
        case "other-precision":
            return Guarantee(
                False,
                "Tested in another precision, not guaranteed",
                "The networks were tested in fp32 and run here in lower precision, which changes P(defect). For a "
                f"guaranteed bound, {calibrate}.",
            )


def _borne(policy: Policy, how: str) -> Guarantee:
    confidence, asked = percent(policy.wish.confidence), len(policy.statements)
    kept = sum(one.kept for one in policy.statements)
    if not asked:
        return Guarantee(False, "No bound was asked for", how)
    if kept == asked:
        return Guarantee(True, f"Guaranteed, each bound with {confidence} confidence", how)
    title = f"{kept or 'None'} of {asked} bounds guaranteed" + (f", with {confidence} confidence" if kept else "")
    return Guarantee(False, title, f"{how} {_FEWER}")
