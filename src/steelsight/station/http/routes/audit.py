"""The audit trail: its last hash for whoever keeps it elsewhere, and all of it as a file."""

from collections.abc import Iterator

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelsight.station.http.actor import actor_of, note_export
from steelsight.station.http.errors import refusals
from steelsight.station.http.responses import json_answer
from steelsight.station.http.routes.exporting import download, file_answer
from steelsight.station.http.schemas import AuditAnswer
from steelsight.station.log.audit import last_entry
from steelsight.station.log.values import from_microseconds
from steelsight.station.log.verify import trail_lines
from steelsight.station.station import Station

_LINES = "application/jsonl"


def audit_routes(station: Station) -> APIRouter:
    """Routes of the audit trail."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/audit", response_model=AuditAnswer, responses=refusals(503), summary="Head of the audit trail")
    def head() -> Response:
        """How many entries the audit trail has, and the hash of the last one: keep it elsewhere."""
        with station.log.reading() as connection:
            last = last_entry(connection)
        if last is None:
            return json_answer(AuditAnswer(entries=0, head=None, at=None))
        return json_answer(AuditAnswer(entries=last.number, head=last.hash, at=from_microseconds(last.at)))

    @routes.get(
        "/audit.jsonl", responses=file_answer(_LINES) | refusals(503), response_class=Response, summary="Audit trail"
    )
    def trail(request: Request) -> Response:
        """The audit trail, an entry a line as JSON; `steelsight log verify` looks whether it is whole."""
        note_export(station, actor_of(station, request.scope), "audit.jsonl")
        return download(_encoded(trail_lines(station.log)), "audit.jsonl", _LINES)

    return routes


def _encoded(lines: Iterator[str]) -> Iterator[bytes]:
    return (line.encode() for line in lines)
