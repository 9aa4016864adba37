import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.random_run import load, random_run
from safetensors.torch import load_file, save_file

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import Source
from steelsight.core.errors import UserError
from steelsight.export.tolerance import LEVEL, PROBABILITY
from steelsight.imaging.combine import combine_maps
from steelsight.networks.torch_engine import load_engine
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision

SEGMENTERS = ("segment-unet", "segment-fpn")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[Any]:
    """Networks this small run fastest on one thread, and other work on the machine does not slow them down."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory, _one_thread: Any) -> Any:
    return random_run(tmp_path_factory)


@pytest.mark.parametrize("fold", [0, 1])
def test_a_folds_networks_say_of_its_images_what_the_evidence_says(evidence: Any, fold: int) -> None:
    """What was tuned is what is deployed: same probabilities, same maps (up to one level, since batches differ)."""
    said = evidence.probabilities(evidence.recipe.member("classify"))
    members = [evidence.recipe.member(name) for name in SEGMENTERS]
    indices = evidence.indices(fold)
    samples = [evidence.record.samples[index] for index in indices]
    sources = [Source(sample.image_id, sample.path) for sample in samples]
    everything = read_decision(evidence.run).rule.model_copy(update={"gate": 0.0})
    judged = list(judge(sources, load(evidence, [fold]), everything, keep_maps=True))
    assert len(judged) == len(indices) > 3
    for one, index, sample in zip(judged, indices, samples, strict=True):
        assert one.p_defect == pytest.approx(said[index], abs=PROBABILITY)
        stored = [evidence.map(member, index) for member in members]
        expected = combine_maps(stored, [member.preprocess for member in members], sample.size)
        assert np.abs(one.maps.astype(int) - expected).max() / 255 <= LEVEL


def test_all_folds_are_the_plain_mean_of_each(evidence: Any) -> None:
    sample = evidence.record.samples[0]
    source = [Source(sample.image_id, sample.path)]
    rule = read_decision(evidence.run).rule
    each = [next(judge(source, load(evidence, [fold]), rule)).p_defect for fold in (0, 1)]
    together = next(judge(source, load(evidence, [0, 1]), rule)).p_defect
    assert together == pytest.approx(np.mean(each), abs=1e-7)
    assert abs(each[0] - each[1]) > 1e-3


def test_bf16_is_near_fp32(evidence: Any) -> None:
    inputs = np.random.default_rng(0).random((2, 1, 32, 192), np.float32)
    exact, rounded = (
        load(evidence, [0], precision).segmenters[0].probabilities(inputs) for precision in ("fp32", "bf16")
    )
    assert exact.dtype == rounded.dtype == np.float32
    assert 0 < np.abs(exact - rounded).mean() < 0.02


def test_missing_damaged_and_foreign_weights_are_user_errors(evidence: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(evidence.run.path, run)
    path = run / "jobs/segment-unet/fold1/weights.safetensors"

    def load_one() -> None:
        load_engine(Run(run), evidence.recipe, evidence.record.classes, [], [("segment-unet", 1)])

    load_one()
    save_file({"foreign": load_file(path)["network.segmentation_head.0.bias"]}, path)
    with pytest.raises(UserError, match="not the weights of member segment-unet"):
        load_one()
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(UserError, match=r"weights\.safetensors: not the weights"):
        load_one()
    path.unlink()
    with pytest.raises(UserError, match="job segment-unet:1 is not done"):
        load_one()
    with pytest.raises(UserError, match="no member 'segment-unknown'"):
        load_engine(Run(run), evidence.recipe, evidence.record.classes, [], [("segment-unknown", 0)])
