"""Two-sided intervals from the profile likelihood."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from eventfit.inference.card import profile_card
from eventfit.inference.profile import Profile
from eventfit.inference.results import Interval, Status
from eventfit.inference.statistic import COWAN, tmu_tilde
from eventfit.quadrature import Array

__all__ = ["profile_interval"]

#: the search for further pieces covers this many standard deviations on either side
REACH = 8.0
POINTS = 33


def profile_interval(profile: Profile, *, cl: float = 0.90) -> Interval:
    """All values with tmu_tilde below the chi-square quantile: two-sided, 2.706 for 90 %.

    The cut is the asymptotic one for a parameter away from its bound (Wilks). A lower end at the bound means that the
    bound itself is inside. All crossings on a grid of a quarter standard deviation are found, so disconnected
    intervals come out as several pieces.

    Returns
    -------
    Interval
        In the fit parameter; status ``OPEN_RANGE`` if the upper bound of the parameter is inside.
    """
    cut = float(ndtri(0.5 + 0.5 * cl) ** 2)
    outer = profile.crossing(cut, +1)
    lower, upper = profile.bounds
    far = upper if outer is None else min(upper, max(outer, profile.estimate + REACH * profile.scale()))
    near = max(lower, profile.estimate - REACH * profile.scale())
    grid = np.unique(np.concatenate([np.linspace(near, far, POINTS), [profile.estimate]]))
    height = np.array([tmu_tilde(profile, float(mu)).value for mu in grid])
    pieces = _pieces(profile, grid, height, cut)
    status = Status.OPEN_RANGE if height[-1] <= cut else profile.best.status
    card = profile_card(
        profile,
        method="profile likelihood",
        statistic="tmu_tilde",
        reference=COWAN,
        sided="two",
        cl=cl,
        cut=cut,
        note="asymptotic cut; over-covers where the lower end is the bound",
    )
    return Interval(profile.parameter, pieces, profile.estimate, status, card)


def _pieces(profile: Profile, grid: Array, height: Array, cut: float) -> tuple[tuple[float, float], ...]:
    inside = height <= cut
    ends: list[float] = [float(grid[0])] if inside[0] else []
    for i in np.flatnonzero(inside[1:] != inside[:-1]):
        inner, outer = (i, i + 1) if inside[i] else (i + 1, i)
        ends.append(profile.root(cut, float(grid[inner]), float(grid[outer])))
    if inside[-1]:
        ends.append(float(grid[-1]))
    return tuple(zip(ends[::2], ends[1::2], strict=True))
