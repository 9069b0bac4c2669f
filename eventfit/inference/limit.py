"""Upper limits from the profile likelihood: one function per rule, and the rule stands on the card."""

from __future__ import annotations

from scipy.special import ndtri

from eventfit.inference.card import profile_card
from eventfit.inference.profile import Profile
from eventfit.inference.results import Limit, Status
from eventfit.inference.statistic import COWAN, require_bounded

__all__ = ["upper_limit_delta_2_71", "upper_limit_qmu_tilde"]


def upper_limit_qmu_tilde(profile: Profile, *, cl: float = 0.90) -> Limit:
    """One-sided limit: the largest value with qmu_tilde below Phi^-1(cl)^2, 1.642 for 90 %.

    The cut is the asymptotic quantile of qmu, Sec. 3.6 of arXiv:1007.1727. Sec. 3.7, for qmu_tilde, would allow a lower
    limit when the estimate sits at zero; this one over-covers there.
    """
    require_bounded(profile)
    return _limit(
        profile,
        cut=float(ndtri(cl) ** 2),
        method="profile likelihood",
        statistic="qmu_tilde",
        reference=COWAN,
        cl=cl,
        note="asymptotic cut of a one-sided test",
    )


def upper_limit_delta_2_71(profile: Profile, *, cl: float = 0.90) -> Limit:
    """The older rule: where -2 ln L stands Phi^-1((1 + cl) / 2)^2 (2.706 for 90 %) above its minimum, even at a bound.

    It is the upper end of the two-sided interval quoted as a limit; as a one-sided statement it covers 95 %, not 90 %.
    """
    return _limit(
        profile,
        cut=float(ndtri(0.5 + 0.5 * cl) ** 2),
        method="2.71 above the minimum",
        statistic="-2 Delta ln L above the minimum, at the boundary if it is there",
        reference="PDG Statistics, older practice",
        cl=cl,
        note="the upper end of a two-sided interval quoted as a limit",
    )


def _limit(profile: Profile, *, cut: float, **entries: object) -> Limit:
    crossing = profile.crossing(cut, +1)
    status = Status.OPEN_RANGE if crossing is None else profile.best.status
    card = profile_card(profile, sided="one", cut=cut, **entries)
    return Limit(profile.parameter, profile.bounds[1] if crossing is None else crossing, status, card)
