"""What is installed: the lock of a station, and the least versions that are allowed."""

import re
import runpy
import tomllib

import pytest
from helpers.data import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = ["serve", "sign", "postgres"]
LOCK = (ROOT / "requirements" / "serve.lock").read_text("utf-8")
LOCKED = [Requirement(one) for one in re.findall(r"^([a-z0-9][^\\\n]+?) \\$", LOCK, flags=re.MULTILINE)]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
STATED = [
    Requirement(one)
    for one in [*PROJECT["dependencies"], *(one for extra in EXTRAS for one in PROJECT["optional-dependencies"][extra])]
]


@pytest.mark.parametrize("stated", STATED, ids=str)
def test_the_lock_has_a_version_that_is_allowed_of_every_package(stated: Requirement) -> None:
    """Otherwise: `make lock`."""
    name = canonicalize_name(stated.name)
    versions = [next(iter(one.specifier)).version for one in LOCKED if canonicalize_name(one.name) == name]
    assert versions
    assert [one for one in versions if not stated.specifier.contains(one)] == []


def test_the_lock_holds_every_file_to_its_hash_and_names_no_index() -> None:
    lines = [line for line in LOCK.splitlines() if line and not line.startswith("#")]
    assert len(LOCKED) == len([line for line in lines if not line.startswith(" ")]) > 30
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines if line.startswith(" "))
    assert all(str(one.specifier).startswith("==") for one in LOCKED)
    assert "://" not in LOCK
    assert "--index" not in LOCK
    assert "--find-links" not in LOCK


def test_the_least_versions_are_the_bounds_themselves() -> None:
    lowest = runpy.run_path(str(ROOT / ".ci/lowest_bounds.py"))["lowest"](EXTRAS)
    found = {canonicalize_name(one.name): next(iter(one.specifier)).version for one in map(Requirement, lowest)}
    assert found.keys() == {canonicalize_name(one.name) for one in STATED}
    for one in STATED:
        least = found[canonicalize_name(one.name)]
        assert f">={least}" in str(one.specifier).split(",")
        assert one.specifier.contains(least)


def test_every_change_is_tested_with_the_least_versions() -> None:
    assert re.search(r"^make\b.* lowest\b", (ROOT / ".ci/run").read_text("utf-8"), flags=re.MULTILINE)
