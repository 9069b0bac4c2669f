"""A reconstructed axis that is no energy: a number of hits, its mean and width, and how far they are known."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from eventfit.cross_section import FreeElectrons, MagneticMoment, Process, StandardModelElectron
from eventfit.errors import NumericalError, OutOfRange
from eventfit.flux import solar_flux
from eventfit.folding import fold
from eventfit.quadrature import Array
from eventfit.response import (
    Axis,
    ConstantQuenching,
    Efficiency,
    Hits,
    KeV,
    PolynomialResolution,
    Response,
    SqrtResolution,
)
from eventfit.tables import Tables, shipped
from eventfit.target import Target

TABLES = Tables(shipped("data"))
ELECTRONS = FreeElectrons(Target.load(TABLES, "pseudocumene"))
#: Borexino, arXiv:2204.03011; T in MeV
MEAN, WIDTH = (-8.065244, 493.2560, -64.09629, 4.146102), (1.21974, 1.31394, -0.0148585)
BOREXINO = PolynomialResolution(MEAN, *WIDTH, known_to=5000.0)
SEEN = Response(("resolution",), BOREXINO, axis=Hits)
EDGES = np.arange(99.5, 951.0, 1.0)
T = np.linspace(1.0, 3000.0, 400)
# the tests' own constants: keV, cm
M, ALPHA, HBAR_C = 510.99895069, 7.2973525643e-3, 1.973269804e-8


def hits(T: Array | float) -> Array:
    """Mean number of hits, written out."""
    x = np.asarray(T) / 1000.0
    return np.asarray(np.maximum(-8.065244 + 493.2560 * x - 64.09629 * x**2 + 4.146102 * x**3, 0.0))


def width(T: Array | float) -> Array:
    return np.asarray(1.21974 + 1.31394 * np.sqrt(hits(T)) - 0.0148585 * hits(T))


def counts(name: str, process: Process, response: Response = SEEN, edges: Array = EDGES) -> Array:
    flux = solar_flux(TABLES, [name], "b16_gs98")
    (template,) = fold(flux, [process], response, edges, exposure=1.0, units_per_kg=1.0)
    return template.spectrum.values()


# -- invariant: the axis ----------------------------------------------------------------------------------------------


def test_an_axis_says_its_values_with_or_without_a_unit() -> None:
    assert (KeV.at(2.5), Hits.at(292.5)) == ("2.5 keV", "n_hits 292.5")
    assert (KeV.range(1, 30), Hits.range(99.5, 950.5)) == ("1 to 30 keV", "99.5 to 950.5 n_hits")
    assert (KeV.span(1, 2), Hits.span(99.5, 100.5), Hits.span(99.5, 104.5)) == (
        "1-2 keV",
        "n_hits 100",
        "n_hits 100-104",
    )
    assert (KeV.column("low"), Hits.column("high")) == ("energy_low_keV", "n_hits_high")
    assert (KeV.points, Hits.points) == ("energy_keV", "n_hits")
    assert (KeV.density, Hits.density) == ("expected_per_keV", "expected_per_n_hits")
    assert Axis("energy", "keV") == KeV != Hits


# -- invariant: the matrix --------------------------------------------------------------------------------------------


def test_mean_and_width_are_the_polynomials_in_MeV() -> None:
    mean, sigma = SEEN.moments(T)
    assert mean == pytest.approx(hits(T), rel=1e-13)
    assert sigma == pytest.approx(width(T), rel=1e-13)
    assert SEEN.moments(np.array([1.0]))[0] == 0.0  # cut off at zero from below
    assert mean[T > 20].min() > 0
    assert not SEEN.is_sharp


@given(
    rise=st.floats(50.0, 2000.0),
    bend=st.floats(0.0, 30.0),
    noise=st.floats(0.1, 10.0),
    stochastic=st.floats(0.0, 3.0),
    linear=st.floats(0.0, 0.2),
    first=st.floats(0.0, 500.0),
)
def test_columns_are_probabilities(
    rise: float, bend: float, noise: float, stochastic: float, linear: float, first: float
) -> None:
    resolution = PolynomialResolution((-5.0, rise, bend), noise, stochastic, linear, known_to=5000.0)
    matrix = Response(("resolution",), resolution, axis=Hits).matrix(T, first + np.arange(0.0, 400.0, 5.0))
    assert matrix.shape == (79, len(T))
    assert matrix.min() >= -1e-13
    assert matrix.sum(axis=0).max() <= 1 + 1e-12


def test_the_matrix_is_the_share_of_a_gaussian_in_every_bin() -> None:
    edges = np.array([99.5, 100.5, 110.5, 300.5, 950.5])
    cdf = norm.cdf(edges[:, None], hits(T), width(T))
    assert SEEN.matrix(T, edges) == pytest.approx(np.diff(cdf, axis=0), abs=1e-13)
    inside = SEEN.matrix(np.array([1000.0]), edges).sum(axis=0)
    assert inside == pytest.approx(1.0, abs=1e-12)  # far from the edges nothing is lost
    at_edge = np.interp(99.5, hits(T), T)
    assert SEEN.matrix(np.array([at_edge]), edges).sum(axis=0) == pytest.approx(0.5, abs=1e-3)


def test_the_matrix_is_the_integral_of_the_density() -> None:
    at, edges = np.array([420.0]), np.array([150.5, 190.5, 200.5, 230.5])
    expected = [
        quad(lambda x: SEEN.density(at, np.array([x]))[0, 0], a, b, epsabs=1e-14, epsrel=1e-11)[0]
        for a, b in pairwise(edges)
    ]
    assert SEEN.matrix(at, edges)[:, 0] == pytest.approx(expected, rel=1e-9)


def test_quenching_moves_the_energy_that_the_polynomial_is_taken_at() -> None:
    quenched = Response(("quenching", "resolution"), BOREXINO, quenching=ConstantQuenching(0.8), axis=Hits)
    assert quenched.matrix(T, EDGES[:50]) == pytest.approx(SEEN.matrix(0.8 * T, EDGES[:50]), abs=1e-14)


def test_an_efficiency_after_the_resolution_is_one_in_hits() -> None:
    knots = np.array([50.0, 120.0, 300.0]), np.array([0.0, 0.9, 0.8])
    efficient = Response(("resolution", "efficiency"), BOREXINO, Efficiency(*knots, axis=Hits), axis=Hits)
    edges, at = np.array([99.5, 130.5, 200.5]), 300.0
    expected = [
        quad(lambda x: norm.pdf(x, hits(at), width(at)) * np.interp(x, *knots), a, b, points=[120.0], epsabs=1e-13)[0]
        for a, b in pairwise(edges)
    ]
    assert efficient.matrix(np.array([at]), edges)[:, 0] == pytest.approx(expected, rel=1e-8)
    with pytest.raises(OutOfRange, match=r"(?s)99.5 to 950.5 n_hits.*50 to 300 n_hits"):
        efficient.matrix(T, EDGES)


# -- invariant: how far it is known -----------------------------------------------------------------------------------


def test_how_far_a_resolution_is_known_has_no_effect_below() -> None:
    """8B recoils reach 16 MeV; of those above 4.4 MeV none can be seen below 951 hits."""
    weak = StandardModelElectron(ELECTRONS, 0.23857)
    near, far = (
        counts("b8", weak, Response(("resolution",), PolynomialResolution(MEAN, *WIDTH, known_to), axis=Hits))
        for known_to in (4400.0, 6000.0)
    )
    assert np.array_equal(near, far)
    assert near.min() > 0


def test_a_window_beyond_what_is_known_is_refused() -> None:
    weak = StandardModelElectron(ELECTRONS, 0.23857)
    short = Response(("resolution",), PolynomialResolution(MEAN, *WIDTH, known_to=3000.0), axis=Hits)
    with pytest.raises(OutOfRange) as caught:
        counts("b8", weak, short)
    said = str(caught.value)
    for part in ("response.resolution", "not known for all recoils", "the resolution up to 3000 keV", "lower the end"):
        assert part in said
    assert counts("b8", weak, short, EDGES[:400]).min() > 0  # 500 hits are far enough below
    assert counts("be7", weak, short).min() >= 0  # recoils end at 665 keV


def test_what_is_not_known_is_not_called_impossible() -> None:
    """Known recoils end below the window: the source may well produce others."""
    short = Response(("resolution",), PolynomialResolution(MEAN, *WIDTH, known_to=100.0), axis=Hits)
    with pytest.raises(OutOfRange, match="resolution is not known"):
        short.support(EDGES, 16_000.0)
    with pytest.raises(OutOfRange, match=r"(?s)no recoil that the source can produce.*recoils up to 50 keV"):
        short.support(EDGES, 50.0)


def test_known_means_the_visible_energy() -> None:
    """With a quenching of one half the recoil may be twice as large."""

    def support(known_to: float) -> tuple[float, float]:
        resolution = PolynomialResolution(MEAN, *WIDTH, known_to)
        quenched = Response(("quenching", "resolution"), resolution, quenching=ConstantQuenching(0.5), axis=Hits)
        return quenched.support(EDGES[:400], 16_000.0)

    low, high = support(2400.0)
    assert high > 2 * 1000.0
    assert support(16_000.0) == (low, high)
    with pytest.raises(OutOfRange, match="not known"):
        support(1200.0)


def test_a_mean_that_falls_is_refused() -> None:
    falling = PolynomialResolution((0.0, 400.0, -100.0), 1.0, 1.0, 0.0, known_to=5000.0)
    assert falling.mean(np.array([0.0, 1900.0])) == pytest.approx([0.0, 399.0])
    with pytest.raises(OutOfRange, match=r"(?s)does not rise.*response.resolution.*slope -200 per MeV"):
        falling.mean(np.array([500.0, 3000.0]))
    with pytest.raises(OutOfRange, match="does not rise"):
        counts("b8", MagneticMoment(ELECTRONS), Response(("resolution",), falling, axis=Hits))


def test_a_width_that_is_not_positive_is_refused() -> None:
    counting = PolynomialResolution((0.0, 500.0), 0.0, 1.0, 0.0, known_to=5000.0)
    assert counting.sigma(np.array([0.0, 200.0])) == pytest.approx([0.0, 10.0])  # no hits without energy, for certain
    narrow = PolynomialResolution((0.0, 500.0), 1.0, 1.3, -0.06, known_to=5000.0)
    assert narrow.sigma(np.array([1000.0])) == pytest.approx([1.0 + 1.3 * math.sqrt(500.0) - 30.0])
    with pytest.raises(OutOfRange, match=r"(?s)not positive.*response.resolution.*at a mean of 1000"):
        narrow.sigma(np.array([1000.0, 2000.0]))


@pytest.mark.parametrize("per_keV", [0.5, 1.0, 30.0])
def test_the_fold_does_not_depend_on_the_unit_of_the_axis(per_keV: float) -> None:
    """Hits in proportion to the energy are the energy by another name."""
    edges, kept = np.arange(60.0, 600.0, 20.0), {}
    same = SqrtResolution(0.9, 0.0)
    scaled = PolynomialResolution((0.0, 1e3 * per_keV), 0.0, 0.9 * math.sqrt(per_keV), 0.0, known_to=5000.0)
    for response, window in (
        (Response(("resolution",), same), edges),
        (Response(("resolution",), scaled, axis=Hits), per_keV * edges),
    ):
        flux = solar_flux(TABLES, ["be7"], "b16_gs98")
        (template,) = fold(flux, [MagneticMoment(ELECTRONS)], response, window, exposure=1.0, units_per_kg=1.0)
        assert template.numerical_error < 1e-6
        kept[response.axis.name] = template.spectrum.values()
    np.testing.assert_allclose(kept["n_hits"], kept["energy"], rtol=1e-6)


def test_the_fold_names_the_hits_where_it_has_not_converged() -> None:
    with pytest.raises(NumericalError, match=r"n_hits\)"):
        fold(
            solar_flux(TABLES, ["pp"], "b16_gs98"),
            [MagneticMoment(ELECTRONS)],
            SEEN,
            EDGES[:200],
            exposure=1.0,
            units_per_kg=1.0,
            tolerance=1e-7,
        )


def test_other_resolutions_are_known_everywhere() -> None:
    assert SqrtResolution(0.3, 0.0).known_to == math.inf


# -- invariant: Monte Carlo of recoils --------------------------------------------------------------------------------

RECOILS = 1_000_000
LOW = 90.0  # keV; 36 hits, more than 7 standard deviations below the window


def test_fold_equals_a_monte_carlo_of_recoils_in_hits() -> None:
    """Magnetic recoils of 7Be neutrinos: lines drawn, T by rejection, N from its mean and width."""
    rng = np.random.default_rng(2017)
    recoils: list[Array] = []
    trials = 0
    while sum(map(len, recoils)) < RECOILS:
        E = np.where(rng.random(RECOILS) < 0.8956, 861.3, 384.3)
        T = LOW * (700.0 / LOW) ** rng.random(RECOILS)
        share = np.where(2 * E**2 / (M + 2 * E) >= T, 1 - T / E, 0.0)
        recoils.append(T[rng.random(RECOILS) < share])
        trials += RECOILS
    T = np.concatenate(recoils)
    N = rng.normal(hits(T), width(T))
    envelope = math.pi * (1e-11 * ALPHA * HBAR_C / M) ** 2 * math.log(700.0 / LOW)
    each = 4.93e9 * ELECTRONS.target.electrons * envelope / trials
    edges = np.arange(99.5, 330.0, 3.0)
    expected = counts("be7", MagneticMoment(ELECTRONS), edges=edges)
    found = np.histogram(N, edges)[0]
    enough = found > 25
    assert enough.sum() > 65
    z = (each * found - expected)[enough] / (each * np.sqrt(found[enough]))
    assert np.abs(z).max() < 4
    assert each * found.sum() == pytest.approx(expected.sum(), abs=4 * each * math.sqrt(found.sum()))
    # a calibration by 3 % off, or a width without its last term, would not pass
    others = (
        PolynomialResolution((MEAN[0], 1.03 * MEAN[1], *MEAN[2:]), *WIDTH, known_to=5000.0),
        PolynomialResolution(MEAN, *WIDTH[:2], 0.0, known_to=5000.0),
    )
    for other in others:
        wrong = counts("be7", MagneticMoment(ELECTRONS), Response(("resolution",), other, axis=Hits), edges)
        assert np.abs((each * found - wrong)[enough] / (each * np.sqrt(found[enough]))).max() > 6


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("energy", "number", "tolerance"),
    [
        pytest.param(665.0, 292.8, 0.1, id="arXiv:2204.03011, 7Be edge, 665 keV"),
        pytest.param(664.3, 293.0, 1.0, id="arXiv:1707.09279, Fig. 6a, 7Be edge about 293"),
    ],
)
def test_hits_at_the_edge_of_beryllium(energy: float, number: float, tolerance: float) -> None:
    assert BOREXINO.mean(np.array([energy])) == pytest.approx([number], abs=tolerance)


@pytest.mark.parametrize("edge", [pytest.param(293.0, id="arXiv:1707.09279, Fig. 6a, 7Be shoulder")])
def test_the_template_of_beryllium_falls_to_half_at_its_edge(edge: float) -> None:
    """Half of what the shoulder would be there without the edge, by a straight line through N_h 200 to 250."""
    found, N = counts("be7", StandardModelElectron(ELECTRONS, 0.23857)), np.arange(100, 951)
    straight = np.polyval(np.polyfit(N[100:151], found[100:151], 1), N)
    half = np.flatnonzero(found < 0.5 * straight)[0]
    assert N[half] == pytest.approx(edge, abs=2.0)
