"""Checkpoints beside the training: of the moment they were asked for, only as often as they pay, and what fails is told."""

from pathlib import Path

import pytest
import torch

from steelsight.core.errors import UserError
from steelsight.training.checkpoint import Checkpoint
from steelsight.training.checkpoint_writer import CheckpointWriter


def state(value: float) -> Checkpoint:
    weights = {"a": torch.full((3, 4), value)}
    return Checkpoint(
        epoch=2, model=weights, optimiser={"state": {0: {"step": torch.tensor(value), "lr": 0.1}}, "groups": [[0]]}
    )


def test_what_is_written_is_of_the_moment_it_was_asked_for(tmp_path: Path) -> None:
    now = state(1.0)
    with CheckpointWriter(tmp_path / "c.pt") as writer:
        writer.write(now)
        now.model["a"].fill_(2.0)
        now.optimiser["state"][0]["step"].fill_(2.0)
    read = Checkpoint.load(tmp_path / "c.pt")
    assert torch.equal(read.model["a"], torch.ones(3, 4))
    assert read.optimiser == {"state": {0: {"step": torch.tensor(1.0), "lr": 0.1}}, "groups": [[0]]}
    assert not list(tmp_path.glob(".*part*"))


def test_the_first_is_due_and_the_next_not_before_its_time(tmp_path: Path) -> None:
    with CheckpointWriter(tmp_path / "c.pt", least=60) as writer:
        assert writer.is_due()
        writer.write(state(1.0))
        assert not writer.is_due()
        writer.wait()
        assert not writer.is_due()
    with CheckpointWriter(tmp_path / "c.pt", least=0) as writer:
        writer.write(state(1.0))
        writer.wait()
        writer._took = 3600.0  # an hour's writing pays every fifty hours
        assert not writer.is_due()
        writer._took = 0.0
        assert writer.is_due()


def test_a_disk_that_refuses_is_told_by_the_next_call(tmp_path: Path) -> None:
    path = tmp_path / "file" / "c.pt"
    path.parent.write_text("no folder")
    writer = CheckpointWriter(path, least=0)
    writer.write(state(1.0))
    with pytest.raises((UserError, OSError)):
        writer.wait()
    with pytest.raises(KeyError), CheckpointWriter(path) as writer:  # what went wrong before is what is told
        _write_and_fail(writer)


def _write_and_fail(writer: CheckpointWriter) -> None:
    writer.write(state(1.0))
    raise KeyError
