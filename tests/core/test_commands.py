"""A command line that a text shows does what it says when it is pasted."""

import shlex
from pathlib import Path

import pytest
from helpers.data import run_cli

from steelsight.core.commands import command


@pytest.mark.parametrize("name", ["plain", "with space", "it's", "$HOME; rm x"])
def test_a_shell_reads_the_path_back(name: str) -> None:
    words = shlex.split(command("inspect", Path(name), out=Path(name), masks=True))
    assert words == ["steelsight", "inspect", name, "--out", name, "--masks"]


def test_a_pasted_command_runs(tmp_path: Path) -> None:
    folder = tmp_path / "two words"
    words = shlex.split(command("data", Path("make"), folder, images=2, seed=3))
    assert run_cli(*words[1:]).returncode == 0
    assert len(list((folder / "train_images").iterdir())) == 2
