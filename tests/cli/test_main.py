"""Whatever the system says is one sentence, and no name ends a verb."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
from helpers.data import ROOT
from helpers.pictures import encoded, steel

from steelsight.cli.main import SERVE_LIBRARIES, TRAINING_LIBRARIES
from steelsight.core.errors import UserError
from steelsight.core.files import is_temporary, replacing, write_text
from steelsight.imaging.preprocess import Preprocess
from steelsight.inspector.artifact import InspectorCard, read_card
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.ready import READY
from steelsight.results.pictures import picture_names
from steelsight.run.job_log import read_log


def run(*args: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[bytes]:
    full = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"} | environment
    return subprocess.run(
        [sys.executable, "-m", "steelsight.cli.main", *map(str, args)],
        capture_output=True,
        env=full,
        check=False,
        cwd=cwd,
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_name_that_cannot_be_shown_is_shown_with_replacements(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "0.png").write_bytes(encoded(".png", steel()))
    content = {
        "images": [{"id": 1, "file_name": "0.png"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[5, 5, 40, 5, 40, 30]]}],
        "categories": [{"id": 1, "name": "裂纹"}],
    }
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    said = run("data", "check", tmp_path, "--no-twins", PYTHONIOENCODING=encoding)
    assert (said.returncode, said.stderr.strip()) == (0, b"")
    assert b"??" in said.stdout


def test_an_empty_argument_is_not_the_folder_that_one_is_in(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(encoded(".png", steel()))
    for given in (("inspect", READY, "", "--out", "out"), ("inspect", READY, "0.png", "--out", "")):
        said = run(*given, cwd=tmp_path)
        assert (said.returncode, said.stdout) == (2, b"")
        assert b" is empty, as that of a variable" in said.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["0.png"]


def test_a_folder_below_a_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "image.png").write_bytes(encoded(".png", steel()))
    said = run("log", "export", "--data", tmp_path / "file" / "sub", "--out", tmp_path / "file" / "sub" / "log.csv")
    assert said.returncode == 2
    assert b"Traceback" not in said.stderr


def test_a_file_of_the_longest_name_is_written_by_way_of_a_shorter_one(tmp_path: Path) -> None:
    path = tmp_path / ("z" * 251 + ".png")
    with replacing(path) as temporary:
        assert is_temporary(temporary)
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_picture_has_a_name_that_fits_and_is_its_own() -> None:
    long = ["a/" + "é" * 122 + one + ".jpeg" for one in "xy"] + ["a/" + "é" * 122 + "x.png"]
    names = picture_names(long)
    assert len(set(names.values())) == 3
    assert all(len(name.rpartition("/")[2].encode()) + 4 <= 255 for name in names.values())


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema_version": ' + "9" * 5000 + "}", '{"classes": ["a", "a"]}'])
def test_an_odd_card_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    write_text(tmp_path / "inspector.json", text)
    write_checksums(tmp_path)
    with pytest.raises(UserError, match=r"inspector\.json"):
        read_card(tmp_path)


def test_two_classes_of_one_name_and_numbers_without_an_end_are_refused(tmp_path: Path) -> None:
    from helpers.tiny_inspector import make_inspector

    content = json.loads((make_inspector(tmp_path / "i") / "inspector.json").read_text())
    with pytest.raises(ValueError, match="same name"):
        InspectorCard.model_validate(content | {"classes": ["a", "a"]})
    with pytest.raises(ValueError, match="deviation"):
        Preprocess(height=32, width=32, deviation=np.inf)


@pytest.mark.parametrize("torn", ['{"epoch": 0, "tra{"epoch": 1}', '{"loss": 1}', '{"epoch": "0"}'])
def test_a_torn_line_of_a_log_is_refused_in_one_sentence(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(torn + '\n{"epoch": 1}\n')
    with pytest.raises(UserError, match="line 1"):
        read_log(path)
    path.write_text('{"epoch": 0, "seconds": "long"}\n' + torn)
    log = read_log(path)
    assert (log.epochs, log.seconds) == ((0,), 0.0)


def test_a_plain_install_says_which_extra_brings_what_a_station_lacks() -> None:
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["serve"]
    names = {re.split(r"[\[<>=; ]", one)[0].lower() for one in stated}
    imported = {name for name, of in packages_distributions().items() if {one.lower() for one in of} & names}
    assert "isal" in imported
    assert imported <= SERVE_LIBRARIES | TRAINING_LIBRARIES
