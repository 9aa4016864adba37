"""HEAD, which monitors ask with: what GET answers, without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_IS_HEAD = "steelsight.is_head"


def asks_for_head(scope: Scope) -> bool:
    """Whether a request to a route of GET is one for its head alone: then no more needs to be done than to know that."""
    return bool(scope.get(_IS_HEAD))


class Head:
    """ASGI middleware: routes, and their description, speak of GET alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; HEAD as GET, whose answer ends with its head."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        asked, ended = {**scope, "method": "GET", _IS_HEAD: True}, False

        async def send_head(message: Message) -> None:
            nonlocal ended
            if ended:
                return
            if message["type"] == "http.response.body":
                ended, message = True, {"type": "http.response.body", "body": b""}
            await send(message)

        try:
            await self._app(asked, receive, send_head)
        finally:  # the count of requests needs the route
            scope["route"] = asked.get("route")
