"""Bins that hold a measured number with its error, alone or beside counts: least squares, slopes, toys, limits."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from eventfit.errors import OutOfRange, ZeroPrediction
from eventfit.inference import (
    Profile,
    Status,
    Toys,
    discovery_significance,
    feldman_cousins_interval,
    fit,
    fit_batch,
    goodness_of_fit,
    impacts_on_limit,
    minos_interval,
    profile_interval,
    upper_limit_cls,
    upper_limit_flat_prior,
    upper_limit_qmu,
    upper_limit_qmu_tilde,
)
from eventfit.inference.asymptotic import warnings_of
from eventfit.inference.fitting.fit import Minimiser
from eventfit.likelihood import BinScale, Component, Data, GaussianScale, Likelihood, LogNormalScale, Power
from eventfit.likelihood.identity import sha256_of
from eventfit.likelihood.plain import from_plain, to_plain
from eventfit.parameters import GaussianConstraint, Parameter
from eventfit.quadrature import Array

X = np.array([-2.0, -0.5, 0.0, 1.0, 3.0, 4.0])
ERROR = np.array([0.5, 1.0, 0.2, 2.0, 0.8, 0.3])
Y = np.array([-3.1, 0.4, 1.3, 2.0, 6.5, 9.2])
#: of the mixed model: three bins of counts, a measured one between them, two behind
MIXED = np.array([0.0, 0.0, 0.7, 0.0, 1.5, 0.4])
AT = np.array([1.7, -0.8, 0.6, -0.4])


def line(constraint: GaussianConstraint | None = None, error: Array = ERROR) -> Likelihood:
    """y = a + b x, every y measured."""
    parameters = [Parameter("a", start=1.0), Parameter("b", start=1.0, constraint=constraint)]
    components = [Component("constant", np.ones(len(X)), (Power("a"),)), Component("slope", X, (Power("b"),))]
    return Likelihood.build(parameters, components, Y, errors=error)


def least_squares(constraint: GaussianConstraint | None = None) -> tuple[Array, Array, float]:
    """Solution, covariance and chi-square of the same problem in closed form."""
    rows, y, weight = np.column_stack([np.ones(len(X)), X]), Y, ERROR**-2.0
    if constraint is not None:
        rows, y = np.vstack([rows, [0.0, 1.0]]), np.append(y, constraint.observed)
        weight = np.append(weight, constraint.width**-2.0)
    covariance = np.linalg.inv(rows.T @ (weight[:, None] * rows))
    solution = covariance @ rows.T @ (weight * y)
    return solution, covariance, float(weight @ (y - rows @ solution) ** 2)


def mixed(constant: float = 12.0) -> Likelihood:
    """Counts and measured numbers from the same parameters, by products of factors; some templates are negative."""
    standard = GaussianConstraint(0.0, 1.0)
    parameters = [
        Parameter("q", start=1.0),
        Parameter("r", start=0.5),
        Parameter("scale", constraint=standard),
        Parameter("norm", constraint=standard),
    ]
    components = [
        Component("square", np.array([3.0, 1.0, -0.6, 2.0, 0.0, 1.0]), (Power("q", 2), GaussianScale("scale", 0.1))),
        Component("interference", np.array([0.5, 0.2, 1.0, -0.5, 1.0, 0.3]), (Power("q"), Power("r"))),
        Component("b", np.array([9.0, 4.0, -1.0, 30.0, 0.0, 2.0]), (LogNormalScale("norm", 0.2),)),
        Component("fixed", np.array([constant, 3.0, 0.0, 3.0, -2.0, 0.0])),
    ]
    observed = np.array([25.0, 11.0, -3.0, 40.0, 0.4, 3.1])
    return Likelihood.build(parameters, components, observed, errors=MIXED)


def measured_once(x: float, sigma: float = 1.0, lower: float = -np.inf) -> Likelihood:
    """One number x ~ N(mu, sigma)."""
    components = [Component("signal", np.ones(1), (Power("mu"),))]
    parameters = [Parameter("mu", start=1.0, lower=lower)]
    return Likelihood.build(parameters, components, np.array([x]), errors=np.array([sigma]))


# -- invariant --


@pytest.mark.parametrize("minimiser", ["newton", "migrad"])
@pytest.mark.parametrize("constraint", [None, GaussianConstraint(1.2, 0.1)], ids=["free", "constrained"])
def test_a_linear_fit_is_weighted_least_squares(constraint: GaussianConstraint | None, minimiser: Minimiser) -> None:
    solution, covariance, chi_square = least_squares(constraint)
    result = fit(line(constraint), minimiser=minimiser)
    assert result.status is Status.OK
    assert result.values == pytest.approx(solution, rel=1e-9)
    assert result.covariance == pytest.approx(covariance, rel=1e-9)
    assert result.minus_2_ln_l == pytest.approx(chi_square, rel=1e-12)
    assert line(constraint).convex


@given(a=st.floats(-50, 50), b=st.floats(-50, 50), factor=st.floats(0.01, 100))
def test_chi_square_in_any_unit(a: float, b: float, factor: float) -> None:
    likelihood, theta = line(), np.array([a, b])
    pulls = (a + b * X - Y) / ERROR
    assert likelihood.value(theta) == pytest.approx(pulls @ pulls, rel=1e-12)
    scaled = Likelihood.build(
        likelihood.parameters,
        [replace(c, counts=factor * c.counts) for c in likelihood.components],
        factor * Y,
        errors=factor * ERROR,
    )
    assert scaled.value(theta) == pytest.approx(pulls @ pulls, rel=1e-10)


def test_fisher_information_of_measured_bins_is_their_hessian_whatever_was_measured() -> None:
    likelihood, rows = line(), np.column_stack([np.ones(len(X)), X])
    for theta in (np.zeros(2), np.array([100.0, -30.0])):
        np.testing.assert_allclose(likelihood.fisher(theta), 2 * rows.T @ (rows / ERROR[:, None] ** 2), rtol=1e-13)
        np.testing.assert_allclose(likelihood.hessian(theta), likelihood.fisher(theta), rtol=1e-13)


def test_a_mixed_value_is_the_sum_of_its_parts() -> None:
    likelihood = mixed()
    q, r, scale, norm = AT
    square, interference, b, fixed = (c.counts for c in likelihood.components)
    expected = q**2 * (1 + 0.1 * scale) * square + q * r * interference + 1.2**norm * b + fixed
    n, counted = likelihood.data.counts, MIXED == 0
    poisson = stats.poisson.logpmf(n[counted], n[counted]) - stats.poisson.logpmf(n[counted], expected[counted])
    normal = stats.norm.logpdf(0) - stats.norm.logpdf((n - expected)[~counted] / MIXED[~counted])
    by_hand = 2 * poisson.sum() + 2 * normal.sum() + scale**2 + norm**2
    assert likelihood.value(AT) == pytest.approx(by_hand, rel=1e-12)
    np.testing.assert_allclose(likelihood.expected(AT), expected, rtol=1e-13)
    assert np.array_equal(likelihood.counted, counted)
    assert expected[~counted].min() < 0 < expected[~counted].max()
    spread = np.where(counted, np.sqrt(np.where(counted, expected, 0.0)), MIXED)
    np.testing.assert_allclose(likelihood.spread(AT), spread, rtol=1e-13)


@pytest.mark.parametrize("likelihood", [mixed(), line()], ids=["mixed", "measured"])
def test_gradient_and_hessian_agree_with_differences(likelihood: Likelihood) -> None:
    rng = np.random.default_rng(4)
    for theta in rng.uniform(-2.0, 2.0, (6, len(likelihood.names))):
        h = 1e-5 * np.eye(len(theta))
        _, gradient, hessian = likelihood.derivatives(theta)
        slopes = [(likelihood.value(theta + d) - likelihood.value(theta - d)) / 2e-5 for d in h]
        curves = [(likelihood.gradient(theta + d) - likelihood.gradient(theta - d)) / 2e-5 for d in h]
        np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-4)
        np.testing.assert_allclose(hessian, curves, rtol=1e-6, atol=1e-4)


def test_expectations_below_zero_are_nothing_special_where_a_number_was_measured() -> None:
    """The chi-square of a residual stays a parabola through zero; the same expectation for counts meets the wall."""
    parameters, template = [Parameter("s", start=1.0)], np.array([1.0, 1.0])
    components = [Component("residual", template, (Power("s"),))]
    s = np.linspace(-4.0, 4.0, 81)
    residual = Likelihood.build(parameters, components, np.array([-1.5, 0.5]), errors=np.array([1.0, 2.0]))
    expected = (s + 1.5) ** 2 + (s - 0.5) ** 2 / 4
    np.testing.assert_allclose(residual.value(s[:, None]), expected, rtol=1e-12)
    result = fit(residual)
    assert result.status is Status.OK
    assert result["s"] == pytest.approx((-1.5 + 0.5 / 4) / 1.25, rel=1e-12)
    counts = Likelihood.build(parameters, components, np.array([0.0, 0.0]))
    assert counts.value(np.array([-1.0])) > 1e9


def test_asimov_data_have_their_minimum_at_the_truth() -> None:
    likelihood = mixed()
    asimov = likelihood.with_data(likelihood.asimov(AT))
    assert asimov.value(AT) == pytest.approx(0.0, abs=1e-10)
    np.testing.assert_allclose(asimov.gradient(AT), 0.0, atol=1e-10)
    np.testing.assert_allclose(asimov.hessian(AT), asimov.fisher(AT), rtol=1e-10, atol=1e-10)
    assert fit(asimov, starts=[AT + 0.05]).values == pytest.approx(AT, abs=1e-6)


def test_toys_fluctuate_counts_by_poisson_and_numbers_by_their_errors() -> None:
    likelihood, n = mixed(), 40_000
    toys = likelihood.toys(AT, n, np.random.default_rng(2))
    expected, counted = likelihood.expected(AT), likelihood.counted
    spread = np.where(counted, np.sqrt(np.maximum(expected, 0.0)), MIXED)
    assert np.all(np.abs(toys.counts.mean(axis=0) - expected) < 5 * spread / np.sqrt(n))
    np.testing.assert_allclose(toys.counts.std(axis=0), spread, rtol=0.03)
    assert np.all(toys.counts[:, counted] == np.round(toys.counts[:, counted]))
    assert toys.counts[:, counted].min() >= 0
    for bin_ in np.flatnonzero(~counted):
        assert stats.kstest((toys.counts[:, bin_] - expected[bin_]) / MIXED[bin_], "norm").pvalue > 1e-3
    for bin_ in np.flatnonzero(counted):  # counts beside measured numbers are counts as ever
        values, seen = np.unique(toys.counts[:, bin_], return_counts=True)
        often = seen > 50
        probability = stats.poisson.pmf(values[often], expected[bin_])
        z = (seen[often] - n * probability) / np.sqrt(n * probability)
        assert np.abs(z).max() < 4.5
    correlation = np.asarray(np.corrcoef(np.column_stack([toys.counts, toys.auxiliary]).T))
    assert np.abs(correlation - np.eye(8)).max() < 5 / np.sqrt(n)


def test_a_toy_axis_gives_what_single_evaluations_give() -> None:
    likelihood, rng = mixed(), np.random.default_rng(5)
    data = likelihood.toys(AT, 7, rng)
    points = AT + 0.1 * rng.standard_normal((7, len(AT)))
    batch = likelihood.with_data(data)
    value, gradient, hessian = batch.derivatives(points)
    fisher = batch.fisher(points)
    for i in range(7):
        one = likelihood.with_data(Data(data.counts[i], data.auxiliary[i]))
        np.testing.assert_allclose(value[i], one.value(points[i]), rtol=1e-13)
        np.testing.assert_allclose(gradient[i], one.gradient(points[i]), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(hessian[i], one.hessian(points[i]), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(fisher[i], one.fisher(points[i]), rtol=1e-11, atol=1e-11)
        assert batch.size[i] == pytest.approx(one.size)
    np.testing.assert_allclose(batch.value(AT), batch.value(np.tile(AT, (7, 1))), rtol=1e-14)


@pytest.mark.parametrize("fixed", [False, True], ids=["free", "held"])
def test_batch_fits_end_where_single_fits_and_iminuit_end(fixed: bool) -> None:
    likelihood = mixed().bounded("q", 0.2, 10.0)
    toys = likelihood.with_data(likelihood.toys(AT, 30, np.random.default_rng(3)))
    held = {"r": float(AT[1])} if fixed else {}
    found = fit_batch(toys, np.tile(AT, (30, 1)), fixed=tuple(held))
    assert not found.failed.any()
    for i in range(30):
        one = fit(toys.rows(i), fixed=held)
        referee = fit(toys.rows(i), fixed=held, starts=[AT, one.values], minimiser="migrad")
        assert found.minus_2_ln_l[i] == pytest.approx(one.minus_2_ln_l, abs=1e-6)
        assert found.minus_2_ln_l[i] <= referee.minus_2_ln_l + 1e-6


def test_batch_fits_of_measured_numbers_are_least_squares_and_follow_a_chi_square() -> None:
    likelihood, (truth, covariance, _) = line(), least_squares()
    toys = likelihood.with_data(likelihood.toys(truth, 4000, np.random.default_rng(8)))
    found = fit_batch(toys, np.tile(likelihood.start, (4000, 1)))
    assert not found.fallback.any()  # an expectation below zero is no reason to ask iminuit
    rows = np.column_stack([np.ones(len(X)), X])
    solutions = (toys.data.counts / ERROR**2) @ rows @ covariance
    np.testing.assert_allclose(found.values, solutions, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(np.cov(found.values.T), covariance, rtol=0.15)
    assert stats.kstest(found.minus_2_ln_l, stats.chi2(len(X) - 2).cdf).pvalue > 1e-3


def test_a_profile_is_a_parabola() -> None:
    solution, covariance, _ = least_squares()
    profile = Profile(line(), "b")
    values = solution[1] + np.linspace(-3.0, 3.0, 13)
    expected = (values - solution[1]) ** 2 / covariance[1, 1]
    np.testing.assert_allclose(profile.deltas(values), expected, rtol=1e-9, atol=1e-12)
    (piece,) = minos_interval(profile.best, "b").pieces
    assert piece == pytest.approx(solution[1] + np.array([-1.0, 1.0]) * np.sqrt(covariance[1, 1]), rel=1e-4)


def test_goodness_of_fit_counts_every_measured_number() -> None:
    free, constrained = line(), line(GaussianConstraint(1.2, 0.1))
    good = goodness_of_fit(fit(free))
    assert good.degrees_of_freedom == 4
    assert good.p_value == pytest.approx(stats.chi2.sf(least_squares()[2], 4), rel=1e-9)
    assert goodness_of_fit(fit(constrained)).degrees_of_freedom == 5
    assert goodness_of_fit(fit(free, fixed={"a": 1.0})).degrees_of_freedom == 5
    small = Likelihood.build(free.parameters, free.components, 1e-3 * Y, errors=1e-3 * ERROR)
    assert goodness_of_fit(fit(small)).p_value == pytest.approx(good.p_value)  # no count, so none is too small


def test_goodness_of_fit_says_why_it_gives_no_p_value() -> None:
    saturated = goodness_of_fit(fit(measured_once(0.3)))
    assert saturated.degrees_of_freedom == 0
    assert np.isnan(saturated.p_value)
    assert "nothing is left to test" in saturated.card.method
    components = [Component("b", np.array([0.1, 0.2, 5.0]), (Power("b"),))]
    few = Likelihood.build([Parameter("b", start=1.0, lower=0.0)], components, np.array([0.0, 1.0, 4.0]))
    thin = goodness_of_fit(fit(few))
    assert np.isnan(thin.p_value)
    assert "67 % of the bins expect less than 1 event" in thin.card.method


def test_impacts_move_a_measured_bin_by_its_error() -> None:
    """Of two measurements of mu the limit follows their weighted mean; a move below zero is one like any other."""
    sigma = np.array([1.0, 2.0])
    components = [Component("signal", np.ones(2), (Power("mu"),))]
    likelihood = Likelihood.build([Parameter("mu", lower=0.0)], components, np.array([0.5, 0.3]), errors=sigma)
    weight = sigma**-2.0 / np.sum(sigma**-2.0)
    found = {impact.name: impact for impact in impacts_on_limit(Profile(likelihood, "mu"), rule=upper_limit_flat_prior)}
    assert list(found) == ["bin 1", "bin 2"]
    total = np.sum(sigma**-2.0) ** -0.5
    nominal = flat_prior(float(weight @ likelihood.data.counts), float(total))
    for b in range(2):
        for sign, change in ((-1, found[f"bin {b + 1}"].down), (1, found[f"bin {b + 1}"].up)):
            moved = flat_prior(float(weight @ likelihood.data.counts + sign * weight[b] * sigma[b]), float(total))
            assert change == pytest.approx(moved - nominal, rel=1e-5)


def test_doubts_about_few_events_look_at_counts_only() -> None:
    assert warnings_of(measured_once(0.1), "mu", np.array([0.1]), at_bound=False) == ()
    assert warnings_of(measured_once(-1.0), "mu", np.array([0.0]), at_bound=True) == (
        "the estimate of mu is at its bound",
    )
    many = mixed(constant=12.0)
    theta = np.array([1.0, 1.0, 0.0, 0.0])
    assert all("bins" not in doubt and "events" not in doubt for doubt in warnings_of(many, "r", theta, at_bound=False))
    components = [Component("b", np.array([0.5, 3.0, -7.0, 1e4]), (Power("b"),))]
    data, error = np.array([1.0, 2.0, -6.0, 1e4]), np.array([0.0, 0.0, 1.0, 100.0])
    likelihood = Likelihood.build([Parameter("b", start=1.0)], components, data, errors=error)
    assert warnings_of(likelihood, "b", np.ones(1), at_bound=False) == ("3.5 events expected in all",)
    assert warnings_of(likelihood, "b", np.full(1, 1.9), at_bound=False) == ("6.65 events expected in all",)
    more = replace(likelihood, components=(Component("b", np.array([0.5, 30.0, -7.0, 1e4]), (Power("b"),)),))
    assert warnings_of(more, "b", np.ones(1), at_bound=False) == ("1 of 2 bins expect less than 1 event",)


def test_a_residual_that_no_component_explains_is_a_constant() -> None:
    components = [Component("b", np.array([1.0, 0.0]), (Power("b"),))]
    parameters = [Parameter("b", start=1.0)]
    likelihood = Likelihood.build(parameters, components, np.array([2.0, 3.0]), errors=np.array([1.0, 2.0]))
    assert fit(likelihood).minus_2_ln_l == pytest.approx(2.25, rel=1e-12)
    with pytest.raises(ZeroPrediction, match="bin 2 of 2"):
        Likelihood.build(parameters, components, np.array([2.0, 3.0]), errors=np.array([1.0, 0.0]))


def test_a_likelihood_with_errors_survives_the_way_to_a_worker() -> None:
    likelihood = mixed()
    other = from_plain(to_plain(likelihood))
    assert other.model_hash == likelihood.model_hash
    np.testing.assert_array_equal(other.errors, likelihood.errors)
    data = [one.toys(AT, 5, np.random.default_rng(1)) for one in (likelihood, other)]
    np.testing.assert_array_equal(data[0].counts, data[1].counts)
    assert other.with_data(data[0]).value(AT) == pytest.approx(likelihood.with_data(data[0]).value(AT), rel=0)


def test_the_hash_sees_errors_and_is_what_it_was_without_them() -> None:
    likelihood = mixed()
    other = Likelihood.build(
        likelihood.parameters, likelihood.components, likelihood.data.counts, errors=1.0001 * likelihood.errors
    )
    assert other.model_hash != likelihood.model_hash
    plain = Likelihood.build(likelihood.parameters, likelihood.components, np.abs(likelihood.data.counts))
    said: tuple[object, ...] = (plain.parameters, [(c.name, c.factors) for c in plain.components], [], [])
    templates = np.array([c.counts for c in plain.components])
    assert plain.model_hash == sha256_of(said, (templates, plain.data.counts, plain.data.auxiliary))


@pytest.mark.parametrize(
    ("errors", "given"),
    [
        ([1.0, -1.0, 1.0, 1.0, 1.0, 1.0], "-1"),
        ([1.0, np.nan, 1.0, 1.0, 1.0, 1.0], "nan"),
        ([np.inf, 1.0, 1.0, 1.0, 1.0, 1.0], "inf"),
        ([1e-200, 1.0, 1.0, 1.0, 1.0, 1.0], "e-200"),
        ([1.0, 1.0], r"\[1. 1.\]"),
        (np.ones((2, 6)), "1"),
        (1.0, "1"),
    ],
    ids=["negative", "nan", "infinite", "square-is-zero", "too-few", "too-many-axes", "one-for-all"],
)
def test_refused_errors(errors: object, given: str) -> None:
    with pytest.raises(
        OutOfRange, match=f"(?s)errors.*{given}.*6 standard deviations from .*, 0 for a bin that holds counts"
    ):
        line(error=np.asarray(errors))


def test_a_factor_per_bin_acts_on_counts_only() -> None:
    strength = np.array([100.0, 0.0, 0.0, 50.0, 0.0, 0.0])
    likelihood = mixed()
    scale = BinScale("gamma", ("b",), "poisson", strength, strength)
    build = Likelihood.build
    good = build(likelihood.parameters, likelihood.components, likelihood.data.counts, scales=[scale], errors=MIXED)
    h = 1e-5 * np.eye(len(AT))
    curves = [(good.gradient(AT + d) - good.gradient(AT - d)) / 2e-5 for d in h]
    np.testing.assert_allclose(good.hessian(AT), curves, rtol=1e-6, atol=1e-4)
    on_measured = replace(scale, strength=np.array([0.0, 0.0, 50.0, 0.0, 0.0, 0.0]))
    with pytest.raises(OutOfRange, match=r"(?s)bin 3.*error into that of the measured number"):
        build(likelihood.parameters, likelihood.components, likelihood.data.counts, scales=[on_measured], errors=MIXED)


@pytest.mark.parametrize(
    ("bin_", "value", "problem"),
    [
        (0, -1.0, "counts are negative"),
        (0, np.nan, "counts are negative or NaN"),
        (2, np.nan, "measured number is not finite"),
        (2, -np.inf, "measured number is not finite"),
        (2, 1e200, "up to 1e"),
    ],
)
def test_refused_data(bin_: int, value: float, problem: str) -> None:
    likelihood = mixed()
    counts = likelihood.data.counts.copy()
    counts[bin_] = value
    with pytest.raises(OutOfRange, match=problem):
        likelihood.with_data(Data(counts, likelihood.data.auxiliary))


@given(x=st.floats(-4, 4), sigma=st.floats(0.1, 10), cl=st.sampled_from([0.6827, 0.9, 0.95]))
def test_unbounded_intervals_and_limits_are_those_of_a_gaussian(x: float, sigma: float, cl: float) -> None:
    x *= sigma
    profile = Profile(measured_once(x, sigma), "mu")
    half = stats.norm.ppf(0.5 + cl / 2) * sigma
    assert profile_interval(profile, cl=cl).pieces[0] == pytest.approx((x - half, x + half), abs=1e-6 * sigma)
    assert upper_limit_qmu(profile, cl=cl).value == pytest.approx(x + stats.norm.ppf(cl) * sigma, abs=1e-6 * sigma)


def flat_prior(x: float, sigma: float, cl: float = 0.9) -> float:
    """Below which the Gaussian around x, cut at zero, has cl; CLs gives the same."""
    return float(stats.truncnorm(-x / sigma, np.inf, x, sigma).ppf(cl))


@pytest.mark.parametrize("x", [-2.0, -0.5, 0.0, 0.7, 3.0])
def test_bounded_limits_are_those_of_a_gaussian(x: float) -> None:
    sigma = 0.7
    profile = Profile(measured_once(x * sigma, sigma, lower=0.0), "mu")
    up = max(x, 0.0) + stats.norm.ppf(0.9)
    if x < 0:  # qmu_tilde below the bound: mu^2 - 2 mu x at the cut of qmu
        up = x + np.sqrt(x**2 + stats.norm.ppf(0.9) ** 2)
    assert upper_limit_qmu_tilde(profile, cl=0.9).value == pytest.approx(up * sigma, rel=1e-6)
    assert upper_limit_flat_prior(profile, cl=0.9).value == pytest.approx(flat_prior(x * sigma, sigma), rel=1e-4)
    assert upper_limit_cls(profile, cl=0.9).value == pytest.approx(flat_prior(x * sigma, sigma), rel=1e-5)
    assert discovery_significance(profile).z == pytest.approx(max(x, 0.0), abs=1e-6)


@cache
def belt(mu: float, cl: float = 0.9) -> tuple[float, float]:
    """Accepted x in Feldman and Cousins' ordering for a mean mu >= 0 and unit error, by their Eqs. (4.2) and (4.3)."""

    def lower(high: float) -> float:
        """Where the likelihood ratio is that of ``high``, which lies above mu."""
        drop = (high - mu) ** 2  # -2 ln R
        low = mu - np.sqrt(drop)
        return float(low if low >= 0 else (mu**2 - drop) / (2 * mu))

    def missing(high: float) -> float:
        return float(stats.norm.cdf(high - mu) - stats.norm.cdf(lower(high) - mu) - cl)

    high = optimize.brentq(missing, mu + 1e-6, mu + 5.0)
    return lower(high), high


def feldman_cousins(x: float) -> tuple[float, float]:
    up = optimize.brentq(lambda mu: belt(mu)[0] - x, 1e-3, x + 5.0 if x > 0 else 5.0)
    down = optimize.brentq(lambda mu: belt(mu)[1] - x, 1e-3, x) if x > stats.norm.ppf(0.9) else 0.0
    return float(down), float(up)


def toy_interval(x: float, points: Array) -> tuple[float, float]:
    profile = Profile(measured_once(x, lower=0.0), "mu")
    interval = feldman_cousins_interval(profile, Toys(16 * 1024, seed=11), points=points)
    (piece,) = interval.pieces
    return piece


def test_feldman_cousins_by_toys_is_the_ordering_of_a_bounded_gaussian() -> None:
    """Far above the bound and near it, with both ends; 0.02 is two errors of the toys."""
    for x in (2.0, 4.5):
        exact = feldman_cousins(x)
        points = np.concatenate([exact[0] + np.array([-0.1, 0.1]), exact[1] + np.array([-0.1, 0.1])])
        assert toy_interval(x, points) == pytest.approx(exact, abs=0.02)


def test_the_textbook_belt_covers() -> None:
    """The construction that stands for the paper in these tests is one."""
    for mu in (0.05, 1.0, 3.0):
        low, high = belt(mu)
        assert integrate.quad(lambda x, mu=mu: stats.norm.pdf(x, mu), low, high)[0] == pytest.approx(0.9, abs=1e-9)


# -- reference --


@pytest.mark.parametrize(
    ("x", "interval"),
    [
        pytest.param(x, interval, id=f"arXiv:physics/9711021, Table X, x0 = {x:g}, 90 %")
        for x, interval in ((-1.0, (0.0, 0.81)), (0.0, (0.0, 1.64)), (1.0, (0.0, 2.64)))
    ],
)
def test_feldman_cousins_of_a_bounded_gaussian(x: float, interval: tuple[float, float]) -> None:
    assert feldman_cousins(x) == pytest.approx(interval, abs=0.006)
    points = np.array([0.05, *(interval[1] + np.array([-0.1, 0.1]))])
    assert toy_interval(x, points) == pytest.approx(interval, abs=0.025)


@pytest.mark.parametrize(
    ("cl", "sigmas"),
    [
        pytest.param(0.9, 1.645, id="PDG review of statistics, Table 40.1, 90 %"),
        pytest.param(0.95, 1.96, id="PDG review of statistics, Table 40.1, 95 %"),
    ],
)
def test_central_interval_of_a_gaussian(cl: float, sigmas: float) -> None:
    (piece,) = profile_interval(Profile(measured_once(0.3, 2.0), "mu"), cl=cl).pieces
    assert piece == pytest.approx((0.3 - 2.0 * sigmas, 0.3 + 2.0 * sigmas), abs=2e-3)
