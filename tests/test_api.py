"""`import steelsight`: every name of it, as a program uses them."""

import ast
import csv
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data import ROOT, run_cli
from helpers.tiny_inspector import make_inspector
from helpers.training_samples import SMALL, few_images
from PIL import Image as Pillow

import steelsight
from steelsight import Inspector, Limits, Run, UserError
from steelsight.imaging.read import read_image
from steelsight.inspector.input_range import InputRange

LAZY = [name for name in steelsight.__all__ if name != "__version__"]
CHANGES = [
    *SMALL,
    "members.*.keep.last=1",
    "members.segment-lite0.decoder_channels=[16, 16, 8, 8, 8]",
    "search.gates=[0, 0.5]",
    "search.area_ratio=2",
    "search.softness=[]",
]
"""Seconds of training, and a rule that is quick to search."""
WIDE = Limits(max_escape=0.6, max_overkill=0.6, confidence=0.6)


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


def test_strips_are_read_as_a_dataset_with_masks(tmp_path: Path) -> None:
    steelsight.make_strips(tmp_path / "strips", 6, seed=3, size=(64, 256), defective=1)
    data = steelsight.read_dataset(str(tmp_path / "strips"))
    mask = data.samples[0].mask()
    assert (mask.dtype, mask.shape) == (np.dtype(bool), (len(data.classes), 64, 256))
    assert mask.any()
    with pytest.raises(UserError, match="none"):
        steelsight.read_dataset(tmp_path / "none")


def test_a_recipe_by_name_by_path_and_changed(tmp_path: Path) -> None:
    path = shutil.copy(ROOT / "src/steelsight/recipe/lite.yaml", tmp_path / "mine.yaml")
    assert steelsight.load_recipe(path) == steelsight.load_recipe("lite")
    assert steelsight.load_recipe("lite", ["seed=5"]).seed == 5
    with pytest.raises(UserError, match="did you mean 'lite'"):
        steelsight.load_recipe("lit")
    with pytest.raises(UserError, match="`overrides=seed=5`: one text in place of a list"):
        steelsight.load_recipe("lite", "seed=5")


def write_masks(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("ImageId", "ClassId", "EncodedPixels"), *rows])
    return path


def test_a_score_is_that_of_the_verb(tmp_path: Path) -> None:
    truth = write_masks(tmp_path / "truth.csv", [("a.jpg", "1", "1 40"), ("b.jpg", "2", "9 9"), ("c.jpg", "1", "")])
    said = write_masks(tmp_path / "said.csv", [("a.jpg", "1", "21 40"), ("c.jpg", "2", "1 4")])
    verb = json.loads(run_cli("score", truth, said, "--size", "16x16", "--classes", "1,2", "--json").stdout)
    scored = steelsight.score(truth, str(said), size=(16, 16), classes=["1", "2"])
    assert json.loads(json.dumps(scored.as_dict())) == {name: verb[name] for name in scored.as_dict()}
    listed = tmp_path / "images.txt"
    listed.write_text("a.jpg\n")
    assert steelsight.score(truth, said, images=listed).figures.images == 1
    with pytest.raises(UserError, match=r"`mm_per_pixel=0\.5`: a length needs the images' widths"):
        steelsight.score(truth, said, mm_per_pixel=0.5)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": "16x16"}, "`size=16x16`: no height and width"),
        ({"size": (0, 16)}, "`size="),
        ({"classes": [1, 2]}, "`classes=1`: int in place of a name"),
        ({"classes": "12"}, "`classes=12`: one text in place of a list"),
        ({"classes": []}, "`classes=`: there is no class in it"),
        ({"size": (16, 16), "mm_per_pixel": 0}, "`mm_per_pixel=0`: the size of a pixel is a number above 0"),
        ({"size": (16, 16), "mm_per_pixel": float("nan")}, "`mm_per_pixel=nan`"),
        ({"size": (16, 16), "mm_per_pixel": float("inf")}, "`mm_per_pixel=inf`"),
    ],
)
def test_a_score_refuses_arguments_out_of_their_range(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    truth = write_masks(tmp_path / "truth.csv", [("a.jpg", "1", "1 40"), ("b.jpg", "2", "9 9")])
    with pytest.raises(UserError, match=said):
        steelsight.score(truth, truth, **wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"layout": "foo"}, "`layout=foo`: it must be one of: class-folders, coco"),
        ({"boxes": "x"}, "`boxes=x`: it must be one of: as-labels, as-masks"),
        ({"ignore_class": "1"}, r"`ignore_class=1`: one text in place of a list.*give \['1'\]"),
        ({"ignore_class": [1]}, "`ignore_class=1`: int in place of a name"),
    ],
)
def test_a_dataset_is_not_read_by_arguments_out_of_their_range(wrong: dict[str, Any], said: str, strip: Path) -> None:
    with pytest.raises(UserError, match=said):
        steelsight.read_dataset(strip.parents[1], **wrong)


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
    with pytest.raises(UserError, match=said):
        steelsight.train(data, **{"recipe": "demo", "out": run, "quick": True, "limit": 4} | wrong)
    assert not run.exists()


def test_limits_out_of_their_range_are_a_user_error() -> None:
    with pytest.raises(UserError, match=r"^Limits\.max_escape: 1\.5 is refused"):
        Limits(max_escape=1.5)
    with pytest.raises(UserError, match=r"^Limits\.max_escap: there is no such key; did you mean 'max_escape'"):
        Limits(max_escap=0.1)  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def strip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strips") / "strips"
    steelsight.make_strips(folder, 1, seed=5, size=(64, 416), defective=1)
    return next((folder / "train_images").iterdir())


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory, strip: Path) -> Inspector:
    folder = make_inspector(tmp_path_factory.mktemp("made") / "inspector", familiar=InputRange.of([read_image(strip)]))
    return Inspector.open(str(folder), device="cpu")


def test_an_image_is_judged_alike_as_file_array_colour_and_pillow_image(inspector: Inspector, strip: Path) -> None:
    pixels = read_image(strip)
    judged = inspector(str(strip))
    assert judged.size == (64, 416)
    for image in (strip, pixels, np.asfortranarray(pixels), np.stack([pixels] * 3, axis=2), Pillow.fromarray(pixels)):
        again = inspector(image)
        assert again.p_defect == pytest.approx(judged.p_defect, abs=1e-6)
        assert np.array_equal(again.masks, judged.masks)


def test_masks_are_bool_arrays_of_each_class(inspector: Inspector) -> None:
    image = np.full((64, 416), 110, np.uint8)
    image[10:40, 50:150] = 250
    judged = inspector(image)
    assert (judged.masks.dtype, judged.masks.shape) == (np.dtype(bool), (2, 64, 416))
    assert judged.masks.sum(axis=(1, 2)).tolist() == [runs.area for runs in judged.runs]
    assert judged.masks[0, 20:30, 80:120].all()


def test_what_is_no_image_is_a_user_error(inspector: Inspector, strip: Path, tmp_path: Path) -> None:
    pixels = read_image(strip)
    for image, said in (
        (pixels / 255.0, "holds float64"),
        (pixels[None], r"take image\[0\]"),
        (tmp_path / "none.jpg", "no such image"),
    ):
        with pytest.raises(UserError, match=said):
            inspector(image)


def test_a_missing_file_of_a_stream_is_a_prediction_without_masks(inspector: Inspector, strip: Path) -> None:
    lost, found = inspector.stream([strip.with_name("none.jpg"), strip])
    assert lost.error is not None
    assert lost.masks.shape == (2, 0, 0)
    assert found.error is None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that `train` has made of twelve images, by networks that learn nothing."""
    data = few_images(tmp_path_factory.mktemp("few") / "data")
    out = tmp_path_factory.mktemp("run") / "run"
    return steelsight.train(data, recipe="lite", overrides=CHANGES, out=out, limits=WIDE, device="cpu", parallel=1)


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


@pytest.mark.slow
def test_a_run_is_decided_anew_reported_and_asked(run: Run, tmp_path: Path) -> None:
    copied = Run.open(shutil.copytree(run.path, tmp_path / "run"))
    assert copied.decide(objective="defects", max_false_alarms=0.2).objective.max_false_alarms == 0.2
    assert copied.decide(rule="plain").kept == "defaults"
    tight = Limits(max_escape=0.5, max_overkill=0.5, confidence=0.6)
    rule = copied.decision.rule
    assert copied.decide_verdicts(tight).policy.wish == tight
    assert copied.decision.rule == rule
    for wrong in ({"rule": "best"}, {"objective": "dice"}):
        with pytest.raises(UserError, match=f"`{next(iter(wrong))}=.*it must be one of"):
            copied.decide(**wrong)
    with pytest.raises(UserError, match="belongs to `objective=defects`"):
        copied.decide(objective="pooled", max_false_alarms=0.2)
    with pytest.raises(UserError, match="`max_false_alarms=2`: a share"):
        copied.decide(objective="defects", max_false_alarms=2)
    copied.report_page.unlink()
    assert copied.report() == copied.report_page
    assert copied.report_page.is_file()
    first, second = [sample.path for sample in copied.record.samples[:2]]
    judged = list(copied.predict([first, second.with_name("none.jpg")], folds=0))
    assert judged[0].verdict is not None
    assert judged[1].error is not None
    with pytest.raises(UserError):
        copied.predict([first], folds=7)


@pytest.mark.slow
def test_an_export_is_an_open_inspector(run: Run, tmp_path: Path) -> None:
    images = [sample.path for sample in run.record.samples[:3]]
    inspector = run.export(tmp_path / "inspector", folds=0, images=images)
    assert isinstance(inspector, Inspector)
    assert inspector.card.rule == run.decision.rule_of((0,))
    judged = inspector(images[0])
    (predicted,) = run.predict(images[:1], folds=0)
    assert judged.p_defect == pytest.approx(predicted.p_defect, abs=1e-3)


def test_the_documents_use_names_that_there_are() -> None:
    used = {
        name
        for document in ("README.md", "docs/running.md")
        for name in re.findall(r"\bsteelsight\.([A-Za-z_]\w*)(?=[(.,\"`]|$)", (ROOT / document).read_text("utf-8"))
    }
    modules = {path.stem for path in (ROOT / "src/steelsight").iterdir()}
    assert used - modules == set(LAZY)
