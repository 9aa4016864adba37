"""Scoring at scale, on the runs of real masks."""

import csv
import time
from pathlib import Path

import cv2
import numpy as np
from data import SHARED, needs_shared

from steelsight.metrics.mask_table import read_mask_table
from steelsight.metrics.submission import score_submission
from steelsight.rle import decode_runs, encode_mask, format_runs, parse_runs

SIZE = (256, 1600)


def moved(text: str) -> str:
    """The same real mask as a network might draw it: closed, and shifted by four columns."""
    mask = np.roll(decode_runs(parse_runs(text, SIZE), SIZE), 4, axis=1).astype(np.uint8)
    return format_runs(encode_mask(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))))


@needs_shared
def test_2912_real_rows_are_scored_within_two_seconds(tmp_path: Path) -> None:
    truth = SHARED / "severstal" / "annotations" / "rle_3393_images.csv"
    csv.field_size_limit(2**31 - 1)
    submission = tmp_path / "submission.csv"
    with truth.open(newline="") as source, submission.open("w", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(["ImageId", "ClassId", "EncodedPixels"])
        rows.writerows([row["ImageId"], row["ClassId"], moved(row["EncodedPixels"])] for row in csv.DictReader(source))
    for prediction in (truth, submission):
        began = time.process_time()
        figures = score_submission(read_mask_table(truth), read_mask_table(prediction)).figures
        assert time.process_time() - began < 2
        assert figures.images == 2485
        assert (figures.defective_dice == 1) == (prediction == truth)
