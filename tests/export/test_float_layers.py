"""Which layers go back to floating point: the fewest, those that move the answer most for their time first."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from helpers.int8 import run_onnx
from onnx import TensorProto, helper, numpy_helper

from steelsight.export.float_layers import (
    Control,
    choose_float_layers,
    difference,
    in_int8,
    logit_shift,
    with_float_layers,
)

GOOD, BAD, LARGE = 1 / 127, 0.3, 1 / 127
STEPS = {"good": GOOD, "bad": BAD, "large": LARGE}


def _network(steps: dict[str, float] | None) -> Any:
    """Three convolutions of one channel, one after another. In int8 with these steps of
    their weights, if given; their inputs are rounded to 1/255."""
    nodes, constants, source = [], [], "input"
    for name, weight in (("good", 0.9), ("bad", 0.77), ("large", 0.8)):
        kernel = np.full((1, 1, 1, 1), weight, np.float32)
        taken = source
        if steps is None:
            constants.append(numpy_helper.from_array(kernel, f"{name}.weight"))
        else:
            rounded = np.clip(np.round(kernel / steps[name]), -127, 127).astype(np.int8)
            constants += [
                numpy_helper.from_array(rounded, f"{name}.rounded"),
                numpy_helper.from_array(np.float32(steps[name]), f"{name}.step"),
                numpy_helper.from_array(np.float32(1 / 255), f"{name}.input_step"),
                numpy_helper.from_array(np.uint8(0), f"{name}.input_zero"),
            ]
            scale = [f"{name}.input_step", f"{name}.input_zero"]
            nodes += [
                helper.make_node("DequantizeLinear", [f"{name}.rounded", f"{name}.step"], [f"{name}.weight"]),
                helper.make_node("QuantizeLinear", [source, *scale], [f"{name}.q"], name=f"{name}_q"),
                helper.make_node("DequantizeLinear", [f"{name}.q", *scale], [f"{name}.dq"], name=f"{name}_dq"),
            ]
            taken = f"{name}.dq"
        source = "probabilities" if name == "large" else f"{name}.out"
        nodes.append(helper.make_node("Conv", [taken, f"{name}.weight"], [source], name=name))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 8, 8]) for name in ("input", "probabilities")]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


IMAGE = np.random.default_rng(0).random((1, 1, 8, 8), np.float32)


def _answers(path: Path) -> Any:
    return run_onnx(path, IMAGE)


def test_the_layer_that_moves_the_answer_most_goes_back_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "tried.onnx"
    chosen = choose_float_layers(_network(None), _network(STEPS), Control(_answers, 0.01), path)
    assert chosen.back == ("bad",)
    assert in_int8(chosen.model) == ["good", "large"]
    assert chosen.after <= 0.01 < chosen.before
    assert chosen.int8_share == pytest.approx(2 / 3)
    assert not path.exists()


def test_all_go_back_where_nothing_less_is_near_enough(tmp_path: Path) -> None:
    chosen = choose_float_layers(_network(None), _network(STEPS), Control(_answers, 0.0), tmp_path / "tried.onnx")
    assert (set(chosen.back), chosen.after, chosen.int8_share) == (set(STEPS), 0, 0)


def test_a_layer_in_floating_point_takes_what_there_was_before_it_was_rounded(tmp_path: Path) -> None:
    """Nothing that rounds is left."""
    model = with_float_layers(_network(STEPS), _network(None), STEPS)
    assert [node.op_type for node in model.graph.node] == ["Conv"] * 3
    onnx.checker.check_model(model)
    onnx.save(model, tmp_path / "back.onnx")
    onnx.save(_network(None), tmp_path / "fp32.onnx")
    np.testing.assert_array_equal(_answers(tmp_path / "back.onnx"), _answers(tmp_path / "fp32.onnx"))


def test_a_shift_of_a_class_is_taken_back_by_the_last_bias(tmp_path: Path) -> None:
    """Two classes; what is rounded before them shifts one up and the other down."""

    def ended(model: Any) -> Any:
        graph = model.graph
        graph.node[-1].output[0] = "large.out"
        kernel = np.array([6, -6], np.float32).reshape(2, 1, 1, 1)
        graph.initializer.append(numpy_helper.from_array(kernel, "head.weight"))
        graph.initializer.append(numpy_helper.from_array(np.array([-1, 2], np.float32), "head.bias"))
        graph.node.append(helper.make_node("Conv", ["large.out", "head.weight", "head.bias"], ["logits"], name="head"))
        graph.node.append(helper.make_node("Sigmoid", ["logits"], ["probabilities"], name="end"))
        graph.output[0].type.tensor_type.shape.dim[1].dim_value = 2
        return model

    fp32, quantised = ended(_network(None)), ended(_network(STEPS))
    chosen = choose_float_layers(fp32, quantised, Control(_answers, 1.0), tmp_path / "tried.onnx")
    assert chosen.back == ()
    onnx.save(quantised, tmp_path / "quantised.onnx")
    onnx.save(fp32, tmp_path / "fp32.onnx")
    onnx.save(chosen.model, tmp_path / "chosen.onnx")
    reference = _answers(tmp_path / "fp32.onnx")
    before = logit_shift(_answers(tmp_path / "quantised.onnx"), reference)
    after = logit_shift(_answers(tmp_path / "chosen.onnx"), reference)
    assert before[0] > 0.1
    assert before[1] < -0.1
    np.testing.assert_allclose(after, 0, atol=1e-3)
    assert chosen.after < difference(_answers(tmp_path / "quantised.onnx"), reference) / 2


def test_what_is_no_number_is_as_far_away_as_can_be() -> None:
    one = np.ones(3, np.float32)
    assert difference(np.array([1, np.nan, 1], np.float32), one) == 1
    assert difference(one * 0, one * 0) == 0
    assert difference(one, one) == 0
