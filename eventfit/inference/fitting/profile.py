"""The profile likelihood of one parameter: the machine under statistics, intervals, limits and scans."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from eventfit.errors import FitFailed, OutOfRange, StatisticsError
from eventfit.inference.fitting.batch import BELOW, BatchFit, fit_batch
from eventfit.inference.fitting.fit import fit, require_good
from eventfit.inference.fitting.roots import root_between
from eventfit.inference.results import FitResult, Scan
from eventfit.inference.statistic import Tested
from eventfit.likelihood import Data, Likelihood
from eventfit.quadrature import Array

__all__ = ["Profile", "fit_together"]

#: doublings of the search range before an interval counts as open
DOUBLINGS = 60


class Profile:
    """-2 Delta ln L of ``parameter`` with all others re-optimised; every fit is certified and remembered.

    Values are fitted in batches. A conditional fit below the best one starts a new search for the best one from there,
    so no profile is negative.

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
        self._results: dict[float, FitResult] = {}
        self._points: dict[float, tuple[float, Array]] = {}

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
        """The fit with the parameter held at ``value``, with its certificate and errors."""
        value = float(value)
        if value not in self._results:
            convex = self.likelihood.convex and value not in self._points
            point = self._conditional_starts(np.array([value]))[0] if convex else self.point(value)
            starts = [point] if np.all(np.isfinite(point)) else None
            result = fit(self.likelihood, fixed={self.parameter: value}, starts=starts)
            self._results[value] = require_good(result, f"the profile at {self.parameter} = {value:.6g}")
            self._points.setdefault(value, (result.minus_2_ln_l, result.values))
        return self._results[value]

    def point(self, value: float) -> Array:
        """Parameters (n_par,) of the batch fit with the parameter held at ``value``, without certificate or errors."""
        self._fit([float(value)])
        return self._points[float(value)][1]

    def delta(self, value: float) -> float:
        """-2 Delta ln L at ``value``: never negative, infinite where events were seen and none are expected."""
        return float(self.deltas(np.array([value]))[0])

    def deltas(self, values: Array) -> Array:
        """:meth:`delta` at all ``values`` (n,), fitted together."""
        self._fit([float(value) for value in values])
        minimum = np.array([self._points[float(value)][0] for value in values])
        return np.asarray(np.maximum(minimum - self.best.minus_2_ln_l, 0.0))

    def tested(self, mu: float) -> Tested:
        """The likelihood ratio of ``mu`` against the best fit, as the test statistics take it."""
        return Tested(float(mu), np.asarray(self.estimate), np.asarray(self.delta(mu)), self.bounds[0] == 0.0)

    def scan(self, values: Array) -> Scan:
        """The profile at ``values`` (n,), all other parameters re-optimised."""
        return Scan(
            self.parameter, np.asarray(values, float), self.deltas(values), self.best, self.best.status, "profile"
        )

    def raw_scan(self, values: Array) -> Scan:
        """-2 Delta ln L at ``values`` (n,) with the others held at the best fit: narrower than the profile."""
        points = np.tile(self.best.values, (len(values), 1))
        points[:, self.index] = values
        delta = self.likelihood.value(points) - self.best.minus_2_ln_l
        return Scan(self.parameter, np.asarray(values, float), delta, self.best, self.best.status, "raw")

    def scale(self) -> float:
        """A step of about one standard deviation: the fit's error, or where the profile rises by one from a bound."""
        error = float(self.best.errors[self.index])
        if np.isfinite(error) and error > 0:
            return error
        lower, upper = self.bounds
        away = 1.0 if self.estimate - lower < upper - self.estimate else -1.0
        step = self._expected_rise()
        if step is not None and 0.1 < self.delta(self._inside(self.estimate + away * step)) < 10.0:
            return step
        step = 1e-3 * (1.0 + abs(self.estimate))
        for _ in range(DOUBLINGS):
            if self.delta(self._inside(self.estimate + away * step)) >= 1.0:
                return step
            step *= 2.0
        raise StatisticsError(
            "the likelihood does not depend on the parameter",
            where=self.parameter,
            fix="check that a component scales with it",
        )

    def outermost(self, cut: float, side: int) -> float:
        """The highest (+1) or lowest (-1) of the minima that were found and lie below ``cut``."""
        found = np.array([float(end[self.index]) for end in self.best.ends if np.all(np.isfinite(end))])
        found = found[np.abs(found - self.estimate) > 1e-6 * (1.0 + abs(self.estimate))]
        below = found[self.deltas(found) < cut] if len(found) else found
        return float(side * max(side * value for value in (self.estimate, *below)))

    def crossing(self, cut: float, side: int) -> float | None:
        """Where the profile rises through ``cut`` beyond all minima found, above (+1) or below (-1); None: nowhere."""
        bracket = self.bracket(cut, side)
        return None if bracket is None else self.root(cut, *bracket)

    def bracket(self, cut: float, side: int) -> tuple[float, float] | None:
        """Two values beyond all minima found with the profile below ``cut`` at the first and not at the second."""
        inner, step = self.outermost(cut, side), self.scale()
        for _ in range(DOUBLINGS):
            outer = np.array([self._inside(inner + side * step * k) for k in (1.0, 2.0, 3.0)])
            above = np.flatnonzero(self.deltas(outer) >= cut)
            if len(above):
                first = int(above[0])
                return (inner if first == 0 else float(outer[first - 1])), float(outer[first])
            if outer[-1] == self._inside(outer[-1] + side * step):
                return None
            inner, step = float(outer[-1]), 3.0 * step
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
        side = 1.0 if outer > inner else -1.0
        precision = 1e-9 * max(abs(inner), abs(outer))

        def height(x: Array) -> Array:  # the square root is nearly linear
            return np.asarray(np.sqrt(self.deltas(side * x)) - math.sqrt(cut))

        known = [side * value for value in self._points if min(inner, outer) <= value <= max(inner, outer)]
        return side * root_between(height, side * inner, side * outer, precision=precision, known=known)

    def _fit(self, values: list[float]) -> None:
        """Fit those of ``values`` that are not known; a better minimum found on the way becomes the best fit."""
        unknown = self._unknown(values)
        if unknown:
            starts = self._conditional_starts(np.array(unknown))
            self._take(unknown, fit_batch(self.likelihood, starts, fixed=(self.parameter,)))

    def _unknown(self, values: Iterable[float]) -> list[float]:
        """Those of ``values`` that were not fitted yet; :class:`OutOfRange` beyond the bounds."""
        unknown = [value for value in dict.fromkeys(values) if value not in self._points]
        lower, upper = self.bounds
        for value in unknown:
            if not lower <= value <= upper:
                raise OutOfRange(
                    f"{self.parameter!r} is fixed outside its bounds", given=value, allowed=f"{lower} to {upper}"
                )
        return unknown

    def _take(self, values: list[float], found: BatchFit) -> None:
        """Remember the fits ``found`` at ``values``."""
        if found.failed.any():
            value = values[int(np.argmax(found.failed))]
            raise FitFailed("no certified minimum was found", where=f"the profile at {self.parameter} = {value:.6g}")
        for value, minimum, point in zip(values, found.minus_2_ln_l, found.values, strict=True):
            self._points[value] = float(minimum), point
        lowest = int(np.argmin(found.minus_2_ln_l))
        if found.minus_2_ln_l[lowest] < self.best.minus_2_ln_l - BELOW:
            again = fit(self.likelihood, starts=[found.values[lowest], self.best.values])
            self.best = require_good(again, "the best fit, sought again below a profile point")
            self.__dict__.pop("_response", None)

    def _conditional_starts(self, values: Array) -> Array:
        """Where the nuisance parameters go when the parameter moves: (n, n_par), between what is known or beyond it."""
        step = (values - self.estimate)[:, None] * self._response
        points = np.clip(self.best.values + step, *self.likelihood.bounds)
        if self.likelihood.convex:  # otherwise there may be several valleys
            finite = {at: point for at, (minimum, point) in self._points.items() if np.isfinite(minimum)}
            known = finite | {self.estimate: self.best.values}
            at = np.sort([*known])
            there = np.array([known[value] for value in at])
            inside = (at[0] < values) & (values < at[-1])
            right = np.searchsorted(at, values[inside])
            share = ((values[inside] - at[right - 1]) / (at[right] - at[right - 1]))[:, None]
            points[inside] = (1.0 - share) * there[right - 1] + share * there[right]
        points[:, self.index] = values
        return np.asarray(points)

    @cached_property
    def _response(self) -> Array:
        """d theta / d parameter along the valley of the best fit, (n_par,); parameters at a bound stay."""
        covariance = self.best.covariance[:, self.index]
        if covariance[self.index] > 0.0:
            return np.asarray(covariance / covariance[self.index])
        moving = np.array(
            [i for i, n in enumerate(self.best.names) if n not in self.best.at_bound and i != self.index], dtype=int
        )
        response = np.zeros(len(self.best.values))
        if len(moving):
            hessian = self.likelihood.fisher(self.best.values)
            part = hessian[np.ix_(moving, moving)] + 1e-9 * np.diag(1.0 + np.diagonal(hessian)[moving])
            response[moving] = -np.linalg.solve(part, hessian[moving, self.index])
        response[self.index] = 1.0
        return response

    def _expected_rise(self) -> float | None:
        """Where the quadratic approximation rises by one from a best fit at a bound."""
        response = self._response
        _, gradient, hessian = self.likelihood.derivatives(self.best.values)
        slope, curvature = abs(float(gradient @ response)), float(response @ hessian @ response)
        if not curvature > 0.0:
            return 1.0 / slope if slope > 0 else None
        return (math.sqrt(slope**2 + 2.0 * curvature) - slope) / curvature

    def _inside(self, value: float) -> float:
        lower, upper = self.bounds
        return min(max(value, lower), upper)


def fit_together(profiles: Sequence[Profile], values: Array) -> None:
    """Fit ``profiles`` of one model and parameter at those of ``values`` (n,) that they do not know, in one batch."""
    todo = [(profile, profile._unknown([float(value) for value in values])) for profile in profiles]
    todo = [(profile, unknown) for profile, unknown in todo if unknown]
    if not todo:
        return
    data = [(profile.likelihood.data, len(unknown)) for profile, unknown in todo]
    together = todo[0][0].likelihood.with_data(
        Data(
            np.concatenate([np.tile(d.counts, (n, 1)) for d, n in data]),
            np.concatenate([np.tile(d.auxiliary, (n, 1)) for d, n in data]),
        )
    )
    starts = np.concatenate([profile._conditional_starts(np.array(unknown)) for profile, unknown in todo])
    found = fit_batch(together, starts, fixed=(profiles[0].parameter,))
    done = 0
    for profile, unknown in todo:
        part = slice(done, done + len(unknown))
        profile._take(unknown, BatchFit(*(getattr(found, name)[part] for name in BatchFit.__dataclass_fields__)))
        done += len(unknown)
