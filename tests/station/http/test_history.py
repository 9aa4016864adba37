"""The history, figures and files over HTTP."""

import csv
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from helpers.serving import IMAGES

from steelsight.station.http.routes import viewing


def found(client, **filters):
    answer = client.get("/api/v1/inspections", params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()["inspections"]


def test_pages_follow_one_another_and_hold_each_once(client):
    whole = [one["id"] for one in found(client, limit=1000)]
    seen, cursor = [], {}
    while True:
        answer = client.get("/api/v1/inspections", params={"limit": 5, **cursor}).json()
        seen += [one["id"] for one in answer["inspections"]]
        if answer["next"] is None:
            break
        cursor = {"cursor": answer["next"]}
    assert seen == whole == sorted(whole, reverse=True)


def test_filters_and_orders(client):
    every = found(client, limit=1000)
    assert {one["id"] for one in found(client, verdict=["pass", "reject"], limit=1000)} == {
        one["id"] for one in every if one["verdict"] != "review"
    }
    assert {one["name"] for one in found(client, name=IMAGES[3].name[:9])} == {IMAGES[3].name}
    assert all(one["classes"]["dark"] for one in found(client, **{"class": "dark"}))
    doubts = [one["doubt"] for one in found(client, order="doubt")]
    assert doubts == sorted(doubts, reverse=True)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert found(client, since=later) == []
    assert len(found(client, until=later, limit=1000)) == len(every)
    assert found(client, inspector="f" * 64) == found(client, reviewed=True, flagged=True) == []
    assert "polygons" not in str(every)
    assert "runs" not in every[0]


def test_times_are_utc_with_or_without_a_zone(client):
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    assert found(client, since=(now + hour).replace(tzinfo=None).isoformat()) == []
    assert found(client, since=(now - hour).replace(tzinfo=None).isoformat())
    assert found(client, since=(now - hour).isoformat().replace("+00:00", "Z"))
    east = timedelta(hours=5)
    assert found(client, since=(now - hour + east).replace(tzinfo=None).isoformat() + "+05:00")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=NaN", "limit=" + "9" * 5000, "cursor=x", "cursor=WyJkb3VidCIsIE5hTiwgMV0", "order=best",
     "verdict=maybe", "name=%00", "name=" + "a" * 301, "since=yesterday", "since=0001-01-01T00:00:00%2B14:00", "since=inf",
     "until=9999-12-31T23:59:59-14:00", "class=%00", "inspector=Z", "door=window", "reviewed=perhaps", "colour=red"],
)  # fmt: skip
def test_what_does_not_fit_is_422_with_a_sentence(client, query):
    for path in ("/api/v1/inspections", "/api/v1/log.csv", "/api/v1/log.parquet"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 422, answer.text
        assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("number", ["0", "-1", "9223372036854775808", "9" * 5000, "1.5", "NaN", "%00", "x"])
def test_numbers_that_no_inspection_has(client, number):
    for rest in ("", "/image", "/mask.png", "/overlay.png", "/maps/1.png", "/reviews"):
        assert client.get(f"/api/v1/inspections/{number}{rest}").status_code == 422
    assert client.get(f"/api/v1/inspections/1/maps/{number}.png").status_code == 422


def test_numbers_that_no_inspection_has_yet(client):
    for path in ("9223372036854775807", "99999/image", "1/maps/3.png", "1/mask.png?review=7"):
        answer = client.get(f"/api/v1/inspections/{path}")
        assert answer.status_code == 404
        assert answer.json()["detail"]


def test_counts_over_time(client):
    every = found(client, limit=1000)
    for per in ("hour", "day"):
        answer = client.get("/api/v1/statistics", params={"per": per}).json()
        assert answer["totals"]["pass"] == sum(one["verdict"] == "pass" for one in every)
        assert sum(one["review"] for one in answer["buckets"]) == answer["totals"]["review"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert client.get("/api/v1/statistics", params={"since": later}).json()["buckets"] == []


def test_drift_says_why_it_is_not_known(client):
    answer = client.get("/api/v1/drift").json()
    assert answer["known"] is False
    assert "no test images" in answer["why"]


def test_the_log_as_a_file(client):
    passed = {str(one["id"]) for one in found(client, verdict="pass", limit=1000)}
    answer = client.get("/api/v1/log.csv", params={"verdict": "pass"})
    assert answer.headers["content-disposition"] == 'attachment; filename="log.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["id"] for row in rows} == passed
    table = pq.read_table(io.BytesIO(client.get("/api/v1/log.parquet", params={"verdict": "pass"}).content))
    assert set(map(str, table["id"].to_pylist())) == passed


def test_figures_for_prometheus_count_requests_images_and_bytes(client, station):
    client.get("/api/v1/" + "x" * 50)
    text = client.get("/metrics").text
    assert 'steelsight_requests_total{method="GET",route="other",status="404"}' in text
    assert 'route="/api/v1/inspections/{id}"' in text
    assert 'steelsight_images_total{door="http",verdict="pass"}' in text
    assert "steelsight_queue_images 0.0" in text
    assert "steelsight_image_seconds_bucket" in text
    stored = next(line for line in text.splitlines() if line.startswith("steelsight_store_bytes "))
    assert 0 < float(stored.split()[1]) <= station.store.size()


def test_health(client):
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_of_pictures_two_are_made_at_a_time(client, monkeypatch):
    """However many are asked for, that of a very large image takes half a gigabyte."""
    at_work, most, lock = 0, 0, threading.Lock()

    def make(*_):
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.05)
        with lock:
            at_work -= 1
        return b"picture"

    monkeypatch.setattr(viewing, "overlay_png", make)
    monkeypatch.setattr(viewing, "mask_png", make)
    paths = [f"/api/v1/inspections/{number}/{name}.png" for number in (1, 2, 3, 4) for name in ("overlay", "mask")]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.get, paths))
    assert {(one.status_code, one.content) for one in answers} == {(200, b"picture")}
    assert most == 2
