"""Quenching of nuclear recoils, and the resolution near threshold: closed forms, brute force, a Monte Carlo."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, quad_vec
from scipy.special import ndtr

from eventfit.cross_section import (
    CoherentScattering,
    FreeElectrons,
    Helm,
    MagneticMoment,
    MomentOnNucleus,
    Process,
    StandardModelElectron,
    SteppingElectrons,
)
from eventfit.errors import NumericalError, OutOfRange
from eventfit.flux import Basis, Flux, Measure
from eventfit.folding import CachedFold, fold
from eventfit.quadrature import Array
from eventfit.response import (
    ConstantQuenching,
    ConstantResolution,
    Efficiency,
    FanoResolution,
    LindhardQuenching,
    PerfectResolution,
    Quenching,
    Resolution,
    Response,
    SqrtResolution,
    Stage,
    TabulatedQuenching,
)
from eventfit.spectrum import Template
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import day

TABLES = Tables(shipped("data"))
GERMANIUM = Target.load(TABLES, "germanium")
GE74 = GERMANIUM.nuclei(TABLES)[3]
SIN2 = 0.23857
COHERENT = CoherentScattering(GE74, Helm(), SIN2)
ON_ELECTRONS = MagneticMoment(SteppingElectrons(GERMANIUM))
ON_NUCLEI = MomentOnNucleus(GE74, Helm(), ON_ELECTRONS)
LINDHARD = LindhardQuenching(0.162, 32)
#: of Dresden-II: 68.5 eV, F = 0.11, 2.96 eV
KEPT, CUT = FanoResolution(0.0685, 0.11, 0.00296), FanoResolution(0.0685, 0.11, 0.00296, positive=True)
EDGES = np.array([0.2, 0.25, 0.3, 0.4, 0.6, 1.0])
QUENCHED: tuple[Stage, ...] = ("quenching", "resolution")

# the tests' own constants: keV, cm
G_FERMI, ALPHA, HBAR_C, M_E = 1.1663788e-17, 7.2973525643e-3, 1.973269804e-8, 510.99895069


def table(quenching: Quenching, *, high: float = 10.0, rows: int = 401, is_energy: bool = False) -> TabulatedQuenching:
    """``quenching`` as a table from zero, of visible energies or of factors."""
    T = np.linspace(0.0, high, rows)
    visible = quenching.visible(T)
    factor = visible / np.where(T > 0, T, 1.0)
    factor[0] = factor[1]
    return TabulatedQuenching(T, visible if is_energy else factor, is_energy)


@dataclass(frozen=True, eq=False)
class Falling(Flux):
    """A reactor in brief: nubar_e of density exp(-E / 1 MeV) per keV, from 0.5 to 9 MeV, in 1e9 / (cm^2 s keV)."""

    name = "falling"
    relative_error = None
    cite = ()
    scale: float = 1e9
    low, high, slope = 500.0, 9000.0, 1000.0

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        panels = np.linspace(self.low, self.high, 69)
        return {"nubar_e": Measure.from_density(panels, self.density, order)}

    def density(self, energy: Array) -> Array:
        inside = (energy >= self.low) & (energy <= self.high)
        return np.where(inside, self.scale * np.exp(-np.asarray(energy) / self.slope), 0.0)


FALLING = Falling()


def response(
    quenching: Quenching | None = LINDHARD,
    resolution: Resolution = KEPT,
    efficiency: Efficiency | None = None,
    order: tuple[Stage, ...] = QUENCHED,
) -> Response:
    return Response(order, resolution, efficiency, quenching)


def folded(
    process: Process, seen: Response, edges: Array = EDGES, flux: Flux = FALLING, exposure: float = 1e3 * day
) -> Template:
    (template,) = fold([flux], [process], seen, edges, exposure=exposure, units_per_kg=GERMANIUM.units_per_kg)
    return template


# -- invariant: models ------------------------------------------------------------------------------------------------


@given(k=st.floats(1e-3, 1.0), Z=st.integers(6, 92), T=st.lists(st.floats(1e-4, 1e3), min_size=2, max_size=20))
def test_lindhard_rises_and_never_shows_more_than_the_recoil(k: float, Z: int, T: list[float]) -> None:
    recoil = np.unique(T)
    visible = LindhardQuenching(k, Z).visible(recoil)
    assert np.all(np.diff(visible) > 0.0)
    assert np.all((visible > 0.0) & (visible < recoil))
    assert np.all(np.diff(visible / recoil) > -1e-15)  # the share rises as well
    more = LindhardQuenching(1.1 * k, Z).visible(recoil)
    assert np.all(more > visible)


def test_lindhard_at_its_limits() -> None:
    assert LINDHARD.visible(np.array([0.0])).tolist() == [0.0]
    T = np.array([1e-9])  # eps^0.15 alone is left, and k g is small
    eps = 11.5 * 32 ** (-7 / 3) * T
    assert LINDHARD.visible(T) / T == pytest.approx(0.162 * 3 * eps**0.15, rel=0.03)
    assert LINDHARD.visible(np.array([1e9])) == pytest.approx(1e9, rel=1e-4)  # all of a fast nucleus is seen
    assert LindhardQuenching(1e-9, 32).visible(np.array([5.0])) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize(("k", "Z"), [(0.0, 32), (-0.1, 32), (math.nan, 32), (math.inf, 32), (0.16, 0), (0.16, 200)])
def test_lindhard_without_meaning_is_refused(k: float, Z: int) -> None:
    with pytest.raises(OutOfRange, match=r"positive|charge"):
        LindhardQuenching(k, Z)


@pytest.mark.parametrize("is_energy", [False, True], ids=["factor", "visible"])
def test_a_table_is_its_rows_and_straight_between(is_energy: bool) -> None:
    T, value = np.array([0.0, 1.0, 3.0]), np.array([0.2, 0.2, 0.3]) if not is_energy else np.array([0.0, 0.2, 0.9])
    quenching = TabulatedQuenching(T, value, is_energy)
    assert quenching.visible(T) == pytest.approx([0.0, 0.2, 0.9], rel=1e-14)
    assert quenching.visible(np.array([2.0])) == pytest.approx(0.55 if is_energy else 0.5, rel=1e-14)
    assert quenching.visible(np.full((2, 3), 0.5)).shape == (2, 3)
    assert quenching.known == (0.0, 3.0)


@pytest.mark.parametrize("T", [-0.1, 0.049, 3.01], ids=str)
def test_a_table_ends(T: float) -> None:
    quenching = TabulatedQuenching(np.array([0.05, 3.0]), np.array([0.2, 0.3]))
    with pytest.raises(OutOfRange, match=r"(?s)not known at a recoil energy.*0.05 to 3 keV"):
        quenching.visible(np.array([1.0, T]))


@pytest.mark.parametrize(
    ("energy", "value", "is_energy", "said"),
    [
        ([0.0, 1.0], [0.2, 1.01], False, r"row 2 \(at 1 keV\)"),
        ([0.0, 1.0], [0.2, -0.1], False, "row 2"),
        ([0.0, 1.0], [0.2, np.nan], False, "row 2"),
        ([0.0, 1.0], [0.0, 17.0], True, "visible energy 17"),
        ([0.0, 1.0], [0.1, 0.2], True, "row 1"),
        ([1.0, 1.0], [0.2, 0.2], False, "have to increase"),
        ([-1.0, 1.0], [0.2, 0.2], False, "zero or more"),
        ([1.0], [0.2], False, "have to increase"),
    ],
)
def test_a_table_that_is_none_is_refused(energy: list[float], value: list[float], is_energy: bool, said: str) -> None:
    with pytest.raises(OutOfRange, match=said):
        TabulatedQuenching(np.array(energy), np.array(value), is_energy)


def test_only_rows_that_bend_are_worth_a_panel() -> None:
    straight = TabulatedQuenching(np.linspace(0.0, 5.0, 51), np.full(51, 0.2))
    assert straight.bends.tolist() == []
    bent = TabulatedQuenching(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.2, 0.2, 0.3, 0.4]))
    assert bent.bends.tolist() == [1.0]
    assert table(LINDHARD, rows=30, is_energy=True).bends.size > 20


# -- invariant: response ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_energy", [False, True], ids=["factor", "visible"])
@pytest.mark.parametrize("process", [COHERENT, ON_NUCLEI], ids=lambda p: p.name)
def test_a_table_of_a_constant_factor_is_constant_quenching(process: Process, is_energy: bool) -> None:
    constant = ConstantQuenching(0.2)
    expected = folded(process, response(constant)).spectrum.values()
    found = folded(process, response(table(constant, is_energy=is_energy))).spectrum.values()
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_fine_table_of_lindhard_is_lindhard() -> None:
    expected = folded(COHERENT, response(LINDHARD)).spectrum.values()
    assert folded(COHERENT, response(table(LINDHARD, rows=2001))).spectrum.values() == pytest.approx(expected, rel=1e-4)


def test_a_table_has_to_reach_all_recoils_that_can_be_seen() -> None:
    """Recoils go up to 2.35 keV, of which 0.4 keV is visible: the window sees them down to zero."""
    short, late = (TabulatedQuenching(np.array(T), np.array([0.2, 0.2])) for T in ([0.0, 2.0], [0.05, 10.0]))
    with pytest.raises(OutOfRange, match=r"(?s)response.quenching.*from 0 to 2 keV.*lower the end"):
        folded(COHERENT, response(short))
    with pytest.raises(OutOfRange, match=r"(?s)response.quenching.*from 0.05 to 10 keV.*raise the beginning"):
        folded(COHERENT, response(late))
    # a window that needs nothing from outside is folded as with a longer table
    for quenching, edges in ((short, np.array([0.05, 0.1])), (late, np.array([0.3, 0.35]))):
        sharp = response(quenching, SqrtResolution(0.01, 0.0))
        whole = response(ConstantQuenching(0.2), SqrtResolution(0.01, 0.0))
        found = folded(COHERENT, sharp, edges).spectrum.values()
        assert found == pytest.approx(folded(COHERENT, whole, edges).spectrum.values(), rel=1e-6)


def test_electron_recoils_are_not_quenched() -> None:
    weak = StandardModelElectron(FreeElectrons(GERMANIUM), SIN2)
    edges, plain = np.array([0.5, 1.0, 3.0]), response(None, order=("resolution",))
    both = fold([FALLING], [weak, COHERENT, ON_ELECTRONS, ON_NUCLEI], response(), edges, exposure=1.0, units_per_kg=1.0)
    alone = fold([FALLING], [weak, ON_ELECTRONS], plain, edges, exposure=1.0, units_per_kg=1.0)
    found = {template.process: template.spectrum.values() for template in both}
    for template in alone:
        assert found[template.process] == pytest.approx(template.spectrum.values(), rel=1e-6)
    unquenched = folded(COHERENT, plain, edges, exposure=1.0).spectrum.values()
    assert found["coherent"][0] < 0.1 * unquenched[0] / GERMANIUM.units_per_kg


def test_the_response_of_electrons() -> None:
    kept = Efficiency(np.array([0.0, 5.0]), np.array([0.2, 0.9]))
    T = np.array([0.3, 0.6])
    for order in (("quenching", "resolution", "efficiency"), ("quenching", "efficiency", "resolution")):
        seen = response(LINDHARD, KEPT, kept, order)
        expected = response(None, KEPT, kept, order[1:]).matrix(T, EDGES)
        assert np.array_equal(seen.unquenched.matrix(T, EDGES), expected)
        assert seen.unquenched.order == order[1:]
    plain = response(None, order=("resolution",))
    assert plain.unquenched is plain
    with pytest.raises(OutOfRange, match=r"(?s)one of nuclear recoils.*response.order"):
        _ = response(LINDHARD, KEPT, kept, ("efficiency", "quenching", "resolution")).unquenched


def test_quenching_without_an_efficiency_has_its_breakpoints() -> None:
    sharp = response(ConstantQuenching(0.2), PerfectResolution())
    assert sharp.breakpoints(np.array([0.2, 0.3]), 4.0) == pytest.approx([1.0, 1.5], rel=1e-6)


def test_a_curve_that_falls_is_followed_through() -> None:
    """0.30 keV are visible at 1, 2.5 and 4 keV, 0.35 at 4.5 keV alone."""
    quenching = TabulatedQuenching(np.array([0.0, 1.2, 2.8, 5.0]), np.array([0.0, 0.36, 0.27, 0.4]), is_energy=True)
    sharp = response(quenching, PerfectResolution())
    crossings = sharp.breakpoints(np.array([0.30, 0.39]), 5.0)
    expected = [1.0, 1.2, 1.2 + 0.06 / 0.09 * 1.6, 2.8, 2.8 + 0.03 / 0.13 * 2.2, 2.8 + 0.12 / 0.13 * 2.2]
    assert crossings == pytest.approx(expected, rel=1e-6)
    low, high = response(quenching, SqrtResolution(1e-3, 0.0)).support(np.array([0.30, 0.31]), 5.0)
    assert low < 1.0
    assert high > 2.8 + 0.04 / 0.13 * 2.2
    T = np.linspace(0.0, 5.0, 39_989)
    inside = np.where((quenching.visible(T) >= 0.30) & (quenching.visible(T) < 0.39), 1.0, 0.0)
    assert sharp.matrix(T, np.array([0.30, 0.39]))[0] == pytest.approx(inside)


# -- invariant: noise and Fano fluctuations ---------------------------------------------------------------------------


def test_noise_and_fluctuations_add_in_squares() -> None:
    E = np.array([0.0, 0.2, 1.5])
    assert KEPT.sigma(E) ** 2 == pytest.approx(0.0685**2 + 0.11 * 0.00296 * E, rel=1e-14)
    assert FanoResolution(0.05, 0.0, 0.003).sigma(E) == pytest.approx(0.05)


@pytest.mark.parametrize("cut", [False, True], ids=["kept", "cut"])
def test_below_one_pair_there_is_no_signal(cut: bool) -> None:
    seen = response(None, CUT if cut else KEPT, order=("resolution",))
    T = np.array([0.0, 0.00295, 0.00297, 0.05, 0.2, 1.0])
    everything = seen.matrix(T, np.array([-5.0, 5.0]))[0]
    assert everything == pytest.approx([0.0, 0.0, 1.0, 1.0, 1.0, 1.0], abs=1e-12)
    above = seen.matrix(T, np.array([0.0, 5.0]))[0]
    expected = np.ones(4) if cut else ndtr(T[2:] / KEPT.sigma(T[2:]))
    assert above[2:] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("cut", [False, True], ids=["kept", "cut"])
def test_the_density_is_that_of_the_matrix(cut: bool) -> None:
    kept = Efficiency(np.array([-1.0, 0.1, 5.0]), np.array([0.1, 0.3, 0.9]))
    seen = response(LINDHARD, CUT if cut else KEPT, kept, ("quenching", "resolution", "efficiency"))
    T, edges = np.array([0.01, 0.4, 1.0]), np.array([-0.1, -0.02, 0.05, 0.2, 0.4])
    for number in range(len(T)):
        expected = [
            sum(
                quad(lambda x, i=number: float(seen.density(T, np.array([x]))[0, i]), a, b, epsabs=1e-14)[0]
                for a, b in pairwise(sorted({low, high, *(k for k in (0.0, 0.1) if low < k < high)}))
            )
            for low, high in pairwise(edges)
        ]
        assert seen.matrix(T, edges)[:, number] == pytest.approx(expected, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(
    ("noise", "fano", "pair"), [(0.0, 0.1, 0.003), (0.07, -0.1, 0.003), (0.07, 0.1, 0.0), (math.nan, 0.1, 0.003)]
)
def test_noise_without_meaning_is_refused(noise: float, fano: float, pair: float) -> None:
    with pytest.raises(OutOfRange, match="Fano"):
        FanoResolution(noise, fano, pair)


def test_the_rise_of_a_moment_ends_at_one_pair() -> None:
    """Without a smallest signal the noise shows recoils of no energy, whose number diverges: that is an error."""
    assert folded(ON_NUCLEI, response()).numerical_error < 1e-4
    with pytest.raises(NumericalError, match=r"(?s)magnetic_moment_on_nuclei.*fano"):
        folded(ON_NUCLEI, response(LINDHARD, ConstantResolution(0.0685)))
    # with half the energy per pair, at the same width, a quarter more come through the noise from below, close to it
    half = folded(ON_NUCLEI, response(LINDHARD, FanoResolution(0.0685, 0.22, 0.00148))).spectrum.values()
    gain = half / folded(ON_NUCLEI, response()).spectrum.values()
    assert gain[0] == pytest.approx(1.25, abs=0.05)
    assert np.all(np.diff(gain) < 0.0)
    assert gain[-1] == pytest.approx(1.0, abs=1e-4)


# -- invariant: folds -------------------------------------------------------------------------------------------------


def recoil_rate(name: str, T: float) -> float:
    """Recoils per keV of one nucleus of 74Ge and second, integrated over the spectrum."""
    M = GE74.mass
    low = max(0.5 * (T + math.sqrt(T * (T + 2 * M))), 500.0)
    if low >= 9000.0:
        return 0.0
    x = math.sqrt(2 * M * T) / HBAR_C * 1e-13  # q in 1/fm
    c = 1.23 * 74 ** (1 / 3) - 0.60
    r = math.sqrt(c**2 + 7 / 3 * math.pi**2 * 0.52**2 - 5 * 0.9**2)
    helm = 3 * (math.sin(x * r) - x * r * math.cos(x * r)) / (x * r) ** 3 * math.exp(-0.5 * (0.9 * x) ** 2)

    def sigma(E: float) -> float:
        if name == "coherent":
            charge = 42 - (1 - 4 * SIN2) * 32
            weak = (G_FERMI * HBAR_C * charge) ** 2 * M / (4 * math.pi)
            return weak * helm**2 * (1 - T / E - M * T / (2 * E**2))
        return math.pi * (1e-11 * 32 * ALPHA * HBAR_C / M_E) ** 2 * helm**2 * (1 / T - 1 / E)

    return float(quad(lambda E: 1e9 * math.exp(-E / 1000.0) * sigma(E), low, 9000.0, epsabs=0, epsrel=1e-9)[0])


@pytest.mark.parametrize("cut", [False, True], ids=["kept", "cut"])
@pytest.mark.parametrize("process", [COHERENT, ON_NUCLEI], ids=lambda p: p.name)
def test_fold_equals_brute_force(process: Process, cut: bool) -> None:
    """Lindhard, noise and an efficiency in reconstructed energy, from one pair to the largest recoil."""
    knots = np.array([-1.0, 0.2, 0.33, 5.0]), np.array([0.0, 0.3, 0.8, 0.95])
    seen = response(LINDHARD, CUT if cut else KEPT, Efficiency(*knots), ("quenching", "resolution", "efficiency"))
    x, w = np.polynomial.legendre.leggauss(20)

    def bins(T: float) -> Array:
        eps = 11.5 * 32 ** (-7 / 3) * T
        kg = 0.162 * (3 * eps**0.15 + 0.7 * eps**0.6 + eps)
        mean = T * kg / (1 + kg)
        if mean < 0.00296:
            return np.zeros(len(EDGES) - 1)
        sigma = math.sqrt(0.0685**2 + 0.11 * 0.00296 * mean)
        contents = []
        for low, high in pairwise(EDGES):
            fine = np.unique(np.concatenate([np.linspace(low, high, 5), [k for k in knots[0] if low < k < high]]))
            half = 0.5 * np.diff(fine)[:, None]
            points = fine[:-1, None] + half * (x + 1)
            gauss = np.exp(-0.5 * ((points - mean) / sigma) ** 2) / (math.sqrt(2 * math.pi) * sigma)
            contents.append(np.sum(half * w * gauss * np.interp(points, *knots)))
        return np.array(contents) / (0.5 * (1 + math.erf(mean / sigma / math.sqrt(2))) if cut else 1.0)

    end = 2 * 9000.0**2 / (GE74.mass + 2 * 9000.0)
    cuts = [0.02, 0.021, 0.03, 0.06, 0.15, 0.4, 0.8, 1.4, end]
    start = next(T for T in np.linspace(0.015, 0.03, 200_001) if float(LINDHARD.visible(np.array(T))) >= 0.00296)
    cuts = [float(start), *(c for c in cuts if c > start)]

    def integrand(T: float) -> Array:
        return np.asarray(recoil_rate(process.name.split("_")[0], T) * bins(T))

    total = sum(quad_vec(integrand, a, b, epsabs=0, epsrel=1e-7)[0] for a, b in pairwise(cuts))
    expected = 1e3 * day * GERMANIUM.units_per_kg * GE74.number * total
    found = folded(process, seen)
    assert found.spectrum.values() == pytest.approx(expected, rel=2e-5)
    assert found.numerical_error < 1e-4


@pytest.mark.parametrize("process", [COHERENT, ON_NUCLEI], ids=lambda p: p.name)
def test_counts_are_linear_in_flux_and_exposure(process: Process) -> None:
    once, more = folded(process, response()), folded(process, response(), flux=Falling(4e9), exposure=250 * day)
    assert more.spectrum.values() == pytest.approx(once.spectrum.values(), rel=1e-12)


def test_doubling_the_nodes_measures_the_numerical_error_of_steep_spectra() -> None:
    """Bins over seven decades of content, the last of which see the end of the spectrum through the resolution."""
    edges = np.linspace(0.2, 0.8, 61)
    template = folded(COHERENT, response(), edges)
    assert template.spectrum.values()[0] > 1e7 * template.spectrum.values()[-1] > 0.0
    assert template.numerical_error < 1e-4


def test_a_kept_fold_of_nuclei_is_the_fold() -> None:
    processes = [COHERENT, ON_NUCLEI, ON_ELECTRONS]
    templates = fold([FALLING], processes, response(), EDGES, exposure=1e3, units_per_kg=1e24)
    kept = CachedFold.build([FALLING], processes, response(), EDGES, exposure=1e3, units_per_kg=1e24)
    for counts, template in zip(kept.counts([Falling(3e9)]), templates, strict=True):
        assert counts == pytest.approx(3.0 * template.spectrum.values(), rel=1e-10)


# -- invariant: Monte Carlo of nuclear recoils ------------------------------------------------------------------------

RECOILS = 300_000
#: lowest simulated recoil of a moment in keV; what it makes visible is less than a pair
LOWEST = 0.02


def helm_squared(T: Array) -> Array:
    """F^2 of 74Ge at the recoils ``T``."""
    q = np.sqrt(2 * GE74.mass * T) / HBAR_C * 1e-13
    c = 1.23 * 74 ** (1 / 3) - 0.60
    r = math.sqrt(c**2 + 7 / 3 * math.pi**2 * 0.52**2 - 5 * 0.9**2)
    F = 3 * (np.sin(q * r) - q * r * np.cos(q * r)) / (q * r) ** 3 * np.exp(-0.5 * (0.9 * q) ** 2)
    return np.asarray(F**2)


def coherent_recoils(rng: np.random.Generator) -> tuple[Array, float]:
    """Recoils, and counts per nucleus and second that each stands for: E after flux times E^2, T after 1 - T/T_max."""
    E = rng.gamma(3.0, 1000.0, 2 * RECOILS)
    E = E[(E >= 500.0) & (E <= 9000.0)]
    T = 2 * E**2 / (GE74.mass + 2 * E) * (1.0 - np.sqrt(rng.random(len(E))))
    kept = rng.random(len(E)) < helm_squared(T) / (1 + 2 * E / GE74.mass)
    charge = 42 - (1 - 4 * SIN2) * 32
    squares = quad(lambda E: 1e9 * math.exp(-E / 1000.0) * E**2, 500.0, 9000.0, epsabs=0)[0]
    return T[kept], (G_FERMI * HBAR_C * charge) ** 2 / (4 * math.pi) * squares / len(E)


def magnetic_recoils(rng: np.random.Generator) -> tuple[Array, float]:
    """The same of a moment, above LOWEST: E after the flux, T after 1/T."""
    first, last, end = math.exp(-0.5), math.exp(-9.0), 2 * 9000.0**2 / (GE74.mass + 2 * 9000.0)
    E = -1000.0 * np.log(first - rng.random(8 * RECOILS) * (first - last))
    T = LOWEST * (end / LOWEST) ** rng.random(len(E))
    share = np.where(2 * E**2 / (GE74.mass + 2 * E) >= T, (1 - T / E) * helm_squared(T), 0.0)
    assert share.max() <= 1.0
    scale = math.pi * (1e-11 * 32 * ALPHA * HBAR_C / M_E) ** 2 * math.log(end / LOWEST)
    return T[rng.random(len(E)) < share], 1e12 * (first - last) * scale / len(E)


#: falls from 1.3 to 1.8 keV, as a published curve does
FALLING_CURVE = TabulatedQuenching(np.array([0.0, 0.6, 1.3, 1.8, 4.0]), np.array([0.35, 0.33, 0.22, 0.15, 0.18]))


@pytest.mark.parametrize("quenching", [LINDHARD, FALLING_CURVE], ids=["lindhard", "table"])
@pytest.mark.parametrize(("process", "simulated"), [(COHERENT, coherent_recoils), (ON_NUCLEI, magnetic_recoils)])
def test_fold_equals_a_monte_carlo_of_nuclear_recoils(
    process: Process, simulated: Callable[[np.random.Generator], tuple[Array, float]], quenching: Quenching
) -> None:
    """Quenching, noise with Fano fluctuations, efficiency before or after them, at the visible energy or the recoil."""
    rng = np.random.default_rng(20220214)
    edges = np.array([0.05, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4])
    T, each = simulated(rng)
    each *= 1e3 * day * GERMANIUM.units_per_kg * GE74.number
    visible, pair = quenching.visible(T), 0.0075
    assert len(T) > 0.3 * RECOILS
    assert float(quenching.visible(np.array(LOWEST))) < pair
    resolution = FanoResolution(0.03, 0.11, pair)
    there = visible >= pair
    x = rng.normal(visible, np.sqrt(0.03**2 + 0.11 * pair * visible))
    steep = np.array([-1.0, 0.1, 0.15, 1.0, 4.0]), np.array([0.05, 0.1, 0.8, 0.5, 0.9])
    orders: dict[tuple[Stage, ...], Array] = {
        ("quenching", "resolution", "efficiency"): x,
        ("quenching", "efficiency", "resolution"): visible,
        ("efficiency", "quenching", "resolution"): T,
    }
    expected = {
        order: folded(process, response(quenching, resolution, Efficiency(*steep), order), edges).spectrum.values()
        for order in orders
    }
    for order, at in orders.items():
        kept = there & (rng.random(len(T)) < np.interp(at, *steep))
        found = np.histogram(x[kept], edges)[0]
        error = each * np.sqrt(np.maximum(found, 1))
        assert np.abs((each * found - expected[order]) / error).max() < 4
        for other in set(orders) - {order}:  # this simulation rules the other orders out
            assert np.abs((each * found - expected[other]) / error).max() > 8


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("Z", "A", "k"),
    [
        pytest.param(14, 28.0855, 0.146, id="Lindhard et al. 1963, k of silicon"),
        pytest.param(32, 72.630, 0.157, id="Lindhard et al. 1963, k of germanium"),
        pytest.param(54, 131.293, 0.166, id="Lindhard et al. 1963, k of xenon"),
    ],
)
def test_k_of_the_theory(Z: int, A: float, k: float) -> None:
    assert LindhardQuenching.theory(Z, A).k == pytest.approx(k, abs=0.0006)


@pytest.mark.parametrize(
    ("Z", "k", "T", "factor"),
    [
        # eps = 11.5 T / Z^(7/3) with 32^(7/3) = 3251.0 and 54^(7/3) = 11022; then g, and k g / (1 + k g)
        pytest.param(32, 0.157, 1.0, 0.1710, id="Lewin and Smith 1996, germanium, 1 keV: eps 0.003537, g 1.3138"),
        pytest.param(32, 0.157, 10.0, 0.2341, id="Lewin and Smith 1996, germanium, 10 keV: eps 0.03537, g 1.9469"),
        pytest.param(54, 0.166, 10.0, 0.2066, id="Lewin and Smith 1996, xenon, 10 keV: eps 0.01043, g 1.5689"),
    ],
)
def test_factors_by_hand(Z: int, k: float, T: float, factor: float) -> None:
    assert LindhardQuenching(k, Z).visible(np.array(T)) / T == pytest.approx(factor, abs=1e-4)
