"""int8 of small untrained networks: it works, states what it costs, sends nothing, and takes back what costs too much."""

import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from helpers.data import ROOT, SAMPLE
from helpers.small_run import without_classifiers

from steelsight.core.errors import UserError
from steelsight.export.export import export_run
from steelsight.export.quantise import Control, quantise
from steelsight.imaging.read import list_images, read_image
from steelsight.inspector.artifact import read_card
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.parity import Parity
from steelsight.run.run import Run


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    lean = without_classifiers(shutil.copytree(run, folder / "run"))
    return export_run(Run(lean), folder / "inspector", folds="0", precision="int8")


def count_int8(path):
    return sum(node.op_type == "DequantizeLinear" for node in onnx.load(path).graph.node)


def test_the_network_computes_in_int8_and_is_smaller(exported):
    (network,) = exported.card.networks
    path = exported.folder / network.file
    assert count_int8(path) > 20
    assert path.stat().st_size < 0.5 * 13e6
    assert exported.card.precision == "int8"
    assert "nncf" in exported.card.provenance.versions
    judged = list(Inspector.open(exported.folder, device="cpu").stream(list_images(SAMPLE / "test_images")))
    assert any(one.is_defective for one in judged)


def test_what_it_costs_is_stated(exported):
    parity = Parity.model_validate_json((exported.folder / "parity.json").read_text("utf-8"))
    assert (parity.precision, parity.computed_in, parity.tolerance) == ("int8", "int8", None)
    assert 0 < parity.map_difference <= 1
    loss = parity.dice_loss
    assert (loss.limit, loss.not_measured) == (0.002, None)
    assert (loss.images, [fold.fold for fold in loss.folds]) == (loss.folds[0].images, [0])
    assert loss.images in (2, 3)
    assert loss.lost == pytest.approx(loss.fp32 - loss.reduced)
    assert loss.kept == (loss.lost <= loss.limit)
    text = (exported.folder / "README.md").read_text("utf-8")
    assert f"Dice lost by int8: {loss.lost:+.5f}" in text


def test_only_the_inspector_is_left(exported):
    assert {path.name for path in exported.folder.iterdir()} == {
        *("inspector.json", "parity.json", "README.md", "checksums.txt", "seen.npz", "seen.txt")
    } | {"segment-unet-fold0.onnx"}
    assert read_card(exported.folder) == exported.card


@pytest.fixture
def small_network(exported, tmp_path):
    """An fp32 network of real size that is quick to quantise: the tests' own, of one convolution, has nothing to give."""
    (preprocess,) = [one.preprocess for one in exported.card.networks]
    path = tmp_path / "network.onnx"
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 4, 1),
    )
    from steelsight.networks.engine import TorchNetwork
    from steelsight.networks.onnx import write_onnx

    torch.manual_seed(0)
    write_onnx(TorchNetwork(preprocess, model.eval(), torch.device("cpu"), "fp32"), path)
    images = [read_image(image) for image in list_images(SAMPLE / "train_images")[:4]]
    return path, [preprocess.to_input(image) for image in images]


def test_what_costs_too_much_goes_back_to_fp32(small_network, tmp_path):
    """The score is the number of layers in fp32, so that control must take all of them back, or none where all may go."""
    path, inputs = small_network
    fp32 = path.read_bytes()
    counts = []
    for max_drop in (1.0, 0.1):
        path.write_bytes(fp32)
        quantise(path, inputs, Control(2, count_int8, lambda count, index: 1 - count / 10, max_drop))
        counts.append(count_int8(path))
    assert counts[0] > counts[1]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_network_that_cannot_be_quantised_is_one_sentence(small_network):
    """ONNX of before 2019 has no quantisation."""
    path, inputs = small_network
    model = onnx.load(path)
    model.opset_import[0].version = 9
    onnx.save(model, path)
    with pytest.raises(
        UserError, match=r"NNCF cannot make int8 of network\.onnx \(.*opset.*\); export with `precision=fp32`"
    ):
        quantise(path, inputs)


def test_nothing_is_sent_or_printed(small_network, tmp_path):
    """In a process of its own, since NNCF switches telemetry off where it sees pytest."""
    path, inputs = small_network
    np.save(tmp_path / "inputs.npy", np.stack(inputs))
    home = tmp_path / "home"
    home.mkdir()
    program = f"""
import socket, sys
from pathlib import Path
def refuse(*args, **kwargs):
    raise SystemExit("a connection was tried")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import numpy as np
from steelsight.export.quantise import quantise
quantise(Path({str(path)!r}), list(np.load({str(tmp_path / "inputs.npy")!r})))
from nncf.telemetry.wrapper import telemetry
assert "Mock" in type(telemetry).__name__, telemetry
assert "openvino_telemetry" not in sys.modules
"""
    environment = {"PYTHONPATH": str(ROOT / "src"), "HOME": str(home), "OMP_NUM_THREADS": "1", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(home.iterdir()) == []  # what reports on its users keeps their number here
    assert count_int8(path) > 0
