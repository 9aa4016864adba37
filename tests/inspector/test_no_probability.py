"""An inspector whose networks answer with what is no probability, as a program and `bench` use it."""

from math import isnan, nan
from typing import Any

import pytest
from helpers.data import SAMPLE
from helpers.policies import make_policy
from helpers.tiny_inspector import RULE, is_bright, make_inspector

from steelsight.cascade.sources import find_sources
from steelsight.imaging.read import list_images
from steelsight.inspector.benchmark import measure
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.onnxruntime import OnnxRuntimeEngine

IMAGES = list_images(SAMPLE / "train_images")[:12]


@pytest.fixture(scope="module", params=["classify", "segment"])
def odd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("made") / "inspector"
    return request.param, make_inspector(folder, rule=RULE, policy=make_policy(0.2, 0.95), odd={request.param: nan})


def test_a_call_and_a_stream_leave_the_image_to_a_person(odd: Any) -> None:
    step, folder = odd
    inspector = Inspector.open(folder, device="cpu", threads=1)
    network = f"{'classifier' if step == 'classify' else 'segmenter'} {step}-0:0"
    unjudged = 0
    for path, streamed in zip(IMAGES, inspector.stream(IMAGES), strict=True):
        called = inspector(path)
        for one in (called, streamed):
            assert one.is_unjudged == is_bright(path)
            if one.is_unjudged:
                assert one.verdict.answer == "review"
                assert network in one.verdict.reason
                assert isnan(one.p_defect) == (step == "classify")
                assert not one.is_defective
        unjudged += called.is_unjudged
    assert unjudged == 4


def test_the_engine_of_cuda_devices_says_the_same(odd: Any) -> None:
    """ONNX Runtime, here on the processor."""
    pytest.importorskip("onnxruntime")
    step, folder = odd
    inspector = Inspector.open(folder)
    inspector._engines["throughput"] = OnnxRuntimeEngine.load(folder, inspector.card, ["CPUExecutionProvider"])
    for path, one in zip(IMAGES, inspector.stream(IMAGES), strict=True):
        assert one.is_unjudged == is_bright(path)
        if one.is_unjudged:
            assert f" {step}-0:0 answered nan" in one.verdict.reason


def test_the_speed_is_measured_all_the_same_and_the_share_is_said(odd: Any) -> None:
    sources = find_sources([str(path) for path in IMAGES[2:6]])  # the first of which is odd
    speed = measure(Inspector.open(odd[1], device="cpu", threads=1), sources, 0.2)
    assert 0 < speed.unjudged_share <= 1
    assert 0 <= speed.passed_share <= 1
