"""CSV and text tables, read with pandas: columns by the names of the header, or all cells as one grid of numbers.

Cells are separated by commas, semicolons, tabs or blanks, whichever the first row has; lines that begin with ``#`` are
comments. Without a header columns are called 1, 2 ..., or as the last comment before the numbers calls them.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from eventfit.errors import BadFile, OutOfRange
from eventfit.io.columns import Columns
from eventfit.io.source import MOST_BYTES, Source
from eventfit.quadrature import Array

__all__ = ["read_grid", "read_text"]

#: a column beyond the header, to see what overflows into it
BEYOND = "cells beyond the header"
#: control characters that no text has
BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class _Lines:
    """A text file taken apart: lines of cells with their numbers in the file, what separates cells, and the header."""

    where: str
    lines: list[str]
    numbers: list[int]
    separator: str
    header: tuple[str, ...]


def read_text(source: Source) -> Columns:
    """The columns of a text table.

    Raises
    ------
    BadFile
        It is not text in UTF-8, has no rows, or rows of different lengths; it is too large.
    OutOfRange
        (When a column is asked for) a cell that is not a number.
    """
    text = _taken_apart(source)
    table = _frame(text)

    def load(name: str) -> Array:
        return _numbers(table[name].to_numpy(dtype=object), text, name)

    return Columns(source.where, text.header, load)


def read_grid(source: Source) -> Array:
    """All cells of a table without header as numbers (n_row, n_column): a matrix."""
    text = _taken_apart(source)
    if not all(name.isdecimal() for name in text.header):
        raise BadFile(
            "a matrix has numbers only",
            where=source.where,
            given="a header: " + ", ".join(text.header)[:100],
            fix="remove it, or put # before it",
        )
    table = _frame(text)
    columns = [_numbers(table[name].to_numpy(dtype=object), text, name) for name in text.header]
    return np.stack(columns, axis=1)


def _taken_apart(source: Source) -> _Lines:
    if source.size > MOST_BYTES:
        raise BadFile(
            "the text file is too large",
            where=source.where,
            given=f"{source.size / 2**20:.0f} MiB",
            allowed=f"at most {MOST_BYTES // 2**20} MiB",
            fix="histogram it, or write it as a ROOT tree or Parquet",
        )
    try:
        content = source.path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        raise BadFile(
            "the file is not text in UTF-8", where=source.where, given=trouble.reason, fix="save it as UTF-8"
        ) from None
    if found := BINARY.search(content):
        raise BadFile("the file is not text", where=source.where, given=f"the character {found[0]!r}")
    every = [line.strip() for line in content.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    rows = [(number, line) for number, line in enumerate(every, 1) if line and not line.startswith("#")]
    if not rows:
        raise BadFile("the file has no rows", where=source.where, given=f"{len(every)} blank or comment lines")
    numbers, lines = [list(part) for part in zip(*rows, strict=True)]
    separator = next((mark for mark in ",;\t" if mark in lines[0]), " ")
    first = _cells(lines[0], separator)
    if all(NUMBER.fullmatch(cell) for cell in first):
        comment = next((line.lstrip("#") for line in reversed(every[: numbers[0] - 1]) if line), "")
        named = _cells(comment, separator)
        plain = [str(i + 1) for i in range(len(first))]
        header = named if len(named) == len(first) and all(named) else plain
    else:
        header, lines, numbers = first, lines[1:], numbers[1:]
    _check_header(header, source)
    if not lines:
        raise BadFile("the file has a header and no rows", where=source.where, given=", ".join(header)[:200])
    return _Lines(source.where, lines, numbers, separator, tuple(header))


def _cells(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]


def _check_header(header: list[str], source: Source) -> None:
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated or not all(header) or BEYOND in header:
        raise BadFile(
            "two columns have one name" if repeated else "a column has no name",
            where=f"{source.where}, header",
            given=", ".join(repeated) or ", ".join(map(repr, header))[:200],
            allowed="a different name for every column",
        )


def _frame(text: _Lines) -> Any:
    """A DataFrame of strings, a row per line; an extra column shows what is beyond the header."""
    import pandas as pd

    layout = {"sep": r"\s+"} if text.separator == " " else {"sep": text.separator, "skipinitialspace": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.StringIO("\n".join(text.lines)),
                header=None,
                names=[*text.header, BEYOND],
                index_col=False,
                dtype=str,
                keep_default_na=False,
                na_values=[],
                **layout,
            )
    except (ValueError, OverflowError, pd.errors.ParserWarning) as trouble:  # pandas' own errors are ValueErrors
        raise _ragged(text, " ".join(str(trouble).split())[:200]) from None
    if len(table) != len(text.lines):
        raise _ragged(text, "a quoted cell goes on in the next line")
    beyond = table[BEYOND].fillna("").to_numpy(dtype=object) != ""
    if beyond.any():
        raise _ragged(text, f"line {text.numbers[int(np.argmax(beyond))]} has more")
    return table


def _ragged(text: _Lines, given: str) -> BadFile:
    return BadFile(
        "rows have different numbers of cells",
        where=text.where,
        given=given,
        allowed=f"{len(text.header)} cells in every row: {', '.join(text.header)[:200]}",
    )


def _numbers(cells: np.ndarray, text: _Lines, name: str) -> Array:
    """``cells`` as numbers, NaN and infinity among them if they are written so."""
    try:
        if not any("_" in cell for cell in cells):  # Python reads 1_000 as a number
            return cells.astype(float)
    except (TypeError, ValueError):
        pass
    row = next(i for i, cell in enumerate(cells) if not (isinstance(cell, str) and NUMBER.fullmatch(cell.strip())))
    cell = cells[row]
    empty = not isinstance(cell, str) or not cell.strip()
    decimal = not empty and re.fullmatch(r"[+-]?\d+,\d+", cell)
    raise OutOfRange(
        "a cell is empty" if empty else "a cell is not a number",
        where=f"{text.where}, line {text.numbers[row]}, column {name}",
        given="nothing" if empty else repr(cell)[:80],
        allowed="a number such as 1.5 or 2e-11",
        fix="write decimals with a point" if decimal else "",
    )
