"""Feldman-Cousins, limits and coverage by toys, against enumeration of counts and asymptotics."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from models import benchmark_like, counting
from scipy import optimize, stats

from eventfit.inference import (
    Hypothesis,
    Interval,
    Profile,
    Toys,
    ToySample,
    coverage,
    feldman_cousins_interval,
    feldman_cousins_poisson,
    hypotest_toys,
    profile_interval,
    upper_limit_cls_toys,
    upper_limit_qmu_tilde_toys,
)
from eventfit.inference.coverage import coverage_of
from eventfit.inference.feldman_cousins import critical_values, feldman_cousins_points, interval_of
from eventfit.inference.p_value import p_value_toys
from eventfit.likelihood import Component, GaussianScale, Likelihood, Power
from eventfit.parameters import GaussianConstraint, Parameter

Array = np.ndarray
REFERENCE = Path(__file__).parent / "reference"
#: (n, b) of one bin with known background
BINS = [(0, 3.0), (3, 1.0), (5, 3.0), (8, 3.0), (12, 3.0), (30, 10.0)]


def rows(name: str) -> list[dict[str, str]]:
    lines = (REFERENCE / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def gaussian_model(excess: float) -> Likelihood:
    """A peak of ``excess`` standard deviations on 1e4 counts per bin whose scale is known to 1 %."""
    parameters = [Parameter("mu", start=0.0, lower=0.0), Parameter("scale", constraint=GaussianConstraint(0.0, 1.0))]
    peak, flat = np.array([0.05, 0.2, 0.5, 0.2, 0.05]), np.full(5, 1e4)
    components = [
        Component("s", 100.0 * peak, (Power("mu"),)),
        Component("b", flat, (GaussianScale("scale", 0.01),)),
    ]
    likelihood = Likelihood.build(parameters, components, flat)
    sigma = float(np.sqrt(2.0 * np.linalg.inv(likelihood.fisher(np.zeros(2)))[0, 0]))
    return likelihood.with_data(likelihood.asimov(np.array([excess * sigma, 0.0])))


def qmu_tilde_of(n: Array, mu: float, b: float) -> Array:
    """Of n counts with known background, from the definition."""
    estimate = np.maximum(n - b, 0.0)

    def log(s: Array | float) -> Array:
        return np.where(n > 0, n * np.log(np.maximum(s + b, 1e-300)), 0.0) - (s + b)

    return np.where(estimate <= mu, 2.0 * (log(estimate) - log(mu)), 0.0)


def exact_p(n: int, mu: float, b: float, true: float) -> float:
    """P(qmu_tilde >= that of n counts | true), ties included."""
    counts = np.arange(400.0)
    observed = float(qmu_tilde_of(np.array(float(n)), mu, b))
    return float(stats.poisson.pmf(counts, true + b)[qmu_tilde_of(counts, mu, b) >= observed - 1e-9].sum())


def hull(interval: Interval) -> tuple[tuple[float, float], tuple[float, float]]:
    """First and last end with their errors."""
    assert interval.errors is not None
    return (interval.pieces[0][0], interval.pieces[-1][1]), (interval.errors[0][0], interval.errors[-1][1])


def all_fits_fine(n: int, at: float) -> ToySample:
    """A sample whose statistic is that of a standard normal estimate."""
    x = np.random.default_rng(3).standard_normal(n)
    return ToySample(at, x, x**2, np.zeros(n, dtype=bool), 0, True)


# -- invariant --


@pytest.mark.parametrize(("n", "b"), BINS)
def test_profile_construction_against_enumeration(n: int, b: float) -> None:
    """Within four of the errors it states, which include the distance of the points where counts are discrete."""
    profile = Profile(counting(float(n), b), "mu")
    exact = feldman_cousins_poisson(n, b).pieces
    found, errors = hull(feldman_cousins_interval(profile, Toys(2048, 3)))
    for value, error, true in zip(found, errors, (exact[0][0], exact[-1][1]), strict=True):
        assert abs(value - true) <= 4.0 * error + 1e-6
        assert error < 0.4 * profile.scale()
    asymptotic = profile_interval(profile).pieces[0]
    if n == 0:  # far from Wilks: 1.35, exactly 0.95
        assert abs(found[1] - exact[-1][1]) < 0.2 * abs(asymptotic[1] - exact[-1][1])


def test_counts_that_tie_with_the_critical_value_are_accepted() -> None:
    """Thrown data repeat the observed count; rounding of fits must not decide whether it is accepted."""
    tied = 0
    for n, b in BINS:
        profile = Profile(counting(float(n), b), "mu")
        toys, points = Toys(1024, 3), feldman_cousins_points(profile, cl=0.9)
        samples = toys.samples(profile.likelihood, "mu", [Hypothesis(np.array([mu]), float(mu)) for mu in points])
        values = critical_values(samples, cl=0.9)
        above = np.nextafter(values.critical, np.inf) - 3e-8  # as fits may round it
        pieces = interval_of(profile, replace(values, critical=above), toys, cl=0.9).pieces
        for mu in points[np.abs(profile.deltas(points) - values.critical) < 1e-7]:
            tied += 1
            assert any(low <= mu <= high for low, high in pieces)
    assert tied >= 5


@pytest.mark.parametrize("excess", [4.0, 0.5])
def test_profile_construction_in_the_gaussian_regime(excess: float) -> None:
    """Far from the bound Wilks holds; near it the table of Feldman and Cousins for a bounded gaussian."""
    likelihood = gaussian_model(excess)
    sigma = float(np.sqrt(2.0 * np.linalg.inv(likelihood.fisher(np.zeros(2)))[0, 0]))
    (low, high), errors = hull(feldman_cousins_interval(Profile(likelihood, "mu"), Toys(4096, 5)))
    expected = (excess - 1.645, excess + 1.645) if excess > 2 else (0.0, 2.14)  # Table X for x0 = 0.5, 90 %
    for value, error, true in zip((low, high), errors, expected, strict=True):
        assert abs(value / sigma - true) < 4.0 * error / sigma + 0.02
        assert error < 0.1 * sigma


def test_quoted_errors_are_the_spread_over_seeds() -> None:
    profile = Profile(gaussian_model(4.0), "mu")
    points = profile.estimate + profile.scale() * np.array([-2.05, -1.65, -1.25, 1.25, 1.65, 2.05])
    found = [hull(feldman_cousins_interval(profile, Toys(1024, seed), points=points)) for seed in range(24)]
    ends, errors = (np.array([pair[i] for pair in found]) for i in (0, 1))
    ratio = ends.std(axis=0, ddof=1) / errors.mean(axis=0)
    assert np.all((ratio > 0.6) & (ratio < 1.5))  # 24 seeds know it to 15 %; interpolation averages two points


def test_failed_toys_widen_and_are_counted() -> None:
    profile = Profile(gaussian_model(4.0), "mu")
    points = profile.estimate + profile.scale() * np.array([-2.0, -1.5, 1.5, 2.0])
    hypotheses = [Hypothesis(profile.at(float(mu)).values, float(mu)) for mu in points]
    toys = Toys(1024, 6)
    samples = toys.samples(profile.likelihood, "mu", hypotheses)
    widths = []
    for share in (0, 20, 50):
        broken = [
            ToySample(s.tested_at, s.estimate, s.delta, np.arange(1024) < share, s.fallback, s.bounded) for s in samples
        ]
        values = critical_values(broken, cl=0.9)
        assert values.failed == 4 * share
        interval = interval_of(profile, values, toys, cl=0.9)
        assert (f"{4 * share} failed toys" in interval.card.note) is (share > 0)
        widths.append(interval.pieces[0][1] - interval.pieces[0][0])
    assert widths[0] < widths[1] < widths[2]


def test_more_failures_than_the_level_allows_leave_nothing_excluded() -> None:
    profile = Profile(gaussian_model(4.0), "mu")
    sample = all_fits_fine(1000, profile.estimate)
    failed = np.arange(1000) < 150
    broken = ToySample(profile.estimate, sample.estimate, sample.delta, failed, 0, True)
    values = critical_values([broken], cl=0.9)
    assert values.critical[0] == np.inf
    assert values.error[0] == np.inf
    interval = interval_of(profile, values, Toys(1000, 1), cl=0.9)
    ((low, high),) = interval.pieces
    assert low <= profile.estimate - 2.0 * profile.scale()
    assert high >= profile.estimate + 2.0 * profile.scale()


def test_critical_values_are_order_statistics_with_binomial_errors() -> None:
    values = critical_values([all_fits_fine(20_000, 0.0)], cl=0.9)
    exact = stats.chi2.ppf(0.9, 1)
    density = stats.chi2.pdf(exact, 1)
    assert values.error[0] == pytest.approx(np.sqrt(0.09 / 20_000) / density, rel=0.2)
    assert abs(values.critical[0] - exact) < 4.0 * values.error[0]


@pytest.mark.parametrize(("n", "b"), [(0, 0.5), (3, 1.0), (8, 3.0), (5, 9.0), (30, 10.0)])
def test_limits_by_toys_against_enumeration(n: int, b: float) -> None:
    profile = Profile(counting(float(n), b), "mu")
    one_sided = optimize.brentq(lambda mu: exact_p(n, mu, b, mu) - 0.1, 1e-3, 60.0)
    ratio = optimize.brentq(lambda mu: exact_p(n, mu, b, mu) / exact_p(n, mu, b, 0.0) - 0.1, 1e-3, 60.0)
    limit, cls = upper_limit_qmu_tilde_toys(profile, Toys(4096, 4)), upper_limit_cls_toys(profile, Toys(2048, 4))
    for found, exact in ((limit, one_sided), (cls, ratio)):
        assert found.error is not None
        assert abs(found.value - exact) < 4.0 * found.error
        assert found.error < 0.15 * exact + 0.05


@pytest.mark.parametrize(("n", "b", "mu"), [(3, 1.0, 5.0), (0, 2.0, 2.0), (9, 4.0, 12.0)])
def test_p_values_and_cls_by_toys_against_enumeration(n: int, b: float, mu: float) -> None:
    profile = Profile(counting(float(n), b), "mu")
    size = 4096
    found = hypotest_toys(profile, mu, Toys(size, 8))
    exact = exact_p(n, mu, b, mu), exact_p(n, mu, b, 0.0)
    for p, true in zip((found.p_value, found.p_value_background), exact, strict=True):
        assert abs(p - true) < 4.0 * np.sqrt(true * (1.0 - true) / size) + 1.5 / size
    assert found.error is not None
    assert abs(found.cls - exact[0] / exact[1]) < 4.0 * found.error
    single = p_value_toys(profile, mu, "qmu_tilde", Toys(size, 8))
    assert single.p_value == found.p_value


def test_high_counts_cover_what_they_say() -> None:
    profile = Profile(gaussian_model(4.0), "mu")
    true = profile.estimate
    for of in ("interval", "upper_limit"):
        found = coverage(profile, true, Toys(4096, 9), of=of)
        assert abs(found.coverage - 0.9) < 4.0 * np.sqrt(0.09 / 4096)
        assert found.error == pytest.approx(np.sqrt(0.09 / 4096), rel=0.1)


@pytest.mark.slow
def test_high_counts_cover_what_they_say_to_half_a_percent() -> None:
    likelihood = benchmark_like(30.0)
    found = coverage(Profile(likelihood, "mu"), 1.0, Toys(100_000, 10))
    assert found.failed == 0
    assert found.coverage == pytest.approx(0.90, abs=0.005)


def test_failed_toys_do_not_cover() -> None:
    profile = Profile(gaussian_model(4.0), "mu")
    good = all_fits_fine(2000, 1.0)
    failed = np.zeros(2000, dtype=bool)
    failed[:100] = True
    broken = ToySample(1.0, good.estimate, good.delta, failed, 0, True)
    full, less = (coverage_of(profile, s, Toys(2000, 1), of="interval", cl=0.9) for s in (good, broken))
    assert less.failed == 100
    inside = int((good.delta[:100] <= stats.chi2.ppf(0.9, 1)).sum())
    assert full.coverage - less.coverage == pytest.approx(inside / 2000)
    assert "100 failed" in less.card.note


# -- reference --

COVERAGE = [
    row
    for row in rows("exact_coverage_poisson.csv")
    if float(row["b"]) > 0.0 or float(row["mu_true"]) > 0.0  # nothing to throw
]
FEW = [row for row in COVERAGE if (row["b"], row["mu_true"]) in {("3.0", "3"), ("0.5", "1"), ("10.0", "0.0")}]


@cache
def sample_of(b: float, mu: float, n: int) -> tuple[Profile, ToySample]:
    profile = Profile(counting(mu + b, b), "mu")
    return profile, Toys(n, 31).samples(profile.likelihood, "mu", [Hypothesis(np.array([mu]), mu)])[0]


def compare(row: dict[str, str], n: int) -> None:
    b, mu, cl = float(row["b"]), float(row["mu_true"]), float(row["cl"])
    exact = float(row["coverage_bounded_profile_LR_wilks"])
    profile, sample = sample_of(b, mu, n)
    found = coverage_of(profile, sample, Toys(n, 31), of="interval", cl=cl)
    assert found.failed == 0
    assert abs(found.coverage - exact) <= 4.0 * np.sqrt(exact * (1.0 - exact) / n) + 1e-6


@pytest.mark.parametrize("row", FEW, ids=lambda r: f"enumeration-cl{r['cl']}-b{r['b']}-mu{r['mu_true']}")
def test_coverage_against_enumeration(row: dict[str, str]) -> None:
    compare(row, 10_000)


@pytest.mark.slow
@pytest.mark.parametrize("row", COVERAGE, ids=lambda r: f"enumeration-cl{r['cl']}-b{r['b']}-mu{r['mu_true']}")
def test_coverage_against_enumeration_with_many_toys(row: dict[str, str]) -> None:
    compare(row, 100_000)
