"""HEAD says what GET would, and sends nothing."""

from typing import Any

import pytest
from httpx import Client

from steelsight.station.station import Station


@pytest.mark.parametrize(
    "path",
    ["/", "/static/style.css", "/healthz", "/readyz", "/metrics", "/openapi.json", "/api/v1/inspector", "/api/v1/nope",
     "/api/v1/inspections", "/api/v1/inspections/1", "/api/v1/inspections/1/overlay.png", "/api/v1/log.csv",
     "/api/v1/inspections/x"],
)  # fmt: skip
def test_it_says_what_get_says_without_a_body(client: Client, path: str) -> None:
    got, said = client.get(path), client.head(path)
    assert (said.status_code, said.content) == (got.status_code, b"")
    vary = {"date", *({"content-length"} if path == "/metrics" else ())}
    assert {name: said.headers[name] for name in said.headers if name not in vary} == {
        name: got.headers[name] for name in got.headers if name not in vary
    }


def test_a_connection_goes_on_after_it(client: Client) -> None:
    for _ in range(3):
        assert client.head("/api/v1/log.csv").status_code == 200
        assert client.get("/healthz").json() == {"status": "alive"}


def test_it_is_counted_by_its_route_and_not_described(client: Client) -> None:
    client.head("/readyz")
    assert 'steelsight_requests_total{method="HEAD",route="/readyz",status="200"}' in client.get("/metrics").text
    described = client.get("/openapi.json").json()["paths"]
    assert not any("head" in operations for operations in described.values())


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/api/v1/inspections", "GET, HEAD, POST"), ("/api/v1/inspections/1", "GET, HEAD"), ("/", "GET, HEAD"),
     ("/api/v1/inspections/1/reviews", "GET, HEAD, POST"), ("/static/style.css", "GET, HEAD"), ("/healthz", "GET, HEAD")],
)  # fmt: skip
def test_it_is_among_the_methods_that_an_address_takes(client: Client, path: str, methods: str) -> None:
    answer = client.delete(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)


def test_a_long_answer_is_not_made_to_its_end(
    client: Client, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's rows stop being read when nobody takes them."""
    read, find = [], station.log.find

    def find_again(query: Any) -> Any:
        read.append(query)
        found = find(query)
        return type(found)(found.inspections, "WyJvbGRlc3QiLDAsMF0")  # never the last page

    monkeypatch.setattr(station.log, "find", find_again)
    assert client.head("/api/v1/log.csv").status_code == 200
    assert len(read) < 100
