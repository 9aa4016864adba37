"""Inspections, one by one and in lists, and their pictures."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from steelsight.imaging.rle import format_runs
from steelsight.station.http.errors import Responses, refusals
from steelsight.station.http.middleware.answers import room
from steelsight.station.http.params import ClassNumber, HistoryPage, InspectionId, Version
from steelsight.station.http.pictures import browser_image, mask_png, overlay_png, write_png
from steelsight.station.http.responses import json_answer, picture
from steelsight.station.http.schemas import HistoryAnswer, InspectionAnswer, RegionOfInterestAnswer
from steelsight.station.http.to_schema import inspection_answer, summary_answer
from steelsight.station.inspection import Inspection
from steelsight.station.station import Station

_MADE_AT_ONCE = 2
"""Pictures and regions: that of a very large image takes half a gigabyte while it is made, and a page asks for many."""

_PICTURE: Responses = {
    200: {"content": {"image/png": {}}, "description": "The picture."},
    304: {"description": "Not changed."},
}
_IMAGE: Responses = {
    200: {"content": {"image/png": {}, "image/jpeg": {}}, "description": "The image."},
    304: _PICTURE[304],
}


def viewing_routes(station: Station) -> APIRouter:
    """Routes below `inspections` that only read."""
    routes = APIRouter(prefix="/api/v1/inspections")
    turns = asyncio.Semaphore(_MADE_AT_ONCE)

    @routes.get("", response_model=HistoryAnswer, responses=refusals(422, 503), summary="History")
    def history(filters: Annotated[HistoryPage, Query()]) -> Response:
        """Inspections that match all filters, a page at a time."""
        found = station.log.find(filters.query())
        return json_answer(
            HistoryAnswer(inspections=[summary_answer(one) for one in found.inspections], next=found.next)
        )

    @routes.get("/{id}", response_model=InspectionAnswer, responses=refusals(404, 422, 503), summary="One inspection")
    def inspection(id: InspectionId) -> Response:
        """An inspection with its regions as polygons and its masks as run lengths."""
        return json_answer(inspection_answer(find_inspection(station, id)))

    @routes.get("/{id}/image", responses=_IMAGE | refusals(404, 422, 503), response_class=Response, summary="The image")
    async def image(request: Request, id: InspectionId) -> Response:
        """The image as a browser can show it."""
        found = await run_in_threadpool(find_inspection, station, id)
        return await picture(
            request, f"image-{found.result.sha256}", lambda: browser_image(station.image_of(found)), turns
        )

    @routes.get("/{id}/mask.png", responses=_PICTURE | refusals(404, 422, 503), response_class=Response, summary="Mask")
    async def mask(request: Request, id: InspectionId, review: Version | None = None) -> Response:
        """The mask as a PNG: 0 for no defect, else the number of the class. `review` names a reviewer's version."""
        found = await run_in_threadpool(find_inspection, station, id)
        runs, size = found.result.runs, found.result.size
        if review is not None:
            versions = await run_in_threadpool(station.log.reviews, id)
            said = next((one for one in versions if one.version == review), None)
            if said is None:
                raise HTTPException(404, f"inspection {id} has no review {review}")
            runs = said.runs
        if size is None:
            raise HTTPException(404, f"inspection {id}: the image could not be read, so it has no mask")
        return await picture(
            request, _tag("mask", found, review or 0), lambda: (mask_png(runs, size), "image/png"), turns
        )

    @routes.get(
        "/{id}/overlay.png", responses=_PICTURE | refusals(404, 422, 503), response_class=Response, summary="Overlay"
    )
    async def overlay(request: Request, id: InspectionId) -> Response:
        """The image with found defects outlined, suspected places in dashes, and the verdict below."""
        found = await run_in_threadpool(find_inspection, station, id)
        return await picture(
            request,
            _tag("overlay", found),
            lambda: (overlay_png(found, station.image_of(found), station.region_of(found)), "image/png"),
            turns,
        )

    @routes.get(
        "/{id}/region",
        response_model=RegionOfInterestAnswer,
        responses=refusals(404, 422, 503),
        summary="Region of interest",
    )
    async def region(request: Request, id: InspectionId) -> Response:
        """The pixels of the image that count, where this station's inspector has a region of interest and judged it."""
        found = await run_in_threadpool(find_inspection, station, id)
        await room(request)
        async with turns:  # it is found in the image, which is decoded for it
            counted = await run_in_threadpool(station.region_of, found)
        if counted is None:
            raise HTTPException(404, f"inspection {id}: this station's inspector has no region of interest for it")
        return json_answer(RegionOfInterestAnswer(runs=format_runs(counted)))

    @routes.get(
        "/{id}/maps/{number}.png",
        responses=_PICTURE | refusals(404, 422, 503),
        response_class=Response,
        summary="Probability map",
    )
    async def probability_map(request: Request, id: InspectionId, number: ClassNumber) -> Response:
        """Probability times 255 of the class with this number, at the image's own size: exactly what the rule cut."""
        found = await run_in_threadpool(find_inspection, station, id)
        if number > len(found.classes):
            raise HTTPException(404, f"there is no class {number}: they count from 1 to {len(found.classes)}")
        return await picture(
            request,
            _tag(f"map{number}", found),
            lambda: (write_png(station.map_of(found, number - 1)), "image/png"),
            turns,
        )

    return routes


def find_inspection(station: Station, number: int) -> Inspection:
    """An inspection by its number.

    Raises:
        HTTPException: 404 there is none.
    """
    found = station.log.get(number)
    if found is None:
        raise HTTPException(404, f"there is no inspection {number}; it may have been removed")
    return found


def _tag(what: str, inspection: Inspection, version: int = 0) -> str:
    """What a picture depends on; numbers alone would not do, since a new log begins again at 1."""
    result = inspection.result
    return f"{what}-{inspection.id}-{version}-{result.sha256[:24]}-{result.inspector[:24]}-{result.at.timestamp()}"
