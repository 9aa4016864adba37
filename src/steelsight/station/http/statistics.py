"""Counts over time, and whether the line has left the evidence."""

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from steelsight.station.http.answers import Bucket, Counts, StatisticsAnswer
from steelsight.station.http.faults import refusals
from steelsight.station.http.params import Time
from steelsight.station.http.respond import json_answer
from steelsight.station.log import statistics as log_statistics
from steelsight.station.station import Station


def statistics_routes(station: Station) -> APIRouter:
    """Routes of figures."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get(
        "/statistics", response_model=StatisticsAnswer, responses=refusals(422, 503), summary="Counts over time"
    )
    def statistics(
        since: Time | None = None, until: Time | None = None, per: Literal["hour", "day"] = "day"
    ) -> Response:
        """How many images got which verdict, by hour or day of UTC; where nothing came there is no bucket."""
        buckets = station.log.buckets(since, until, per)
        totals = log_statistics.Counts.total([one.counts for one in buckets])
        return json_answer(
            StatisticsAnswer(
                buckets=[Bucket(start=one.start, **_counts(one.counts)) for one in buckets],
                totals=Counts(**_counts(totals)),
                reviewed=station.log.reviewed(since, until),
                waiting=station.log.waiting(since, until),
            )
        )

    return routes


def _counts(counts: log_statistics.Counts) -> dict[str, int]:
    return {
        "pass": counts.pass_,
        "review": counts.review,
        "reject": counts.reject,
        "none": counts.none,
        "unreadable": counts.unreadable,
        "flagged": counts.flagged,
    }
