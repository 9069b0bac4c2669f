"""Evidence against the background-only hypothesis, asymptotic and by toys."""

from __future__ import annotations

import math
from typing import Any

from scipy.special import ndtr, ndtri

from eventfit.inference.card import profile_card
from eventfit.inference.profile import Profile
from eventfit.inference.results import MethodCard, Significance
from eventfit.inference.statistic import COWAN, q0
from eventfit.inference.toys import ENSEMBLE, Progress, q0_toys

__all__ = ["discovery_significance", "discovery_significance_toys"]

#: q0 values closer than this are ties: discrete data give the same value up to rounding
TIE = 1e-6


def discovery_significance(profile: Profile) -> Significance:
    """Z = sqrt(q0) and p = 1 - Phi(Z), Eqs. (12), (52) and (53) of arXiv:1007.1727."""
    observed = q0(profile)
    z = math.sqrt(observed.value)
    card = _card(profile, note="asymptotic: half a chi-square with one degree of freedom")
    return Significance(observed.value, float(ndtr(-z)), z, None, observed.conditional.status, card)


def discovery_significance_toys(
    profile: Profile, *, n: int, seed: int, progress: Progress | None = None
) -> Significance:
    """p = (k + 1) / (n + 1) with k of n toys at or above the observed q0, and its binomial error carried to Z.

    The +1 keeps p a valid p-value for any n (Davison and Hinkley, Bootstrap Methods, Sec. 4.2) and Z finite. A toy
    whose fit failed counts as at or above, so that failures can only weaken the evidence.
    """
    observed = q0(profile)
    sample = q0_toys(profile, n=n, seed=seed, progress=progress)
    above = int((sample.values >= observed.value - TIE).sum()) + sample.failed
    p = (above + 1) / (n + 1)
    z, error = 0.0, None  # no excess: every toy reaches q0 = 0, and Z is 0 as for the asymptotic value
    if p < 1.0:
        z = float(-ndtri(p))
        error = math.sqrt(p * (1.0 - p) / n) / (math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))
    note = f"{above} of {n} toys at or above the observed q0, {sample.failed} of them because their fit failed"
    card = _card(profile, calibration="toys", toys=n, seed=seed, ensemble=ENSEMBLE, note=note)
    return Significance(observed.value, p, z, error, observed.conditional.status, card)


def _card(profile: Profile, **entries: Any) -> MethodCard:
    return profile_card(profile, method="discovery", statistic="q0", reference=COWAN, sided="one", **entries)
