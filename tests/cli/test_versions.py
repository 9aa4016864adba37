"""`steelsight --version`: of itself, of the commit, of what runs networks."""

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from helpers.data import run_cli

import steelsight
from steelsight.cli import versions as file


def test_it_says_version_commit_and_what_runs_networks() -> None:
    first, *libraries = run_cli("--version").stdout.splitlines()
    assert re.fullmatch(rf"steelsight {re.escape(steelsight.__version__)}( \(commit [0-9a-f]{{12}}\))?", first)
    assert f"OpenVINO {version('openvino')}" in libraries
    assert f"torch {version('torch')}" in libraries


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_is_that_of_the_working_tree_and_of_none_elsewhere(tmp_path: Path) -> None:
    assert file._working_tree(tmp_path) is None
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert file._working_tree(tmp_path) is None  # nothing is committed
    author = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", str(tmp_path), *author, "commit", "-qm", "x", "--allow-empty"], check=True)
    head = subprocess.run(["git", "-C", str(tmp_path), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert head.stdout.startswith(file._working_tree(tmp_path) or "none")
