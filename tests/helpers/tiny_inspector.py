"""A small real INSPECTOR, made without torch: its networks find bright and dark spots, which can be computed by hand."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
from helpers.data import SAMPLE
from onnx import TensorProto, helper, numpy_helper

from steelsight import __version__
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.read import list_images, read_image
from steelsight.inspector.artifact import (
    INPUT,
    OUTPUT,
    CrossValidated,
    InspectorCard,
    NetworkCard,
    Provenance,
    version_for,
    write_card,
)
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.input_range import InputRange
from steelsight.rule.rule import Rule
from steelsight.verdicts.policy import Policy

CLASSES = ("bright", "dark")
STRETCHED = Preprocess(height=64, width=416, colour="grey")
PADDED = Preprocess(height=96, width=96, fit="pad", colour="grey")
BRIGHT = 0.4
"""Mean of the pixels on the [0, 1] scale; some of the sample's images are brighter, and the tiny classifier gives them a
P(defect) above .8."""
RULE = Rule(gate=0.5, upper=(200, 200), lower=(150, 150), min_area=(200, 200))


def make_inspector(
    folder: Path,
    *,
    rule: Rule = RULE,
    classifiers: tuple[Preprocess, ...] = (STRETCHED,),
    segmenters: tuple[Preprocess, ...] = (STRETCHED, PADDED),
    familiar: InputRange | None = None,
    policy: Policy | None = None,
    odd: Mapping[str, float] = MappingProxyType({}),
) -> Path:
    """Write an INSPECTOR of one network for each `Preprocess`; about half of the sample's images pass its gate.

    Args:
        odd: what the first network of a step answers, everywhere, of an image that is brighter than `BRIGHT` on the mean.
    """
    folder.mkdir(parents=True)
    cards = []
    for step, preprocesses in (("classify", classifiers), ("segment", segmenters)):
        for number, preprocess in enumerate(preprocesses):
            card = NetworkCard(
                file=f"{step}-{number}-fold0.onnx", member=f"{step}-{number}", fold=0, step=step, preprocess=preprocess
            )
            onnx.save(_network(step, preprocess, None if number else odd.get(step)), folder / card.file)
            cards.append(card)
    if familiar is None:
        familiar = InputRange.of(read_image(path) for path in list_images(SAMPLE / "train_images")[::4])
    provenance = Provenance(
        created="2026-01-01T00:00:00+00:00",
        steelsight=__version__,
        recipe={"name": "tiny"},
        fingerprint="0" * 64,
        folds=(0,),
        evidence="own",
        out_of_fold=CrossValidated(
            images=1, nested_dice=1.0, nested_defective_dice=None, nested_false_alarm_share=0.0, floor=1.0
        ),
        versions={"onnx": onnx.__version__},
    )
    write_card(
        folder,
        InspectorCard(
            schema_version=version_for(None, None, policy),
            classes=CLASSES,
            networks=tuple(cards),
            precision="fp32",
            rule=rule,
            policy=policy,
            familiar=familiar,
            provenance=provenance,
        ),
    )
    write_checksums(folder)
    return folder


def by_hand(step: str, inputs: np.ndarray) -> np.ndarray:
    """What a network answers, in numpy: inputs (n, 1, height, width)."""
    if step == "classify":
        return _sigmoid(20 * (inputs.mean(axis=(1, 2, 3), dtype=np.float64) - 0.33))
    return _sigmoid(np.concatenate([12 * (inputs - 0.55), 12 * (0.12 - inputs)], axis=1).astype(np.float64))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.asarray((1 / (1 + np.exp(-logits))).astype(np.float32))


def is_bright(path: Path) -> bool:
    """Whether a network that may be odd is odd for this image."""
    return float(STRETCHED.to_input(read_image(path, grey=True)).mean(dtype=np.float64)) > BRIGHT


def _network(step: str, preprocess: Preprocess, odd: float | None) -> onnx.ModelProto:
    size = ["n", 1, preprocess.height, preprocess.width]
    if step == "classify":
        nodes = [
            helper.make_node("ReduceMean", [INPUT, "axes"], ["mean"], keepdims=0),
            helper.make_node("Sub", ["mean", "middle"], ["apart"]),
            helper.make_node("Mul", ["apart", "steep"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], [OUTPUT]),
        ]
        constants = {"axes": np.array([1, 2, 3], np.int64), "middle": np.float32(0.33), "steep": np.float32(20)}
        output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n"])
    else:
        nodes = [
            helper.make_node("Conv", [INPUT, "weight", "bias"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], [OUTPUT]),
        ]
        constants = {
            "weight": np.array([12, -12], np.float32).reshape(2, 1, 1, 1),
            "bias": np.array([-12 * 0.55, 12 * 0.12], np.float32),
        }
        output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", 2, *size[2:]])
    if odd is not None:
        nodes[-1].output[0] = "said"
        nodes += [
            helper.make_node("ReduceMean", [INPUT, "all"], ["brightness"], keepdims=int(step == "segment")),
            helper.make_node("Greater", ["brightness", "bright"], ["is_odd"]),
            helper.make_node("Where", ["is_odd", "odd", "said"], [OUTPUT]),
        ]
        constants |= {"all": np.array([1, 2, 3], np.int64), "bright": np.float32(BRIGHT), "odd": np.float32(odd)}
    graph = helper.make_graph(
        nodes,
        step,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, size)],
        [output],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
