"""p-values of a tested value: closed forms where the estimate is gaussian, and toys beside them."""

from __future__ import annotations

import numpy as np
import pytest
from models import counting
from scipy import stats

from eventfit.errors import OutOfRange
from eventfit.inference import Profile, Toys, p_value_asymptotic, p_value_toys
from eventfit.inference.statistic import STATISTICS, StatisticName

#: so many events that the estimate is gaussian with this standard deviation
SIGMA = 1e4


def profile(sigmas: float, *, bounded: bool) -> Profile:
    likelihood = counting(SIGMA**2 + sigmas * SIGMA, SIGMA**2)
    return Profile(likelihood if bounded else likelihood.bounded("mu", -1e6, 1e7), "mu")


# -- invariant --


@pytest.mark.parametrize(
    ("name", "estimate", "tested", "bounded", "expected"),
    [
        ("q0", 2.0, 0.0, True, stats.norm.sf(2.0)),
        ("t0", -2.0, 0.0, False, 2.0 * stats.norm.sf(2.0)),
        ("tmu", 0.5, 2.0, False, 2.0 * stats.norm.sf(1.5)),
        ("qmu", 0.5, 2.0, False, stats.norm.sf(1.5)),
        ("qmu", 3.0, 2.0, False, 0.5),
        ("tmu_tilde", 0.5, 2.0, True, 2.0 * stats.norm.sf(1.5)),
        ("qmu_tilde", 0.5, 2.0, True, stats.norm.sf(1.5)),
        ("qmu_tilde", -1.0, 1.0, True, stats.norm.sf(2.0)),  # beyond the boundary: the estimate below zero counts
    ],
)
def test_closed_forms(name: StatisticName, estimate: float, tested: float, bounded: bool, expected: float) -> None:
    found = p_value_asymptotic(profile(estimate, bounded=bounded), tested * SIGMA, name)
    assert found.p_value == pytest.approx(float(expected), rel=2e-3)
    assert found.error is None
    assert found.card.statistic == name


@pytest.mark.parametrize("name", [name for name in STATISTICS if name not in ("q0", "t0")])
def test_toys_agree_where_the_estimate_is_gaussian(name: StatisticName) -> None:
    one = profile(0.4, bounded=name.endswith("tilde"))
    asymptotic = p_value_asymptotic(one, 1.5 * SIGMA, name)
    toys = p_value_toys(one, 1.5 * SIGMA, name, Toys(8192, 3))
    assert toys.error is not None
    assert abs(toys.p_value - asymptotic.p_value) < 4.0 * toys.error
    assert toys.error == pytest.approx(np.sqrt(toys.p_value * (1.0 - toys.p_value) / 8192), rel=1e-9)


def test_statistics_of_zero_refuse_other_values() -> None:
    with pytest.raises(OutOfRange, match="tmu or qmu"):
        p_value_asymptotic(profile(1.0, bounded=True), 1.0, "q0")
