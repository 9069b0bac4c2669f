"""Feldman-Cousins intervals of one Poisson bin: against tables, against the textbook ordering, and their coverage."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eventfit.errors import OutOfRange
from eventfit.inference.feldman_cousins_poisson import (
    LARGEST,
    acceptance,
    feldman_cousins_poisson,
    feldman_cousins_poisson_monotone,
)
from eventfit.inference.results import Interval, Status
from eventfit.quadrature import Array

REFERENCE = Path(__file__).parent / "reference"
#: the tables were made in steps of mu and b, and printed to 0.01
TABLE = 0.01
Construction = Callable[..., Interval]
BOTH = pytest.mark.parametrize("construction", [feldman_cousins_poisson, feldman_cousins_poisson_monotone])
counts = st.integers(0, 40)
backgrounds = st.floats(0.0, 30.0)
levels = st.floats(0.3, 0.999)


def rows(name: str) -> list[dict[str, str]]:
    lines = (REFERENCE / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def ends(interval: Interval) -> tuple[float, float]:
    (piece,) = interval.pieces
    return piece


def textbook(mu: float, b: float, cl: float) -> set[int]:
    """Accepted counts as in Table I of the paper: highest ratio first, until their sum reaches the level."""
    n = np.arange(int(mu + b + 12.0 * math.sqrt(mu + b + 1.0)) + 20)
    p = stats.poisson.pmf(n, mu + b)
    accepted: set[int] = set()
    total = 0.0
    for i in np.argsort(-p / stats.poisson.pmf(n, np.maximum(n, b))):
        if total >= cl:
            break
        accepted.add(int(n[i]))
        total += float(p[i])
    return accepted


def probability(accepted: Array, mean: float) -> float:
    """Total Poisson probability of the accepted counts, a mask over 0, 1, 2 ..., which has to reach the far tail."""
    n = np.arange(accepted.size)
    assert stats.poisson.sf(n[-1], mean) < 1e-12
    return float(stats.poisson.pmf(n, mean)[accepted].sum())


def belt_coverage(mu: float, b: float, cl: float) -> float:
    lowest, highest = acceptance(mu, b, cl=cl)
    return float(stats.poisson.pmf(np.arange(lowest, highest + 1), mu + b).sum())


@cache
def hulls(b: float, cl: float) -> Array:
    """Plain intervals for 0, 1, ... 119 counts, (n, 2)."""
    return np.array([ends(feldman_cousins_poisson(n, b, cl=cl)) for n in range(120)])


# -- invariant --


@BOTH
@given(n=counts, b=backgrounds, cl=levels)
def test_interval_contains_the_estimate(construction: Construction, n: int, b: float, cl: float) -> None:
    interval = construction(n, b, cl=cl)
    lower, upper = ends(interval)
    assert interval.estimate == max(0.0, n - b)
    assert 0.0 <= lower <= interval.estimate <= upper


@BOTH
@given(n=counts, b=backgrounds, cl=levels, other=levels)
def test_higher_level_contains_the_lower(construction: Construction, n: int, b: float, cl: float, other: float) -> None:
    inner = ends(construction(n, b, cl=min(cl, other)))
    outer = ends(construction(n, b, cl=max(cl, other)))
    assert outer[0] <= inner[0] + 1e-9
    assert inner[1] <= outer[1] + 1e-9


@given(n=counts, b=backgrounds, more=st.floats(0.0, 5.0), cl=levels)
def test_monotone_upper_end_is_the_least_non_increasing_one(n: int, b: float, more: float, cl: float) -> None:
    """No larger background gives more, plain or monotone; and the plain end beyond the b' of the card is as high.

    Between its jumps the plain end falls no faster than b grows.
    """
    interval = feldman_cousins_poisson_monotone(n, b, cl=cl)
    lower, upper = ends(interval)
    assert lower == ends(feldman_cousins_poisson(n, b, cl=cl))[0]
    assert ends(feldman_cousins_poisson_monotone(n, b + more, cl=cl))[1] <= upper + 1e-9
    assert ends(feldman_cousins_poisson(n, b + more, cl=cl))[1] <= upper + 1e-9
    assert ends(feldman_cousins_poisson(n, b, cl=cl))[1] <= upper
    beyond = 1.001 * max(b, float(interval.card.note.rpartition("b = ")[2]))  # the card rounds to 4 digits
    assert upper - 0.002 * beyond - 1e-9 <= ends(feldman_cousins_poisson(n, beyond, cl=cl))[1] <= upper + 1e-9


@given(b=backgrounds, mu=st.floats(0.001, 40.0), cl=levels)
def test_acceptance_is_the_textbook_ordering(b: float, mu: float, cl: float) -> None:
    lowest, highest = acceptance(mu, b, cl=cl)
    assert set(range(lowest, highest + 1)) == textbook(mu, b, cl)


@given(n=counts, b=backgrounds, cl=levels)
def test_ends_are_where_the_textbook_starts_and_stops_to_accept(n: int, b: float, cl: float) -> None:
    lower, upper = ends(feldman_cousins_poisson(n, b, cl=cl))
    step = 1e-7
    if upper > 2e-3:  # nearer to zero the ratios of all counts below b tie
        assert n in textbook(upper - step, b, cl)
    assert all(n not in textbook(upper + x, b, cl) for x in (1e-3 if upper == 0.0 else step, 0.01, 0.1, 0.5, 2.0, 8.0))
    if lower > 1e-6:
        assert n in textbook(lower + step, b, cl)
        assert all(n not in textbook(x, b, cl) for x in (lower - step, 0.99 * lower, 0.5 * lower, 0.1 * lower))


@pytest.mark.parametrize("cl", [0.5, 0.6827, 0.9, 0.99])
@pytest.mark.parametrize("b", [0.0, 0.5, 2.1, 3.0, 9.5, 15.0])
def test_coverage_is_never_below_the_level(b: float, cl: float) -> None:
    lower, upper = hulls(b, cl).T
    for mu in np.linspace(0.0, 25.0, 301):
        belt = belt_coverage(mu, b, cl)
        assert belt >= cl - 1e-12
        assert probability((lower <= mu) & (mu <= upper), mu + b) >= belt - 1e-12


def test_disconnected_means_are_covered_by_the_hull() -> None:
    b, cl = 2.1, 0.6827
    lower, upper = ends(feldman_cousins_poisson(0, b, cl=cl))
    inside = [acceptance(mu, b, cl=cl)[0] == 0 for mu in (0.0, 0.11, 0.13, 0.33, 0.36, upper - 1e-9, upper + 1e-9)]
    assert inside == [True, True, False, False, True, True, False]
    assert lower == 0.0


def test_counts_that_tie_are_accepted_together() -> None:
    """At mu = 0 all counts up to b have the ratio 1, also where the level needs only some of them."""
    assert stats.poisson.cdf(5, 5.0) - stats.poisson.cdf(3, 5.0) > 0.3
    assert acceptance(0.0, 5.0, cl=0.3) == (0, 5)
    assert [ends(feldman_cousins_poisson(n, 5.0, cl=0.3))[0] for n in range(6)] == [0.0] * 6
    assert ends(feldman_cousins_poisson(0, 5.0, cl=0.3)) == (0.0, 0.0)


def test_without_background_zero_mean_accepts_zero_counts_only() -> None:
    assert acceptance(0.0, 0.0) == (0, 0)
    assert ends(feldman_cousins_poisson(1, 0.0))[0] > 0.0


@pytest.mark.parametrize(("n", "b"), [(1000, 800.0), (320, 300.0), (int(LARGEST), 9000.0)])
def test_many_counts_approach_the_likelihood_ratio(n: int, b: float) -> None:
    """The cut is that of chi-square, to the granularity of counts."""
    for end in ends(feldman_cousins_poisson(n, b)):
        if end > 0.0:
            minus_2_ln_r = 2.0 * (end + b - n + n * math.log(n / (end + b)))
            one_count = 2.0 * abs(end + b - n) / n
            assert minus_2_ln_r == pytest.approx(stats.chi2.ppf(0.9, 1), abs=one_count)


def test_card_says_which_construction() -> None:
    for construction, name in (
        (feldman_cousins_poisson, "Feldman-Cousins, plain"),
        (feldman_cousins_poisson_monotone, "Feldman-Cousins, monotone in b"),
    ):
        interval = construction(3, 1.0, cl=0.95)
        card = interval.card
        assert (interval.parameter, interval.status) == ("signal mean", Status.OK)
        assert (card.method, card.sided, card.cl, card.calibration) == (name, "two", 0.95, "exact")
        assert card.reference == "arXiv:physics/9711021"


@pytest.mark.parametrize("n", [-1, 2.5, math.nan, math.inf, LARGEST + 1])
@BOTH
def test_counts_are_whole_numbers(construction: Construction, n: float) -> None:
    with pytest.raises(OutOfRange, match="observed count is a whole number"):
        construction(n, 1.0)


@pytest.mark.parametrize("b", [-0.1, math.nan, math.inf, LARGEST + 1])
@BOTH
def test_backgrounds_are_not_negative(construction: Construction, b: float) -> None:
    with pytest.raises(OutOfRange, match="background mean"):
        construction(1, b)


@pytest.mark.parametrize("cl", [0.0, 1.0, 90.0, -0.5, math.nan])
@BOTH
def test_level_is_a_fraction(construction: Construction, cl: float) -> None:
    with pytest.raises(OutOfRange, match="confidence level is a fraction"):
        construction(1, 1.0, cl=cl)


def test_acceptance_refuses_what_has_no_meaning() -> None:
    for mu in (-0.1, math.nan, math.inf):
        with pytest.raises(OutOfRange, match="signal mean"):
            acceptance(mu, 1.0)
    with pytest.raises(OutOfRange, match="background mean"):
        acceptance(1.0, -1.0)
    with pytest.raises(OutOfRange, match="confidence level"):
        acceptance(1.0, 1.0, cl=90.0)


# -- reference --

#: (cl, n, b) -> a mean in a second piece that the table's steps in mu missed; there its end is that of the first piece
MISSED = {("0.6827", "1", "9"): 0.187, ("0.9", "4", "15"): 1.2363}


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id="cl{cl}-n{n0}-b{b}".format(**row)) for row in rows("feldman_cousins_poisson.csv")],
)
def test_recomputed_from_the_definition(row: dict[str, str]) -> None:
    n, b, cl = int(row["n0"]), float(row["b"]), float(row["cl"])
    lower, upper = ends(feldman_cousins_poisson(n, b, cl=cl))
    monotone = ends(feldman_cousins_poisson_monotone(n, b, cl=cl))
    assert (lower, monotone[0]) == pytest.approx((float(row["lower"]), float(row["lower"])), abs=TABLE)
    assert monotone[1] == pytest.approx(float(row["upper_monotone_in_b"]), abs=TABLE)
    if mu := MISSED.get((row["cl"], row["n0"], row["b"])):
        end_of_first = float(row["upper_plain"])
        assert [n in textbook(x, b, cl) for x in (end_of_first - 1e-3, end_of_first + 1e-3, mu)] == [True, False, True]
        assert mu <= upper <= monotone[1]
    else:
        assert upper == pytest.approx(float(row["upper_plain"]), abs=TABLE)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id="Feldman-Cousins-1998-{table}-cl{cl}-n{n0}-b{b}".format(**row))
        for row in rows("feldman_cousins_published.csv")
    ],
)
def test_published_tables(row: dict[str, str]) -> None:
    found = ends(feldman_cousins_poisson_monotone(int(row["n0"]), float(row["b"]), cl=float(row["cl"])))
    assert found == pytest.approx((float(row["published_lower"]), float(row["published_upper"])), abs=TABLE)


def likelihood_ratio_accepts(mu: float, b: float, cl: float) -> Array:
    """-2 ln R of Feldman and Cousins, with the estimate kept at zero or above, below the chi-square cut."""
    n = np.arange(300)
    minus_2_ln_r = 2.0 * (stats.poisson.logpmf(n, np.maximum(n, b)) - stats.poisson.logpmf(n, mu + b))
    return np.asarray(minus_2_ln_r <= stats.chi2.ppf(cl, 1))


def garwood_accepts(mu: float, b: float, cl: float) -> Array:
    """Equal-tailed interval of the total mean, moved down by b."""
    n = np.arange(300)
    lower = stats.chi2.ppf(0.5 * (1.0 - cl), 2 * np.maximum(n, 1)) / 2.0 * (n > 0)
    upper = stats.chi2.ppf(0.5 * (1.0 + cl), 2 * n + 2) / 2.0
    return np.asarray((lower <= mu + b) & (mu + b <= upper))


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id="cl{cl}-b{b}-mu{mu_true}".format(**row)) for row in rows("exact_coverage_poisson.csv")],
)
def test_exact_coverage(row: dict[str, str]) -> None:
    mu, b, cl = float(row["mu_true"]), float(row["b"]), float(row["cl"])
    found = {
        "feldman_cousins_belt": belt_coverage(mu, b, cl),
        "bounded_profile_LR_wilks": probability(likelihood_ratio_accepts(mu, b, cl), mu + b),
        "garwood_central_on_total": probability(garwood_accepts(mu, b, cl), mu + b),
    }
    assert found == pytest.approx({name: float(row[f"coverage_{name}"]) for name in found}, abs=1e-6)
