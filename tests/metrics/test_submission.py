"""Scoring at scale, on the runs of real masks."""

import csv
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import SHARED, needs_shared
from helpers.layout_writers import write_csv

from steelsight.core.errors import UserError
from steelsight.imaging.rle import decode_runs, encode_mask, format_runs, parse_runs
from steelsight.metrics.mask_table import read_mask_table
from steelsight.metrics.submission import score_submission

SIZE = (256, 1600)


def moved(text: str) -> str:
    """The same real mask as a network might draw it: closed, and shifted by four columns."""
    mask = np.roll(decode_runs(parse_runs(text, SIZE), SIZE), 4, axis=1).astype(np.uint8)
    return format_runs(encode_mask(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))))


def test_class_ids_of_another_numbering_are_refused_though_one_is_shared(tmp_path: Path) -> None:
    """The truth has the data's ClassIds 2 and 3, the prediction the numbers 1 and 2: only the truth's empty rows tell."""
    header = ("ImageId", "ClassId", "EncodedPixels")
    truth = [("a.jpg", 2, "1 10"), ("a.jpg", 3, ""), ("b.jpg", 2, ""), ("b.jpg", 3, "1 10")]
    prediction = [(image, number - 1, text) for image, number, text in truth]
    tables = [
        read_mask_table(write_csv(tmp_path / f"{name}.csv", [header, *rows]))
        for name, rows in (("truth", truth), ("prediction", prediction))
    ]
    with pytest.raises(UserError, match="class '1' is unknown"):
        score_submission(*tables)


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
