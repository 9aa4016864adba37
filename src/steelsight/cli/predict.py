"""`steelsight predict`."""


def predict() -> None: ...
