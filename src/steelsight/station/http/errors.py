"""Refusals and failures, each as one sentence of JSON; nothing of the program's inside is shown."""

import logging
from asyncio import CancelledError
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from weakref import WeakSet

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steelsight.core.errors import UserError
from steelsight.core.model import explain
from steelsight.imaging.read import ImageError, TooManyPixels
from steelsight.station.http.middleware.security import TRUSTED
from steelsight.station.http.schemas import ErrorAnswer
from steelsight.station.station import Closed, NotStored, QueueFull

log = logging.getLogger("steelsight.station")

_WORDS = {
    400: "the request is malformed",
    401: "the station's token is missing or wrong",
    403: "the request comes from a place that is not allowed",
    404: "not found here",
    405: "this address does not take this method",
    408: "the request came too slowly",
    409: "somebody else changed it first",
    413: "the request is too large",
    415: "the request is of the wrong type",
    422: "a value is not allowed",
    429: "the queue, or the place for large reviews, is full: ask again after the seconds in Retry-After",
    503: "the log or the disk refuses",
}

_UNTOLD = (
    "the station cannot keep or read results at present; its own output says why, and so does this with a token, where the "
    "station has one"
)

Responses = dict[int | str, dict[str, Any]]
"""What a route may answer, by status, for the OpenAPI description."""


def refusals(*statuses: int) -> Responses:
    """What a route may answer beside its result, for the OpenAPI description."""
    return {status: {"model": ErrorAnswer, "description": _WORDS[status]} for status in statuses}


def explain_faults(app: FastAPI) -> None:
    """Register how an application answers to what goes wrong."""

    @app.exception_handler(HTTPException)
    async def _refused(request: Request, error: HTTPException) -> JSONResponse:
        plain = error.detail == HTTPStatus(error.status_code).phrase  # the framework's own, which says less
        said = _WORDS.get(error.status_code, error.detail) if plain else error.detail
        if error.status_code == 405:  # the framework names the methods of the first route alone
            return fault(405, said, {"Allow": ", ".join(_methods(app, request.scope))})
        return fault(error.status_code, said, error.headers)

    @app.exception_handler(RequestValidationError)
    async def _does_not_fit(_: Request, error: RequestValidationError) -> JSONResponse:
        return fault(422, explain(error, place=lambda location: " ".join(map(str, location))))

    @app.exception_handler(TooManyPixels)
    async def _too_large(_: Request, error: TooManyPixels) -> JSONResponse:
        return fault(413, str(error))

    @app.exception_handler(ImageError)
    async def _no_image(_: Request, error: ImageError) -> JSONResponse:
        return fault(422, str(error))

    @app.exception_handler(NotStored)
    async def _not_stored(_: Request, error: NotStored) -> JSONResponse:
        return fault(404, str(error))

    @app.exception_handler(QueueFull)
    async def _full(_: Request, error: QueueFull) -> JSONResponse:
        return fault(429, str(error), {"Retry-After": str(error.retry_after)})

    told = WeakSet[UserError]()

    @app.exception_handler(UserError)
    async def _unable(request: Request, error: UserError) -> JSONResponse:
        if isinstance(error, Closed):
            return fault(503, str(error), {"Retry-After": "10"})
        if error not in told:  # `/readyz` gives everyone the fault of its last look, and strangers write no log
            told.add(error)
            log.error("%s", error)
        said = str(error) if request.scope.get(TRUSTED) else _UNTOLD
        return fault(503, said, {"Retry-After": "10"})


def _methods(app: FastAPI, scope: Scope) -> list[str]:
    """The methods that some route takes at an address; files, which are mounted and not routes, can only be read."""
    asked = {
        **scope,
        "root_path": scope.get("app_root_path", scope["root_path"]),
    }  # as it was outside the mounted files
    found = {
        method
        for route in app.routes
        for method in (("GET",) if isinstance(route, Mount) else ("DELETE", "GET", "PATCH", "POST", "PUT"))
        if route.matches({**asked, "method": method})[0] is Match.FULL
    }
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def fault(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A refusal: text that is no text is replaced, since a request may hold halves of characters."""
    said = detail.encode("utf-8", "replace").decode("utf-8")
    return JSONResponse({"detail": said}, status, dict(headers) if headers else None)


class LastResort:
    """ASGI middleware: what nobody foresaw gets 500 and a line in the log of the program, with its traceback; what a stop
    cuts off gets a line alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except CancelledError:  # the server ends with the task, and would show the whole way to it
            log.warning("%s %r was cut, since the station stops", scope.get("method"), scope.get("path"))
        except Exception:
            log.exception("%s %r failed", scope.get("method"), scope.get("path"))
            if started or scope["type"] != "http":
                raise
            await fault(500, "the station failed at this request; its log says why")(scope, receive, send)
