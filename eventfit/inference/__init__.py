"""Inference: one function per published definition, each returning a result with its status and method card."""

from eventfit.inference.counting import poisson_likelihood_ratio, s_over_sqrt_b
from eventfit.inference.fit import fit, require_good
from eventfit.inference.goodness import goodness_of_fit
from eventfit.inference.interval import profile_interval
from eventfit.inference.limit import upper_limit_delta_2_71, upper_limit_qmu_tilde
from eventfit.inference.profile import Profile
from eventfit.inference.results import (
    FitResult,
    GoodnessOfFit,
    Interval,
    Limit,
    MethodCard,
    Scan,
    Significance,
    Status,
)
from eventfit.inference.significance import discovery_significance, discovery_significance_toys
from eventfit.inference.statistic import TestStatistic, q0, qmu_tilde, t0, tmu, tmu_tilde

__all__ = [
    "FitResult",
    "GoodnessOfFit",
    "Interval",
    "Limit",
    "MethodCard",
    "Profile",
    "Scan",
    "Significance",
    "Status",
    "TestStatistic",
    "discovery_significance",
    "discovery_significance_toys",
    "fit",
    "goodness_of_fit",
    "poisson_likelihood_ratio",
    "profile_interval",
    "q0",
    "qmu_tilde",
    "require_good",
    "s_over_sqrt_b",
    "t0",
    "tmu",
    "tmu_tilde",
    "upper_limit_delta_2_71",
    "upper_limit_qmu_tilde",
]
