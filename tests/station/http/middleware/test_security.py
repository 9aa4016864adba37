"""Who gets in, and what a browser is told."""

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers import serving
from helpers.serving import IMAGES, send, served
from httpx import Client

from steelsight.station.http.middleware.security import Access
from steelsight.station.station import Station

TOKEN = "0123456789abcdef-secret"


@pytest.mark.parametrize(
    "path", ["/", "/static/style.css", "/healthz", "/api/v1/inspector", "/api/v1/nope", "/openapi.json"]
)
def test_every_answer_carries_the_headers(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == ("no-cache" if path in ("/", "/static/style.css") else "no-store")


def test_the_page_is_asked_for_anew_and_sent_only_where_it_changed(client: Client) -> None:
    first = client.get("/")
    assert first.headers["content-type"].startswith("text/html")
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


def test_no_page_of_the_framework_that_loads_from_outside(client: Client) -> None:
    assert [client.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]
    assert client.get("/openapi.json").json()["info"]["title"] == "steelsight station"


@pytest.mark.parametrize(
    "host", ["mill.example", "mill.example:8000", "127.0.0.1.mill.example", "[::1", "", "0.0.0.0", "a b"]
)
def test_without_a_token_no_other_name_than_loopback_is_answered(client: Client, host: str) -> None:
    answer = client.get("/api/v1/inspector", headers={"Host": host})
    assert answer.status_code in (400, 403), answer.text


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1", "[::1]:8000", "127.9.9.9"])
def test_loopback_is_answered_by_all_its_names(client: Client, host: str) -> None:
    assert client.get("/api/v1/inspector", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Origin": "http://[", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 200),
    ],
)
def test_pages_of_other_origins_may_not_send(client: Client, headers: Any, status: int) -> None:
    assert send(client, IMAGES[0], headers=headers).status_code == status
    own = {**headers, "Origin": str(client.base_url).rstrip("/")}
    assert send(client, IMAGES[0], headers=own).status_code == (
        403 if "site" in headers.get("Sec-Fetch-Site", "") else 200
    )


def test_with_a_token_nothing_is_told_or_taken_without_it(inspector_folder: Path, tmp_path: Path) -> None:
    with served(inspector_folder, tmp_path, Access(TOKEN)) as (station, client):
        for given in ({}, {"Authorization": TOKEN}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}x"},
                      {"Authorization": "Bearer \xe4".encode("latin-1")}):  # fmt: skip
            for path in ("/api/v1/inspector", "/api/v1/inspections", "/metrics", "/api/v1/log.csv"):
                answer = client.get(path, headers=given)
                assert answer.status_code == 401, path
                assert answer.headers["www-authenticate"] == "Bearer"
            assert send(client, IMAGES[0], headers=given).status_code == 401
        assert station.log.get(1) is None
        assert [client.get(path).status_code for path in ("/", "/healthz", "/readyz")] == [200] * 3
        bearing = {"Authorization": f"Bearer {TOKEN}", "Host": "mill.example"}
        assert send(client, IMAGES[0], headers=bearing).status_code == 200
        assert client.get("/api/v1/inspector", headers=bearing).json()["needs_token"] is True
        assert client.get("/metrics", headers=bearing).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/..%2f..%2fsettings.py", "/static/%2e%2e/http/app.py", "/static//etc/passwd",
     "/static/%00", "/static/" + "a" * 5000, "/api/v1/samples/..%2ftrain.csv", "/api/v1/samples/%00"],
)  # fmt: skip
def test_no_file_but_the_page_and_the_samples_is_given_out(client: Client, path: Any) -> None:
    answer = client.get(path)
    assert answer.status_code in (404, 422), answer.text
    assert set(answer.json()) == {"detail"}


def test_the_samples_are_those_that_the_card_lists(client: Client) -> None:
    names = client.get("/api/v1/inspector").json()["samples"]
    assert len(names) == 12
    assert client.get(f"/api/v1/samples/{names[0]}").content.startswith(b"\xff\xd8")


def test_a_sample_that_has_gone_meanwhile_is_not_there(
    inspector_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(IMAGES[0], tmp_path / "strip.jpg")
    monkeypatch.setattr(serving, "SAMPLES", tmp_path)
    with served(inspector_folder, tmp_path / "data") as (_, client):
        assert client.get("/api/v1/samples/strip.jpg").status_code == 200
        (tmp_path / "strip.jpg").unlink()
        assert client.get("/api/v1/samples/strip.jpg").status_code == 404


def test_what_nobody_foresaw_is_no_traceback_outside(
    client: Client, station: Station, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(station, "log")
    with caplog.at_level(logging.ERROR):
        answer = client.get("/api/v1/inspections/1")
    assert answer.status_code == 500
    assert answer.json() == {"detail": "the station failed at this request; its log says why"}
    assert answer.headers["content-security-policy"]
    assert "Traceback" in caplog.text
