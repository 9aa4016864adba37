"""The inspector, its samples and its health over HTTP."""

from pathlib import Path

from httpx import Client

from steelsight.inspector.artifact import read_card
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


def test_what_no_sample_is_called(client: Client) -> None:
    answer = client.get("/api/v1/samples/none.jpg")
    assert (answer.status_code, "there is no sample 'none.jpg'" in answer.json()["detail"]) == (404, True)
