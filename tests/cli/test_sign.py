"""`steelsight sign` and `--trust`, from key to verdict, as a mill uses them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE, run_cli
from helpers.serving import make_judging_inspector
from helpers.signing import make_key

IMAGES = SAMPLE / "test_images"

pytest.importorskip("cryptography", reason="without the extra sign nothing is signed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_judging_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.fixture
def folder(made: Any, tmp_path: Path) -> Any:
    return shutil.copytree(made, tmp_path / "inspector")


def test_it_is_refused_signed_and_taken(folder: Any, tmp_path: Path) -> None:
    private, public = make_key(tmp_path / "mill")
    words = ("inspect", folder, IMAGES, "--out", tmp_path / "out", "--trust", public)
    refused = run_cli(*words)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "nobody has signed it, and --trust takes what mill (key " in refused.stderr
    assert not (tmp_path / "out").exists()
    signed = run_cli("sign", folder, "--key", private, "--json")
    assert signed.returncode == 0, signed.stderr
    said = json.loads(signed.stdout)
    taken = run_cli(*words, "--json")
    assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout)["next"] == f"steelsight serve {folder} --trust {public}"
    assert json.loads(taken.stdout)["signature"] == {"state": "trusted", "name": "mill", "number": said["key"]}


def test_what_is_signed_is_told(folder: Any, tmp_path: Path) -> None:
    done = run_cli("sign", folder, "--key", make_key(tmp_path / "mill")[0])
    assert (
        "signed: 4 files, exported 2026-01-01T00:00:00+00:00 of data 0000000000000000; verdicts rest on" in done.stdout
    )
    assert "fingerprint: " in done.stdout


def test_a_damaged_inspector_is_not_signed(folder: Any, tmp_path: Path) -> None:
    (folder / "segment-0-fold0.onnx").write_bytes(b"another")
    done = run_cli("sign", folder, "--key", make_key(tmp_path / "mill")[0])
    assert done.returncode == 2
    assert "segment-0-fold0.onnx: changed since it was exported" in done.stderr
    assert not (folder / "checksums.sig").exists()


@pytest.mark.parametrize(("password", "status"), [("right", 0), ("wrong", 2), (None, 2)])
def test_the_password_of_a_key_comes_from_the_environment(
    folder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: Any, status: int
) -> None:
    if password is not None:
        monkeypatch.setenv("STEELSIGHT_KEY_PASSWORD", password)
    done = run_cli("sign", folder, "--key", make_key(tmp_path / "mill", password="right")[0])
    assert done.returncode == status, done.stderr
    assert (folder / "checksums.sig").exists() == (status == 0)


@pytest.mark.parametrize("verb", ["serve", "watch"])
def test_a_station_with_an_unsigned_inspector_does_not_start(folder: Any, tmp_path: Path, verb: str) -> None:
    public = make_key(tmp_path / "mill")[1]
    (tmp_path / "images").mkdir()
    more = ("--port", "0") if verb == "serve" else (tmp_path / "images", "--once")
    done = run_cli(verb, folder, *more, "--data", tmp_path / "data", "--trust", public)
    assert done.returncode == 2
    assert "nobody has signed it, and --trust takes what mill" in done.stderr
    assert not (tmp_path / "data").exists()
