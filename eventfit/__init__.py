"""eventfit: from a neutrino flux to a likelihood-ratio result.

The pipeline, left to right::

    flux -> cross_section -> response -> spectrum -> likelihood -> inference -> report
    nodes   S[T, E] per term  R[bin, T]   templates    -2 ln L       limits       text, figures

>>> import eventfit
>>> model = eventfit.Analysis.load("xenon1t_2020").model()
>>> profile = eventfit.Profile(model.likelihood, model.poi)
>>> interval = eventfit.profile_interval(profile, cl=0.90)
>>> [f"{model.reported.value(end):.1e} mu_B" for end in interval.pieces[0]]
['1.6e-11 mu_B', '3.0e-11 mu_B']

Names below load their module when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventfit.analysis import Analysis as Analysis
    from eventfit.analysis.combination import combine as combine
    from eventfit.analysis.problem import open_problem as open_problem
    from eventfit.analysis.recast import recast as recast
    from eventfit.analysis.recast import recast_all as recast_all
    from eventfit.folding import fold as fold
    from eventfit.inference import Profile as Profile
    from eventfit.inference import Toys as Toys
    from eventfit.inference import contour as contour
    from eventfit.inference import discovery_significance as discovery_significance
    from eventfit.inference import discovery_significance_toys as discovery_significance_toys
    from eventfit.inference import feldman_cousins_interval as feldman_cousins_interval
    from eventfit.inference import fit as fit
    from eventfit.inference import goodness_of_fit as goodness_of_fit
    from eventfit.inference import profile_interval as profile_interval
    from eventfit.inference import upper_limit_cls as upper_limit_cls
    from eventfit.inference import upper_limit_qmu_tilde as upper_limit_qmu_tilde
    from eventfit.likelihood import Likelihood as Likelihood
    from eventfit.published import reproduce as reproduce
    from eventfit.rates import predict_rates as predict_rates
    from eventfit.rates import reactor_source as reactor_source
    from eventfit.rates import solar_source as solar_source
    from eventfit.rates import stopped_pion_source as stopped_pion_source
    from eventfit.spectrum import Spectrum as Spectrum
    from eventfit.tables import Tables as Tables

_HOME = {
    "Analysis": "analysis",
    "Likelihood": "likelihood",
    "Profile": "inference",
    "Spectrum": "spectrum",
    "Tables": "tables",
    "Toys": "inference",
    "combine": "analysis.combination",
    "contour": "inference",
    "discovery_significance": "inference",
    "discovery_significance_toys": "inference",
    "feldman_cousins_interval": "inference",
    "fit": "inference",
    "fold": "folding",
    "goodness_of_fit": "inference",
    "open_problem": "analysis.problem",
    "predict_rates": "rates",
    "profile_interval": "inference",
    "recast": "analysis.recast",
    "recast_all": "analysis.recast",
    "reactor_source": "rates",
    "reproduce": "published",
    "solar_source": "rates",
    "stopped_pion_source": "rates",
    "upper_limit_cls": "inference",
    "upper_limit_qmu_tilde": "inference",
}

__all__ = [
    "Analysis",
    "Likelihood",
    "Profile",
    "Spectrum",
    "Tables",
    "Toys",
    "combine",
    "contour",
    "discovery_significance",
    "discovery_significance_toys",
    "feldman_cousins_interval",
    "fit",
    "fold",
    "goodness_of_fit",
    "open_problem",
    "predict_rates",
    "profile_interval",
    "recast",
    "recast_all",
    "reactor_source",
    "reproduce",
    "solar_source",
    "stopped_pion_source",
    "upper_limit_cls",
    "upper_limit_qmu_tilde",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'eventfit' has no attribute {name!r}")
    return getattr(import_module(f"eventfit.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
