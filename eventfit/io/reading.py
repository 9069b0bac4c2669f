"""Reading histograms, curves, matrices, events and covariances, from any file or from Python.

A source is a path (``counts.csv``, ``table.parquet``, ``detector.root:folder/name``) or an object of Python: a UHI
histogram, or arrays as numpy returns them. In a table, columns are named; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from eventfit.errors import InputError, UnknownName, located
from eventfit.io.columns import BinColumns, Columns, CurveColumns, MatrixColumns
from eventfit.io.measured import Curve, Events, Flow, Histogram, Matrix
from eventfit.io.measured.checks import checked_edges
from eventfit.io.parquet import read_parquet
from eventfit.io.root import (
    HISTOGRAMS,
    TREES,
    class_of,
    read_graph,
    read_th1,
    read_th2,
    read_tree,
    root_contents,
)
from eventfit.io.source import Source, listed
from eventfit.io.text import read_grid, read_text
from eventfit.io.uhi import histogram_of, matrix_of
from eventfit.quadrature import Array

__all__ = ["contents", "read_columns", "read_curve", "read_events", "read_histogram", "read_histograms", "read_matrix"]

T = TypeVar("T")
Axis = TypeVar("Axis", Histogram, Curve)


def contents(source: str | Path) -> dict[str, str]:
    """What a file holds: name -> ``column`` of a table, or the ROOT class; of a tree that is named, its columns."""
    found = Source.of(source)
    if found.kind == "root" and not found.key:
        return root_contents(found)
    return dict.fromkeys(_table(found).names, "column")


def read_columns(source: str | Path) -> Columns:
    """The columns of a text table, a Parquet file or a tree; numbers are read when a column is asked for."""
    return _table(Source.of(source))


def read_histogram(
    source: object,
    columns: BinColumns | None = None,
    *,
    edges: Array | Sequence[float] | None = None,
    unit: str = "",
    flow: Flow = "refuse",
) -> Histogram:
    """A histogram.

    Parameters
    ----------
    source
        ``file.root:name`` of a TH1; a table or ``file.root:tree``; a UHI object; ``(values, edges)``.
    columns
        Which columns of a table.
    edges
        (n + 1,): for a table without bins; for others, the edges that are required (equal up to rounding).
    unit
        Of the axis, where the file does not say it; one that contradicts the file is refused.
    flow
        What becomes of underflow and overflow: ``refuse``, ``drop``, or ``include`` in the first and the last bin.

    Raises
    ------
    MissingInput, BadFile
        The file is missing, damaged, or something else.
    UnknownName
        It holds nothing of this name; the message lists what it holds.
    OutOfRange
        Numbers that are not finite, bins with gaps, other edges, flow that is refused.
    """
    wanted = None if edges is None else checked_edges(edges, "edges")
    if not isinstance(source, str | Path):
        found = histogram_of(source)
    else:
        place = Source.of(source)
        if place.kind == "root" and class_of(place) not in TREES:
            _no_columns(columns, place)
            found = read_th1(place)
        else:
            named = _needed(columns, place, "BinColumns")
            found = named.histogram(_table(place), edges=None if named.low or named.centre else wanted)
    found = _in_stated_unit(found, unit).with_flow(flow)
    return found if wanted is None else found.over(wanted)


def read_histograms(
    sources: Mapping[str, object],
    columns: BinColumns | None = None,
    *,
    edges: Array | Sequence[float] | None = None,
    unit: str = "",
    flow: Flow = "refuse",
) -> dict[str, Histogram]:
    """Several histograms over the same edges, backgrounds for instance; others as :func:`read_histogram`.

    Raises
    ------
    OutOfRange
        Their edges differ.
    """
    found: dict[str, Histogram] = {}
    for name, source in sources.items():
        with located(f"histogram {name!r}"):
            one = read_histogram(source, columns, edges=edges, unit=unit, flow=flow)
            found[name] = one.over(next(iter(found.values())).edges) if found else one
    return found


def read_curve(source: object, columns: CurveColumns | None = None, *, unit: str = "") -> Curve:
    """A curve: columns of a table, a TGraph, ``(x, y)``, or a histogram.

    A histogram gives the points at the centres of its bins, and at its two ends those of the outer bins: its function
    is taken as linear in between. Its flow means nothing and is left out.
    """
    return _in_stated_unit(_curve(source, columns), unit)


def read_matrix(
    source: object,
    columns: MatrixColumns | None = None,
    *,
    x_edges: Array | Sequence[float] | None = None,
    y_edges: Array | Sequence[float] | None = None,
    flow: Flow = "refuse",
) -> Matrix:
    """A matrix over two axes: a TH2, columns of a table, a UHI object, or ``(values, x_edges, y_edges)``.

    A text file that holds nothing but numbers, a row per bin in x, needs ``x_edges`` and ``y_edges``. ``flow`` is
    ``refuse`` or ``drop``.
    """
    if not isinstance(source, str | Path):
        return matrix_of(source).with_flow(flow)
    place = Source.of(source)
    if place.kind == "root" and class_of(place) not in TREES:
        _no_columns(columns, place)
        return read_th2(place).with_flow(flow)
    if columns is None and place.kind == "text" and x_edges is not None and y_edges is not None:
        return Matrix(np.asarray(x_edges), np.asarray(y_edges), read_grid(place), where=place.where)
    return _needed(columns, place, "MatrixColumns (or x_edges and y_edges for a file of numbers)").matrix(_table(place))


def read_events(source: str | Path, names: Sequence[str]) -> Events:
    """The columns ``names`` of single events."""
    return read_columns(source).events(names)


def _curve(source: object, columns: CurveColumns | None) -> Curve:
    if isinstance(source, Curve):
        return source
    if isinstance(source, tuple) and len(source) == 2 and np.size(source[0]) == np.size(source[1]):
        return Curve(np.asarray(source[0]), np.asarray(source[1]), where="a pair of arrays")
    if not isinstance(source, str | Path):
        return _through_centres(histogram_of(source))
    place = Source.of(source)
    kind = class_of(place) if place.kind == "root" else "table"
    if kind in TREES or kind == "table":
        return _needed(columns, place, "CurveColumns").curve(_table(place))
    _no_columns(columns, place)
    return _through_centres(read_th1(place)) if kind in HISTOGRAMS else read_graph(place)


def _table(place: Source) -> Columns:
    if place.kind == "root":
        return read_tree(place)
    return read_parquet(place) if place.kind == "parquet" else read_text(place)


def _needed(columns: T | None, place: Source, kind: str) -> T:
    if columns is None:
        raise UnknownName(
            "name the columns of the table",
            where=place.where,
            allowed=listed(list(_table(place).names)),
            fix=f"pass {kind} with names from this list",
        )
    return columns


def _no_columns(columns: object, place: Source) -> None:
    if columns is not None:
        raise InputError("columns are named where there are none", where=place.where, fix="leave the columns out")


def _in_stated_unit(found: Axis, unit: str) -> Axis:
    """``found``, its axis in the declared ``unit`` (empty: that of the file), which may not contradict the file."""
    if unit and found.unit and found.unit != unit:
        raise InputError(
            "the file says another unit",
            where=found.where,
            given=unit,
            allowed=found.unit,
            fix="correct the declaration; in_unit() converts",
        )
    return replace(found, unit=unit or found.unit)


def _through_centres(found: Histogram) -> Curve:
    x = np.concatenate([found.edges[:1], 0.5 * (found.edges[1:] + found.edges[:-1]), found.edges[-1:]])
    errors = None if found.errors is None else tuple(np.pad(side, 1, mode="edge") for side in found.errors)
    return Curve(
        x,
        np.pad(found.values, 1, mode="edge"),
        None if errors is None else (errors[0], errors[1]),
        name=found.name,
        label=found.label,
        unit=found.unit,
        where=found.where,
    )
