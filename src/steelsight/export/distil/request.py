"""What is to be distilled, and where in the RUN its work lies, so that a killed one goes on."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steelsight.cascade.sources import Source, find_sources
from steelsight.core.errors import UserError
from steelsight.core.files import resolved, write_json
from steelsight.export.images import require
from steelsight.export.plan import Plan
from steelsight.recipe import Member
from steelsight.run.run import JobFolder, Run
from steelsight.selection.decision import MemberFold

_KEY = 12  # hexadecimal digits
_ORDER = "order.json"


@dataclass(frozen=True)
class DistilRequest:
    """What a user asks for.

    Attributes:
        unlabelled: files, folders or patterns of images without labels, whose answers are learned as well.
        made_up: how many made-up strips are drawn, whose answers are learned as well.
        compare: labelled images that neither the run nor these have; the loss against the ensemble is measured on them. None:
            the later images of a run that was split by time, or else fresh made-up strips where some are learned from.
        resume: go on with what an interrupted one has done.
    """

    unlabelled: tuple[str, ...] = ()
    made_up: int = 0
    compare: Path | None = None
    resume: bool = False


def check_distil(plan: Plan, request: DistilRequest) -> tuple[Source, ...]:
    """See that a distillation can be made of a plan, before anything heavy is loaded.

    Returns:
        The images without labels; those of the run that lie among them are answered once.

    Raises:
        UserError: there is no ensemble, another precision is asked for, images are gone, or those without labels are not
            where they are said to be.
    """
    if plan.precision != "fp32":
        raise UserError(
            f"`precision={plan.precision}`: distilled networks are written in fp32, since no image of the run could tell "
            "what a lower precision costs them; leave it out"
        )
    if max(map(len, plan.jobs)) < 2:
        raise UserError(
            f"{plan.run}: one network a step is no ensemble, and there is nothing to distil; export it as it is, or all folds"
        )
    if request.made_up < 0:
        raise UserError(f"`made_up={request.made_up}`: how many strips are drawn, from 0 on")
    require(plan.run, plan.record, "networks are distilled on them")
    if not request.unlabelled:
        return ()
    known = {resolved(sample.path) for sample in (*plan.record.samples, *plan.record.later)}
    return tuple(source for source in find_sources(request.unlabelled) if resolved(source.file) not in known)


@dataclass(frozen=True)
class Workplace:
    """RUN/distilled/<key>: `order.json` says what is distilled; `answers/` has what the ensemble said of each image;
    `strips/` and `fresh/` are made-up ones; `students/<network>/` are as the jobs of a RUN."""

    path: Path

    @property
    def answers(self) -> Path:
        return self.path / "answers"

    @property
    def strips(self) -> Path:
        return self.path / "strips"

    @property
    def fresh_strips(self) -> Path:
        return self.path / "fresh"

    def job(self, name: str) -> JobFolder:
        return JobFolder(self.path / "students" / name)


def open_workplace(
    plan: Plan, request: DistilRequest, students: Sequence[Member], unlabelled: Sequence[Source]
) -> Workplace:
    """The folder of exactly this distillation, new or begun.

    Its name changes with the teachers' weights and rule, the data, the images without labels, and the students, so that
    nothing of another one is taken for its own.

    Raises:
        UserError: it was begun, is not finished, and `request.resume` does not say that it goes on.
    """
    order = {
        "teachers": {
            f"{name}:{fold}": _sha256(weights_of(plan.run, (name, fold))) for name, fold in sum(plan.jobs, ())
        },
        "combine": plan.recipe.selection.combine,
        "rule": plan.rule.model_dump(mode="json", include={"at", "upper"}),  # of answers' maps, and of windows
        "data": plan.record.fingerprint,
        "seed": plan.recipe.seed,
        "unlabelled": [_identity(source) for source in unlabelled],
        "made_up": request.made_up,
        "students": [student.model_dump(mode="json") for student in students],
    }
    text = json.dumps(order, sort_keys=True)
    place = Workplace(plan.run.path / "distilled" / hashlib.sha256(text.encode()).hexdigest()[:_KEY])
    begun = (place.path / _ORDER).is_file()
    if begun and not request.resume and not all(place.job(student.name).done.is_file() for student in students):
        raise UserError(
            f"{place.path}: this distillation was begun and is not finished; go on with it by `resume=`, or delete the folder"
        )
    if not begun:
        write_json(place.path / _ORDER, order)
    return place


def weights_of(run: Run, job: MemberFold) -> Path:
    """The weights of a teacher.

    Raises:
        UserError: they are not there.
    """
    path = run.job(*job).weights
    if not path.is_file():
        raise UserError(f"{path}: not there, so job {job[0]}:{job[1]} is not done; finish the training with `resume=`")
    return path


def _identity(source: Source) -> list[Any]:
    """Of an image without labels: a content that changes changes its size or its time, mostly both. A link that leads nowhere
    has neither, and is left out where it is read."""
    try:
        status = source.file.stat()
    except FileNotFoundError:
        return [source.image_id, str(resolved(source.file))]
    return [source.image_id, str(resolved(source.file)), status.st_size, status.st_mtime_ns]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
