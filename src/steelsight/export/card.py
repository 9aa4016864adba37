"""The card of a new inspector: networks, rule, images it was made with, provenance."""

import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from steelsight.cascade.engine import Engine
from steelsight.cascade.judge import camera_bits, sees_grey
from steelsight.cascade.sources import Source, sources_of
from steelsight.export.images import are_there, spread
from steelsight.export.plan import Plan, Progress
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import read_image
from steelsight.inspector.artifact import (
    IN_INT8,
    CrossValidated,
    InspectorCard,
    NetworkCard,
    Precision,
    Provenance,
    version_for,
)
from steelsight.inspector.distilled import Distilled
from steelsight.inspector.input_range import InputRange
from steelsight.run.record import Record
from steelsight.selection.decision import Decision
from steelsight.version import __version__

_FAMILIAR_IMAGES = 500
_LIBRARIES = ("torch", "onnx", "onnxscript", "openvino")


def make_card(
    plan: Plan, reference: Engine, networks: tuple[NetworkCard, ...] = (), distilled: Distilled | None = None
) -> InspectorCard:
    """The card of what a plan exports, or of networks that were distilled from that.

    Args:
        networks, distilled: of these, where there are such.

    Raises:
        UserError: an image cannot be read.
    """
    return InspectorCard(
        schema_version=version_for(plan.record.roi, distilled, plan.policy),
        roi=plan.record.roi,
        classes=plan.decision.classes,
        networks=networks or _networks(plan),
        combine=plan.recipe.selection.combine,
        precision=plan.precision,
        rule=plan.rule,
        policy=plan.policy,
        familiar=measure_familiar(plan.record, plan.sources, reference, progress=plan.progress),
        provenance=Provenance(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            steelsight=__version__,
            recipe=plan.recipe.model_dump(mode="json"),
            fingerprint=plan.record.fingerprint,
            folds=plan.folds,
            evidence="distilled" if distilled else "own" if len(plan.folds) == 1 else "cross-validated",
            out_of_fold=None if distilled else _out_of_fold(plan.decision),
            versions=_versions(plan.precision),
            distilled=distilled,
        ),
    )


def _networks(plan: Plan) -> tuple[NetworkCard, ...]:
    classifiers, segmenters = plan.jobs
    return tuple(
        NetworkCard(
            file=f"{name}-fold{fold}.onnx",
            member=name,
            fold=fold,
            step=(member := plan.recipe.member(name)).step,
            preprocess=member.preprocess,
        )
        for name, fold in (*classifiers, *segmenters)
    )


def measure_familiar(
    record: Record, sources: Sequence[Source], engine: Engine, *, progress: Progress = lambda what, done, of: None
) -> InputRange:
    """What images a run was made with: its own; where they are gone, their sizes are still on record, and the rest is that of
    the images given, read as the engine sees them.

    Raises:
        UserError: an image cannot be read.
    """
    grey = sees_grey(engine)
    chosen = spread(sources_of(record.samples) if are_there(record) else sources, _FAMILIAR_IMAGES)

    def images() -> Iterator[Image]:
        for done, source in enumerate(chosen):
            yield read_image(source.path, grey=grey)
            progress("measuring images", done + 1, len(chosen))

    measured = InputRange.of(images(), camera_bits(engine))
    heights, widths = zip(*(sample.size for sample in record.samples), strict=True)
    return measured.model_copy(update={"height": _range(heights), "width": _range(widths)})


def _range(sides: Sequence[int]) -> tuple[float, float]:
    return float(min(sides)), float(max(sides))


def _out_of_fold(decision: Decision) -> CrossValidated:
    nested = decision.nested.figures
    return CrossValidated(
        images=nested.images,
        nested_dice=nested.dice,
        nested_defective_dice=nested.defective_dice,
        nested_false_alarm_share=nested.false_alarm_share,
        floor=nested.floor,
    )


def _versions(precision: Precision) -> dict[str, str]:
    libraries = (*_LIBRARIES, "nncf") if precision in IN_INT8 else _LIBRARIES
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}
