"""Methods against closed forms, exact answers and each other: p-values, CLs, bands, flat prior, MINOS, significance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from models import benchmark_like, bilinear, counting, interfering, on_off, per_bin
from scipy import optimize, stats
from scipy.special import gammaln

from eventfit.errors import FitFailed
from eventfit.inference import (
    Hypothesis,
    Profile,
    Status,
    Toys,
    asimov_significance,
    contour,
    discovery_significance,
    discovery_significance_toys,
    fit,
    hypotest,
    minos_interval,
    poisson_likelihood_ratio,
    profile_interval,
    upper_limit_cls,
    upper_limit_flat_prior,
    upper_limit_qmu,
    upper_limit_qmu_tilde,
)
from eventfit.inference.asymptotic import p_value, p_value_background
from eventfit.inference.statistic import StatisticName
from eventfit.inference.toys.tails import statistic_of
from eventfit.likelihood import Component, GaussianScale, Likelihood, Power
from eventfit.parameters import GaussianConstraint, Parameter

Array = np.ndarray
REFERENCE = Path(__file__).parent / "reference"
NAMES: tuple[StatisticName, ...] = ("q0", "t0", "tmu", "tmu_tilde", "qmu", "qmu_tilde")
SIGMA = 1e4


def cases(name: str) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], json.loads((REFERENCE / name).read_text(encoding="utf-8"))["cases"])


def gaussian(sigmas: float, *, bounded: bool = True) -> Profile:
    """So many counts that the estimate is gaussian: ``sigmas`` standard deviations (of 1e4) above no signal."""
    likelihood = counting(SIGMA**2 + sigmas * SIGMA, SIGMA**2)
    return Profile(likelihood if bounded else likelihood.bounded("mu", -1e6, 1e7), "mu")


def of_gaussian(name: StatisticName, mu: float, estimate: Array) -> Array:
    """The statistic for an estimate with standard deviation 1, from the parabola."""
    at = np.maximum(estimate, 0.0) if name.endswith("tilde") or name == "q0" else estimate
    delta = (mu - estimate) ** 2 - (at - estimate) ** 2
    if name == "q0":
        return np.where(estimate > 0, delta, 0.0)
    return np.where(estimate > mu, 0.0, delta) if name.startswith("q") else delta


def shape(exposure: float) -> Likelihood:
    """A peak on a constrained flat background, five bins."""
    parameters = [Parameter("mu", start=0.0, lower=0.0), Parameter("scale", constraint=GaussianConstraint(0.0, 1.0))]
    peak, flat = np.array([0.05, 0.2, 0.5, 0.2, 0.05]), np.full(5, exposure)
    components = [
        Component("s", np.sqrt(exposure) * peak, (Power("mu"),)),
        Component("b", flat, (GaussianScale("scale", 0.01),)),
    ]
    return Likelihood.build(parameters, components, flat)


# -- invariant --


@pytest.mark.parametrize("mu", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("name", NAMES)
def test_asymptotic_p_values_are_integrals_over_the_estimate(name: StatisticName, mu: float) -> None:
    """Eqs. (36), (44), (53), (57), (59), (65), (67) of arXiv:1007.1727, from the distribution of the estimate alone."""
    tested = 0.0 if name in ("q0", "t0") else mu
    estimate = np.linspace(-12.0, 15.0, 2_700_001)
    statistic = of_gaussian(name, tested, estimate)
    for true, found in ((tested, p_value), (0.0, p_value_background)):
        if found is p_value_background and name not in ("qmu", "qmu_tilde"):
            continue
        density = stats.norm.pdf(estimate - true) * 1e-5
        for value in (0.01, 0.5 * tested**2 + 0.001, tested**2 + 0.3, tested**2 + 4.0):
            expected = density[statistic >= value].sum()
            assert found(name, value, tested**2) == pytest.approx(expected, abs=1e-5)


def test_nothing_observed_is_no_evidence() -> None:
    two_sided: tuple[StatisticName, ...] = ("tmu", "t0", "tmu_tilde")
    for name in two_sided:
        assert p_value(name, 0.0, 1.0) == 1.0
    assert p_value("tmu_tilde", 0.0, 0.0) == 1.0  # mu = 0 tested: no boundary beyond
    assert p_value("tmu_tilde", 2.0, 0.0) == pytest.approx(stats.norm.sf(np.sqrt(2.0)))
    for name in set(NAMES) - set(two_sided):
        assert p_value(name, 0.0, 1.0) == 0.5  # half of the data have it


@pytest.mark.parametrize("tested", [0.3, 3.0], ids=["near", "far"])
@pytest.mark.parametrize("name", NAMES)
def test_toys_follow_the_asymptotic_distributions(name: StatisticName, tested: float) -> None:
    """A peak on 2.5e5 counts per bin: the boundary is at 0.3 or 3 standard deviations below the tested value."""
    n = 4 * 1024
    likelihood = shape(2.5e5)
    if name in ("tmu", "t0", "qmu"):
        likelihood = likelihood.bounded("mu", -100.0, 100.0)
    sigma = float(fit(likelihood.bounded("mu", -100.0, 100.0)).errors[0])
    at = 0.0 if name in ("q0", "t0") else tested * sigma
    asimov = (at / sigma) ** 2
    (sample,) = Toys(n, 17).samples(likelihood, "mu", [Hypothesis(np.array([at, 0.0]), at)])
    assert not sample.failed.any()
    values = statistic_of(sample, name)
    for value in (0.05, 0.6 * asimov + 0.01, 1.4 * asimov + 0.05, 1.0, 2.7):
        p = float(p_value(name, value, asimov))
        assert abs((values >= value).mean() - p) < 4.0 * np.sqrt(p * (1.0 - p) / n) + 0.002


@pytest.mark.parametrize("cl", [0.90, 0.95])
@pytest.mark.parametrize("sigmas", [-1.5, 0.0, 0.7, 3.0])
def test_gaussian_limits_and_bands(sigmas: float, cl: float) -> None:
    z, near = stats.norm.ppf(cl), 1e-3
    profile = gaussian(sigmas)
    cls = upper_limit_cls(profile, cl=cl)
    assert cls.value == pytest.approx(SIGMA * (sigmas + stats.norm.isf((1 - cl) * stats.norm.cdf(sigmas))), rel=near)
    assert upper_limit_cls(gaussian(sigmas, bounded=False), cl=cl, statistic="qmu").value == pytest.approx(
        cls.value, rel=near
    )
    for n, limit in cls.expected:
        assert limit == pytest.approx(SIGMA * (stats.norm.isf((1 - cl) * stats.norm.cdf(n)) + n), rel=near)
    one_sided = upper_limit_qmu_tilde(profile, cl=cl, expected=True)
    hidden = min(sigmas, 0.0)
    assert one_sided.value == pytest.approx(SIGMA * (sigmas + np.hypot(hidden, z)), rel=near)
    for n, limit in one_sided.expected:
        assert limit == pytest.approx(SIGMA * (n + np.hypot(min(n, 0.0), z)), rel=near)
    either = upper_limit_qmu(gaussian(sigmas, bounded=False), cl=cl, expected=True)
    assert either.value == pytest.approx(SIGMA * (sigmas + z), abs=1e-3 * SIGMA)
    for n, limit in either.expected:
        assert limit == pytest.approx(SIGMA * (n + z), abs=1e-3 * SIGMA)


@pytest.mark.parametrize("n", [-2.0, -1.0, 0.0, 1.0, 2.0])
def test_a_band_is_the_limit_of_data_that_fluctuate_so_far(n: float) -> None:
    """Poisson counts, a known background of 400: an observed limit and an expected one share the asymptotics."""
    b = 400.0
    fluctuated = Profile(counting(b + n * np.sqrt(b), b), "mu")
    nominal = Profile(counting(b, b), "mu")
    for rule in (upper_limit_cls, upper_limit_qmu_tilde):
        expected = dict(rule(nominal, expected=True).expected)[n]
        assert rule(fluctuated).value == pytest.approx(expected, rel=0.06)
        assert (rule(fluctuated).value == pytest.approx(expected, rel=1e-7)) is (n == 0.0)


@pytest.mark.parametrize("sigmas", [-1.0, 0.0, 1.5])
def test_hypotest_of_a_gaussian(sigmas: float) -> None:
    profile = gaussian(sigmas)
    for mu in (0.5, 2.0, 4.0):
        found = hypotest(profile, mu * SIGMA)
        value = float(of_gaussian("qmu_tilde", mu, np.array(sigmas)))
        with_signal, without = (stats.norm.sf(mu - sigmas), stats.norm.sf(-sigmas))
        if sigmas > mu:
            with_signal, without = 0.5, stats.norm.cdf(mu)
        assert found.value == pytest.approx(value, rel=2e-3, abs=2e-3)
        assert found.p_value == pytest.approx(with_signal, rel=5e-3)
        assert found.p_value_background == pytest.approx(without, rel=5e-3)
        assert found.cls == pytest.approx(found.p_value / found.p_value_background, rel=1e-12)
        for n, expected in found.expected.items():
            assert expected == pytest.approx(stats.norm.cdf(n - mu) / stats.norm.cdf(n), rel=0.02)


def test_a_squared_coupling_without_curvature_at_zero_has_limits() -> None:
    """N = 3 + q^2 is n ~ Pois(3 + s) with s = q^2 in disguise."""
    one = np.array([1.0])
    components = [Component("s", one, (Power("q", 2),)), Component("b", 3.0 * one)]
    for n in (1.0, 3.0, 6.0):
        squared = Profile(Likelihood.build([Parameter("q", start=1.0, lower=0.0)], components, np.array([n])), "q")
        plain = Profile(counting(n, 3.0), "mu")
        for rule in (upper_limit_cls, upper_limit_qmu_tilde):
            found, same = rule(squared, expected=True), rule(plain, expected=True)
            assert found.value**2 == pytest.approx(same.value, rel=1e-4)
            assert [q**2 for _, q in found.expected] == pytest.approx([s for _, s in same.expected], rel=1e-3)


@pytest.mark.parametrize("cl", [0.5, 0.9, 0.99])
@pytest.mark.parametrize(("n", "b"), [(0, 0.0), (3, 0.0), (0, 3.0), (5, 3.0), (20, 30.0), (100, 50.0)])
def test_flat_prior_limit_with_known_background(n: int, b: float, cl: float) -> None:
    """Helene, Nucl. Instrum. Meth. 212 (1983) 319: 1 - cl = P(N <= n | s + b) / P(N <= n | b)."""
    share = stats.poisson.cdf(n, b)
    exact = optimize.brentq(lambda s: stats.poisson.cdf(n, s + b) / share - (1.0 - cl), 0.0, 500.0, xtol=1e-12)
    found = upper_limit_flat_prior(Profile(counting(float(n), b), "mu"), cl=cl).value
    assert found == pytest.approx(exact, rel=1e-6)
    if (n, b, cl) == (0, 0.0, 0.9):
        assert found == pytest.approx(np.log(10.0), rel=1e-6)


def marginalised(n_on: int, n_off: int, tau: float, cl: float) -> float:
    """The integral over b in closed form: a mixture of gamma distributions in the signal."""
    k = np.arange(n_on + 1)
    log = gammaln(n_off + n_on - k + 1.0) - gammaln(n_on - k + 1.0) - (n_off + n_on - k) * np.log1p(tau)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    return float(optimize.brentq(lambda s: weight @ stats.gamma.cdf(s, k + 1.0) - cl, 0.0, 500.0))


ON_OFF = [(20, 30, 3.0), (5, 2, 1.0), (10, 20, 0.5), (0, 5, 2.0), (30, 3, 0.3), (100, 400, 4.0)]


@pytest.mark.parametrize("cl", [0.9, 0.99])
@pytest.mark.parametrize(
    ("n_on", "n_off", "tau"),
    [
        *ON_OFF,
        (3, 0, 2.0),
    ],
)
def test_flat_prior_limit_with_the_background_integrated_out(n_on: int, n_off: int, tau: float, cl: float) -> None:
    found = upper_limit_flat_prior(Profile(on_off(n_on, n_off, tau), "mu"), cl=cl, nuisances="marginalised")
    assert found.error is not None
    assert 0.0 < found.error < 0.01 * found.value
    assert abs(found.value - marginalised(n_on, n_off, tau, cl)) < 4.0 * found.error + 1e-6 * found.value
    profiled = upper_limit_flat_prior(Profile(on_off(n_on, n_off, tau), "mu"), cl=cl)
    assert profiled.error is None
    assert found.value == pytest.approx(profiled.value, rel=0.25)


def test_doubts_appear_where_they_should_and_only_there() -> None:
    few, empty, bound, squared = "events expected in all", "expect less than", "at its bound", "enters squared"
    sure: list[Any] = [
        upper_limit_cls(Profile(benchmark_like(), "mu")),
        profile_interval(Profile(bilinear(), "mu2")),
        hypotest(Profile(counting(120.0, 100.0), "mu"), 20.0),
        discovery_significance(Profile(counting(120.0, 100.0), "mu")),
        contour(benchmark_like(10.0), "mu", "free0", points=5),
    ]
    assert [result.card.doubts for result in sure] == [()] * 5
    for likelihood, name, said in (
        (counting(6.0, 3.0), "mu", few),
        (counting(60.0, 80.0), "mu", bound),
        (per_bin("gaussian").bounded("mu", 0.0, 0.2), "mu", bound),
        (interfering(), "q", squared),
    ):
        profile = Profile(likelihood, name)
        mu = profile.estimate + profile.scale() if said != squared else 2.0
        results: list[Any] = [profile_interval(profile), discovery_significance(profile)]
        if profile.bounds[0] == 0.0:
            results += [upper_limit_qmu_tilde(profile), upper_limit_cls(profile), hypotest(profile, min(mu, 0.2))]
        for result in results:
            if said is bound and result is results[1]:
                continue  # tested at zero: that the estimate is there as well is no problem
            assert any(said in doubt for doubt in result.card.doubts), (said, result)
    thin = Likelihood.build(
        [Parameter("mu", start=1.0, lower=0.0)],
        [Component("s", np.full(40, 0.5), (Power("mu"),)), Component("b", np.full(40, 0.4))],
        np.ones(40),
    )
    thin = thin.with_data(thin.asimov(np.array([0.8])))
    assert any(empty in doubt for doubt in upper_limit_cls(Profile(thin, "mu")).card.doubts)


def test_a_nuisance_at_its_bound_where_a_result_ends_is_a_doubt() -> None:
    """A background like the signal is pushed to zero before the data exclude the signal: no chi-square there."""
    for lower, said in ((0.0, ("at the end of the result b is at a bound",)), (-50.0, ())):
        alike = Likelihood.build(
            [Parameter("mu", start=1.0, lower=0.0), Parameter("b", start=1.0, lower=lower)],
            [
                Component("s", np.array([20.0, 16.0]), (Power("mu"),)),
                Component("b", np.array([20.0, 18.0]), (Power("b"),)),
                Component("rest", np.array([200.0, 200.0])),
            ],
            np.array([240.0, 234.0]),
        )
        profile = Profile(alike, "mu")
        assert profile.best.at_bound == ()
        assert upper_limit_qmu_tilde(profile).card.doubts == said
        assert profile_interval(profile).card.doubts == said


# -- reference --


@pytest.mark.parametrize("case", cases("poisson_discovery_exact.json"), ids=lambda c: f"exact-n{c['n']}-b{c['b']}")
def test_discovery_by_toys_against_exact_tails(case: dict[str, Any]) -> None:
    n = 4 * 1024
    profile = Profile(counting(float(case["n"]), float(case["b"])), "mu")
    exact = float(case["p_exact"])
    found = discovery_significance_toys(profile, Toys(n, 23))
    assert abs(found.p_value - exact) < 4.0 * np.sqrt(exact * (1.0 - exact) / n) + 1.5 / n
    assert found.q0 == pytest.approx(float(case["q0"]), rel=1e-7)
    assert discovery_significance(profile).z == pytest.approx(float(case["Z_q0"]), rel=1e-7)


@pytest.mark.parametrize(
    "case", cases("minos_poisson_exact.json"), ids=lambda c: f"exact-crossings-k{c['k']}-cl{c['cl']:.3g}"
)
def test_minos_and_profile_intervals_against_exact_crossings(case: dict[str, Any]) -> None:
    """MINOS of iminuit cannot start where the estimate stands at its bound (k = 0), and says so."""
    k = float(case["k"])
    likelihood = Likelihood.build(
        [Parameter("lam", start=1.0, lower=0.0)], [Component("s", np.ones(1), (Power("lam"),))], np.array([k])
    )
    profile = profile_interval(Profile(likelihood, "lam"), cl=case["cl"])
    found = [(profile, 1e-5)]
    if k:
        found.append((minos_interval(fit(likelihood), "lam", cl=case["cl"]), 1e-3))
    else:
        with pytest.raises(FitFailed, match="profile_interval"):
            minos_interval(fit(likelihood), "lam", cl=case["cl"])
    for interval, share in found:
        ((low, high),) = interval.pieces
        assert interval.status is (Status.OK if k else Status.AT_BOUND)
        assert low == pytest.approx(case["lower"], abs=share * abs(case["err_lo"]) + 1e-12)
        assert high == pytest.approx(case["upper"], abs=share * case["err_hi"])


@pytest.mark.parametrize(
    "case", cases("asimov_significance.json"), ids=lambda c: f"Cowan-2012-s{c['s']}-b{c['b']}-sigma{c['sigma_b']}"
)
def test_median_significance_keeps_its_digits(case: dict[str, Any]) -> None:
    found = asimov_significance(case["s"], case["b"], case["sigma_b"])
    assert found.z == pytest.approx(float(case["Z_A"]), rel=1e-9)


@pytest.mark.parametrize(
    "case",
    [c for c in cases("asimov_significance.json") if c["s"] > 1e-5],
    ids=lambda c: f"Cowan-2012-s{c['s']}-b{c['b']}-sigma{c['sigma_b']}",
)
def test_asimov_significance(case: dict[str, Any]) -> None:
    """Signals of 1e-6 events and below are left out: Z^2 = 1e-13 is beneath what a fit resolves."""
    s, b, sigma = case["s"], case["b"], case["sigma_b"]
    z = float(case["Z_A"])
    tau = b / sigma**2 if sigma else 0.0
    likelihood = on_off(s + b, tau * b, tau) if sigma else counting(s + b, b)
    assert discovery_significance(Profile(likelihood, "mu")).z == pytest.approx(z, rel=1e-8)
    if not sigma:
        assert poisson_likelihood_ratio(s + b, b).z == pytest.approx(z, rel=1e-8)
