"""Roots of functions that are cheaper for several points at once than one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from eventfit.quadrature import Array

__all__ = ["root_between"]

#: rounds of evaluations; each at least halves the bracket, most shrink it a thousandfold
ROUNDS = 80
#: part of the precision asked for to which two interpolations have to agree
SURE = 0.1


def root_between(
    function: Callable[[Array], Array], low: float, high: float, *, precision: float, known: Sequence[float] = ()
) -> float:
    """Where ``function`` changes sign between ``low`` and ``high``, to ``precision``.

    Each round evaluates a guess from inverse interpolation, its neighbours on both sides and the middle of the bracket,
    until the bracket is narrow or interpolation is much surer than asked for. Infinite values are allowed on one side.
    Of several roots one is found. ``known`` are other points where the function costs nothing.
    """
    x = np.unique([low, high, *known])
    y = function(x)
    for _ in range(ROUNDS):
        inside = np.flatnonzero((x >= low) & (x <= high))
        if np.any(y[inside] == 0.0):
            return float(x[inside[np.argmax(y[inside] == 0.0)]])
        i = int(inside[np.argmax(np.diff(np.sign(y[inside])) != 0)])
        width = x[i + 1] - x[i]
        if width <= precision:
            break
        guess, error = _guess(x.tolist(), y.tolist(), i)
        if error <= SURE * precision:
            return guess
        trial = np.clip(_around(guess, error, x[i], width), x[i] + 0.25 * precision, x[i + 1] - 0.25 * precision)
        trial = np.setdiff1d(trial, x)
        order = np.argsort(np.concatenate([x, trial]))
        x, y = np.concatenate([x, trial])[order], np.concatenate([y, function(trial)])[order]
    if not np.all(np.isfinite(y[i : i + 2])):
        return float(x[i + 1] if np.isfinite(y[i]) else x[i])
    return float(x[i] - y[i] * (x[i + 1] - x[i]) / (y[i + 1] - y[i]))


def _guess(x: list[float], y: list[float], i: int) -> tuple[float, float]:
    """The root inside the bracket ``x[i], x[i + 1]`` by inverse interpolation, and how far one point less moves it.

    The second is infinite where there are too few points to tell, the first NaN where there is no telling at all.
    """
    near = [j for j in range(max(i - 1, 0), min(i + 3, len(x))) if math.isfinite(y[j])]
    if i not in near or i + 1 not in near:
        return math.nan, math.inf
    fewer = near[:-1] if near[0] < i else near[1:]
    guess, rough, secant = (_inverse([x[j] for j in of], [y[j] for j in of]) for of in (near, fewer, [i, i + 1]))
    if not x[i] < guess < x[i + 1]:
        return secant, math.inf
    return guess, abs(guess - rough) if len(fewer) > 2 else math.inf


def _around(guess: float, error: float, start: float, width: float) -> Array:
    """Points to try inside the bracket of ``width`` that begins at ``start``."""
    middle = start + 0.5 * width
    if math.isnan(guess):
        return np.array([middle - 0.25 * width, middle, middle + 0.25 * width])
    spread = min(max(2.0 * error, 1e-3 * width), 0.25 * width)
    return np.array([guess - spread, guess - 0.03 * spread, guess, guess + 0.03 * spread, guess + spread, middle])


def _inverse(x: list[float], y: list[float]) -> float:
    """x(y) at y = 0 by Lagrange's polynomial; NaN for repeated values."""
    if len(set(y)) < len(y):
        return math.nan
    return sum(at * math.prod(b / (b - a) for b in y if b != a) for at, a in zip(x, y, strict=True))
