"""Tables over the bins of a response: counts as they stand, events counted, curves integrated."""

from __future__ import annotations

import numpy as np

from eventfit.analysis.declaration import Background
from eventfit.analysis.detector import ResponseDeclared
from eventfit.errors import DeclarationError, OutOfRange, did_you_mean, located
from eventfit.quadrature import Array
from eventfit.response import Axis
from eventfit.spectrum import Spectrum
from eventfit.tables import Table, Tables

__all__ = ["expected_spectrum", "integrals", "observed_spectrum", "within"]


def observed_spectrum(tables: Tables, name: str, response: ResponseDeclared) -> Spectrum:
    """Observed counts: the column ``observed_counts`` of a binned table, or a table of single events, counted.

    Raises
    ------
    OutOfRange
        Other bins than those of the response, counts that are not whole, an event outside the window.
    """
    with located("data.observed"):
        table, edges = tables.read(name), response.edges
        if not table.is_binned:
            counts = np.histogram(within(table, response), edges)[0].astype(float)
            return Spectrum(edges, counts, counts, "observed")
        _require_bins(table, response)
        counts = table["observed_counts"]
        if np.any(counts != np.round(counts)):
            raise OutOfRange(
                "observed counts are not whole numbers",
                where=name,
                given=f"{counts[counts != np.round(counts)][0]:g}",
                allowed="events as they were counted: the likelihood is Poisson",
                fix="multiply rates by the exposure; do not subtract a background, declare it",
            )
        return Spectrum(edges, counts, counts, "observed")


def expected_spectrum(declared: Background, tables: Tables, response: ResponseDeclared) -> Spectrum:
    """A background: a column of a binned table, or the integrals of a curve (``expected_per_keV``).

    Raises
    ------
    OutOfRange
        Other bins than those of the response, a curve that ends inside the window.
    DeclarationError
        A column that does not hold counts, or one of a curve.
    """
    edges, key = response.edges, f"background[{declared.name}]"
    with located(f"{key}.table"):
        table = tables.read(declared.table)
        if not table.is_binned and declared.column is None:
            return Spectrum(edges, integrals(table, edges, response.axis), name=declared.name)
        if table.is_binned:
            _require_bins(table, response)
    with located(f"{key}.column"):
        return Spectrum(edges, _counts(table, declared.column or "expected_counts"), name=declared.name)


def _counts(table: Table, column: str) -> Array:
    """The ``column`` of a binned table, by its name one of counts."""
    known = [name for name in table.columns if name.endswith("_counts")] if table.is_binned else []
    if column not in known:
        raise DeclarationError(
            "a background has no such column of counts in bins",
            where=table.name,
            given=column,
            allowed=", ".join(known) or "none: the table does not hold counts in bins",
            fix=did_you_mean(column, known) or ("" if known else "leave it out for a curve"),
        )
    return table[column]


def within(events: Table, response: ResponseDeclared) -> Array:
    """The values (n_event,) in a table of events, all of which have to lie inside the window."""
    axis, edges = response.axis, response.edges
    values = events[axis.points]
    outside = values[(values < edges[0]) | (values >= edges[-1])]
    if len(outside):
        raise OutOfRange(
            "an event lies outside the window",
            where=events.name,
            given=axis.at(outside[0]),
            allowed=axis.range(edges[0], edges[-1]),
            fix=f"leave it out of the table, or widen response.{response.edges_key}",
        )
    return values


def _require_bins(table: Table, response: ResponseDeclared) -> None:
    axis, edges = response.axis, response.edges
    own = table.edges(axis.column("low"), axis.column("high"))
    if not np.array_equal(own, edges):
        raise OutOfRange(
            "the bins of a table are not those of the response",
            given=f"{len(own) - 1} bins from {axis.range(own[0], own[-1])}",
            allowed=f"{len(edges) - 1} bins from {axis.range(edges[0], edges[-1])}",
            fix=f"make response.{response.edges_key} and the table agree",
        )


def integrals(curve: Table, edges: Array, axis: Axis) -> Array:
    """Integral of a piecewise linear curve of counts per unit of ``axis`` over every bin between ``edges`` (n + 1,)."""
    points, density = curve[axis.points], curve[axis.density]
    if points[0] > edges[0] or points[-1] < edges[-1]:
        raise OutOfRange(
            "a background curve ends inside the window",
            where=curve.name,
            given=axis.range(points[0], points[-1]),
            allowed="at least " + axis.range(edges[0], edges[-1]),
            fix="narrow the window or extend the table",
        )
    knots = np.unique(np.concatenate([edges, points[(points > edges[0]) & (points < edges[-1])]]))
    height = np.interp(knots, points, density)
    area = np.append(0.0, np.cumsum(0.5 * np.diff(knots) * (height[1:] + height[:-1])))
    return np.asarray(np.diff(area[np.searchsorted(knots, edges)]))
