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
from helpers.int8 import count_int8

from steelsight.core.errors import UserError
from steelsight.export.export import Exported
from steelsight.export.quantise import Control, quantise
from steelsight.imaging.read import list_images, read_image


@pytest.fixture
def small_network(exported: Exported, tmp_path: Path) -> Any:
    """An fp32 network of real size that is quick to quantise: the tests' own, of one convolution, has nothing to give."""
    preprocess = next(one.preprocess for one in exported.card.networks if one.step == "segment")
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


def test_what_costs_too_much_goes_back_to_fp32(small_network: Any, tmp_path: Path) -> None:
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


def test_a_network_that_cannot_be_quantised_is_one_sentence(small_network: Any) -> None:
    """ONNX of before 2019 has no quantisation."""
    path, inputs = small_network
    model = onnx.load(path)
    model.opset_import[0].version = 9
    onnx.save(model, path)
    with pytest.raises(
        UserError, match=r"NNCF cannot make int8 of network\.onnx \(.*opset.*\); export with `precision=fp32`"
    ):
        quantise(path, inputs)


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
