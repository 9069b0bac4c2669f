"""Parameters, and the auxiliary measurements that constrain them.

A constraint is the density of an auxiliary measurement ``a`` given the parameter, so that a toy can fluctuate it:
gaussian ``a ~ N(theta, width)``; poisson ``a ~ Pois(tau theta)``. A log-normal uncertainty is a gaussian constraint
``a ~ N(theta, 1)`` together with the factor ``(1 + relative)**theta`` of the likelihood (no Jacobian).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from eventfit.errors import OutOfRange

__all__ = ["Constraint", "GaussianConstraint", "Parameter", "PoissonConstraint", "Reported"]


@dataclass(frozen=True)
class GaussianConstraint:
    """``observed ~ N(theta, width)``."""

    observed: float
    width: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.observed) and self.width > 0 and math.isfinite(self.width)):
            raise OutOfRange(
                "a gaussian constraint needs a finite centre and a positive width",
                given=f"{self.observed} +- {self.width}",
                fix="fix the parameter instead of giving it width zero",
            )


@dataclass(frozen=True)
class PoissonConstraint:
    """``observed ~ Pois(tau theta)``: OFF data with an exposure ``tau`` times that of ON."""

    observed: float
    tau: float

    def __post_init__(self) -> None:
        if not (self.observed >= 0 and math.isfinite(self.observed) and self.tau > 0 and math.isfinite(self.tau)):
            raise OutOfRange(
                "a poisson constraint needs a count and a positive exposure ratio",
                given=f"observed {self.observed}, tau {self.tau}",
                allowed="observed >= 0, tau > 0",
            )


Constraint = GaussianConstraint | PoissonConstraint


@dataclass(frozen=True)
class Reported:
    """How a fit parameter is quoted: ``name = scale * parameter**(1 / power)`` in ``unit``."""

    name: str
    unit: str
    power: int = 1
    scale: float = 1.0

    def value(self, fitted: float) -> float:
        """The quoted value; an even power quotes negative fit values as zero."""
        if self.power == 1:
            return self.scale * fitted
        return self.scale * math.pow(max(fitted, 0.0), 1.0 / self.power)

    def fitted(self, value: float) -> float:
        """The fit parameter that is quoted as ``value``."""
        return math.pow(value / self.scale, self.power)


@dataclass(frozen=True)
class Parameter:
    """A parameter of the likelihood.

    Attributes
    ----------
    start, lower, upper
        Start value inside its bounds; bounds may be infinite.
    constraint
        The auxiliary measurement, None for a free parameter.
    meaning
        One line for people.

    Raises
    ------
    OutOfRange
        Bounds that enclose nothing, a start outside them, a NaN.
    """

    name: str
    unit: str = ""
    start: float = 0.0
    lower: float = -math.inf
    upper: float = math.inf
    constraint: Constraint | None = None
    meaning: str = ""

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise OutOfRange(
                f"the bounds of {self.name!r} enclose nothing", where=self.name, given=f"{self.lower}, {self.upper}"
            )
        if not (math.isfinite(self.start) and self.lower <= self.start <= self.upper):
            raise OutOfRange(
                f"the start of {self.name!r} lies outside its bounds",
                where=self.name,
                given=self.start,
                allowed=f"{self.lower} to {self.upper}",
                fix="move the start or widen the bounds",
            )
