"""Figures for Prometheus."""

from pathlib import Path
from typing import Any

import pytest
from helpers.serving import served
from helpers.station_results import make_arrival, make_result
from httpx import Client

from steelsight.core.errors import UserError
from steelsight.station.http import watched_images
from steelsight.station.log.retention import prune
from steelsight.station.station import Station


def test_figures_for_prometheus_count_requests_images_and_bytes(client: Client, station: Station) -> None:
    client.get("/api/v1/" + "x" * 50)
    client.get("/api/v1/inspections/1")
    text = client.get("/metrics").text
    assert 'steelsight_requests_total{method="GET",route="other",status="404"}' in text
    assert 'route="/api/v1/inspections/{id}"' in text
    assert 'steelsight_images_total{door="http",verdict="pass"}' in text
    assert "steelsight_queue_images 0.0" in text
    assert "steelsight_image_seconds_bucket" in text
    stored = next(line for line in text.splitlines() if line.startswith("steelsight_store_bytes "))
    assert 0 < float(stored.split()[1]) <= station.store.size()


def test_what_a_watch_inspects_is_counted(
    inspector_folder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process does, so that the log alone tells."""
    with served(inspector_folder, tmp_path, keep_days=1) as (station, client):

        def come(numbers: Any, **more: Any) -> None:
            station.log.add(
                [
                    make_result(
                        number, door="watch", inspector=station.fingerprint, arrival=make_arrival(number), **more
                    )
                    for number in numbers
                ]
            )

        def figures() -> tuple[float, float]:
            client.get("/metrics")  # one look later: two may write at once
            lines = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines())
            review = lines.get('steelsight_images_total{door="watch",verdict="review"}', "0")
            return float(review), float(lines['steelsight_unjudged_images_total{door="watch"}'])

        come([0])
        assert figures() == (0, 0)
        monkeypatch.setattr(watched_images, "EVERY", 0.0)
        assert figures() == (1, 0)
        come(range(1, 4))
        come([4], error="network a gives no probability")
        come([5], verdict=None)
        assert figures() == (5, 1)
        assert prune(station.log, station.store, station.settings).inspections == 6
        assert figures() == (5, 1)
        come([6])

        def refuse(*_: Any, **__: Any) -> Any:
            raise UserError("the database does not answer")

        with monkeypatch.context() as patch:
            patch.setattr(watched_images, "count_watched", refuse)
            assert figures() == (5, 1)
        assert figures() == (6, 1)
