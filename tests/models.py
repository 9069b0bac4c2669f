"""Small likelihoods that several tests share."""

from __future__ import annotations

import signal
from typing import Literal

import numpy as np

from eventfit.likelihood import (
    BinScale,
    Component,
    Factor,
    GaussianScale,
    Likelihood,
    LogNormalScale,
    MorphEven,
    NormSys,
    Power,
)
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


STANDARD = GaussianConstraint(0.0, 1.0)


def benchmark_like(exposure: float = 1.0) -> Likelihood:
    """29 bins, one signal, ten backgrounds of which five are constrained: the problem of tests/benchmarks."""
    x = np.arange(29) + 1.5

    def bump(centre: float, width: float) -> np.ndarray:
        shape = np.exp(-0.5 * ((x - centre) / width) ** 2)
        return np.asarray(shape / shape.sum())

    parameters = [Parameter("mu", start=1.0, lower=0.0)]
    components = [Component("signal", exposure * 40.0 / x / np.sum(1.0 / x), (Power("mu"),))]
    for i, centre in enumerate((5.0, 10.0, 16.0, 22.0, 27.0)):
        parameters.append(Parameter(f"free{i}", start=1.0, lower=0.0, upper=10.0))
        components.append(Component(f"free{i}", exposure * 300.0 * bump(centre, 2.0), (Power(f"free{i}"),)))
    for i, centre in enumerate((2.0, 9.0, 15.0, 21.0, 29.0)):
        parameters.append(Parameter(f"broad{i}", constraint=STANDARD))
        counts = exposure * 200.0 * bump(centre, 9.0)
        components.append(Component(f"broad{i}", counts, (GaussianScale(f"broad{i}", 0.1),)))
    return at_expectation(Likelihood.build(parameters, components, np.zeros(29)))


def at_expectation(likelihood: Likelihood) -> Likelihood:
    """The same model with what it expects at its start, rounded to whole counts."""
    data = likelihood.asimov(likelihood.start)
    return likelihood.with_data(type(data)(np.round(data.counts), data.auxiliary))


def bilinear() -> Likelihood:
    """(1 + e) ((1 + s) B + mu2 S), as in the XENON1T analysis."""
    x = np.linspace(1.0, 30.0, 29)
    parameters = [
        Parameter("mu2", start=1.0, lower=0.0),
        Parameter("e", constraint=STANDARD),
        Parameter("s", constraint=STANDARD),
    ]
    components = [
        Component("S", 60.0 / x, (Power("mu2"), GaussianScale("e", 0.05))),
        Component("B", np.full(29, 40.0) + x, (GaussianScale("e", 0.05), GaussianScale("s", 0.1))),
    ]
    return at_expectation(Likelihood.build(parameters, components, np.zeros(29)))


def interfering() -> Likelihood:
    """A coupling that enters linearly and squared, nearly alike in shape: two minima, at about 1.5 and -5.5."""
    parameters = [Parameter("q", start=1.5, lower=-20.0, upper=20.0), Parameter("b", constraint=STANDARD)]
    components = [
        Component("interference", np.linspace(7.0, 9.0, 8), (Power("q"),)),
        Component("square", np.full(8, 2.0), (Power("q", 2),)),
        Component("b", np.full(8, 60.0), (LogNormalScale("b", 0.05),)),
    ]
    return at_expectation(Likelihood.build(parameters, components, np.zeros(8)))


def morphed(normsys: Literal[0, 1, 4], histosys: Literal["0", "4p"], *, folding: bool = False) -> Likelihood:
    """Two channels of two bins with a normsys and a histosys; both sides of ``folding`` nuisances go the same way."""
    names = ("norm", "shape", "tilt")
    parameters = [
        Parameter("mu", start=1.0, lower=0.0, upper=20.0),
        *(Parameter(name, lower=-5.0, upper=5.0, constraint=STANDARD) for name in names),
    ]
    nominal = np.array([90.0, 140.0, 110.0, 90.0])
    hi, lo = np.array([105.0, 150.0, 120.0, 92.0]), np.array([80.0, 126.0, 101.0, 89.0])
    if folding:
        lo = np.array([101.0, 144.0, 121.0, 90.0])
    common: tuple[Factor, ...] = (NormSys("norm", 1.08 if folding else 0.9, 1.15, normsys),)
    components = [
        Component("signal", np.array([20.0, 35.0, 2.0, 0.0]), (Power("mu"), NormSys("tilt", 0.95, 1.08, normsys))),
        Component("b", nominal, common),
        Component("b odd", 0.5 * (hi - lo), (*common, Power("shape"))),
        Component("b even", 0.5 * (hi + lo - 2.0 * nominal), (*common, MorphEven("shape", histosys))),
        Component("c", np.full(4, 20.0), (NormSys("tilt", 0.9, 1.05, normsys),)),
    ]
    return at_expectation(Likelihood.build(parameters, components, np.zeros(4)))


def per_bin(constraint: Literal["poisson", "gaussian"]) -> Likelihood:
    """A factor per bin on the background, and a scale common to it and the signal."""
    nominal = np.array([50.0, 30.0, 12.0, 4.0, 0.7])
    error = np.array([0.1, 0.1, 0.2, 0.3, 0.5])
    strength = error if constraint == "gaussian" else error**-2
    parameters = [Parameter("mu", start=1.0, lower=0.0), Parameter("lumi", constraint=STANDARD)]
    common = GaussianScale("lumi", 0.03)
    components = [
        Component("signal", np.array([1.0, 3.0, 6.0, 4.0, 2.0]), (Power("mu"), common)),
        Component("b", nominal, (common,)),
    ]
    scale = BinScale("gamma", ("b",), constraint, strength, strength if constraint == "poisson" else np.ones(5))
    return at_expectation(Likelihood.build(parameters, components, np.zeros(5), scales=[scale]))


def sparse() -> Likelihood:
    """Bins that are mostly empty, one with a background of 1e-4 and one with the signal alone."""
    parameters = [Parameter("mu", start=1.0, lower=0.0), Parameter("b", start=1.0, lower=0.0)]
    components = [
        Component("signal", np.array([0.1, 0.5, 1.0, 0.5, 0.2, 0.3]), (Power("mu"),)),
        Component("b", np.array([1.0, 0.4, 0.2, 1e-4, 0.0, 2.0]), (Power("b"),)),
    ]
    return at_expectation(Likelihood.build(parameters, components, np.zeros(6)))


def hears_ctrl_c() -> None:
    """For a program started by a test: a shell's background jobs ignore SIGINT, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
