"""What is wrong at the moment: said when it begins and when it is over, and not at every look."""

from collections.abc import Callable

_SHOWN = 10  # files in trouble at once that are named; a share without rights would name thousands


class ProblemLog:
    """Problems by what they concern, a file's name or another word.

    Args:
        tell: says a sentence to the user.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._now: dict[str, str] = {}
        self._files: set[str] = set()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._now) + len(self._files)

    @property
    def sentences(self) -> list[str]:
        """Those that concern all files."""
        return list(self._now.values())

    def begin(self, what: str, sentence: str) -> None:
        """Something is wrong, or still is."""
        if what not in self._now:
            self._tell(sentence)
        self._now[what] = sentence

    def end(self, what: str, sentence: str) -> bool:
        """It is in order, or still is; gives whether it was not."""
        was = self._now.pop(what, None) is not None
        if was:
            self._tell(sentence)
        return was

    def begin_file(self, name: str, sentence: str) -> None:
        """Something is wrong with one file."""
        if name in self._files:
            return
        self._files.add(name)
        if len(self._files) <= _SHOWN:
            self._tell(sentence)
        elif len(self._files) == _SHOWN + 1:
            self._tell("more files cannot be read at present")

    def end_file(self, name: str) -> None:
        """It is inspected, or gone."""
        self._files.discard(name)
