"""Where fits begin: more than one place, unless the likelihood is known to have one minimum."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from eventfit.likelihood import Component, Likelihood, MorphEven, MorphPower, NormSys
from eventfit.likelihood.coefficients import Coefficients
from eventfit.parameters import Parameter
from eventfit.quadrature import Array, Mask

__all__ = ["displaced", "folded", "inside", "mirrored", "starts_of"]

#: a morph whose two sides have less in common than this, in variances, makes no second minimum: its constraint, worth
#: theta**2, outweighs the 2 n sqrt(this) theta**2 that data n = 5 standard deviations away can gain
SMALL = 0.01
#: parameters of which every combination of sides is tried; the others are moved to their other side together
SIDES = 3


def starts_of(likelihood: Likelihood, points: Array, free: Mask) -> list[Array]:
    """Start points, each (n, n_par): ``points`` (n, n_par) and, without convexity, others that may find other minima.

    These are displaced by a standard deviation in alternating directions (and in the opposite ones where slopes jump at
    zero), for each coupling that enters squared the mirror point, and the other side of what folds back.
    """
    if likelihood.convex or not free.any():
        return [points]
    signs = (1.0, -1.0) if np.any(likelihood.kinks & free) else (1.0,)
    moved = [displaced(likelihood, points, free, sign) for sign in signs]
    beside = [*mirrored(likelihood, points, free), *mirrored(likelihood, moved[0], free)]
    return [points, *moved, *beside, *folded(likelihood, points, free)]


def inside(likelihood: Likelihood, point: Array, free: Mask) -> Array:
    """``point`` moved off the bounds by a thousandth of the distance to the declared start, or of 1."""
    lower, upper = likelihood.bounds
    margin = 1e-3 * (1.0 + np.abs(point))
    low = np.where(np.isfinite(lower), lower + margin, lower)
    high = np.where(np.isfinite(upper), upper - margin, upper)
    return np.where(free & (low < high), np.clip(point, low, high), point)


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


def folded(likelihood: Likelihood, points: Array, free: Mask) -> list[Array]:
    """``points`` moved to the other side of zero in free parameters whose two sides differ by more than their sign.

    A nuisance with both variations up (or both down) may describe an excess (a deficit) from either side, and where
    slopes jump at zero each side may have a minimum. All of them are moved together, and of the few that do most every
    combination of sides is tried.
    """
    size = np.where(free, _fold(likelihood.parameters, likelihood.components), 0.0)
    index = np.argsort(-size)[: np.count_nonzero(size)]
    if not len(index):
        return []
    flipped = [-np.copysign(1.0, points[..., index])]
    few = index[:SIDES]
    if len(index) > 1:
        flipped += [
            np.broadcast_to(np.array(signs), (*points.shape[:-1], len(few)))
            for signs in product((1.0, -1.0), repeat=len(few))
        ]
    found = []
    for signs in flipped:
        point = points.copy()
        moved = index[: signs.shape[-1]]
        away = np.abs(points[..., moved])
        point[..., moved] = signs * np.where(away < 0.1, 1.0, away)
        found.append(np.where(free, np.clip(point, *likelihood.bounds), points))
    return found


@lru_cache(maxsize=16)
def _fold(parameters: tuple[Parameter, ...], components: tuple[Component, ...]) -> Array:
    """How much every parameter folds back or bends at zero, (n_par,): common change of both sides, in variances."""
    names = tuple(p.name for p in parameters)
    sided = {f.parameter for c in components for f in c.factors if isinstance(f, NormSys | MorphEven)}
    nuisances = sided | {f.parameter for c in components for f in c.factors if isinstance(f, MorphPower)}
    theta = np.array([0.0 if p.name in nuisances else p.start or 1.0 for p in parameters])
    coefficients = Coefficients.compile(names, [c.factors for c in components])
    counts = np.array([c.counts for c in components])
    nominal = coefficients.value(theta) @ counts
    size = np.zeros(len(names))
    for i in (i for i, name in enumerate(names) if name in nuisances):
        up, down = (coefficients.value(np.where(np.arange(len(names)) == i, x, theta)) @ counts for x in (1.0, -1.0))
        rise, fall = up - nominal, down - nominal
        bend = 0.5 * np.abs(rise + fall) if coefficients.kinks[i] else np.minimum(np.abs(rise), np.abs(fall))
        bend[~coefficients.kinks[i] & (rise * fall <= 0) | (bend < 1e-9 * np.abs(nominal))] = 0.0
        size[i] = (bend**2 / np.maximum(np.abs(nominal), 1.0)).sum()
        if names[i] not in sided and size[i] < SMALL:
            size[i] = 0.0
    return size
