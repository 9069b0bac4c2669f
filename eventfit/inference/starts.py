"""Where fits begin: more than one place, unless the likelihood is known to have one minimum."""

from __future__ import annotations

import numpy as np

from eventfit.likelihood import Likelihood
from eventfit.quadrature import Array, Mask

__all__ = ["displaced", "mirrored", "starts_of"]


def starts_of(likelihood: Likelihood, points: Array, free: Mask) -> list[Array]:
    """Start points, each (n, n_par): ``points`` (n, n_par) and, without convexity, others that may find other minima.

    These are displaced by a standard deviation in alternating directions (and in the opposite ones where slopes jump at
    zero), and for each coupling that enters squared the mirror point.
    """
    if likelihood.convex or not free.any():
        return [points]
    signs = (1.0, -1.0) if np.any(likelihood.kinks & free) else (1.0,)
    moved = [displaced(likelihood, points, free, sign) for sign in signs]
    return [points, *moved, *mirrored(likelihood, points, free)]


def displaced(likelihood: Likelihood, points: Array, free: Mask, sign: float = 1.0) -> Array:
    """``points`` moved by one standard deviation (at most 1 + |value|), free parameters in alternating directions."""
    information = np.diagonal(likelihood.fisher(points), axis1=-2, axis2=-1)
    sigma = np.sqrt(2.0 / np.maximum(information, 1e-12))
    direction = sign * np.where(np.cumsum(free) % 2 == 1, 1.0, -1.0)
    moved = points + direction * np.minimum(sigma, 1.0 + np.abs(points))
    return np.where(free, np.clip(moved, *likelihood.bounds), points)


def mirrored(likelihood: Likelihood, points: Array, free: Mask) -> list[Array]:
    """For each free parameter that enters squared, ``points`` moved to the other root of the total expectation."""
    found = []
    for index in np.flatnonzero(likelihood.mirrored & free):
        total = []
        for value in (-1.0, 0.0, 1.0):
            moved = points.copy()
            moved[..., index] = value
            total.append(likelihood.expected(moved).sum(axis=-1))
        curvature = 0.5 * (total[0] + total[2]) - total[1]
        slope = 0.5 * (total[2] - total[0])
        mirror = points.copy()
        flat = curvature == 0.0
        mirror[..., index] = np.where(
            flat, points[..., index], -slope / np.where(flat, 1.0, curvature) - points[..., index]
        )
        found.append(np.where(free, np.clip(mirror, *likelihood.bounds), points))
    return found
