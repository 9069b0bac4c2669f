"""Small likelihoods that several tests share."""

from __future__ import annotations

import numpy as np

from eventfit.likelihood import Component, GaussianScale, Likelihood, LogNormalScale, Power
from eventfit.parameters import GaussianConstraint, Parameter, PoissonConstraint


def counting(n: float, b: float) -> Likelihood:
    """One bin: n ~ Pois(mu + b) with b known."""
    components = [Component("signal", np.array([1.0]), (Power("mu"),)), Component("background", np.array([b]))]
    return Likelihood.build([Parameter("mu", start=1.0, lower=0.0)], components, np.array([n]))


def on_off(n_on: float, n_off: float, tau: float) -> Likelihood:
    """n_on ~ Pois(mu + b), n_off ~ Pois(tau b)."""
    off = PoissonConstraint(n_off, tau)
    parameters = [Parameter("mu", start=1.0, lower=0.0), Parameter("b", start=n_off / tau, lower=0.0, constraint=off)]
    one = np.array([1.0])
    components = [Component("signal", one, (Power("mu"),)), Component("background", one, (Power("b"),))]
    return Likelihood.build(parameters, components, np.array([n_on]))


def everything(seed: int = 3, bins: int = 12) -> tuple[Likelihood, np.ndarray]:
    """Every kind of factor and constraint at once, and a point away from the minimum."""
    rng = np.random.default_rng(seed)
    standard = GaussianConstraint(0.0, 1.0)
    parameters = [
        Parameter("q", start=1.0),
        Parameter("mu2", start=1.0, lower=0.0),
        Parameter("scale", constraint=standard),
        Parameter("norm", constraint=standard),
        Parameter("shift", start=0.4, constraint=GaussianConstraint(0.5, 0.2)),
        Parameter("off", start=20.0, lower=0.0, constraint=PoissonConstraint(6.0, 0.25)),
    ]
    components = [
        Component("square", rng.uniform(1, 3, bins), (Power("q", 2), GaussianScale("scale", 0.03))),
        Component("interference", rng.uniform(0, 1, bins), (Power("q"), Power("mu2"), LogNormalScale("norm", 0.1))),
        Component("b", rng.uniform(20, 30, bins), (GaussianScale("scale", 0.03), LogNormalScale("norm", 0.1))),
        Component("free", rng.uniform(0, 1, bins), (Power("off"), Power("shift"))),
    ]
    observed = rng.poisson(35.0, bins).astype(float)
    return Likelihood.build(parameters, components, observed), np.array([1.3, 0.7, 0.4, -0.6, 0.45, 22.0])
