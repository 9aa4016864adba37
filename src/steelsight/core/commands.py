"""Command lines that a text shows to a person: a report, the README of an inspector, a sentence that says what to run next.

This is the one place below `cli/` that spells an option. A parameter of the function at hand is no command: a message
names it `name=`, in backticks, which is what a program reads; `cli/` prints its option instead.
"""

import shlex
from pathlib import Path


def command(verb: str, *arguments: str | Path, **options: str | float | Path | bool) -> str:
    """A command line of steelsight; True is for an option without a value, or whose value is left to the reader. An option
    that Python has as a word of its own ends with `_`.

    >>> command("train", "DATA", recipe="lite", out="run", skip_faulty=True)
    'steelsight train DATA --recipe lite --out run --skip-faulty'
    >>> command("log corrections", out="next", with_="DATA")
    'steelsight log corrections --out next --with DATA'
    """
    words = ["steelsight", verb, *(_word(argument) for argument in arguments)]
    for name, value in options.items():
        words.append(f"--{name.rstrip('_').replace('_', '-')}")
        if value is not True:
            words.append(_word(value))
    return " ".join(words)


def _word(value: str | float | Path) -> str:
    """Paths are quoted where a shell needs it; other words are ours, and may be a placeholder such as `a|b`."""
    return shlex.quote(str(value)) if isinstance(value, Path) else str(value)
