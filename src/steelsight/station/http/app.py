"""The station as an ASGI application: the page at /, the interface below /api/v1."""

from os import stat_result
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from steelsight.station.http.errors import LastResort, explain_faults
from steelsight.station.http.metrics import Metrics, RequestMetrics
from steelsight.station.http.middleware.answers import AnswerLimit
from steelsight.station.http.middleware.head import Head
from steelsight.station.http.middleware.limits import BodyLimit, body_limits
from steelsight.station.http.middleware.security import Access, Guard
from steelsight.station.http.routes.audit import audit_routes
from steelsight.station.http.routes.exporting import exporting_routes
from steelsight.station.http.routes.inspecting import PATH, inspecting_routes
from steelsight.station.http.routes.inspector import card_routes
from steelsight.station.http.routes.reviewing import reviewing_routes
from steelsight.station.http.routes.statistics import statistics_routes
from steelsight.station.http.routes.viewing import viewing_routes
from steelsight.station.http.watched_images import WatchedImages
from steelsight.station.station import Station
from steelsight.version import __version__

PAGE = Path(__file__).resolve().parents[1] / "page"
"""The files of the page."""

LOOPBACK = Access()


def create_app(station: Station, access: Access = LOOPBACK, samples: Path | None = None) -> FastAPI:
    """The application of an open station, which it does not close.

    Args:
        access: who may use it.
        samples: folder of images that the page offers to try; None: strips that the project draws.
    """
    metrics = Metrics(
        lambda: station.accepted, station.store.size, station.store.aside.count, WatchedImages(station).take
    )
    # the usual pages of the description load their scripts from elsewhere
    app = FastAPI(title="steelsight station", version=__version__, docs_url=None, redoc_url=None)
    explain_faults(app)
    app.include_router(card_routes(station, metrics, samples, access.needs_token))
    short_way, described = inspecting_routes(station, metrics)
    app.include_router(described)
    app.include_router(viewing_routes(station))
    app.include_router(reviewing_routes(station))
    app.include_router(statistics_routes(station))
    app.include_router(exporting_routes(station))
    app.include_router(audit_routes(station))
    page = _PageFiles(directory=PAGE)
    app.mount("/static", page)

    @app.get("/", include_in_schema=False)
    async def index(request: Request) -> Response:
        return await page.get_response("index.html", request.scope)

    app.router.routes.insert(0, short_way)
    # the last one added is the outermost
    app.add_middleware(Head)
    app.add_middleware(LastResort)
    app.add_middleware(AnswerLimit, is_idle=lambda: not station.accepted)
    app.add_middleware(Guard, access=access)
    app.add_middleware(BodyLimit, limit_of=body_limits(PATH, station.settings.max_bytes, station.max_files))
    app.add_middleware(RequestMetrics, metrics=metrics)
    return app


class _PageFiles(StaticFiles):
    """Files that a browser asks about each time, so that a new version is seen at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response

    def lookup_path(self, path: str) -> tuple[str, stat_result | None]:
        try:
            return super().lookup_path(path)
        except ValueError:  # a NUL, which Starlette before 1.0 does not expect
            return "", None
