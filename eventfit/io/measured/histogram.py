"""Histograms whose flow is explicit, and what may be done with them.

What lies outside the axis is never dropped silently: it stands in ``underflow`` and ``overflow`` until the caller says
with :meth:`Histogram.with_flow` what becomes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from eventfit.errors import OutOfRange, UnknownName
from eventfit.io.measured.axis_unit import factor_between
from eventfit.io.measured.checks import checked_edges, checked_errors, checked_numbers, matching_edges
from eventfit.quadrature import Array, Index

__all__ = ["Flow", "Histogram"]

#: what becomes of entries outside the axis
Flow = Literal["refuse", "drop", "include"]


@dataclass(frozen=True, eq=False)
class Histogram:
    """Contents in bins.

    Attributes
    ----------
    edges
        (n + 1,), increasing, in ``unit``.
    values
        (n,).
    errors
        Given ones, (below, above), each (n,), not negative; None if none were given.
    underflow, overflow
        What lies outside the axis, with ``flow_errors``.
    name, label, unit
        As far as the file knows: its name, the title of the axis, the unit of the axis.
    where
        File and key.

    Raises
    ------
    OutOfRange
        A NaN or infinite number, edges that do not increase, a negative error, lengths that differ.
    """

    edges: Array
    values: Array
    errors: tuple[Array, Array] | None = None
    underflow: float = 0.0
    overflow: float = 0.0
    flow_errors: tuple[float, float] = (0.0, 0.0)
    name: str = ""
    label: str = ""
    unit: str = ""
    where: str = "histogram"

    def __post_init__(self) -> None:
        edges = checked_edges(self.edges, self.where)
        values = checked_numbers(self.values, self.where, "contents", len(edges) - 1)
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "values", values)
        if self.errors is not None:
            object.__setattr__(self, "errors", checked_errors(self.errors, len(values), self.where))
        checked_numbers(np.array([self.underflow, self.overflow]), self.where, "underflow and overflow")

    @property
    def symmetric_errors(self) -> Array | None:
        """(n,), None if none were given; :class:`OutOfRange` if those below and above differ."""
        if self.errors is None:
            return None
        below, above = self.errors
        if not np.allclose(below, above, rtol=1e-9, atol=0.0):
            row = int(np.argmax(~np.isclose(below, above, rtol=1e-9, atol=0.0)))
            raise OutOfRange(
                "errors below and above differ where one error is needed",
                where=f"{self.where}, bin {row + 1}",
                given=f"-{below[row]:g} +{above[row]:g}",
                fix="name one column of errors, or average them",
            )
        return above

    def with_flow(self, flow: Flow) -> Histogram:
        """The histogram without flow: ``refuse`` any, ``drop`` it, or ``include`` it in the first and the last bin.

        Raises
        ------
        OutOfRange
            There is some, and it is refused.
        """
        _known_flow(flow, self.where)
        if self.underflow == 0.0 and self.overflow == 0.0:
            return self
        if flow == "refuse":
            raise OutOfRange(
                "entries lie outside the axis",
                where=self.where,
                given=f"underflow {self.underflow:g}, overflow {self.overflow:g}",
                allowed=f"none outside {self.edges[0]:g} to {self.edges[-1]:g} {self.unit}".rstrip(),
                fix='say what becomes of them: flow = "drop", or "include" to add them to the first and the last bin',
            )
        values, errors = self.values.copy(), self.errors
        if flow == "include":
            values[[0, -1]] += [self.underflow, self.overflow] if len(values) > 1 else self.underflow + self.overflow
            if errors is not None:
                errors = (_with_flow_error(errors[0], self.flow_errors), _with_flow_error(errors[1], self.flow_errors))
        return replace(self, values=values, errors=errors, underflow=0.0, overflow=0.0, flow_errors=(0.0, 0.0))

    def over(self, edges: Array) -> Histogram:
        """The same histogram, its edges those given; :class:`OutOfRange` if they are others."""
        return replace(self, edges=matching_edges(self.edges, edges, self.where))

    def rebinned(self, edges: Array) -> Histogram:
        """Contents over ``edges`` (m + 1,), each of which is one of the own edges; the rest goes to the flow."""
        index = np.array([int(np.argmin(np.abs(self.edges - edge))) for edge in np.atleast_1d(edges)])
        wanted = matching_edges(self.edges[index], np.asarray(edges, dtype=float), self.where)
        if self.errors is None:
            errors, flow_errors = None, self.flow_errors
        else:
            sums = [_grouped(np.square(side), index) for side in self.errors]
            errors = (np.sqrt(sums[0][1]), np.sqrt(sums[1][1]))
            outside = max(sums[0][0], sums[1][0]), max(sums[0][2], sums[1][2])
            flow_errors = tuple(np.hypot(self.flow_errors, np.sqrt(outside)).tolist())
        below, values, above = _grouped(self.values, index)
        return replace(
            self,
            edges=wanted,
            values=values,
            errors=errors,
            underflow=self.underflow + below,
            overflow=self.overflow + above,
            flow_errors=flow_errors,
        )

    def in_unit(self, unit: str) -> Histogram:
        """Its axis in ``unit`` (keV, MeV ...); a file that does not know its unit is refused."""
        return replace(self, edges=self.edges * factor_between(self.unit, unit, self.where), unit=unit)

    def scaled(self, factor: float) -> Histogram:
        """Contents, errors and flow times ``factor`` (positive)."""
        errors = None if self.errors is None else (factor * self.errors[0], factor * self.errors[1])
        return replace(
            self,
            values=factor * self.values,
            errors=errors,
            underflow=factor * self.underflow,
            overflow=factor * self.overflow,
            flow_errors=(factor * self.flow_errors[0], factor * self.flow_errors[1]),
        )


def _known_flow(flow: str, where: str) -> None:
    if flow not in get_args(Flow):
        raise UnknownName(
            "there is no such rule for entries outside the axis",
            where=where,
            given=flow,
            allowed=", ".join(get_args(Flow)),
        )


def _with_flow_error(errors: Array, flow: tuple[float, float]) -> Array:
    squares = errors**2
    squares[0] += flow[0] ** 2
    squares[-1] += flow[1] ** 2
    return np.sqrt(squares)


def _grouped(values: Array, index: Index) -> tuple[float, Array, float]:
    """Sums before, between and after the edges with these numbers."""
    first, last = int(index[0]), int(index[-1])
    inside = np.add.reduceat(values[:last], index[:-1]) if last > first else np.zeros(0)
    return float(values[:first].sum()), inside, float(values[last:].sum())
