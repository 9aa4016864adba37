"""Labelled images that the small run was not made of."""

import shutil
from typing import Any

from helpers.data import SAMPLE

from steelsight.dataset.read import read_dataset


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
