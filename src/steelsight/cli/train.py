"""`steelsight train`."""


def train() -> None: ...
