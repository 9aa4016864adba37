"""What a worker does with a job, without Ray around it: the same bits as on one machine, and from a checkpoint on."""

import os
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from helpers.object_store import Store
from helpers.training_samples import SMALL, few_images

from steelsight.cluster.files_back import Incoming, Message
from steelsight.cluster.job_task import RunOrders, train_job
from steelsight.cluster.nodes import Needs, Node
from steelsight.cluster.shipped import Packed, pack
from steelsight.dataset.read import read_dataset
from steelsight.recipe import load_recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training.checkpoint import Checkpoint
from steelsight.training.epochs import Hooks
from steelsight.training.fabric import make_fabric
from steelsight.training.job import make_job, run_job
from steelsight.training.start import start_run
from steelsight.training.threads import limited_to

NAME, FOLD = "segment-lite0", 0
CHANGES = (*SMALL, "members.*.keep.last=1", "members.*.sampling.least_steps=1", "members.*.phases.*.epochs=3")


@pytest.fixture
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutOfFoldPredictions:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    data = read_dataset(few_images(tmp_path / "data"), decode=False)
    return OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), data, load_recipe("demo", CHANGES)))


def orders(evidence: OutOfFoldPredictions, images: Path, token: str, packed: Packed | None = None) -> RunOrders:
    files = {path.name: path.read_bytes() for path in evidence.run.path.iterdir() if path.is_file()}
    return RunOrders(token, files, images, packed, "cpu", 1, 0, 2**30, {}, False, checkpoint_every=0)


def hear(parcels: Iterator[list[Message]], evidence: OutOfFoldPredictions, until: str) -> list[Message]:
    """Put what comes into the RUN, as a driver does, up to a message of a kind."""
    member = evidence.recipe.member(NAME)
    incoming = Incoming(evidence.run.job(NAME, FOLD), evidence.run.predictions_file(member, FOLD))
    heard: list[Message] = []
    for message in (message for parcel in parcels for message in parcel):
        if "file" in message:
            incoming.take(message)
            continue
        heard.append(message)
        if "checkpoint" in message:
            incoming.keep_checkpoint()
        if "done" in message:
            incoming.finish()
        if until in message:
            break
    incoming.discard()
    assert until in heard[-1], heard[-1]
    return heard


def made(run: Path) -> Mapping[str, bytes]:
    paths = [path for folder in ("jobs", "evidence") for path in (run / folder).rglob("*") if path.is_file()]
    own = ("log.jsonl", "done.json", "progress.png")  # seconds are in them
    return {
        str(path.relative_to(run)): path.read_bytes() for path in paths if path.name not in own and path.name != ".lock"
    }


def test_as_on_one_machine_and_from_a_checkpoint_on(evidence: OutOfFoldPredictions, tmp_path: Path) -> None:
    """The first worker is lost behind its first checkpoint and has the images by their path; the second gets them shipped."""
    member, run = evidence.recipe.member(NAME), evidence.run
    root = evidence.record.root
    hear(train_job(orders(evidence, root, "first"), NAME, FOLD, {}, None), evidence, "checkpoint")
    for thread in threading.enumerate():  # it would go on in this process, and draw from the same random numbers
        if thread.daemon and "_train" in thread.name:
            thread.join()
    job = run.job(NAME, FOLD)
    trained = Checkpoint.load(job.checkpoint).epoch
    assert trained > 0
    former = {path.name: np.frombuffer(path.read_bytes(), np.uint8) for path in (job.checkpoint, job.log)}
    assert not job.weights.exists()
    store: Any = Store()
    packed = pack(store, root, [sample.path for sample in evidence.record.samples], evidence.record.fingerprint)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ray, "get", store.get)
        second = orders(evidence, tmp_path / "nowhere", "second", packed)
        heard = hear(train_job(second, NAME, FOLD, former, None), evidence, "done")
    assert [line["epoch"]["epoch"] for line in heard if "epoch" in line] == list(range(trained, 3))
    assert evidence.is_done(member, FOLD)
    assert len(job.log.read_text().splitlines()) == 3
    assert not [path for path in job.path.iterdir() if path.name.startswith(".") or path == job.checkpoint]
    on_cluster = made(run.path)
    for path in (run.path / "jobs", run.path / "evidence"):
        path.rename(tmp_path / path.name)
    fabric = make_fabric("cpu", evidence.recipe)
    with limited_to(1):
        run_job(make_job(evidence, member, FOLD), evidence, fabric, 0, Hooks(lambda images: None, lambda line: None))
    assert on_cluster == made(run.path)


def test_a_node_that_does_not_see_the_images_says_so(evidence: OutOfFoldPredictions, tmp_path: Path) -> None:
    [_, [told]] = train_job(orders(evidence, tmp_path / "nowhere", "third"), NAME, FOLD, {}, None)
    assert "does not see there the images that the run began with" in told["unfit"]
    assert told["unfit"].endswith("or let `ship_data=` bring them")


def test_other_images_under_the_same_path_are_none(evidence: OutOfFoldPredictions) -> None:
    first, second = (sample.path for sample in evidence.record.samples[:2])
    first.write_bytes(second.read_bytes())
    [_, [told]] = train_job(orders(evidence, evidence.record.root, "fourth"), NAME, FOLD, {}, None)
    assert "unfit" in told


def test_a_node_that_cannot_begin_a_job_says_so_with_its_name(evidence: OutOfFoldPredictions, tmp_path: Path) -> None:
    """Then another node may: none of this is the fault of the job."""
    given = orders(evidence, evidence.record.root, "fifth")
    [_, [told]] = train_job(replace(given, steelsight="0.0.1"), NAME, FOLD, {}, None)
    assert told["unfit"].startswith(f"node {socket.gethostname()} of the cluster has steelsight")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"steelsight-workers-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    [_, [told]] = train_job(given, NAME, FOLD, {}, None)
    assert told["unfit"].startswith(f"node {socket.gethostname()}: {tmp_path}/steelsight-workers-")


def test_a_node_without_the_weights_of_a_member_says_so(
    tmp_path: Path, evidence: OutOfFoldPredictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = orders(evidence, evidence.record.root, "sixth")
    recipe = given.files["recipe.yaml"].replace(b"weights: random", b"weights: imagenet").replace(b"lite0", b"b0")
    monkeypatch.setenv("STEELSIGHT_HOME", str(tmp_path / "none"))
    [_, [told]] = train_job(replace(given, files={**given.files, "recipe.yaml": recipe}), "segment-b0", FOLD, {}, None)
    assert told["unfit"].startswith(
        f"node {socket.gethostname()}: encoder b0: its ImageNet weights are not on this machine"
    )


def test_jobs_of_a_node_share_its_memory(evidence: OutOfFoldPredictions, tmp_path: Path) -> None:
    """/dev/shm by as many as the node runs, and on GPUs a quarter of the memory for decoded images."""
    on_cpu = replace(orders(evidence, tmp_path, ""), needs={"a": Needs(2, memory=3e9), "b": Needs(2, memory=1e9)})
    node = Node("id", "host", cpus=8, gpus=2, memory=16e9)
    assert (on_cpu.trainings_on(node), on_cpu.cache_on(node)) == (4, 2**30)
    on_gpu = replace(on_cpu, device="cuda", needs={"a": Needs(2, 0.5)})
    assert (on_gpu.trainings_on(node), on_gpu.cache_on(node)) == (4, 1e9)
    assert (on_gpu.trainings_on(None), on_gpu.cache_on(None)) == (1, 2**30)
