"""Images that are only known to be bad teach classifiers of windows and cells, as whole images beside good ones."""

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.training_samples import SMALL, few_images, member, severstal
from hypothesis import given
from hypothesis import strategies as st

from steelsight.dataset.model import UNKNOWN, Dataset, Sample
from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import Runs
from steelsight.recipe import load_recipe
from steelsight.recipe.augment import Paste
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training.epochs import Hooks, TrainingJob, device_batches, fit, job_loader
from steelsight.training.fabric import make_fabric
from steelsight.training.job import make_job, new_network
from steelsight.training.loading import TrainingImages
from steelsight.training.start import start_run
from steelsight.training.whole_images import (
    MixedImages,
    SeenWhole,
    as_seen_whole,
    sees_whole,
    whole_batch,
    with_whole_images,
)

SIZE = "members.*.input={height: 128, width: 800, colour: grey}"
CLASSIFIER = member("classify-lite0", SIZE)


def only_known_to_be_bad(dataset: Dataset, count: int) -> Dataset:
    """The data set without the masks of its first defective images."""
    bad = [sample for sample in dataset.samples if sample.is_defective][:count]
    names = {sample.image_id for sample in bad}
    unnamed = tuple(replace(one, runs=(Runs.empty(),) * len(one.runs), shown=(UNKNOWN,)) for one in bad)
    samples = tuple(sample for sample in dataset.samples if sample.image_id not in names)
    return replace(dataset, samples=samples, without_masks=unnamed)


def known(labelled: int, good: int) -> SeenWhole:
    plain = Sample("a", Path("a"), (4, 4), (Runs.empty(),))
    return SeenWhole([replace(plain, shown=(UNKNOWN,))] * labelled, [plain] * good)


@given(
    labelled=st.integers(1, 60),
    good=st.integers(1, 60),
    steps=st.integers(1, 12),
    per_step=st.integers(1, 3),
    world=st.integers(1, 3),
)
def test_half_of_the_whole_images_are_good_and_every_step_ends_with_windows(
    labelled: int, good: int, steps: int, per_step: int, world: int
) -> None:
    size, behind, seen = 16, 500, known(labelled, good)
    order = list(range(steps * per_step * world * size))
    half, ranks = whole_batch(CLASSIFIER) // 2, []
    for rank in range(world):
        windows = device_batches(order, 3, size, rank, world)
        random = np.random.default_rng(1)
        mixed = with_whole_images(
            windows, seen, CLASSIFIER, 3, random, rank=rank, world=world, per_step=per_step, behind=behind
        )
        assert [batch.items for batch in mixed if not batch.is_whole] == windows
        assert not mixed[-1].is_whole
        for before, after in itertools.pairwise(mixed):
            done = sum(not batch.is_whole for batch in mixed[: mixed.index(after)])
            assert before.is_whole or not after.is_whole or done % per_step == 0
        ranks.append([batch for batch in mixed if batch.is_whole])
    assert len({len(of_rank) for of_rank in ranks}) == 1
    items = [item for of_rank in ranks for batch in of_rank for item in batch.items]
    assert len({place for _, _, place in items}) == len(items)
    for of_rank in ranks:
        for batch in of_rank:
            assert sum(index >= behind + labelled for index, _, _ in batch.items) == half == len(batch.items) // 2
    often = Counter(index for index, _, _ in items if index < behind + labelled)
    assert max(often.values()) - (min(often.values()) if len(often) == labelled else 0) <= 1
    assert len(items) <= len(order) + 2 * half * world
    if 2 * labelled + 2 * half <= len(order):
        assert len(often) == labelled


def test_without_labels_or_without_good_images_nothing_changes() -> None:
    windows = device_batches(list(range(32)), 0, 16, 0, 1)
    for seen in (known(0, 5), known(5, 0)):
        mixed = with_whole_images(windows, seen, CLASSIFIER, 0, np.random.default_rng(0))
        assert [(batch.items, batch.is_whole) for batch in mixed] == [(items, False) for items in windows]


def test_a_whole_image_is_loaded_at_the_working_size_with_its_label() -> None:
    dataset = only_known_to_be_bad(severstal(), 3)
    good = [sample for sample in dataset.samples if not sample.is_defective][:3]
    augment = CLASSIFIER.augment.model_copy(update={"paste": Paste(probability=1)})
    whole = as_seen_whole(CLASSIFIER.model_copy(update={"augment": augment}))
    assert whole.augment.paste is None  # or there would be fewer good ones than bad ones
    assert sees_whole(whole)
    assert not sees_whole(CLASSIFIER)
    images = MixedImages(
        TrainingImages(CLASSIFIER, dataset.samples, 0, "job"),
        TrainingImages(whole, (*dataset.without_masks, *good), 0, "job"),
    )
    count = len(dataset.samples)
    loaded = [images[count + index, 0, 1000 + index] for index in range(6)]
    assert [raw["pixels"].shape for raw in loaded] == [(1, 128, 800)] * 6
    assert [float(raw["label"]) for raw in loaded if "mask" not in raw] == [1.0] * 3 + [0.0] * 3
    assert images[0, 0, 0]["pixels"].shape == (1, 128, 288)
    pixels = (whole.preprocess, CLASSIFIER.training_preprocess)
    assert whole_batch(CLASSIFIER) * pixels[0].height * pixels[0].width <= 16 * pixels[1].height * pixels[1].width


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingJob, TrainingJob]:
    """The same job of a classifier of windows and cells, without images that are known to be bad, and with three."""
    folder = tmp_path_factory.mktemp("runs")
    dataset = only_known_to_be_bad(read_dataset(few_images(folder / "few")), 3)
    short = ("members.*.keep.last=1", "members.*.validate_every=1", "members.*.augment.crop.pixels=1024")
    recipe = load_recipe("demo", (*SMALL, *short))
    made = []
    for name, data in (("without", replace(dataset, without_masks=())), ("with", dataset)):
        run = start_run(Run(folder / name), data, recipe)
        evidence = OutOfFoldPredictions.of(run)
        made.append(make_job(evidence, evidence.recipe.member("classify-lite0"), 0))
    return made[0], made[1]


def test_known_bad_images_change_what_is_learned(jobs: tuple[TrainingJob, TrainingJob]) -> None:
    without, with_labels = jobs
    assert [len(job.whole.labelled) for job in jobs] == [0, 3]
    assert {sample.is_defective for sample in with_labels.whole.good} == {False}
    assert [sample.image_id for sample in without.training] == [sample.image_id for sample in with_labels.training]
    hooks = Hooks(on_step=lambda _: None, on_epoch=lambda _: None)
    learned = []
    for job in (without, with_labels, with_labels):
        job.folder.checkpoint.unlink(missing_ok=True)
        fabric = make_fabric("cpu", load_recipe("demo", ["precision=fp32"]))
        job.folder.path.mkdir(parents=True, exist_ok=True)
        with job_loader(job, fabric.device, 0) as loader:
            learned.append(fit(job, new_network(job), fabric, loader, hooks))
    before, after, again = learned
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert all(torch.equal(after[name], again[name]) for name in after)
    assert all(bool(torch.isfinite(value.float()).all()) for value in after.values())
