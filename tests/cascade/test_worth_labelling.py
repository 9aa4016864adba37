"""Which images are worth labelling: unsure ones and rare defects before plain steel, no surface twice before the others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.pictures import encoded, steel
from numpy.typing import NDArray

from steelsight.cascade.sources import Source
from steelsight.cascade.worth_labelling import Worth, in_order, measure, usual_shares, worth_of
from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.read import ImageError
from steelsight.imaging.rle import Runs, encode_mask
from steelsight.imaging.roi import Polygons, Roi

SIZE = (64, 96)
USUAL = np.array([0.02])
SEES = Preprocess(height=64, width=96, colour="grey")


@dataclass(frozen=True)
class ByHand:
    """A network that finds what is brighter than `middle`: a map of one class, or its greatest value as P(defect)."""

    middle: float
    step: str
    name: str = "by hand"
    preprocess: Preprocess = SEES

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        maps = (1 / (1 + np.exp(-40 * (inputs - self.middle)))).astype(np.float32)
        return np.asarray(maps.max(axis=(1, 2, 3)) if self.step == "classify" else maps)


def members(step: str) -> list[list[Any]]:
    return [[ByHand(middle, step) for middle in (0.75, 0.82, 0.89)]]


def strip(seed: int, spot: int | None = None) -> NDArray[np.uint8]:
    """Plain steel, with a spot of a grey where wanted."""
    pixels = steel(seed, SIZE) // 2
    if spot is not None:
        pixels[20:32, 40:56] = spot
    return pixels


def worth(pixels: NDArray[Any], name: str = "a", step: str = "both") -> Worth:
    classifiers = members("classify") if step == "both" else []
    return worth_of(Source(name, Path(name)), pixels, classifiers, members("segment"), USUAL)


def test_defects_come_before_plain_steel_and_doubtful_ones_before_sure_ones() -> None:
    plain = [worth(strip(seed)).score for seed in range(12)]
    doubtful = [worth(strip(seed, 209)).score for seed in range(20, 23)]  # .82: the folds disagree
    sure = [worth(strip(seed, 255)).score for seed in range(30, 33)]
    assert max(plain) < min(sure)
    assert max(sure) < min(doubtful)
    alone = [worth(strip(seed, 209), step="segment").score for seed in range(20, 23)]
    assert min(alone) > max(worth(strip(seed), step="segment").score for seed in range(12))


def test_it_says_why_and_marks_what_the_networks_see_together() -> None:
    doubtful, sure, plain = worth(strip(1, 209)), worth(strip(1, 255)), worth(strip(1))
    assert doubtful.why(["scratch"]) == "the classifiers disagree, unsure places of scratch"
    assert (sure.why(["scratch"]), plain.why(["scratch"])) == ("a defect", "little")
    assert (sure.marked[0].area, plain.marked[0].area) == (12 * 16, 0)
    assert np.isnan(worth(strip(1), step="segment").p_defect)


def test_each_surface_comes_once_before_any_comes_twice_and_labelled_ones_wait() -> None:
    found = [worth(strip(seed, 209), f"twin {seed}") for seed in range(3)]
    found += [worth(strip(9, 255), "other"), worth(strip(10, 209), "of a labelled surface"), worth(strip(11), "plain")]
    order = in_order(found, [5, 5, 5, 6, 7, 8], frozenset({7}))
    names = [found[place].source.image_id for place in order]
    assert names[0].startswith("twin")
    assert names[1:3] == ["other", "plain"]
    assert set(names[3:5]) >= {"of a labelled surface"}
    assert names[-1].startswith("twin")
    assert sorted(order) == list(range(6))


def test_an_image_that_cannot_be_read_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(".png", strip(1, 209)))
    (tmp_path / "b.png").write_bytes(b"no image")
    sources = [Source(name, tmp_path / name) for name in ("b.png", "a.png")]
    said = list(measure(sources, members("classify"), members("segment"), USUAL, grey=True))
    assert isinstance(said[0], ImageError)
    assert isinstance(said[1], Worth)
    assert said[1].score == pytest.approx(worth(strip(1, 209)).score)


def test_outside_of_the_region_of_interest_nothing_counts(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(".png", strip(1, 215)))
    source, left = Source("a.png", tmp_path / "a.png"), (((0, 0), (0.2, 0), (0.2, 1), (0, 1)),)
    for polygons, finds in ((Polygons(inside=left), False), (Polygons(outside=left), True)):
        roi = Roi(polygons=polygons)
        (one,) = measure([source], members("classify"), members("segment"), USUAL, grey=True, roi=roi)
        assert isinstance(one, Worth)
        assert (one.marked[0].area > 0, one.places > 0.3) == (finds, finds)
    other = Roi(polygons=Polygons(inside=(((0, 0), (9, 0), (9, 9)),), width=10, height=10))
    (refused,) = measure([source], members("classify"), members("segment"), USUAL, grey=True, roi=other)
    assert isinstance(refused, ImageError)


def test_the_usual_share_of_a_class_without_masks_is_that_of_all() -> None:
    mask = np.zeros((10, 10), np.bool_)
    mask[:2] = True
    samples = [Sample("a", Path("a"), (10, 10), (encode_mask(mask), Runs.empty()))]
    assert usual_shares(samples).tolist() == [0.2, 0.2]
    assert usual_shares([Sample("a", Path("a"), (10, 10), (Runs.empty(),))]).tolist() == [0.0]
