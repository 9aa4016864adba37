"""The log and its audit trail as files, and the corrections as a dataset."""

from collections.abc import Generator, Iterator
from itertools import chain
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from steelsight.core.errors import UserError
from steelsight.station.corrections.export import NoCorrections, summarise, zip_corrections
from steelsight.station.corrections.files import TOGETHER
from steelsight.station.http.actor import actor_of, note_export
from steelsight.station.http.errors import Responses, refusals
from steelsight.station.http.middleware.head import asks_for_head
from steelsight.station.http.params import Filters
from steelsight.station.http.responses import json_answer
from steelsight.station.http.schemas import CorrectionsAnswer, LeftOutAnswer
from steelsight.station.log.export import export_csv, export_parquet
from steelsight.station.log.verify import trail_lines
from steelsight.station.station import Station

_CSV, _PARQUET, _ZIP = "text/csv", "application/vnd.apache.parquet", "application/zip"
_LINES = "application/jsonl"
AT_ONCE = 8
"""Files that are made and sent at a time: one takes as long as its client."""


def exporting_routes(station: Station) -> APIRouter:
    """Routes of files to take away."""
    routes = APIRouter(prefix="/api/v1")
    places = BoundedSemaphore(AT_ONCE)

    def download(request: Request, pieces: Iterator[bytes], name: str, media_type: str) -> StreamingResponse:
        """A file as it is made; its first piece is made before the answer begins, so that a fault can still be told, and only
        what is given out is noted.

        Raises:
            HTTPException: 503, as many are being taken already.
        """
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        if asks_for_head(request.scope):
            next(pieces, b"")
            return StreamingResponse(iter(()), media_type=media_type, headers=headers)
        if not places.acquire(blocking=False):
            raise HTTPException(503, f"{AT_ONCE} files are being taken already; ask again", {"Retry-After": "30"})
        held = _held(places, pieces)
        first = next(held)
        try:
            note_export(station, actor_of(station, request.scope), name)
        except UserError:
            held.close()
            raise
        return StreamingResponse(chain([first], held), media_type=media_type, headers=headers)

    @routes.get("/log.csv", responses=_file(_CSV) | refusals(422, 503), response_class=Response, summary="Log as CSV")
    def log_csv(request: Request, filters: Annotated[Filters, Query()]) -> Response:
        """All inspections that match the filters, the earliest first, as CSV."""
        return download(request, export_csv(station.log, filters.query()), "log.csv", _CSV)

    @routes.get(
        "/log.parquet",
        responses=_file(_PARQUET) | refusals(422, 503),
        response_class=Response,
        summary="Log as Parquet",
    )
    def log_parquet(request: Request, filters: Annotated[Filters, Query()]) -> Response:
        """All inspections that match the filters, the earliest first, as Parquet."""
        return download(request, export_parquet(station.log, filters.query()), "log.parquet", _PARQUET)

    @routes.get("/corrections", response_model=CorrectionsAnswer, responses=refusals(503), summary="Corrections")
    def corrections() -> Response:
        """What the dataset of all corrections holds, and which reviewed images are not in it."""
        found = summarise(station.log, station.store)
        return json_answer(
            CorrectionsAnswer(
                images=found.images,
                defective=found.defective,
                classes=found.classes,
                left_out=[LeftOutAnswer(id=one.id, why=one.why) for one in found.left_out],
                command=TOGETHER,
            )
        )

    @routes.get(
        "/corrections.zip",
        responses=_file(_ZIP) | refusals(404, 503),
        response_class=Response,
        summary="Corrections as a dataset",
    )
    def corrections_zip(request: Request) -> Response:
        """The reviewed images and their masks in COCO's layout. Unpack it, and `steelsight train` reads it."""
        try:
            return download(request, zip_corrections(station.log, station.store), "corrections.zip", _ZIP)
        except NoCorrections as error:
            raise HTTPException(404, str(error)) from error

    @routes.get("/audit.jsonl", responses=_file(_LINES) | refusals(503), response_class=Response, summary="Audit trail")
    def audit_trail(request: Request) -> Response:
        """The audit trail, an entry a line as JSON; `steelsight log verify` looks whether it is whole."""
        lines = (line.encode() for line in trail_lines(station.log))
        return download(request, lines, "audit.jsonl", _LINES)

    return routes


def _file(media_type: str) -> Responses:
    return {200: {"content": {media_type: {}}, "description": "The file."}}


def _held(places: BoundedSemaphore, pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The pieces, of which the first may be empty; with the last one, or when nobody takes them any more, a place is free."""
    try:
        yield next(pieces, b"")
        yield from pieces
    finally:
        places.release()
