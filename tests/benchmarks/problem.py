"""The benchmark problem: 29 bins, one signal and ten backgrounds of which five are constrained (11 parameters)."""

from __future__ import annotations

import numpy as np

from eventfit.likelihood import Component, GaussianScale, Likelihood, Power
from eventfit.parameters import GaussianConstraint, Parameter

BINS, WIDTH = 29, 0.1


def benchmark_likelihood(seed: int = 1) -> Likelihood:
    """Signal ~ 1/x; backgrounds are peaks (free) and broad bumps (constrained to 10 %) of different position."""
    x = np.arange(BINS) + 1.5
    signal = 40.0 / x / np.sum(1.0 / x)
    free = [300.0 * _bump(x, centre, 2.0) for centre in (5.0, 10.0, 16.0, 22.0, 27.0)]
    broad = [200.0 * _bump(x, centre, 9.0) for centre in (2.0, 9.0, 15.0, 21.0, 29.0)]
    parameters = [Parameter("mu2", start=1.0, lower=0.0)]
    components = [Component("signal", signal, (Power("mu2"),))]
    for i, counts in enumerate(free):
        parameters.append(Parameter(f"free{i}", start=1.0, lower=0.0, upper=10.0))
        components.append(Component(f"free{i}", counts, (Power(f"free{i}"),)))
    for i, counts in enumerate(broad):
        parameters.append(Parameter(f"broad{i}", constraint=GaussianConstraint(0.0, 1.0)))
        components.append(Component(f"broad{i}", counts, (GaussianScale(f"broad{i}", WIDTH),)))
    expected = np.sum([c.counts for c in components], axis=0)
    observed = np.random.default_rng(seed).poisson(expected).astype(float)
    return Likelihood.build(parameters, components, observed)


def _bump(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    shape = np.exp(-0.5 * ((x - centre) / width) ** 2)
    return shape / shape.sum()
