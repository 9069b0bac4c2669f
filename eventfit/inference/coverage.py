"""How often an interval or limit contains the true value, by toys."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from eventfit.inference.asymptotic import cut_of
from eventfit.inference.card import profile_card
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.results import Coverage
from eventfit.inference.statistic import COWAN, STATISTICS, StatisticName
from eventfit.inference.toys.throw import ENSEMBLE, Hypothesis, Toys, ToySample

__all__ = ["CoverageOf", "coverage", "coverage_of"]

CoverageOf = Literal["interval", "upper_limit", "delta_2_71"]


def coverage(profile: Profile, true: float, toys: Toys, *, of: CoverageOf = "interval", cl: float = 0.90) -> Coverage:
    """The share of toys thrown at ``true`` whose asymptotic interval or upper limit contains it.

    An interval contains the true value exactly if its statistic there is below the cut, so no interval has to be
    computed. Nuisances are thrown where the data put them with the parameter at ``true``. Failed toys count as not
    covered.
    """
    theta = profile.at(true).values
    (sample,) = toys.samples(profile.likelihood, profile.parameter, [Hypothesis(theta, true)])
    return coverage_of(profile, sample, toys, of=of, cl=cl)


def coverage_of(profile: Profile, sample: ToySample, toys: Toys, *, of: CoverageOf, cl: float) -> Coverage:
    """The coverage with toys that are there already."""
    bounded = profile.bounds[0] == 0.0
    two_sided: StatisticName = "tmu_tilde" if bounded else "tmu"
    one_sided: StatisticName = "qmu_tilde" if bounded else "qmu"
    name = two_sided if of == "interval" else one_sided
    cut = cut_of("tmu", cl) if of == "delta_2_71" else cut_of(name, cl)
    inside = int(np.count_nonzero(STATISTICS[name](sample.tested) <= cut))
    share, failed = inside / toys.n, int(sample.failed.sum())
    card = profile_card(
        profile,
        method=f"coverage of {of.replace('_', ' ')}",
        statistic=name,
        reference=COWAN,
        sided="two" if of == "interval" else "one",
        cl=cl,
        cut=cut,
        calibration="toys",
        toys=toys.n,
        seed=toys.seed,
        ensemble=ENSEMBLE,
        note=f"{failed} failed toys counted as not covered" if failed else "no fit failed",
    )
    error = math.sqrt(max(share * (1.0 - share), 1.0 / toys.n) / toys.n)
    return Coverage(profile.parameter, sample.tested_at, share, error, failed, card)
