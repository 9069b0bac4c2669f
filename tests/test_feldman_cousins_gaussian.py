"""Feldman-Cousins intervals of a Gaussian mean that cannot be negative: ordering, coverage, the published table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eventfit.errors import OutOfRange
from eventfit.inference import Profile, feldman_cousins_gaussian, upper_limit_feldman_cousins_gaussian
from eventfit.likelihood import Component, Likelihood, Power
from eventfit.parameters import Parameter
from eventfit.quadrature import Array

LEVEL = 0.90
observations = st.floats(-4.0, 12.0)
levels = st.floats(0.5, 0.995)


def brute_force(mu: float, cl: float, x: Array) -> Array:
    """Which of the observations ``x`` (n,), equally spaced, the mean ``mu`` accepts: highest ratio first, to ``cl``."""
    best = np.maximum(x, 0.0)
    ratio = np.exp(-0.5 * (x - mu) ** 2 + 0.5 * (x - best) ** 2)
    order = np.argsort(-ratio)
    probability = np.cumsum(stats.norm.pdf(x[order] - mu)) * (x[1] - x[0])
    accepted = np.zeros(len(x), dtype=bool)
    accepted[order[: int(np.searchsorted(probability, cl)) + 1]] = True
    return accepted


def measured(x: float, sigma: float) -> Profile:
    """One bin that measures mu with the error ``sigma``."""
    likelihood = Likelihood.build(
        [Parameter("mu", "", 1.0, 0.0)],
        [Component("signal", np.ones(1), (Power("mu"),))],
        np.array([x * sigma]),
        errors=np.array([sigma]),
    )
    return Profile(likelihood, "mu")


# -- invariant --


@pytest.mark.parametrize("cl", [0.6827, LEVEL, 0.99])
@pytest.mark.parametrize("mu", [0.05, 0.4, 1.3, 2.5, 6.0])
def test_intervals_hold_the_means_that_accept_the_observation(mu: float, cl: float) -> None:
    """Against the ordering on a grid of observations, whose acceptance is one stretch."""
    x = np.arange(-9.0, 15.0, 1e-3)
    accepted = np.flatnonzero(brute_force(mu, cl, x))
    low, high = x[accepted[0]], x[accepted[-1]]
    step = 5e-3
    for inside, outside in ((high - step, high + step), (low + step, low - step)):
        if not -6.0 < outside < mu + 6.0:
            continue
        assert feldman_cousins_gaussian(inside, cl)[0] <= mu <= feldman_cousins_gaussian(inside, cl)[1]
        lower, upper = feldman_cousins_gaussian(outside, cl)
        assert not lower <= mu <= upper


@pytest.mark.parametrize("cl", [0.6827, LEVEL, 0.95])
@pytest.mark.parametrize("mu", [0.1, 0.7, 1.5, 3.0])
def test_coverage_is_exact(mu: float, cl: float) -> None:
    x = np.linspace(-5.0, 9.0, 1401)
    ends = np.array([feldman_cousins_gaussian(float(value), cl) for value in x])
    covers = (ends[:, 0] <= mu) & (mu <= ends[:, 1])
    assert np.sum(stats.norm.pdf(x - mu)[covers]) * (x[1] - x[0]) == pytest.approx(cl, abs=4e-3)


@given(x=observations, cl=levels)
def test_the_best_mean_lies_inside_and_both_ends_rise(x: float, cl: float) -> None:
    lower, upper = feldman_cousins_gaussian(x, cl)
    assert 0.0 <= lower <= max(x, 0.0) <= upper
    more = feldman_cousins_gaussian(x + 0.1, cl)
    assert more[0] >= lower - 1e-9
    assert more[1] >= upper - 1e-9


@given(x=observations, cl=levels, other=levels)
def test_a_higher_level_contains_a_lower_one(x: float, cl: float, other: float) -> None:
    inner, outer = (feldman_cousins_gaussian(x, level) for level in sorted((cl, other)))
    assert outer[0] <= inner[0] + 1e-9
    assert outer[1] >= inner[1] - 1e-9


@pytest.mark.parametrize("x", [-20.0, -100.0, -1e4])
def test_far_below_zero_the_interval_is_thin_and_not_empty(x: float) -> None:
    """Only x < z above mean d^2 / 2|x| is accepted with probability cl: d runs to Phi^-1(cl)."""
    lower, upper = feldman_cousins_gaussian(x, LEVEL)
    assert lower == 0.0
    assert upper == pytest.approx(stats.norm.ppf(LEVEL) ** 2 / (2.0 * -x), rel=0.05)


@pytest.mark.parametrize("x", [5.0, 8.0, 30.0])
def test_far_from_the_bound_it_is_the_central_interval(x: float) -> None:
    half = stats.norm.ppf(0.5 * (1.0 + LEVEL))
    assert feldman_cousins_gaussian(x, LEVEL) == pytest.approx((x - half, x + half), abs=1e-6)


@pytest.mark.parametrize("x", [-2.0, -0.5, 0.3, 1.1, 3.0])
def test_a_limit_is_the_end_for_the_estimate_in_units_of_its_error(x: float) -> None:
    """The estimate has no bound, the limit is of the bounded parameter, and both scale with the error."""
    limit = upper_limit_feldman_cousins_gaussian(measured(x, 37.0), cl=LEVEL)
    assert limit.value == pytest.approx(37.0 * feldman_cousins_gaussian(x, LEVEL)[1], rel=1e-6)
    assert limit.card.calibration == "exact"


@pytest.mark.parametrize(("x", "cl"), [(math.nan, 0.9), (0.0, 1.0), (0.0, 0.0), (math.inf, 0.9)])
def test_impossible_observations_and_levels_are_refused(x: float, cl: float) -> None:
    with pytest.raises(OutOfRange):
        feldman_cousins_gaussian(x, cl)


# -- reference --


@pytest.mark.parametrize(
    ("x", "lower", "upper"),
    [
        pytest.param(x, lower, upper, id=f"arXiv:physics/9711021-X-{x}")
        for x, lower, upper in (
            (-3.0, 0.00, 0.26),
            (-2.0, 0.00, 0.40),
            (-1.5, 0.00, 0.56),
            (-1.0, 0.00, 0.81),
            (-0.5, 0.00, 1.18),
            (0.0, 0.00, 1.64),
            (0.5, 0.00, 2.14),
            (1.0, 0.00, 2.64),
            (1.2, 0.00, 2.84),
            (1.3, 0.02, 2.94),
            (1.4, 0.12, 3.04),
            (1.5, 0.22, 3.14),
            (1.6, 0.31, 3.24),
            (1.8, 0.45, 3.44),
            (2.0, 0.58, 3.64),
            (3.0, 1.37, 4.64),
        )
    ],
)
def test_table_of_the_paper(x: float, lower: float, upper: float) -> None:
    """Table X at 90 %, entries from memory of the paper, to the 0.01 that it prints."""
    assert feldman_cousins_gaussian(x, LEVEL) == pytest.approx((lower, upper), abs=0.0075)
