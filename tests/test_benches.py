"""Every script of bench/ says on what its figures were taken."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"
SCRIPTS = sorted(path for path in BENCH.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_it_names_the_machine_before_anything_else(path: Path) -> None:
    last = path.read_text(encoding="utf-8").partition('if __name__ == "__main__":\n')[2]
    assert last.split()[0] in ("print_machine()", "print(describe_machine())")


def test_the_line_is_on_standard_error_and_names_instructions() -> None:
    script = "from machine import describe_machine, instructions, print_machine; print_machine();"
    script += "print(instructions('fpu avx2 avx_vnni amx_tile')); print(instructions('')); print(describe_machine())"
    done = subprocess.run([sys.executable, "-c", script], cwd=BENCH, capture_output=True, text=True, check=True)
    known, unknown, described = done.stdout.splitlines()
    assert known == "AVX2 VNNI AMX (no AVX512, bf16)"
    assert unknown == "instructions not told by this system"
    assert done.stderr.strip() == described
    assert " thread" in described
