"""Two-sided intervals from the profile likelihood."""

from __future__ import annotations

import numpy as np

from eventfit.inference.asymptotic import cut_of, warnings_of
from eventfit.inference.card import bounded_at, profile_card
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.results import Interval, Status
from eventfit.inference.statistic import COWAN
from eventfit.quadrature import Array

__all__ = ["profile_interval"]

#: the search for further pieces reaches this many standard deviations, or the bounds if they are this near
REACH, NEAR_BOUND = 8.0, 200.0
#: points of the search per standard deviation
DENSITY = 3.0


def profile_interval(profile: Profile, *, cl: float = 0.90) -> Interval:
    """All values whose likelihood ratio is below the chi-square quantile: two-sided, 2.706 for 90 %.

    The statistic is ``tmu_tilde`` for a parameter bounded at zero, ``tmu`` otherwise; the cut is the asymptotic one for
    a parameter away from its bound (Wilks). A lower end at the bound means that the bound itself is inside. Crossings
    are sought on a grid of a third of a standard deviation, out to eight of them beyond every minimum that the starts
    of the fit found (the mirror minimum of a squared coupling is one), or to the bounds where those are near: so
    disconnected intervals come out as several pieces.

    Returns
    -------
    Interval
        In the fit parameter; status ``OPEN_RANGE`` if it reaches a bound other than zero.
    """
    cut = cut_of("tmu", cl)
    statistic = "tmu_tilde" if profile.bounds[0] == 0.0 else "tmu"
    at_bound = profile.parameter in profile.best.at_bound
    grid = _grid(profile, cut)
    height = profile.scan(grid).delta
    pieces = _pieces(profile, grid, height, cut)
    open_below = height[0] <= cut and grid[0] != 0.0
    status = Status.OPEN_RANGE if height[-1] <= cut or open_below else profile.best.status
    card = profile_card(
        profile,
        method="profile likelihood",
        statistic=statistic,
        reference=COWAN,
        sided="two",
        cl=cl,
        cut=cut,
        note="asymptotic cut; over-covers where the lower end is the bound",
        doubts=(
            *warnings_of(profile.likelihood, profile.parameter, profile.best.values, at_bound),
            *bounded_at(profile, *(end for piece in pieces for end in piece if end not in profile.bounds)),
        ),
    )
    return Interval(profile.parameter, pieces, profile.estimate, status, card)


def _grid(profile: Profile, cut: float) -> Array:
    """From beyond the lowest to beyond the highest crossing that the search covers, with the estimate in it."""
    ends = []
    for side, bound in zip((-1, +1), profile.bounds, strict=True):
        near = abs(bound - profile.estimate) < NEAR_BOUND * profile.scale()
        bracket = None if near else profile.bracket(cut, side)
        if bracket is None:
            ends.append(bound)
        else:
            reach = profile.outermost(cut, side) + side * REACH * profile.scale()
            ends.append(side * max(side * bracket[1], side * reach))
    low, high = (min(max(end, profile.bounds[0]), profile.bounds[1]) for end in ends)
    points = 2 + int(DENSITY * (high - low) / profile.scale())
    return np.unique(np.concatenate([np.linspace(low, high, points), [profile.estimate]]))


def _pieces(profile: Profile, grid: Array, height: Array, cut: float) -> tuple[tuple[float, float], ...]:
    inside = height <= cut
    ends: list[float] = [float(grid[0])] if inside[0] else []
    for i in np.flatnonzero(inside[1:] != inside[:-1]):
        inner, outer = (i, i + 1) if inside[i] else (i + 1, i)
        ends.append(profile.root(cut, float(grid[inner]), float(grid[outer])))
    if inside[-1]:
        ends.append(float(grid[-1]))
    return tuple(zip(ends[::2], ends[1::2], strict=True))
