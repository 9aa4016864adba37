"""Labelled images that an inspector was not made of, and one that knows which it was made of."""

import shutil
from pathlib import Path
from typing import Any

from helpers.data import SAMPLE

from steelsight.dataset.read import read_dataset
from steelsight.inspector.artifact import PARITY
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.parity import Parity
from steelsight.inspector.training_images import write_seen

SAME = Parity(
    reference="torch",
    runtime="OpenVINO",
    processor="any",
    precision="fp32",
    computed_in="fp32",
    images=1,
    pairs=2,
    found_pairs=0,
    p_defect_difference=0,
    p_defect_image="a.jpg",
    map_difference=None,
    map_image=None,
    same_gate_share=1,
    near_gate_images=0,
    same_masks_share=1,
    same_found_masks_share=None,
    differing_pairs=0,
    most_pixels=0,
    mean_dice=None,
    same_answer_share=1,
    tolerance=None,
    dice_loss=None,
)


def fresh_images(folder: Any) -> Any:
    """Images of the sample that the run was not made of, as Severstal's folder."""
    out = folder / "fresh"
    (out / "train_images").mkdir(parents=True)
    everything = read_dataset(SAMPLE, decode=False)
    seen = {sample.image_id for sample in everything.samples[::6]}
    chosen = [sample for sample in everything.samples if sample.image_id not in seen][::5]
    for sample in chosen:
        shutil.copy(sample.path, out / "train_images")
    names = {sample.image_id for sample in chosen}
    rows = (SAMPLE / "train.csv").read_text().splitlines()
    (out / "train.csv").write_text("\n".join([rows[0], *(row for row in rows[1:] if row.split(",")[0] in names)]))
    return out


def knows_its_images(inspector: Path) -> Path:
    """The tests' inspector as if two images of the sample had made it, so that it can be calibrated on others."""
    write_seen(inspector, read_dataset(SAMPLE, decode=False).samples[:2])
    (inspector / PARITY).write_text(SAME.model_dump_json(), encoding="utf-8")
    write_checksums(inspector)
    return inspector
