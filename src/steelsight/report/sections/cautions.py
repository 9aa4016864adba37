"""The warnings at the top of a page: what the images could not teach or test, and classes that are not found."""

from steelsight.core.safe_names import shown
from steelsight.dataset.cannot_teach import lacks, lacks_in_folds
from steelsight.recipe.quick import smallness
from steelsight.report.findings import Findings
from steelsight.selection.uneven_votes import uneven_votes
from steelsight.selection.unfound import find_unfound, unfound_sentences
from steelsight.verdicts.evaluated import EvaluationSet


def run_cautions(found: Findings) -> tuple[str, ...]:
    """Of a run: what its images and folds lack, and the classes that are not found, with what would help."""
    record = found.record
    unfound = find_unfound(found.decision, record.groups, found.ways[0][1], found.histograms)
    votes = uneven_votes(found.decision)
    return (
        *smallness(found.recipe, len(record.samples), record.of_images),
        *lacks(record.classes, record.samples),
        *lacks_in_folds(record.classes, record.samples, record.folds, record.groups),
        *([] if votes is None else [votes]),
        *(" ".join(unfound_sentences(one, found.decision, found.run.path)) for one in unfound),
    )


def tested_cautions(tested: EvaluationSet) -> tuple[str, ...]:
    """Of an inspector: what the images that it was tested on lack, and the classes that it marked on none of them."""
    said = []
    if tested.defective.all():
        said.append("No image without a defect was tested, so no image passes, and overkill is not known.")
    marked = {one.class_index for regions in tested.regions for one in regions}
    shows = tested.shows.sum(axis=0).tolist()
    lacking = [shown(name) for name, images in zip(tested.classes, shows, strict=True) if not images]
    if lacking:
        known = "is known to show" if tested.class_unknown.any() else "shows"
        which = f"class {lacking[0]}" if len(lacking) == 1 else f"any of the classes {', '.join(lacking)}"
        said.append(f"No tested image {known} {which}: nothing here says how well such defects are found.")
    for place, name in enumerate(tested.classes):
        if not shows[place]:
            continue
        if place not in marked:
            said.append(never_marked(name, shows[place]))
        elif not tested.truth[:, place].any():
            said.append(
                f"No tested image has a mask of class {shown(name)}, only labels name it: whether such images escape is "
                "tested, and not whether its defects are marked where they are."
            )
    return tuple(said)


def never_marked(name: str, images: int) -> str:
    """A class that the images show and the rule marks nowhere."""
    some = "the one image that shows it" if images == 1 else f"the {images} images that show it"
    return (
        f"The rule marks class {shown(name)} on no image, not even on {some}: the inspector does not find this defect. Its "
        "Dice is 0 on every image that shows it."
    )
