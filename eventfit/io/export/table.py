"""Tidy tables, a scan for instance: one row per point, one column per quantity, as CSV or Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from eventfit.errors import InputError, OutOfRange, WriteFailed
from eventfit.io.parquet import pyarrow_or_refuse
from eventfit.quadrature import Array

__all__ = ["write_table"]


def write_table(path: str | Path, columns: Mapping[str, Array | Sequence[str] | Sequence[float]]) -> None:
    """Write ``columns`` of one length to a ``.csv`` or ``.parquet`` file; numbers keep all their digits.

    A number that is not finite is an empty cell, as it is null in JSON.

    Raises
    ------
    InputError
        Another ending.
    MissingExtra
        Parquet without pyarrow.
    OutOfRange
        Columns of different lengths.
    WriteFailed
        The file cannot be written.
    """
    path = Path(path)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise OutOfRange("columns have different lengths", where=str(path), given=lengths or "no columns")
    if path.suffix not in (".csv", ".parquet"):
        raise InputError("a table has no such format", where=str(path), given=path.suffix, allowed=".csv, .parquet")
    try:
        if path.suffix == ".csv":
            import pandas as pd

            table = pd.DataFrame({name: list(column) for name, column in columns.items()})
            path.write_text(table.replace([np.inf, -np.inf], np.nan).to_csv(index=False), encoding="utf-8")
        else:
            arrow = pyarrow_or_refuse(str(path))
            arrow.parquet.write_table(arrow.table({name: list(column) for name, column in columns.items()}), path)
    except OSError as trouble:
        raise WriteFailed("a file could not be written", where=str(path), given=trouble.strerror) from trouble
