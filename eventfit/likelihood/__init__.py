"""Likelihoods: the statistic, the factors of a component, the constraints, and the binned likelihood they make."""

from eventfit.likelihood.bin_scale import BinScale
from eventfit.likelihood.binned import Likelihood
from eventfit.likelihood.component import Component, Data
from eventfit.likelihood.factor import Factor, GaussianScale, LogNormalScale, MorphEven, MorphPower, NormSys, Power
from eventfit.likelihood.joint import joint
from eventfit.likelihood.poisson import poisson_deviance
from eventfit.likelihood.unbinned import UnbinnedLikelihood

__all__ = [
    "BinScale",
    "Component",
    "Data",
    "Factor",
    "GaussianScale",
    "Likelihood",
    "LogNormalScale",
    "MorphEven",
    "MorphPower",
    "NormSys",
    "Power",
    "UnbinnedLikelihood",
    "joint",
    "poisson_deviance",
]
