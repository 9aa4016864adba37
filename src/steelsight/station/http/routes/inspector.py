"""What inspects here, the sample's images, and the station's own state."""

import asyncio
import time
from math import inf
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from steelsight.core.errors import UserError
from steelsight.core.files import resolved
from steelsight.inspector.ready import READY
from steelsight.station.http.errors import Responses, refusals
from steelsight.station.http.metrics import CONTENT_TYPE, Metrics
from steelsight.station.http.middleware.security import person_of
from steelsight.station.http.params import Text
from steelsight.station.http.responses import json_answer
from steelsight.station.http.samples import offered
from steelsight.station.http.schemas import Health, InspectorAnswer, PersonAnswer
from steelsight.station.http.to_schema import inspector_answer
from steelsight.station.station import Station

_READY_SECONDS = 1.0  # for which a station is what it was: ready, or not

_SAMPLE: Responses = {200: {"content": {"image/jpeg": {}}, "description": "The image."}}
_FIGURES: Responses = {200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}}


def card_routes(station: Station, metrics: Metrics, samples: Path | None, needs_token: bool) -> APIRouter:
    """Routes of the inspector's card, the samples, health and metrics.

    Args:
        samples: folder of the sample's images; None: strips that the project draws.
        needs_token: what the card says of it.
    """
    routes = APIRouter()
    images = offered(samples)
    card = inspector_answer(
        station.inspector.card,
        fingerprint=station.fingerprint,
        signature=station.inspector.signature,
        name=resolved(station.inspector.folder).name,
        made_up=resolved(station.inspector.folder) == resolved(READY),
        settings=station.settings,
        max_files=station.max_files,
        samples=list(images),
        needs_token=needs_token,
    )

    @routes.get("/api/v1/inspector", response_model=InspectorAnswer, summary="The inspector's card")
    def inspector(request: Request) -> Response:
        """The inspector of this station: classes, networks, rule, verdict policy, limits; and whose token asks."""
        person = person_of(request.scope)
        if person is None:
            return json_answer(card)
        return json_answer(card.model_copy(update={"person": PersonAnswer(name=person.name, role=person.role)}))

    @routes.get(
        "/api/v1/samples/{name}",
        responses=_SAMPLE | refusals(404, 422),
        response_class=Response,
        summary="Sample image",
    )
    def sample(name: Text) -> Response:
        """An image of the sample, by a name that the card lists."""
        answer = images[name]() if name in images else None
        if answer is None:
            raise HTTPException(404, f"there is no sample {name[:80]!r}; the card lists those there are")
        return answer

    @routes.get("/healthz", response_model=Health, summary="Alive")
    async def alive() -> Response:
        """The process is running."""
        return json_answer(Health(status="alive"))

    checking, checked = asyncio.Lock(), -inf
    fault: UserError | None = None
    own_thread = CapacityLimiter(1)  # those of the requests may all wait for the database

    @routes.get("/readyz", response_model=Health, responses=refusals(503), summary="Ready")
    async def ready() -> Response:
        """The networks are loaded, and the station can write images and log."""
        nonlocal checked, fault
        # anyone may ask: one look at a time, which may take as long as a database, and no more often
        async with checking:
            if time.monotonic() > checked + _READY_SECONDS:
                fault = await to_thread.run_sync(_fault, station, limiter=own_thread)
                checked = time.monotonic()
        if fault is not None:
            raise fault.with_traceback(None)
        return json_answer(Health(status="ready"))

    @routes.get("/metrics", responses=_FIGURES, response_class=Response, summary="Metrics")
    def figures() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return routes


def _fault(station: Station) -> UserError | None:
    """Why results cannot be kept at present."""
    try:
        station.check()
    except UserError as error:
        return error
    return None
