"""The body of a review: read in bounds, and taken apart only where it cannot become much more than it was."""

import asyncio
from contextlib import AsyncExitStack

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from steelsight.station.http.schemas import ReviewRequest

_LARGE = 1_000_000
"""Bytes beyond which a body takes a place: what it becomes takes many times as much memory."""
_MARKS = b"[{,"
_MOST_MARKS = 20_000  # an object in memory for each; the longest comment, of commas alone, has half as many


async def read_review(request: Request, places: asyncio.Semaphore, stack: AsyncExitStack) -> bytearray:
    """A review's body, as it was sent.

    Args:
        places: for large ones; it holds one until `stack` ends.

    Raises:
        HTTPException: 415 not JSON, 429 large while no place is free, 400 the connection ended.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "a review is sent as application/json")
    body = bytearray()
    try:
        async for part in request.stream():
            if len(body) <= _LARGE < len(body) + len(part):
                if places.locked():
                    raise HTTPException(
                        429, "other large reviews are being read; send it again in 5 s", {"Retry-After": "5"}
                    )
                await stack.enter_async_context(places)
            body += part
    except ClientDisconnect as error:
        raise HTTPException(400, "the connection ended within the review") from error
    return body


def take_apart(body: bytearray) -> ReviewRequest:
    """The review of a body.

    Raises:
        HTTPException: 422 it has too many parts for a review.
        RequestValidationError: it is none.
    """
    if sum(body.count(mark) for mark in _MARKS) > _MOST_MARKS:
        raise HTTPException(422, f"the body has more than {_MOST_MARKS} parts, and is no review")
    try:
        return ReviewRequest.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in faults]) from None
