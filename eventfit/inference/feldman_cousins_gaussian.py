"""Feldman-Cousins intervals of a Gaussian estimate whose true value cannot be negative, exactly."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from eventfit.errors import OutOfRange, StatisticsError
from eventfit.inference.card import profile_card
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.results import Limit
from eventfit.inference.statistic import require_bounded

__all__ = ["feldman_cousins_gaussian", "upper_limit_feldman_cousins_gaussian"]

REFERENCE = "arXiv:physics/9711021"
#: means beyond the estimate, in standard deviations, up to which an end is sought
FAR = 40.0


def feldman_cousins_gaussian(x: float, cl: float) -> tuple[float, float]:
    """The interval of a mean >= 0 for an observation ``x`` of unit width (arXiv:physics/9711021, Sec. IV B, Table X).

    For each mean mu the accepted observations are those with the largest R = exp(-(x - mu)^2 / 2) for x >= 0, and
    exp(x mu - mu^2 / 2) for x < 0, Eqs. (4.2) and (4.3); the interval holds the means that accept ``x``.

    Raises
    ------
    OutOfRange
        A level outside 0 to 1, an observation that is not finite.
    """
    if not 0.0 < cl < 1.0 or not math.isfinite(x):
        raise OutOfRange("a confidence level lies between 0 and 1, and an observation is finite", given=f"{cl}, {x}")

    def accepted(mu: float) -> float:
        """Distance by which ``x`` lies inside the acceptance region of ``mu``; negative outside."""
        low, high = _acceptance(mu, cl)
        return min(x - low, high - x)

    top = max(x, 0.0) + ndtri(0.5 * (1.0 + cl)) + 1.0
    inside = max(x, 0.0)
    upper = float(brentq(accepted, inside, top, xtol=1e-12))
    lower = 0.0 if accepted(0.0) >= 0.0 else float(brentq(accepted, 0.0, inside, xtol=1e-12))
    return lower, upper


def _acceptance(mu: float, cl: float) -> tuple[float, float]:
    """Observations accepted for the mean ``mu``: equal likelihood ratios at both ends, probability cl between them."""
    if mu == 0.0:  # every x < 0 has R = 1, the largest
        return -math.inf, float(ndtri(cl))

    def low_of(high: float) -> float:
        """The observation below ``mu`` with the likelihood ratio of ``high``."""
        depth = (high - mu) ** 2
        low = mu - (high - mu)
        return low if low >= 0.0 else 0.5 * (mu - depth / mu)

    def missing(high: float) -> float:
        return float(ndtr(high - mu) - ndtr(low_of(high) - mu)) - cl

    high = float(brentq(missing, mu, mu + FAR, xtol=1e-13))
    return low_of(high), high


def upper_limit_feldman_cousins_gaussian(profile: Profile, *, cl: float = 0.90) -> Limit:
    """The upper end of the Feldman-Cousins interval of the estimate and its error, both without the bound at zero.

    Exact where the likelihood is Gaussian and linear in the parameter, as for residuals with given errors; elsewhere
    the approximation of a parabola. The interval may have a lower end above zero, which the note states.

    Raises
    ------
    OutOfRange
        The parameter may be negative.
    StatisticsError
        The fit without the bound has no error.
    """
    require_bounded(profile.bounds[0] == 0.0)
    free = Profile(profile.likelihood.bounded(profile.parameter, -math.inf, math.inf), profile.parameter)
    error = float(free.best.errors[free.index])
    if not (math.isfinite(error) and error > 0.0):
        raise StatisticsError("the estimate without its bound has no error", where=profile.parameter)
    low, high = feldman_cousins_gaussian(free.estimate / error, cl)
    card = profile_card(
        profile,
        method="Feldman-Cousins, Gaussian",
        statistic="tmu_tilde",
        reference=REFERENCE,
        sided="two",
        cl=cl,
        calibration="exact",
        note=f"estimate {free.estimate:.4g} +- {error:.3g} without the bound; lower end {low * error:.4g}",
    )
    return Limit(profile.parameter, high * error, (), free.best.status, card)
