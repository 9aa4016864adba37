"""fp16: half the bytes, the same answers but for the rounding of weights, in every runtime."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.data import SAMPLE
from onnx import TensorProto, numpy_helper

from steelsight.cascade.engine import EngineNetwork
from steelsight.export.export import Exported
from steelsight.export.half import SMALLEST, store_in_half
from steelsight.export.low_precision import write_reduced
from steelsight.export.plan import make_plan
from steelsight.imaging.read import list_images, read_image
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.choose_engine import open_engine
from steelsight.inspector.onnxruntime import OnnxRuntimeEngine
from steelsight.run.run import Run


@pytest.fixture
def halved(exported: Exported, tmp_path: Path) -> Path:
    folder = shutil.copytree(exported.folder, tmp_path / "halved")
    for its in exported.card.networks:
        store_in_half(folder / its.file)
    write_checksums(folder)
    return folder


def test_a_file_takes_half_and_keeps_its_small_tensors(exported: Exported, halved: Path) -> None:
    for its in exported.card.networks:
        before, after = (folder / its.file for folder in (exported.folder, halved))
        assert after.stat().st_size < 0.55 * before.stat().st_size
        kinds = {
            (tensor.data_type, int(np.prod(tensor.dims)) >= SMALLEST) for tensor in onnx.load(after).graph.initializer
        }
        assert (TensorProto.FLOAT16, False) not in kinds
        assert (TensorProto.FLOAT, True) not in kinds
        onnx.checker.check_model(onnx.load(after), full_check=True)


def test_openvino_and_onnx_runtime_answer_as_before_but_for_rounded_weights(exported: Exported, halved: Path) -> None:
    image = read_image(list_images(SAMPLE / "train_images")[0])
    card = exported.card.model_copy(update={"precision": "fp16"})
    before = open_engine(exported.folder, exported.card, device="cpu")
    said = networks_answer(before.classifiers, image), networks_answer(before.segmenters, image)
    runtimes = [open_engine(halved, card, device="cpu"), OnnxRuntimeEngine.load(halved, card, ["CPUExecutionProvider"])]
    for engine in runtimes:
        for known, networks in zip(said, (engine.classifiers, engine.segmenters), strict=True):
            np.testing.assert_allclose(networks_answer(networks, image), known, atol=0.03)


def test_a_value_that_half_precision_cannot_hold_keeps_its_tensor_in_fp32(exported: Exported, halved: Path) -> None:
    its = exported.card.networks[0]
    model = onnx.load(exported.folder / its.file)
    place, tensor = next(
        (place, one) for place, one in enumerate(model.graph.initializer) if int(np.prod(one.dims)) >= SMALLEST
    )
    values = numpy_helper.to_array(tensor).copy()
    values.flat[0] = 65_505.0
    model.graph.initializer[place].CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, halved / its.file)
    store_in_half(halved / its.file)
    kept = [one for one in onnx.load(halved / its.file).graph.initializer if one.name == tensor.name]
    assert [one.data_type for one in kept] == [TensorProto.FLOAT]
    np.testing.assert_array_equal(numpy_helper.to_array(kept[0]), values)


def test_the_dice_that_it_costs_is_measured(run: Path, exported: Exported, tmp_path: Path) -> None:
    plan = make_plan(Run(run), "all", "fp16", 0.002, (), lambda what, done, of: None)
    loss = write_reduced(plan, exported.card.model_copy(update={"precision": "fp16"}), exported.folder, tmp_path)
    assert (loss.images, loss.not_measured) == (11, None)
    assert loss.lost is not None
    assert abs(loss.lost) < 0.01


def networks_answer(networks: Sequence[EngineNetwork], image: np.ndarray) -> np.ndarray:
    return np.concatenate([one.probabilities(one.preprocess.to_input(image)[None]).ravel() for one in networks])
