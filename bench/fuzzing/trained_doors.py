"""What training, export and inspection leave: an INSPECTOR, tables of results, a RUN, weights."""

import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing import seeds
from fuzzing.folders import read_files, write_files
from fuzzing.odd import Draw
from fuzzing.reader import Reader, refuses
from fuzzing.verbs import verb


def _sign_again(draw: Draw, folder: Path) -> None:
    from steelsight.inspector.checksums import write_checksums

    if draw.often(0.9):
        with suppress(OSError, ValueError):  # a folder stands in the place of the file, or a name is no text
            write_checksums(folder)


def inspector(work: Path) -> Reader:
    images = work / "strips"
    write_files(images, seeds.pictures_of_strips(2))

    def enter(draw: Draw, folder: Path) -> bool:
        match draw.whole(0, 5):
            case 0:
                return verb("report", folder, "--out", folder.parent / "sheet.html")
            case 1:
                return verb("decide", folder, "--json", "--max-escape", draw.one(("0.1", "0", "1", "nan", "-1")))
            case _:
                out = folder.parent / f"out{os.urandom(4).hex()}"
                return verb(
                    "inspect",
                    folder,
                    images,
                    "--out",
                    out,
                    "--device",
                    "cpu",
                    "--threads",
                    "1",
                    *(["--json"] if draw.often(0.5) else []),
                )

    return Reader("inspector", {"inspector": seeds.inspector()}, enter, finish=_sign_again)


def results(work: Path) -> Reader:
    """Tables of an inspection, which a later one goes on with."""
    inspector, images = work / "inspector", work / "strips"
    write_files(inspector, seeds.inspector())
    write_files(images, seeds.pictures_of_strips(3))
    first = work / "first"
    words = ("--device", "cpu", "--threads", "1", "--masks")
    verb("inspect", inspector, images, "--out", first, *words)

    def enter(draw: Draw, folder: Path) -> bool:
        return verb("inspect", inspector, images, "--out", folder, *words, *(["--resume"] if draw.often(0.9) else []))

    return Reader("results", {"results": read_files(first)}, enter)


def run() -> Reader:
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.record import read_record
    from steelsight.run.run import Run
    from steelsight.selection.decision import read_decision

    def library(run: Run) -> bool:
        refused = [
            refuses(lambda: read_record(run.path)),
            refuses(lambda: run.recipe),
            refuses(lambda: read_decision(run)),
        ]
        refused += [refuses(partial(_curves_of, job.log)) for job in run.jobs_begun()]
        found: list[Any] = []
        if refuses(lambda: found.append(OutOfFoldPredictions.of(run))):
            return False
        (evidence,) = found
        refused.append(refuses(lambda: [evidence.probabilities(one) for one in evidence.members("classify")]))
        refused.append(refuses(lambda: [evidence.map(one, 0) for one in evidence.members("segment")]))
        return not any(refused)

    def enter(draw: Draw, folder: Path) -> bool:
        match draw.whole(0, 19):
            case 0:
                return verb("report", folder)
            case 1 | 2:
                return verb("decide", folder, "--json")
            case 3:
                return verb("data", "doubt", folder)
            case 4:
                return verb("export", folder, "--out", folder.parent / "exported")
            case _:
                return library(Run(folder))

    return Reader("run", {"run": seeds.run()}, enter)


def _curves_of(path: Path) -> None:
    from steelsight.run.job_log import read_log

    log = read_log(path)
    _ = (
        log.epochs,
        log.seconds,
        log.phase_starts(),
        log.curve("train_loss"),
        log.class_curves("valid_dice"),
        log.is_segmenter,
    )


def checkpoint(work: Path) -> Reader:
    import torch
    from safetensors.torch import save_file

    from steelsight.networks.weights import add_weights
    from steelsight.run.cache import cached
    from steelsight.training.checkpoint import Checkpoint

    os.environ["STEELSIGHT_HOME"] = str(work / "home")
    made = work / "checkpoints"
    made.mkdir(parents=True, exist_ok=True)
    tensors = {"conv.weight": torch.ones(2, 3), "conv.bias": torch.zeros(2)}
    Checkpoint(3, tensors, {"state": {0: {"step": 4}}, "param_groups": []}, tensors).save(made / "checkpoint.pt")
    save_file(tensors, made / "weights.safetensors")
    torch.save(tensors, made / "weights.pth")
    np.savez(made / "histograms.npz", array=np.arange(12, dtype=np.int64).reshape(3, 4))

    def enter(_: Draw, folder: Path) -> bool:
        refused = []
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            refused.append(refuses(partial(Checkpoint.load, path)))
            refused.append(refuses(partial(add_weights, "lite0", path)))
            if path.suffix == ".npz":
                cached(path, (3, 4), np.int64, lambda: np.zeros((3, 4), np.int64))
        return not all(refused)

    return Reader("checkpoint", {"checkpoint": read_files(made)}, enter)
