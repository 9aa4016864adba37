"""The sheet to sign for an INSPECTOR: its verdict policy, the images that this rests on, and where the inspector comes from.

A RUN's evidence is cross-validated at best, while an inspector of one fold, or one that was calibrated on fresh images, is
exactly what was tested: its bounds are guaranteed.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.files import resolved, write_text
from steelsight.dataset.model import Sample
from steelsight.imaging.rle import Runs
from steelsight.inspector.artifact import CARD, InspectorCard, read_card, require_listed
from steelsight.report.page import render
from steelsight.report.sections.calibration import calibration_view
from steelsight.report.sections.cautions import tested_cautions
from steelsight.report.sections.defect_table import DefectTable, defect_table, strip_scale
from steelsight.report.sign_off.policy import Subject, signing_view
from steelsight.report.sign_off.provenance import provenance_view
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import DEFECTS, IMAGES, MATCHES, read_evaluation_set
from steelsight.verdicts.outcome import judge_outcome
from steelsight.verdicts.policy import Policy


def build_sheet(
    inspector: Path, out: Path | None = None, images: Path | None = None, mm_per_pixel: float | None = None
) -> Path:
    """Write the sheet of an INSPECTOR, one self-contained page, and return its path.

    Args:
        out: the file to write, outside of the inspector; `<INSPECTOR>.verdicts.html` beside it if left out.
        images: folder with the tested images by their ImageId, for pictures of those that are lost; names and figures
            stand in their place if left out.
        mm_per_pixel: size of a pixel along the strip; that of the severity rules if left out.

    Raises:
        UserError: the inspector is damaged, has no policy or not the images that it rests on, or a path or the size of a
            pixel will not do.
    """
    whole = resolved(inspector)
    out = whole.with_name(f"{whole.name}.verdicts.html") if out is None else out
    if resolved(out).is_relative_to(whole):
        raise UserError(
            f"`out={out}`: lies inside the inspector, which would no longer be whole; name a file elsewhere"
        )
    if out.is_dir():
        raise UserError(f"`out={out}`: a folder; name the file to write, such as {out / 'verdicts.html'}")
    if images is not None and not images.is_dir():
        raise UserError(f"`images={images}`: no such folder; name the one that the tested images lie in")
    write_text(out, sheet_of(inspector, images, mm_per_pixel))
    return out


def sheet_of(inspector: Path, images: Path | None = None, mm_per_pixel: float | None = None) -> str:
    """The sheet as HTML text.

    Raises:
        UserError: the inspector is damaged, has no policy or not the images that it rests on, or the size of a pixel is not
            that of its severity rules.
    """
    card = read_card(inspector)
    policy, tested = _evidence(inspector, card)
    made = provenance_view(inspector, card)
    subject = Subject(
        name=f"“{made.inspector}”, SHA-256 {made.fingerprint[:16]}",
        unreadable=f"are not in {images} as they were tested",
        named_in=CARD,
        note="Dashed frames enclose what was marked. True outlines are not kept with an inspector.",
    )
    samples = None if images is None else _samples(tested, images)
    scale = strip_scale(policy, mm_per_pixel)
    defects = _defects(tested.with_masks(), scale)
    return render(
        {
            "cautions": tested_cautions(tested),
            "signing": signing_view(policy, tested, samples, lambda at: _frames(tested, at), subject, defects),
            "provenance": made,
            "calibration": calibration_view(tested.p_defect, tested.defective, tested.folds, tested.groups),
        },
        "sheet.html.j2",
    )


def _evidence(folder: Path, card: InspectorCard) -> tuple[Policy, EvaluationSet]:
    """The policy and the images that it rests on, which must agree: what is signed is what was tested."""
    again = f"`{command('decide', folder, calibrate='DATA')}` makes one from fresh labelled images"
    if not card.of_step("classify"):
        raise UserError(
            f"{folder / CARD}: it has no classifiers, and verdicts need their P(defect); export a run that has some"
        )
    if card.policy is None:
        raise UserError(f"{folder / CARD}: it has no verdict policy, so there is nothing to sign; {again}")
    if not (folder / IMAGES).is_file():
        raise UserError(f"{folder / IMAGES}: not found, so the tested images of the policy are not known; {again}")
    require_listed(folder, IMAGES, DEFECTS, *([MATCHES] if (folder / MATCHES).exists() else []))
    tested = read_evaluation_set(folder)
    if tested.classes != card.classes or judge_outcome(card.policy, tested) != card.policy.outcome:
        raise UserError(f"{folder / IMAGES}: not the images that the policy of {CARD} rests on; {again}")
    return card.policy, tested


def _defects(drawn: EvaluationSet, scale: float | None) -> DefectTable | None:
    """Of images whose masks are known; None where there are none, or it was not kept."""
    found = drawn.defects
    if found is None or not drawn.image_ids:
        return None
    return defect_table(found, drawn.groups, drawn.sizes[:, 1], drawn.classes, scale)


def _samples(tested: EvaluationSet, images: Path) -> Sequence[Sample]:
    """The tested images where the user says that they are; of what is true of them, only areas are known."""
    none = (Runs.empty(),) * len(tested.classes)
    sizes = tested.sizes.tolist()
    return tuple(
        Sample(name, images / name, (height, width), none)
        for name, (height, width) in zip(tested.image_ids, sizes, strict=True)
    )


def _frames(tested: EvaluationSet, at: int) -> NDArray[np.bool_]:
    """The boxes around what was marked on an image: bool (classes, H, W)."""
    frames = np.zeros((len(tested.classes), *tested.sizes[at].tolist()), np.bool_)
    for one in tested.regions[at]:
        frames[one.class_index, one.top : one.top + one.height, one.left : one.left + one.width] = True
    return frames
