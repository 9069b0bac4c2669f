"""Two parameters at once: the profile on a grid, and the heights of its contours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eventfit.errors import FitFailed, OutOfRange
from eventfit.inference.asymptotic import warnings_of
from eventfit.inference.card import profile_card
from eventfit.inference.fitting.batch import BELOW, fit_batch
from eventfit.inference.fitting.fit import fit, require_good
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.results import Contour, FitResult
from eventfit.inference.statistic import COWAN
from eventfit.likelihood import Likelihood
from eventfit.quadrature import Array

__all__ = ["contour"]

LEVELS = (0.68, 0.90, 0.95)
#: the grid reaches to this height in each parameter's own profile
REACH = 1.25


def contour(
    likelihood: Likelihood,
    x: str,
    y: str,
    *,
    levels: Sequence[float] = LEVELS,
    points: int = 41,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
) -> Contour:
    """-2 Delta ln L over ``x`` and ``y`` on a grid of ``points`` each way, all other parameters re-optimised.

    A level's contour is where it equals the chi-square quantile with two degrees of freedom, -2 ln(1 - cl): Wilks;
    2.28, 4.61 and 5.99 for 68, 90 and 95 %. By default the grid reaches where each parameter's own profile does.

    Raises
    ------
    OutOfRange
        Twice the same parameter, levels outside 0 to 1, fewer than 5 points.
    FitFailed
        A point has no certified minimum.
    """
    if x == y or points < 5 or not all(0.0 < level < 1.0 for level in levels):
        raise OutOfRange(
            "a contour needs two parameters, five points each way and levels between 0 and 1",
            given=f"{x}, {y}, {points} points, levels {list(levels)}",
        )
    for name, wanted in ((x, x_range), (y, y_range)):
        lower, upper = (float(bound[likelihood.index(name)]) for bound in likelihood.bounds)
        if wanted is not None and not lower <= wanted[0] < wanted[1] <= upper:
            raise OutOfRange(
                f"the range of {name!r} does not rise, or leaves its bounds",
                given=wanted,
                allowed=f"inside {lower:g} to {upper:g}",
            )
    heights = [-2.0 * np.log1p(-level) for level in levels]
    profiles = (Profile(likelihood, x), Profile(likelihood, y))
    axes = [
        np.linspace(*(given or _range(profile, REACH * max(heights))), points)
        for profile, given in zip(profiles, (x_range, y_range), strict=True)
    ]
    best = min((profile.best for profile in profiles), key=lambda result: result.minus_2_ln_l)
    minimum, best = _grid(likelihood, best, (x, y), axes)
    delta = np.maximum(minimum - best.minus_2_ln_l, 0.0)
    doubts = [warnings_of(likelihood, name, best.values, name in best.at_bound) for name in (x, y)]
    card = profile_card(
        profiles[0],
        method="profile likelihood contour",
        statistic="tmu of two parameters",
        reference=COWAN,
        doubts=tuple(dict.fromkeys(doubts[0] + doubts[1])),
    )
    pairs = tuple((float(level), float(height)) for level, height in zip(levels, heights, strict=True))
    return Contour((x, y), axes[0], axes[1], delta, pairs, best, best.status, card)


def _range(profile: Profile, cut: float) -> tuple[float, float]:
    """Where the profile reaches ``cut`` on both sides, or the bounds."""
    low, high = profile.crossing(cut, -1), profile.crossing(cut, +1)
    lower, upper = profile.bounds
    return (lower if low is None else low), (upper if high is None else high)


def _grid(
    likelihood: Likelihood, best: FitResult, names: tuple[str, str], axes: list[Array]
) -> tuple[Array, FitResult]:
    """-2 ln L (n_y, n_x), and the best fit, sought again if a point of the grid lies below it."""
    mesh = np.meshgrid(*axes)
    points = np.tile(best.values, (mesh[0].size, 1))
    for name, values in zip(names, mesh, strict=True):
        points[:, likelihood.index(name)] = values.ravel()
    found = fit_batch(likelihood, points, fixed=names)
    if found.failed.any():
        where = points[int(np.argmax(found.failed))]
        at = ", ".join(f"{name} = {where[likelihood.index(name)]:.6g}" for name in names)
        raise FitFailed("no certified minimum was found", where=f"the contour at {at}")
    lowest = int(np.argmin(found.minus_2_ln_l))
    if found.minus_2_ln_l[lowest] < best.minus_2_ln_l - BELOW:
        again = fit(likelihood, starts=[found.values[lowest], best.values])
        best = require_good(again, "the best fit, sought again below a point of the contour")
    return found.minus_2_ln_l.reshape(mesh[0].shape), best
