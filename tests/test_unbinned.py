"""Fits of single events: the extended likelihood by its formula, and as the limit of narrow bins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import expon, uniform

from eventfit.analysis import Analysis
from eventfit.errors import InputError, OutOfRange
from eventfit.inference import (
    Profile,
    Toys,
    discovery_significance,
    discovery_significance_toys,
    profile_interval,
    upper_limit_cls,
)
from eventfit.likelihood import Component, Factor, GaussianScale, Likelihood, Power, UnbinnedLikelihood
from eventfit.parameters import GaussianConstraint, Parameter
from eventfit.quadrature import Array

LOW, HIGH, SLOPE = 1.0, 30.0, 4.0
RNG = np.random.default_rng(5)
EVENTS = np.concatenate([RNG.uniform(LOW, HIGH, 80), LOW + RNG.exponential(SLOPE, 25)])
EVENTS = np.sort(EVENTS[EVENTS < HIGH])
PARAMETERS = (Parameter("s", start=1.0, lower=0.0), Parameter("t", constraint=GaussianConstraint(0.0, 1.0)))
FACTORS: dict[str, tuple[Factor, ...]] = {"signal": (Power("s"),), "background": (GaussianScale("t", 0.1),)}


def counts(edges: Array) -> dict[str, Array]:
    """20 events of signal at s = 1, 80 of background."""
    signal, flat = expon(LOW, SLOPE), uniform(LOW, HIGH - LOW)
    return {"signal": 20 * np.diff(signal.cdf(edges)), "background": 80 * np.diff(flat.cdf(edges))}


def binned(n: int) -> Likelihood:
    edges = np.linspace(LOW, HIGH, n + 1)
    components = [Component(name, part, FACTORS[name]) for name, part in counts(edges).items()]
    return Likelihood.build(PARAMETERS, components, np.histogram(EVENTS, edges)[0])


def unbinned() -> Likelihood:
    components = [Component(name, part, FACTORS[name]) for name, part in counts(np.array([LOW, HIGH])).items()]
    density = {
        "signal": 20 * expon(LOW, SLOPE).pdf(EVENTS),
        "background": np.full(len(EVENTS), 80 / (HIGH - LOW)),
    }
    return UnbinnedLikelihood.of_events(PARAMETERS, components, density)


def formula(s: float, t: float) -> float:
    """2 nu - 2 sum ln f, and the constraint."""
    inside = expon(LOW, SLOPE).cdf(HIGH)
    density = s * 20 * expon(LOW, SLOPE).pdf(EVENTS) + (1 + 0.1 * t) * 80 / (HIGH - LOW)
    return float(2 * (s * 20 * inside + (1 + 0.1 * t) * 80) - 2 * np.log(density).sum() + t**2)


def test_it_is_the_extended_likelihood() -> None:
    likelihood = unbinned()
    at = [(0.0, 0.0), (1.0, 0.3), (2.5, -2.0), (0.4, 1.0)]
    ours = np.array([float(likelihood.value(np.array(theta))) for theta in at])
    theirs = np.array([formula(*theta) for theta in at])
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-11)


def test_narrow_bins_tend_to_it() -> None:
    events = profile_interval(Profile(unbinned(), "s")).pieces[0]
    far = [abs(profile_interval(Profile(binned(n), "s")).pieces[0][1] / events[1] - 1) for n in (29, 2900)]
    assert far[1] < 1e-3
    assert far[1] < far[0] < 0.1
    z = discovery_significance(Profile(unbinned(), "s")).z
    assert z == pytest.approx(discovery_significance(Profile(binned(2900), "s")).z, rel=1e-2)


def test_it_throws_no_toys_and_knows_no_asimov_data() -> None:
    likelihood = unbinned()
    theta = likelihood.start
    with pytest.raises(InputError, match="observed events only"):
        likelihood.toys(theta, 10, np.random.default_rng(1))
    with pytest.raises(InputError, match="observed events only"):
        likelihood.asimov(theta)
    with pytest.raises(InputError, match="observed events only"):
        discovery_significance_toys(Profile(likelihood, "s"), Toys(100, 1))
    with pytest.raises(InputError, match="use bins"):
        upper_limit_cls(Profile(likelihood, "s"))


def test_a_negative_density_is_refused() -> None:
    component = Component("signal", np.array([1.0]), FACTORS["signal"])
    with pytest.raises(OutOfRange, match="signal"):
        UnbinnedLikelihood.of_events(PARAMETERS[:1], [component], {"signal": np.array([0.1, -0.1])})


def test_densities_of_a_fold_are_its_counts_in_narrow_bins() -> None:
    """XENONnT: the magnetic templates and B0 at the 433 events, against a spline through their bins of 1 keV."""
    analysis = Analysis.load("xenonnt_2022")
    model, single = analysis.model(), analysis.model("unbinned")
    assert single.likelihood.unbinned
    assert not model.likelihood.unbinned
    for ours, theirs in zip(model.templates, single.templates, strict=True):
        np.testing.assert_allclose(theirs.spectrum.values(), ours.spectrum.values(), rtol=1e-6)
        assert len(theirs.density) == 433
        cumulative = np.append(0.0, np.cumsum(ours.spectrum.values()))
        slope = np.gradient(cumulative, ours.spectrum.edges)
        events = np.loadtxt(str(analysis.roots[0] / "experiments/xenonnt_2022/events.csv"), skiprows=1)
        above = events > 5
        expected = np.interp(events[above], ours.spectrum.edges, slope)
        np.testing.assert_allclose(theirs.density[above], expected, rtol=0.02)
    a, b = (float(m.likelihood.expected(m.likelihood.start).sum()) for m in (model, single))
    assert a == pytest.approx(b, rel=1e-9)
