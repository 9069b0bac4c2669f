"""Tables of named columns, whatever their file, and what a few named columns make: histograms, curves, matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from eventfit.errors import OutOfRange, UnknownName, did_you_mean
from eventfit.io.measured import Curve, Events, Histogram, Matrix
from eventfit.io.measured.axis_unit import unit_in
from eventfit.io.measured.checks import checked_numbers
from eventfit.io.source import listed
from eventfit.quadrature import Array

__all__ = ["BinColumns", "Columns", "CurveColumns", "MatrixColumns"]

#: centres of bins are evenly spaced if their distances agree to this
EVEN = 1e-6


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of a table: their names, and each as numbers (n,) when asked for."""

    where: str
    names: tuple[str, ...]
    load: Callable[[str], Array]
    _read: dict[str, Array] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Array:
        """One column; :class:`UnknownName` lists what there is, :class:`OutOfRange` names a NaN."""
        if name not in self.names:
            raise UnknownName(
                "there is no such column",
                where=self.where,
                given=name,
                allowed=listed(list(self.names)),
                fix=did_you_mean(name, self.names) or "columns go by their exact names, units included",
            )
        if name not in self._read:
            self._read[name] = checked_numbers(self.load(name), f"{self.where}, column {name}", "values")
        return self._read[name]

    def events(self, names: Sequence[str]) -> Events:
        """The columns ``names`` as events."""
        return Events({name: self[name] for name in names}, self.where)


@dataclass(frozen=True)
class BinColumns:
    """Names of the columns that make a histogram: contents, and bins by both edges or by centres evenly apart.

    ``error`` is symmetric; ``error_low`` and ``error_high`` are distances from the value, both positive.
    """

    value: str
    low: str = ""
    high: str = ""
    centre: str = ""
    error: str = ""
    error_low: str = ""
    error_high: str = ""

    def histogram(self, table: Columns, *, edges: Array | None = None) -> Histogram:
        """The histogram of these columns of ``table``; with ``edges`` (n + 1,) the file need not hold bins.

        Raises
        ------
        OutOfRange
            Bins with gaps or overlaps, in the wrong order, or of a wrong number.
        """
        found = self._edges(table, edges)
        axis = self.low or self.centre
        return Histogram(
            found,
            checked_numbers(table[self.value], f"{table.where}, column {self.value}", "contents", len(found) - 1),
            _errors(table, self.error, self.error_low, self.error_high),
            name=self.value,
            label=axis,
            unit=unit_in(axis),
            where=f"{table.where}, column {self.value}",
        )

    def _edges(self, table: Columns, edges: Array | None) -> Array:
        ways = [edges is not None, bool(self.low and self.high), bool(self.centre)]
        if sum(ways) != 1 or bool(self.low) != bool(self.high):
            raise OutOfRange(
                "the bins of a histogram are stated once",
                where=table.where,
                given=", ".join(f"{f.name} = {getattr(self, f.name)}" for f in fields(self) if getattr(self, f.name)),
                allowed="columns low and high, or a column of centres, or edges",
            )
        if edges is not None:
            return np.asarray(edges, dtype=float)
        if self.centre:
            return _around(table[self.centre], f"{table.where}, column {self.centre}")
        low, high = table[self.low], table[self.high]
        rounding = EVEN * np.abs(high - low)
        bad = (high <= low) | np.append(np.abs(low[1:] - high[:-1]) > rounding[:-1], False)
        if bad.any():
            row = int(np.argmax(bad))
            raise OutOfRange(
                "bins are not contiguous and increasing",
                where=f"{table.where}, row {row + 1}",
                given=f"{low[row]:g} to {high[row]:g}"
                + (f", then {low[row + 1]:g} to {high[row + 1]:g}" if row + 1 < len(low) else ""),
                allowed="every bin starts where the last one ended",
                fix="sort the rows and close the gaps",
            )
        return np.append(low, high[-1:])


@dataclass(frozen=True)
class CurveColumns:
    """Names of the columns that make a curve, errors as in :class:`BinColumns`."""

    x: str
    y: str
    error: str = ""
    error_low: str = ""
    error_high: str = ""

    def curve(self, table: Columns) -> Curve:
        """The curve of these columns of ``table``."""
        return Curve(
            table[self.x],
            table[self.y],
            _errors(table, self.error, self.error_low, self.error_high),
            name=self.y,
            label=self.x,
            unit=unit_in(self.x),
            where=f"{table.where}, columns {self.x} and {self.y}",
        )


@dataclass(frozen=True)
class MatrixColumns:
    """Names of the columns that make a matrix, one row per cell: both edges in x, both in y, and the content."""

    x_low: str
    x_high: str
    y_low: str
    y_high: str
    value: str

    def matrix(self, table: Columns) -> Matrix:
        """The matrix of these columns of ``table``; a cell without a row is refused, zeros are written out."""
        where = f"{table.where}, column {self.value}"
        x_edges, i = _cells(table[self.x_low], table[self.x_high], f"{where}, x")
        y_edges, j = _cells(table[self.y_low], table[self.y_high], f"{where}, y")
        shape = len(x_edges) - 1, len(y_edges) - 1
        cell = i * shape[1] + j
        if len(cell) != shape[0] * shape[1] or len(np.unique(cell)) != len(cell):
            raise OutOfRange(
                "cells are missing or stand twice",
                where=where,
                given=f"{len(cell)} rows, {len(np.unique(cell))} different cells",
                allowed=f"{shape[0]} x {shape[1]} cells, each once",
            )
        values = np.zeros(shape)
        values[i, j] = table[self.value]
        return Matrix(
            x_edges,
            y_edges,
            values,
            name=self.value,
            x_label=self.x_low,
            y_label=self.y_low,
            where=where,
            units=(unit_in(self.x_low), unit_in(self.y_low)),
        )


def _errors(table: Columns, error: str, low: str, high: str) -> tuple[Array, Array] | None:
    if (error and (low or high)) or bool(low) != bool(high):
        raise OutOfRange(
            "errors are stated once",
            where=table.where,
            given=", ".join(name for name in (error, low, high) if name),
            allowed="one column of symmetric errors, or both of those below and above",
        )
    if error:
        return table[error], table[error]
    return (table[low], table[high]) if low else None


def _around(centres: Array, where: str) -> Array:
    """Edges half way between ``centres`` (n,), which have to be evenly spaced: others do not determine their bins."""
    step = np.diff(centres)
    if len(centres) < 2 or np.any(step <= 0) or np.any(np.abs(step - step.mean()) > EVEN * step.mean()):
        raise OutOfRange(
            "centres determine bins only if there are two or more, evenly spaced",
            where=where,
            given=f"distances {step.min():g} to {step.max():g}" if len(step) else f"{len(centres)} centre",
            fix="give both edges of every bin",
        )
    width = float(centres[-1] - centres[0]) / (len(centres) - 1)
    return np.asarray(centres[0] + width * (np.arange(len(centres) + 1) - 0.5))


def _cells(low: Array, high: Array, where: str) -> tuple[Array, np.ndarray]:
    """Edges (n + 1,) of the axis whose bins the rows name, and the bin of every row."""
    starts, rows = np.unique(low, return_inverse=True)
    ends = np.unique(high)
    rounding = EVEN * np.abs(high - low).min(initial=np.inf)
    gaps = len(ends) != len(starts) or np.any(np.abs(ends[:-1] - starts[1:]) > rounding)
    if gaps or np.any(ends[rows] != high):
        raise OutOfRange(
            "the bins of an axis have gaps or overlap",
            where=where,
            given=f"{len(starts)} low edges, {len(ends)} high edges",
            allowed="every bin starts where the last one ended",
        )
    return np.append(starts, ends[-1:]), rows
