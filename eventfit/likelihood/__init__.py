"""Likelihoods: the statistic, the factors of a component, the constraints, and the binned likelihood they make."""

from eventfit.likelihood.binned import Component, Data, Likelihood
from eventfit.likelihood.factor import Factor, GaussianScale, LogNormalScale, Power
from eventfit.likelihood.poisson import poisson_deviance

__all__ = [
    "Component",
    "Data",
    "Factor",
    "GaussianScale",
    "Likelihood",
    "LogNormalScale",
    "Power",
    "poisson_deviance",
]
