"""The p-value of a tested value under any of the test statistics, asymptotic and by toys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import ndtr

from eventfit.errors import OutOfRange
from eventfit.inference.asymptotic import p_value, warnings_of
from eventfit.inference.card import profile_card
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.hypotest import BANDS, READ, asimov_profile
from eventfit.inference.results import Hypotest, MethodCard, PValue
from eventfit.inference.statistic import COWAN, STATISTICS, StatisticName
from eventfit.inference.toys.tails import statistic_of, tail, toy_entries
from eventfit.inference.toys.throw import Hypothesis, Toys, ToySample

__all__ = ["hypotest_toys", "p_value_asymptotic", "p_value_toys"]


def p_value_asymptotic(profile: Profile, mu: float, statistic: StatisticName) -> PValue:
    """Probability, if ``mu`` is true, of a statistic at or above the observed one.

    The distributions of arXiv:1007.1727, Sec. 3, as in :mod:`eventfit.inference.asymptotic`.
    """
    value = float(STATISTICS[statistic](profile.tested(mu)))
    asimov = asimov_profile(profile).delta(mu) if statistic.endswith("tilde") else 0.0
    null = profile.at(mu)
    card = _card(
        profile,
        statistic,
        doubts=warnings_of(profile.likelihood, profile.parameter, null.values, bool(null.at_bound)),
    )
    return PValue(profile.parameter, mu, value, float(p_value(statistic, value, asimov)), None, null.status, card)


def p_value_toys(profile: Profile, mu: float, statistic: StatisticName, toys: Toys) -> PValue:
    """:func:`p_value_asymptotic` with the distribution of toys thrown at ``mu``, and its binomial error.

    p = (k + 1) / (n + 1) with k of n toys at or above the observed value (:mod:`eventfit.inference.toys.tails`).
    """
    value = float(STATISTICS[statistic](profile.tested(mu)))
    theta = profile.at(mu).values
    (sample,) = toys.samples(profile.likelihood, profile.parameter, [Hypothesis(theta, mu)])
    p, error = tail(sample, statistic, value)
    card = _card(profile, statistic, **toy_entries(toys, [sample]))
    return PValue(profile.parameter, mu, value, p, error, profile.at(mu).status, card)


def hypotest_toys(profile: Profile, mu: float, toys: Toys, *, statistic: StatisticName = "qmu_tilde") -> Hypotest:
    """p-values with and without signal and CLs of ``mu`` by toys (Read, J. Phys. G 28 (2002) 2693).

    The expected CLs are those of the quantiles of the toys without signal; NaN beyond the toys thrown.
    """
    if statistic not in ("qmu", "qmu_tilde"):
        raise OutOfRange("CLs is defined for the statistics of upper limits", given=statistic, allowed="qmu, qmu_tilde")
    hypotheses = [Hypothesis(profile.at(at).values, mu) for at in (mu, 0.0)]
    with_signal, without = toys.samples(profile.likelihood, profile.parameter, hypotheses)
    value = float(STATISTICS[statistic](profile.tested(mu)))
    (p, p_error), (b, b_error) = (tail(sample, statistic, value) for sample in (with_signal, without))
    card = profile_card(
        profile,
        method="CLs",
        statistic=statistic,
        reference=READ,
        sided="one",
        **toy_entries(toys, [with_signal, without]),
    )
    error = p / b * math.hypot(p_error / p, b_error / b)
    expected = expected_cls(with_signal, without, statistic)
    return Hypotest(profile.parameter, mu, value, p, b, p / b, expected, profile.best.status, card, error)


def expected_cls(with_signal: ToySample, without: ToySample, statistic: StatisticName) -> dict[float, float]:
    """CLs at the quantiles of the statistic without signal, by standard deviations towards a signal."""
    ordered = statistic_of(without, statistic)
    thresholds = {n: float(np.quantile(ordered, 1.0 - ndtr(n))) for n in BANDS}
    return {n: tail(with_signal, statistic, t)[0] / tail(without, statistic, t)[0] for n, t in thresholds.items()}


def _card(profile: Profile, statistic: StatisticName, **entries: Any) -> MethodCard:
    sided = "two" if statistic in ("t0", "tmu", "tmu_tilde") else "one"
    return profile_card(profile, method="p-value", statistic=statistic, reference=COWAN, sided=sided, **entries)
