"""Who may ask: this machine alone, or everyone with a token, as far as their role goes; pages of other origins never."""

import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steelsight.station.http.middleware.roles import least_role
from steelsight.station.people import Person, hash_of

TRUSTED = "steelsight.trusted"
"""Key of a request's scope: whether it carries the token. Without one, nobody is told where the station keeps things."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({"same-origin", "none"})
_GUARDED = ("/api", "/metrics")
_PERSON = "person"
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
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
_NAMES = frozenset(name for name, _ in _RAW_HEADERS)
_CACHE = (b"cache-control", b"no-store")


@dataclass(frozen=True)
class Access:
    """Who may use the station.

    Attributes:
        token: one for all, which every request to the API must carry, and with which one may do all.
        people: those who have a token of their own, each with a role. Without either no token is needed, and the station
            answers this machine alone.
    """

    token: str | None = None
    people: tuple[Person, ...] = ()

    @property
    def needs_token(self) -> bool:
        """Whether a request must carry one."""
        return self.token is not None or bool(self.people)

    def knows(self, token: str) -> bool:
        """Whether this is the one token for all."""
        return self.token is not None and hmac.compare_digest(token.encode("latin-1", "replace"), self.token.encode())

    def person(self, token: str) -> Person | None:
        """Whose token this is; None of nobody's."""
        sha256 = hash_of(token)
        return next((one for one in self.people if hmac.compare_digest(one.sha256, sha256)), None)


def person_of(scope: Scope) -> Person | None:
    """Who makes a request; None where there are no names."""
    person = scope.get("state", {}).get(_PERSON)
    return person if isinstance(person, Person) else None


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
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 403, or go on; security headers on every answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [one for one in message.get("headers", ()) if one[0] not in _NAMES]
                if not any(name == _CACHE[0] for name, _ in others):
                    others.append(_CACHE)
                message["headers"] = [*others, *_RAW_HEADERS]
            await send(message)

        headers = Headers(scope=scope)
        self._admit(scope, headers)
        refusal = self._refusal(scope, headers)
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "")
        if not self._access.needs_token and not is_loopback(_host_name(host)):
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
        if self._access.needs_token and scope["path"].startswith(_GUARDED):
            return _refuse_token(scope)
        return None

    def _admit(self, scope: Scope, headers: Headers) -> None:
        """Note in the scope whether a request carries a token, and whose."""
        token = _bearer(headers)
        person = self._access.person(token) if token else None
        if person is not None:
            scope.setdefault("state", {})[_PERSON] = person
        scope[TRUSTED] = person is not None or (bool(token) and self._access.knows(token))


def _refuse_token(scope: Scope) -> JSONResponse | None:
    """None of one who may."""
    if not scope[TRUSTED]:
        return _refuse(401, "this station needs its token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})
    person, least = person_of(scope), least_role(scope["method"], scope["path"])
    if person is not None and not person.may(least):
        return _refuse(403, f"this takes the role {least}, and {person.name} has the role {person.role}; ask an owner")
    return None


def _bearer(headers: Headers) -> str:
    """The token of a request, whose scheme may be written in any case; empty where there is none."""
    scheme, _, given = headers.get("authorization", "").strip().partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


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
