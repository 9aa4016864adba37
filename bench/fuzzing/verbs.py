"""The command line in this process, on a terminal of any encoding: what a user sees of one call."""

import io
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from steelsight.cli.main import main

DONE, REFUSED = (0, 3), (2,)
"""Exit statuses that are documented: done (3: not all of it), and wrong input."""


class FailureError(Exception):
    """What must never happen; the first line says what."""


def verb(*words: str | Path, encoding: str = "utf-8", stdin: bytes = b"") -> bool:
    """Run `steelsight WORDS`; whether it was done, rather than refused.

    Raises:
        FailureError: another exit status, or a traceback in what was printed.
        Exception: what the verb let through.
    """
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)
    errors = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)
    with _as_process([str(word) for word in words], out, errors, stdin):
        try:
            main()
            status: object = 0
        except SystemExit as ending:
            status = ending.code or 0
    said = out.buffer.getvalue() + errors.buffer.getvalue()
    if b"Traceback (most recent call last)" in said:
        raise FailureError(f"a traceback was printed: {said[-400:].decode(encoding, 'replace')}")
    if status not in (*DONE, *REFUSED):
        raise FailureError(f"exit status {status}: {said[-400:].decode(encoding, 'replace')}")
    if status in REFUSED and not said.strip():
        raise FailureError("refused without a word")
    return status in DONE


@contextmanager
def _as_process(words: Sequence[str], out: io.TextIOWrapper, errors: io.TextIOWrapper, stdin: bytes) -> Iterator[None]:
    before = sys.argv, sys.stdout, sys.stderr, sys.stdin, threading.excepthook
    sys.argv, sys.stdout, sys.stderr = ["steelsight", *words], out, errors
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
    threading.excepthook = threading.__excepthook__
    try:
        yield
    finally:
        sys.argv, sys.stdout, sys.stderr, sys.stdin, threading.excepthook = before
