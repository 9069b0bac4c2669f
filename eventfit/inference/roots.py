"""Roots of functions that are cheaper for several points at once than one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eventfit.quadrature import Array

__all__ = ["root_between"]

#: rounds of evaluations; each at least halves the bracket, most shrink it a thousandfold
ROUNDS = 80


def root_between(function: Callable[[Array], Array], low: float, high: float, *, precision: float) -> float:
    """Where ``function`` changes sign between ``low`` and ``high``, to ``precision``.

    Each round evaluates a guess from inverse interpolation, its neighbours on both sides and the middle of the bracket.
    Infinite values are allowed on one side. Of several roots one is found.
    """
    x = np.array([low, high])
    y = function(x)
    for _ in range(ROUNDS):
        if np.any(y == 0.0):
            return float(x[np.argmax(y == 0.0)])
        i = int(np.argmax(np.sign(y[1:]) != np.sign(y[:-1])))
        width = x[i + 1] - x[i]
        if width <= precision:
            break
        trial = np.clip(_guesses(x, y, i), x[i] + 0.25 * precision, x[i + 1] - 0.25 * precision)
        trial = np.setdiff1d(trial, x)
        order = np.argsort(np.concatenate([x, trial]))
        x, y = np.concatenate([x, trial])[order], np.concatenate([y, function(trial)])[order]
    if not np.all(np.isfinite(y[i : i + 2])):
        return float(x[i + 1] if np.isfinite(y[i]) else x[i])
    return float(x[i] - y[i] * (x[i + 1] - x[i]) / (y[i + 1] - y[i]))


def _guesses(x: Array, y: Array, i: int) -> Array:
    """Points to try inside the bracket ``x[i], x[i + 1]``."""
    middle, width = 0.5 * (x[i] + x[i + 1]), x[i + 1] - x[i]
    near = np.arange(max(i - 1, 0), min(i + 3, len(x)))
    near = near[np.isfinite(y[near])]
    if len(near) < 2 or i not in near or i + 1 not in near:
        return np.array([middle - 0.25 * width, middle, middle + 0.25 * width])
    rough = _inverse(x[[i, i + 1]], y[[i, i + 1]])
    fine = _inverse(x[near], y[near])
    if not x[i] < fine < x[i + 1]:
        fine = rough
    spread = min(max(abs(fine - rough), 1e-3 * width), 0.25 * width)
    return np.array([fine - spread, fine - 0.03 * spread, fine, fine + 0.03 * spread, fine + spread, middle])


def _inverse(x: Array, y: Array) -> float:
    """x(y) at y = 0 by Lagrange's polynomial; NaN for repeated values."""
    total = 0.0
    for j in range(len(x)):
        others = np.delete(y, j)
        with np.errstate(divide="ignore", invalid="ignore"):
            total += float(x[j] * np.prod(others / (others - y[j])))
    return total
