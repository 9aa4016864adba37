import json
import os
from pathlib import Path
from typing import Any

import pytest
import timm
from helpers.data import run_cli
from safetensors.torch import save_file


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELSIGHT_HOME", str(tmp_path / "home"))


def test_list_says_where_weights_are_and_how_to_add_the_absent() -> None:
    done = run_cli("weights", "list")
    assert done.returncode == 0
    assert done.stdout == "next: steelsight weights add --all --from-hub\n"
    for word in (
        "b5",
        "28.3 M",
        "absent",
        "lite2",
        "package",
        os.environ["STEELSIGHT_HOME"],
    ):
        assert word in done.stderr


def test_an_added_file_is_listed(tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    save_file(timm.create_model("tf_efficientnet_b0", num_classes=0).state_dict(), file)
    done = run_cli("weights", "add", "b0", file, "--json")
    assert done.returncode == 0, done.stderr
    added = json.loads(done.stdout)
    assert added["next"] == "steelsight weights list"
    listed = json.loads(run_cli("weights", "list", "--json").stdout)
    entries = {entry["encoder"]: entry for entry in listed["encoders"]}
    assert entries["b0"] == {"encoder": "b0", "parameters": 4007548, "weights": "added", "path": added["wrote"][0]}
    assert entries["b1"]["weights"] == "absent"
    assert listed["next"] == "steelsight weights add --all --from-hub"


def test_all_that_are_absent_are_added_from_a_folder_by_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for encoder in ("b0", "b1", "b2", "b3", "b4"):
        weights = timm.create_model(f"tf_efficientnet_{encoder}", num_classes=0).state_dict()
        save_file(weights, folder / f"tf_efficientnet_{encoder}_aa-827b6e33.safetensors")
    lacking = run_cli("weights", "add", "--all", folder)
    assert lacking.returncode == 2
    assert "no file with b5 in the name" in lacking.stderr
    assert not (tmp_path / "home").exists()  # all or nothing
    save_file(timm.create_model("tf_efficientnet_b5", num_classes=0).state_dict(), folder / "b5.safetensors")
    done = run_cli("weights", "add", "--all", folder, "--json")
    assert done.returncode == 0, done.stderr
    assert [one["encoder"] for one in json.loads(done.stdout)["added"]] == ["b0", "b1", "b2", "b3", "b4", "b5"]
    again = run_cli("weights", "add", "--all", folder)
    assert "on this machine already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lite9", "x.pth"), "did you mean 'lite2'?"),
        (("b0", "nowhere.pth"), "nowhere.pth: no such file"),
        (("b0",), "either FILE or --from-hub"),
        (("b0", "x.pth", "--from-hub"), "either FILE or --from-hub"),
        ((), "give an encoder"),
        (("--all",), "either a FOLDER"),
        (("--all", "nowhere"), "nowhere: no such folder"),
        (("--all", "nowhere", "--from-hub"), "either a FOLDER"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: Any, words: str) -> None:
    done = run_cli("weights", "add", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_no_network_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nothing listens stands for a hub that cannot be reached."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = run_cli("weights", "add", "b0", "--from-hub", cold=True)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cannot be reached" in done.stderr
    assert "steelsight weights add b0 model.safetensors" in done.stderr


def test_a_home_keeps_its_brackets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELSIGHT_HOME", str(tmp_path / "home[a][/b]"))
    done = run_cli("weights", "list")
    assert done.returncode == 0, done.stderr
    assert "home[a][/b]" in "".join(done.stderr.split())
