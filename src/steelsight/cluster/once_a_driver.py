"""What a worker makes once for all that one driver gives it to do."""

from collections.abc import Callable
from functools import wraps
from typing import Protocol, TypeVar

Made = TypeVar("Made")


class Orders(Protocol):
    """Orders of a driver, told apart by its token alone."""

    @property
    def token(self) -> str:
        """Of the driver."""


Given = TypeVar("Given", bound=Orders)


def once_a_driver(make: Callable[[Given], Made]) -> Callable[[Given], Made]:
    """Make something of orders the first time that a driver gives them, and keep it as long as the worker lives."""
    made: dict[str, Made] = {}

    @wraps(make)
    def kept(orders: Given) -> Made:
        if orders.token not in made:
            made[orders.token] = make(orders)
        return made[orders.token]

    return kept
