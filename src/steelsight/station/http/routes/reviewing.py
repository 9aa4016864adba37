"""What reviewers say of an inspection."""

import asyncio
from contextlib import AsyncExitStack

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from steelsight.imaging.rle import RunError, format_runs, parse_runs
from steelsight.station.http.actor import actor_of
from steelsight.station.http.errors import refusals
from steelsight.station.http.params import InspectionId
from steelsight.station.http.responses import json_answer
from steelsight.station.http.reviews import read_review, take_apart
from steelsight.station.http.routes.viewing import find_inspection
from steelsight.station.http.schemas import ReviewAnswer, ReviewRequest, ReviewsAnswer
from steelsight.station.http.to_schema import review_answer
from steelsight.station.inspection import Inspection
from steelsight.station.log.audit import Actor
from steelsight.station.log.log import OutdatedReview, UnknownInspection
from steelsight.station.station import Station

_PATH = "/api/v1/inspections/{id}/reviews"
_LARGE_AT_ONCE = 2
_BODY = {"required": True, "content": {"application/json": {"schema": ReviewRequest.model_json_schema()}}}


def reviewing_routes(station: Station) -> APIRouter:
    """Routes of reviews."""
    routes = APIRouter()
    places = asyncio.Semaphore(_LARGE_AT_ONCE)

    @routes.post(
        _PATH,
        response_model=ReviewAnswer,
        responses=refusals(400, 404, 408, 409, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": _BODY},
        summary="Review",
    )
    async def review(request: Request, id: InspectionId) -> Response:
        """Agree with an inspection, or send its correct masks. Earlier versions are kept."""
        async with AsyncExitStack() as stack:
            body = await read_review(request, places, stack)
            return await run_in_threadpool(_keep, station, id, body, actor_of(station, request.scope))

    @routes.get(_PATH, response_model=ReviewsAnswer, responses=refusals(404, 422, 503), summary="All reviews")
    def reviews(id: InspectionId) -> Response:
        """Every review of an inspection, the earliest first."""
        inspection = find_inspection(station, id)
        versions = [review_answer(one, inspection.classes) for one in station.log.reviews(id)]
        return json_answer(ReviewsAnswer(reviews=versions))

    return routes


def _keep(station: Station, id: int, body: bytearray, actor: Actor) -> Response:
    """Log a review, under the name of who sends it where the station knows that: not what they say it is.

    Raises:
        HTTPException, RequestValidationError: it is none, or none of this inspection.
    """
    said = take_apart(body)
    inspection = find_inspection(station, id)
    try:
        kept = station.log.review(
            id,
            after_version=said.after_version,
            agrees=said.agrees,
            word=said.word,
            runs=_masks(inspection, said),
            reviewer=actor.name or said.reviewer,
            comment=said.comment,
            actor=actor,
        )
    except OutdatedReview as error:
        raise HTTPException(409, str(error)) from error
    except UnknownInspection as error:
        raise HTTPException(404, str(error)) from error
    return json_answer(review_answer(kept, inspection.classes))


def _masks(inspection: Inspection, said: ReviewRequest) -> list[str] | None:
    """The mask of each class as the reviewer drew it; None where they agree.

    Raises:
        HTTPException: 422 they agree and draw, or do neither; a class or a run that the image does not have.
    """
    size, classes = inspection.result.size, inspection.classes
    if said.agrees != (said.runs is None):
        raise HTTPException(422, "runs: give the corrected masks if agrees is false, and none if it is true")
    if said.runs is None:
        return None
    if size is None:
        raise HTTPException(422, f"inspection {inspection.id}: the image could not be read, so it has no masks")
    unknown = next((name for name in said.runs if name not in classes), None)
    if unknown is not None:
        raise HTTPException(422, f"runs: there is no class {unknown[:80]!r}; they are {', '.join(classes)}")
    masks = []
    for name in classes:
        try:
            masks.append(format_runs(parse_runs(said.runs.get(name, ""), size)))
        except RunError as error:
            raise HTTPException(422, f"runs of class {name}: {error}") from error
    return masks
