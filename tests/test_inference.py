"""Fits, statistics, intervals, limits, significance and goodness of fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import counting, everything, on_off
from scipy import optimize, stats

from eventfit.errors import FitFailed, OutOfRange, StatisticsError, ZeroPrediction
from eventfit.inference import (
    Profile,
    Status,
    discovery_significance,
    fit,
    goodness_of_fit,
    poisson_likelihood_ratio,
    profile_interval,
    q0,
    qmu_tilde,
    require_good,
    s_over_sqrt_b,
    tmu_tilde,
    upper_limit_delta_2_71,
    upper_limit_qmu_tilde,
)
from eventfit.likelihood import BinScale, Component, GaussianScale, Likelihood, Power
from eventfit.parameters import GaussianConstraint, Parameter

REFERENCE = Path(__file__).parent / "reference"


def cases(name: str) -> list[dict[str, Any]]:
    content: dict[str, list[dict[str, Any]]] = json.loads((REFERENCE / name).read_text(encoding="utf-8"))
    return content["cases"]


def quadratic(bins: int = 10) -> Likelihood:
    """A coupling that enters linearly and squared, with opposite sign: two minima in -2 ln L are possible."""
    rng = np.random.default_rng(0)
    interference, square = rng.uniform(4, 5, bins), rng.uniform(1, 1.2, bins)
    q = Parameter("q", start=0.5, lower=-10.0, upper=10.0)
    components = [
        Component("interference", interference, (Power("q"),)),
        Component("square", square, (Power("q", 2),)),
        Component("background", np.full(bins, 30.0)),
    ]
    truth = Likelihood.build([q], components, np.ones(bins))
    return truth.with_data(truth.asimov(np.array([0.8])))


# -- invariant --


@pytest.mark.parametrize("seed", range(6))
def test_fit_is_no_higher_than_an_independent_minimiser(seed: int) -> None:
    likelihood, theta = everything(seed)
    likelihood = likelihood.with_data(likelihood.asimov(theta))
    moved = likelihood.with_data(type(likelihood.data)(np.round(likelihood.data.counts), likelihood.data.auxiliary))
    result = fit(moved)
    options: Any = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 5000, "maxfun": 100_000}
    lower, upper = moved.bounds

    def value(x: np.ndarray) -> float:
        return float(moved.value(x))

    bounds = optimize.Bounds(lower, upper)
    other = optimize.minimize(value, theta, bounds=bounds, method="L-BFGS-B", options=options)
    assert result.status in (Status.OK, Status.AT_BOUND)
    assert result.minus_2_ln_l <= other.fun + 1e-6
    assert result.edm < 1e-8
    assert len(result.starts) == 4  # the coupling that enters squared adds its mirror point


def test_errors_are_those_of_the_inverse_hessian() -> None:
    likelihood = on_off(80.0, 55.0, 2.0)
    result = fit(likelihood)
    b, b_error = 55.0 / 2.0, np.sqrt(55.0) / 2.0
    assert result["b"] == pytest.approx(b, rel=1e-6)
    assert result["mu"] == pytest.approx(80.0 - b, rel=1e-6)
    np.testing.assert_allclose(result.errors, [np.hypot(np.sqrt(80.0), b_error), b_error], rtol=1e-5)
    assert result.covariance[0, 1] == pytest.approx(-(b_error**2), rel=1e-5)


def test_a_minimum_at_a_bound_says_so_and_quotes_no_error() -> None:
    result = fit(on_off(10.0, 55.0, 2.0))
    assert result.status is Status.AT_BOUND
    assert result.at_bound == ("mu",)
    assert np.isnan(result.errors[0])
    assert result["b"] == pytest.approx(65.0 / 3.0, rel=1e-6)


def test_an_unbounded_estimate_stops_where_a_bin_reaches_zero() -> None:
    signal = Component("signal", np.array([1.0, 4.0]), (Power("mu"),))
    background = Component("background", np.array([5.0, 2.0]))
    result = fit(Likelihood.build([Parameter("mu")], [signal, background], np.array([5.0, 0.0])))
    assert result.status is Status.ZERO_EXPECTATION
    assert result["mu"] == pytest.approx(-0.5, abs=1e-6)


def test_parameters_that_the_data_do_not_fix_are_named_not_guessed() -> None:
    template = np.array([3.0, 2.0])
    parameters = [Parameter("a", start=1.0), Parameter("b", start=1.0)]
    components = [Component("a", template, (Power("a"),)), Component("b", template, (Power("b"),))]
    result = fit(Likelihood.build(parameters, components, np.array([7.0, 5.0])))
    assert result.status is Status.NOT_POSITIVE
    with pytest.raises(FitFailed, match="Hessian is not positive definite"):
        require_good(result, "a degenerate fit")


def test_everything_fixed_and_values_outside_bounds() -> None:
    likelihood = counting(5.0, 3.0)
    assert fit(likelihood, fixed={"mu": 2.0}).minus_2_ln_l == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(OutOfRange, match="fixed outside"):
        fit(likelihood, fixed={"mu": -1.0})


def test_two_starts_find_the_deeper_of_two_minima() -> None:
    likelihood = quadratic()
    wrong = np.array([-5.5])
    only_wrong = fit(likelihood, starts=[wrong])
    both = fit(likelihood, starts=[wrong, np.array([0.5])])
    assert only_wrong["q"] < -4
    assert both["q"] == pytest.approx(0.8, abs=1e-6)
    assert max(both.starts) > both.minus_2_ln_l + 1e-3


def test_a_perfect_fit_is_the_best_one() -> None:
    result = fit(quadratic(), starts=[np.array([-5.5]), np.array([0.8])])
    assert result.minus_2_ln_l == pytest.approx(0.0, abs=1e-9)
    assert result["q"] == pytest.approx(0.8, abs=1e-6)


def mirrored(start: float, bound: float) -> Profile:
    """Expected 100 + 40 q + 10 q^2: q = 1 and q = -5 are the same in every bin."""
    one = np.ones(5)
    components = [
        Component("interference", 40.0 * one, (Power("q"),)),
        Component("square", 10.0 * one, (Power("q", 2),)),
        Component("background", 100.0 * one),
    ]
    return Profile(Likelihood.build([Parameter("q", "", start, -bound, bound)], components, 150.0 * one), "q")


@pytest.mark.parametrize("bound", [10.0, 50.0, np.inf])
@pytest.mark.parametrize("start", [0.5, -5.0, -8.0])
def test_both_pieces_whatever_start_and_bounds(start: float, bound: float) -> None:
    profile = mirrored(start, bound)
    pieces = profile_interval(profile).pieces
    assert len(pieces) == 2
    assert pieces[0][0] < -5.0 < pieces[0][1] < pieces[1][0] < 1.0 < pieces[1][1]
    assert upper_limit_delta_2_71(profile).value == pytest.approx(pieces[1][1], rel=1e-6)
    assert fit(profile.likelihood).minus_2_ln_l == pytest.approx(0.0, abs=1e-8)


def test_a_deficit_is_evidence_for_a_coupling_of_either_sign() -> None:
    template = Component("interference", np.full(4, 10.0), (Power("q"),))
    background = Component("background", np.full(4, 100.0))
    signed = Likelihood.build([Parameter("q", lower=-5.0, upper=5.0)], [template, background], np.full(4, 80.0))
    profile = Profile(signed, "q")
    result = discovery_significance(profile)
    exact = 4 * 2 * (100.0 - 80.0 + 80.0 * np.log(0.8))
    assert result.q0 == pytest.approx(exact, rel=1e-9)
    assert (result.card.statistic, result.card.sided) == ("t0", "two")
    assert result.p_value == pytest.approx(2 * stats.norm.sf(np.sqrt(exact)), rel=1e-9)
    with pytest.raises(OutOfRange, match="t0"):
        q0(profile.tested(0.0))


def test_events_without_background_exclude_zero_and_have_no_significance() -> None:
    signal = Component("s", np.array([1.0]), (Power("mu"),))
    profile = Profile(Likelihood.build([Parameter("mu", start=1.0, lower=0.0)], [signal], np.array([4.0])), "mu")
    assert profile.delta(0.0) == np.inf
    ((low, high),) = profile_interval(profile).pieces
    assert 0.0 < low < 4.0 < high
    with pytest.raises(ZeroPrediction, match=r"mu held[\s\S]*4 observed, 0 expected"):
        discovery_significance(profile)


def test_negative_templates_are_interference_and_any_level_works() -> None:
    components = [Component("i", np.array([-3.0, 2.0]), (Power("q"),)), Component("b", np.array([50.0, 50.0]))]
    profile = Profile(Likelihood.build([Parameter("q")], components, np.array([47.0, 52.0])), "q")
    assert profile.estimate == pytest.approx(1.0, abs=0.05)
    for cl in (1e-12, 0.5, 1 - 1e-9):
        ((low, high),) = profile_interval(profile, cl=cl).pieces
        assert low <= profile.estimate <= high


def test_a_profile_point_below_the_best_fit_means_refit() -> None:
    profile = Profile(quadratic(), "q", starts=[np.array([-5.5])])
    assert profile.estimate < -4
    scan = profile.scan(np.linspace(-7.0, 2.0, 19))
    assert profile.estimate == pytest.approx(0.8, abs=1e-6)
    assert np.all(scan.delta >= 0)
    assert scan.best["q"] == pytest.approx(0.8, abs=1e-6)


def test_a_disconnected_interval_comes_out_in_pieces() -> None:
    interval = profile_interval(Profile(quadratic(), "q"), cl=0.90)
    assert len(interval.pieces) == 2
    likelihood = quadratic()
    for piece in interval.pieces:
        for end in piece:
            assert likelihood.value(np.array([end])) == pytest.approx(2.705543454, rel=1e-5)
    assert interval.pieces[0][1] < interval.pieces[1][0]
    assert interval.pieces[1][0] < 0.8 < interval.pieces[1][1]


def test_gaussian_limit_of_interval_limit_and_significance() -> None:
    n, b = 1_010_000.0, 1_000_000.0
    profile = Profile(counting(n, b), "mu")
    sigma = np.sqrt(n)
    ((low, high),) = profile_interval(profile, cl=0.6826894921370859).pieces
    assert low == pytest.approx(n - b - sigma, rel=2e-3)
    assert high == pytest.approx(n - b + sigma, rel=2e-3)
    assert upper_limit_qmu_tilde(profile, cl=0.90).value == pytest.approx(n - b + 1.2815516 * sigma, rel=2e-3)
    assert upper_limit_delta_2_71(profile, cl=0.90).value == pytest.approx(n - b + 1.6448536 * sigma, rel=2e-3)
    assert discovery_significance(profile).z == pytest.approx((n - b) / np.sqrt(b), rel=5e-3)


def test_cards_state_sides_cuts_and_calibration() -> None:
    profile = Profile(on_off(20.0, 30.0, 3.0), "mu")
    interval, one, older = profile_interval(profile), upper_limit_qmu_tilde(profile), upper_limit_delta_2_71(profile)
    assert (interval.card.sided, round(interval.card.cut or 0, 3)) == ("two", 2.706)
    assert (one.card.sided, round(one.card.cut or 0, 3)) == ("one", 1.642)
    assert (older.card.sided, round(older.card.cut or 0, 3)) == ("one", 2.706)
    assert older.card.method != one.card.method
    for card in (interval.card, one.card, older.card):
        assert card.cl == 0.90
        assert card.fitted_in == "mu"
        assert card.boundary == "mu in [0, inf]"
        assert card.calibration == "asymptotic"
        assert card.constraints == ("b",)
        assert len(card.model_sha256) == 64


def test_statistics_on_either_side_of_the_estimate() -> None:
    tested = Profile(counting(15.0, 10.0), "mu").tested
    assert qmu_tilde(tested(3.0)) == 0.0
    assert qmu_tilde(tested(9.0)) == tmu_tilde(tested(9.0)) > 0
    assert tmu_tilde(tested(3.0)) > 0
    assert q0(tested(0.0)) == tmu_tilde(tested(0.0))
    assert q0(Profile(counting(8.0, 10.0), "mu").tested(0.0)) == 0.0


def test_statistics_for_bounded_parameters_refuse_unbounded_ones() -> None:
    likelihood = quadratic()
    with pytest.raises(OutOfRange, match="cannot be negative"):
        upper_limit_qmu_tilde(Profile(likelihood, "q"))


def test_a_parameter_without_effect_and_one_without_end_are_named() -> None:
    parameters = [Parameter("mu", start=1.0, lower=0.0), Parameter("idle", start=1.0, lower=0.0)]
    components = [Component("s", np.array([2.0]), (Power("mu"),))]
    with pytest.raises(FitFailed):
        Profile(Likelihood.build(parameters, components, np.array([4.0])), "idle")
    one = Likelihood.build([Parameter("mu", start=1.0, lower=0.0, upper=3.0)], components, np.array([5.0]))
    assert upper_limit_qmu_tilde(Profile(one, "mu")).status is Status.OPEN_RANGE
    assert profile_interval(Profile(one, "mu")).status is Status.OPEN_RANGE
    empty = [Component("b", np.array([4.0])), Component("s", np.array([0.0]), (Power("mu"),))]
    with pytest.raises(StatisticsError):
        Profile(Likelihood.build([parameters[0]], empty, np.array([4.0])), "mu").crossing(2.7, +1)


@pytest.mark.parametrize(("tau", "n_off"), [(1e-6, 5.0), (1e6, 5.0), (1.0, 1e9), (1e-6, 0.0)])
def test_extreme_constraints_end_with_a_status(tau: float, n_off: float) -> None:
    result = fit(on_off(5.0, n_off, tau))
    assert isinstance(result.status, Status)


def test_goodness_of_fit_counts_no_factor_per_bin() -> None:
    """Each brings a measurement and a parameter."""
    plain = counting(9.0, 5.0)
    scale = BinScale("b", ("background",), "poisson", np.array([30.0]), np.array([30.0]))
    scaled = Likelihood.build(plain.parameters, plain.components, plain.data.counts, scales=[scale])
    held = [goodness_of_fit(fit(one, fixed={"mu": 0.0})) for one in (plain, scaled)]
    assert [found.degrees_of_freedom for found in held] == [1, 1]
    assert held[1].minus_2_ln_l < held[0].minus_2_ln_l


def test_goodness_of_fit_counts_auxiliary_measurements() -> None:
    likelihood, theta = everything()
    free, held = fit(likelihood), fit(likelihood, fixed={"mu2": 0.3})
    assert goodness_of_fit(free).degrees_of_freedom == 12 + 4 - 6
    assert goodness_of_fit(held).degrees_of_freedom == 12 + 4 - 5
    perfect = fit(likelihood.with_data(likelihood.asimov(theta)))
    assert goodness_of_fit(perfect).p_value == pytest.approx(1.0)


# -- reference --


@pytest.mark.parametrize(
    "case", cases("on_off.json"), ids=lambda c: f"Cousins-Linnemann-Tucker-2008-on{c['n_on']}-tau{c['tau']}"
)
def test_on_off_profile_likelihood_significance(case: dict[str, Any]) -> None:
    z = discovery_significance(Profile(on_off(case["n_on"], case["n_off"], case["tau"]), "mu")).z
    assert z == pytest.approx(case["Z_PL_LiMa"], rel=1e-6)
    if case["published_Z_PL"] is not None:
        assert z == pytest.approx(case["published_Z_PL"], abs=0.006)


@pytest.mark.parametrize("case", cases("poisson_discovery_exact.json"), ids=lambda c: f"exact-n{c['n']}-b{c['b']}")
def test_one_bin_discovery(case: dict[str, Any]) -> None:
    expected = float(case["Z_q0"])
    assert discovery_significance(Profile(counting(case["n"], case["b"]), "mu")).z == pytest.approx(expected, abs=1e-6)
    assert poisson_likelihood_ratio(case["n"], case["b"]).z == pytest.approx(expected, abs=1e-9)
    tail = float(poisson_likelihood_ratio(case["n"], case["b"]).card.note.rsplit("= ", 1)[1])
    assert tail == pytest.approx(float(case["p_exact"]), rel=6e-3)


@pytest.mark.parametrize(
    "case", cases("minos_poisson_exact.json"), ids=lambda c: f"iminuit-test_minos_cl-k{c['k']}-cl{c['cl']:.4f}"
)
def test_poisson_mean_interval(case: dict[str, Any]) -> None:
    likelihood = Likelihood.build(
        [Parameter("mu", start=1.0, lower=0.0)],
        [Component("s", np.array([1.0]), (Power("mu"),))],
        np.array([case["k"]]),
    )
    ((low, high),) = profile_interval(Profile(likelihood, "mu"), cl=case["cl"]).pieces
    tolerance = 1e-3 * max(case["err_hi"], -case["err_lo"])
    assert low == pytest.approx(case["lower"], abs=tolerance)
    assert high == pytest.approx(case["upper"], abs=tolerance)


def test_naive_numbers_of_xenon1t() -> None:
    """arXiv:2006.09721: 285 events on 232, quoted as 3.5 sigma by s / sqrt(b)."""
    assert s_over_sqrt_b(285.0, 232.0).z == pytest.approx(3.5, abs=0.05)
    assert poisson_likelihood_ratio(285.0, 232.0).z == pytest.approx(3.358, abs=0.001)
    with pytest.raises(OutOfRange):
        s_over_sqrt_b(285.0, 0.0)


@pytest.mark.parametrize("start", [0.0, 0.5, 1.0, -2.0])
def test_a_pure_square_gives_both_pieces_whatever_the_start(start: float) -> None:
    parameters = [
        Parameter("q", "", start, -20.0, 20.0),
        Parameter("scale", constraint=GaussianConstraint(0.0, 1.0)),
    ]
    components = [
        Component("square", np.array([1.2, 0.6, 0.3, 0.15, 0.1, 0.05]), (Power("q", 2),)),
        Component("b", np.full(6, 50.0), (GaussianScale("scale", 0.05),)),
    ]
    observed = np.array([80.0, 60.0, 55.0, 50.0, 50.0, 50.0])
    interval = profile_interval(Profile(Likelihood.build(parameters, components, observed), "q"))
    assert len(interval.pieces) == 2
    (low, high), (again, last) = interval.pieces
    assert (-high, -low) == pytest.approx((again, last), rel=1e-6)


def test_a_null_hypothesis_that_expects_less_than_nothing_is_refused() -> None:
    components = [Component("s", np.array([5.0, 5.0]), (Power("mu"),)), Component("b", np.array([50.0, -1.0]))]
    likelihood = Likelihood.build([Parameter("mu", start=1.0, lower=0.0)], components, np.array([50.0, 0.0]))
    with pytest.raises(ZeroPrediction, match="less than nothing"):
        discovery_significance(Profile(likelihood, "mu"))
