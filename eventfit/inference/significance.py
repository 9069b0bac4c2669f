"""Evidence against the background-only hypothesis, asymptotic and by toys."""

from __future__ import annotations

import math
from typing import Any

from scipy.special import ndtr, ndtri

from eventfit.inference.card import profile_card
from eventfit.inference.profile import Profile
from eventfit.inference.results import MethodCard, Significance
from eventfit.inference.statistic import COWAN, Statistic, q0, t0
from eventfit.inference.toys import ENSEMBLE, Progress, toys_of

__all__ = ["discovery_significance", "discovery_significance_toys"]

#: q0 values closer than this are ties: discrete data give the same value up to rounding
TIE = 1e-6


def discovery_significance(profile: Profile) -> Significance:
    """Z = sqrt(q0) and p = 1 - Phi(Z), Eqs. (12), (52) and (53) of arXiv:1007.1727, for a parameter bounded at zero.

    For a coupling of either sign the statistic is t0 and p = 2 (1 - Phi(sqrt(t0))): two-sided, and the card says so.
    """
    statistic = _statistic(profile)
    observed = statistic(profile)
    z = math.sqrt(observed.value)
    sides = 1 if statistic is q0 else 2
    card = _card(
        profile, statistic, note="asymptotic: chi-square with one degree of freedom" + ", halved" * (sides == 1)
    )
    return Significance(observed.value, sides * float(ndtr(-z)), z, None, observed.conditional.status, card)


def discovery_significance_toys(
    profile: Profile, *, n: int, seed: int, progress: Progress | None = None
) -> Significance:
    """p = (k + 1) / (n + 1) with k of n toys at or above the observed statistic, and its binomial error carried to Z.

    The +1 keeps p a valid p-value for any n (Davison and Hinkley, Bootstrap Methods, Sec. 4.2) and Z finite. A toy
    whose fit failed counts as at or above, so that failures can only weaken the evidence. Statistic and sides are those
    of :func:`discovery_significance`.
    """
    statistic = _statistic(profile)
    observed = statistic(profile)
    sample = toys_of(statistic, profile, at=0.0, n=n, seed=seed, progress=progress)
    above = int((sample.values >= observed.value - TIE).sum()) + sample.failed
    p = (above + 1) / (n + 1)
    sides = 1 if statistic is q0 else 2
    z, error = 0.0, None  # no excess: every toy reaches q0 = 0, and Z is 0 as for the asymptotic value
    if p < 1.0:
        z = float(-ndtri(p / sides))
        slope = sides * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        error = math.sqrt(p * (1.0 - p) / n) / slope
    note = f"{above} of {n} toys at or above the observed value, {sample.failed} of them because their fit failed"
    card = _card(profile, statistic, calibration="toys", toys=n, seed=seed, ensemble=ENSEMBLE, note=note)
    return Significance(observed.value, p, z, error, observed.conditional.status, card)


def _statistic(profile: Profile) -> Statistic:
    return q0 if profile.bounds[0] == 0.0 else t0


def _card(profile: Profile, statistic: Statistic, **entries: Any) -> MethodCard:
    sided = "one" if statistic is q0 else "two"
    return profile_card(
        profile, method="discovery", statistic=statistic.__name__, reference=COWAN, sided=sided, **entries
    )
