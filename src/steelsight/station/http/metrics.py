"""What the station tells Prometheus; each application has figures of its own."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steelsight.station.inspection import Channel, Inspection

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_KEPT_SECONDS = 60.0
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one station.

    Args:
        waiting: images that wait or are in work, asked for whenever the figures are.
        stored: bytes of the stored images and maps, asked for once a minute at most: every file is looked at.
        unknown: files that no entry of the log names and that lie aside; asked for as seldom.
        watched: images that watches, which are other processes, have inspected since it was last asked, by verdict and by
            whether a network gave no probability.
    """

    def __init__(
        self,
        waiting: Callable[[], float],
        stored: Callable[[], float],
        unknown: Callable[[], float],
        watched: Callable[[], Mapping[tuple[str, bool], int]],
    ) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "steelsight_requests",
            "Requests by method, route and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "steelsight_request_seconds", "From a request's head to the end of its answer.", ["route"], buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self.images = Counter("steelsight_images", "Images inspected.", ["door", "verdict"], registry=registry)
        self.unjudged = Counter(
            "steelsight_unjudged_images",
            "Images for which a network gave no probability, so they go to review.",
            ["door"],
            registry=registry,
        )
        # a count that begins with its first image has no increase, and none is alarmed by it
        for door in get_args(Channel):
            self.unjudged.labels(door)
        self._watched = watched
        self.image_seconds = Histogram(
            "steelsight_image_seconds", "From an image's acceptance to its result.", buckets=_SECONDS, registry=registry
        )
        self.refused = Counter("steelsight_refused", "Requests refused because the queue was full.", registry=registry)
        Gauge("steelsight_queue_images", "Images that wait or are in work.", registry=registry).set_function(waiting)
        Gauge("steelsight_store_bytes", "Stored images and maps.", registry=registry).set_function(_kept(stored))
        Gauge(
            "steelsight_unknown_files", "Images and maps that no log entry refers to, moved aside.", registry=registry
        ).set_function(_kept(unknown))

    def count(self, inspections: Sequence[Inspection]) -> None:
        """Take note of what was inspected."""
        for one in inspections:
            self.images.labels(one.result.door, one.result.verdict or "none").inc()
            if one.result.is_unjudged:
                self.unjudged.labels(one.result.door).inc()
            self.image_seconds.observe(one.result.seconds)

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        for (verdict, is_unjudged), count in self._watched().items():
            self.images.labels("watch", verdict).inc(count)
            if is_unjudged:
                self.unjudged.labels("watch").inc(count)
        return generate_latest(self._registry)


class RequestMetrics:
    """ASGI middleware: counts and times requests by the route that they took."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and take note of status and time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start = 500, time.perf_counter()

        async def send_measured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_measured)
        finally:
            # what took no route has one label: names from outside are no labels, which would have no end
            route = getattr(scope.get("route"), "path", None) or "other"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(method, route, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(time.perf_counter() - start)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _kept(measure: Callable[[], float]) -> Callable[[], float]:
    """The same, measured anew only when it is a minute old."""
    value, since = 0.0, float("-inf")

    def ask() -> float:
        nonlocal value, since
        if time.monotonic() > since + _KEPT_SECONDS:
            value, since = measure(), time.monotonic()
        return value

    return ask
