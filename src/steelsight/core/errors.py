"""The errors a user sees: one clear sentence each, exit status 2, no traceback."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Wrong use or wrong input: the message names the file, the value, the rule and the mend.

    A parameter of the caller's is named "`out=`", or with its value "`device=cuda`": a program reads it so, and the command
    line prints the option in its place (`steelsight.cli.output.with_options`).
    """


def nearest(wrong: str, right: Iterable[str]) -> str:
    """Say which of the right words a wrong one resembles, or list them when none is near.

    >>> nearest("epochz", ["epochs", "batch"])
    "did you mean 'epochs'?"
    >>> nearest("x", ["b", "a"])
    'it must be one of: a, b'
    """
    words = list(right)
    close = difflib.get_close_matches(wrong, words, n=1)
    return f"did you mean {close[0]!r}?" if close else f"it must be one of: {', '.join(sorted(words))}"
