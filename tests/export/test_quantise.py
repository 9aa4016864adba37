"""A network in int8: what costs too much goes back to fp32, and nothing is sent."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from helpers.data import ROOT, SAMPLE
from helpers.int8 import count_int8, run_onnx

from steelsight.core.errors import UserError
from steelsight.export.float_layers import Control, difference
from steelsight.export.quantise import quantise
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.read import list_images, read_image


@pytest.fixture
def small_network(tmp_path: Path) -> Any:
    """An fp32 network that is quick to quantise: the tests' own, of one convolution, has nothing to give."""
    preprocess = Preprocess(height=32, width=192, colour="grey", mean=0.5, deviation=0.5)
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
    from steelsight.networks.onnx import write_onnx
    from steelsight.networks.torch_engine import TorchNetwork

    torch.manual_seed(0)
    write_onnx(TorchNetwork(preprocess, model.eval(), torch.device("cpu"), "fp32"), path)
    images = [read_image(image) for image in list_images(SAMPLE / "train_images")[:4]]
    return path, [preprocess.to_input(image) for image in images]


def answers(inputs: Any) -> Any:
    """Of an ONNX file: soft enough for small differences to show."""
    return lambda path: np.concatenate([run_onnx(path, one[None]) for one in inputs])


def test_what_moves_the_answer_too_far_goes_back_to_fp32(small_network: Any, tmp_path: Path) -> None:
    """All layers may be in int8 if the answer may move as it likes; none of them if it may not move at all."""
    path, inputs = small_network
    fp32, reference = path.read_bytes(), answers(inputs)(path)
    found = []
    for most in (1.0, 0.0):
        path.write_bytes(fp32)
        found.append(quantise(path, inputs, Control(answers(inputs), most)))
        assert difference(answers(inputs)(path), reference) == pytest.approx(found[-1].after)
    free, held = found
    assert free.back == ()
    assert free.before == pytest.approx(free.after, rel=0.3)  # the last bias is known to be changed, not measured
    assert 0 < free.after < 0.5
    assert free.int8_share > 0.5
    assert sorted(held.back) == ["2", "4"]  # the first and the last layer were never in int8
    assert held.before == pytest.approx(free.before)
    assert held.int8_share == 0
    assert held.after < free.after
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_where_additions_lose_too_much_layers_alone_are_in_int8(tmp_path: Path) -> None:
    """As in the residual blocks of an EfficientNet under FPN, whose answers no choice of layers brought back."""
    from steelsight.networks.build import build_segmenter
    from steelsight.networks.onnx import write_onnx
    from steelsight.networks.torch_engine import TorchNetwork

    torch.manual_seed(0)
    preprocess = Preprocess(height=32, width=192, colour="grey", mean=0.5, deviation=0.5)
    network = build_segmenter("lite0", "fpn", (32, 32), 2, 1).eval()
    path = tmp_path / "network.onnx"
    write_onnx(TorchNetwork(preprocess, network, torch.device("cpu"), "fp32"), path)
    inputs = [preprocess.to_input(read_image(image)) for image in list_images(SAMPLE / "train_images")[:4]]
    reference = answers(inputs)(path)
    chosen = quantise(path, inputs, Control(answers(inputs), 0.0))
    assert chosen.after == 0
    assert difference(answers(inputs)(path), reference) == 0


def test_the_same_export_gives_the_same_bytes(small_network: Any) -> None:
    path, inputs = small_network
    fp32, made = path.read_bytes(), []
    for _ in range(2):
        path.write_bytes(fp32)
        quantise(path, inputs, Control(answers(inputs), 0.0))
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_a_network_that_cannot_be_quantised_is_one_sentence(small_network: Any) -> None:
    """ONNX of before 2019 has no quantisation."""
    path, inputs = small_network
    model = onnx.load(path)
    model.opset_import[0].version = 9
    onnx.save(model, path)
    with pytest.raises(
        UserError, match=r"NNCF cannot make int8 of network\.onnx \(.*opset.*\); export with `precision=fp32`"
    ):
        quantise(path, inputs, Control(answers(inputs), 1.0))


def test_nothing_is_sent_or_printed(small_network: Any, tmp_path: Path) -> None:
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
from steelsight.export.float_layers import Control
from steelsight.export.quantise import quantise
control = Control(lambda tried: np.ones(1, np.float32), 1.0)
quantise(Path({str(path)!r}), list(np.load({str(tmp_path / "inputs.npy")!r})), control)
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
