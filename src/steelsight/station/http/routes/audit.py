"""The last hash of the audit trail, to be kept elsewhere."""

from fastapi import APIRouter
from starlette.responses import Response

from steelsight.station.http.errors import refusals
from steelsight.station.http.responses import json_answer
from steelsight.station.http.schemas import AuditAnswer
from steelsight.station.log.audit import last_entry
from steelsight.station.log.values import from_microseconds
from steelsight.station.station import Station


def audit_routes(station: Station) -> APIRouter:
    """The route of its end; all of it is a file to take away."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/audit", response_model=AuditAnswer, responses=refusals(503), summary="Head of the audit trail")
    def head() -> Response:
        """How many entries the audit trail has, and the hash of the last one: keep it elsewhere."""
        with station.log.reading() as connection:
            last = last_entry(connection)
            if last is None:
                return json_answer(AuditAnswer(entries=0, head=None, at=None))
            return json_answer(AuditAnswer(entries=last.number, head=last.hash, at=from_microseconds(last.at)))

    return routes
