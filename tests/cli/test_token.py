"""`steelsight token` and `serve --tokens`, as a user types them."""

import json
from pathlib import Path

import pytest
from helpers.data import run_cli

from steelsight.station.people import hash_of, read_people


def test_a_token_is_made_and_printed_once(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    done = run_cli("token", path, "--name", "Anna Schmidt", "--role", "reviewer", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["next"] == f"steelsight serve INSPECTOR --tokens {path}"
    (person,) = read_people(path)
    assert (person.name, person.role, person.sha256) == ("Anna Schmidt", "reviewer", hash_of(said["token"]))
    plain = run_cli("token", path, "--name", "Bert", "--role", "operator")
    assert hash_of(plain.stdout.splitlines()[0]) == read_people(path)[1].sha256


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "Anna", "--role", "boss"), "--role boss: there is no such role"),
        (("--name", "", "--role", "owner"), "--name"),
    ],
)
def test_what_cannot_be_made_is_said_in_a_sentence(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = run_cli("token", tmp_path / "tokens.toml", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_names_and_one_token_for_all_exclude_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELSIGHT_TOKEN", "0123456789abcdef-secret")
    done = run_cli("serve", "--demo", "--port", "0", "--data", tmp_path / "data", "--tokens", tmp_path / "tokens.toml")
    assert done.returncode == 2
    assert "with one token for all beside it (STEELSIGHT_TOKEN), names say nothing; leave one out" in done.stderr
    monkeypatch.delenv("STEELSIGHT_TOKEN")
    done = run_cli("serve", "--demo", "--port", "0", "--data", tmp_path / "data", "--tokens", tmp_path / "tokens.toml")
    assert done.returncode == 2
    assert "tokens.toml: cannot be read" in done.stderr
    assert not (tmp_path / "data").exists()
