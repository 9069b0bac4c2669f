"""The likelihood: value, derivatives, batches, pseudo-data and its refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import everything, on_off
from pyhf import interpolators  # type: ignore[import-untyped]
from scipy import optimize, special, stats

from eventfit.errors import OutOfRange, UnknownName, ZeroPrediction
from eventfit.inference import fit
from eventfit.likelihood import (
    BinScale,
    Component,
    Data,
    Factor,
    GaussianScale,
    Likelihood,
    LogNormalScale,
    MorphEven,
    NormSys,
    Power,
    poisson_deviance,
)
from eventfit.likelihood.bin_scale import best_gamma
from eventfit.likelihood.factor import evaluator, kinked
from eventfit.likelihood.streams import LinearStreams, ProductStreams
from eventfit.parameters import GaussianConstraint, Parameter, PoissonConstraint, Reported
from eventfit.quadrature import Array

# -- invariant --


def test_value_is_the_log_likelihood_ratio_written_with_scipy() -> None:
    likelihood, theta = everything()
    q, mu2, scale, norm, shift, off = theta
    s, i, b, f = (c.counts for c in likelihood.components)
    common, log = 1 + 0.03 * scale, 1.1**norm
    expected = q**2 * common * s + q * mu2 * log * i + common * log * b + off * shift * f
    n = likelihood.data.counts
    minus_2_ln_l = -2 * np.sum(stats.poisson.logpmf(n, expected) - stats.poisson.logpmf(n, n))
    minus_2_ln_l += scale**2 + norm**2 + ((shift - 0.5) / 0.2) ** 2
    minus_2_ln_l += -2 * (stats.poisson.logpmf(6, 0.25 * off) - stats.poisson.logpmf(6, 6))
    assert likelihood.value(theta) == pytest.approx(minus_2_ln_l, rel=1e-12)
    np.testing.assert_allclose(likelihood.expected(theta), expected, rtol=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_gradient_and_hessian_agree_with_differences(seed: int) -> None:
    likelihood, theta = everything(seed)
    h = 1e-5 * np.eye(len(theta))
    value, gradient, hessian = likelihood.derivatives(theta)
    differences = [(likelihood.value(theta + d) - likelihood.value(theta - d)) / 2e-5 for d in h]
    np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=1e-5)
    curvature = [(likelihood.gradient(theta + d) - likelihood.gradient(theta - d)) / 2e-5 for d in h]
    np.testing.assert_allclose(hessian, curvature, rtol=1e-6, atol=1e-5)
    assert value == likelihood.value(theta)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-14)


def test_a_toy_axis_gives_what_single_evaluations_give() -> None:
    likelihood, theta = everything()
    rng = np.random.default_rng(5)
    data = likelihood.toys(theta, 7, rng)
    points = theta + 0.01 * rng.standard_normal((7, len(theta)))
    batch = likelihood.with_data(data)
    value, gradient, hessian = batch.derivatives(points)
    fisher = batch.fisher(points)
    for i in range(7):
        one = likelihood.with_data(Data(data.counts[i], data.auxiliary[i]))
        np.testing.assert_allclose(value[i], one.value(points[i]), rtol=1e-13)
        np.testing.assert_allclose(gradient[i], one.gradient(points[i]), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(hessian[i], one.hessian(points[i]), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(fisher[i], one.fisher(points[i]), rtol=1e-11, atol=1e-11)


def test_one_point_against_many_data_sets_broadcasts() -> None:
    likelihood, theta = everything()
    batch = likelihood.with_data(likelihood.toys(theta, 4, np.random.default_rng(1)))
    np.testing.assert_allclose(batch.value(theta), batch.value(np.tile(theta, (4, 1))), rtol=1e-14)


def test_asimov_data_have_their_minimum_at_the_truth() -> None:
    likelihood, theta = everything()
    asimov = likelihood.with_data(likelihood.asimov(theta))
    assert asimov.value(theta) == pytest.approx(0.0, abs=1e-10)
    np.testing.assert_allclose(asimov.gradient(theta), 0.0, atol=1e-10)
    np.testing.assert_allclose(asimov.hessian(theta), asimov.fisher(theta), rtol=1e-10, atol=1e-10)


def test_toys_fluctuate_main_and_every_auxiliary_measurement() -> None:
    likelihood, theta = everything()
    toys = likelihood.toys(theta, 40_000, np.random.default_rng(2))
    expected = likelihood.asimov(theta)
    assert np.all(np.abs(toys.counts.mean(axis=0) - expected.counts) < 5 * np.sqrt(expected.counts / 40_000))
    np.testing.assert_allclose(toys.counts.var(axis=0), expected.counts, rtol=0.05)
    spread = np.array([1.0, 1.0, 0.2, np.sqrt(0.25 * theta[5])])
    np.testing.assert_allclose(toys.auxiliary.mean(axis=0), expected.auxiliary, atol=5 * spread.max() / 200)
    np.testing.assert_allclose(toys.auxiliary.std(axis=0), spread, rtol=0.03)
    assert np.all(toys.auxiliary[:, 3] == np.round(toys.auxiliary[:, 3]))


def test_fisher_information_grows_with_exposure_and_the_constraint_stays() -> None:
    likelihood, theta = everything()
    bigger = Likelihood.build(
        likelihood.parameters,
        [Component(c.name, 10 * c.counts, c.factors) for c in likelihood.components],
        10 * likelihood.data.counts,
    )
    aux = np.diag([0.0, 0.0, 2.0, 2.0, 2.0 / 0.04, 2 * 0.25 / theta[5]])
    small, large = (x.fisher(theta) for x in (likelihood, bigger))
    poisson_curvature = 2 * 6.0 / theta[5] ** 2
    aux[5, 5] = poisson_curvature
    np.testing.assert_allclose(large - aux, 10 * (small - aux), rtol=1e-9)


@pytest.mark.parametrize("n", [0.0, 1.0, 40.0])
def test_deviance_is_continuous_and_convex_through_zero_expectation(n: float) -> None:
    lam = np.concatenate([np.linspace(-1e-7, 1e-7, 2001), [n + 1.0]])
    value, slope, curve = poisson_deviance(np.full(lam.shape, n), lam)
    assert np.all(np.isfinite(value))
    assert np.all(curve >= 0)
    assert np.all(np.diff(slope[:-1]) >= 0)
    assert value[:-1].argmin() >= 999  # the wall keeps a minimum from going negative


def test_model_hash_sees_data_templates_and_parameters() -> None:
    likelihood, _ = everything()
    changed = likelihood.with_data(Data(likelihood.data.counts + 1.0, likelihood.data.auxiliary))
    other = Likelihood.build(
        [*likelihood.parameters[:-1], Parameter("off", start=21.0, constraint=PoissonConstraint(6.0, 0.25))],
        likelihood.components,
        likelihood.data.counts,
    )
    again, _ = everything()
    assert len({likelihood.model_hash, changed.model_hash, other.model_hash}) == 3
    assert again.model_hash == likelihood.model_hash


def test_reported_value_and_its_inverse() -> None:
    moment = Reported("mu_nu", "mu_B", power=2, scale=1e-11)
    assert moment.value(4.0) == pytest.approx(2e-11, abs=0)
    assert moment.fitted(2e-11) == pytest.approx(4.0)
    assert moment.value(-1.0) == 0.0


# -- refusals --

ONE = np.array([1.0])
MU = Parameter("mu", start=1.0)


def test_events_where_nothing_is_expected_are_refused() -> None:
    with pytest.raises(ZeroPrediction, match=r"bin 2 of 3[\s\S]*4 observed"):
        Likelihood.build([MU], [Component("s", np.array([1.0, 0.0, 1.0]), (Power("mu"),))], np.array([1.0, 4.0, 0.0]))


@pytest.mark.parametrize("observed", [[-1.0], [np.nan], [np.inf], [1.0, 2.0]])
def test_impossible_counts_and_shapes_are_refused(observed: list[float]) -> None:
    with pytest.raises(OutOfRange):
        Likelihood.build([MU], [Component("s", ONE, (Power("mu"),))], np.array(observed))


@pytest.mark.parametrize("factor", [Power("nu"), GaussianScale("nu", 0.1), LogNormalScale("nu", 0.1)])
def test_a_factor_of_an_undeclared_parameter_is_refused(factor: Power | GaussianScale | LogNormalScale) -> None:
    with pytest.raises(UnknownName, match="nu"):
        Likelihood.build([MU], [Component("s", ONE, (factor,))], ONE)


def test_impossible_parameters_and_constraints_are_refused() -> None:
    with pytest.raises(OutOfRange, match="outside its bounds"):
        Parameter("mu", start=-1.0, lower=0.0)
    with pytest.raises(OutOfRange, match="enclose nothing"):
        Parameter("mu", lower=1.0, upper=1.0)
    with pytest.raises(OutOfRange):
        Parameter("mu", start=float("nan"))
    with pytest.raises(OutOfRange):
        GaussianConstraint(0.0, 0.0)
    with pytest.raises(OutOfRange):
        PoissonConstraint(3.0, 0.0)
    with pytest.raises(UnknownName, match="twice"):
        Likelihood.build([MU, MU], [Component("s", ONE, (Power("mu"),))], ONE)
    with pytest.raises(UnknownName, match="nothing"):
        on_off(5.0, 5.0, 1.0).index("nothing")


# -- invariant: factors -----------------------------------------------------------------------------------------------

FACTORS: list[Factor] = [
    Power("x"),
    Power("x", 2),
    Power("x", 3),
    GaussianScale("x", 0.3),
    LogNormalScale("x", 0.3),
    NormSys("x", 0.7, 1.2, 0),
    NormSys("x", 0.7, 1.2, 1),
    NormSys("x", 0.7, 1.2, 4),
    NormSys("x", 1.3, 1.1, 4),
    MorphEven("x", "0"),
    MorphEven("x", "4p"),
]


def evaluated(factor: Factor, x: Array) -> tuple[Array, ...]:
    """Value and two derivatives at ``x`` (n,)."""
    terms = evaluator((type(factor), getattr(factor, "code", None)), [factor])(x[:, None])
    return tuple(term[:, 0] for term in terms)


@pytest.mark.parametrize("factor", FACTORS, ids=repr)
def test_derivatives_of_a_factor_agree_with_differences(factor: Factor) -> None:
    x = np.concatenate([np.linspace(-2.95, 2.95, 60), [-1.0 - 1e-3, 1.0 - 1e-3]])
    h = 1e-5
    (_, first, second), up, down = (evaluated(factor, x + d) for d in (0.0, h, -h))
    np.testing.assert_allclose(first, (up[0] - down[0]) / (2 * h), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(second, (up[1] - down[1]) / (2 * h), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("factor", FACTORS, ids=repr)
def test_a_factor_bends_without_steps_where_its_forms_meet(factor: Factor) -> None:
    """At +-1 for all; at 0 the slope jumps for the codes that say so, and the sign of zero tells the sides apart."""
    for x in (-1.0, 1.0):
        below, above = (evaluated(factor, np.array([x * (1 + d)])) for d in (-1e-9, 1e-9))
        np.testing.assert_allclose(below, above, rtol=1e-6, atol=1e-7)
    minus, plus = evaluated(factor, np.array([-0.0])), evaluated(factor, np.array([0.0]))
    assert minus[0] == plus[0]
    assert (minus[1] != plus[1]) == kinked(factor)
    assert evaluated(factor, np.array([-1e-9]))[1] == pytest.approx(minus[1], abs=1e-8)
    assert evaluated(factor, np.array([1e-9]))[1] == pytest.approx(plus[1], abs=1e-8)


@pytest.mark.parametrize("code", [0, 1, 4])
def test_normsys_is_what_was_declared_at_one_sigma(code: Literal[0, 1, 4]) -> None:
    value = evaluated(NormSys("x", 0.8, 1.3, code), np.array([-1.0, 0.0, 1.0]))[0]
    np.testing.assert_allclose(value, [0.8, 1.0, 1.3], rtol=1e-14)


# -- invariant: factors per bin ---------------------------------------------------------------------------------------


def scaled(seed: int, bins: int = 9) -> Likelihood:
    """Both kinds of factors per bin, on all and on one component, beside smooth factors and bins without one."""
    rng = np.random.default_rng(seed)
    standard = GaussianConstraint(0.0, 1.0)
    parameters = [
        Parameter("mu", start=1.0, lower=-5.0),
        Parameter("jes", constraint=standard),
        Parameter("norm", constraint=standard),
        Parameter("free", start=1.0, lower=0.0),
    ]
    jes = NormSys("jes", 0.9, 1.15, 4)
    components = [
        Component("signal", rng.uniform(0, 4, bins), (Power("mu"), jes)),
        Component("b", rng.uniform(5, 40, bins), (GaussianScale("norm", 0.2),)),
        Component("b_odd", rng.uniform(-1, 1, bins), (GaussianScale("norm", 0.2), Power("jes"))),
        Component("b_even", rng.uniform(-1, 1, bins), (GaussianScale("norm", 0.2), MorphEven("jes", "4p"))),
        Component("c", rng.uniform(0, 6, bins), (Power("free", 2),)),
    ]
    index = np.arange(bins)
    tau = np.where(index < bins // 3, rng.uniform(1, 50, bins), 0.0)
    width = np.where(index >= bins - bins // 2, rng.uniform(0.02, 0.4, bins), 0.0)
    scales = [
        BinScale("off", ("c",), "poisson", tau, rng.poisson(np.maximum(tau, 1)).astype(float)),
        BinScale("stat", ("b", "b_odd", "b_even", "c"), "gaussian", width, np.ones(bins)),
    ]
    observed = rng.poisson(25.0, bins).astype(float)
    observed[[0, -1]] = 0.0
    return Likelihood.build(parameters, components, observed, scales=scales)


@pytest.mark.parametrize("seed", range(6))
def test_derivatives_with_factors_per_bin_agree_with_differences(seed: int) -> None:
    likelihood = scaled(seed)
    rng = np.random.default_rng(100 + seed)
    h = 1e-5 * np.eye(4)
    for theta in np.array([0.8, 0.3, -0.4, 1.1]) + rng.normal(0.0, 0.4, (5, 4)):
        _, gradient, hessian = likelihood.derivatives(theta)
        up, down = likelihood.value_and_gradient(theta + h), likelihood.value_and_gradient(theta - h)
        np.testing.assert_allclose(gradient, (up[0] - down[0]) / 2e-5, rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(hessian, (up[1] - down[1]) / 2e-5, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_factors_per_bin_with_a_toy_axis_give_what_single_evaluations_give(seed: int) -> None:
    likelihood = scaled(seed)
    theta = likelihood.start + np.array([0.1, -0.2, 0.3, 0.1])
    data = likelihood.toys(theta, 6, np.random.default_rng(seed))
    batch = likelihood.with_data(data)
    points = theta + 0.05 * np.random.default_rng(9).standard_normal((6, 4))
    value, gradient, hessian = batch.derivatives(points)
    fisher, expected, gammas = batch.fisher(points), batch.expected(points), batch.bin_scales(points)
    parts = batch.expected_by_component(points)
    np.testing.assert_allclose(sum(parts.values()), expected, rtol=1e-12)
    for i in range(6):
        one = likelihood.with_data(Data(data.counts[i], data.auxiliary[i]))
        np.testing.assert_allclose(value[i], one.value(points[i]), rtol=1e-13)
        np.testing.assert_allclose(gradient[i], one.gradient(points[i]), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(hessian[i], one.hessian(points[i]), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(fisher[i], one.fisher(points[i]), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(expected[i], one.expected(points[i]), rtol=1e-13)
        for name, gamma in one.bin_scales(points[i]).items():
            np.testing.assert_allclose(gammas[name][i], gamma, rtol=1e-12)


def test_eliminated_factors_are_ordinary_parameters_at_their_best() -> None:
    """The same model with every gamma a parameter of a one-bin component: equal where those are minimised."""
    likelihood = scaled(1)
    parameters, components = list(likelihood.parameters), list(likelihood.components)
    for scale in likelihood.scales:
        for i in np.flatnonzero(scale.strength > 0):
            name = f"{scale.name}[{i}]"
            strength, a = float(scale.strength[i]), float(scale.observed[i])
            poisson = scale.constraint == "poisson"
            constraint = PoissonConstraint(a, strength) if poisson else GaussianConstraint(a, strength)
            parameters.append(Parameter(name, start=1.0, lower=0.0, constraint=constraint))
            for k, component in enumerate(components):
                if component.name in scale.components:
                    alone, rest = np.zeros_like(component.counts), component.counts.copy()
                    alone[i], rest[i] = component.counts[i], 0.0
                    components[k] = Component(component.name, rest, component.factors)
                    components.append(Component(f"{component.name}{name}", alone, (*component.factors, Power(name))))
    explicit = Likelihood.build(parameters, components, likelihood.data.counts)
    for mu in (0.3, 1.0, 1.7):
        point = np.array([mu, 0.2, -0.1, 0.9])
        held = dict(zip(likelihood.names, point, strict=True))
        assert likelihood.value(point) == pytest.approx(fit(explicit, fixed=held).minus_2_ln_l, rel=1e-9)


def test_a_signal_below_zero_in_an_empty_bin_is_held_up_by_its_gamma() -> None:
    """Where the expectation of an empty bin stands at zero, gamma follows the signal, and derivatives with it."""
    for kind, strength, a in (("poisson", 9.0, 9.0), ("gaussian", 0.3, 1.0)):
        scale = BinScale("g", ("b",), kind, np.array([strength, 0.0]), np.array([a, 0.0]))  # type: ignore[arg-type]
        signal, background = np.array([4.0, 1e-3]), np.array([2.0, 5000.0])
        components = [Component("s", signal, (Power("mu"),)), Component("b", background)]
        likelihood = Likelihood.build([Parameter("mu")], components, np.array([0.0, 5045.0]), scales=[scale])
        for mu in (-2e4 / 3, -2.0, -1.0, -0.6, 0.5):
            point, h = np.array([mu]), np.array([1e-5 * (1.0 + abs(mu))])
            _, gradient, hessian = likelihood.derivatives(point)
            up, down = likelihood.value_and_gradient(point + h), likelihood.value_and_gradient(point - h)
            assert np.all(likelihood.expected(point) >= -1e-11)
            np.testing.assert_allclose(gradient, (up[0] - down[0]) / (2 * h), rtol=1e-6)
            np.testing.assert_allclose(hessian[0], (up[1] - down[1]) / (2 * h), rtol=1e-6, atol=1e-10)


def bin_objective(gamma: float, bin_: tuple[float, float, float, float, float], gaussian: bool) -> float:
    """-2 ln L of one bin and its auxiliary measurement, written out; infinite where it has no meaning."""
    rho, sigma, n, a, strength = bin_
    expected = rho + gamma * sigma
    if expected < -1e-12 * (abs(rho) + abs(gamma * sigma)) or (n > 0 and expected <= 0):
        return np.inf
    expected = max(expected, 0.0)
    main = 2.0 * (expected - n - special.xlogy(n, expected / n if n else 1.0))
    if gaussian:
        return float(main + ((gamma - a) / strength) ** 2)
    scaled_ = strength * gamma
    return float(main + 2.0 * (scaled_ - a - special.xlogy(a, scaled_ / a if a else 1.0)))


def assert_no_gamma_is_better(bin_: tuple[float, float, float, float, float], gaussian: bool) -> None:
    rho, sigma, n, a, strength = bin_
    one = [np.array([x]) for x in bin_]
    ours = float(best_gamma(one[0], one[1], one[2], one[3], one[4], np.array([gaussian]))[0])
    low = -rho / sigma if sigma > 0 > rho else 0.0
    likely = a if gaussian else a / strength
    high = -rho / sigma if sigma < 0 else 10.0 * max(1.0, likely, low, (n + abs(rho)) / sigma if sigma > 0 else 0.0)
    reached = bin_objective(ours, bin_, gaussian)
    assert ours >= 0
    for lower, upper in ((low, high), (max(low, ours * (1 - 1e-3)), min(high, ours * (1 + 1e-3) + 1e-9))):
        if lower < upper:
            other = optimize.minimize_scalar(
                lambda gamma: bin_objective(gamma, bin_, gaussian),
                bounds=(lower, upper),
                method="bounded",
                options={"xatol": 1e-13 * upper},
            )
            assert reached <= other.fun + 1e-10 * (1.0 + abs(other.fun) + n + (0.0 if gaussian else a))


@given(
    rho=st.one_of(st.just(0.0), st.floats(0.0, 500.0), st.floats(-1.0, 0.0)),
    sigma=st.one_of(st.just(0.0), st.floats(1e-6, 500.0), st.floats(-1.0, -1e-6)),
    n=st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 1000)),
    a=st.one_of(st.just(0.0), st.floats(1e-3, 1000.0)),
    log_strength=st.floats(-6.0, 6.0),
    gaussian=st.booleans(),
)
def test_gamma_is_the_best_there_is(
    rho: float, sigma: float, n: int, a: float, log_strength: float, gaussian: bool
) -> None:
    if gaussian:  # a width above ten or below 1e-6 is no uncertainty of a factor
        a, log_strength = min(a, 3.0), min(log_strength, 1.0)
    if (sigma <= 0 and rho <= 0) or rho < -5.0 * sigma < 0:
        rho = abs(rho) + 1e-3
    assert_no_gamma_is_better((rho, sigma, float(n), a, 10.0**log_strength), gaussian)


@pytest.mark.parametrize("gaussian", [False, True], ids=["poisson", "gaussian"])
@pytest.mark.parametrize(
    "bin_",
    [
        (10.0, 5.0, 0.0, 1.0, 0.1),
        (0.0, 5.0, 0.0, 1.0, 2.0),
        (0.0, 5.0, 7.0, 0.0, 0.5),
        (10.0, 0.0, 12.0, 1.0, 0.3),
        (10.0, 5.0, 12.0, 0.0, 0.3),
        (0.0, 5.0, 0.0, 0.0, 0.3),
        (10.0, 5.0, 40.0, 1.0, 1e-8),
        (10.0, 5.0, 40.0, 1.0, 1e-150),
        (-3.0, 5.0, 0.0, 1.0, 0.3),
        (-3.0, 5.0, 4.0, 1.0, 0.3),
        (10.0, -5.0, 0.0, 1.0, 0.3),
        (10.0, -5.0, 4.0, 3.0, 0.3),
        (0.0, 1e7, 4.0, 1.0, 8.0),
    ],
    ids=[
        "nothing observed",
        "nothing but this and nothing observed",
        "no auxiliary count",
        "nothing scaled",
        "no auxiliary count beside a background",
        "nothing anywhere",
        "tiny strength",
        "strength whose square underflows",
        "signal below zero, nothing observed",
        "signal below zero",
        "scaled below zero, nothing observed",
        "scaled below zero",
        "large and free",
    ],
)
def test_gamma_at_the_edges_is_the_best_there_is(
    bin_: tuple[float, float, float, float, float], gaussian: bool
) -> None:
    if gaussian or bin_[-1] > 1e-100:  # a Poisson exposure that is nothing constrains nothing
        assert_no_gamma_is_better(bin_, gaussian)


# -- invariant: streams -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_scales", [False, True], ids=["plain", "factors per bin"])
def test_the_linear_form_is_the_product_form_of_an_affine_model(with_scales: bool) -> None:
    rng = np.random.default_rng(4)
    bins = 8
    parameters = [
        Parameter("mu", start=1.0),
        Parameter("k", start=1.0),
        Parameter("n", constraint=GaussianConstraint(0, 1)),
    ]
    components = [
        Component("s", rng.uniform(1, 3, bins), (Power("mu"),)),
        Component("b", rng.uniform(10, 20, bins), (GaussianScale("n", 0.1),)),
        Component("c", rng.uniform(5, 9, bins), (Power("k"),)),
        Component("d", rng.uniform(0, 1, bins)),
    ]
    scales = [
        BinScale("off", ("c",), "poisson", np.where(np.arange(bins) < 3, 4.0, 0.0), np.full(bins, 4.0)),
        BinScale("stat", ("s", "b"), "gaussian", np.where(np.arange(bins) > 4, 0.1, 0.0), np.ones(bins)),
    ]
    observed = rng.poisson(25.0, bins).astype(float)
    linear = Likelihood.build(parameters, components, observed, scales=scales if with_scales else ())
    # a factor that is one keeps the coefficients from being recognised as linear
    unit = [Component(c.name, c.counts, (*c.factors, LogNormalScale("n", 0.0))) for c in components]
    product = Likelihood.build(parameters, unit, observed, scales=scales if with_scales else ())
    assert isinstance(linear._streams, LinearStreams)
    assert isinstance(product._streams, ProductStreams)
    theta = linear.start + rng.normal(0.0, 0.2, (5, 3))
    for one, other in zip(linear.derivatives(theta), product.derivatives(theta), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(linear.fisher(theta), product.fisher(theta), rtol=1e-12)
    np.testing.assert_allclose(linear.expected(theta), product.expected(theta), rtol=1e-13)


# -- reference --------------------------------------------------------------------------------------------------------

ALPHAS = np.concatenate([np.linspace(-3.0, 3.0, 49), [-1.0, -1e-12, 1e-12, 1.0]])


@pytest.mark.parametrize(("code", "theirs"), [(1, "code1"), (4, "code4")], ids=["pyhf-0.7-code1", "pyhf-0.7-code4"])
def test_normsys_is_interpolated_as_in_pyhf(code: Literal[1, 4], theirs: str) -> None:
    sides = [(0.9, 1.1), (0.5, 1.7), (1.2, 0.8), (1.05, 1.3), (0.999, 1.001)]
    histograms = [[[[lo], [1.0], [hi]]] for lo, hi in sides]
    known = getattr(interpolators, theirs)(histograms, subscribe=False)(np.tile(ALPHAS, (len(sides), 1)))
    for (lo, hi), values in zip(sides, known[:, 0, :, 0], strict=True):
        np.testing.assert_allclose(evaluated(NormSys("x", lo, hi, code), ALPHAS)[0], values, rtol=1e-13)


@pytest.mark.parametrize(
    ("code", "theirs"), [("0", "code0"), ("4p", "code4p")], ids=["pyhf-0.7-code0", "pyhf-0.7-code4p"]
)
def test_histosys_is_interpolated_as_in_pyhf(code: Literal["0", "4p"], theirs: str) -> None:
    lo, nominal, hi = (
        np.array([9.0, 20.0, 5.0, 30.0]),
        np.array([10.0, 18.0, 5.0, 0.0]),
        np.array([12.0, 21.0, 6.0, 4.0]),
    )
    known = getattr(interpolators, theirs)([[[lo, nominal, hi]]], subscribe=False)(ALPHAS[None])[0, 0]
    even = evaluated(MorphEven("x", code), ALPHAS)[0]
    ours = np.outer(ALPHAS, 0.5 * (hi - lo)) + np.outer(even, 0.5 * (hi + lo - 2.0 * nominal))
    np.testing.assert_allclose(ours, known, rtol=1e-12, atol=1e-12)


ASIMOV: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "reference" / "asimov_significance.json").read_text(encoding="utf-8")
)["cases"]


def asimov_id(case: dict[str, Any]) -> str:
    paper = "CCGV-2011-eq97" if case["sigma_b"] == 0 else "Cowan-2012-eq20"
    return f"{paper}-s{case['s']:g}-b{case['b']:g}-sigma{case['sigma_b']:g}"


@pytest.mark.parametrize("case", [c for c in ASIMOV if c["sigma_b"] == 0], ids=asimov_id)
def test_tiny_deviances_keep_their_digits(case: dict[str, Any]) -> None:
    """s + b as a double may have lost digits of s (1 + 1e-8 has eight): Z is proportional to what is left."""
    s, b = case["s"], case["b"]
    kept = (s + b - b) / s if s < 1e-3 * b else 1.0
    z = np.sqrt(poisson_deviance(np.array([s + b]), np.array([b]))[0])
    np.testing.assert_allclose(z, float(case["Z_A"]) * kept, rtol=1e-9)


@pytest.mark.parametrize("case", [c for c in ASIMOV if c["sigma_b"] > 0], ids=asimov_id)
def test_asimov_significance_with_an_uncertain_background(case: dict[str, Any]) -> None:
    s, b = case["s"], case["b"]
    tau = b / case["sigma_b"] ** 2
    null = fit(on_off(s + b, tau * b, tau), fixed={"mu": 0.0})
    assert np.sqrt(null.minus_2_ln_l) == pytest.approx(float(case["Z_A"]), rel=1e-9)
