"""Toys: the ensemble, reproducibility, and their tails against enumeration and asymptotics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from models import counting, on_off
from scipy import stats

from eventfit.errors import OutOfRange
from eventfit.inference import (
    Hypothesis,
    Profile,
    Toys,
    ToySample,
    discovery_significance,
    discovery_significance_toys,
    q0,
)
from eventfit.inference.toys.throw import BLOCK, throw_block
from eventfit.likelihood import Component, GaussianScale, Likelihood, Power
from eventfit.parameters import GaussianConstraint, Parameter

TAU, B = 0.25, 50.0


def null_toys(profile: Profile, n: int, seed: int) -> ToySample:
    """Toys without signal, tested without signal."""
    theta = profile.at(0.0).values
    return Toys(n, seed).samples(profile.likelihood, profile.parameter, [Hypothesis(theta, 0.0)])[0]


def q0_values(profile: Profile, n: int, seed: int) -> np.ndarray:
    return q0(null_toys(profile, n, seed).tested)


def enumerated_tail(cuts: np.ndarray) -> np.ndarray:
    """P(q0 >= cut) over all (n_on, n_off) for b known to the thrower only, from the closed form of Li and Ma."""
    n_on, n_off = np.meshgrid(np.arange(140.0), np.arange(60.0), indexing="ij")
    b_null = (n_on + n_off) / (1.0 + TAU)

    def part(n: np.ndarray, lam: np.ndarray) -> np.ndarray:
        log = np.log(np.where(n > 0, n, 1.0) / np.maximum(lam, 1e-300))
        return np.asarray(2.0 * (lam - n + np.where(n > 0, n * log, 0.0)))

    excess = n_on > n_off / TAU
    q0 = np.where(excess, part(n_on, b_null) + part(n_off, TAU * b_null), 0.0)
    weight = np.asarray(stats.poisson.pmf(n_on, B)) * np.asarray(stats.poisson.pmf(n_off, TAU * B))
    assert weight.sum() == pytest.approx(1.0, abs=1e-12)
    return np.array([weight[q0 >= cut].sum() for cut in cuts])


def tail_agrees(n: int, seed: int) -> None:
    """The toy tail of an on/off pair (tau 0.25, b 50) within 4 standard errors of enumeration at several cuts."""
    profile = Profile(on_off(B, TAU * B, TAU), "mu")
    assert profile.at(0.0)["b"] == pytest.approx(B, rel=1e-9)
    sample = null_toys(profile, n, seed)
    assert not sample.failed.any()
    values = q0(sample.tested)
    cuts = np.array([0.1, 1.0, 2.0, 4.0])
    exact = enumerated_tail(cuts)
    found = np.array([(values >= cut).mean() for cut in cuts])
    assert np.all(np.abs(found - exact) < 4.0 * np.sqrt(exact * (1.0 - exact) / n))


def shape(observed: np.ndarray) -> Likelihood:
    """A peak on a constrained flat background with plenty of events: asymptotics hold."""
    parameters = [Parameter("mu", start=1.0, lower=0.0), Parameter("scale", constraint=GaussianConstraint(0.0, 1.0))]
    peak = 60.0 * np.array([0.05, 0.2, 0.5, 0.2, 0.05])
    flat = np.full(5, 400.0)
    components = [Component("s", peak, (Power("mu"),)), Component("b", flat, (GaussianScale("scale", 0.05),))]
    return Likelihood.build(parameters, components, observed)


# -- invariant --


def test_on_off_tail_against_enumeration() -> None:
    tail_agrees(2 * BLOCK, seed=11)


@pytest.mark.slow
def test_on_off_tail_against_enumeration_with_many_toys() -> None:
    tail_agrees(10 * BLOCK, seed=12)


@pytest.mark.parametrize("excess", [np.array([3, 8, 22, 8, 3.0]), np.array([6, 16, 44, 16, 6.0])], ids=["1", "2"])
def test_toys_agree_with_asymptotics_where_those_hold(excess: np.ndarray) -> None:
    profile = Profile(shape(np.full(5, 400.0) + np.round(excess)), "mu")
    asymptotic = discovery_significance(profile)
    assert 0.7 < asymptotic.z < 2.3
    toys = discovery_significance_toys(profile, Toys(2 * BLOCK, 5))
    error = math.sqrt(asymptotic.p_value * (1.0 - asymptotic.p_value) / (2 * BLOCK))
    assert abs(toys.p_value - asymptotic.p_value) < 4.0 * error
    assert toys.error is not None
    assert abs(toys.z - asymptotic.z) < 4.0 * toys.error


def test_one_seed_gives_one_answer_and_another_seed_another() -> None:
    profile = Profile(on_off(60.0, 12.0, TAU), "mu")
    first, again, other = (q0_values(profile, 60, seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_block_does_not_depend_on_how_many_toys_are_wanted() -> None:
    profile = Profile(on_off(60.0, 12.0, TAU), "mu")
    np.testing.assert_array_equal(q0_values(profile, 30, 7), q0_values(profile, 50, 7)[:30])
    theta = profile.at(0.0).values
    blocks = [
        throw_block(profile.likelihood, theta, seed=7, hypothesis=h, block=b) for h, b in ((0, 0), (0, 1), (1, 0))
    ]
    means = {float(block.counts.mean()) for block in blocks}
    assert all(block.counts.shape == (BLOCK, 1) for block in blocks)
    assert len(means) == 3


def test_toys_are_thrown_at_the_nuisances_profiled_without_signal() -> None:
    profile = Profile(on_off(80.0, 10.0, TAU), "mu")
    b = profile.at(0.0)["b"]
    assert b == pytest.approx(90.0 / 1.25)
    block = throw_block(profile.likelihood, profile.at(0.0).values, seed=1, hypothesis=0, block=0)
    assert block.counts.mean() == pytest.approx(b, abs=5 * math.sqrt(b / BLOCK))
    assert block.auxiliary.mean() == pytest.approx(TAU * b, abs=5 * math.sqrt(TAU * b / BLOCK))


def test_card_names_ensemble_seed_and_number_and_progress_adds_up() -> None:
    ticks: list[int] = []
    result = discovery_significance_toys(Profile(counting(6.0, 3.0), "mu"), Toys(40, 2, progress=ticks.append))
    card = result.card
    assert (card.calibration, card.toys, card.seed) == ("toys", 40, 2)
    assert card.ensemble is not None
    assert "every auxiliary measurement" in card.ensemble
    assert "no fit failed" in card.note
    assert sum(ticks) == BLOCK


def test_impossible_requests_are_refused() -> None:
    for n, seed in ((0, 1), (10, -1)):
        with pytest.raises(OutOfRange):
            Toys(n, seed)
