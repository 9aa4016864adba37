"""Images out of a multipart body, as it streams in: each takes its place in the queue before its content is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from steelsight.station.queue.incoming import Incoming

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "files"
"""Name of the form's field."""
_QUOTED = re.compile(rb'"(?:\\.?|[^"\\])*(?:"|$)')  # which never fails, so that no header takes long
_EXTENDED = re.compile(rb";\s*filename\*\s*=\s*utf-8'[^';]*'([^;\s]+)", re.IGNORECASE)
"""A name as RFC 8187 has it. Forms should hold none (RFC 7578), but some programs state those beyond ASCII so, as .NET's,
which writes in `filename` what nobody should read."""


@dataclass(frozen=True, eq=False)
class Upload:
    """A file as it was sent: a name to be shown, and its content."""

    name: str
    content: bytes


async def read_uploads(
    request: Request, max_bytes: int, max_files: int, take_place: Callable[[], None]
) -> list[Upload]:
    """The files of a request, in order; nothing is written to the disk.

    Args:
        max_bytes: of one file.
        max_files: of the request.
        take_place: called as each file but the first begins; may refuse by an exception.

    Raises:
        HTTPException: 413 too many or too large, 415 not multipart, 422 malformed, or without a file.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise HTTPException(415, f"images are sent as multipart/form-data, in a field {FIELD!r}")
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 200:
        raise HTTPException(422, "the Content-Type names no boundary of the form's parts; let a library write the form")
    form = _Form(max_bytes, max_files, take_place)
    try:
        parser = MultipartParser(boundary, form.callbacks)
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise HTTPException(422, "the form is malformed; let a library write it") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the connection ended within the form") from error
    if not form.ended:
        raise HTTPException(422, "the form breaks off; send it again")
    if not form.uploads:
        raise HTTPException(422, f"the form holds no image; send at least one as {FIELD!r}")
    return form.take()


class _Form:
    """What the parser of the form calls back."""

    def __init__(self, max_bytes: int, max_files: int, take_place: Callable[[], None]) -> None:
        self.uploads: list[tuple[str, bytearray]] = []
        self.ended = False
        self._max_bytes, self._max_files, self._take_place = max_bytes, max_files, take_place
        self._header, self._value, self._disposition = b"", b"", b""

    @property
    def callbacks(self) -> "MultipartCallbacks":
        """By the parser's names."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_to_header,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._add,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._disposition = b""

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        key = options.get(b"name", b"").decode("utf-8", "replace")
        if key != FIELD:
            raise HTTPException(
                422, f"the form has a field {key[:40]!r}; images are sent as {FIELD!r}, and nothing else"
            )
        extended = _EXTENDED.search(_QUOTED.sub(b"", self._disposition))
        stated = options.get(b"filename") if extended is None else unquote_to_bytes(extended[1])
        if stated is None:
            raise HTTPException(422, f"a part {FIELD!r} of the form is no file; send it with a file name")
        most = self._max_files
        if len(self.uploads) == most:
            raise HTTPException(413, f"more than {most} images in one request; send them in several")
        if self.uploads:  # the first has one already
            self._take_place()
        name = Incoming(stated.decode("utf-8", "replace"), b"", "http").shown_name
        self.uploads.append((name or "image", bytearray()))

    def _add(self, data: bytes, start: int, end: int) -> None:
        (name, content), most = self.uploads[-1], self._max_bytes
        if len(content) + end - start > most:
            raise HTTPException(413, f"{name}: larger than {most} bytes, the most that one image may have")
        content += data[start:end]

    def _end(self) -> None:
        self.ended = True

    def take(self) -> list[Upload]:
        """The files; they are gone from here, so that only one at a time is held twice."""
        self.uploads.reverse()
        return [Upload(name, bytes(content)) for name, content in iter(self._pop, None)]

    def _pop(self) -> tuple[str, bytearray] | None:
        return self.uploads.pop() if self.uploads else None
