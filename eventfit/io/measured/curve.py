"""Points of a function: efficiencies, resolutions, fluxes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.io.measured.axis_unit import factor_between
from eventfit.io.measured.checks import checked_errors, checked_numbers
from eventfit.quadrature import Array

__all__ = ["Curve"]


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a function: ``x`` (n,), increasing, and ``y`` (n,) with their given errors (below, above) or None."""

    x: Array
    y: Array
    errors: tuple[Array, Array] | None = None
    name: str = ""
    label: str = ""
    unit: str = ""
    where: str = "curve"

    def __post_init__(self) -> None:
        x = checked_numbers(self.x, self.where, "points")
        y = checked_numbers(self.y, self.where, "values", len(x))
        if len(x) < 2:
            raise OutOfRange("a curve needs two points", where=self.where, given=len(x))
        if np.any(np.diff(x) <= 0):
            row = int(np.argmax(np.diff(x) <= 0))
            raise OutOfRange(
                "the points of a curve do not increase",
                where=f"{self.where}, point {row + 2}",
                given=f"{x[row]:g}, then {x[row + 1]:g}",
                fix="sort the points and remove repeated ones",
            )
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)
        if self.errors is not None:
            object.__setattr__(self, "errors", checked_errors(self.errors, len(x), self.where))

    def within(self, low: float, high: float, what: str) -> Curve:
        """The same curve, if all its values lie between ``low`` and ``high``, as those of an efficiency do."""
        bad = ~((self.y >= low) & (self.y <= high))
        if bad.any():
            row = int(np.argmax(bad))
            raise OutOfRange(
                f"{what} has an impossible value",
                where=f"{self.where}, point {row + 1} (at {self.x[row]:g})",
                given=float(self.y[row]),
                allowed=f"{low:g} to {high:g}",
                fix="divide percentages by 100" if high == 1.0 and self.y.min() >= 0.0 else "correct the point",
            )
        return self

    def in_unit(self, unit: str) -> Curve:
        """Its points in ``unit``; values are left as they are."""
        return replace(self, x=self.x * factor_between(self.unit, unit, self.where), unit=unit)
