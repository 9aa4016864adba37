"""From what the station keeps to the JSON of its interface."""

from collections.abc import Sequence
from typing import Any

from steelsight.imaging.regions import Region
from steelsight.imaging.rle import parse_runs
from steelsight.inspector.artifact import InspectorCard
from steelsight.inspector.signature import Signature
from steelsight.results.overlay import class_colour
from steelsight.station.http.polygons import Ring, region_polygons
from steelsight.station.http.schemas import (
    ClassAnswer,
    InspectionAnswer,
    InspectorAnswer,
    LimitsAnswer,
    NetworkAnswer,
    PolicyAnswer,
    RegionAnswer,
    RegionSummary,
    ReviewAnswer,
    RuleAnswer,
    SignatureAnswer,
    SummaryAnswer,
)
from steelsight.station.inspection import Inspection, Review
from steelsight.station.settings import StationSettings
from steelsight.verdicts.policy import Policy
from steelsight.verdicts.text import statement_text, thresholds_text, truth_text, unusual_text
from steelsight.version import __version__


def inspection_answer(inspection: Inspection) -> InspectionAnswer:
    """An inspection, whole."""
    result, classes = inspection.result, inspection.classes
    return InspectionAnswer(
        **_common(inspection),
        regions=_outlined(result.regions, result.runs, result.size, classes),
        runs=_by_class(result.runs, classes),
        suspected=_outlined(result.suspected, result.suspected_runs, result.size, classes),
        suspected_runs=_by_class(result.suspected_runs, classes),
    )


def summary_answer(inspection: Inspection) -> SummaryAnswer:
    """An inspection in a list."""
    result = inspection.result
    regions, suspected = (
        [RegionSummary(**_region(region, inspection.classes)) for region in of_kind]
        for of_kind in (result.regions, result.suspected)
    )
    return SummaryAnswer(**_common(inspection), regions=regions, suspected=suspected)


def review_answer(review: Review, classes: tuple[str, ...]) -> ReviewAnswer:
    """A version of the reviewer's word."""
    return ReviewAnswer(
        version=review.version,
        at=review.at,
        reviewer=review.reviewer,
        agrees=review.agrees,
        word=review.word,
        runs=_by_class(review.runs, classes),
        comment=review.comment,
    )


def inspector_answer(
    card: InspectorCard,
    *,
    fingerprint: str,
    signature: Signature,
    name: str,
    settings: StationSettings,
    max_files: int,
    samples: list[str],
    needs_token: bool,
    made_up: bool,
) -> InspectorAnswer:
    """What inspects here."""
    rule, provenance = card.rule, card.provenance
    return InspectorAnswer(
        fingerprint=fingerprint,
        name=name,
        version=__version__,
        station=settings.name,
        precision=card.precision,
        classes=[
            ClassAnswer(name=one, number=index + 1, colour="#{:02x}{:02x}{:02x}".format(*class_colour(index)))
            for index, one in enumerate(card.classes)
        ],
        networks=[
            NetworkAnswer(
                member=one.member,
                fold=one.fold,
                step=one.step,
                height=one.preprocess.height,
                width=one.preprocess.width,
            )
            for one in card.networks
        ],
        rule=RuleAnswer(
            gate=rule.gate,
            softness=rule.softness,
            upper=list(rule.upper),
            lower=list(rule.lower),
            min_area=list(rule.min_area),
        ),
        policy=None if card.policy is None else _policy(card.policy),
        created=provenance.created,
        recipe=str(provenance.recipe.get("name", "")),
        out_of_fold=provenance.out_of_fold,
        limits=LimitsAnswer(
            max_bytes=settings.max_bytes,
            max_pixels=settings.max_pixels,
            max_files=max_files,
            queue=settings.queue,
        ),
        samples=samples,
        roi=None if card.roi is None else card.roi.text,
        signature=SignatureAnswer.model_validate(signature, from_attributes=True),
        needs_token=needs_token,
        person=None,
        made_up=made_up,
    )


def _policy(policy: Policy) -> PolicyAnswer:
    said = [statement_text(one, policy.wish, guaranteed=policy.is_guaranteed) for one in policy.statements]
    return PolicyAnswer(
        pass_at=policy.pass_at,
        reject_at=policy.reject_at,
        evidence=policy.evidence,
        guaranteed=policy.is_guaranteed,
        confidence=policy.wish.confidence,
        statements=[thresholds_text(policy), *said, *filter(None, [truth_text(policy), unusual_text(policy)])],
    )


def _common(inspection: Inspection) -> dict[str, Any]:
    result, classes = inspection.result, inspection.classes
    height, width = result.size or (None, None)
    areas = dict.fromkeys(classes, 0)
    for region in result.regions:
        areas[classes[region.class_index]] += region.area
    return {
        "id": inspection.id,
        "at": result.at,
        "door": result.door,
        "station": result.station,
        "name": result.name,
        "sha256": result.sha256,
        "bytes": result.bytes,
        "inspector": result.inspector,
        "height": height,
        "width": width,
        "p_defect": result.p_defect,
        "probability": result.probability,
        "verdict": result.verdict,
        "reason": result.reason,
        "flags": list(result.flags),
        "error": result.error,
        "seconds": result.seconds,
        "doubt": result.doubt,
        "classes": areas if result.error is None else {},  # 0 would say that the networks found nothing
        "has_image": result.has_image,
        "has_maps": result.has_maps,
        "review": None if inspection.review is None else review_answer(inspection.review, classes),
    }


def _region(region: Region, classes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "class": classes[region.class_index],
        "number": region.class_index + 1,
        "left": region.left,
        "top": region.top,
        "width": region.width,
        "height": region.height,
        "area": region.area,
        "probability": region.probability,
    }


def _by_class(runs: Sequence[str], classes: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(classes, runs, strict=True)) if runs else {}


def _outlined(
    regions: Sequence[Region], runs: Sequence[str], size: tuple[int, int] | None, classes: tuple[str, ...]
) -> list[RegionAnswer]:
    polygons = _polygons(regions, runs, size)
    # the corners are set unchecked: they were computed here, and looking at each takes longer than writing it
    return [
        RegionAnswer(**_region(region, classes), polygons=[]).model_copy(update={"polygons": rings})
        for region, rings in zip(regions, polygons, strict=True)
    ]


def _polygons(regions: Sequence[Region], runs: Sequence[str], size: tuple[int, int] | None) -> list[list[Ring]]:
    """The rings of every region, in the regions' order."""
    if size is None:
        return []
    found: dict[int, list[list[Ring]]] = {}
    for index in {region.class_index for region in regions}:
        of_class = [region for region in regions if region.class_index == index]
        found[index] = region_polygons(parse_runs(runs[index], size), of_class, size)
    ordered = {index: iter(rings) for index, rings in found.items()}
    return [next(ordered[region.class_index]) for region in regions]
