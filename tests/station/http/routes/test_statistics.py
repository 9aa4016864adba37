"""Counts over time, and drift or why it is not known, over HTTP."""

from datetime import UTC, datetime, timedelta

from helpers.found import found
from httpx import Client


def test_counts_over_time(client: Client) -> None:
    every = found(client, limit=1000)
    for per in ("hour", "day"):
        answer = client.get("/api/v1/statistics", params={"per": per}).json()
        assert answer["totals"]["pass"] == sum(one["verdict"] == "pass" for one in every)
        assert sum(one["review"] for one in answer["buckets"]) == answer["totals"]["review"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert client.get("/api/v1/statistics", params={"since": later}).json()["buckets"] == []


def test_drift_says_why_it_is_not_known(client: Client) -> None:
    answer = client.get("/api/v1/drift").json()
    assert answer["known"] is False
    assert "no test images" in answer["why"]
