"""Tables over the bins of a response: counts as they stand, events counted, curves integrated."""

from __future__ import annotations

import numpy as np

from eventfit.analysis.declaration import Background, Declaration
from eventfit.analysis.detector import Exposure, ResponseDeclared
from eventfit.errors import DeclarationError, OutOfRange, did_you_mean, located
from eventfit.quadrature import Array
from eventfit.response import Axis, KeV
from eventfit.spectrum import Spectrum
from eventfit.tables import Table, Tables
from eventfit.units import day, kg

__all__ = [
    "expected_spectrum",
    "integrals",
    "observed_spectrum",
    "require_bins",
    "residual_spectrum",
    "tabulated",
    "within",
]


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
        require_bins(table, response)
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


def expected_spectrum(declared: Background, tables: Tables, whole: Declaration) -> Spectrum:
    """A background: a column of a binned table, the integrals of a curve (``expected_per_keV``), or a flat rate.

    Raises
    ------
    OutOfRange
        Other bins than those of the response, a curve that ends inside the window.
    DeclarationError
        A column that does not hold counts, or one of a curve; a rate per keV on another axis.
    """
    response, edges, key = whole.response, whole.response.edges, f"background[{declared.name}]"
    if declared.rate_per_keV_kg_day is not None:
        _require_keV(response, f"{key}.rate_per_keV_kg_day")
        per_keV = declared.rate_per_keV_kg_day * whole.exposure.internal / (kg * day)
        return Spectrum(edges, per_keV * np.diff(edges), name=declared.name)
    assert declared.table is not None
    at = f"{key}.table", f"{key}.column"
    return Spectrum(edges, tabulated(declared.table, declared.column, tables, response, at), name=declared.name)


def tabulated(
    name: str, column: str | None, tables: Tables, response: ResponseDeclared, keys: tuple[str, str]
) -> Array:
    """A ``column`` of counts of a binned table (n_bin,), or without one the integrals of a curve.

    ``keys`` are those of the declaration that name the table and the column.

    Raises
    ------
    OutOfRange
        Other bins than those of the response, a curve that ends inside the window.
    DeclarationError
        A column that does not hold counts, or one of a curve.
    """
    with located(keys[0]):
        table = tables.read(name)
        if not table.is_binned and column is None:
            return integrals(table, response.edges, response.axis)
        if table.is_binned:
            require_bins(table, response)
    with located(keys[1]):
        return _counts(table, column or "expected_counts")


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


def _require_keV(response: ResponseDeclared, where: str) -> None:
    if response.axis != KeV:
        raise DeclarationError(
            "a rate per keV says nothing about bins that are not in keV",
            where=where,
            given=f"bins in {response.axis.unit or response.axis.name}",
            fix="declare a table of counts in these bins",
        )


def residual_spectrum(
    tables: Tables, name: str, response: ResponseDeclared, exposure: Exposure
) -> tuple[Spectrum, Array]:
    """A background-subtracted spectrum and its errors (n_bin,), in counts of the exposure.

    From the columns ``residual_per_keV_kg_day`` and ``error_per_keV_kg_day`` of a binned table.

    Raises
    ------
    OutOfRange
        Other bins than those of the response, an error that is not positive.
    DeclarationError
        Bins that are not in keV.
    """
    _require_keV(response, "data.residual")
    with located("data.residual"):
        table, edges = tables.read(name), response.edges
        require_bins(table, response)
        rate, error = table["residual_per_keV_kg_day"], table["error_per_keV_kg_day"]
        if np.any(error <= 0):
            raise OutOfRange(
                "a residual without an error",
                where=f"{name}, row {int(np.argmax(error <= 0)) + 1}",
                given=float(error[error <= 0][0]),
                allowed="errors above zero in every bin",
            )
        counts = np.diff(edges) * exposure.internal / (kg * day)
        return Spectrum(edges, rate * counts, (error * counts) ** 2, "residual"), error * counts


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


def require_bins(table: Table, response: ResponseDeclared) -> None:
    """Refuse a table with other bins than those of the response."""
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
