"""`steelsight score`."""


def score() -> None: ...
