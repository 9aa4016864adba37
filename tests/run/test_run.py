"""The folder of a run: its paths are the documented ones, what is stored opens, and no other floor spells a path of it."""

import ast
from pathlib import Path

import numpy as np
import pytest

from steelsight.core.errors import UserError
from steelsight.dataset.model import Sample
from steelsight.imaging.rle import Runs
from steelsight.recipe import load_recipe, resolve
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record, write_record
from steelsight.run.resolved_recipe import write_run_recipe
from steelsight.run.run import Run

SOURCE = Path(__file__).parents[2] / "src" / "steelsight"
FOLDERS = {"jobs", "evidence", "augmentations", "histograms", "defects", "tested", "scores", "report"}
FILES = {
    "recipe.yaml", "dataset.json", "samples.csv", "truth.csv", "machine.json", "decision.json", "weights.safetensors",
    "checkpoint.pt", "log.jsonl", "progress.png", "done.json",
}  # fmt: skip


def written(folder: Path) -> Run:
    """A run of two images that has its recipe and its record."""
    samples = tuple(Sample(name, folder / name, (8, 8), (Runs.empty(),)) for name in ("a.png", "b.png"))
    write_record(folder, Record(folder, "severstal", ("1",), samples, np.arange(2), np.arange(2), (), "0" * 64))
    write_run_recipe(folder, resolve(load_recipe("lite", ["folds=2"]), ("1",), [(8, 8)], grey=True))
    return Run(folder)


def test_paths_are_those_that_docs_running_names() -> None:
    run, lite = Run(Path("RUN")), load_recipe("lite")
    job = run.job("segment-lite0", 2)
    segmenter, classifier = lite.member("segment-lite0"), lite.member("classify-lite0")
    paths = (
        run.recipe_file, run.dataset_file, run.samples_file, run.truth_file, run.machine_file, run.decision_file,
        run.report_page, run.augmentations, job.path, job.weights, job.checkpoint, job.log, job.progress, job.done,
        run.predictions_file(segmenter, 1), run.predictions_file(classifier, 0), run.scores_file("segment-lite0", 1, "ab"),
        run.histograms_file(1, "ab"), run.defects_file(1, "ab", "levels"), run.evaluation_folder("ab"),
    )  # fmt: skip
    assert [path.relative_to("RUN").as_posix() for path in paths] == [
        "recipe.yaml",
        "dataset.json",
        "samples.csv",
        "truth.csv",
        "machine.json",
        "decision.json",
        "report/index.html",
        "augmentations",
        "jobs/segment-lite0/fold2",
        "jobs/segment-lite0/fold2/weights.safetensors",
        "jobs/segment-lite0/fold2/checkpoint.pt",
        "jobs/segment-lite0/fold2/log.jsonl",
        "jobs/segment-lite0/fold2/progress.png",
        "jobs/segment-lite0/fold2/done.json",
        "evidence/segment-lite0/fold1.zarr",
        "evidence/classify-lite0/fold0.parquet",
        "evidence/scores/segment-lite0-fold1-ab.npz",
        "evidence/histograms/fold1-ab.npz",
        "evidence/defects/fold1-ab-levels.npz",
        "evidence/tested/ab",
    ]


def test_what_is_stored_opens(tmp_path: Path) -> None:
    run = written(tmp_path / "run")
    assert run.is_started
    assert run.recipe.folds == 2
    assert [sample.image_id for sample in run.record.samples] == ["a.png", "b.png"]
    predictions = OutOfFoldPredictions.of(run)
    assert predictions.indices(1).tolist() == [1]
    assert not predictions.has(run.recipe.members[0], 0)


def test_a_folder_that_is_not_there_is_no_started_run_and_says_what_is_missing(tmp_path: Path) -> None:
    run = Run(tmp_path / "none")
    assert not run.is_started
    assert not run.is_torn_start
    assert run.jobs_begun() == []
    with pytest.raises(UserError, match=r"recipe\.yaml: not found"):
        _ = run.recipe
    with pytest.raises(UserError, match=r"dataset\.json: there is no such file"):
        _ = run.record


def test_a_start_that_was_killed_is_told_from_a_folder_of_other_files(tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    torn.mkdir()
    (torn / "samples.csv").touch()
    assert Run(torn).is_torn_start
    (torn / "thesis.docx").touch()
    assert not Run(torn).is_torn_start


def test_jobs_begun_are_those_with_a_folder_by_member_and_fold(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for member, fold in (("s", 1), ("c", 0), ("s", 0)):
        run.job(member, fold).path.mkdir(parents=True)
    assert run.jobs_begun() == [run.job("c", 0), run.job("s", 0), run.job("s", 1)]


def test_no_other_floor_spells_a_path_of_a_run() -> None:
    spelled = [
        f"{path.relative_to(SOURCE)}:{line}: {text!r}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).parts[0] != "run"
        for line, text in _spelled(ast.parse(path.read_text("utf-8")))
    ]
    assert spelled == []


def test_what_would_spell_one_is_seen() -> None:
    for code in (
        'run / "jobs" / name / "x"',
        'run / "evidence"',
        'run.path / f"jobs/{name}/x"',
        'run.glob("jobs/*/fold*/x")',
        'Path(run, "evidence")',
        'FILE = "decision.json"',
        'open(f"{run}/recipe.yaml")',
    ):
        assert list(_spelled(ast.parse(code))), code
    assert not list(_spelled(ast.parse('"""RUN/decision.json"""\nfigures = {"evidence": 1, "jobs": 2}')))


def _spelled(tree: ast.Module) -> list[tuple[int, str]]:
    """Files of a run wherever they are named but in docstrings, and its folders where a path is made of them."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    attributes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # a docstring of a constant
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | attributes:
            found += [(node.lineno, part) for part in node.value.split("/") if part in FILES]
        for text in _of_a_path(node):
            found += [(text.lineno, part) for part in str(text.value).split("/") if part in FOLDERS]
    return found


def _of_a_path(node: ast.AST) -> list[ast.Constant]:
    """The texts of which an expression makes a path."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts: list[ast.expr] = [node.left, node.right]
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        parts = list(node.args) if name in ("glob", "rglob", "joinpath", "Path") else []
    else:
        parts = []
    inside = [each for part in parts for each in (part.values if isinstance(part, ast.JoinedStr) else [part])]
    return [each for each in inside if isinstance(each, ast.Constant) and isinstance(each.value, str)]
