"""The notebooks: stored without outputs, and run from top to bottom."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers.data import ROOT
from nbclient import NotebookClient

import steelsight

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

TINY = """
STRIPS = 32
RULE = "published"
CHANGES = [
    "members.*.phases.*.epochs=1",
    "members.*.keep.last=1",
    "members.*.validate_every=1",
    "members.*.sampling.least_steps=4",
    "search.threshold_step=0.1",
    "search.area_ratio=2",
]
"""
"""What is set after the cell of parameters, as papermill does: a training of seconds."""


def read(path: Path) -> Any:
    notebook: Any = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def run(notebook: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run every cell in a folder, and say what they printed; a cell or a command that fails is an error."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"])
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):  # nothing is left in one's home
        monkeypatch.setenv(variable, str(folder / ".jupyter"))
    for cell in notebook.cells:  # a command that fails would end no cell
        if cell.cell_type == "code" and re.search(r"^ *!", cell.source, re.MULTILINE):
            cell.source += "\nassert _exit_code == 0, _exit_code"
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def pictures(notebook: Any) -> int:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_both_are_there() -> None:
    assert [path.name for path in NOTEBOOKS] == ["inspect.ipynb", "severstal.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_and_no_picture_is_stored(path: Path) -> None:
    notebook = read(path)
    for cell in notebook.cells:
        assert not cell.get("attachments")
        assert "data:" not in cell.source
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_use_nothing_but_the_public_names(path: Path) -> None:
    text = "\n".join(code(read(path)))
    assert not re.search(r"from steelsight|import steelsight\.", text)
    assert set(re.findall(r"\bsteelsight\.(\w+)", text)) <= set(steelsight.__all__)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_ready_inspector_judges_drawn_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = read(ROOT / "notebooks/inspect.ipynb")
    said = run(notebook, tmp_path, monkeypatch)
    assert {f" {answer} - " in said for answer in ("pass", "review", "reject")} == {True}
    assert "uint8" in said  # floats are refused, with the mend
    assert pictures(notebook) == 9  # eight strips and a heat map


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_walk_of_the_reference_on_drawn_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = read(ROOT / "notebooks/severstal.ipynb")
    (place,) = [number for number, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ())]
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(TINY))
    said = run(notebook, tmp_path, monkeypatch)
    assert "kept: published, gate 0.80" in said
    assert "competition Dice" in said
    assert pictures(notebook) >= 10
    for made in ("severstal-run/report/index.html", "submitted/submission.csv", "submitted/overlays"):
        assert (tmp_path / made).exists()
    submitted = (tmp_path / "submitted/submission.csv").read_text("utf-8").splitlines()
    assert submitted[0] == "ImageId,ClassId,EncodedPixels"
    assert len(submitted) == 1 + 24 * 4
