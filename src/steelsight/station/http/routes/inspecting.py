"""Images in, and what was found out."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from steelsight.imaging.read import decode_image
from steelsight.station.http.errors import refusals
from steelsight.station.http.metrics import Metrics
from steelsight.station.http.params import HttpDoor
from steelsight.station.http.responses import json_answer
from steelsight.station.http.schemas import InspectionsAnswer
from steelsight.station.http.to_schema import inspection_answer
from steelsight.station.http.uploads import FIELD, Upload, read_uploads
from steelsight.station.inspection import Inspection
from steelsight.station.queue.request_group import RequestGroup
from steelsight.station.station import Incoming, QueueFull, Station

PATH = "/api/v1/inspections"
_READ_AT_ONCE = 2
"""Requests of several images that are looked through at a time: each holds a decoded image, beside those in work."""
_SHORT = 8192
"""Characters of masks up to which an answer is written at once, in about a millisecond: another thread would take as long
to begin with it."""
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": [FIELD],
                "additionalProperties": False,
                "properties": {
                    FIELD: {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "string", "format": "binary"},
                        "description": "JPEG, PNG, BMP or TIFF.",
                    }
                },
            }
        }
    },
}


_DOORS: dict[bytes, Literal["page", "http"]] = {b"": "http", b"door=http": "http", b"door=page": "page"}
"""What stands after the path, as programs and the page write it."""


def inspecting_routes(station: Station, metrics: Metrics) -> tuple[BaseRoute, APIRouter]:
    """The route that inspects: the short way, which is to be asked first, and the described one."""
    routes = APIRouter()
    reading = asyncio.Semaphore(_READ_AT_ONCE)

    @routes.post(
        PATH,
        response_model=InspectionsAnswer,
        responses=refusals(400, 408, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": _BODY},
        summary="Inspect images",
    )
    async def inspect(request: Request, door: HttpDoor = "http") -> Response:
        """Inspect one or many images: all of them, or none if one is refused. The answer comes when all are logged."""
        with ExitStack() as stack:
            try:
                places = [stack.enter_context(station.admit(1))]  # before anything of the body is read
                uploads = await read_uploads(
                    request,
                    station.settings.max_bytes,
                    station.max_files,
                    lambda: places.append(stack.enter_context(station.admit(1))),
                )
            except QueueFull:
                metrics.refused.inc()
                raise
            if len(uploads) > 1:
                async with reading:
                    await run_in_threadpool(_refuse_unreadable, uploads, station.settings.max_pixels)
            at, together = datetime.now(UTC), RequestGroup[Any](len(uploads))
            waiting = [
                asyncio.wrap_future(place.submit(Incoming(upload.name, upload.content, door, None, at), together))
                for place, upload in zip(places, uploads, strict=True)
            ]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        inspections = [_or_raise(answer) for answer in answers]
        metrics.count(inspections)
        if sum(map(_length, inspections)) <= _SHORT:
            return _write(inspections)
        return await run_in_threadpool(_write, inspections)

    async def inspect_plainly(request: Request) -> Response:
        return await inspect(request, _DOORS[request.scope["query_string"]])

    return _ShortWay(PATH, inspect_plainly, methods=["POST"]), routes


class _ShortWay(Route):
    """A request as nearly all are written: reading its one parameter as the description says takes longer than the image's
    hash. Any other, and what is wrong, goes the described way."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if (
            scope["type"] == "http"
            and scope["path"] == PATH
            and scope["method"] == "POST"
            and not scope.get("root_path")
            and scope["query_string"] in _DOORS
        ):
            return Match.FULL, {"endpoint": self.endpoint, "path_params": {}, "route": self}
        return Match.NONE, {}


def _refuse_unreadable(uploads: Sequence[Upload], max_pixels: int) -> None:
    """None of several images is inspected if one cannot be read.

    Raises:
        ImageError: names the first one.
    """
    for upload in uploads:
        decode_image(upload.content, Path(upload.name), grey=True, max_pixels=max_pixels)


def _or_raise(answer: Inspection | BaseException) -> Inspection:
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _length(inspection: Inspection) -> int:
    """Characters of the masks, whose outlines are most of the work of an answer."""
    result = inspection.result
    return sum(map(len, result.runs)) + sum(map(len, result.suspected_runs))


def _write(inspections: Sequence[Inspection]) -> Response:
    return json_answer(InspectionsAnswer(inspections=[inspection_answer(one) for one in inspections]))
