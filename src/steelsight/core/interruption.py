"""Ctrl-C, also where it arrives inside a lock of Python's own library."""

_GIVEN_BACK_TWICE = ("cannot release un-acquired lock", "release unlocked lock")  # of an RLock, of a Lock


def is_interruption(error: BaseException | None) -> bool:
    """Whether an error is Ctrl-C, or what Ctrl-C became.

    `threading.Condition.wait` gives its lock back before it sleeps. If Ctrl-C arrives between the two, leaving the block
    raises a RuntimeError, for the lock is given back twice; the KeyboardInterrupt remains as the context of that error.

    >>> try:
    ...     try:
    ...         raise KeyboardInterrupt
    ...     finally:
    ...         raise RuntimeError("cannot release un-acquired lock")
    ... except RuntimeError as error:
    ...     is_interruption(error)
    True
    >>> is_interruption(RuntimeError("something else"))
    False
    """
    if isinstance(error, RuntimeError) and str(error) in _GIVEN_BACK_TWICE:
        return is_interruption(error.__context__)
    return isinstance(error, KeyboardInterrupt)
