"""Tables over the bins of a response: counts as they stand, events counted, curves integrated."""

from __future__ import annotations

import numpy as np

from eventfit.analysis.declaration import Background, Declaration
from eventfit.analysis.detector import Exposure, ResponseDeclared
from eventfit.errors import OutOfRange, located
from eventfit.quadrature import Array
from eventfit.response import KeV
from eventfit.spectrum import Spectrum
from eventfit.tables import Table, Tables
from eventfit.units import day, kg

__all__ = ["expected_spectrum", "integrals", "observed_spectrum", "residual_spectrum", "tabulated", "within"]


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
            counts = np.histogram(within(table, edges), edges)[0].astype(float)
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


def expected_spectrum(declared: Background, tables: Tables, whole: Declaration) -> Spectrum:
    """A background: a column of a binned table, the integrals of ``expected_per_keV``, or a flat rate.

    Raises
    ------
    OutOfRange
        Other bins than those of the response, a curve that ends inside the window.
    """
    response, edges = whole.response, whole.response.edges
    if declared.rate_per_keV_kg_day is not None:
        per_keV = declared.rate_per_keV_kg_day * whole.exposure.internal / (kg * day)
        return Spectrum(edges, per_keV * np.diff(edges), name=declared.name)
    with located(f"background[{declared.name}].table"):
        assert declared.table is not None
        return Spectrum(edges, tabulated(declared.table, declared.column, tables, response), name=declared.name)


def tabulated(name: str, column: str, tables: Tables, response: ResponseDeclared) -> Array:
    """A ``column`` of a binned table (n_bin,), or the integrals of the curve ``expected_per_keV``.

    Raises
    ------
    OutOfRange
        Other bins than those of the response, a curve that ends inside the window.
    """
    table = tables.read(name)
    if table.is_binned:
        _require_bins(table, response)
        return table[column]
    return integrals(table, response.edges)


def residual_spectrum(
    tables: Tables, name: str, response: ResponseDeclared, exposure: Exposure
) -> tuple[Spectrum, Array]:
    """A background-subtracted spectrum and its errors (n_bin,), in counts of the exposure.

    From the columns ``residual_per_keV_kg_day`` and ``error_per_keV_kg_day`` of a binned table.

    Raises
    ------
    OutOfRange
        Other bins than those of the response, an error that is not positive.
    """
    with located("data.residual"):
        table, edges = tables.read(name), response.edges
        _require_bins(table, response)
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


def within(events: Table, edges: Array) -> Array:
    """The energies in a table of events, all of which have to lie inside the window."""
    energy = events["energy_keV"]
    outside = energy[(energy < edges[0]) | (energy >= edges[-1])]
    if len(outside):
        raise OutOfRange(
            "an event lies outside the window",
            where=events.name,
            given=KeV.at(outside[0]),
            allowed=KeV.range(edges[0], edges[-1]),
            fix="leave it out of the table, or widen response.edges_keV",
        )
    return energy


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


def integrals(curve: Table, edges: Array) -> Array:
    """Integral of a piecewise linear curve, ``expected_per_keV``, over every bin between ``edges`` (n + 1,) in keV."""
    energy, density = curve["energy_keV"], curve["expected_per_keV"]
    if energy[0] > edges[0] or energy[-1] < edges[-1]:
        raise OutOfRange(
            "a background curve ends inside the window",
            where=curve.name,
            given=KeV.range(energy[0], energy[-1]),
            allowed="at least " + KeV.range(edges[0], edges[-1]),
        )
    knots = np.unique(np.concatenate([edges, energy[(energy > edges[0]) & (energy < edges[-1])]]))
    height = np.interp(knots, energy, density)
    area = np.append(0.0, np.cumsum(0.5 * np.diff(knots) * (height[1:] + height[:-1])))
    return np.asarray(np.diff(area[np.searchsorted(knots, edges)]))
