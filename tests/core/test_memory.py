"""Freed memory goes back to the system, and what nobody uses any more is found, be it seldom."""

import subprocess
import sys
from pathlib import Path

import pytest

KEPT = """
import re
from pathlib import Path
from steelsight.core.memory import give_back

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

held = [bytes(2000) for _ in range(50_000)]
last = bytes(2000)  # so that what is free does not lie at the end, from where it would go by itself
full = resident()
del held
give_back()
print(full - resident())
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists() or "glibc" not in __import__("platform").libc_ver(), reason="glibc of Linux"
)
def test_what_was_freed_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 80_000  # kB, of 100,000


def test_it_may_be_asked_anywhere() -> None:
    from steelsight.core.memory import give_back

    assert give_back() in (True, False)


SELDOM = """
import gc, weakref
from steelsight.core.memory import collect_seldom

class Loop:
    pass

def make():
    one = Loop()
    one.itself = one
    return weakref.ref(one)

collect_seldom()
first, made = make(), 1
gc.callbacks.append(lambda phase, _: counted.append(phase))
counted = []
while first() is not None and made < 100_000:
    make()
    made += 1
print(gc.get_freeze_count(), made, len(counted))
"""


def test_what_nobody_uses_is_collected_seldom_and_what_is_loaded_is_passed_over() -> None:
    done = subprocess.run([sys.executable, "-c", SELDOM], capture_output=True, text=True, check=True)
    frozen, made, phases = map(int, done.stdout.split())
    assert frozen > 1_000
    assert 5_000 < made < 25_000
    assert phases == 2  # the begin and the end of one
