"""Asymptotic distributions of the test statistics, and when not to trust them.

Cowan, Cranmer, Gross and Vitells (arXiv:1007.1727). ``asimov`` is -2 ln lambda(mu) on the Asimov data of mu = 0, so
that ``sqrt(asimov) = mu / sigma`` (Eq. 30). Arguments are arrays (...) or numbers, and so are results.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from eventfit.errors import OutOfRange
from eventfit.inference.statistic import StatisticName
from eventfit.likelihood import Likelihood
from eventfit.quadrature import Array

__all__ = ["cut_of", "few_events", "p_value", "p_value_background", "toy_cost", "warnings_of"]

#: smallest expectation of a bin, largest count of the whole, below which the chi-square approximation is doubtful
FEW_IN_BIN, FEW = 1.0, 20.0
#: toys per second that a warning may promise; measured by tests/benchmarks/bench_toys.py on small models
TOYS_PER_SECOND = 10_000
#: bins times parameters times toys per second of large models, linear in their parameters or not
LINEAR, BENT = 1e8, 3e6


def p_value(name: StatisticName, value: Array | float, asimov: Array | float) -> Array:
    """Probability, if the tested value is true, of a statistic at or above ``value``.

    q0 and qmu: Eqs. (53) and (59); tmu and t0: Eq. (36); tmu_tilde and qmu_tilde: Eqs. (44) and (67), which know the
    boundary through ``asimov``.
    """
    root = np.sqrt(value)
    if name in ("q0", "qmu"):
        return np.asarray(ndtr(-root))
    if name in ("t0", "tmu"):
        return np.asarray(2.0 * ndtr(-root))
    beyond = ndtr(-_beyond(value, asimov, +1.0))
    inside = np.asarray(value) <= asimov
    if name == "qmu_tilde":
        return np.where(inside, ndtr(-root), beyond)
    return np.where(inside, 2.0 * ndtr(-root), ndtr(-root) + beyond)


def p_value_background(name: StatisticName, value: Array | float, asimov: Array | float) -> Array:
    """Probability, if mu = 0 is true, of qmu or qmu_tilde at or above ``value``: CL_b of a limit (Eqs. 57 and 65)."""
    root = np.sqrt(value) - np.sqrt(asimov)
    if name == "qmu":
        return np.asarray(ndtr(-root))
    return np.where(np.asarray(value) <= asimov, ndtr(-root), ndtr(-_beyond(value, asimov, -1.0)))


def cut_of(name: StatisticName, cl: float) -> float:
    """The quantile ``cl`` of a statistic far from the boundary: 1.642 (one-sided) or 2.706 (two-sided) for 90 %.

    :class:`OutOfRange` for a level outside 0 to 1, or of one half or less in a one-sided test, whose quantile is zero.
    """
    one_sided = name in ("q0", "qmu", "qmu_tilde")
    lowest = 0.5 if one_sided else 0.0
    if not lowest < cl < 1.0:
        raise OutOfRange("this is no confidence level", where=name, given=cl, allowed=f"above {lowest:g} and below 1")
    return float(ndtri(cl if one_sided else 0.5 + 0.5 * cl) ** 2)


def _beyond(value: Array | float, asimov: Array | float, sign: float) -> Array:
    """``(value +- asimov) / (2 sqrt(asimov))``: where the estimate has run into the boundary."""
    return np.asarray((value + sign * np.asarray(asimov)) / np.maximum(2.0 * np.sqrt(asimov), 1e-300))


def few_events(likelihood: Likelihood, theta: Array) -> bool:
    """Whether the bins that count expect fewer than :data:`FEW` events in all; never where none of them counts."""
    expected = likelihood.expected(theta)[likelihood.counted]
    return bool(len(expected) and expected.sum() < FEW)


def warnings_of(likelihood: Likelihood, parameter: str, theta: Array, at_bound: bool) -> tuple[str, ...]:
    """Reasons to check an asymptotic result at ``theta`` (n_par,) with toys; empty where there are none."""
    found = []
    expected = likelihood.expected(theta)[likelihood.counted]
    few = 0 if likelihood.unbinned else int((expected < FEW_IN_BIN).sum())
    if few_events(likelihood, theta):
        found.append(f"{expected.sum():.3g} events expected in all")
    elif few:
        found.append(f"{few} of {len(expected)} bins expect less than {FEW_IN_BIN:g} event")
    if at_bound:
        found.append(f"the estimate of {parameter} is at its bound")
    if likelihood.mirrored[likelihood.index(parameter)]:
        found.append(f"{parameter} enters squared: near zero the statistic is not a chi-square")
    return tuple(found)


def toy_cost(likelihood: Likelihood, n: int, fits: int = 1) -> str:
    """What ``n`` toys at ``fits`` tested values cost, in words."""
    size = likelihood.n_bin * len(likelihood.parameters)
    rate = min(TOYS_PER_SECOND, (LINEAR if likelihood.convex else BENT) / size)
    seconds = n * fits / rate
    return (
        f"{n * fits} toys, about {max(seconds, 1.0):.0f} s"
        if seconds < 120
        else f"{n * fits} toys, about {seconds / 60:.0f} min"
    )
