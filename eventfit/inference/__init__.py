"""Inference: one function per published definition, each returning a result with its status and method card."""

from eventfit.inference.asymptotic import toy_cost
from eventfit.inference.bayes import upper_limit_flat_prior
from eventfit.inference.contour import contour
from eventfit.inference.counting import asimov_significance, poisson_likelihood_ratio, s_over_sqrt_b
from eventfit.inference.coverage import coverage
from eventfit.inference.feldman_cousins import feldman_cousins_interval
from eventfit.inference.feldman_cousins_gaussian import feldman_cousins_gaussian, upper_limit_feldman_cousins_gaussian
from eventfit.inference.feldman_cousins_poisson import feldman_cousins_poisson, feldman_cousins_poisson_monotone
from eventfit.inference.fitting.batch import BatchFit, fit_batch
from eventfit.inference.fitting.fit import fit, require_good
from eventfit.inference.fitting.migrad import minos_interval
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.goodness import goodness_of_fit
from eventfit.inference.hypotest import hypotest
from eventfit.inference.impact import impacts_on_limit
from eventfit.inference.interval import profile_interval
from eventfit.inference.limit import (
    upper_limit_cls,
    upper_limit_delta_2_71,
    upper_limit_qmu,
    upper_limit_qmu_tilde,
)
from eventfit.inference.limit_toys import upper_limit_cls_toys, upper_limit_qmu_tilde_toys
from eventfit.inference.p_value import hypotest_toys, p_value_asymptotic, p_value_toys
from eventfit.inference.results import (
    Contour,
    Coverage,
    FitResult,
    GoodnessOfFit,
    Hypotest,
    Impact,
    Interval,
    Limit,
    MethodCard,
    PValue,
    Scan,
    Significance,
    Status,
)
from eventfit.inference.significance import discovery_significance, discovery_significance_toys
from eventfit.inference.statistic import Tested, q0, qmu, qmu_tilde, t0, tmu, tmu_tilde
from eventfit.inference.toys.dask import dask_executor
from eventfit.inference.toys.run import ToyRun, merge
from eventfit.inference.toys.throw import Hypothesis, Toys, ToySample

__all__ = [
    "BatchFit",
    "Contour",
    "Coverage",
    "FitResult",
    "GoodnessOfFit",
    "Hypotest",
    "Hypothesis",
    "Impact",
    "Interval",
    "Limit",
    "MethodCard",
    "PValue",
    "Profile",
    "Scan",
    "Significance",
    "Status",
    "Tested",
    "ToyRun",
    "ToySample",
    "Toys",
    "asimov_significance",
    "contour",
    "coverage",
    "dask_executor",
    "discovery_significance",
    "discovery_significance_toys",
    "feldman_cousins_gaussian",
    "feldman_cousins_interval",
    "feldman_cousins_poisson",
    "feldman_cousins_poisson_monotone",
    "fit",
    "fit_batch",
    "goodness_of_fit",
    "hypotest",
    "hypotest_toys",
    "impacts_on_limit",
    "merge",
    "minos_interval",
    "p_value_asymptotic",
    "p_value_toys",
    "poisson_likelihood_ratio",
    "profile_interval",
    "q0",
    "qmu",
    "qmu_tilde",
    "require_good",
    "s_over_sqrt_b",
    "t0",
    "tmu",
    "tmu_tilde",
    "toy_cost",
    "upper_limit_cls",
    "upper_limit_cls_toys",
    "upper_limit_delta_2_71",
    "upper_limit_feldman_cousins_gaussian",
    "upper_limit_flat_prior",
    "upper_limit_qmu",
    "upper_limit_qmu_tilde",
    "upper_limit_qmu_tilde_toys",
]
