"""What the README says is typed here, line by line, in an empty folder."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.data import ROOT

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text("utf-8")
ENDLESS = ("demo", "serve", "watch")
"""Verbs that run until they are stopped; tests/cli has them."""
ELSEWHERE = {"severstal", "--from-hub"}
"""The competition's folder, which is to be had with an account alone, and the one download."""


def code(section: str) -> list[str]:
    """The indented lines of a section."""
    text = README.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    return [line[4:] for line in re.findall(r"^    .*$", text, flags=re.MULTILINE)]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=840, check=False
    )


@pytest.mark.timeout(2400)
def test_every_command_does_what_the_readme_says(tmp_path: Path) -> None:
    sections = ("Ten minutes", "Your own images", "A limit that holds")
    lines = [shlex.split(line) for section in sections for line in code(section) if line.startswith("steelsight ")]
    typed = [words for words in lines if words[1] not in ENDLESS and ELSEWHERE.isdisjoint(words)]
    assert len(typed) >= 10
    said = []
    for words in typed:
        done = run([sys.executable, "-m", "steelsight.cli.main", *words[1:]], tmp_path)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        said.append(done.stdout)
    assert "Guaranteed" in said[-2]  # what the fresh strips are for
    for path in ("run/report/index.html", "inspector/inspector.json", "inspected/images.csv", "inspected/overlays"):
        assert (tmp_path / path).exists()
    program = "\n".join(code("From Python"))
    short = 'quick=True, limit=24, overrides=["members.*.phases.*.epochs=1", "members.*.keep.last=1"]'
    few = program.replace("quick=True", short)  # the command above has trained as the README says
    assert few != program
    done = run([sys.executable, "-c", few], tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
