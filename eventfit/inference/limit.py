"""Upper limits: one function per rule, and the rule stands on the card."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from eventfit.errors import OutOfRange, StatisticsError
from eventfit.inference.asymptotic import cut_of, warnings_of
from eventfit.inference.card import bounded_at, profile_card
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.fitting.roots import root_between
from eventfit.inference.hypotest import BANDS, READ, CLsCurve, asimov_profile
from eventfit.inference.results import Limit, Status
from eventfit.inference.statistic import COWAN, StatisticName, require_bounded
from eventfit.quadrature import Array

__all__ = ["upper_limit_cls", "upper_limit_delta_2_71", "upper_limit_qmu", "upper_limit_qmu_tilde"]

#: relative precision of a limit
PRECISION = 1e-8
#: doublings of the search range for a limit
DOUBLINGS = 60


def upper_limit_qmu_tilde(profile: Profile, *, cl: float = 0.90, expected: bool = False) -> Limit:
    """One-sided limit: the largest value with qmu_tilde below Phi^-1(cl)^2, 1.642 for 90 %.

    The cut is the asymptotic quantile of qmu, Sec. 3.6 of arXiv:1007.1727. Sec. 3.7, for qmu_tilde, would allow a lower
    limit when the estimate sits at zero; this one over-covers there. ``expected`` adds the bands without signal,
    Eq. (88), below zero those of the bounded estimate.
    """
    require_bounded(profile.bounds[0] == 0.0)
    return _limit(profile, "qmu_tilde", cl, expected)


def upper_limit_qmu(profile: Profile, *, cl: float = 0.90, expected: bool = False) -> Limit:
    """One-sided limit from qmu, Eqs. (14) and (61) of arXiv:1007.1727, for a parameter that may be negative."""
    if profile.bounds[0] >= 0.0:
        raise OutOfRange(
            "qmu is for a parameter that may be negative",
            where=profile.parameter,
            given=f"lower bound {profile.bounds[0]:g}",
            fix="use qmu_tilde",
        )
    return _limit(profile, "qmu", cl, expected)


def upper_limit_cls(
    profile: Profile, *, cl: float = 0.90, statistic: StatisticName = "qmu_tilde", expected: bool = True
) -> Limit:
    """The largest value with CLs >= 1 - cl (Read, J. Phys. G 28 (2002) 2693), asymptotic (arXiv:1007.1727).

    ``expected`` adds the limits for data of mu = 0 fluctuated by -2 ... 2 standard deviations.
    """
    curve = CLsCurve.of(profile, statistic)
    if statistic == "qmu_tilde":
        require_bounded(profile.bounds[0] == 0.0)
    cut_of("qmu", cl)  # refuses what is no level
    level = math.log(1.0 - cl)

    def above(mu: Array) -> Array:
        return np.asarray(level - np.log(np.maximum(curve.cls(mu), 1e-300)))

    def bands(sigmas: float) -> float | None:
        return _crossing(
            curve.asimov, lambda mu: level - np.log(np.maximum(curve.expected_cls(mu, sigmas), 1e-300)), cl, sigmas
        )

    return _result(
        profile,
        _crossing(profile, above, cl),
        {n: bands(n) for n in BANDS} if expected else {},
        method="CLs",
        statistic=statistic,
        reference=READ,
        cl=cl,
        note="asymptotic distributions",
    )


def upper_limit_delta_2_71(profile: Profile, *, cl: float = 0.90) -> Limit:
    """The older rule: where -2 ln L stands Phi^-1((1 + cl) / 2)^2 (2.706 for 90 %) above its minimum, even at a bound.

    It is the upper end of the two-sided interval quoted as a limit; as a one-sided statement it covers 95 %, not 90 %.
    """
    cut = cut_of("tmu", cl)
    return _result(
        profile,
        profile.crossing(cut, +1),
        {},
        method="2.71 above the minimum",
        statistic="-2 Delta ln L above the minimum, at the boundary if it is there",
        reference="PDG Statistics, older practice",
        cl=cl,
        cut=cut,
        note="the upper end of a two-sided interval quoted as a limit",
    )


def _limit(profile: Profile, statistic: StatisticName, cl: float, expected: bool) -> Limit:
    cut = cut_of(statistic, cl)
    z = math.sqrt(cut)
    bands: dict[float, float | None] = {}
    if expected:
        asimov = asimov_profile(profile)
        for n in BANDS:
            shifted = n + (math.hypot(n, z) if statistic == "qmu_tilde" and n < 0 else z)
            bands[n] = asimov.crossing(shifted**2, +1) if shifted > 0 else asimov.crossing(shifted**2, -1)
    return _result(
        profile,
        profile.crossing(cut, +1),
        bands,
        method="profile likelihood",
        statistic=statistic,
        reference=COWAN,
        cl=cl,
        cut=cut,
        note="asymptotic cut of a one-sided test",
    )


def _crossing(profile: Profile, above: Callable[[Array], Array], cl: float, sigmas: float = 0.0) -> float | None:
    """Where ``above`` turns positive beyond the estimate; None if it does not inside the bounds.

    The search begins around the CLs limit of a Gaussian measurement with this estimate, fluctuated by ``sigmas``.
    """
    upper = profile.bounds[1]
    inner, step = max(profile.estimate, 0.0), profile.scale()
    fluctuation = profile.estimate / step + sigmas
    guess = step * float(fluctuation + ndtri(1.0 - (1.0 - cl) * ndtr(fluctuation)))
    reach = max(guess - inner, 0.1 * step)
    for _ in range(DOUBLINGS):
        outer = np.minimum(inner + reach * np.array([0.85, 1.0, 1.15, 1.6]), upper)
        found = np.flatnonzero(above(outer) >= 0.0)
        if len(found):
            high = float(outer[found[0]])
            low = inner if found[0] == 0 else float(outer[found[0] - 1])
            return root_between(above, low, high, precision=PRECISION * max(abs(high), step), known=list(outer))
        if outer[-1] >= upper:
            return None
        inner, reach = float(outer[-1]), 2.0 * reach
    raise StatisticsError(
        "no limit was found: the data do not bound the parameter", where=profile.parameter, fix="give it bounds"
    )


def _result(profile: Profile, value: float | None, expected: dict[float, float | None], **entries: object) -> Limit:
    status = Status.OPEN_RANGE if value is None else profile.best.status
    at_bound = profile.parameter in profile.best.at_bound
    doubts = warnings_of(profile.likelihood, profile.parameter, profile.best.values, at_bound)
    doubts += () if value is None else bounded_at(profile, value)
    card = profile_card(profile, sided="one", doubts=doubts, **entries)
    bands = tuple((n, profile.bounds[1] if limit is None else limit) for n, limit in expected.items())
    return Limit(profile.parameter, profile.bounds[1] if value is None else value, bands, status, card)
