"""How a station is run: where it keeps things, how much it takes in, how long it keeps it."""

import socket
from pathlib import Path
from typing import Literal

from pydantic import Field
from sqlalchemy import URL

from steelsight.core.files import resolved
from steelsight.core.model import Model

KeepImages = Literal["all", "doubtful", "none"]
"""Which images and probability maps are stored: all, only those that did not pass, or none."""

LOG_NAME = "log.sqlite"
"""Of the log in the data folder."""


class StationSettings(Model):
    """Settings of a station, each an option of `steelsight serve` and, where it has a meaning there, `steelsight watch`.

    Attributes:
        data: folder of the log, the images and the maps.
        database: SQLAlchemy URL of the log; SQLite in `data` if left out.
        name: of the station, in the log; the machine's if left out.
        keep: see `KeepImages`.
        keep_days: age in days after which log entries, images and maps go; None: never. Reviewed ones stay.
        keep_gb: size of all stored images and maps in GB (1e9 bytes) beyond which the oldest go. Reviewed ones stay.
        queue: images that may wait or be in work; further ones are refused until there is room.
        max_bytes: of one file.
        max_pixels: of one image.
        max_files: of one request.
    """

    data: Path
    database: str | None = None
    name: str = Field(default_factory=socket.gethostname, min_length=1, max_length=100)
    keep: KeepImages = "all"
    keep_days: float | None = Field(default=None, gt=0, le=36_500)
    keep_gb: float = Field(default=20.0, gt=0)
    queue: int = Field(default=64, ge=1)
    max_bytes: int = Field(default=32_000_000, ge=1)
    max_pixels: int = Field(default=64_000_000, ge=1)
    max_files: int = Field(default=32, ge=1)

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the log."""
        if self.database:
            return self.database
        path = str(resolved(self.data / LOG_NAME))  # in which `%` and `?` may stand, which mean something in a URL
        return URL.create("sqlite", database=path).render_as_string()
