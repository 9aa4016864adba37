"""Checkpoints: nothing is unpickled, damage is one sentence, the average is a mean."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from steelsight.core.errors import UserError
from steelsight.training.checkpoint import Checkpoint, average_in


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    made = Checkpoint(3, {"w": torch.ones(2)}, {"state": {}, "param_groups": []}, {"w": torch.zeros(2)}, 0.5, 1, 2.0)
    made.save(tmp_path / "c.pt")
    read = Checkpoint.load(tmp_path / "c.pt")
    assert (read.epoch, read.kept_score, read.kept_count, read.seconds) == (3, 0.5, 1, 2.0)
    assert torch.equal(read.model["w"], torch.ones(2))


def test_damage_and_pickles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match=r"c\.pt: not a readable checkpoint"):
        Checkpoint.load(path)

    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UserError):
        Checkpoint.load(path)
    assert not (tmp_path / "sprung").exists()


def test_the_running_average_is_the_plain_mean() -> None:
    epochs = [{"w": torch.full((2,), float(value)), "n": torch.tensor(value)} for value in (1, 2, 6)]
    kept = None
    for count, weights in enumerate(epochs):
        kept = average_in(kept, weights, count)
    assert kept is not None
    assert torch.allclose(kept["w"], torch.full((2,), 3.0))
    assert int(kept["n"]) == 6
