"""Spectra and the fold: against brute force, a Monte Carlo of recoils, and a plain rate in arbitrary units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad, quad_vec
from scipy.special import ndtr

from eventfit.cross_section import (
    FreeElectrons,
    MagneticMoment,
    Process,
    StandardModelElectron,
    SteppingElectrons,
    maximum_recoil,
)
from eventfit.errors import NumericalError, OutOfRange
from eventfit.flux import Basis, Flux, Measure, solar_flux
from eventfit.folding import ORDER_E, ORDER_T, Folding, fold
from eventfit.folding.fold import folded as more_nodes
from eventfit.quadrature import Array
from eventfit.response import (
    Efficiency,
    PerfectResolution,
    Response,
    SqrtResolution,
    Stage,
)
from eventfit.spectrum import Spectrum, Template
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import tonne, year

TABLES = Tables(shipped("data"))
XENON = Target.load(TABLES, "xenon")
FREE, STEPPING = FreeElectrons(XENON), SteppingElectrons(XENON)
SIN2 = 0.23857
SM, MAGNETIC = StandardModelElectron(STEPPING, SIN2), MagneticMoment(STEPPING)
PP, BE7 = solar_flux(TABLES, ["pp", "be7"], "b16_gs98")
EXPOSURE = 0.65 * tonne * year
EDGES = np.arange(1.0, 31.0)
PERFECT = Response(("resolution",), PerfectResolution())
AFTER: tuple[Stage, ...] = ("resolution", "efficiency")
BEFORE: tuple[Stage, ...] = ("efficiency", "resolution")
ORDERS = pytest.mark.parametrize("order", [AFTER, BEFORE], ids="-".join)

# the tests' own constants: keV, cm, g
M, G_FERMI, ALPHA, HBAR_C = 510.99895069, 1.1663788e-17, 7.2973525643e-3, 1.973269804e-8
ATOMS_PER_KG = 6.02214076e23 / 0.131293


def xenon1t(order: tuple[Stage, ...] = AFTER) -> Response:
    table = TABLES.read("experiments/xenon1t_2020/efficiency")
    return Response(order, SqrtResolution(0.3171, 0.0015), Efficiency(table["energy_keV"], table["efficiency"]))


def folded(
    fluxes: Sequence[Flux], processes: Sequence[Process], response: Response, edges: Array, exposure: float = EXPOSURE
) -> tuple[Template, ...]:
    return fold(fluxes, processes, response, edges, exposure=exposure, units_per_kg=XENON.units_per_kg)


def weak(T: Any, E: Any, g_L: float = SIN2 + 0.5, g_R: float = SIN2) -> Any:
    """Weak d sigma/dT of one electron in cm^2/keV."""
    scale = 2 * (G_FERMI * HBAR_C) ** 2 * M / math.pi
    return scale * (g_L**2 + g_R**2 * (1 - T / E) ** 2 - g_L * g_R * M * T / E**2)


def antimuon(T: Any, E: Any) -> Any:
    """The same for an antineutrino of the muon or tau."""
    return weak(T, E, SIN2, SIN2 - 0.5)


def magnetic(T: Any, E: Any) -> Any:
    """Magnetic d sigma/dT of one electron in cm^2/keV for 1e-11 mu_B."""
    return math.pi * (1e-11 * ALPHA * HBAR_C / M) ** 2 * (1 / T - 1 / E)


def edge(E: Any) -> Any:
    return 2 * E**2 / (M + 2 * E)


# -- invariant: spectrum ----------------------------------------------------------------------------------------------


def test_spectra_add_and_scale() -> None:
    edges = np.array([0.0, 1.0, 3.0])
    a = Spectrum(edges, np.array([1.0, 2.0]), np.array([1.0, 4.0]), "a")
    b = Spectrum(edges, np.array([10.0, 20.0]), np.array([10.0, 20.0]))
    both = a + 2 * b
    assert both.values().tolist() == [21, 42]
    assert both.variances().tolist() == [41, 84]
    assert Spectrum(edges, np.ones(2)).variances().tolist() == [0, 0]  # an expectation
    assert (a * 3.0).variances().tolist() == [9, 36]
    assert both.name == "a"
    with pytest.raises(OutOfRange, match="same edges"):
        a + Spectrum(edges + 1, np.ones(2))


def test_rebin_keeps_the_sum() -> None:
    fine = Spectrum(np.arange(6.0), np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.array([1.0, 1.0, 2.0, 3.0, 5.0]))
    coarse = fine.rebin(np.array([0.0, 2.0, 5.0]))
    assert coarse.edges.tolist() == [0, 2, 5]
    assert coarse.values().tolist() == [3, 28]
    assert coarse.variances().tolist() == [2, 10]
    assert fine.rebin(np.array([1.0, 3.0])).values().tolist() == [6]


@pytest.mark.parametrize("edges", [[0, 2.5, 5], [0, 2, 6], [-1, 5], [3, 1], [2, 2], [2]], ids=str)
def test_rebin_refuses_edges_that_are_not_its_own(edges: list[float]) -> None:
    with pytest.raises(OutOfRange, match="old edges"):
        Spectrum(np.arange(6.0), np.ones(5)).rebin(np.array(edges))


@pytest.mark.parametrize(
    ("edges", "counts", "variance"),
    [([0, 1, 2], [1], []), ([0, 1, 2], [1, 2], [1]), ([0, 2, 1], [1, 2], []), ([0, 1, 1], [1, 2], [])],
    ids=str,
)
def test_arrays_that_do_not_belong_together_are_refused(
    edges: list[float], counts: list[float], variance: list[float]
) -> None:
    with pytest.raises(OutOfRange, match="belong together"):
        Spectrum(np.array(edges), np.array(counts), np.array(variance))


def test_a_spectrum_speaks_uhi() -> None:
    spectrum = Spectrum(np.array([1.0, 2.0, 4.0]), np.array([5.0, 6.0]), np.array([7.0, 8.0]))
    (axis,) = spectrum.axes
    assert spectrum.kind == "COUNT"
    assert spectrum.values().tolist() == [5, 6]
    assert spectrum.variances().tolist() == [7, 8]
    assert len(axis) == 2
    assert [axis[0], axis[1], axis[-1]] == [(1, 2), (2, 4), (2, 4)]
    for outside in (2, -3):
        with pytest.raises(IndexError):
            axis[outside]


def test_axes_have_the_traits_and_equality_of_uhi() -> None:
    first, second = (Spectrum(np.array([1.0, 2.0, 4.0]), np.zeros(2)).axes[0] for _ in range(2))
    traits: Any = first.traits
    assert not traits.discrete
    assert not traits.circular
    assert first == second


# -- invariant: fold --------------------------------------------------------------------------------------------------


def test_templates_carry_names_and_powers() -> None:
    templates = folded([PP, BE7], [SM, MAGNETIC], xenon1t(), EDGES)
    assert {t.name: dict(t.powers) for t in templates} == {
        "pp.standard_model": {},
        "be7.standard_model": {},
        "pp.magnetic_moment": {"mu2": 1},
        "be7.magnetic_moment": {"mu2": 1},
    }


def test_counts_are_linear_in_flux_and_exposure() -> None:
    once = folded([PP, BE7], [SM], xenon1t(), EDGES)
    more = folded([replace(PP, total=3 * PP.total), BE7], [SM], xenon1t(), EDGES, 0.25 * EXPOSURE)
    for before, after, factor in zip(once, more, (0.75, 0.25), strict=True):
        assert after.spectrum.values() == pytest.approx(factor * before.spectrum.values(), rel=1e-12)


def test_a_component_does_not_depend_on_its_company() -> None:
    together = folded([PP, BE7], [SM, MAGNETIC], xenon1t(), EDGES)
    alone = [folded([flux], [process], xenon1t(), EDGES)[0] for process in (SM, MAGNETIC) for flux in (PP, BE7)]
    for a, b in zip(together, alone, strict=True):
        assert a.name == b.name
        assert a.spectrum.values() == pytest.approx(b.spectrum.values(), rel=1e-6)


@pytest.mark.parametrize("response", [PERFECT, xenon1t()], ids=["perfect", "smeared"])
def test_a_bin_does_not_depend_on_where_the_window_ends(response: Response) -> None:
    edges = np.array([2.0, 7.7, 33.3, 61.9])
    (whole,) = folded([PP], [SM], response, edges)
    alone = [folded([PP], [SM], response, np.array(pair))[0].spectrum.values()[0] for pair in pairwise(edges)]
    assert alone == pytest.approx(whole.spectrum.values(), rel=1e-6)


@pytest.mark.parametrize("process", [SM, MAGNETIC], ids=["weak", "magnetic"])
def test_nothing_beyond_the_recoil_edge(process: Process) -> None:
    end = float(edge(861.3))  # 664.3 keV
    edges = np.array([100.0, 231.0, 232.0, end, 700.0, 1000.0])  # the 384 keV line ends at 230.9 keV
    (template,) = folded([BE7], [process], PERFECT, edges)
    assert np.all(template.spectrum.values()[:3] > 0)
    assert np.all(template.spectrum.values()[3:] == 0)


def test_doubling_the_nodes_measures_the_numerical_error() -> None:
    for flux, process in [(PP, SM), (PP, MAGNETIC), (BE7, SM), (BE7, MAGNETIC)]:
        (template,) = folded([flux], [process], xenon1t(), EDGES)
        measures = flux.measure("flavour", order=4 * ORDER_E)
        end = maximum_recoil(np.array([384.3, 861.3]) if flux is BE7 else flux.nodes_keV[-1:], process.mass)
        folding = Folding.build(
            xenon1t(),
            EDGES,
            limit=float(end.max()),
            breakpoints=np.concatenate([process.breakpoints, end]),
            order=4 * ORDER_T,
        )
        best = (
            EXPOSURE
            * XENON.units_per_kg
            * folding.counts(process, process.terms[0], folding.arriving(measures, process.mass))
        )
        true_error = np.max(np.abs(template.spectrum.values() / best - 1))
        assert 0 < template.numerical_error < 1e-5
        assert true_error <= 1.1 * template.numerical_error + 1e-12


def test_a_fold_that_has_not_converged_is_an_error() -> None:
    window = np.array([0.0, 5.0, 10.0])  # 1/T diverges at T = 0 on free electrons
    with pytest.raises(NumericalError, match="pp through magnetic_moment"):
        folded([PP], [MagneticMoment(FREE)], PERFECT, window)
    folded([PP], [StandardModelElectron(FREE, SIN2)], PERFECT, window)
    with pytest.raises(NumericalError):
        fold([PP], [SM], xenon1t(), EDGES, exposure=1.0, units_per_kg=1.0, tolerance=1e-9)


@pytest.mark.parametrize("a", [0.31, 1.5], ids="sigma = {0} sqrt(E)".format)
def test_bins_beyond_the_end_of_a_spectrum_hold_the_tail_of_the_resolution(a: float) -> None:
    """pp recoils end at 261.1 keV; as far as a millionth of all counts lie in a bin, its content is right."""
    response, edges = Response(("resolution",), SqrtResolution(a, 0.0)), np.arange(1.0, 400.0)
    (template,) = folded([PP], [SM], response, edges)
    ((_, _, _, best, _),) = more_nodes([PP], [SM], response, edges, 6)
    counts, best = template.spectrum.values(), EXPOSURE * XENON.units_per_kg * best
    beyond = (edges[:-1] > 262) & (best > 1e-6 * best.sum())
    assert beyond.sum() > 5
    assert counts[beyond] == pytest.approx(best[beyond], rel=1e-4)


def weak_total(E: float) -> float:
    return float(quad(weak, 0, edge(E), args=(E,), epsabs=0)[0])


def test_everything_seen_equals_flux_times_total_cross_section() -> None:
    templates = folded([PP, BE7], [StandardModelElectron(FREE, SIN2)], PERFECT, np.array([0.0, 700.0]))
    table = TABLES.read("flux/solar/spectrum_pp")
    E, density = np.append(0.0, table["energy_keV"]), np.append(0.0, table["density_per_keV"])
    middle = 0.5 * (E[1:] + E[:-1])
    sigma = [np.array([weak_total(e) if e else 0.0 for e in energies]) for energies in (E[:-1], middle, E[1:])]
    rho = density[:-1], 0.5 * (density[:-1] + density[1:]), density[1:]
    simpson = np.diff(E) / 6 @ (rho[0] * sigma[0] + 4 * rho[1] * sigma[1] + rho[2] * sigma[2])
    expected = [
        5.98e10 * simpson / np.trapezoid(density, E),
        4.93e9 * (0.1044 * weak_total(384.3) + 0.8956 * weak_total(861.3)),
    ]
    found = [t.spectrum.values()[0] for t in templates]
    assert found == pytest.approx(54 * ATOMS_PER_KG * EXPOSURE * np.array(expected), rel=1e-6)


@dataclass(frozen=True, eq=False)
class TwoStates(Flux):
    """A kinked continuum of nu_e with a line, and half the continuum again as nubar_mu."""

    name = "two_states"
    relative_error = None
    cite = ()
    knots = np.array([50.0, 120.0, 250.0, 400.0])
    values = np.array([0.0, 3e7, 2e7, 0.0])
    line = 300.0, 4e9

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        panels = np.unique(np.concatenate([np.linspace(a, b, 41) for a, b in pairwise(self.knots)]))
        continuum = Measure.from_density(panels, self.density, order)
        line = Measure.lines(np.array([self.line[0]]), np.array([self.line[1]]))
        return {"nu_e": continuum + line, "nubar_mu": 0.5 * continuum}

    def density(self, energy: Array) -> Array:
        return np.asarray(np.interp(energy, self.knots, self.values, left=0.0, right=0.0))


@ORDERS
@pytest.mark.parametrize("process", [SM, MAGNETIC], ids=["weak", "magnetic"])
def test_fold_equals_brute_force(process: Process, order: tuple[Stage, ...]) -> None:
    edges, flux = np.array([2.0, 4.0, 5.0, 9.0]), TwoStates()
    knots = np.array([0.0, 3.0, 4.5, 6.0, 300.0]), np.array([0.0, 0.2, 0.8, 0.9, 0.7])

    def rate(T: float) -> float:
        """Recoils per keV of one electron."""
        low = max(0.5 * (T + math.sqrt(T * (T + 2 * M))), flux.knots[0])
        nu_e, nubar_mu = (weak, antimuon) if process is SM else (magnetic, magnetic)

        def continuum(E: float) -> float:
            return float((nu_e(T, E) + 0.5 * nubar_mu(T, E)) * np.interp(E, flux.knots, flux.values))

        cuts = [low, *flux.knots[flux.knots > low]]
        line = flux.line[1] * nu_e(T, flux.line[0]) if edge(flux.line[0]) > T else 0.0
        return line + float(sum(quad(continuum, a, b, epsabs=0, epsrel=1e-9)[0] for a, b in pairwise(cuts)))

    def seen(T: float) -> Array:
        """P(bin | T) by Gauss-Legendre in the reconstructed energy; the knots are bin edges or cut the bins."""
        sigma = 0.3171 * math.sqrt(T) + 0.0015 * T
        contents = []
        for low, high in pairwise(edges):
            fine = np.unique(np.concatenate([np.linspace(low, high, 11), [k for k in knots[0] if low < k < high]]))
            x, w = np.polynomial.legendre.leggauss(12)
            half = 0.5 * np.diff(fine)[:, None]
            points = fine[:-1, None] + half * (x + 1)
            gauss = np.exp(-0.5 * ((points - T) / sigma) ** 2) / (math.sqrt(2 * math.pi) * sigma)
            accepted = np.interp(points if order is AFTER else T, *knots)
            contents.append(np.sum(half * w * gauss * accepted))
        return np.array(contents)

    def integrand(T: float) -> Array:
        return np.asarray(XENON.electrons_below(np.array([T])) * rate(T) * seen(T))

    kinks = [1.0021, 1.1487, 3.0, 4.5, 4.786, 5.107, 5.453, 6.0, edge(50.0), 15.0, 25.0]
    total = sum(quad_vec(integrand, a, b, epsabs=0, epsrel=1e-8)[0] for a, b in pairwise(sorted([0.05, *kinks, 40.0])))
    response = Response(order, SqrtResolution(0.3171, 0.0015), Efficiency(*knots))
    (template,) = folded([flux], [process], response, edges)
    assert template.spectrum.values() == pytest.approx(EXPOSURE * ATOMS_PER_KG * total, rel=1e-6)


# -- invariant: Monte Carlo of recoils --------------------------------------------------------------------------------

RECOILS = 1_000_000
#: recoils that can be reconstructed in 1-30 keV; the outermost shell of xenon opens at 12.1 eV
LOW, HIGH = 0.0121, 80.0
SHELLS = np.array([0.0121, 0.0134, 0.0233, 0.0675, 0.0695, 0.1455, 0.1467, 0.2132, 0.6764, 0.689, 0.9406, 1.0021])
SHELLS = np.append(SHELLS, [1.1487, 4.786, 5.107, 5.453, 34.561])
OPEN = np.array([0, 4, 6, 8, 14, 18, 22, 24, 26, 32, 36, 40, 42, 44, 48, 50, 52, 54])


def neutrinos(rng: np.random.Generator, number: int) -> Array:
    """Energies of pp and 7Be neutrinos in the proportion of their fluxes."""
    table = TABLES.read("flux/solar/spectrum_pp")
    E, density = np.append(0.0, table["energy_keV"]), np.append(0.0, table["density_per_keV"])
    area = 0.5 * np.diff(E) * (density[1:] + density[:-1])
    panel = rng.choice(len(area), number, p=area / area.sum())
    rising = rng.random(number) * (density[panel] + density[panel + 1]) < density[panel + 1]
    u = np.sqrt(rng.random(number))  # a trapezoid is a rising and a falling triangle
    pp = E[panel] + np.diff(E)[panel] * np.where(rising, u, 1 - u)
    be7 = np.where(rng.random(number) < 0.8956, 861.3, 384.3)
    return np.where(rng.random(number) < 5.98 / (5.98 + 0.493), pp, be7)


def simulated_recoils(name: str, rng: np.random.Generator) -> tuple[Array, float]:
    """At least RECOILS recoils T by rejection, and the number of counts that each stands for."""
    recoils: list[Array] = []
    trials = 0
    while sum(map(len, recoils)) < RECOILS:
        E = neutrinos(rng, RECOILS)
        if name == "weak":
            T = rng.uniform(LOW, HIGH, len(E))
            top, envelope = weak(0.0, 1.0), weak(0.0, 1.0) * (HIGH - LOW)
            share = weak(T, E) / top
        else:
            T = LOW * (HIGH / LOW) ** rng.random(len(E))
            envelope = magnetic(1.0, math.inf) * math.log(HIGH / LOW)
            share = 1 - T / E
        share = np.where(edge(E) >= T, share, 0.0) * OPEN[np.searchsorted(SHELLS, T)] / 54
        assert share.max() <= 1
        recoils.append(T[rng.random(len(E)) < share])
        trials += len(E)
    return np.concatenate(recoils), EXPOSURE * ATOMS_PER_KG * (5.98e10 + 4.93e9) * 54 * envelope / trials


@pytest.mark.parametrize(("name", "process"), [("weak", SM), ("magnetic", MAGNETIC)], ids=["weak", "magnetic"])
def test_fold_equals_a_monte_carlo_of_recoils_in_both_orders(name: str, process: Process) -> None:
    rng = np.random.default_rng(20200617)
    T, counts_each = simulated_recoils(name, rng)
    x = rng.normal(T, 0.3171 * np.sqrt(T) + 0.0015 * T)
    steep = np.array([0.0, 1.8, 2.2, 9.9, 10.1, 210.0]), np.array([0.0, 0.1, 0.9, 0.8, 0.4, 0.5])
    expected = {}
    for order in (AFTER, BEFORE):
        response = Response(order, SqrtResolution(0.3171, 0.0015), Efficiency(*steep))
        expected[order] = np.sum([t.spectrum.values() for t in folded([PP, BE7], [process], response, EDGES)], axis=0)
    for order, other, efficient_at in [(AFTER, BEFORE, x), (BEFORE, AFTER, T)]:
        found = np.histogram(x[rng.random(len(T)) < np.interp(efficient_at, *steep)], EDGES)[0]
        error = counts_each * np.sqrt(found)
        assert np.abs((counts_each * found - expected[order]) / error).max() < 4
        assert counts_each * found.sum() == pytest.approx(expected[order].sum(), abs=4 * math.hypot(*error))
        # this simulation rules the other order out
        assert np.abs((counts_each * found - expected[other]) / error).max() > 20


# -- invariant: units -------------------------------------------------------------------------------------------------


def plain_counts(keV: float, cm: float, s: float, kg: float, edges_keV: Array) -> Array:
    """Weak plus magnetic counts of pp and 7Be in xenon, when the base units have these numerical values."""
    mass, G_F, hbar_c = 510.99895069 * keV, 1.1663788e-17 / keV**2, 1.973269804e-8 * keV * cm
    atoms = 0.65 * 1000 * kg * 365.25 * 86400 * s * 6.02214076e23 / (0.131293 * kg)
    table = TABLES.read("flux/solar/spectrum_pp")
    knots = np.append(0.0, table["energy_keV"]) * keV
    density = np.append(0.0, table["density_per_keV"]) / keV
    density *= 5.98e10 / (cm**2 * s) / np.trapezoid(density, knots)
    lines, intensity = np.array([384.3, 861.3]) * keV, np.array([0.1044, 0.8956]) * 4.93e9 / (cm**2 * s)
    shells = SHELLS * keV
    efficiency = np.array([0.0, 2.0, 5.0, 70.0]) * keV, np.array([0.0, 0.5, 0.9, 0.8])
    x, w = np.polynomial.legendre.leggauss(8)

    def sigma(T: Array, E: Array) -> Array:
        g_L, g_R = 0.23857 + 0.5, 0.23857
        shape = g_L**2 + g_R**2 * (1 - T / E) ** 2 - g_L * g_R * mass * T / E**2
        moment = np.pi * (1e-11 * 7.2973525643e-3 * hbar_c / mass) ** 2 * (1 / T - 1 / E)
        return np.asarray(2 * (G_F * hbar_c) ** 2 * mass / np.pi * shape + moment)

    cuts = np.unique(np.concatenate([shells, efficiency[0], np.geomspace(0.1, 70, 60) * keV]))
    cuts = cuts[(cuts >= 0.1 * keV) & (cuts <= 70 * keV)]
    T = (cuts[:-1, None] + 0.5 * np.diff(cuts)[:, None] * (x + 1)).ravel()
    dT = (0.5 * np.diff(cuts)[:, None] * w).ravel()
    E_min = 0.5 * (T + np.sqrt(T * (T + 2 * mass)))
    low, high = np.maximum(knots[:-1], E_min[:, None]), np.maximum(knots[1:], E_min[:, None])
    E = low[..., None] + 0.5 * (high - low)[..., None] * (x + 1)
    dE = 0.5 * (high - low)[..., None] * w
    rate = np.sum(dE * sigma(T[:, None, None], E) * np.interp(E, knots, density), axis=(1, 2))
    inside = T[:, None] <= 2 * lines**2 / (mass + 2 * lines)
    rate += np.where(inside, sigma(T[:, None], lines), 0.0) @ intensity
    width = 0.3171 * np.sqrt(T * keV) + 0.0015 * T
    bins = np.diff(ndtr((edges_keV[:, None] * keV - T) / width), axis=0)
    rate *= OPEN[np.searchsorted(shells, T)] * np.interp(T, *efficiency)
    return np.asarray(atoms * (bins @ (rate * dT)))


def test_counts_do_not_depend_on_the_units() -> None:
    edges = np.array([1.0, 2.0, 4.0, 6.0, 12.0, 20.0])
    efficiency = Efficiency(np.array([0.0, 2.0, 5.0, 70.0]), np.array([0.0, 0.5, 0.9, 0.8]))
    response = Response(BEFORE, SqrtResolution(0.3171, 0.0015), efficiency)
    ours = np.sum([t.spectrum.values() for t in folded([PP, BE7], [SM, MAGNETIC], response, edges)], axis=0)
    rng = np.random.default_rng(7)
    for keV, cm, s, kg in 10 ** rng.uniform(-4, 4, (2, 4)):
        assert plain_counts(keV, cm, s, kg, edges) == pytest.approx(ours, rel=1e-6)
