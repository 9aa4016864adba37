"""The images of a run that goes on: moved since, seen under another name by another machine, or no longer the same."""

from dataclasses import replace
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.dataset.model import Sample
from steelsight.imaging.read import ImageError
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import fingerprint, write_record
from steelsight.run.run import Run


def with_images_at(evidence: OutOfFoldPredictions, root: Path) -> OutOfFoldPredictions:
    """The run with its images in another folder: moved there, or seen there by another machine.

    Raises:
        UserError: the folder does not hold the very images that the run began with.
    """
    record = evidence.record
    moved = seen_at(evidence, root).record
    try:
        same = fingerprint(moved) == record.fingerprint
    except ImageError:
        same = False
    if not same:
        raise UserError(
            f"{root}: not the images that the run in {evidence.run} began with, which were in {record.root}; resume it with "
            "those, or choose another `out=`"
        )
    return OutOfFoldPredictions(evidence.run, moved, evidence.recipe)


def stay_at(evidence: OutOfFoldPredictions) -> OutOfFoldPredictions:
    """The run with its images where they were found, opened anew. Where the folder that its record names is gone, the record
    names theirs from then on."""
    run = Run(evidence.run.path)  # it must not go on with the record that it has read
    if not run.record.root.exists():
        write_record(run.path, evidence.record)
        run = Run(run.path)
    return OutOfFoldPredictions(run, evidence.record, evidence.recipe)


def seen_at(evidence: OutOfFoldPredictions, root: Path) -> OutOfFoldPredictions:
    """The run with the same images, which are known to be in `root`."""
    record = evidence.record
    if root == record.root:
        return evidence
    samples, others, later = (
        tuple(_moved(sample, record.root, root) for sample in of)
        for of in (record.samples, record.without_masks, record.later)
    )
    moved = replace(record, root=root, samples=samples, without_masks=others, later=later)
    return OutOfFoldPredictions(evidence.run, moved, evidence.recipe)


def _moved(sample: Sample, before: Path, after: Path) -> Sample:
    inside = sample.path.is_relative_to(before)
    return replace(sample, path=after / sample.path.relative_to(before)) if inside else sample


def check_data(evidence: OutOfFoldPredictions) -> None:
    """Hold the images against those that the run began with: trained on others, its jobs would not be of one experiment.

    Raises:
        UserError: an image has changed since or is not there.
    """
    record = evidence.record
    if fingerprint(record) != record.fingerprint:
        raise UserError(
            f"{record.root}: the images are no longer those that the run in {evidence.run} began with; bring those back, or "
            "train the new ones into another `out=`"
        )
