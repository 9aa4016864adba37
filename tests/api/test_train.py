"""`steelsight.train`: a run that is decided and reported, goes on where that is wanted, and is not begun by mistake."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.trained_once import CHANGES, WIDE
from helpers.training_samples import few_images

import steelsight
from steelsight import Limits, Run, UserError


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"device": "tpu"}, "`device=tpu`"),
        ({"parallel": 0}, "`parallel=0`"),
        ({"workers": -3}, "`workers=-3`"),
        ({"overrides": "folds=3"}, r"`overrides=folds=3`: one text in place of a list.*give \['folds=3'\]"),
        ({"limits": Limits(never_miss={"zz": 0.1})}, "`never_miss=zz`: no defect class is named so"),
        (
            {"recipe": steelsight.load_recipe("demo"), "overrides": ["folds=3"]},
            "`overrides=folds=3`: the recipe is made already; give the changes to load_recipe",
        ),
    ],
)
def test_a_training_with_an_argument_out_of_its_range_begins_no_run(
    wrong: dict[str, Any], said: str, tmp_path: Path
) -> None:
    data, run = few_images(tmp_path / "data"), tmp_path / "run"
    right: dict[str, Any] = {"recipe": "demo", "out": run, "quick": True, "limit": 4}
    with pytest.raises(UserError, match=said):
        steelsight.train(data, **right | wrong)
    assert not run.exists()


@pytest.mark.slow
def test_a_training_ends_decided_and_reported(run: Run) -> None:
    assert run.decision.policy is not None
    assert run.decision.policy.wish == WIDE
    assert run.report_page.is_file()
    again = Run.open(str(run.path))
    assert again == run
    assert again.decision == run.decision
    assert len(again.record.samples) == 12


@pytest.mark.slow
def test_a_run_goes_on_only_where_that_is_wanted(run: Run, tmp_path: Path) -> None:
    data, recipe = run.record.root, run.recipe
    with pytest.raises(UserError, match=r"there is a run already; go on with it by `resume=`"):
        steelsight.train(data, recipe="lite", out=run.path)
    with pytest.raises(UserError, match=r"holds a run of recipe 'lite'.*, not 'demo'"):
        steelsight.train(data, recipe="demo", out=run.path, resume=True)
    weights = {path: path.read_bytes() for path in run.path.rglob("weights.safetensors")}
    assert len(weights) == 4
    copied = shutil.copytree(run.path, tmp_path / "copied")
    (copied / "decision.json").unlink()
    assert (
        steelsight.train(data, recipe=recipe, out=copied, resume=True, device="cpu", parallel=1).decision.rule
        == run.decision.rule
    )
    assert all((copied / path.relative_to(run.path)).read_bytes() == content for path, content in weights.items())
    mended = shutil.copytree(data, tmp_path / "mended")
    (mended / "train.csv").write_text("\n".join((data / "train.csv").read_text().splitlines()[:-1]) + "\n")
    for labels in (mended, steelsight.read_dataset(mended)):
        with pytest.raises(UserError, match="images with other labels: 1, the first"):
            steelsight.train(labels, recipe=recipe, out=copied, resume=True, device="cpu", parallel=1)


@pytest.mark.slow
def test_what_is_no_run_is_neither_opened_nor_trained_into(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(UserError, match="is not a run"):
        Run.open(tmp_path)
    with pytest.raises(UserError, match="exists and is not a run; choose another `out=`"):
        steelsight.train(run.record.root, out=tmp_path)
    faulty = shutil.copytree(run.record.root, tmp_path / "faulty")
    next((faulty / "train_images").iterdir()).write_bytes(b"no image")
    with pytest.raises(UserError, match=r"1 faults \(the first: .*skip_faulty=True"):
        steelsight.train(faulty, out=tmp_path / "new", overrides=CHANGES)
    assert not (tmp_path / "new").exists()
