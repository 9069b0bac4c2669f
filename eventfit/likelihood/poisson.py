"""The Poisson statistic relative to the saturated model, with derivatives, safe at zero expectation."""

from __future__ import annotations

import numpy as np

from eventfit.quadrature import Array

__all__ = ["FLOOR", "poisson_deviance"]

#: below this expectation (relative to 1 + n) the deviance is continued as a parabola, so that minimisers can return
FLOOR = 1e-12
#: relative distance of n and expectation below which the difference of logarithms is a series
NEAR = 1e-2


def poisson_deviance(n: Array, expected: Array) -> tuple[Array, Array, Array]:
    """``2 (lambda - n + n ln(n / lambda))`` per entry with its first and second derivative in lambda.

    Baker and Cousins, Nucl. Instrum. Meth. 221 (1984) 437. All arrays have the broadcast shape of the arguments.
    Below ``FLOOR * (1 + n)``, or zero for n = 0, it is continued as the parabola with the same value, slope and
    curvature (a wall for n = 0): nothing becomes NaN, and a minimum that stands there is recognised by its expectation.
    Where n and lambda nearly agree the difference is taken by its series, so that tiny deviances keep their digits.
    """
    floor = np.where(n > 0, FLOOR * (1.0 + n), 0.0)
    low = (expected <= floor).any()
    lam = np.maximum(expected, floor) if low else expected
    safe = np.where(lam > 0, lam, 1.0) if low else lam
    difference = n - lam
    ratio, x = n / safe, np.where(lam > 0, difference / safe, -1.0) if low else difference / safe
    slope = -2.0 * x
    curve = 2.0 * ratio / safe
    log = np.log(ratio, out=np.zeros_like(ratio), where=ratio > 0)
    value = np.asarray(2.0 * (n * log - difference))
    near = np.abs(x) < NEAR
    if near.any():
        value[near] = 2.0 * (np.broadcast_to(lam, x.shape)[near] * _series(x[near]))
    if low:
        below = expected - lam
        wall = np.where(below < 0, np.maximum(curve, 2.0 / FLOOR), 0.0)
        value = value + below * slope + 0.5 * wall * below**2
        slope = slope + wall * below
        curve = np.maximum(curve, wall)
    return value, slope, curve


def _series(x: Array) -> Array:
    """``(1 + x) ln(1 + x) - x`` as a sum of ``(-x)**k / (k (k - 1))``, to 1e-15 for |x| below ``NEAR``."""
    total = np.full_like(x, 1.0 / (8 * 7))
    for k in range(7, 1, -1):
        total *= x
        total += (-1.0) ** k / (k * (k - 1))
    return np.asarray(total * x * x)
