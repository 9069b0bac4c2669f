"""Numbers of the user in the form that an analysis takes: over the bins of the response, in keV, as counts.

What comes back is a table with the columns that the contract of ``data/README.md`` has for this use, so that everything
behind it treats both alike.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from eventfit.analysis.files import BackgroundFile, BinsFile, CurveFile, Per
from eventfit.analysis.inputs import Inputs
from eventfit.errors import InputError, OutOfRange
from eventfit.io import (
    BinColumns,
    Curve,
    CurveColumns,
    Histogram,
    counts_of_rate,
    observed_counts,
    read_curve,
    read_histogram,
)
from eventfit.io.measured.axis_unit import ENERGY, factor_between, unit_in
from eventfit.io.source import listed
from eventfit.quadrature import Array
from eventfit.response import Axis
from eventfit.tables import Table
from eventfit.units import day, exposure_units, kg

__all__ = [
    "own_background",
    "own_counts",
    "own_curve",
    "own_events",
    "own_residual",
]
__all__ += ["factor_of", "over_bins", "over_width", "own_histogram"]

OnAxis = TypeVar("OnAxis", Histogram, Curve)


def own_counts(inputs: Inputs, declared: BinsFile, axis: Axis, edges: Array, exposure: float) -> Table:
    """Observed counts in bins; single events are counted.

    Raises
    ------
    InputError
        A file that cannot be read or holds something else, other bins, contents that are no counts.
    """
    found = _bins(inputs, declared, axis, edges)
    counts = observed_counts(_as_counts(found, declared.per, exposure))
    return _remembered(inputs, declared, counts, axis, {"observed_counts": counts.values})


def own_events(inputs: Inputs, declared: BinsFile, axis: Axis, edges: Array) -> Table:
    """Single events between the outer ``edges`` by their values on the reconstructed axis, increasing.

    Raises
    ------
    InputError
        There is no column of them, or some lie outside and are not to be dropped.
    """
    table = inputs.columns(declared, declared.tree)
    if declared.events is None:
        raise InputError(
            "single events are needed", where=table.where, allowed=listed(list(table.names)), fix='add events = "..."'
        )
    _bins(inputs, declared, axis, edges)  # which says what is wrong with those outside
    energy = np.sort(_events(inputs, declared, axis))
    energy = energy[(energy >= edges[0]) & (energy < edges[-1])]
    return inputs.remember(declared, declared.tree, {axis.points: energy})


def own_residual(
    inputs: Inputs, declared: BinsFile, axis: Axis, edges: Array, exposure: float, *, correlated: bool
) -> Table:
    """Rates with errors, backgrounds subtracted; a ``correlated`` residual has its errors in a covariance.

    Raises
    ------
    OutOfRange
        Errors that are missing, given twice, asymmetric, or not positive.
    """
    found = _as_counts(_bins(inputs, declared, axis, edges), declared.per, exposure)
    stated = declared.error is not None or declared.error_low is not None
    if correlated and stated:
        raise OutOfRange(
            "errors are given twice: as a column and as a covariance",
            where=found.where,
            given=declared.error or declared.error_low,
            fix="leave one of the two out",
        )
    error = np.ones(len(found.values)) if correlated else found.symmetric_errors
    if error is None:
        raise OutOfRange(
            "a residual without errors",
            where=found.where,
            allowed='a column: error = "...", a covariance, or a histogram that was filled with weights (Sumw2)',
            fix="name the errors; counts without errors are observed, with their backgrounds declared",
        )
    rate = kg * day / (np.diff(edges) * exposure)
    columns = {"residual_per_keV_kg_day": found.values * rate, "error_per_keV_kg_day": error * rate}
    return _remembered(inputs, declared, found, axis, columns)


def own_background(inputs: Inputs, declared: BackgroundFile, axis: Axis, edges: Array, exposure: float) -> Table:
    """Expected counts in bins, or a curve of them per keV.

    Raises
    ------
    OutOfRange
        A negative expectation.
    """
    if declared.is_curve:
        curve = _curve(inputs, declared, axis).within(0.0, np.inf, "a background")
        density = curve.y * factor_of(declared.per, exposure)
        key = declared.graph or declared.tree
        return inputs.remember(declared, key, {axis.points: curve.x, axis.density: density})
    counts = _as_counts(_bins(inputs, declared, axis, edges), declared.per, exposure)
    if np.any(counts.values < 0):
        row = int(np.argmax(counts.values < 0))
        raise OutOfRange(
            "a background expects less than nothing",
            where=f"{counts.where}, bin {row + 1} (from {counts.edges[row]:g} to {counts.edges[row + 1]:g})",
            given=float(counts.values[row]),
            allowed="zero and more in every bin",
            fix="smooth it, or widen the bins",
        )
    return _remembered(inputs, declared, counts, axis, {"expected_counts": counts.values})


def own_curve(inputs: Inputs, declared: CurveFile, axis: Axis, column: str) -> Table:
    """Points of a function of a value on ``axis``; its values stand in ``column``."""
    curve = _curve(inputs, declared, axis)
    key = declared.graph or declared.histogram or declared.tree
    return inputs.remember(declared, key, {axis.points: curve.x, column: curve.y})


# -- reading ----------------------------------------------------------------------------------------------------------


def _bins(inputs: Inputs, declared: BinsFile, axis: Axis, edges: Array) -> Histogram:
    """A histogram over ``edges``, its flow settled."""
    if declared.events is not None:
        energy = _events(inputs, declared, axis)
        counts = np.bincount(np.searchsorted(edges, energy, side="right"), minlength=len(edges) + 1).astype(float)
        where = f"{inputs.place(declared)}, column {declared.events}"
        whole = Histogram(edges, counts[1:-1], None, counts[0], counts[-1], unit=axis.unit, where=where)
        return whole.with_flow(declared.overflow)
    if declared.rows is not None:
        assert declared.value is not None
        columns = BinColumns(declared.value, error=declared.error or "", **_sides(declared))
        found = columns.histogram(inputs.columns(declared, declared.tree), edges=edges)
        return replace(found, unit=axis.unit)
    return over_bins(own_histogram(inputs, declared, axis), axis, edges, declared.rebin)


def own_histogram(inputs: Inputs, declared: BinsFile, axis: Axis) -> Histogram:
    """A histogram over the bins that the file has, in the unit of ``axis``."""
    if declared.value is not None:
        columns = BinColumns(
            declared.value,
            low=declared.low or "",
            high=declared.high or "",
            centre=declared.centre or "",
            error=declared.error or "",
            **_sides(declared),
        )
        named = columns.histogram(inputs.columns(declared, declared.tree))
        found = read_histogram(named, unit=declared.unit or "")
    else:
        source = inputs.named_source(declared, declared.histogram, 'low = "...", high = "...", value = "..."')
        found = read_histogram(source, unit=declared.unit or "", flow=declared.overflow)
    return in_unit_of(found, axis)


def _sides(declared: BinsFile) -> dict[str, str]:
    return {"error_low": declared.error_low or "", "error_high": declared.error_high or ""}


def over_bins(found: Histogram, axis: Axis, edges: Array, rebin: bool) -> Histogram:
    """``found`` in the unit of the axis and over ``edges``, summed to them if ``rebin``."""
    found = in_unit_of(found, axis)
    if rebin:
        return found.rebinned(edges).with_flow("drop")
    try:
        return found.over(edges)
    except OutOfRange as error:
        if np.all(np.isclose(found.edges[:, None], edges, rtol=1e-9).any(axis=0)):
            error.fix = "every edge that is needed is one of the file's: rebin = true sums its bins"
        raise


def _events(inputs: Inputs, declared: BinsFile, axis: Axis) -> Array:
    """The values of single events on ``axis``."""
    assert declared.events is not None
    table = inputs.columns(declared, declared.tree)
    said, stated = unit_in(declared.events), declared.unit or ""
    if said and stated and said != stated:
        raise InputError("the column says another unit", where=table.where, given=stated, allowed=said)
    energy = table[declared.events]
    return energy * factor_between(said or stated, axis.unit, table.where) if axis.unit else energy


def _curve(inputs: Inputs, declared: CurveFile | BackgroundFile, axis: Axis) -> Curve:
    if declared.x is not None and declared.y is not None:
        source: object = CurveColumns(declared.x, declared.y).curve(inputs.columns(declared, declared.tree))
    else:
        source = inputs.named_source(declared, declared.graph or declared.histogram, 'x = "...", y = "..."')
    return in_unit_of(read_curve(source, unit=declared.unit or ""), axis)


def in_unit_of(found: OnAxis, axis: Axis) -> OnAxis:
    """In the unit of the axis; one without unit takes the numbers as they are."""
    return found.in_unit(axis.unit) if axis.unit else found


def _remembered(inputs: Inputs, declared: BinsFile, found: Histogram, axis: Axis, columns: dict[str, Array]) -> Table:
    """A table of bins; low edges first, as the contract has them."""
    bins = {axis.column("low"): found.edges[:-1], axis.column("high"): found.edges[1:]}
    return inputs.remember(declared, declared.histogram or declared.tree, {**bins, **columns})


# -- rates ------------------------------------------------------------------------------------------------------------


def over_width(per: Per | None) -> bool:
    """Whether a content is divided by the width of its bin."""
    return per is not None and per.split()[0] in ENERGY


def factor_of(per: Per | None, exposure: float) -> float:
    """What makes counts of a content, but for the width of its bin in keV."""
    words = [] if per is None else per.split()
    energy = 1.0 / ENERGY[words.pop(0)] if words and words[0] in ENERGY else 1.0
    return energy * (exposure / exposure_units[" ".join(words)] if words else 1.0)


def _as_counts(found: Histogram, per: Per | None, exposure: float) -> Histogram:
    """Counts of the ``exposure`` (kg s)."""
    if over_width(per) and found.unit != "keV":
        raise OutOfRange("a content per energy needs bins in energy", where=found.where, given=f"per = {per!r}")
    return counts_of_rate(found, factor_of(per, exposure), per_unit=over_width(per))
