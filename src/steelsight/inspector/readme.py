"""The README.md of an INSPECTOR: what the folder is, how to run it and what its figures mean."""

import textwrap

from steelsight.core.commands import command
from steelsight.core.formatting import apart, percent
from steelsight.imaging.combine import needed
from steelsight.inspector.artifact import InspectorCard, NetworkCard
from steelsight.inspector.distilled import evidence_sentence
from steelsight.inspector.parity import DiceLoss, Int8Network, Parity
from steelsight.inspector.readme_verdicts import verdict_paragraphs

_WIDTH = 120
_NAMED = 3  # layers of a network


def readme(card: InspectorCard, parity: Parity) -> str:
    """Markdown."""
    parts = (
        _what(card),
        _run(),
        _networks(card),
        _rule(card),
        _verdicts(card),
        _figures(card),
        _parity(parity),
        _limits(card, parity),
    )
    return "\n".join(parts)


def _what(card: InspectorCard) -> str:
    origin = card.provenance
    names = ", ".join(f"`{name}`" for name in card.classes)
    folds = (
        f"fold {origin.folds[0]}" if len(origin.folds) == 1 else f"folds {', '.join(map(str, origin.folds))}, combined"
    )
    segmenters = "segmenter gives" if len(card.of_step("segment")) == 1 else "segmenters give"
    classifiers = "classifier gives" if len(card.of_step("classify")) == 1 else "classifiers give"
    steps = (
        f"Its {classifiers} each image a probability of showing any defect. If that exceeds the gate, its {segmenters} "
        "a probability to every pixel and class, and a rule cuts masks out of them."
        if card.of_step("classify")
        else f"It has no classifiers: its {segmenters} every image a probability for each pixel and class, and a rule cuts "
        "masks out of them."
    )
    networks = f"the networks of {folds}"
    if origin.distilled is not None:
        networks = f"networks that learned to answer as {origin.distilled.teachers} networks of its folds do together"
    return (
        "# An inspector for steel surfaces\n\n"
        + _wrapped(f"This folder finds defects of {len(card.classes)} classes in images of steel: {names}. {steps}")
        + "\n\n"
        + _wrapped(
            f"Exported on {origin.created} by steelsight {origin.steelsight} from a run of the recipe "
            f"`{origin.recipe.get('name', '?')}`: {networks}. Data fingerprint `{origin.fingerprint[:16]}`. "
            "`inspector.json` has all of it, the recipe included; `checksums.txt` the SHA-256 of every file "
            "(`sha256sum -c checksums.txt`)."
        )
        + "\n"
    )


def _run() -> str:
    return (
        "## Run it\n\n"
        "steelsight (Python 3.11 or newer) runs it; its plain install is enough, and has no torch:\n\n"
        "    pip install steelsight            # or `pip install .` in its source folder\n"
        f"    {command('inspect', 'THIS_FOLDER', 'IMAGES', out='RESULTS', masks=True, overlays=True)}\n\n"
        "`IMAGES` are files, folders or patterns. RESULTS/images.csv has one row for each image, its verdict first;\n"
        "submission.csv has the masks as run lengths. From Python:\n\n"
        "    from steelsight.inspector.inspector import Inspector\n\n"
        '    inspector = Inspector.open("THIS_FOLDER")\n'
        '    judged = inspector("strip.jpg")\n'
        "    judged.verdict, judged.p_defect, judged.regions\n"
    )


def _networks(card: InspectorCard) -> str:
    rows = "\n".join(_network_row(network) for network in card.networks)
    return (
        "## Networks\n\n"
        "Each is an ONNX file that any runtime can read: float32 `input` (n, channels, height, width) to float32\n"
        "`probabilities`, of the image (n,) in step classify, of each class and pixel (n, classes, height, width) in step\n"
        f"segment. Precision: {card.precision}.{combined_sentence(card)}\n\n"
        "| file | step | member | fold | input | image to input |\n|---|---|---|---|---|---|\n"
        f"{rows}\n"
    )


def combined_sentence(card: InspectorCard) -> str:
    """How the networks of a step become one answer; nothing if there is one a step."""
    segmenters = len(card.of_step("segment"))
    if max(segmenters, len(card.of_step("classify"))) < 2:
        return ""
    match card.combine:
        case "mean":
            return " The answers of a step's networks\nare averaged, each with the same weight."
        case "logits":
            return " The log odds that a step's networks\nanswer are averaged, each with the same weight."
        case "votes":
            maps = (
                f"Of the {segmenters} segmenters' maps, a pixel gets\nthe value that {needed(segmenters)} of them reach"
            )
            return f" {maps}; P(defect) is the mean of the classifiers' log odds."


def _network_row(network: NetworkCard) -> str:
    way = network.preprocess
    size = f"{way.channels} x {way.height} x {way.width}"
    fit = "stretched" if way.fit == "stretch" else "scaled, centred on black"
    numbers = f"{way.colour}, {fit}, [0, 1], then (x - {way.mean:g}) / {way.deviation:g}"
    return f"| {network.file} | {network.step} | {network.member} | {network.fold} | {size} | {numbers} |"


def _rule(card: InspectorCard) -> str:
    rule = card.rule
    rows = "\n".join(
        f"| {name} | {upper / 255:.3f} | {lower / 255:.3f} | {area} px |"
        for name, upper, lower, area in zip(card.classes, rule.upper, rule.lower, rule.min_area, strict=True)
    )
    soft = ""
    if rule.softness > 1:
        soft = (
            f" The gate is soft: minimum areas are multiplied by {rule.softness:g} - {rule.softness - 1:g} x P(defect), so "
            "a less likely defect must be larger."
        )
    return (
        "## Rule\n\n"
        + _wrapped(
            f"An image whose P(defect) does not exceed the gate of {rule.gate:g} has no mask. A class keeps its mask if at "
            "least `minimum area` pixels of the original image exceed `upper`; the mask is then every pixel above `lower`."
            + soft
            + (" Masks are cut at the networks' size and enlarged pixel by pixel." if rule.at == "working" else "")
            + " The strongest regions above `lower` that make no mask are suspected, or, where nothing stands out, the "
            "strongest place of the image: an image that does not pass shows them with dashes, as a place to look at. They "
            "are never counted as found." + _region(card)
        )
        + "\n\n| class | upper | lower | minimum area |\n|---|---|---|---|\n"
        + rows
        + "\n"
    )


def _region(card: InspectorCard) -> str:
    if card.roi is None:
        return ""
    return (
        f" Region of interest: {card.roi.text}. Outside of it nothing is marked or suspected, and no share counts it; the "
        f"networks see {'black there' if card.roi.black else 'the whole image, as they have learned it'}."
    )


def _verdicts(card: InspectorCard) -> str:
    text, follows_item = "## Verdicts", False
    for paragraph in verdict_paragraphs(card):
        item = paragraph.startswith("- ")
        text += "\n" if item and follows_item else "\n\n"
        text += _wrapped(paragraph, indent="  " if item else "")
        follows_item = item
    return text + "\n"


def _figures(card: InspectorCard) -> str:
    figures, origin = card.provenance.out_of_fold, card.provenance
    if figures is None or origin.distilled is not None:
        return _figures_of_distilled(card)
    if origin.evidence == "own":
        standing = (
            f"This inspector holds the networks of fold {origin.folds[0]} alone. None of them has seen the images of that "
            "fold, which are its own evidence. The figures here are those of all folds of the run, each judged in this way."
        )
    else:
        standing = (
            "This inspector combines networks of several folds, and some of them have seen each image of the run. The "
            "figures are cross-validated: they are those of its parts, not of the whole, and no guarantee."
        )
    rows = [
        ("Dice, as the competition counts it", _number(figures.nested_dice)),
        ("the same for an answer without any mask (floor)", _number(figures.floor)),
        ("Dice of pairs with a defect", _number(figures.nested_defective_dice)),
        ("share of empty pairs with a false alarm", _number(figures.nested_false_alarm_share)),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return (
        "## Figures\n\n"
        + _wrapped(
            f"{figures.images} images were each judged by networks that did not see the image, and by a rule that was chosen "
            "without its fold. A pair is an image and a class; Dice is 2 x overlap / (found + annotated pixels), 1 if both "
            "are empty. Most pairs are empty, so the floor is high: read the first figure beside it."
        )
        + f"\n\n| figure | out of fold |\n|---|---|\n{table}\n\n"
        + _wrapped(standing)
        + "\n"
    )


def _figures_of_distilled(card: InspectorCard) -> str:
    distilled = card.provenance.distilled
    if distilled is None:
        return ""
    learned = (
        (distilled.training, "images of the run"),
        (distilled.unlabelled, "images without labels"),
        (distilled.made_up, "made-up strips"),
    )
    counts = ", ".join(f"{count:,} {what}" for count, what in learned if count)
    return (
        "## Figures\n\n"
        + _wrapped(f"{evidence_sentence(calibrated=card.policy is not None)} What they learned from: {counts}.")
        + "\n\n"
        + _wrapped(f"{distilled.loss_sentence}.")
        + "\n"
    )


def _parity(parity: Parity) -> str:
    lines = "\n".join(f"- {line}" for line in parity_lines(parity))
    return (
        "## Parity\n\n"
        + _wrapped(
            f"Compared on {parity.images} images with the trained networks ({parity.reference}), both through the same code; "
            f"{parity.runtime} on {parity.processor}. All of it is in `parity.json`."
        )
        + f"\n\n{lines}\n"
    )


def parity_lines(parity: Parity) -> tuple[str, ...]:
    """The main figures, a sentence each, for people."""
    maps = (
        "no image passed the gate"
        if parity.map_difference is None
        else f"{parity.map_difference:.4f} on the 8-bit grid"
    )
    lines = [
        f"P(defect) differs by {parity.p_defect_difference:.1e} at most, a pixel's mean probability: {maps}",
        _decisions(parity),
        f"masks the same for {percent(parity.same_masks_share, 2)} of {parity.pairs} (image, class) pairs, "
        f"{parity.found_pairs} of them with a mask{_mask_differences(parity)}",
    ]
    loss = parity.dice_loss
    if loss is None:
        return tuple(lines)
    if loss.not_measured:
        return (*lines, f"Dice lost by {parity.precision}: not measured, since {loss.not_measured}")
    kept = "kept" if loss.kept else "NOT kept"
    return (
        *lines,
        f"Dice lost by {parity.precision}: {loss.lost:+.5f} ({loss.fp32:.5f} in fp32, {loss.reduced:.5f}), on {loss.images} "
        f"images that their networks did not see; the limit of {loss.limit:g} is {kept}{_lost_by_defects(loss)}",
        *(_in_int8(network) for network in loss.networks),
    )


def _lost_by_defects(loss: DiceLoss) -> str:
    """What the pairs with a defect lose, and the class that suffers most."""
    if loss.defects is None:
        return ""
    text = f"; pairs with a defect lose {loss.defects.lost:+.5f} ({loss.defects.pairs} of them)"
    worst = loss.worst_class
    if worst is None or worst.defects is None:
        return f"{text}, and no class loses"
    return (
        f"{text}, those of class {worst.defect_class} most: {worst.defects.lost:+.5f} ({worst.defects.pairs} of them)"
    )


def _in_int8(network: Int8Network) -> str:
    share = f"{percent(network.int8_share, 0)} of the multiplications of {network.file} are in int8"
    moved = f"its answers lie {network.difference:.3f} from those of fp32 (1 minus soft Dice)"
    back = network.floating_point
    if not back:
        return f"{share}; {moved}"
    missed = "" if network.difference <= network.max_difference else f", beyond the {network.max_difference:g} aimed at"
    named = ", ".join(back[:_NAMED]) + (
        f" and {len(back) - _NAMED} more, see parity.json" if len(back) > _NAMED else ""
    )
    return (
        f"{share}; {moved}{missed}; {network.difference_before:.3f} before these layers went back to floating point: "
        f"{named}"
    )


def _decisions(parity: Parity) -> str:
    """Shares of decisions that are the same, and how many differ for what lies beside a threshold."""
    verdicts = "" if parity.same_verdict_share is None else f", verdicts for {percent(parity.same_verdict_share, 2)}"
    text = (
        f"gate decisions the same for {percent(parity.same_gate_share, 2)} of the images{verdicts}, answers for "
        f"{percent(parity.same_answer_share, 2)}"
    )
    near = {"gate": parity.near_gate_images, "verdict": parity.near_verdict_images}
    said = [f"{count} {what}{'s' if count > 1 else ''}" for what, count in near.items() if count]
    return f"{text}; {' and '.join(said)} within the tolerance of a threshold" if said else text


def _mask_differences(parity: Parity) -> str:
    text = (
        f", by {parity.most_pixels} pixel{'s' if parity.most_pixels > 1 else ''} at most" if parity.most_pixels else ""
    )
    if parity.near_area_pairs:
        text += f", {parity.near_area_pairs} at the minimum area by one side alone"
    if parity.mean_dice is None:
        return text
    dice = apart(*(one for one in (parity.mean_dice, parity.least_dice) if one is not None), least=5)
    return f"{text}; Dice between the masks {dice[0]}" + (f", {dice[1]} at least" if len(dice) > 1 else "")


def _limits(card: InspectorCard, parity: Parity) -> str:
    known = card.familiar
    notes = [
        f"It knows images {_span(known.width)} pixels wide and {_span(known.height)} high, mean brightness "
        f"{known.brightness[0]:.2f} to {known.brightness[1]:.2f} (of [0, 1]).{_white(known.bits)} An image far outside is "
        "still judged, but it is flagged and does not pass. Other material, light or optics need images of their own.",
        f"It finds no kind of defect that was not annotated. {_probabilities(card)}",
        f"{_judged_on(card)}Judge it on your own images before anything depends on it: "
        "`steelsight score TRUTH.csv RESULTS/submission.csv`.",
    ]
    if _is_epoch_selected(card):
        notes.insert(
            0,
            "The epoch of its networks was chosen on the images that the figures are from, so the figures are too good.",
        )
    if parity.dice_loss is not None and parity.dice_loss.kept is False:
        notes.insert(0, f"Its precision, {card.precision}, costs more Dice than was allowed: see Parity.")
    body = "\n".join(_wrapped(f"- {note}", indent="  ") for note in notes)
    return f"## Limits\n\n{body}\n"


def _span(ends: tuple[float, float]) -> str:
    least, most = ends
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


def _judged_on(card: InspectorCard) -> str:
    distilled = card.provenance.distilled is not None
    return "" if distilled else "It was judged on images like those it was made from. "


def _white(bits: int | None) -> str:
    return "" if bits is None else f" In 16-bit images {(1 << bits) - 1} is white, as of a camera of {bits} bit."


def _probabilities(card: InspectorCard) -> str:
    if card.policy is None or card.policy.calibration.kind == "none":
        return "Probabilities are not calibrated: 0.9 is not nine out of ten."
    return (
        "P(defect) and the probabilities of pixels are not calibrated. The column `probability` of images.csv is calibrated, "
        "for strip with the same share of defective images as in the test."
    )


def _is_epoch_selected(card: InspectorCard) -> bool:
    chosen = {network.member for network in card.networks}
    members = card.provenance.recipe.get("members", ())
    return any(one["name"] in chosen and one.get("keep", {}).get("weights") == "best" for one in members)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
