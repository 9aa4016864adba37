"""The run-length codec, against real rows and against pycocotools."""

import csv
from functools import cache

import numpy as np
import pytest
from helpers.data import SHARED, needs_shared
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pycocotools import mask as peer

from steelsight.imaging.rle import (
    RunError,
    Runs,
    compress_counts,
    decode_runs,
    encode_mask,
    expand_counts,
    format_runs,
    from_coco_counts,
    parse_runs,
    shared_area,
    to_coco_counts,
)

Mask = NDArray[np.bool_]
ROWS = SHARED / "severstal" / "annotations" / "rle_3393_images.csv"

masks = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40))


@st.composite
def mask_pairs(draw: st.DrawFn) -> tuple[Mask, Mask]:
    shape = draw(arrays.array_shapes(min_dims=2, max_dims=2, max_side=30))
    return draw(arrays.arrays(np.bool_, shape)), draw(arrays.arrays(np.bool_, shape))


def as_text(text: str) -> tuple[list[int], list[int]]:
    runs = parse_runs(text, None)
    return runs.starts.tolist(), runs.lengths.tolist()


@cache
def real_rows() -> list[str]:
    csv.field_size_limit(2**31 - 1)
    with ROWS.open(newline="") as stream:
        return [row["EncodedPixels"] for row in csv.DictReader(stream)]


@needs_shared
def test_every_real_row_survives_decode_and_encode_unchanged() -> None:
    size = (256, 1600)
    changed = [
        text for text in real_rows() if format_runs(encode_mask(decode_runs(parse_runs(text, size), size))) != text
    ]
    assert len(real_rows()) == 2912
    assert not changed


@needs_shared
def test_real_masks_equal_the_peers_in_both_coco_forms() -> None:
    size = (256, 1600)
    for text in real_rows()[::29]:
        runs = parse_runs(text, size)
        coco = peer.frPyObjects({"counts": to_coco_counts(runs, size), "size": list(size)}, *size)
        assert np.array_equal(peer.decode(coco).astype(bool), decode_runs(runs, size))
        assert compress_counts(to_coco_counts(runs, size)) == coco["counts"].decode()
        assert format_runs(from_coco_counts(coco["counts"].decode(), size)) == text


@given(masks)
def test_mask_to_text_and_back(mask: Mask) -> None:
    runs = parse_runs(format_runs(encode_mask(mask)), mask.shape)
    assert np.array_equal(decode_runs(runs, mask.shape), mask)
    assert runs.area == mask.sum()


@given(masks)
def test_memory_order_and_pixel_type_do_not_matter(mask: Mask) -> None:
    expected = format_runs(encode_mask(mask))
    assert format_runs(encode_mask(np.asfortranarray(mask))) == expected
    assert format_runs(encode_mask(mask.astype(np.uint8) * 255)) == expected
    assert format_runs(encode_mask(np.repeat(mask, 2, axis=1)[:, ::2])) == expected


@given(masks)
def test_codec_equals_the_peer(mask: Mask) -> None:
    coco = peer.encode(np.asfortranarray(mask.astype(np.uint8)))
    text = coco["counts"].decode()
    runs = encode_mask(mask)
    assert compress_counts(to_coco_counts(runs, mask.shape)) == text
    assert format_runs(from_coco_counts(text, mask.shape)) == format_runs(runs)
    assert from_coco_counts(to_coco_counts(runs, mask.shape), mask.shape).starts.tolist() == runs.starts.tolist()


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=50))
def test_compressed_counts_of_any_size(counts: list[int]) -> None:
    assert expand_counts(compress_counts(counts)).tolist() == counts


@given(mask_pairs())
def test_shared_area_needs_no_pixels(pair: tuple[Mask, Mask]) -> None:
    a, b = pair
    assert shared_area(encode_mask(a), encode_mask(b)) == (a & b).sum()


@given(st.text(alphabet="0123456789 -.x\t\n\u00a0\u0661", max_size=40))
def test_any_text_is_read_in_full_or_refused(text: str) -> None:
    try:
        runs = parse_runs(text, (8, 8))
    except RunError:
        return
    assert decode_runs(runs, (8, 8)).sum() == runs.area
    assert format_runs(runs).split() == [str(int(word)) for word in text.split()]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 2 3", "run-odd-count"),
        ("1 two", "run-not-a-number"),
        ("1.0 2", "run-not-a-number"),
        ("-1 2", "run-not-a-number"),
        ("1\u00a05", "run-not-a-number"),
        ("0 4", "run-out-of-range"),
        ("4 0", "run-out-of-range"),
        ("409600 2", "run-out-of-range"),
        ("9" * 5000 + " 1", "run-out-of-range"),
        ("5 3 7 1", "run-overlap"),
        ("9 1 5 3", "run-overlap"),
    ],
)
def test_faulty_text_is_refused(text: str, kind: str) -> None:
    with pytest.raises(RunError) as caught:
        parse_runs(text, (256, 1600))
    assert caught.value.kind == kind


def test_the_last_pixel_is_within_the_image() -> None:
    assert decode_runs(parse_runs("409600 1", (256, 1600)), (256, 1600))[-1, -1]


def test_adjacent_runs_stay_apart_as_text_and_meet_in_the_mask() -> None:
    runs = parse_runs("1 2 3 4", (4, 4))
    assert format_runs(runs) == "1 2 3 4"
    assert format_runs(encode_mask(decode_runs(runs, (4, 4)))) == "1 6"
    assert to_coco_counts(runs, (4, 4)) == [0, 2, 0, 4, 10]


def test_white_space_of_any_kind_separates() -> None:
    assert as_text(" 1 5\n 9\t2 ") == ([0, 8], [5, 2])
    assert as_text("  ") == ([], [])


def test_runs_beyond_the_image_are_not_drawn() -> None:
    with pytest.raises(RunError, match="beyond the 16 pixels"):
        decode_runs(parse_runs("16 2", None), (4, 4))


@pytest.mark.parametrize("height", [2**9 - 1, 2**9, 2**9 + 1])
def test_a_mask_of_several_blocks(height: int) -> None:
    mask = np.random.default_rng(height).random((height, 2**10)) < 0.5
    coco = peer.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert compress_counts(to_coco_counts(encode_mask(mask), mask.shape)) == coco["counts"].decode()


def test_an_empty_image_has_no_runs() -> None:
    assert encode_mask(np.zeros((0, 5), np.bool_)).area == 0
    assert decode_runs(Runs.empty(), (0, 5)).shape == (0, 5)


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ([3, 2], "run-out-of-range"),
        ([-1, 17], "run-out-of-range"),
        ([2**70, 1], "run-out-of-range"),
        ([2**62 - 1] * 4 + [4 + 16], "run-out-of-range"),  # whose sum is 16 in 64 bits
        ([1.5, 14.5], "run-not-a-number"),
        ("!!", "run-not-a-number"),
        ("0P", "run-not-a-number"),
        ("P" * 14 + "0", "run-not-a-number"),
        ("é", "run-not-a-number"),
    ],
)
def test_faulty_coco_counts_are_refused(counts: list[int] | str, kind: str) -> None:
    with pytest.raises(RunError) as caught:
        from_coco_counts(counts, (4, 4))
    assert caught.value.kind == kind
