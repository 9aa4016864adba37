"""OpenVINO's engine under the conditions that once stopped it."""

import subprocess
import sys
from typing import Any

import pytest
from helpers.data import ROOT
from helpers.tiny_inspector import make_inspector

from steelsight.inspector.artifact import read_card
from steelsight.inspector.openvino import OpenVinoEngine, in_which_precision, runs_in_bf16, usable_threads

FIRST_CALLS = """
import sys, threading
import numpy as np
from pathlib import Path
from steelsight.inspector.artifact import read_card
from steelsight.inspector.openvino import OpenVinoEngine
sys.setswitchinterval(1e-6)  # threads meet in the first call as often as they can
folder = Path(sys.argv[1])
engine = OpenVinoEngine.load(folder, read_card(folder), threads=2)
network = engine.segmenters[0]
inputs = np.zeros((2, 1, network.preprocess.height, network.preprocess.width), np.float32)
start = threading.Barrier(6)
def call():
    start.wait()
    network.probabilities(inputs)
threads = [threading.Thread(target=call, daemon=True) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join(20)
sys.exit(any(thread.is_alive() for thread in threads))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.mark.parametrize("attempt", range(4))
def test_threads_may_call_it_together_from_the_start(folder: Any, attempt: Any) -> None:
    """Each attempt is a process of its own: what OpenVINO sets up, it sets up once."""
    command = [sys.executable, "-c", FIRST_CALLS, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT / "src")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("aim", "threads", "workers", "batch"), [("throughput", 3, 4, 4), ("latency", 3, 1, 1)])
def test_an_aim_sets_workers_and_batch(folder: Any, aim: str, threads: int, workers: int, batch: int) -> None:
    engine = OpenVinoEngine.load(folder, read_card(folder), aim=aim, threads=threads)
    assert (engine.workers, engine.batch) == (workers, batch)


def test_only_what_is_asked_for_runs_in_bf16() -> None:
    assert usable_threads() >= 1
    assert not runs_in_bf16("fp32")
    assert not runs_in_bf16("int8")
    assert in_which_precision("fp16") == in_which_precision("fp32") == "fp32"
    assert in_which_precision("int8") == "int8"
    with_bf16 = runs_in_bf16("bf16")
    assert in_which_precision("bf16") == ("bf16" if with_bf16 else "fp32")
    assert in_which_precision("int8-bf16") == ("int8-bf16" if with_bf16 else "int8")
