"""Inspections as the station's history lists them."""

from typing import Any

from httpx import Client


def found(client: Client, **filters: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/inspections", params=filters)
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["inspections"]
    return listed
