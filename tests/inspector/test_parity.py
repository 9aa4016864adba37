"""parity.json as it is written, and as it was written before."""

import json

import pytest

from steelsight.inspector.parity import Parity
from steelsight.inspector.readme import parity_lines


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_what_was_written_before_is_still_read(precision: str) -> None:
    """parity.json as steelsight 0.1 wrote it, schema_version 1."""
    tolerance = {"p_defect": 0.001, "map": 1 / 255, "same_masks_share": 0.995, "pixels": 3}
    before = {
        "schema_version": 1, "reference": "torch 2.14.1 in fp32", "runtime": "OpenVINO 2026.4.1", "processor": "AMD EPYC",
        "precision": precision, "computed_in": precision, "images": 66, "pairs": 264, "found_pairs": 19,
        "p_defect_difference": 1e-6, "p_defect_image": "a.jpg", "map_difference": 1 / 255, "map_image": "a.jpg",
        "same_gate_share": 1.0, "near_gate_images": 0, "same_masks_share": 0.996, "same_found_masks_share": 0.99,
        "differing_pairs": 1, "most_pixels": 4, "mean_dice": 0.9999, "same_answer_share": 1.0,
        "tolerance": tolerance if precision == "fp32" else None, "dice_loss": None,
    }  # fmt: skip
    parity = Parity.model_validate_json(json.dumps(before))
    assert parity.model_dump(mode="json", include=set(before), exclude_none=True) == {
        name: value for name, value in before.items() if value is not None
    }
    assert parity_lines(parity)[2] == (
        "masks the same for 99.60 % of 264 (image, class) pairs, 19 of them with a mask, by 4 pixels at most; Dice between "
        "the masks 0.99990"
    )
