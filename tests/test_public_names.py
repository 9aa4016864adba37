"""`import steelsight`: what it costs, and every name of it."""

import ast
import inspect
import re
import subprocess
import sys

import pytest
from helpers.data import ROOT

import steelsight

LAZY = [name for name in steelsight.__all__ if name != "__version__"]


def loaded_after(program: str, *names: str) -> set[str]:
    """Which of some modules a fresh interpreter has loaded after a program."""
    code = f"import sys\n{program}\nprint(*(name for name in {names!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_import_costs_nothing() -> None:
    heavy = ("torch", "numpy", "cv2", "pydantic", "pandas", "zarr", "openvino", "yaml", "steelsight.api")
    assert loaded_after("import steelsight", *heavy) == set()


def test_what_inspects_and_reads_needs_no_library_of_training() -> None:
    names = ", ".join(name for name in LAZY)
    training = (
        "torch",
        "lightning",
        "timm",
        "pandas",
        "pyarrow",
        "zarr",
        "sklearn",
        "scipy",
        "matplotlib",
        "jinja2",
        "onnx",
    )
    assert loaded_after(f"from steelsight import {names}", *training) == set()


def test_every_name_is_there_is_documented_and_is_the_one_that_types_say() -> None:
    assert set(dir(steelsight)) >= set(steelsight.__all__)
    tree = ast.parse((ROOT / "src/steelsight/__init__.py").read_text("utf-8"))
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    said = {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert said == steelsight._HOMES
    for name in LAZY:
        assert inspect.getdoc(getattr(steelsight, name)), name
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = steelsight.trian


def test_the_documents_use_names_that_there_are() -> None:
    used = {
        name
        for document in ("README.md", "docs/running.md")
        for name in re.findall(r"\bsteelsight\.([A-Za-z_]\w*)(?=[(.,\"`]|$)", (ROOT / document).read_text("utf-8"))
    }
    modules = {path.stem for path in (ROOT / "src/steelsight").iterdir()}
    assert used - modules == set(LAZY)
