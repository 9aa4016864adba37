"""What is delivered beside the code: containers, the unit, the citation, and what a wheel may hold."""

import json
import re
import runpy
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from helpers.data import ROOT
from helpers.serving import make_judging_inspector, served
from typer.core import TyperCommand, TyperGroup

import steelsight
from steelsight.cli.main import app
from steelsight.cli.serve import TOKEN_VARIABLE

DEPLOY = ROOT / "deploy"
CONTENTS = runpy.run_path(str(ROOT / ".ci/package_contents.py"))


def options(verb: str) -> set[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    command = group.commands[verb]
    assert isinstance(command, TyperCommand)
    return {name for parameter in command.params for name in parameter.opts}


def instruction(file: str, name: str) -> list[str]:
    """The JSON list that an instruction of a Dockerfile ends with."""
    text = (DEPLOY / file).read_text("utf-8").replace("\\\n", " ")
    (found,) = re.findall(rf"^{name}\b[^\[\n]*(\[.*\])$", text, flags=re.MULTILINE)
    words: list[str] = json.loads(found)
    return words


def commands() -> list[list[str]]:
    """Every command line of the container files and of the unit, behind `steelsight`."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    unit = re.search(r"^ExecStart=\S+ (.*)$", (DEPLOY / "steelsight.service").read_text("utf-8"), flags=re.MULTILINE)
    assert unit is not None
    shown = re.findall(r"steelsight-train (train .*)$", (DEPLOY / "Dockerfile.train").read_text("utf-8"), re.MULTILINE)
    return [
        instruction("Dockerfile", "CMD"),
        compose["services"]["station"]["command"],
        shlex.split(unit[1]),
        *map(shlex.split, shown),
    ]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_names_a_verb_and_options_that_there_are(words: list[str]) -> None:
    assert {word for word in words if word.startswith("--")} <= options(words[0])


def test_containers_do_not_run_as_root_and_install_what_there_is() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for file in ("Dockerfile", "Dockerfile.train"):
        text = (DEPLOY / file).read_text("utf-8")
        assert text.rindex("\nUSER steelsight\n") < text.rindex("\nENTRYPOINT ")
        assert text.rindex("\nUSER steelsight\n") > text.rindex("\nRUN ")
        (wanted,) = re.findall(r"\.whl\)\[([a-z,]+)\]", text)
        assert set(wanted.split(",")) <= set(extras)
        ignored = (ROOT / ".dockerignore").read_text("utf-8")
        for copied in re.findall(r"^COPY (?!--)(.*) \S+$", text, flags=re.MULTILINE):
            assert all((ROOT / name).exists() and f"!{name}\n" in ignored for name in copied.split())


def test_compose_gives_the_station_what_it_reads() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    assert set(services["station"]["environment"]) == {TOKEN_VARIABLE, "STEELSIGHT_DATABASE"}
    assert (DEPLOY / services["station"]["build"]["context"] / services["station"]["build"]["dockerfile"]).is_file()
    database = services["database"]["environment"]
    url = services["station"]["environment"]["STEELSIGHT_DATABASE"]
    assert url.startswith(f"postgresql://{database['POSTGRES_USER']}:")
    assert url.endswith(f"@database/{database['POSTGRES_DB']}")
    assert services["station"]["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_the_health_check_sees_whether_the_station_answers(tmp_path: Path) -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    (found,) = re.findall(r"^HEALTHCHECK.* CMD (\[.*\])$", text, flags=re.MULTILINE)
    python, *rest = json.loads(found)
    assert python == "python"

    def status(address: str) -> int:
        words = [word.replace("http://127.0.0.1:8000", address) for word in rest]
        return subprocess.run([sys.executable, *words], capture_output=True, check=False).returncode

    with served(make_judging_inspector(tmp_path / "inspector"), tmp_path / "data") as (_, client):
        address = str(client.base_url).rstrip("/")
        assert status(address) == 0
    assert status(address) != 0


def test_the_citation_is_of_this_version() -> None:
    cited: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["version"] == steelsight.__version__
    assert cited["license"] == "Apache-2.0"
    assert {"cff-version", "message", "title", "authors"} <= set(cited)


def test_what_may_not_be_in_a_package_is_seen(tmp_path: Path) -> None:
    wheel = tmp_path / "steelsight-1-py3-none-any.whl"
    right = ["steelsight-1.dist-info/licenses/LICENSE", *(f"steelsight/{name}" for name in CONTENTS["NEEDED"])]
    for more, fault in (
        ([], None),
        (["steelsight/tests/test_readme.py", "tests/test_readme.py"], "tests/test_readme.py"),
        (["steelsight/strip.jpg"], "strip.jpg"),
    ):
        with zipfile.ZipFile(wheel, "w") as archive:
            for name in [*right, *more]:
                archive.writestr(name, "")
        said = list(CONTENTS["faults"](wheel))
        assert (said == []) if fault is None else any(fault in one for one in said)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("steelsight/api/train.py", "")
    assert any("lite.yaml is missing" in one for one in CONTENTS["faults"](wheel))
