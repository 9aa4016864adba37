"""ONNX files of the real networks, with either runtime that reads them, on real images."""

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from data import SAMPLE, needs_sample
from networks.random_run import load, make_random_run

from steelsight.images import list_images, read_image
from steelsight.networks.onnx import OnnxGraph

pytestmark = needs_sample


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """Networks of fold 0, then of fold 1: a classifier of cells, a UNet++ and an FPN each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load(make_random_run(tmp_path_factory.mktemp("random") / "run"), [0, 1])
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=["classify", "unetplusplus", "fpn"])
def networks(request, engine):
    """One member's networks of both folds."""
    match request.param:
        case "classify":
            return engine.classifiers
        case "unetplusplus":
            return engine.segmenters[::2]
        case _:
            return engine.segmenters[1::2]


def test_a_graph_traced_once_says_what_each_folds_network_says(networks, tmp_path):
    graph = OnnxGraph.trace(networks[0])
    preprocess = networks[0].preprocess
    images = [read_image(path) for path in list_images(SAMPLE / "train_images")[:3]]
    inputs = np.stack([preprocess.to_input(image) for image in images])
    said = []
    for number, network in enumerate(networks):
        path = tmp_path / f"{number}.onnx"
        graph.write(network, path)
        expected = network.probabilities(inputs)
        compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        session = onnxruntime.InferenceSession(path)
        for given in (inputs, inputs[:1]):
            np.testing.assert_allclose(compiled([given])[0], expected[: len(given)], atol=1e-4)
            np.testing.assert_allclose(
                session.run(["probabilities"], {"input": given})[0], expected[: len(given)], atol=1e-4
            )
        said.append(expected)
        assert b"site-packages" not in path.read_bytes()
    assert np.abs(said[0] - said[1]).max() > 1e-3
    _check_signature(onnx.load(tmp_path / "0.onnx"), preprocess, said[0].ndim)


def _check_signature(model, preprocess, dimensions):
    (given,), (answer,) = model.graph.input, model.graph.output
    sizes = [one.dim_value for one in given.type.tensor_type.shape.dim]
    assert (given.name, sizes) == ("input", [0, preprocess.channels, preprocess.height, preprocess.width])
    assert (answer.name, len(answer.type.tensor_type.shape.dim)) == ("probabilities", dimensions)


def test_weights_of_another_member_are_refused(engine, tmp_path):
    with pytest.raises(ValueError, match="the graph has weights"):
        OnnxGraph.trace(engine.segmenters[1]).write(engine.classifiers[0], tmp_path / "x.onnx")
