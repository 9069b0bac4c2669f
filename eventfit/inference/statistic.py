"""Test statistics of Cowan, Cranmer, Gross and Vitells, Eur. Phys. J. C 71 (2011) 1554 (arXiv:1007.1727).

What to use when: ``q0`` for the evidence of a signal that cannot be negative, ``t0`` for one of either sign;
``tmu_tilde`` for a two-sided interval and ``qmu_tilde`` for an upper limit on a parameter that cannot be negative;
``tmu`` for a two-sided interval on a parameter of either sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eventfit.errors import OutOfRange
from eventfit.inference.profile import Profile
from eventfit.inference.results import FitResult

__all__ = ["COWAN", "Statistic", "TestStatistic", "q0", "qmu_tilde", "require_bounded", "t0", "tmu", "tmu_tilde"]

COWAN = "arXiv:1007.1727"
Statistic = Callable[[Profile], "TestStatistic"]


@dataclass(frozen=True, eq=False)
class TestStatistic:
    """The value of a test statistic with the two fits behind it."""

    __test__ = False  # not a test case, whatever its name

    value: float
    best: FitResult
    conditional: FitResult


def q0(profile: Profile) -> TestStatistic:
    """Eq. (12): -2 ln of the likelihood ratio of mu = 0, or 0 where the estimate is not positive."""
    require_bounded(profile)
    conditional = profile.at(0.0)
    value = profile.delta(0.0) if profile.estimate > 0.0 else 0.0
    return TestStatistic(value, profile.best, conditional)


def t0(profile: Profile) -> TestStatistic:
    """Eq. (8) at mu = 0: for a coupling of either sign, where a deficit is evidence as well."""
    return tmu(profile, 0.0)


def tmu(profile: Profile, mu: float) -> TestStatistic:
    """Eq. (8): -2 ln of the likelihood ratio of ``mu``, for a parameter of either sign."""
    conditional = profile.at(mu)
    return TestStatistic(profile.delta(mu), profile.best, conditional)


def tmu_tilde(profile: Profile, mu: float) -> TestStatistic:
    """Eq. (11): -2 ln of the likelihood ratio of ``mu`` with the estimate bounded at zero.

    Eq. (11) replaces a negative estimate by zero; here the fit itself is bounded, which is the same number.
    """
    require_bounded(profile)
    return tmu(profile, mu)


def qmu_tilde(profile: Profile, mu: float) -> TestStatistic:
    """Eq. (16): :func:`tmu_tilde` for estimates below ``mu``, 0 above: large only where data fall short of ``mu``."""
    require_bounded(profile)
    conditional = profile.at(mu)
    return TestStatistic(profile.delta(mu) if profile.estimate <= mu else 0.0, profile.best, conditional)


def require_bounded(profile: Profile) -> None:
    """Refuse a parameter that may be negative."""
    if profile.bounds[0] != 0.0:
        raise OutOfRange(
            "this statistic is defined for a parameter that cannot be negative",
            where=profile.parameter,
            given=f"lower bound {profile.bounds[0]}",
            allowed="lower bound 0",
            fix="bound the parameter at zero, or use a statistic for either sign (t0, tmu)",
        )
