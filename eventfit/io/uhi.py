"""Histograms from Python: objects that follow UHI (``hist``, boost-histogram, uproot, ours), and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from eventfit.errors import InputError, OutOfRange
from eventfit.io.measured import Histogram, Matrix
from eventfit.io.measured.axis_unit import unit_in
from eventfit.io.measured.checks import checked_edges
from eventfit.quadrature import Array

__all__ = ["histogram_of", "matrix_of"]


def histogram_of(source: Any, *, where: str = "") -> Histogram:
    """The histogram of a UHI object with one axis, of ``(values, edges)`` as numpy makes them, or one of ours.

    Errors are given ones only: where variances equal the contents, or are all zero, or there are none, nobody weighted
    the entries and the errors are None.

    Raises
    ------
    InputError
        It is none of these, has another number of axes, an axis without edges, or holds means instead of counts.
    """
    if isinstance(source, Histogram):
        return source
    where = where or f"a {type(source).__name__}"
    if isinstance(source, tuple) and len(source) == 2:
        values, edges = source
        return Histogram(np.asarray(edges, dtype=float), np.asarray(values, dtype=float), where=where)
    axes = _axes(source, 1, where)
    edges = axis_edges(axes[0], where)
    before, after = _flow(axes[0], len(edges) - 1, source)
    values = _padded(source.values(**_WITH_FLOW[before or after]), (before, after))
    variances = _variances(source, before or after)
    variances = None if variances is None else _padded(variances, (before, after))
    errors = None
    if variances is not None and np.any(variances != 0) and not np.array_equal(variances, values):
        if np.any(variances < 0):
            raise OutOfRange("a variance is negative", where=where, given=float(variances.min()))
        errors = np.sqrt(variances)
    label = str(_attribute(axes[0], "label", "title") or "")
    return Histogram(
        edges,
        values[1:-1],
        None if errors is None else (errors[1:-1], errors[1:-1]),
        float(values[0]),
        float(values[-1]),
        (0.0, 0.0) if errors is None else (float(errors[0]), float(errors[-1])),
        name=str(_attribute(source, "name") or ""),
        label=label,
        unit=unit_in(label),
        where=where,
    )


def matrix_of(source: Any, *, where: str = "") -> Matrix:
    """The matrix of a UHI object with two axes, or of ``(values, x_edges, y_edges)`` as numpy makes them.

    Raises
    ------
    InputError
        As :func:`histogram_of`.
    """
    if isinstance(source, Matrix):
        return source
    where = where or f"a {type(source).__name__}"
    if isinstance(source, tuple) and len(source) == 3:
        values, x_edges, y_edges = source
        return Matrix(x_edges, y_edges, values, where=where)
    axes = _axes(source, 2, where)
    x, y = (axis_edges(axis, f"{where}, {name} axis") for axis, name in zip(axes, "xy", strict=True))
    inside = np.asarray(source.values(), dtype=float)
    every = inside
    if any(any(_flow(axis, len(edges) - 1, source)) for axis, edges in zip(axes, (x, y), strict=True)):
        every = np.asarray(source.values(flow=True), dtype=float)
    labels = [str(_attribute(axis, "label", "title") or "") for axis in axes]
    return Matrix(
        x,
        y,
        inside,
        float(np.abs(every).sum() - np.abs(inside).sum()) if every.shape != inside.shape else 0.0,
        name=str(_attribute(source, "name") or ""),
        x_label=labels[0],
        y_label=labels[1],
        where=where,
        units=(unit_in(labels[0]), unit_in(labels[1])),
    )


def axis_edges(axis: Any, where: str) -> Array:
    """Edges (n + 1,) of a UHI axis, whose bins are pairs (low, high)."""
    bins = [axis[i] for i in range(len(axis))]
    if not bins or not all(isinstance(bin_, tuple) and len(bin_) == 2 for bin_ in bins):
        raise InputError(
            "an axis has no edges",
            where=where,
            given="categories or single numbers" if bins else "no bins",
            allowed="an axis of contiguous bins (Regular, Variable)",
        )
    low, high = np.array(bins, dtype=float).T
    if np.any(low[1:] != high[:-1]):
        raise InputError("the bins of an axis are not contiguous", where=where)
    return checked_edges(np.append(low, high[-1]), where)


#: keyword for ``values`` and ``variances``; an object without flow need not know it
_WITH_FLOW: dict[bool, dict[str, bool]] = {True: {"flow": True}, False: {}}


def _axes(source: Any, n: int, where: str) -> list[Any]:
    if not (hasattr(source, "axes") and callable(getattr(source, "values", None))):
        raise InputError(
            "this is no histogram",
            where=where,
            allowed="a UHI object (hist, boost-histogram, uproot), or (values, edges) as numpy.histogram returns",
        )
    if "MEAN" in str(getattr(source, "kind", "COUNT")).upper():
        raise InputError("a profile holds means, not counts", where=where, fix="give a histogram of counts")
    axes = list(source.axes)
    if len(axes) != n:
        raise InputError(
            "a histogram has the wrong number of axes", where=where, given=len(axes), allowed=str(n), fix="project it"
        )
    return axes


def _flow(axis: Any, n: int, source: Any) -> tuple[bool, bool]:
    """Whether there are bins below and above the axis.

    Boost-histogram says it in the traits of the axis; uproot does not say it and always has both; an object that knows
    no flow has none.
    """
    traits: Any = getattr(axis, "traits", None)
    if hasattr(traits, "underflow"):
        return bool(traits.underflow), bool(traits.overflow)
    try:
        size = np.shape(source.values(flow=True))
    except TypeError:
        return False, False
    both = len(size) > 0 and n + 2 in size
    return both, both


def _padded(values: object, flow: tuple[bool, bool]) -> Array:
    """``values`` with a bin below and one above, zero where the axis has none."""
    array = np.asarray(values, dtype=float)
    return np.pad(array, (0 if flow[0] else 1, 0 if flow[1] else 1))


def _variances(source: Any, flow: bool) -> object:
    if not callable(getattr(source, "variances", None)):
        return None
    return source.variances(**_WITH_FLOW[flow])


def _attribute(thing: object, *names: str) -> object:
    """The first of these attributes that is there and not empty."""
    found = (getattr(thing, name, None) for name in names)
    return next((value for value in found if isinstance(value, str) and value), "")
