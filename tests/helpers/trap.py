"""What a stranger would put into a file: an object that acts when it is unpickled."""

from pathlib import Path
from typing import Any


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> Any:
        return Path.touch, (self.sprung,)
