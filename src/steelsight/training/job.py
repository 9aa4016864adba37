"""One job = (member, fold): train it, store its final weights and its evidence, mark it done. Runnable alone."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from lightning.fabric.utilities import move_data_to_device
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn

from steelsight.cascade.no_probability import odd_answers
from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors, sweep, write_bytes, write_json
from steelsight.core.lock import Lock, TakenError
from steelsight.imaging.combine import to_8bit
from steelsight.networks.build import count_parameters, probabilities
from steelsight.networks.member import build_member
from steelsight.networks.precision import true_fp32
from steelsight.networks.processor_training import for_processor_training
from steelsight.networks.weights import load_encoder, load_weights
from steelsight.recipe import Member
from steelsight.run.job_log import CLASS_DICE, read_log
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.training.allocator import forget_peak, peak_memory
from steelsight.training.batches import JobLoader
from steelsight.training.epochs import Hooks, TrainingJob, fit, job_loader
from steelsight.training.kept_images import ReadFor, ReadImage
from steelsight.training.memory_errors import memory_errors
from steelsight.training.randomness import seed_torch
from steelsight.training.to_input import ToInput
from steelsight.training.whole_images import SeenWhole, sees_whole


def make_job(evidence: OutOfFoldPredictions, member: Member, fold: int, read: ReadImage | None = None) -> TrainingJob:
    """The job of a member on a fold, from the run's record; `read` reads images as the member uses them, from the file if
    left out."""
    record = evidence.record
    training = [sample for sample, of in zip(record.samples, record.folds, strict=True) if of != fold]
    labelled = [one for one, of in zip(record.without_masks, record.their_folds, strict=True) if of != fold]
    whole = SeenWhole()
    if sees_whole(member):
        training += labelled
    elif learns_from_classes(member):
        whole = SeenWhole(labelled, [sample for sample in training if not sample.is_defective])
    validation = [record.samples[index] for index in evidence.indices(fold)]
    folder, start = evidence.run.job(member.name, fold), None
    if member.starts_from:
        start = evidence.run.job(member.starts_from, fold).weights
    return TrainingJob(
        member=member,
        fold=fold,
        seed=evidence.recipe.seed,
        classes=record.classes,
        training=training,
        validation=validation,
        folder=folder,
        read=read or ReadFor.member(member, record.roi, in_colour=not evidence.recipe.sees_grey),
        start=start,
        compile=evidence.recipe.compile,
        whole=whole,
    )


def learns_from_classes(member: Member) -> bool:
    """Whether a member learns from images of which only their classes are known: classifiers do, which see them whole."""
    return member.step == "classify"


def new_network(job: TrainingJob) -> nn.Module:
    """The member's network at its start: seeded random weights, then for the encoder those that the recipe names.

    Raises:
        UserError: the weights are not there; those of another member are there once its job on this fold is done.
    """
    seed_torch(job.seed, job.name, -1)
    network = build_member(job.member, len(job.classes))
    if job.start is None:
        load_weights(network, job.member.encoder, job.member.weights, job.member.name)
        return network
    require_start(job)
    load_encoder(network, job.start)
    return network


def require_start(job: TrainingJob) -> None:
    """See that the weights are there that a job starts from, where it starts from another member's.

    Raises:
        UserError: they are not.
    """
    if job.start is not None and not job.start.is_file():
        raise UserError(
            f"{job.start}: not there, and {job.name} starts from it; train that job first, with "
            f"`only={job.member.weights}:{job.fold}`"
        )


def run_job(
    job: TrainingJob,
    evidence: OutOfFoldPredictions,
    fabric: Fabric,
    workers: int,
    hooks: Hooks,
    trainings: int = 1,
) -> None:
    """Train a job (from its last checkpoint if it has one) and store weights, evidence and `done.json`; a job that is done
    already, by another process perhaps, stays as it is.

    Args:
        workers: loader processes.
        trainings: how many processes train at once, and share memory for what these send.

    Raises:
        TakenError: another process trains it.
        UserError: it failed of what is no fault of ours: its data, its recipe, the disk, or memory that ran out.
    """
    with _alone(job, fabric), memory_errors(job):
        if not fabric.broadcast(evidence.is_done(job.member, job.fold)):
            if fabric.is_global_zero:
                sweep(job.folder.path)
                evidence.sweep(job.member, job.fold)
            forget_peak()
            with job_loader(job, fabric.device, workers, trainings) as loader:
                _train(job, evidence, fabric, loader, hooks)


def job_lock(job: TrainingJob) -> Lock:
    """Held by the process that trains a job: two that wrote one checkpoint and one log would leave neither's."""
    said = f"{job.folder}: another process trains it; wait for that one or end it, or train another job by `only=`"
    return Lock(job.folder.lock, said, needed=False)


@contextmanager
def _alone(job: TrainingJob, fabric: Fabric) -> Iterator[None]:
    """Hold the job against other processes, all devices of this one together."""
    with disk_errors(job.folder.path):
        job.folder.path.mkdir(parents=True, exist_ok=True)
    lock = job_lock(job)
    taken = None
    if fabric.is_global_zero:
        try:
            lock.take()
        except TakenError as error:
            taken = str(error)
    if (taken := fabric.broadcast(taken)) is not None:  # else the other devices would wait in their first step
        raise TakenError(taken)
    try:
        yield
    finally:
        if fabric.is_global_zero:
            lock.release()


def _train(job: TrainingJob, evidence: OutOfFoldPredictions, fabric: Fabric, loader: JobLoader, hooks: Hooks) -> None:
    network = new_network(job).to(memory_format=torch.channels_last)
    if fabric.device.type == "cpu":
        for_processor_training(network)
    weights = fit(job, network, fabric, loader, hooks)
    if fabric.is_global_zero:
        write_bytes(job.folder.weights, save({name: kept.contiguous() for name, kept in weights.items()}))
        network.load_state_dict(weights)
        started = time.perf_counter()
        store_evidence(job, network, evidence, fabric.device, loader)
        write_json(job.folder.done, _summary(job, network, fabric, time.perf_counter() - started))
        job.folder.checkpoint.unlink(missing_ok=True)  # not before: it is all that spares a killed job its epochs
    fabric.barrier()


def store_evidence(
    job: TrainingJob, network: nn.Module, evidence: OutOfFoldPredictions, device: torch.device, loader: JobLoader
) -> None:
    """Predict every image of the fold, defect-free ones too, in true fp32 on every device, and store it.

    Raises:
        UserError: the network answers with what is no probability; nothing is stored then.
    """
    predicted = _predict(job, network.to(device).eval(), device, loader)
    if job.member.step == "classify":
        evidence.write_probabilities(job.member, job.fold, np.concatenate(list(predicted)).astype(np.float64))
    else:
        evidence.write_maps(job.member, job.fold, (to_8bit(batch) for batch in predicted))


def _predict(
    job: TrainingJob, network: nn.Module, device: torch.device, loader: JobLoader
) -> Iterator[NDArray[np.float32]]:
    to_input, done = ToInput.of(job.member), 0
    with torch.inference_mode(), true_fp32():
        for raw in loader.plain(range(len(job.validation)), job.member.sampling.device_batch):
            inputs, _ = to_input(move_data_to_device(raw, device))
            said = probabilities(network, inputs).cpu().numpy()
            for sample, odd in zip(job.validation[done:], odd_answers(said), strict=False):
                if odd is not None:
                    raise UserError(
                        f"{job.name}: the trained network answers with {odd:g} for {sample.image_id}, which is no "
                        "probability, and nothing is stored as evidence; train anew, into another `out=`, with a lower "
                        "schedule.maximum or with `overrides=precision=fp32`"
                    )
            done += len(said)
            yield said


def _summary(job: TrainingJob, network: nn.Module, fabric: Fabric, evidence_seconds: float) -> dict[str, Any]:
    log = read_log(job.folder.log)
    return {
        "member": job.member.name,
        "fold": job.fold,
        "parameters": count_parameters(network),
        "trainable_parameters": sum(weight.numel() for weight in network.parameters()),
        "epochs": len(log.rows),
        "training_images": len(job.training),
        "evidence_images": len(job.validation),
        "class_dice": dict(zip(job.classes, log.last_of_classes(CLASS_DICE), strict=False)),
        "seconds": round(log.seconds, 1),
        "evidence_seconds": round(evidence_seconds, 1),
        "device": str(fabric.device),
        "devices": fabric.world_size,
        "precision": "bf16" if "bf16" in str(fabric._precision.precision) else "fp32",
        "threads": torch.get_num_threads(),
        "memory": peak_memory(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
