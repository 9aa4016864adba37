"""`bench/gpu.py` runs where there is no GPU to try it, and says plainly that there is none."""

import os
import subprocess
import sys

import pytest
import torch
from helpers.data import ROOT


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "bench/gpu.py"), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_ends_with_status_2() -> None:
    done = bench()
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("torch sees no GPU on this machine, so there is nothing to measure")
    assert not done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_on_a_processor_it_prints_its_table_at_tiny_sizes() -> None:
    done = bench("--device", "cpu")
    assert done.returncode == 0, done.stderr
    rows = [line.split("│")[1:-1] for line in done.stdout.splitlines() if "lite0" in line]
    assert [row[0].strip() for row in rows] == ["segment-lite0", "classify-lite0"]
    for _, batch, loader, memory, ratio, compiled, evidence, alone in rows:
        assert batch.strip() == "2"
        assert not compiled.strip()
        assert all(float(figure) >= 0 for figure in (loader, memory, ratio, evidence, alone))
    assert "inspection, ready inspector on cpu: " in done.stdout
