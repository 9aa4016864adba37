"""`steelsight decide`."""


def decide() -> None: ...
