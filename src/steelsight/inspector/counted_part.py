"""What an inspector found in a labelled image, of which parts are ignored: as if it had found nothing there."""

from itertools import chain

from steelsight.cascade.judge import Prediction
from steelsight.cascade.masks import MasksAndRegions
from steelsight.dataset.model import Sample
from steelsight.imaging.regions import find_regions
from steelsight.imaging.rle import encode_mask
from steelsight.rule.rule import Rule, masks


def counted_part(judged: Prediction, sample: Sample, rule: Rule) -> MasksAndRegions:
    """Masks and regions that the rule cuts out of the maps where the image is not ignored.

    Args:
        judged: with its maps, where anything of the sample is ignored.
    """
    if judged.maps is None or not sample.ignored.area:
        return judged.runs, judged.regions
    maps = sample.judged(judged.maps)
    planes = masks(rule, judged.p_defect, maps)
    found = (find_regions(place, plane, maps[place]) for place, plane in enumerate(planes))
    return tuple(encode_mask(plane) for plane in planes), tuple(chain.from_iterable(found))
