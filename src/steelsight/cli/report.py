"""`steelsight report`."""


def report() -> None: ...
