"""The same fits as a careful notebook would write them: templates as a matrix, Poisson -2 ln L, iminuit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from iminuit import Minuit
from problem import WIDTH
from scipy.optimize import brentq
from scipy.special import ndtr

from eventfit.likelihood import Likelihood

#: the first constrained parameter of the benchmark problem
CONSTRAINED = 6
#: of a limit, relative: the same as that of upper_limit_cls
PRECISION = 1e-8


class HandWritten:
    """-2 ln L of the benchmark problem relative to the saturated model, and iminuit fits of it."""

    def __init__(self, likelihood: Likelihood) -> None:
        self.templates = np.array([c.counts for c in likelihood.components])
        self.names = likelihood.names
        self.limits = list(zip(*likelihood.bounds, strict=True))

    def minus_2_ln_l(self, n: np.ndarray, a: np.ndarray) -> Callable[[np.ndarray], float]:
        """The function of theta (11,) for counts ``n`` (29,) and auxiliary measurements ``a`` (5,)."""
        templates = self.templates
        log_n = np.where(n > 0, n * np.log(np.where(n > 0, n, 1.0)), 0.0)

        def function(theta: np.ndarray) -> float:
            scale = theta.copy()
            scale[CONSTRAINED:] = 1.0 + WIDTH * theta[CONSTRAINED:]
            lam = np.maximum(scale @ templates, 1e-12)
            return 2.0 * np.sum(lam - n + log_n - n * np.log(lam)) + np.sum((theta[CONSTRAINED:] - a) ** 2)

        return function

    def slope(self, n: np.ndarray, a: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """The analytic gradient of :meth:`minus_2_ln_l`."""
        templates = self.templates

        def function(theta: np.ndarray) -> np.ndarray:
            scale = theta.copy()
            scale[CONSTRAINED:] = 1.0 + WIDTH * theta[CONSTRAINED:]
            lam = np.maximum(scale @ templates, 1e-12)
            gradient = 2.0 * (templates @ (1.0 - n / lam))
            gradient[CONSTRAINED:] = WIDTH * gradient[CONSTRAINED:] + 2.0 * (theta[CONSTRAINED:] - a)
            return gradient

        return function

    def fit(
        self,
        n: np.ndarray,
        a: np.ndarray,
        start: np.ndarray,
        fixed: Mapping[str, float] | None = None,
        *,
        gradient: bool = False,
        strategy: int = 1,
    ) -> Minuit:
        """One MIGRAD; strategy 1 is iminuit's default."""
        minuit = Minuit(self.minus_2_ln_l(n, a), start, name=self.names, grad=self.slope(n, a) if gradient else None)
        minuit.errordef = Minuit.LEAST_SQUARES
        minuit.strategy = strategy
        minuit.limits = self.limits
        minuit.errors = np.full(len(self.names), 0.1)
        for name, value in (fixed or {}).items():
            minuit.values[name] = value
            minuit.fixed[name] = True
        return minuit.migrad()


class HandWrittenProfile:
    """A profile of ``parameter`` with the last fit as the start of the next, and a CLs limit from it."""

    def __init__(self, likelihood: Likelihood, parameter: str, *, gradient: bool = False) -> None:
        self.maker, self.parameter, self.gradient = HandWritten(likelihood), parameter, gradient
        self.n, self.a = likelihood.data.counts, likelihood.data.auxiliary
        self.start = likelihood.start.copy()

    def scan(self, values: np.ndarray) -> np.ndarray:
        """-2 Delta ln L at ``values``."""
        best = self._fit(self.n, self.a, self.start)
        point, found = np.array(best.values), []
        for value in values:
            held = self._fit(self.n, self.a, point, {self.parameter: value})
            point = np.array(held.values)
            found.append(held.fval - best.fval)
        return np.array(found)

    def limit(self, cl: float = 0.90) -> float:
        """Where CLs = 1 - cl: qmu_tilde and its asymptotic distributions (arXiv:1007.1727), brentq over mu."""
        best = self._fit(self.n, self.a, self.start)
        null = np.array(self._fit(self.n, self.a, np.array(best.values), {self.parameter: 0.0}).values)
        scale = null.copy()
        scale[CONSTRAINED:] = 1.0 + WIDTH * null[CONSTRAINED:]
        asimov_n, asimov_a = scale @ self.maker.templates, null[CONSTRAINED:]
        floor = self.maker.minus_2_ln_l(asimov_n, asimov_a)(null)
        estimate = best.values[self.parameter]

        def above(mu: float) -> float:
            held = {self.parameter: mu}
            observed = max(self._fit(self.n, self.a, np.array(best.values), held).fval - best.fval, 0.0)
            asimov = max(self._fit(asimov_n, asimov_a, null, held).fval - floor, 0.0)
            return math.log(1.0 - cl) - math.log(_cls(observed if estimate <= mu else 0.0, asimov))

        high = estimate + 2.0 * best.errors[self.parameter]
        while above(high) < 0.0:
            high *= 2.0
        return float(brentq(above, max(estimate, 1e-3), high, xtol=1e-12, rtol=PRECISION))

    def _fit(self, n: np.ndarray, a: np.ndarray, start: np.ndarray, fixed: Mapping[str, float] | None = None) -> Minuit:
        return self.maker.fit(n, a, start, fixed, gradient=self.gradient)


def _cls(value: float, asimov: float) -> float:
    root, expected = math.sqrt(value), math.sqrt(asimov)
    if value <= asimov:
        return float(ndtr(-root) / ndtr(expected - root))
    return float(ndtr(-(value + asimov) / (2.0 * expected)) / ndtr(-(value - asimov) / (2.0 * expected)))
