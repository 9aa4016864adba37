"""A job's `log.jsonl` read back: one row per epoch, whatever the step."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steelsight.core.errors import UserError
from steelsight.core.parsing import parse_json

CLASS_DICE = "valid_dice_per_class"
"""Key of the soft Dice of each class on the fold's images that show it."""


@dataclass(frozen=True)
class JobLog:
    """The epochs of one job, in order.

    Attributes:
        rows: one dict per epoch, as training wrote them.
    """

    rows: tuple[dict[str, Any], ...]

    @property
    def epochs(self) -> tuple[int, ...]:
        return tuple(int(row["epoch"]) for row in self.rows)

    @property
    def is_segmenter(self) -> bool:
        return any("valid_dice_batch" in row or "train_dice_batch" in row for row in self.rows)

    @property
    def seconds(self) -> float:
        """Time of all epochs together."""
        return math.fsum(self.curve("seconds", missing=0.0))

    def curve(self, key: str, *, missing: float = math.nan) -> tuple[float, ...]:
        """The figure `key` of every epoch; `missing` where an epoch has none."""
        return tuple(_number(row.get(key), missing) for row in self.rows)

    def class_curves(self, key: str) -> tuple[tuple[float, ...], ...]:
        """One curve per class from a key that holds a list; empty when no epoch has it."""
        count = max((len(row[key]) for row in self.rows if isinstance(row.get(key), list)), default=0)
        return tuple(tuple(_at(row.get(key), index) for row in self.rows) for index in range(count))

    def last_of_classes(self, key: str) -> tuple[float | None, ...]:
        """The values of the last epoch that has a list under `key`, None for a class without one; empty when none has it."""
        last: list[Any] = next((row[key] for row in reversed(self.rows) if isinstance(row.get(key), list)), [])
        return tuple(None if math.isnan(value) else value for value in (_number(one, math.nan) for one in last))

    def phase_starts(self) -> tuple[int, ...]:
        """Epochs at which a phase after the first begins."""
        return tuple(
            int(row["epoch"])
            for before, row in zip(self.rows, self.rows[1:], strict=False)
            if row.get("phase") != before.get("phase")
        )


def read_log(path: Path) -> JobLog:
    """Read a `log.jsonl`; a last line that a killed run left half-written is left out.

    Raises:
        UserError: the file is missing, or a line before the last is no epoch.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; a job writes it from its first epoch on")
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if line.strip()]
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            row = parse_json(line)
            if not isinstance(row, dict) or type(row.get("epoch")) is not int:
                raise ValueError
            rows.append(row)
        except ValueError:
            if number == len(lines):
                break
            raise UserError(
                f"{path}, line {number}: not the JSON object of an epoch; remove the job's folder and train it again"
            ) from None
    return JobLog(tuple(rows))


def _at(values: Any, index: int) -> float:
    return _number(values[index], math.nan) if isinstance(values, list) and index < len(values) else math.nan


def _number(value: Any, missing: float) -> float:
    return float(value) if type(value) in (int, float) else missing
