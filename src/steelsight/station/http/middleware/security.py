"""Who may ask: this machine alone, or everyone with the token; pages of other origins never."""

import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRUSTED = "steelsight.trusted"
"""Key of a request's scope: whether it carries the token. Without one, nobody is told where the station keeps things."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({"same-origin", "none"})
_GUARDED = ("/api", "/metrics")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Access:
    """Who may use the station.

    Attributes:
        token: which every request to the API must carry; None: none is needed, and the station answers this machine alone.
    """

    token: str | None = None


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own, which no other can reach.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "mill.example")]
    [True, True, True, False, False]
    """
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Guard:
    """ASGI middleware: refuses whom `Access` does not admit, before anything of the request's body is read."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._token = None if access.token is None else access.token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 403, or go on; security headers on every answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        scope[TRUSTED] = self._token is not None and hmac.compare_digest(_bearer(Headers(scope=scope)), self._token)
        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._token is None and not is_loopback(_host_name(host)):
            return _refuse(
                403,
                f"this station answers this machine alone, not under the name {host[:100]!r}; start it with a token to "
                "reach it by another name",
            )
        is_page = scope["method"] in _SAFE_METHODS and (scope["path"] == "/" or scope["path"].startswith("/static/"))
        if not is_page and not _is_own_page(headers, host):
            return _refuse(
                403, "a page of another origin may not send or ask for this; use the station's own page, or a program"
            )
        if self._token is not None and scope["path"].startswith(_GUARDED) and not scope[TRUSTED]:
            return _refuse(
                401, "this station needs its token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
            )
        return None


def _bearer(headers: Headers) -> bytes:
    """The token of a request, whose scheme may be written in any case; empty where there is none."""
    scheme, _, given = headers.get("authorization", "").strip().partition(" ")
    return given.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""


def _host_name(host: str) -> str:
    """Host of a Host header, without the port; empty for one that is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_own_page(headers: Headers, host: str) -> bool:
    """Browsers say where a request comes from; programs do not."""
    if headers.get("sec-fetch-site", "none") not in _OWN_SITE:
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False


def _refuse(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status, headers)
