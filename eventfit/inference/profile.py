"""The profile likelihood of one parameter: the machine under statistics, intervals, limits and scans."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from scipy.optimize import brentq

from eventfit.errors import StatisticsError, ZeroPrediction
from eventfit.inference.fit import fit, require_good
from eventfit.inference.results import FitResult, Scan
from eventfit.likelihood import Likelihood
from eventfit.quadrature import Array

__all__ = ["Profile"]

#: a conditional fit below the global one by more than this means that the global one was not global
BELOW = 1e-6
#: doublings of the search range before an interval counts as open
DOUBLINGS = 60


class Profile:
    """-2 Delta ln L of ``parameter`` with all others re-optimised; every fit is certified and remembered.

    A conditional fit below the best one starts a new search for the best one from there, so no profile is negative.

    Raises
    ------
    FitFailed
        A fit did not end in a certified minimum.
    ZeroPrediction
        From :meth:`at`: events were seen where the model with the parameter held expects none.
    """

    def __init__(self, likelihood: Likelihood, parameter: str, *, starts: Iterable[Array] | None = None) -> None:
        self.likelihood = likelihood
        self.parameter = parameter
        self.index = likelihood.index(parameter)
        begin = None if starts is None else list(starts)
        self.best = require_good(fit(likelihood, starts=begin), "the best fit")
        self._fits: dict[float, FitResult] = {}

    @property
    def estimate(self) -> float:
        """Best-fit value of the parameter."""
        return self.best[self.parameter]

    @property
    def bounds(self) -> tuple[float, float]:
        """Bounds of the parameter."""
        lower, upper = self.likelihood.bounds
        return float(lower[self.index]), float(upper[self.index])

    def at(self, value: float) -> FitResult:
        """The fit with the parameter held at ``value``."""
        value = float(value)
        if value not in self._fits:
            result = require_good(
                fit(self.likelihood, fixed={self.parameter: value}), f"the profile at {self.parameter} = {value:.6g}"
            )
            self._fits[value] = result
            if result.minus_2_ln_l < self.best.minus_2_ln_l - BELOW:
                again = fit(self.likelihood, starts=[result.values, self.best.values])
                self.best = require_good(again, "the best fit, sought again below a profile point")
        return self._fits[value]

    def delta(self, value: float) -> float:
        """-2 Delta ln L at ``value``: never negative, infinite where events were seen and none are expected."""
        try:
            conditional = self.at(value).minus_2_ln_l
        except ZeroPrediction:
            return math.inf
        return max(conditional - self.best.minus_2_ln_l, 0.0)

    def scan(self, values: Array) -> Scan:
        """The profile at ``values`` (n,); a better minimum found on the way moves all points."""
        for value in values:
            self.delta(float(value))
        delta = np.array([self.delta(float(value)) for value in values])
        return Scan(self.parameter, np.asarray(values, dtype=float), delta, self.best, self.best.status)

    def scale(self) -> float:
        """A step of about one standard deviation: the fit's error, or the rise of the profile at a bound."""
        error = float(self.best.errors[self.index])
        if np.isfinite(error) and error > 0:
            return error
        lower, upper = self.bounds
        away = 1.0 if self.estimate - lower < upper - self.estimate else -1.0
        return self._double(lambda step: self.delta(self._inside(self.estimate + away * step)) >= 1.0)

    def outermost(self, cut: float, side: int) -> float:
        """The highest (+1) or lowest (-1) of the minima that were found and lie below ``cut``."""
        found = [float(end[self.index]) for end in self.best.ends if np.all(np.isfinite(end))]
        below = [self.estimate, *(value for value in found if self.delta(value) < cut)]
        return side * max(side * value for value in below)

    def crossing(self, cut: float, side: int) -> float | None:
        """Where the profile rises through ``cut`` beyond all minima found, above (+1) or below (-1); None: nowhere."""
        bracket = self.bracket(cut, side)
        return None if bracket is None else self.root(cut, *bracket)

    def bracket(self, cut: float, side: int) -> tuple[float, float] | None:
        """Two values beyond all minima found with the profile below ``cut`` at the first and not at the second."""
        inner, step = self.outermost(cut, side), self.scale()
        for _ in range(DOUBLINGS):
            outer = self._inside(inner + side * step)
            if self.delta(outer) >= cut:
                return inner, outer
            if outer == self._inside(outer + side * step):
                return None
            inner, step = outer, 2.0 * step
        raise StatisticsError(
            "the profile never reaches its cut: the data do not bound the parameter",
            where=self.parameter,
            given=f"-2 Delta ln L = {self.delta(inner):.3g} at {inner:.3g}, cut {cut:.3g}",
            fix="give the parameter bounds",
        )

    def root(self, cut: float, inner: float, outer: float) -> float:
        """The crossing of ``cut`` between ``inner`` (below) and ``outer`` (above it)."""
        if self.delta(inner) >= cut:  # a cut below the rounding of the fits
            return inner
        while math.isinf(self.delta(outer)) and abs(outer - inner) > 1e-12 * (1.0 + abs(outer)):
            middle = 0.5 * (inner + outer)
            inner, outer = (inner, middle) if self.delta(middle) > cut else (middle, outer)
        if self.delta(outer) == cut or math.isinf(self.delta(outer)):
            return outer
        precision = 1e-9 * max(abs(inner), abs(outer))
        return float(brentq(lambda value: self.delta(value) - cut, inner, outer, xtol=precision, rtol=1e-10))

    def _inside(self, value: float) -> float:
        lower, upper = self.bounds
        return min(max(value, lower), upper)

    def _double(self, enough: Callable[[float], bool]) -> float:
        step = 1e-3 * (1.0 + abs(self.estimate))
        for _ in range(DOUBLINGS):
            if enough(step):
                return step
            step *= 2.0
        raise StatisticsError(
            "the likelihood does not depend on the parameter",
            where=self.parameter,
            fix="check that a component scales with it",
        )
