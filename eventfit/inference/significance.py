"""Evidence against the background-only hypothesis, asymptotic and by toys."""

from __future__ import annotations

import math
from typing import Any

from scipy.special import ndtr, ndtri

from eventfit.inference.asymptotic import warnings_of
from eventfit.inference.card import profile_card
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.results import MethodCard, Significance
from eventfit.inference.statistic import COWAN, STATISTICS, StatisticName
from eventfit.inference.toys.tails import tail, toy_entries
from eventfit.inference.toys.throw import Hypothesis, Toys, ToySample

__all__ = ["discovery_significance", "discovery_significance_toys"]


def discovery_significance(profile: Profile) -> Significance:
    """Z = sqrt(q0) and p = 1 - Phi(Z), Eqs. (12), (52) and (53) of arXiv:1007.1727, for a parameter bounded at zero.

    For a coupling of either sign the statistic is t0 and p = 2 (1 - Phi(sqrt(t0))): two-sided, and the card says so.
    """
    statistic = _statistic(profile)
    value = float(STATISTICS[statistic](profile.tested(0.0)))
    null = profile.at(0.0)
    z = math.sqrt(value)
    sides = 1 if statistic == "q0" else 2
    card = _card(
        profile,
        statistic,
        note="asymptotic: chi-square with one degree of freedom" + ", halved" * (sides == 1),
        doubts=(*warnings_of(profile.likelihood, profile.parameter, null.values, False), *_at_upper_bound(profile)),
    )
    return Significance(value, sides * float(ndtr(-z)), z, None, null.status, card)


def discovery_significance_toys(profile: Profile, toys: Toys) -> Significance:
    """p = (k + 1) / (n + 1) with k of n toys at or above the observed statistic, and its binomial error carried to Z.

    The +1 keeps p a valid p-value for any n (Davison and Hinkley, Bootstrap Methods, Sec. 4.2) and Z finite. A toy
    whose fit failed counts as at or above, so that failures can only weaken the evidence. Statistic and sides are those
    of :func:`discovery_significance`.
    """
    null = profile.at(0.0)
    (sample,) = toys.samples(profile.likelihood, profile.parameter, [Hypothesis(null.values, 0.0)])
    return significance_of(profile, sample, toys)


def significance_of(profile: Profile, sample: ToySample, toys: Toys) -> Significance:
    """The significance with toys that are there already, thrown without signal and tested at zero."""
    statistic = _statistic(profile)
    value = float(STATISTICS[statistic](profile.tested(0.0)))
    p, p_error = tail(sample, statistic, value)
    sides = 1 if statistic == "q0" else 2
    z, error = 0.0, None  # no excess: every toy reaches q0 = 0, and Z is 0 as for the asymptotic value
    if p < 1.0:
        z = float(-ndtri(p / sides))
        error = p_error / sides * math.sqrt(2.0 * math.pi) * math.exp(0.5 * z * z)
    entries = toy_entries(toys, [sample])
    above = round(p * (toys.n + 1)) - 1
    entries["note"] = f"{above} of {toys.n} toys at or above the observed value; {entries['note']}"
    card = _card(profile, statistic, doubts=_at_upper_bound(profile), **entries)
    return Significance(value, p, z, error, profile.at(0.0).status, card, p_error)


def _at_upper_bound(profile: Profile) -> tuple[str, ...]:
    """The best fit is held by the upper bound: the evidence is larger than it seems."""
    if profile.parameter in profile.best.at_bound and profile.estimate >= profile.bounds[1]:
        return (f"the estimate of {profile.parameter} is held by its upper bound {profile.bounds[1]:g}: widen it",)
    return ()


def _statistic(profile: Profile) -> StatisticName:
    return "q0" if profile.bounds[0] == 0.0 else "t0"


def _card(profile: Profile, statistic: StatisticName, **entries: Any) -> MethodCard:
    sided = "one" if statistic == "q0" else "two"
    return profile_card(profile, method="discovery", statistic=statistic, reference=COWAN, sided=sided, **entries)
