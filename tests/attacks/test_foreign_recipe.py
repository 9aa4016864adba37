"""A recipe and severity rules that strangers wrote: plain values, and no more of them than stand there."""

import time
from pathlib import Path
from typing import Any

import pytest

from steelsight.core.errors import UserError
from steelsight.recipe import load_recipe
from steelsight.verdicts.severity_file import parse

LAUGHS = "a0: &a0 [1, 1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
MERGED = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))
HOSTILE = {
    "laughs": LAUGHS,
    "merged": MERGED,
    "itself": "a: &a [*a]",
    "merges itself": "a: &a {<<: *a}",
    "deep": "[" * 100_000,
    "tag": "name: !!python/object/apply:os.system ['touch sprung']",
    "name": "name: !!python/name:os.system",
    "binary": "name: !!binary '*'",
    "date": "name: 2024-13-45",
    "digits": "seed: " + "9" * 10_000,
    "base of 60": "seed: " + ":".join(["1"] * 3000),
    "fraction to the base of 60": "seed: " + ":".join(["1"] * 3000) + ".5",
    "hexadecimal": "seed: 0x" + "f" * 5000,
    "bytes": "\x00\x01",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_recipe_is_plain_values_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(HOSTILE[what], "utf-8")
    start = time.monotonic()
    with pytest.raises(UserError, match=r"recipe\.yaml: "):
        load_recipe("recipe.yaml")
    assert time.monotonic() - start < 20
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]


@pytest.mark.parametrize("what", ["laughs", "itself", "deep", "bytes"])
def test_severity_rules_are_too(tmp_path: Path, what: str) -> None:
    (tmp_path / "rules.yaml").write_text(HOSTILE[what], "utf-8")
    with pytest.raises(UserError, match=r"rules\.yaml: "):
        parse(tmp_path / "rules.yaml")


@pytest.mark.parametrize("value", [LAUGHS.replace("\n", ", ").join("{}"), "!!python/name:os.system", "&a [*a]"])
def test_an_override_is_too(value: Any) -> None:
    with pytest.raises(UserError, match="`overrides=seed="):
        load_recipe("lite", [f"seed={value}"])


def test_anchors_that_a_person_writes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("one: &one {a: 1}\ntwo: {<<: *one, b: [*one, *one]}\n")
    assert parse(path) == {"one": {"a": "1"}, "two": {"<<": {"a": "1"}, "b": [{"a": "1"}, {"a": "1"}]}}
