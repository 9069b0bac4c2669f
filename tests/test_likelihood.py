"""The likelihood: value, derivatives, batches, pseudo-data and its refusals."""

from __future__ import annotations

import numpy as np
import pytest
from models import everything, on_off
from scipy import stats

from eventfit.errors import OutOfRange, UnknownName, ZeroPrediction
from eventfit.likelihood import Component, Data, GaussianScale, Likelihood, LogNormalScale, Power, poisson_deviance
from eventfit.parameters import GaussianConstraint, Parameter, PoissonConstraint, Reported

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
    assert moment.value(4.0) == pytest.approx(2e-11)
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
