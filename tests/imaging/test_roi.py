"""A region of interest: polygons and masks as they are drawn, files that are refused, and images that it does not fit."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.imaging.roi import Polygons, Roi, RoiError, blackened, choose_roi, read_inside, read_roi
from steelsight.imaging.strip_edge import strip_mask

SIZE = (12, 20)
IMAGE = np.full(SIZE, 100, np.uint8)


def _written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=6))
def test_a_polygon_holds_the_pixels_whose_centres_lie_in_it(corners: list[tuple[float, float]]) -> None:
    roi = Roi(polygons=Polygons(outside=(tuple(corners),)))
    try:
        counted = roi.counted(IMAGE)
    except RoiError:  # the polygon holds all of it
        counted = np.zeros(SIZE, np.bool_)
    outline = np.array([(x * SIZE[1], y * SIZE[0]) for x, y in corners], np.float32)
    for row, column in np.ndindex(SIZE):
        distance = cv2.pointPolygonTest(outline, (column + 0.5, row + 0.5), True)
        if abs(distance) > 1e-3:  # on the edge itself rounding decides
            assert counted[row, column] == (distance < 0)


def test_polygons_in_shares_fit_any_size_and_those_in_pixels_one(tmp_path: Path) -> None:
    half = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
    shares = read_roi(_written(tmp_path / "shares.json", {"inside": [half]}))
    for size in (SIZE, (4, 6)):
        counted = shares.counted(np.zeros(size, np.uint8))
        assert counted[:, : size[1] // 2].all()
        assert not counted[:, size[1] // 2 :].any()
    pixels = {"inside": [[[0, 0], [10, 0], [10, 12], [0, 12]]], "outside": [[[2, 2], [4, 2], [4, 4], [2, 4]]]}
    drawn = read_roi(_written(tmp_path / "pixels.json", {**pixels, "width": 20, "height": 12}))
    counted = drawn.counted(IMAGE)
    assert counted.sum() == 10 * 12 - 4
    assert not counted[2:4, 2:4].any()
    with pytest.raises(RoiError, match=r"for images of 20 x 12 pixels .* this one has 21 x 12; draw it for this size"):
        drawn.counted(np.zeros((12, 21), np.uint8))


def test_a_mask_counts_where_it_is_white(tmp_path: Path) -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[3:9, 5:15] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    roi = choose_roi(str(tmp_path / "mask.png"))
    assert roi is not None
    np.testing.assert_array_equal(roi.counted(IMAGE), mask > 0)
    assert Roi.model_validate_json(roi.model_dump_json(exclude_none=True)) == roi
    cv2.imwrite(str(tmp_path / "image.png"), IMAGE)
    seen = read_inside(tmp_path / "image.png", roi)
    np.testing.assert_array_equal(seen, np.where(mask > 0, 100, 0))
    assert read_inside(tmp_path / "image.png", None).tolist() == IMAGE.tolist()
    cv2.imwrite(str(tmp_path / "other.png"), IMAGE[:, 1:])
    with pytest.raises(UserError, match=r"other\.png: the region of interest is for images of 20 x 12 .* has 19 x 12"):
        read_inside(tmp_path / "other.png", roi)


def test_what_counts_whole_is_the_very_image_and_colours_go_black_together() -> None:
    assert blackened(IMAGE, np.ones(SIZE, np.bool_)) is IMAGE
    colour = np.repeat(IMAGE[..., None], 3, axis=2)
    counted = np.arange(SIZE[1])[None, :].repeat(SIZE[0], axis=0) > 4
    np.testing.assert_array_equal(blackened(colour, counted), np.where(counted[..., None], colour, 0))


def test_a_strip_is_found_in_each_image() -> None:
    image = np.random.default_rng(0).integers(60, 120, (64, 200), np.uint8)
    image[:, :50] = 2
    roi = choose_roi("strip")
    assert roi is not None
    np.testing.assert_array_equal(roi.counted(image), strip_mask(image))
    assert not roi.counted(image)[:, :45].any()
    assert choose_roi("none") is choose_roi(None) is None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.json", None, "there is no such file"),
        ("gone.png", None, "there is no such file"),
        ("torn.json", "{", "cannot be read"),
        ("list.json", [1], "inside"),
        ("none.json", {}, "there is no polygon"),
        ("line.json", {"inside": [[[0, 0], [1, 1]]]}, "inside"),
        ("far.json", {"inside": [[[0, 0], [30, 0], [30, 9]]]}, "for corners in pixels give width and height"),
        ("half.json", {"inside": [[[0, 0], [1, 0], [1, 1]]], "width": 8}, "width and height are given together"),
        ("key.json", {"insides": [[[0, 0], [1, 0], [1, 1]]]}, "did you mean 'inside'"),
    ],
)
def test_a_file_that_is_no_region_is_refused(tmp_path: Path, name: str, content: object, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError, match=said) as caught:
        read_roi(path)
    assert str(caught.value).startswith(f"`roi={path}`: ")


@pytest.mark.parametrize(
    ("pixels", "said"), [(np.zeros(SIZE), "no pixel is white"), (np.eye(12) * 90, "no pixel is white")]
)
def test_a_mask_of_nothing_is_refused(tmp_path: Path, pixels: np.ndarray, said: str) -> None:
    cv2.imwrite(str(tmp_path / "mask.png"), pixels.astype(np.uint8))
    with pytest.raises(UserError, match=said):
        read_roi(tmp_path / "mask.png")
