"""`report/index.html`: collect a run's findings, have every section look at them, write one self-contained page."""

from pathlib import Path

from steelsight.core.files import write_text
from steelsight.metrics.defects import Defects
from steelsight.plots.style import class_names
from steelsight.report.findings import Findings, collect
from steelsight.report.options import read_options, renewed, write_options
from steelsight.report.page import render
from steelsight.report.sections.calibration import CalibrationView, calibration_view
from steelsight.report.sections.cautions import run_cautions
from steelsight.report.sections.classifier import classifier_view
from steelsight.report.sections.curves import curves_view
from steelsight.report.sections.data import data_view
from steelsight.report.sections.defect_table import DefectTable, defect_table, strip_scale
from steelsight.report.sections.defects import defects_view
from steelsight.report.sections.first_page import first_view
from steelsight.report.sections.folds import folds_view
from steelsight.report.sections.found_curve import found_view
from steelsight.report.sections.gallery import gallery_view
from steelsight.report.sections.gate import gate_view
from steelsight.report.sections.inspected import InspectedView, inspected_view
from steelsight.report.sections.later import later_view
from steelsight.report.sections.masks import masks_view
from steelsight.report.sections.members import members_view
from steelsight.report.sections.rule_kinds import rules_view
from steelsight.report.sections.soft_truth import SoftTruthView, soft_truth_view
from steelsight.report.sections.summary import summary_view
from steelsight.report.sections.training import read_curves, training_view
from steelsight.report.sign_off.policy import SigningView, Subject, signing_view
from steelsight.rule.kinds import PUBLISHED
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision
from steelsight.selection.ensembles import Progress


def build_report(
    run: Run, inspected: Path | None = None, mm_per_pixel: float | None = None, progress: Progress | None = None
) -> Path:
    """Write RUN/report/index.html and return its path.

    Only the RUN is read, and for pictures the images that its record names; an image that is gone costs its picture.

    Args:
        inspected: a folder that `steelsight inspect` wrote, with overlays, to be pictured as well; `none` for no such
            section. If left out, that of the last report.
        mm_per_pixel: size of a pixel along the strip; if left out, that of the severity rules, or of the last report.
        progress: called with (what is being done, done, of).

    Raises:
        UserError: RUN is not a run, it has no decision yet, `inspected` is no such folder, or the size of a pixel is not that
            of the severity rules.
    """
    # what is refused is refused first: judging thousands of images takes minutes
    classes, policy = run.record.classes, read_decision(run).policy
    options = renewed(read_options(run), inspected, mm_per_pixel, policy)
    strip_scale(policy, options.mm_per_pixel)
    shown = None if inspected is None and options.lost else options.folder
    pictured = None if shown is None else inspected_view(shown, classes)
    lost = (options.lost,) if options.lost else ()
    write_text(run.report_page, page_of(collect(run, progress), pictured, options.mm_per_pixel, lost))
    write_options(run, options)
    return run.report_page


def page_of(
    found: Findings,
    inspected: InspectedView | None = None,
    mm_per_pixel: float | None = None,
    cautions: tuple[str, ...] = (),
) -> str:
    """The page as HTML text; `cautions` are further ones, at its top."""
    table = _defect_table(found, mm_per_pixel)
    record, decision = found.record, found.decision
    names = class_names(record.classes)
    classifier = gate = None
    nested = found.ways[0][1]
    if found.has_classifier:
        gates = [of.rule.gate for of in decision.nested.folds]
        curve = [(point.gate, point.score) for point in decision.gate_curve]
        classifier = classifier_view(found.p_defect, found.defective, record.groups, gates)
        softness = [of.rule.softness for of in decision.nested.folds]
        gate = gate_view(
            nested,
            found.ungated,
            found.passed,
            names,
            curve,
            decision.rule.gate,
            softness,
            decision.objective,
            decision.kept,
            decision.scores.get(decision.objective.aim),
        )
    masks = masks_view(found.ways, record.groups, names)
    training = training_view(read_curves(found.run, found.recipe), names)
    return render(
        {
            "cautions": (*run_cautions(found), *cautions),
            "signing": _signing(found, table),
            "summary": summary_view(found.run, record, found.recipe, masks.judged[0], nested, classifier, training),
            "data": data_view(record, found.run.augmentations),
            "folds": folds_view(record),
            "training": training,
            "classifier": classifier,
            "calibration": _calibration(found),
            "masks": masks,
            "curves": curves_view(found.histograms, nested, names),
            "defects": defects_view(table, found.scored, found.histograms, found.passed, gated=found.has_classifier),
            "soft_truth": _soft_truth(found),
            "found": found_view(decision),
            "gate": gate,
            "members": members_view(decision, found.recipe.folds),
            "rules": rules_view(decision, found.plain_rule, names),
            "first": first_view(record, table, masks.judged[0]),
            "gallery": gallery_view(
                record.samples, found.p_defect, nested, record.classes, found.masks_of, _defects(found)
            ),
            "later": later_view(found.run, record, masks.judged[0], None if classifier is None else classifier.auc),
            "inspected": inspected,
        }
    )


def _calibration(found: Findings) -> CalibrationView | None:
    if not found.has_classifier:
        return None
    return calibration_view(found.p_defect, found.defective, found.record.folds, found.record.groups)


def _soft_truth(found: Findings) -> SoftTruthView | None:
    if found.soft_truth is None:
        return None
    size = next(member.preprocess for member in found.recipe.members if member.step == "segment")
    gate = found.decision.candidate(PUBLISHED).rule.gate
    return soft_truth_view(found.soft_truth, found.p_defect, gate, (size.height, size.width))


def _defects(found: Findings) -> Defects:
    if found.tested.defects is None:
        raise RuntimeError("the images of a run were gathered without their defects")
    return found.tested.defects


def _defect_table(found: Findings, mm_per_pixel: float | None) -> DefectTable:
    tested, scale = found.tested, strip_scale(found.decision.policy, mm_per_pixel)
    return defect_table(_defects(found), tested.groups, tested.sizes[:, 1], tested.classes, scale)


def _signing(found: Findings, table: DefectTable) -> SigningView | None:
    """The page to sign; None without classifiers, which verdicts rest on."""
    if found.decision.policy is None:
        return None
    subject = Subject(
        name=f"“{found.run.name}”, data {found.record.fingerprint[:12]}",
        unreadable="could not be read from the places that the run’s record names",
        named_in=found.run.decision_file.name,
    )
    return signing_view(found.decision.policy, found.tested, found.record.samples, found.masks_of, subject, table)
