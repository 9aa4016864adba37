"""One classifier and one segmenter that answer as the ensemble of all folds does: asked, taught, compared."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from statistics import mode
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.judge import sees_grey
from steelsight.cascade.sources import Source, find_sources, sources_of
from steelsight.core.cores import cores
from steelsight.core.errors import UserError
from steelsight.dataset.model import Sample
from steelsight.dataset.read import read_dataset
from steelsight.dataset.twins import find_twins
from steelsight.dataset.within_roi import within
from steelsight.export.distil.compare import FreshImages, compare, in_order_of
from steelsight.export.distil.request import DistilRequest, Workplace, open_workplace, weights_of
from steelsight.export.distil.student import choose_students
from steelsight.export.plan import Plan
from steelsight.imaging.read import ImageError, read_image
from steelsight.inspector.artifact import NetworkCard
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.distilled import Distilled
from steelsight.inspector.training_images import are_fresh, write_seen
from steelsight.networks.torch_engine import TorchEngine
from steelsight.recipe import Member
from steelsight.selection.decision import MemberFold
from steelsight.strips import make_strips
from steelsight.training.distil.answers import Answers
from steelsight.training.distil.learn import Lesson, learn

_SEED, _FRESH_SEED = 1_000_003, 2_000_003  # of made-up strips, beside the recipe's: those learned from, those judged
_MOST_FRESH = 200
_STRIP_CLASSES = ("1", "2", "3", "4")


@dataclass(frozen=True, eq=False)
class Students:
    """What was distilled.

    Attributes:
        engine: the students, as `export` takes its reference.
        networks: their cards.
        learned: images beside the run's that they learned from.
        about: of the card.
        notes: what a user should know, sentences.
    """

    engine: TorchEngine
    networks: tuple[NetworkCard, ...]
    learned: tuple[Sample, ...]
    about: Distilled
    notes: tuple[str, ...]


def distil(plan: Plan, request: DistilRequest, teachers: TorchEngine, unlabelled: Sequence[Source]) -> Students:
    """Ask the teachers, teach the students, and compare both.

    Args:
        teachers: the networks of the plan.
        unlabelled: what `check_distil` found.

    Raises:
        UserError: an image of the run cannot be judged; or images to compare on were learned from.
    """
    students = choose_students(plan)
    given = (
        None if request.compare is None else _given(plan, request.compare, unlabelled)
    )  # what is refused, is so first
    place = open_workplace(plan, request, [student for student, _ in students], unlabelled)
    strips, fresh_strips = _made_up(plan, request, place)
    own = sources_of(plan.record.samples)
    fresh = _fresh(plan, fresh_strips, unlabelled) if given is None else _without(given, _readable(plan, strips))
    sources = (*own, *unlabelled, *strips)
    answers = Answers(place.answers)
    unjudged = answers.ask(teachers, plan.rule, sources, _telling(plan, "answers of the ensemble"))
    lesson, notes = _lesson(plan, sources, answers, teachers, unjudged)
    networks, seconds = [], 0.0
    for student, job in students:
        start = weights_of(plan.run, job)
        network, took = learn(
            student, start, place.job(student.name), lesson, _telling(plan, f"learning: {student.name}")
        )
        networks.append(network)
        seconds += took
    by_step = {student.step: network for (student, _), network in zip(students, networks, strict=True)}
    engine = replace(
        teachers,
        classifiers=(by_step["classify"],) if "classify" in by_step else (),
        segmenters=(by_step["segment"],),
    )
    loss, not_measured = None, None
    if isinstance(fresh, FreshImages):
        loss = compare(fresh, teachers, engine, plan.rule, _telling(plan, "comparing with the ensemble"))
    else:
        not_measured = fresh
    about = Distilled(
        teachers=len(teachers.classifiers) + len(teachers.segmenters),
        training=sum(number < len(own) for number in lesson.numbers),
        unlabelled=sum(len(own) <= number < len(own) + len(unlabelled) for number in lesson.numbers),
        made_up=sum(number >= len(own) + len(unlabelled) for number in lesson.numbers),
        seconds=seconds,
        loss=loss,
        not_measured=not_measured,
    )
    learned = tuple(sample for sample, number in zip(lesson.samples, lesson.numbers, strict=True) if number >= len(own))
    return Students(engine, _cards(students), learned, about, notes)


def _cards(students: Sequence[tuple[Member, MemberFold]]) -> tuple[NetworkCard, ...]:
    """Classifier first, as the engine has them; the fold is that of the weights that it started from."""
    return tuple(
        NetworkCard(
            file=f"{student.name}.onnx",
            member=student.name,
            fold=job[1],
            step=student.step,
            preprocess=student.preprocess,
        )
        for student, job in students
    )


def _made_up(plan: Plan, request: DistilRequest, place: Workplace) -> tuple[tuple[Source, ...], Path | None]:
    """Strips of the size that most images of the run have, and the folder of others to compare on where they are needed."""
    if not request.made_up:
        return (), None
    size = mode(sample.size for sample in plan.record.samples)
    for folder, seed, count in (
        (place.strips, _SEED, request.made_up),
        (place.fresh_strips, _FRESH_SEED, min(request.made_up, _MOST_FRESH)),
    ):
        if not folder.is_dir():
            tell = _telling(plan, "drawing strips")
            make_strips(folder, count, seed=plan.recipe.seed % _SEED + seed, size=size, workers=cores(), progress=tell)
    return find_sources([str(place.strips / "train_images")]), place.fresh_strips


def _lesson(
    plan: Plan, sources: Sequence[Source], answers: Answers, teachers: TorchEngine, unjudged: Sequence[str]
) -> tuple[Lesson, tuple[str, ...]]:
    """What there is an answer for. An image of the run without one is an error."""
    own = len(plan.record.samples)
    numbers = [number for number in range(len(sources)) if answers.path(number).is_file()]
    missing = [number for number in range(own) if number not in set(numbers)]
    if missing:
        raise UserError(f"nothing was distilled: {unjudged[0]}")
    samples = [answers.read(number).as_sample(sources[number], plan.rule) for number in numbers]
    inside = within(samples, plan.record.roi, grey=sees_grey(teachers))
    notes = (f"{len(unjudged)} images without labels were left out: {unjudged[0]}",) if unjudged else ()
    return Lesson(plan.recipe, plan.decision.classes, inside, numbers, answers, plan.record.roi), notes


def _given(plan: Plan, compare: Path, unlabelled: Sequence[Source]) -> FreshImages:
    """The images that a user gives to compare on.

    Raises:
        UserError: they are none, have another class, or were learned from.
    """
    record = plan.record
    samples = in_order_of(record.classes, read_dataset(compare, decode=False))
    learned = (*record.samples, *record.without_masks, *_readable(plan, unlabelled))
    samples = tuple(compress(samples, _are_fresh(learned, samples)))
    return FreshImages(
        f"the labelled images of {compare.name}", samples, find_twins([sample.path for sample in samples])
    )


def _without(fresh: FreshImages, learned: Sequence[Sample]) -> FreshImages:
    """Images to compare on, without those that look like some that the students learn from as well."""
    if not learned:
        return fresh
    kept = _are_fresh(learned, fresh.samples)
    return replace(fresh, samples=tuple(compress(fresh.samples, kept)), groups=fresh.groups[kept])


def _fresh(plan: Plan, strips: Path | None, unlabelled: Sequence[Source]) -> FreshImages | str:
    """Images to compare on where the user gives none, or why there are none.

    Args:
        strips: folder of made-up ones that nothing learns from.
        unlabelled: what students learn from beside the run's images.
    """
    record = plan.record
    if record.later and all(sample.path.is_file() for sample in record.later):
        return fresh_later(plan, unlabelled)
    if strips is None:
        return "no labelled images were given that neither learned from"
    if record.classes != _STRIP_CLASSES:
        return "made-up strips have other classes than the run"
    dataset = read_dataset(strips, decode=False)
    samples = in_order_of(record.classes, dataset)
    return FreshImages("made-up strips", samples, find_twins([sample.path for sample in samples]))


def fresh_later(plan: Plan, unlabelled: Sequence[Source]) -> FreshImages | str:
    """The later images of the run, or why they cannot be compared on: an archive without labels may hold them as well, under
    other names."""
    later, groups = plan.record.later, plan.record.later_groups
    known = _readable(plan, unlabelled)
    try:
        fresh = _are_fresh(known, later) if known else np.ones(len(later), np.bool_)
    except UserError as error:
        return f"the run's later images are among those without labels ({error})"
    return FreshImages("the run's later images", tuple(compress(later, fresh)), groups[fresh])


def _are_fresh(learned: Sequence[Sample], samples: Sequence[Sample]) -> NDArray[np.bool_]:
    """Of each image, whether it looks like none that the run or the students learn from.

    Raises:
        UserError: one was learned from, or more of them than a few look like such ones.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_seen(folder, learned)
        write_checksums(folder)
        return are_fresh(folder, samples)


def _readable(plan: Plan, sources: Sequence[Source]) -> list[Sample]:
    """Images without labels as samples, of which only the file is of use; what cannot be read is not learned from either."""
    nothing = plan.record.samples[0].runs
    with ThreadPoolExecutor(cores()) as pool:
        read = pool.map(_is_readable, sources)
        return [
            Sample(source.image_id, source.file, (1, 1), nothing)
            for source, is_readable in zip(sources, read, strict=True)
            if is_readable
        ]


def _is_readable(source: Source) -> bool:
    try:
        read_image(source.file)
    except ImageError:
        return False
    return True


def _telling(plan: Plan, what: str) -> Callable[[int, int], None]:
    return lambda done, of: plan.progress(what, done, of)
