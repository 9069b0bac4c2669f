"""The Poisson statistic relative to the saturated model, with derivatives, safe at zero expectation."""

from __future__ import annotations

import numpy as np

from eventfit.quadrature import Array

__all__ = ["FLOOR", "poisson_deviance"]

#: below this expectation (relative to 1 + n) the deviance is continued as a parabola, so that minimisers can return
FLOOR = 1e-9


def poisson_deviance(n: Array, expected: Array) -> tuple[Array, Array, Array]:
    """``2 (lambda - n + n ln(n / lambda))`` per entry with its first and second derivative in lambda.

    Baker and Cousins, Nucl. Instrum. Meth. 221 (1984) 437. All arrays have the broadcast shape of the arguments.
    Below ``FLOOR * (1 + n)`` it is continued as the parabola with the same value, slope and curvature (a wall for
    n = 0): nothing becomes NaN, and a minimum that stands there is recognised by its expectation.
    """
    floor = FLOOR * (1.0 + n)
    lam = np.maximum(expected, floor)
    below = expected - lam
    ratio = n / lam
    log = np.log(np.where(n > 0, n, lam) / lam)
    slope = 2.0 * (1.0 - ratio)
    curve = 2.0 * ratio / lam
    value = 2.0 * (lam - n + n * log)
    if below.any():
        wall = np.where(below < 0, np.maximum(curve, 2.0 / FLOOR), 0.0)
        value = value + below * slope + 0.5 * wall * below**2
        slope = slope + wall * below
        curve = np.maximum(curve, wall)
    return value, slope, curve
