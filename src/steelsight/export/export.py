"""From a RUN to an INSPECTOR, written whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from steelsight.cascade.sources import Source
from steelsight.core.errors import UserError
from steelsight.core.files import replacing, write_json, write_text
from steelsight.export.card import make_card
from steelsight.export.checked_engine import WatchedEngine
from steelsight.export.compare_image import ComparedSide
from steelsight.export.distil.request import DistilRequest, check_distil
from steelsight.export.judge_later import judge_later
from steelsight.export.low_precision import write_reduced
from steelsight.export.parity import check, measure
from steelsight.export.plan import Plan, Progress, make_plan
from steelsight.export.platform import here
from steelsight.inspector.artifact import CARD, PARITY, README, InspectorCard, Precision, read_card, write_card
from steelsight.inspector.checksums import UNLISTED, Checksums, write_checksums
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.openvino import OpenVinoEngine
from steelsight.inspector.parity import Parity
from steelsight.inspector.readme import readme
from steelsight.inspector.signature import write_signature
from steelsight.inspector.training_images import PRINTS, SEEN, write_seen
from steelsight.run.run import Run
from steelsight.selection.later_figures import LaterFigures, write_later_figures
from steelsight.verdicts.evaluated_files import DEFECTS, IMAGES, MATCHES, write_evaluation_set

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from steelsight.export.distil.distil import Students
    from steelsight.networks.torch_engine import TorchEngine

_FILES = (CARD, *UNLISTED, PARITY, README, SEEN, PRINTS, IMAGES, DEFECTS, MATCHES)


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: the INSPECTOR.
        card, parity: what stands in it.
        later: what it was worth on the later images of a run that was split by time; None where there are none, or not all of
            them are where the run names them, or the networks are distilled.
        notes: what a user should know of a distillation, sentences.
    """

    folder: Path
    card: InspectorCard
    parity: Parity
    later: LaterFigures | None = None
    notes: tuple[str, ...] = ()


def export_run(
    run: Run,
    out: Path,
    *,
    folds: str = "all",
    precision: Precision = "fp32",
    max_dice_loss: float = 0.002,
    images: Sequence[str] = (),
    sign: "Ed25519PrivateKey | None" = None,
    distil: DistilRequest | None = None,
    progress: Progress = lambda what, done, of: None,
) -> Exported:
    """Write an INSPECTOR from a RUN and prove that it says the same.

    Args:
        out: folder to write; an inspector that stands there is replaced.
        folds: `all`, or one fold's number.
        max_dice_loss: competition Dice that a precision below fp32 may lose.
        images: files, folders or patterns for the comparison with torch; the run's own images if left out.
        sign: the key that signs it; see `steelsight.inspector.signature`.
        distil: write one network a step that learns to answer as all of them do together; None for the networks themselves.

    Raises:
        UserError: the run is not complete, its images are gone, something else stands at `out`, or the networks do not say
            what torch says. Nothing is left behind.
    """
    plan = make_plan(run, folds, precision, max_dice_loss, images, progress)
    _refuse_foreign(out)
    unlabelled: tuple[Source, ...] = ()
    if distil is not None:
        unlabelled = check_distil(plan, distil)
        plan = replace(plan, tested=None, policy=None)  # what the run's images say is no evidence of the students
    from steelsight.networks.torch_engine import load_engine  # torch takes seconds: what is wrong is said before

    classifiers, segmenters = plan.jobs
    reference = load_engine(run, plan.recipe, plan.decision.classes, classifiers, segmenters, device="cpu")
    students = None if distil is None else _distilled(plan, distil, reference, unlabelled)
    if students is not None:
        reference = students.engine
    with replacing(out) as folder:
        folder.mkdir()
        card = (
            make_card(plan, reference)
            if students is None
            else make_card(plan, reference, students.networks, students.about)
        )
        parity = _write_networks(plan, card, reference, folder)
        if plan.tested is not None:
            write_evaluation_set(folder, plan.tested)
        learned = (*plan.record.samples, *plan.record.without_masks, *(students.learned if students else ()))
        if all(sample.path.is_file() for sample in learned):
            write_seen(folder, learned)
        write_json(folder / PARITY, parity.model_dump(mode="json"))
        write_text(folder / README, readme(card, parity))
        write_checksums(folder)
        if sign is not None:
            write_signature(Checksums.read(folder), sign)
    later = None if students else _judge_later(run, plan, out)
    return Exported(out, card, parity, later, students.notes if students else ())


def _distilled(plan: Plan, request: DistilRequest, teachers: "TorchEngine", unlabelled: Sequence[Source]) -> "Students":
    from steelsight.export.distil.distil import distil

    return distil(plan, request, teachers, unlabelled)


def _judge_later(run: Run, plan: Plan, folder: Path) -> LaterFigures | None:
    record = plan.record
    if not record.later or not all(sample.path.is_file() for sample in record.later):
        return None
    inspector = Inspector.open(folder, device="cpu")
    figures = judge_later(inspector, record, lambda done, of: plan.progress("judging the later images", done, of))
    write_later_figures(run, figures)
    return figures


def _refuse_foreign(out: Path) -> None:
    """Only an inspector, or an empty folder, is replaced."""
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise UserError(f"`out={out}`: a file or link of this name is there; name a folder that is not there yet")
    names = {path.name for path in out.iterdir()}
    parts = {name for name in names if name in _FILES or name.endswith(".onnx")}
    if names and (CARD not in names or names - parts):
        foreign = min(names - parts or names)
        raise UserError(
            f"`out={out}`: it holds {foreign} and would be replaced as a whole; name a folder that is not there yet, or "
            "that of an inspector"
        )


def _write_networks(plan: Plan, card: InspectorCard, reference: "TorchEngine", folder: Path) -> Parity:
    """Write networks and card and compare them with torch: in fp32 first, whatever precision is wanted."""
    if card.precision == "fp32":
        _write_fp32(plan, card, reference, folder)
        return _parity(plan, card, reference, folder)
    with TemporaryDirectory(dir=folder) as temporary:
        fp32 = Path(temporary)
        _write_fp32(plan, card, reference, fp32)
        _parity(plan, card.model_copy(update={"precision": "fp32"}), reference, fp32)
        loss = write_reduced(plan, card, fp32, folder)
    return _parity(plan, card, reference, folder).model_copy(update={"dice_loss": loss})


def _write_fp32(plan: Plan, card: InspectorCard, reference: "TorchEngine", folder: Path) -> None:
    from steelsight.networks.onnx import OnnxGraph

    graphs: dict[str, OnnxGraph] = {}
    pairs = list(zip(card.networks, (*reference.classifiers, *reference.segmenters), strict=True))
    for done, (its, network) in enumerate(pairs):
        plan.progress("networks to ONNX", done, len(pairs))
        if its.member not in graphs:
            graphs[its.member] = OnnxGraph.trace(network)
        graphs[its.member].write(network, folder / its.file)
    plan.progress("networks to ONNX", len(pairs), len(pairs))


def _parity(plan: Plan, card: InspectorCard, reference: "TorchEngine", folder: Path) -> Parity:
    """Compare what the run says by its own rule and policy with what lies in the folder, read as its user will read it."""
    what = f"comparing {card.precision} with torch"
    write_card(folder, card)
    write_checksums(folder)
    written = read_card(folder)
    engine = OpenVinoEngine.load(folder, written)
    exported = WatchedEngine.of(engine, written, "OpenVINO")
    measured = measure(
        plan.sources,
        ComparedSide("torch", WatchedEngine.of(reference, card, "torch"), plan.rule, plan.policy),
        ComparedSide("OpenVINO", exported, written.rule, written.policy),
        here(card.precision, engine.computed_in),
        lambda done, of: plan.progress(what, done, of),
    )
    check(measured)
    return measured.parity
