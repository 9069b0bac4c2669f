"""The response matrix against numerical integration of its own definition."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array
from eventfit.response import (
    ConstantQuenching,
    Efficiency,
    PerfectResolution,
    Quenching,
    Resolution,
    Response,
    SqrtResolution,
    Stage,
)

EDGES = np.array([1.0, 1.5, 2.5, 4.0, 7.0, 12.0])
T = np.linspace(0.05, 20.0, 57)
SMEARED = SqrtResolution(0.3171, 0.0015)
#: kinks inside, at and between the edges, and a steep one
KINKED = Efficiency(np.array([0.0, 1.2, 1.3, 2.5, 5.0, 30.0]), np.array([0.0, 0.1, 0.7, 0.95, 0.9, 0.8]))
AFTER: tuple[Stage, ...] = ("resolution", "efficiency")
BEFORE: tuple[Stage, ...] = ("efficiency", "resolution")
ORDERS = pytest.mark.parametrize("order", [AFTER, BEFORE], ids="-".join)


def response(
    order: tuple[Stage, ...] = AFTER,
    resolution: Resolution = SMEARED,
    efficiency: Efficiency | None = KINKED,
    quenching: Quenching | None = None,
) -> Response:
    return Response(order, resolution, efficiency, quenching)


def by_quad(order: tuple[Stage, ...], T: float, low: float, high: float, factor: float = 1.0) -> float:
    """P(low < x < high | T), integrated over the reconstructed energy x piece by piece."""
    visible = factor * T
    sigma = 0.3171 * np.sqrt(visible) + 0.0015 * visible

    def integrand(x: float) -> float:
        return float(norm.pdf(x, visible, sigma) * np.interp(x if order[-1] == "efficiency" else T, *knots))

    knots = KINKED.energy, KINKED.value
    inner = np.concatenate([KINKED.energy, visible + sigma * np.arange(-6, 7)])
    cuts = np.unique(np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]]))
    return float(sum(quad(integrand, a, b, epsabs=0, epsrel=1e-11)[0] for a, b in pairwise(cuts)))


# -- invariant --------------------------------------------------------------------------------------------------------


@given(
    order=st.sampled_from([AFTER, BEFORE]),
    a=st.just(0.0) | st.floats(1e-6, 3.0),
    b=st.just(0.0) | st.floats(1e-6, 0.5),
    factor=st.floats(0.05, 1.0),
    value=st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6),
)
def test_columns_are_probabilities(
    order: tuple[Stage, ...], a: float, b: float, factor: float, value: list[float]
) -> None:
    quenched: tuple[Stage, ...] = ("quenching", *order)
    efficiency = Efficiency(KINKED.energy, np.array(value))
    matrix = response(quenched, SqrtResolution(a, b), efficiency, ConstantQuenching(factor)).matrix(T, EDGES)
    assert matrix.shape == (len(EDGES) - 1, len(T))
    assert matrix.min() >= -1e-13
    assert matrix.sum(axis=0).max() <= max(value) + 1e-12


def test_a_column_at_the_window_edge_is_not_renormalised() -> None:
    matrix = response(("resolution",), efficiency=None).matrix(EDGES[[0, -1]], EDGES)
    assert matrix.sum(axis=0) == pytest.approx([0.5, 0.5], abs=1e-3)  # half of the events leave the window


def test_zero_width_gives_the_histogram() -> None:
    rng = np.random.default_rng(1)
    T, weight = rng.uniform(0.0, 15.0, 400), rng.uniform(0.0, 1.0, 400)
    histogram, _ = np.histogram(T, EDGES, weights=weight)
    efficient, _ = np.histogram(T, EDGES, weights=weight * np.interp(T, KINKED.energy, KINKED.value))
    for resolution in (PerfectResolution(), SqrtResolution(0.0, 0.0), SqrtResolution(1e-9, 0.0)):
        plain = response(("resolution",), resolution, efficiency=None)
        assert plain.matrix(T, EDGES) @ weight == pytest.approx(histogram, rel=1e-12)
        for order in (AFTER, BEFORE):
            assert response(order, resolution).matrix(T, EDGES) @ weight == pytest.approx(efficient, rel=1e-6)


def test_full_efficiency_makes_the_orders_equal() -> None:
    full = Efficiency(np.array([0.0, 3.0, 30.0]), np.ones(3))
    plain = response(("resolution",), efficiency=None).matrix(T, EDGES)
    for order in (AFTER, BEFORE):
        assert response(order, efficiency=full).matrix(T, EDGES) == pytest.approx(plain, abs=1e-13)
    assert np.abs(response(AFTER).matrix(T, EDGES) - response(BEFORE).matrix(T, EDGES)).max() > 0.05


@ORDERS
def test_matrix_is_the_integral_over_each_bin(order: tuple[Stage, ...]) -> None:
    points = np.array([0.7, 1.25, 2.5, 6.0])
    expected = [[by_quad(order, t, a, b) for t in points] for a, b in pairwise(EDGES)]
    assert response(order).matrix(points, EDGES) == pytest.approx(np.array(expected), rel=1e-9, abs=1e-15)


@ORDERS
def test_matrix_is_the_integral_of_density(order: tuple[Stage, ...]) -> None:
    seen = response(order)

    def bin_content(low: float, high: float) -> float:
        cuts = np.unique(np.clip([low, 1.2, 1.3, 2.5, 5.0, high], low, high))
        pieces = pairwise(cuts)
        return sum(
            quad(lambda x: seen.density(at, np.array([x]))[0, 0], a, b, epsabs=1e-15, epsrel=1e-11)[0]
            for a, b in pieces
        )

    at = np.array([2.2])
    expected = [bin_content(a, b) for a, b in pairwise(EDGES)]
    assert seen.matrix(at, EDGES)[:, 0] == pytest.approx(expected, rel=1e-9, abs=1e-14)
    assert seen.density(T, EDGES).shape == (len(EDGES), len(T))


def test_efficiency_is_integrated_inside_the_bin_and_not_averaged_over_it() -> None:
    # 1.0-1.5 keV holds the step from 0.1 to 0.7: what a recoil of 1.0 or 1.5 keV sees of it differs, the average not
    points, low, high = np.array([0.8, 1.5]), 1.0, 1.5
    exact = response(AFTER).matrix(points, EDGES)[0]
    average = quad(lambda x: float(KINKED(np.array([x]))[0]), low, high, points=[1.2, 1.3])[0] / (high - low)
    averaged = average * response(("resolution",), efficiency=None).matrix(points, EDGES)[0]
    assert exact == pytest.approx([by_quad(AFTER, t, low, high) for t in points], rel=1e-9)
    assert averaged[0] > 1.15 * exact[0]
    assert averaged[1] < 0.95 * exact[1]


@given(factor=st.floats(0.1, 1.0))
def test_constant_quenching_rescales_the_recoil_axis(factor: float) -> None:
    quenched = response(("quenching", "resolution", "efficiency"), quenching=ConstantQuenching(factor))
    assert quenched.matrix(T, EDGES) == pytest.approx(response(AFTER).matrix(factor * T, EDGES), abs=1e-13)


def test_an_efficiency_is_taken_at_what_has_come_out_before_it() -> None:
    """Before the quenching at the true recoil (2.5 keV), after it at the visible energy (1.25 keV)."""
    expected = np.array([by_quad(BEFORE, 2.5, a, b, factor=0.5) for a, b in pairwise(EDGES)])
    at_recoil: tuple[Stage, ...] = ("efficiency", "quenching", "resolution")
    visible: tuple[Stage, ...] = ("quenching", "efficiency", "resolution")
    columns = [
        response(order, quenching=ConstantQuenching(0.5)).matrix(np.array([2.5]), EDGES)[:, 0]
        for order in (at_recoil, visible)
    ]
    curve = response(visible, quenching=ConstantQuenching(0.5)).efficiency
    assert curve is not None
    assert columns[0] == pytest.approx(expected, rel=1e-9)
    assert columns[1] == pytest.approx(expected * curve(np.array([1.25])) / curve(np.array([2.5])), rel=1e-9)
    assert not np.allclose(columns[0], columns[1], rtol=0.01)


@pytest.mark.parametrize("value", [1.0001, 87.0, -1e-6, np.nan], ids=str)
def test_an_efficiency_that_is_no_probability_is_refused(value: float) -> None:
    with pytest.raises(OutOfRange, match=r"row 2 \(at 2 keV\)"):
        Efficiency(np.array([1.0, 2.0]), np.array([0.5, value]))


@pytest.mark.parametrize("energy", [[1.1, 30.0], [0.0, 11.9]], ids=str)
def test_an_efficiency_is_not_extrapolated(energy: list[float]) -> None:
    short = Efficiency(np.array(energy), np.array([0.5, 0.5]))
    with pytest.raises(OutOfRange, match="not known over the whole range"):
        response(AFTER, efficiency=short).matrix(T[T > 1.2], EDGES)
    with pytest.raises(OutOfRange, match="not known over the whole range"):
        response(BEFORE, efficiency=short).matrix(T, EDGES)


@pytest.mark.parametrize(
    "order",
    [
        (),
        ("efficiency",),
        ("resolution",),
        ("resolution", "efficiency", "resolution"),
        ("quenching", "resolution", "efficiency"),
    ],
    ids="-".join,
)
def test_an_order_that_does_not_match_the_stages_is_refused(order: tuple[Stage, ...]) -> None:
    with pytest.raises(OutOfRange, match="order"):
        response(order)


def test_quenching_comes_before_the_resolution() -> None:
    with pytest.raises(OutOfRange, match="quenching before resolution"):
        response(("resolution", "quenching", "efficiency"), quenching=ConstantQuenching(0.5))


@pytest.mark.parametrize("factor", [0.0, -0.2, 1.2, np.nan])
def test_a_quenching_factor_out_of_range_is_refused(factor: float) -> None:
    with pytest.raises(OutOfRange):
        ConstantQuenching(factor)


@pytest.mark.parametrize(("a", "b"), [(-0.1, 0.0), (0.1, -0.1), (np.nan, 0.0)])
def test_a_negative_resolution_is_refused(a: float, b: float) -> None:
    with pytest.raises(OutOfRange):
        SqrtResolution(a, b)


def test_a_perfect_resolution_has_no_density() -> None:
    with pytest.raises(OutOfRange, match="no density"):
        response(("resolution",), PerfectResolution(), efficiency=None).density(T, EDGES)


@ORDERS
def test_support_holds_every_recoil_that_can_be_seen(order: tuple[Stage, ...]) -> None:
    limit = 40.0
    low, high = response(order).support(EDGES, limit)
    everywhere: Array = np.linspace(0.01, limit, 4000)
    seen = response(("resolution",), efficiency=None).matrix(everywhere, EDGES).sum(axis=0)
    outside = (everywhere < low) | (everywhere > high)
    assert outside.any()
    assert seen[outside].max() < 1e-15
    with pytest.raises(OutOfRange, match="no recoil"):
        response(order).support(EDGES + 300.0, limit)


def test_support_finds_a_window_narrower_than_its_grid() -> None:
    low, high = response(("resolution",), PerfectResolution(), efficiency=None).support(np.array([100.0, 100.1]), 664.0)
    assert low <= 100.0 < 100.1 <= high
