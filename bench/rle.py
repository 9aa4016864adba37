"""Run-length encode and decode against pycocotools, on every real Severstal mask, in one run.

    python bench/rle.py [--rows FILE.csv] [--repeat N]

Both sides work on the same masks, in turn, and each keeps the fastest of its repeats. A ratio is the peer's time over
ours: above 1, ours is the faster. The peer knows one form, column-major memory and compressed text; ours is measured in
the form that the rest of steelsight uses (row-major masks, arrays of runs) and in the peer's own.
"""

import argparse
import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from machine import print_machine
from numpy.typing import NDArray
from pycocotools import mask as peer

from steelsight.imaging.rle import (
    Runs,
    compress_counts,
    decode_runs,
    encode_mask,
    format_runs,
    from_coco_counts,
    parse_runs,
    to_coco_counts,
)

ROWS = Path(__file__).resolve().parents[1] / "../shared/data/severstal/annotations/rle_3393_images.csv"
SIZE = (256, 1600)

BATCH = 250  # masks held at a time: some 0.3 GB

Mask = NDArray[np.bool_]
Work = tuple[Callable[[Any], object], Sequence[Any]]
Times = dict[str, tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, default=ROWS, help="CSV with a column EncodedPixels of 256 x 1600 masks")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    csv.field_size_limit(2**31 - 1)
    with options.rows.open(newline="") as stream:
        texts = [row["EncodedPixels"] for row in csv.DictReader(stream)]

    changed = sum(format_runs(encode_mask(draw(text))) != text for text in texts)
    print(f"{len(texts)} real masks of 256 x 1600; {changed} rows changed by decode and encode")
    batches = (list(map(draw, texts[at : at + BATCH])) for at in range(0, len(texts), BATCH))
    show([on_masks(batch, options.repeat) for batch in batches], len(texts))

    every = [draw(text) for text in texts[:: len(texts) // 160][:160]]
    tiled = [np.block([every[i + j : i + j + 4] for j in (0, 4, 8, 12)]) for i in range(0, len(every) - 15, 16)]
    print(f"\n{len(tiled)} masks of 1024 x 6400: sixteen real ones each")
    show([on_masks(tiled, options.repeat)], len(tiled))

    large = [mask.repeat(8, axis=0).repeat(8, axis=1) for mask in every[::20]]
    print(f"\n{len(large)} masks of 2048 x 12800: real ones enlarged eight times")
    show([on_masks(large, options.repeat)], len(large))

    print("\ntext, against one int() or str() per number")
    runs = [parse_runs(text, SIZE) for text in texts]
    reading = both((lambda text: parse_runs(text, SIZE), texts), (by_words, texts), options.repeat)
    writing = both((format_runs, runs), (write_words, runs), options.repeat)
    show([{"parse text": reading, "write text": writing}], len(texts))


def on_masks(masks: list[Mask], repeat: int) -> Times:
    """Time every direction and form of the codec on masks of one size."""
    size = (masks[0].shape[0], masks[0].shape[1])
    runs = [encode_mask(mask) for mask in masks]
    columns = [np.asfortranarray(mask.view(np.uint8)) for mask in masks]
    coco = [peer.encode(mask) for mask in columns]
    for mask, code in zip(masks, coco, strict=True):
        if not np.array_equal(from_text(code), mask) or to_text(mask) != code["counts"].decode():
            raise SystemExit("the two codecs disagree; the times would mean nothing")

    def decode(one: Runs) -> Mask:
        return decode_runs(one, size)

    def there_and_back(mask: Mask) -> Mask:
        return decode(encode_mask(mask))

    def peer_there_and_back(mask: Mask) -> Any:
        return peer.decode(peer_encode(mask))

    return {
        "encode + decode": both((there_and_back, masks), (peer_there_and_back, masks), repeat),
        "encode, row-major": both((encode_mask, masks), (peer_encode, masks), repeat),
        "encode, column-major": both((encode_mask, columns), (peer.encode, columns), repeat),
        "decode": both((decode, runs), (peer.decode, coco), repeat),
        "encode to compressed text": both((to_text, masks), (peer_encode, masks), repeat),
        "decode from compressed text": both((from_text, coco), (peer.decode, coco), repeat),
    }


def both(ours: Work, theirs: Work, repeat: int) -> tuple[float, float]:
    """Seconds that either side needs for all its items: the fastest of the repeats, taken in turn."""
    best = [float("inf"), float("inf")]
    for _ in range(repeat):
        for side, (work, items) in enumerate((ours, theirs)):
            began = time.perf_counter()
            for item in items:
                work(item)
            best[side] = min(best[side], time.perf_counter() - began)
    return best[0], best[1]


def show(batches: list[Times], items: int) -> None:
    """Print the time per item of both sides over all batches, and their ratio."""
    for name in batches[0]:
        ours, theirs = (sum(times[name][side] for times in batches) / items * 1e6 for side in (0, 1))
        print(f"{name:28s}{ours:10.1f} us   peer {theirs:10.1f} us   ratio {theirs / ours:.2f}", flush=True)


def draw(text: str) -> Mask:
    return decode_runs(parse_runs(text, SIZE), SIZE)


def peer_encode(mask: Mask) -> Any:
    return peer.encode(np.asfortranarray(mask.view(np.uint8)))


def to_text(mask: Mask) -> str:
    return compress_counts(to_coco_counts(encode_mask(mask), (mask.shape[0], mask.shape[1])))


def from_text(code: Any) -> Mask:
    height, width = code["size"]
    return decode_runs(from_coco_counts(code["counts"].decode(), (height, width)), (height, width))


def by_words(text: str) -> Runs:
    numbers = np.array([int(word) for word in text.split()])
    return Runs(numbers[::2] - 1, numbers[1::2])


def write_words(runs: Runs) -> str:
    return " ".join(f"{start + 1} {length}" for start, length in zip(runs.starts, runs.lengths, strict=True))


if __name__ == "__main__":
    print_machine()
    main()
