"""Test statistics of Cowan, Cranmer, Gross and Vitells, Eur. Phys. J. C 71 (2011) 1554 (arXiv:1007.1727).

Each is a function of a tested value's likelihood ratio, for one data set or many at once. What to use when: ``q0`` for
the evidence of a signal that cannot be negative, ``t0`` for one of either sign; ``tmu_tilde`` for a two-sided interval
and ``qmu_tilde`` for an upper limit on a parameter that cannot be negative; ``tmu`` and ``qmu`` for one of either sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array

__all__ = [
    "COWAN",
    "STATISTICS",
    "Statistic",
    "StatisticName",
    "Tested",
    "q0",
    "qmu",
    "qmu_tilde",
    "require_bounded",
    "t0",
    "tmu",
    "tmu_tilde",
]

COWAN = "arXiv:1007.1727"


@dataclass(frozen=True, eq=False)
class Tested:
    """The likelihood ratio of one tested value, on one data set or many.

    Attributes
    ----------
    mu
        The tested value.
    estimate, delta
        (...): the best fit, and -2 ln of the ratio of L at ``mu`` to L there (never negative).
    bounded
        Whether the fit kept the parameter from being negative.
    """

    mu: float
    estimate: Array
    delta: Array
    bounded: bool


Statistic = Callable[[Tested], Array]
StatisticName = Literal["q0", "t0", "tmu", "tmu_tilde", "qmu", "qmu_tilde"]


def q0(tested: Tested) -> Array:
    """Eq. (12): -2 ln of the likelihood ratio of mu = 0, or 0 where the estimate is not positive."""
    _require_zero(tested)
    require_bounded(tested.bounded)
    return np.where(tested.estimate > 0.0, tested.delta, 0.0)


def t0(tested: Tested) -> Array:
    """Eq. (8) at mu = 0: for a coupling of either sign, where a deficit is evidence as well."""
    _require_zero(tested)
    return tested.delta


def tmu(tested: Tested) -> Array:
    """Eq. (8): -2 ln of the likelihood ratio of mu, for a parameter of either sign."""
    return tested.delta


def tmu_tilde(tested: Tested) -> Array:
    """Eq. (11): -2 ln of the likelihood ratio of mu with the estimate bounded at zero.

    Eq. (11) replaces a negative estimate by zero; here the fit itself is bounded, which is the same number.
    """
    require_bounded(tested.bounded)
    return tested.delta


def qmu(tested: Tested) -> Array:
    """Eq. (14): :func:`tmu` for estimates below mu, 0 above: large only where data fall short of mu."""
    return np.where(tested.estimate <= tested.mu, tested.delta, 0.0)


def qmu_tilde(tested: Tested) -> Array:
    """Eq. (16): :func:`tmu_tilde` for estimates below mu, 0 above."""
    require_bounded(tested.bounded)
    return np.where(tested.estimate <= tested.mu, tested.delta, 0.0)


STATISTICS: dict[StatisticName, Statistic] = {
    "q0": q0,
    "t0": t0,
    "tmu": tmu,
    "tmu_tilde": tmu_tilde,
    "qmu": qmu,
    "qmu_tilde": qmu_tilde,
}


def require_bounded(bounded: bool) -> None:
    """Refuse a parameter that may be negative."""
    if not bounded:
        raise OutOfRange(
            "this statistic is defined for a parameter that cannot be negative",
            allowed="lower bound 0",
            fix="bound the parameter at zero (Likelihood.bounded), or use a statistic for either sign (t0, tmu, qmu)",
        )


def _require_zero(tested: Tested) -> None:
    if tested.mu != 0.0:
        raise OutOfRange("this statistic tests the value 0", given=tested.mu, fix="use tmu or qmu for other values")
