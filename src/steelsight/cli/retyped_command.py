"""The command that was typed, changed in a word or two: what to run next, or how an interrupted verb goes on."""

import shlex
import sys
from collections.abc import Sequence


def again(*, without: Sequence[str] = (), add: Sequence[str] = ()) -> str:
    """The command line that started this process, as a shell takes it.

    Args:
        without: options that are left out, each with its value where it ends with `=`.
        add: what is put behind it, if it is not there.

    >>> was, sys.argv = sys.argv, ["steelsight", "train", "my data", "--plan", "--only", "a:0", "--out=run"]
    >>> again(without=["--plan", "--only="], add=["--resume"])
    "steelsight train 'my data' --out=run --resume"
    >>> sys.argv = was
    """
    flags = {option for option in without if not option.endswith("=")}
    valued = {option.removesuffix("=") for option in without if option.endswith("=")}
    words: list[str] = []
    given = iter(sys.argv[1:])
    for word in given:
        if word in valued:
            next(given, None)
        elif word not in flags and word.partition("=")[0] not in valued:
            words.append(word)
    words += [word for word in add if word not in words]
    return " ".join(["steelsight", *map(shlex.quote, words)])
