"""Section What is signed: the inspector that the sheet is for, to the last byte, and where it comes from."""

from dataclasses import dataclass
from pathlib import Path

from steelsight.core.files import resolved
from steelsight.imaging.preprocess import Preprocess
from steelsight.inspector.artifact import InspectorCard, fingerprint
from steelsight.plots.style import class_names


@dataclass(frozen=True)
class ProvenanceView:
    """What the template of this section reads.

    Attributes:
        inspector: name of its folder.
        fingerprint: SHA-256 that stands for every byte of it.
        created: date and time of its export.
        steelsight: version that exported it.
        folds: where the networks come from, in words that follow "networks".
        data: fingerprint of the data that it was trained on.
        counts: what of an image counts, in words.
        networks: rows of file, step, member, fold and input.
        versions: of the libraries that took part.
    """

    inspector: str
    fingerprint: str
    created: str
    steelsight: str
    recipe: str
    data: str
    folds: str
    precision: str
    classes: tuple[str, ...]
    counts: str
    networks: tuple[tuple[str, str, str, int, str], ...]
    versions: tuple[tuple[str, str], ...]


def provenance_view(folder: Path, card: InspectorCard) -> ProvenanceView:
    """What the card says of its making.

    Args:
        folder: of the inspector, checked by `read_card`.
    """
    origin = card.provenance
    return ProvenanceView(
        inspector=resolved(folder).name,
        fingerprint=fingerprint(folder),
        created=f"{origin.created[:16].replace('T', ' ')} UTC",
        steelsight=origin.steelsight,
        recipe=str(origin.recipe.get("name", "unknown")),
        data=origin.fingerprint,
        folds=_folds(card),
        precision=card.precision,
        classes=class_names(card.classes),
        counts="the whole image" if card.roi is None else card.roi.text,
        networks=tuple((one.file, one.step, one.member, one.fold, _input(one.preprocess)) for one in card.networks),
        versions=tuple(sorted(origin.versions.items())),
    )


def _input(preprocess: Preprocess) -> str:
    size = f"{preprocess.height} x {preprocess.width}"
    return size if preprocess.bits is None else f"{size}, of {preprocess.bits} bit"


def _folds(card: InspectorCard) -> str:
    folds, of = card.provenance.folds, card.provenance.recipe.get("folds")
    total = f" (of {of})" if of else ""
    distilled = card.provenance.distilled
    if distilled is not None:
        return f"distilled from {distilled.teachers} of folds {', '.join(map(str, folds))}{total}"
    if len(folds) == 1:
        return f"of fold {folds[0]} alone{total}"
    return f"of folds {', '.join(map(str, folds))}{total}, combined"
