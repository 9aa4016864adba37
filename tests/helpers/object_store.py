"""What of Ray's object store packing needs, in this process."""

from typing import Any


class Store:
    """Values by the number under which they were put."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def put(self, value: Any) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def get(self, number: int) -> Any:
        return self.values[number]
