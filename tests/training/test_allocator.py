"""Freed memory stays: page faults, not seconds, tell."""

import platform
import subprocess
import sys

import pytest
from helpers.data import ROOT

pytestmark = pytest.mark.slow

PROGRAM = """
import resource, sys, torch
from steelsight.training.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def step():
    return sum(float(torch.ones(20_000_000)[0]) for _ in range(5))
for _ in range(10):
    step()  # the heap finds its shape within a few steps
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_a_later_step_finds_the_memory_of_the_earlier_ones() -> None:
    faults = {
        side: int(
            subprocess.run(
                [sys.executable, "-c", PROGRAM, side],
                env={"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for side in ("keep", "default")
    }
    assert faults["default"] > 50
    assert faults["keep"] < faults["default"] / 10


COLLECTING = """
import gc, time
import torch, timm, torchvision
from steelsight.core.memory import keep_what_is_loaded
from steelsight.training.allocator import give_back
def seconds():
    begun = time.perf_counter()
    give_back()
    return time.perf_counter() - begun
before = min(seconds() for _ in range(3))
keep_what_is_loaded()
class Loop: pass
one = Loop(); one.itself = one; gone = []
import weakref; weakref.finalize(one, gone.append, True); del one
after = min(seconds() for _ in range(3))
print(before / after, gone)
"""


def test_collections_leave_what_is_loaded_alone_and_take_what_a_job_made() -> None:
    said = subprocess.run(
        [sys.executable, "-c", COLLECTING],
        env={"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert float(said[0]) > 3
    assert said[1] == "[True]"
