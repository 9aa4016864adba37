"""The network that is to answer as an ensemble does: one member of each step, its recipe turned to soft answers."""

from steelsight.export.plan import Plan
from steelsight.recipe import Member
from steelsight.recipe.model import KeepWeights, Loss, Phase
from steelsight.selection.decision import MemberFold

SUFFIX = "-distilled"


def choose_students(plan: Plan) -> tuple[tuple[Member, MemberFold], ...]:
    """Of each step that has networks, the best member of the ensemble by its out-of-fold score, as a student; and the job
    whose weights it starts from, that member's of the first fold."""
    scores = {score.member: score.score or 0.0 for score in plan.decision.member_scores}
    chosen = []
    for jobs in plan.jobs:
        if jobs:
            name, fold = max(jobs, key=lambda job: scores.get(job[0], 0.0))
            chosen.append((student_of(plan.recipe.member(name)), (name, fold)))
    return tuple(chosen)


def student_of(member: Member) -> Member:
    """A member that learns soft answers.

    Its loss is the cross-entropy alone, least where it says exactly what the ensemble says; soft Dice is least where it is
    surer. A classifier sees whole images, since the ensemble's P(defect) is of these; a segmenter sees windows where the
    member does. Epochs, optimiser and learning rates are the member's own. The last epochs are averaged, since no fold is
    left to choose one on.
    """
    last = min(3, member.epochs)
    update = {
        "name": f"{member.name}{SUFFIX}",
        "weights": "random",
        "phases": tuple(_soft(phase) for phase in member.phases),
        "keep": KeepWeights(weights="average", last=last),
        "validate_every": member.epochs,
    }
    if member.step == "classify":
        update["augment"] = member.augment.model_copy(update={"crop": None, "zoom_in": None, "zoom_out": None})
        update["sampling"] = member.sampling.model_copy(update={"device_batch": _fitting(member)})
    return member.model_copy(update=update)


def _soft(phase: Phase) -> Phase:
    loss = Loss(cross_entropy=1.0, cells=phase.loss.cells)
    return phase.model_copy(update={"loss": loss})


def _fitting(member: Member) -> int:
    """Whole images of a forward pass: no more pixels than the member's windows, in equal parts of the batch."""
    window, whole, sampling = member.training_preprocess, member.preprocess, member.sampling
    most = max(1, sampling.device_batch * window.height * window.width // (whole.height * whole.width))
    return max(size for size in range(1, most + 1) if sampling.batch % size == 0)
