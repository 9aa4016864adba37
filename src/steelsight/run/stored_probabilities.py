"""A classifier's stored probabilities: a table of exactly the columns that are written, and read only where it is one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steelsight.core.commands import command
from steelsight.core.errors import UserError

_COLUMNS = ["image_id", "probability"]


def write_probabilities(path: Path, image_ids: Sequence[str], probabilities: NDArray[np.float64]) -> None:
    """Write a row for each image."""
    pd.DataFrame({"image_id": image_ids, "probability": probabilities}).to_parquet(path, index=False)


def read_probabilities(path: Path, count: int) -> tuple[list[str], NDArray[np.float64]]:
    """The images of a table and their P(defect), float64 (count,).

    Raises:
        UserError: it is another table, or damaged.
    """
    again = f"delete {path} and train its job again with `{command('train', resume=True)}`"
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            if schema.names != _COLUMNS or not _is_text(schema.types[0]) or schema.types[1] != pa.float64():
                raise UserError(f"{path}: its columns are not image_id (text) and probability (float64); {again}")
            if rows != count:
                raise UserError(f"{path}: {rows} rows, but the fold has {count} images; {again}")
            table = file.read()
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"{path}: not a table of probabilities ({first}); {again}") from error
    said = np.asarray(table["probability"].to_numpy(), np.float64)
    if not ((said >= 0) & (said <= 1)).all():
        raise UserError(f"{path}: holds numbers that are no probabilities, so nothing can be decided; {again}")
    return [str(name) for name in table["image_id"].to_pylist()], said


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
