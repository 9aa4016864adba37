"""How jobs are laid out on nodes, before any is given out."""

from pathlib import Path
from typing import Any

import pytest
from helpers.listed_nodes import ListedNodes
from helpers.training_samples import SMALL, few_images

from steelsight.cluster.lay_out import ClusterLayout, lay_out
from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.recipe import choose_jobs, load_recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training.device_config import DeviceConfig
from steelsight.training.job import make_job
from steelsight.training.start import start_run

CHANGES = (*SMALL, "members.*.keep.last=1")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> OutOfFoldPredictions:
    folder = tmp_path_factory.mktemp("run")
    data = read_dataset(few_images(folder / "data"), decode=False)
    recipe = load_recipe("demo", (*CHANGES, "devices_per_job=2"))
    return OutOfFoldPredictions.of(start_run(Run(folder / "run"), data, recipe))


def laid_out(evidence: OutOfFoldPredictions, machine: DeviceConfig, *nodes: tuple[float, float]) -> ClusterLayout:
    ray: Any = ListedNodes(*nodes)
    jobs = [make_job(evidence, member, fold) for member, fold in choose_jobs(evidence.recipe, [])]
    return lay_out(ray, evidence, jobs, machine)


def test_a_gpu_that_is_asked_for_is_waited_for_while_no_node_is_up(evidence: OutOfFoldPredictions) -> None:
    layout = laid_out(evidence, DeviceConfig("cuda"))
    assert layout.device == "cuda"
    assert all(needs.gpus == 1 for needs in layout.needs.values())
    assert not any("will train on processors" in note for note in layout.notes)
    with pytest.raises(UserError, match="no node of the cluster has a GPU"):
        laid_out(evidence, DeviceConfig("cuda"), (4, 0))


def test_processors_that_are_chosen_while_no_node_is_up_are_said(evidence: OutOfFoldPredictions) -> None:
    layout = laid_out(evidence, DeviceConfig("auto"))
    assert layout.device == "cpu"
    assert any("will train on processors" in note and "`device=cuda`" in note for note in layout.notes)
    assert not any("will train on processors" in note for note in laid_out(evidence, DeviceConfig("cpu")).notes)


@pytest.mark.parametrize(("cpus", "workers", "jobs"), [(20, 4, 4), (16, 3, 4), (8, 1, 4), (4, 0, 4)])
def test_loaders_leave_no_gpu_without_processors(
    evidence: OutOfFoldPredictions, cpus: float, workers: int, jobs: int
) -> None:
    layout = laid_out(evidence, DeviceConfig("auto"), (cpus, 4))
    assert (layout.device, layout.workers, layout.place.most) == ("cuda", workers, jobs)
    assert not any("idle" in note for note in layout.notes)


def test_gpus_that_loaders_of_the_user_leave_idle_are_named(evidence: OutOfFoldPredictions) -> None:
    layout = laid_out(evidence, DeviceConfig("auto", workers=4), (8, 4))
    assert layout.place.most == 1
    assert any("node node0: its 8 processors are too few for its 4 GPUs" in note for note in layout.notes)


def test_jobs_that_share_a_gpu_are_counted_as_shares(evidence: OutOfFoldPredictions) -> None:
    layout = laid_out(evidence, DeviceConfig("auto", parallel=2), (8, 1))
    assert (layout.share, layout.place.most) == (0.5, 2)


def test_a_recipe_of_several_devices_a_job_is_told_that_it_has_one(evidence: OutOfFoldPredictions) -> None:
    assert any("the recipe lets 2 devices train a job" in note for note in laid_out(evidence, DeviceConfig()).notes)


def test_weights_are_asked_of_the_nodes_that_get_jobs_alone(
    evidence: OutOfFoldPredictions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEELSIGHT_HOME", str(tmp_path / "none"))
    recipe = load_recipe(
        "demo", (*CHANGES, "members.segment-lite0.weights=imagenet", "members.segment-lite0.encoder=b0")
    )
    data = read_dataset(few_images(tmp_path / "data"), decode=False)
    started = OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), data, recipe))
    with pytest.raises(UserError, match="node node1: encoder b0: its ImageNet weights"):
        laid_out(started, DeviceConfig("cuda"), (4, 0), (8, 1))
