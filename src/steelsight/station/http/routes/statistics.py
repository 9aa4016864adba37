"""Counts over time, and whether a line has left the evidence."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from steelsight.inspector.checksums import Checksums
from steelsight.inspector.tested_images import read_tested
from steelsight.station.drift import furthest, measure_drift
from steelsight.station.http.errors import refusals
from steelsight.station.http.params import Text, Time
from steelsight.station.http.responses import json_answer
from steelsight.station.http.samples import DRAWN
from steelsight.station.http.schemas import BucketAnswer, CountsAnswer, DriftAnswer, StatisticsAnswer
from steelsight.station.log import statistics as log_statistics
from steelsight.station.log.values import written
from steelsight.station.station import Station
from steelsight.station.writers import own_names, writers_of
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import IMAGES

MOST_SCORES = 10_000
"""Images that drift is measured on at most."""


def statistics_routes(station: Station) -> APIRouter:
    """Routes of figures."""
    routes = APIRouter(prefix="/api/v1")
    evidence = _evidence(station.inspector.checksums)

    @routes.get(
        "/statistics", response_model=StatisticsAnswer, responses=refusals(422, 503), summary="Counts over time"
    )
    def statistics(
        since: Time | None = None,
        until: Time | None = None,
        per: Literal["hour", "day"] = "day",
        of: Annotated[
            Text | None, Query(alias="station", description="The name of a station; all if left out.")
        ] = None,
    ) -> Response:
        """How many images got each verdict, by hour or day in UTC. A time without images has no bucket."""
        buckets = station.log.buckets(since, until, per, of)
        totals = log_statistics.VerdictCounts.total([one.counts for one in buckets])
        return json_answer(
            StatisticsAnswer(
                buckets=[BucketAnswer(start=one.start, **_counts(one.counts)) for one in buckets],
                totals=CountsAnswer(**_counts(totals)),
                reviewed=station.log.reviewed(since, until, of),
                waiting=station.log.waiting(since, until, of),
                stations=_stations(station),
            )
        )

    @routes.get("/drift", response_model=DriftAnswer, responses=refusals(422, 503), summary="Score drift")
    def drift(last: Annotated[int, Query(ge=1, le=MOST_SCORES)] = 500) -> Response:
        """Whether the scores of the latest images still fit those of the images that the inspector was tested on."""
        own = written(station.settings.name)
        scores = station.log.scores(station.fingerprint, last, {own, *writers_of(station.settings.data)}, tried=DRAWN)
        found = {name: measure_drift(evidence, those[::-1]) for name, those in (scores or {own: []}).items()}
        name = furthest(found, own)
        drift = asdict(found[name])
        if len(found) > 1:
            drift["sentence"] = f"{name}: {drift['sentence']}"
        return json_answer(DriftAnswer.model_validate({**drift, "station": name}))

    return routes


def _stations(station: Station) -> list[str]:
    """Who writes into the log: in a folder's own they have left their names, and one name alone costs no search. A name that
    has only started there, and of which no image came, is no line."""
    if own_names(station.log, station.settings) is not None:
        return station.log.stations()
    own, left = written(station.settings.name), writers_of(station.settings.data)
    if left <= {own}:
        return [own]
    return sorted({own, *left.intersection(station.log.stations())})


def _evidence(checksums: Checksums) -> EvaluationSet | None:
    """The images that an inspector was tested on; None where it carries none.

    Raises:
        UserError: they are damaged.
    """
    return read_tested(checksums) if (checksums.folder / IMAGES).is_file() else None


def _counts(counts: log_statistics.VerdictCounts) -> dict[str, int]:
    return {
        "pass": counts.pass_,
        "review": counts.review,
        "reject": counts.reject,
        "none": counts.none,
        "unreadable": counts.unreadable,
        "flagged": counts.flagged,
    }
