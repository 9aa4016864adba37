"""Images out of a multipart body, as it streams in: each takes its place in the queue before its content is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from steelsight.station.settings import StationSettings

FIELD = "files"
"""Name of the form's field."""

_LONGEST_NAME = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, eq=False)
class Upload:
    """A file as it was sent: a name to be shown, and its content."""

    name: str
    content: bytes


async def read_uploads(request: Request, settings: StationSettings, take_place: Callable[[], None]) -> list[Upload]:
    """The files of a request, in order; nothing is written to the disk.

    Args:
        settings: how many files, and how large.
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
    form = _Form(settings, take_place)
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

    def __init__(self, settings: StationSettings, take_place: Callable[[], None]) -> None:
        self.uploads: list[tuple[str, bytearray]] = []
        self.ended = False
        self._settings, self._take_place = settings, take_place
        self._header, self._value, self._disposition = b"", b"", b""

    @property
    def callbacks(self) -> dict[str, Callable[..., None]]:
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
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name != FIELD:
            raise HTTPException(422, f"the form has a field {name[:40]!r}; images are sent as {FIELD!r}, and nothing else")
        if b"filename" not in options:
            raise HTTPException(422, f"a part {FIELD!r} of the form is no file; send it with a file name")
        most = self._settings.max_files
        if len(self.uploads) == most:
            raise HTTPException(413, f"more than {most} images in one request; send them in several")
        if self.uploads:  # the first has one already
            self._take_place()
        self.uploads.append((shown_name(options[b"filename"]), bytearray()))

    def _add(self, data: bytes, start: int, end: int) -> None:
        (name, content), most = self.uploads[-1], self._settings.max_bytes
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


def shown_name(sent: bytes) -> str:
    """A file name as it is shown and logged: what is no text is replaced, and what no name needs is cut off. It may look
    like a path, and is never used as one.

    >>> shown_name(b"coil 7/strip\\x00.jpg"), shown_name(b"")
    ('coil 7/strip\ufffd.jpg', 'image')
    """
    return _CONTROL.sub("\ufffd", sent.decode("utf-8", "replace"))[-_LONGEST_NAME:] or "image"
