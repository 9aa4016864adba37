"""ONNX Runtime: where its sessions run, held against what they themselves say."""

from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_inspector import make_inspector

from steelsight.core.errors import UserError
from steelsight.inspector.artifact import read_card
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.onnxruntime import (
    _CONVOLUTION,
    ON_CUDA,
    OnnxRuntimeEngine,
    has_cuda,
    runs_on,
    silent_onnxruntime,
    with_options,
)

pytest.importorskip("onnxruntime", reason="the plain install has OpenVINO alone")

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

pytestmark = pytest.mark.filterwarnings("ignore:Specified provider")  # ONNX Runtime's of one that its build lacks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_inspector(tmp_path / "inspector")


def test_a_provider_is_there_if_a_session_runs_on_it() -> None:
    assert runs_on(CPU)
    assert not runs_on("NoSuchExecutionProvider")


def test_what_is_run_to_see_it_is_one_convolution() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_model_from_string(_CONVOLUTION)
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Conv"]


def test_a_cuda_device_does_not_round_to_tf32(folder: Path) -> None:
    assert dict(with_options(ON_CUDA))[CUDA]["use_tf32"] == "0"
    if has_cuda():
        network = OnnxRuntimeEngine.load(folder, read_card(folder), ON_CUDA).segmenters[0]
        assert network.session.get_provider_options()[CUDA]["use_tf32"] == "0"


def test_a_network_that_would_run_elsewhere_is_refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if has_cuda():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(UserError, match=rf"onnx: ONNX Runtime runs it on {CPU}, not on {CUDA}; use `device=cpu`"):
        OnnxRuntimeEngine.load(folder, read_card(folder), [CUDA, CPU])
    assert capfd.readouterr().out == ""


def test_a_network_that_cannot_be_run_is_one_sentence_and_is_not_tried_elsewhere(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network = OnnxRuntimeEngine.load(folder, read_card(folder), [CPU]).segmenters[0]
    with pytest.raises(UserError, match=f"{network.name}: ONNX Runtime could not run it"):
        network.probabilities(np.zeros((1, 7, 3, 3), np.float32))
    assert not network.session._enable_fallback
    assert capfd.readouterr().out == ""


def test_two_builds_over_each_other_are_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if CUDA in silent_onnxruntime().get_available_providers():
        pytest.skip("the build here is the GPU's")
    inspector = Inspector.open(folder, device="cuda")
    for package in ("onnxruntime", "onnxruntime-gpu"):
        known = tmp_path / "site" / f"{package.replace('-', '_')}-1.30.0.dist-info" / "METADATA"
        known.parent.mkdir(parents=True)
        known.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.30.0\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(UserError, match=r"both installed.*`pip uninstall onnxruntime onnxruntime-gpu`, then"):
        inspector.engine("throughput")
