"""An inspector's verdict policy, decided again where it stands: its networks stay as they are."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.core.files import replacing, resolved, write_text
from steelsight.imaging.roi import Roi, count_alike
from steelsight.inspector.artifact import CARD, README, InspectorCard, open_artifact, write_card
from steelsight.inspector.checksums import UNLISTED, write_checksums
from steelsight.inspector.parity import read_parity
from steelsight.inspector.readme import readme
from steelsight.inspector.tested_images import read_tested
from steelsight.verdicts.choose_policy import choose_policy
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import DEFECTS, IMAGES, MATCHES, write_evaluation_set
from steelsight.verdicts.policy import Limits, Unchanged
from steelsight.verdicts.severity import Severity


def decide_inspector(
    folder: Path,
    wish: Limits | None,
    severity: Severity | Unchanged | None,
    fresh: EvaluationSet | None = None,
    roi: Roi | Unchanged | None = "keep",
) -> InspectorCard:
    """Decide again, and rewrite inspector.json, README.md and checksums.txt: all of them, or none. A signature was of the
    former ones, and goes.

    Args:
        wish: None for the one that the inspector has.
        severity: `keep` for the rules that it has, None for none.
        fresh: images that no network of it has seen, judged by it; from then on they are its evidence. None for the
            evidence that it has.
        roi: the region of interest from now on, None for whole images; `keep` for the one that it has. Evidence that it has
            is of the former one then, and supports no bound. `fresh` must be judged with it: see `with_roi`.

    Raises:
        UserError: the inspector is damaged, has no classifiers or no evidence.
    """
    card, checksums, _ = open_artifact(folder)
    if not card.of_step("classify"):
        raise UserError(
            f"{folder / CARD}: it has no classifiers, and verdicts need their P(defect); export a run that has some"
        )
    changes = roi != "keep" and not count_alike(roi, card.roi)
    former = card.policy
    tested = fresh or replace(read_tested(checksums), grouped_by=former.grouped_by if former else ())
    if changes and fresh is None:
        tested = tested.as_kind("other-region")
    if roi != "keep" and changes:
        card = card.with_roi(roi)
    policy = choose_policy(
        tested,
        wish or (former.wish if former else Limits()),
        (former.severity if former else None) if severity == "keep" else severity,
    )
    card = card.with_policy(policy)
    parity = read_parity(folder)
    with replacing(resolved(folder)) as temporary:  # a link to a release goes on leading to it
        _copy(folder, temporary)
        written = {CARD, README}
        if tested is fresh or changes:
            write_evaluation_set(temporary, tested)
            written |= {IMAGES, DEFECTS, MATCHES}
        write_card(temporary, card)
        write_text(temporary / README, readme(card, parity))
        kept = {name: digest for name, digest in checksums.digests.items() if name not in written}
        write_checksums(temporary, {*kept, *(name for name in written if (temporary / name).is_file())}, kept)
    return card


def _copy(folder: Path, to: Path) -> None:
    """Networks are linked where the disk can, and what is about to be written anew is left out. What else lies in the folder
    comes along as it is, but no checksum will cover it."""
    to.mkdir()
    for path in folder.iterdir():
        if path.name in (CARD, README, *UNLISTED):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, to / path.name, symlinks=True)
            continue
        try:
            os.link(path, to / path.name, follow_symlinks=False)
        except OSError:
            shutil.copy2(path, to / path.name, follow_symlinks=False)
