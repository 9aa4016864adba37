"""What a reader is here: valid inputs, and a door by which a damaged one is brought in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzzing.folders import Files, damaged_folder
from fuzzing.odd import Draw
from fuzzing.verbs import FailureError

ENCODINGS = ("utf-8", "ascii", "cp1252", "latin-1")
"""Of terminals and files that what is printed goes to."""


@dataclass(frozen=True)
class Reader:
    """One kind of input.

    Attributes:
        files: valid inputs, one of which is drawn and damaged.
        enter: gives the damaged folder to the reader and says whether it was accepted; raises what the reader lets through.
        only: ends of the names of files that are damaged; all where there are none.
        finish: what is done to a damaged folder before it is read, so that more than its check sums is tried.
    """

    name: str
    files: dict[str, Files]
    enter: Callable[[Draw, Path], bool]
    only: tuple[str, ...] = ()
    finish: Callable[[Draw, Path], None] = lambda _, __: None

    def damaged(self, draw: Draw) -> Files:
        return damaged_folder(draw, self.files[draw.one(list(self.files))], self.only)


def refuses(call: Callable[[], Any]) -> bool:
    """Whether a call of the library refuses, in the one way that is allowed."""
    from steelsight.core.errors import UserError

    try:
        call()
    except UserError as error:
        if not str(error).strip():
            raise FailureError("refused without a word") from error
        return True
    return False
