"""Parquet tables, where pyarrow is installed."""

from __future__ import annotations

from typing import Any

import numpy as np

from eventfit.errors import BadFile, MissingExtra
from eventfit.io.columns import Columns
from eventfit.io.source import MOST_NUMBERS, Source
from eventfit.quadrature import Array

__all__ = ["pyarrow_or_refuse", "read_parquet"]


def pyarrow_or_refuse(where: str) -> Any:
    """The library; :class:`MissingExtra` says how to install it."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra(
            "Parquet needs the library pyarrow, which is not installed",
            where=where,
            fix='python -m pip install "eventfit[parquet]", or use CSV or ROOT',
        ) from None
    return pyarrow


def read_parquet(source: Source) -> Columns:
    """The columns of a Parquet file, each read when asked for.

    Raises
    ------
    MissingExtra
        pyarrow is not installed.
    BadFile
        The file is damaged, or (when a column is asked for) a column does not hold one number per row.
    """
    arrow = pyarrow_or_refuse(source.where)
    try:
        with arrow.parquet.ParquetFile(source.path, memory_map=False) as file:
            names, rows = tuple(file.schema_arrow.names), file.metadata.num_rows
    except (OSError, ValueError, arrow.ArrowException) as trouble:
        raise _damaged(source, trouble) from trouble
    if not 0 < rows <= MOST_NUMBERS or len(set(names)) != len(names):
        raise BadFile(
            "a Parquet file has too many rows, none, or two columns of one name",
            where=source.where,
            given=f"{rows} rows, columns {', '.join(names)}"[:200],
            allowed=f"1 to {MOST_NUMBERS} rows",
        )

    def load(name: str) -> Array:
        try:
            with arrow.parquet.ParquetFile(source.path, memory_map=False) as file:
                column = file.read(columns=[name]).column(name)
        except (OSError, ValueError, KeyError, arrow.ArrowException) as trouble:
            raise _damaged(source, trouble) from trouble
        if not (arrow.types.is_integer(column.type) or arrow.types.is_floating(column.type)) or column.null_count:
            raise BadFile(
                "a column does not hold one number per row",
                where=f"{source.where}, column {name}",
                given=f"{column.type}, {column.null_count} rows without value",
                allowed="integers and floating-point numbers, no missing ones",
            )
        return np.asarray(column.to_numpy(), dtype=float)

    return Columns(source.where, names, load)


def _damaged(source: Source, trouble: Exception) -> BadFile:
    return BadFile(
        "the Parquet file is damaged",
        where=source.where,
        given=" ".join(str(trouble).split())[:200],
        fix="copy it again, or write it anew",
    )
