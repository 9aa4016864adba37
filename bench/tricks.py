"""What might make inspection faster, each tried alone: the time with it over the time without it, in one run.

    python bench/tricks.py IMAGES... [--rounds 5]

Networks are those of `lite` (and B0 with three channels), with random weights, in OpenVINO fp32. Kept in the runtime are the
tricks that pay; docs/benchmarks.md says which. Nothing else should run meanwhile.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino
import torch
from machine import print_machine

from steelsight.cascade.sources import find_sources
from steelsight.imaging.combine import combine_maps, may_exceed
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.read import read_image
from steelsight.inspector.openvino import usable_threads
from steelsight.networks.build import build_classifier
from steelsight.networks.member import build_member
from steelsight.networks.onnx import OnnxGraph
from steelsight.networks.torch_engine import TorchNetwork
from steelsight.recipe import load_recipe, resolve
from steelsight.rule.rule import Rule, masks

Work = Callable[[], object]
GREY = Preprocess(height=128, width=800, colour="grey", mean=0.5, deviation=0.5)
RGB = GREY.model_copy(update={"colour": "rgb"})


def main() -> None:
    """Print a line for each trick."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    paths = [source.file for source in find_sources(arguments.images)][:40]
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        tricks = {**reading(paths), **mapping(paths), **running(Path(folder))}
        for name, (without, tried) in tricks.items():
            pairs = [(_seconds(without), _seconds(tried)) for _ in range(arguments.rounds)]
            slow, fast = (statistics.median(side) for side in zip(*pairs, strict=True))
            print(f"{name:64}{fast / slow:7.3f}   ({fast * 1e3:.1f} against {slow * 1e3:.1f} ms)", flush=True)


def reading(paths: list[Path]) -> dict[str, tuple[Work, Work]]:
    """Decoding; per image set."""
    contents = [np.fromfile(path, np.uint8) for path in paths]
    image = read_image(paths[0], grey=True)

    def decode(flag: int) -> Work:
        return lambda: [cv2.imdecode(content, flag) for content in contents]

    return {
        "read in grey in place of colour": (
            lambda: [read_image(path) for path in paths],
            lambda: [read_image(path, grey=True) for path in paths],
        ),
        "decode grey at half scale in place of whole": (
            decode(cv2.IMREAD_GRAYSCALE),
            decode(cv2.IMREAD_REDUCED_GRAYSCALE_2),
        ),
        "input without normalising (what doing it in the graph could save)": (
            lambda: [GREY.to_input(image) for _ in range(50)],
            lambda: [GREY.place(image) for _ in range(50)],
        ),
    }


def mapping(paths: list[Path]) -> dict[str, tuple[Work, Work]]:
    """From a map of four classes, of which one can have a mask, to masks."""
    image = read_image(paths[0], grey=True)
    blob = cv2.GaussianBlur(np.random.default_rng(0).random((128, 800), np.float32), (0, 0), 8)
    blob = (blob - blob.min()) / (blob.max() - blob.min())
    map_ = np.stack([blob * level for level in (250, 120, 60, 20)]).astype(np.uint8)
    rule = Rule(gate=0, upper=(178,) * 4, lower=(102,) * 4, min_area=(800,) * 4)

    def whole() -> None:
        masks(rule, 1.0, combine_maps([map_], [GREY], image.shape[:2]))

    def needed() -> None:
        for index in np.flatnonzero(may_exceed([map_], rule.upper)).tolist():
            masks(rule.only([index]), 1.0, combine_maps([map_[index : index + 1]], [GREY], image.shape[:2]))

    return {"bring back only classes that can have a mask (1 of 4)": (whole, needed)}


def running(folder: Path) -> dict[str, tuple[Work, Work]]:
    """Networks in OpenVINO."""
    classify, other, segment, b0_rgb, b0_grey = _networks(folder)
    threads = usable_threads()
    one = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}
    tricks: dict[str, tuple[Work, Work]] = {}
    for name, path in (("classifier", classify), ("segmenter", segment)):
        alone, four = _loop(path, GREY, one, images=4), _loop(path, GREY, one, images=4, batch=4)
        tricks[f"{name}: four images as one batch"] = (alone, four)
        latency = _loop(path, GREY, {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": threads}, images=12)
        streams = {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads}
        tricks[f"{name}: a stream per thread in place of all threads on one image"] = (
            latency,
            _loop(path, GREY, streams, images=12),
        )
        tricks[f"{name}: streams pinned to processors"] = (
            _loop(path, GREY, {**streams, "ENABLE_CPU_PINNING": False}, images=12),
            _loop(path, GREY, {**streams, "ENABLE_CPU_PINNING": True}, images=12),
        )
    tricks["B0: one grey channel in place of three equal ones"] = (
        _loop(b0_rgb, RGB, one, images=4),
        _loop(b0_grey, GREY, one, images=4),
    )
    single, merged = _loop(classify, GREY, one, images=4), _loop([classify, other], GREY, one, images=2)
    tricks["two classifiers as one graph"] = (single, merged)
    return tricks


def _networks(folder: Path) -> list[Path]:
    recipe = resolve(load_recipe("lite"), ("1", "2", "3", "4"), [(256, 1600)], grey=True)
    by_step = {member.step: member for member in recipe.members}
    models = [
        ("classify", GREY, build_member(by_step["classify"], 4)),
        ("other", GREY, build_member(by_step["classify"], 4)),
        ("segment", GREY, build_member(by_step["segment"], 4)),
        ("b0-rgb", RGB, build_classifier("b0", 3)),
        ("b0-grey", GREY, build_classifier("b0", 1)),
    ]
    paths = []
    for name, preprocess, model in models:
        paths.append(folder / f"{name}.onnx")
        network = TorchNetwork(preprocess, model.eval(), torch.device("cpu"), "fp32")
        OnnxGraph.trace(network).write(network, paths[-1])
    return paths


def _loop(
    paths: Path | list[Path], preprocess: Preprocess, settings: dict[str, Any], *, images: int, batch: int = 1
) -> Work:
    """Run a network, or several that share their input, over some images, all streams busy."""
    core = openvino.Core()
    models = [core.read_model(path) for path in ([paths] if isinstance(paths, Path) else paths)]
    model = models[0]
    if len(models) > 1:
        shared = model.inputs[0].get_node()
        for other in models[1:]:
            other.inputs[0].get_node().output(0).replace(shared.output(0))
        outputs = [one.outputs[0].get_node().input_value(0) for one in models]
        model = openvino.Model(outputs, [shared], "together")
    model.reshape([batch, preprocess.channels, preprocess.height, preprocess.width])
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", **settings})
    requests = openvino.AsyncInferQueue(compiled)
    pixels = np.random.default_rng(0).random(tuple(model.inputs[0].shape), np.float32)

    def work() -> None:
        for _ in range(images // batch):
            requests.start_async([pixels])
        requests.wait_all()

    work()
    return work


def _seconds(work: Work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    print_machine()
    main()
