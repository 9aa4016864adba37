"""What docs/station.md shows works as it stands there."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.data import ROOT
from helpers.serving import IMAGES, send, served
from httpx import Client
from typer.main import get_command

from steelsight.cli.main import app
from steelsight.station.http.middleware.security import Access

TEXT = (ROOT / "docs" / "station.md").read_text(encoding="utf-8")
SHOWN = "http://127.0.0.1:8000"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    shutil.copy(IMAGES[0], tmp_path / "strip.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks() -> Any:
    return [
        re.sub(r"^    ", "", block, flags=re.MULTILINE)
        for block in re.findall(r"(?:^    .*\n|^\n)+", TEXT, re.MULTILINE)
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_for_curl(client: Client, folder: Any) -> None:
    lines = [line for block in blocks() for line in block.splitlines() if line.startswith("curl ")]
    assert len(lines) == 4
    url = str(client.base_url).rstrip("/")
    for line in lines:
        command = line.replace(SHOWN, url).replace("curl ", "curl --fail --silent --show-error ", 1)
        subprocess.run(command, shell=True, check=True, capture_output=True, cwd=folder)
    assert (folder / "overlay.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "log.csv").read_text().count("\n") > 1


def test_the_program(client: Client, folder: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = [block for block in blocks() if block.strip().startswith("import time")]
    exec(compile(program.replace(SHOWN, str(client.base_url).rstrip("/")), "docs/station.md", "exec"), {})
    assert capsys.readouterr().out.startswith("strip.jpg ")


@pytest.mark.parametrize("address", ["mill.example", "mill.example:8443"])
def test_behind_the_documented_proxy_the_page_may_send(inspector_folder: Path, tmp_path: Path, address: str) -> None:
    """A browser names the port in `Origin` where it is not the usual one; nginx's `$host` leaves it out."""
    (block,) = [block for block in blocks() if "proxy_pass" in block]
    (passed_on,) = re.findall(r"proxy_set_header Host (.+);", block)
    host = {"$host": address.partition(":")[0], "$http_host": address}[passed_on]
    token = "0123456789abcdef-secret"
    headers = {"Host": host, "Origin": f"https://{address}", "Sec-Fetch-Site": "same-origin"}
    with served(inspector_folder, tmp_path, Access(token)) as (_, client):
        answer = send(client, IMAGES[0], door="page", headers=headers | {"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text


def test_every_path_of_the_interface_is_documented(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in paths:
        shown = (
            path.removeprefix("/api/v1").replace("{id}", "ID").replace("{name}", "NAME").replace("{number}", "NUMBER")
        )
        assert f"{shown}`" in TEXT, path


def test_every_option_of_the_verb_is_documented() -> None:
    options = [one for param in get_command(app).commands["serve"].params for one in param.opts if one.startswith("--")]
    assert "--token-file" in options
    assert [option for option in options if f"`{option}`" not in TEXT and option != "--help"] == []
