"""Answers as they go out."""

import asyncio
from collections.abc import Callable

from fastapi import Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from steelsight.station.http.middleware.answers import room

_REVALIDATE = "private, no-cache"


def json_answer(model: BaseModel) -> Response:
    """A model as JSON; it was checked when it was made, and is not checked again."""
    return Response(model.model_dump_json(by_alias=True), media_type="application/json")


async def picture(
    request: Request, tag: str, make: Callable[[], tuple[bytes, str]], turns: asyncio.Semaphore
) -> Response:
    """A picture, or 304 where the browser has it already.

    Args:
        tag: differs wherever the picture does.
        make: its content and media type.
        turns: of which making it takes one.

    Raises:
        HTTPException: 503, so much is on its way to clients that none can be held beside it.
    """
    quoted = f'"{tag}"'
    headers = {"ETag": quoted, "Cache-Control": _REVALIDATE}
    if quoted in [one.strip() for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    await room(request)
    async with turns:
        await room(request)  # others may have been faster
        content, media_type = await run_in_threadpool(make)
    return Response(content, headers=headers, media_type=media_type)
