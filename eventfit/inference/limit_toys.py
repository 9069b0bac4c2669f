"""Upper limits calibrated by toys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr

from eventfit.errors import OutOfRange, StatisticsError
from eventfit.inference.asymptotic import few_events
from eventfit.inference.card import profile_card
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.hypotest import BANDS, READ
from eventfit.inference.limit import upper_limit_cls, upper_limit_qmu_tilde
from eventfit.inference.results import Limit
from eventfit.inference.statistic import COWAN, qmu_tilde, require_bounded
from eventfit.inference.toys.tails import statistic_of, tail, toy_entries
from eventfit.inference.toys.throw import Hypothesis, Toys, ToySample
from eventfit.quadrature import Array

__all__ = ["upper_limit_cls_toys", "upper_limit_qmu_tilde_toys"]

#: where toys are thrown, relative to the asymptotic limit
POINTS = (0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5)
#: with few counts the limit may lie further out, and with fewer than expected further in
FURTHER, NEARER = (1.9, 2.4, 3.0, 3.8), (0.1, 0.2, 0.4)
#: and relative to the limits of the expected bands
SPARSE = (0.8, 1.0, 1.25)
#: points used on each side of a crossing
NEAR = 3


def upper_limit_qmu_tilde_toys(profile: Profile, toys: Toys, *, cl: float = 0.90) -> Limit:
    """The value whose p-value under qmu_tilde is 1 - cl, by toys thrown at values around the asymptotic limit.

    Eq. (16) of arXiv:1007.1727 with the distribution of toys. The p-value between the points is a weighted parabola in
    its logarithm; the error follows from the binomial errors. Failed toys count as at or above the observed statistic.
    """
    require_bounded(profile.bounds[0] == 0.0)
    points = _points(profile, upper_limit_qmu_tilde(profile, cl=cl).value)
    samples = _samples(profile, toys, points, points)
    p, error = _p_values(samples, _observed(profile, points))
    return _limit(profile, toys, samples, points, p, error, cl=cl, method="profile likelihood", reference=COWAN)


def upper_limit_cls_toys(profile: Profile, toys: Toys, *, cl: float = 0.90) -> Limit:
    """The value with CLs = 1 - cl, numerator and denominator by toys (Read, J. Phys. G 28 (2002) 2693).

    Toys with and without signal are thrown at values around the asymptotic limit; the expected bands are limits with
    the quantiles of the toys without signal in place of the observed statistic, NaN where there are too few toys.
    """
    require_bounded(profile.bounds[0] == 0.0)
    guess = upper_limit_cls(profile, cl=cl)
    points = _points(profile, guess.value, *(limit for _, limit in guess.expected))
    both = _samples(profile, toys, np.tile(points, 2), np.concatenate([points, np.zeros(len(points))]))
    with_signal, without = both[: len(points)], both[len(points) :]
    observed = _observed(profile, points)
    (p, p_error), (b, b_error) = _p_values(with_signal, observed), _p_values(without, observed)
    bands = [(sigmas, _band(points, with_signal, without, sigmas, 1.0 - cl)) for sigmas in BANDS]
    return _limit(
        profile,
        toys,
        both,
        points,
        p / b,
        p / b * np.hypot(p_error / p, b_error / b),
        cl=cl,
        method="CLs",
        reference=READ,
        expected=tuple(bands),
    )


def _points(profile: Profile, guess: float, *others: float) -> Array:
    """Around the asymptotic limit, and around the ``others``, without points that nearly repeat."""
    if not np.all(np.isfinite([guess, *others])):
        raise OutOfRange("the asymptotic limit is open: it is not known where to throw toys", where=profile.parameter)
    few = few_events(profile.likelihood, profile.best.values)
    deficit = profile.parameter in profile.best.at_bound
    shares = np.array(NEARER * deficit + POINTS + FURTHER * few)
    wanted = np.concatenate([guess * shares, np.outer(others, SPARSE).ravel()])
    points: list[float] = []
    for point in np.unique(np.clip(wanted, *profile.bounds)):
        if point > 0.0 and (not points or point > 1.05 * points[-1]):
            points.append(float(point))
    return np.array(points)


def _samples(profile: Profile, toys: Toys, tested: Array, thrown: Array) -> list[ToySample]:
    hypotheses = [Hypothesis(profile.at(float(at)).values, float(mu)) for mu, at in zip(tested, thrown, strict=True)]
    return toys.samples(profile.likelihood, profile.parameter, hypotheses)


def _observed(profile: Profile, points: Array) -> list[float]:
    return [float(qmu_tilde(profile.tested(float(mu)))) for mu in points]


def _p_values(samples: Sequence[ToySample], thresholds: Sequence[float]) -> tuple[Array, Array]:
    """p-values and their errors, which never vanish: they are weights."""
    tails = [tail(sample, "qmu_tilde", value) for sample, value in zip(samples, thresholds, strict=True)]
    p, error = np.array(tails).T
    return p, np.hypot(error, 1.0 / len(samples[0].failed))


def _band(
    points: Array, with_signal: Sequence[ToySample], without: Sequence[ToySample], sigmas: float, level: float
) -> float:
    """The limit for data of mu = 0 fluctuated by ``sigmas``; NaN where there are too few toys in the tails."""
    thresholds = [float(np.quantile(statistic_of(sample, "qmu_tilde"), 1.0 - ndtr(sigmas))) for sample in without]
    (p, p_error), (b, b_error) = _p_values(with_signal, thresholds), _p_values(without, thresholds)
    try:
        return _root(points, p / b, p / b * np.hypot(p_error / p, b_error / b), level)[0]
    except StatisticsError:
        return float("nan")


def _root(x: Array, p: Array, error: Array, level: float) -> tuple[float, float]:
    """Where a weighted parabola through ln p reaches ln ``level``, and the statistical error there."""
    first = int(np.argmax(p < level))
    near = slice(max(first - NEAR, 0), first + NEAR)
    x, p, error = x[near], p[near], error[near]
    weight = p / error
    order = min(2, len(x) - 1)
    scale = x[-1]
    design = np.vander(x / scale, order + 1) * weight[:, None]
    covariance = np.linalg.inv(design.T @ design)
    polynomial = covariance @ (design.T @ (np.log(p) * weight))
    fine = np.linspace(x[0], x[-1], 2001)
    height = np.polyval(polynomial, fine / scale) - np.log(level)
    falling = np.flatnonzero((height[:-1] >= 0) & (height[1:] < 0))
    if not len(falling):
        raise StatisticsError(
            "the toys' p-values do not cross the level near the asymptotic limit",
            given=", ".join(f"{mu:.4g}: {value:.3g}" for mu, value in zip(x, p, strict=True)),
            fix="throw more toys",
        )
    root = float(fine[falling[0]])
    row = np.vander([root / scale], order + 1)[0]
    slope = np.polyval(np.polyder(polynomial), root / scale) / scale
    return root, float(np.sqrt(row @ covariance @ row) / abs(slope))


def _limit(
    profile: Profile,
    toys: Toys,
    samples: Sequence[ToySample],
    points: Array,
    p: Array,
    error: Array,
    *,
    cl: float,
    method: str,
    reference: str,
    expected: tuple[tuple[float, float], ...] = (),
) -> Limit:
    value, spread = _root(points, p, error, 1.0 - cl)
    entries = toy_entries(toys, samples)
    entries["note"] = f"p-values at {len(points)} points, +- {spread:.2g} from the number of toys; {entries['note']}"
    card = profile_card(
        profile,
        method=method,
        statistic="qmu_tilde",
        reference=reference,
        sided="one",
        cl=cl,
        **entries,
    )
    return Limit(profile.parameter, value, expected, profile.best.status, card, spread)
