"""Figures for Prometheus."""

from httpx import Client

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
