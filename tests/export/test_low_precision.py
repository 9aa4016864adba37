"""int8 of small untrained networks: it works, is smaller, and states what it costs."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE
from helpers.int8 import count_int8
from helpers.small_run import without_classifiers

from steelsight.export.export import Exported, export_run
from steelsight.export.low_precision import write_reduced
from steelsight.export.plan import make_plan
from steelsight.imaging.read import list_images
from steelsight.imaging.rle import format_runs
from steelsight.inspector.artifact import read_card
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.openvino import runs_in_bf16
from steelsight.inspector.parity import Parity
from steelsight.run.run import Run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reduced(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("exported")
    lean = without_classifiers(shutil.copytree(run, folder / "run"))
    return export_run(Run(lean), folder / "inspector", folds="0", precision="int8", max_dice_loss=0.03)


def test_the_network_computes_in_int8_and_is_smaller(reduced: Any) -> None:
    (network,) = reduced.card.networks
    path = reduced.folder / network.file
    assert count_int8(path) > 20
    assert path.stat().st_size < 0.5 * 13e6
    assert reduced.card.precision == "int8"
    assert "nncf" in reduced.card.provenance.versions
    judged = list(Inspector.open(reduced.folder, device="cpu").stream(list_images(SAMPLE / "test_images")))
    assert any(one.is_defective for one in judged)


def test_what_it_costs_is_stated(reduced: Any) -> None:
    parity = Parity.model_validate_json((reduced.folder / "parity.json").read_text("utf-8"))
    assert (parity.precision, parity.computed_in, parity.tolerance) == ("int8", "int8", None)
    assert 0 < parity.map_difference <= 1
    loss = parity.dice_loss
    assert (loss.limit, loss.not_measured) == (0.03, None)
    assert (loss.images, [fold.fold for fold in loss.folds]) == (loss.folds[0].images, [0])
    assert loss.images in (2, 3)
    assert loss.lost == pytest.approx(loss.fp32 - loss.reduced)
    assert loss.kept == (loss.lost <= loss.limit)
    assert [part.defect_class for part in loss.classes] == list(reduced.card.classes)
    (network,) = loss.networks
    assert network.file == "segment-unet-fold0.onnx"
    assert network.difference <= network.difference_before
    assert network.difference <= network.max_difference or network.int8_share == 0
    text = (reduced.folder / "README.md").read_text("utf-8")
    assert f"Dice lost by int8: {loss.lost:+.5f}" in text


def test_int8_beside_bf16_is_the_same_network_and_its_cost_is_measured_where_it_computes_so(
    reduced: Any, tmp_path: Path
) -> None:
    lean = Run(reduced.folder.parent / "run")
    made = export_run(lean, tmp_path / "inspector", folds="0", precision="int8-bf16", max_dice_loss=0.03)
    (network,) = made.card.networks
    assert (made.folder / network.file).read_bytes() == (reduced.folder / network.file).read_bytes()
    assert made.card.precision == made.parity.precision == "int8-bf16"
    assert "nncf" in made.card.provenance.versions
    loss, other = made.parity.dice_loss, reduced.parity.dice_loss
    assert loss.networks == other.networks
    text = (made.folder / "README.md").read_text("utf-8")
    assert "of the multiplications of segment-unet-fold0.onnx are in int8" in text
    assert made.parity.computed_in in ("int8", "int8-bf16")
    assert made.parity.runtime.endswith(f" in {made.parity.computed_in}")
    assert (loss.images, loss.fp32, loss.not_measured) == (other.images, other.fp32, None)
    assert "Dice lost by int8-bf16: " in text
    said, before = (
        [
            tuple(map(format_runs, judged.runs))
            for judged in Inspector.open(one.folder, device="cpu").stream(list_images(SAMPLE / "test_images"))
        ]
        for one in (made, reduced)
    )
    assert (said == before) == (made.parity.computed_in == "int8")


def test_only_the_inspector_is_left(reduced: Any) -> None:
    assert {path.name for path in reduced.folder.iterdir()} == {
        *("inspector.json", "parity.json", "README.md", "checksums.txt", "seen.npz", "seen.txt")
    } | {"segment-unet-fold0.onnx"}
    assert read_card(reduced.folder) == reduced.card


def test_bf16_is_measured_where_the_processor_has_it_and_not_made_up_elsewhere(
    run: Path, exported: Exported, tmp_path: Path
) -> None:
    told = []
    plan = make_plan(Run(run), "all", "bf16", 0.002, (), lambda what, done, of: told.append((done, of)))
    told.clear()  # of what the verdicts rest on
    card = exported.card.model_copy(update={"precision": "bf16"})
    loss = write_reduced(plan, card, exported.folder, tmp_path)
    for its in card.networks:
        assert (tmp_path / its.file).read_bytes() == (exported.folder / its.file).read_bytes()
    if runs_in_bf16("bf16"):
        assert (loss.images, loss.not_measured) == (11, None)
        assert abs(loss.lost) < 0.1
        assert told[-1] == (22, 22)
    else:
        assert (loss.lost, loss.kept) == (None, None)
        assert "does not compute in bf16" in loss.not_measured
        assert told == []
