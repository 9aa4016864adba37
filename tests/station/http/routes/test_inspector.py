"""The inspector, its samples and its health over HTTP."""

import shutil
from pathlib import Path

from helpers.serving import served
from helpers.signing import make_key, sign
from httpx import Client

from steelsight.inspector.artifact import read_card
from steelsight.inspector.signature import read_trusted_keys
from steelsight.station.station import Station


def test_health(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_the_card_says_what_inspects_here(client: Client, station: Station, inspector_folder: Path) -> None:
    said, card = client.get("/api/v1/inspector").json(), read_card(inspector_folder)
    assert (said["name"], said["station"], said["needs_token"]) == ("inspector", "line 2", False)
    assert said["fingerprint"] == station.fingerprint
    assert [one["name"] for one in said["classes"]] == list(card.classes)
    assert [one["member"] for one in said["networks"]] == [network.member for network in card.networks]
    assert said["rule"]["gate"] == card.rule.gate
    assert len(said["samples"]) > 1


def test_the_card_says_who_signed(client: Client, inspector_folder: Path, tmp_path: Path) -> None:
    assert client.get("/api/v1/inspector").json()["signature"] == {"state": "unsigned", "name": None, "number": None}
    folder = shutil.copytree(inspector_folder, tmp_path / "signed")
    private, public = make_key(tmp_path / "mill")
    sign(folder, private)
    with served(folder, tmp_path / "data") as (_, asked):
        assert asked.get("/api/v1/inspector").json()["signature"]["state"] == "unchecked"
    with served(folder, tmp_path / "data", trust=[public]) as (_, asked):
        said = asked.get("/api/v1/inspector").json()["signature"]
    assert said == {"state": "trusted", "name": "mill", "number": read_trusted_keys([public])[0].number}


def test_what_no_sample_is_called(client: Client) -> None:
    answer = client.get("/api/v1/samples/none.jpg")
    assert (answer.status_code, "there is no sample 'none.jpg'" in answer.json()["detail"]) == (404, True)
