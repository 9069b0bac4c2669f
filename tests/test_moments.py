"""Magnetic moments by flavour and by transition: weights, sums, bases, and published relations between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from eventfit.cross_section import FlavourMoments, FreeElectrons, MagneticMoment, Process, TransitionMoments
from eventfit.errors import OutOfRange
from eventfit.flux import Basis, Flux, Measure, solar_flux
from eventfit.flux.base import FLAVOURS, MASS_STATES
from eventfit.folding import fold
from eventfit.quadrature import Array
from eventfit.response import PerfectResolution, Response, SqrtResolution
from eventfit.tables import Tables, shipped
from eventfit.target import Target

TABLES = Tables(shipped("data"))
FREE = FreeElectrons(Target.load(TABLES, "xenon"))
ONE, FLAVOUR, TRANSITION = MagneticMoment(FREE), FlavourMoments(FREE), TransitionMoments(FREE)
FAMILIES = pytest.mark.parametrize("process", [ONE, FLAVOUR, TRANSITION], ids=lambda p: p.name)
SHARP = Response(("resolution",), PerfectResolution())
EDGES = np.array([2.0, 10.0, 60.0, 200.0, 400.0])

# the test's own constants: keV, cm
M, ALPHA, HBAR_C = 510.99895069, 7.2973525643e-3, 1.973269804e-8
SIN2_12, SIN2_13, SIN2_23 = 0.307, 0.0220, 0.56


def survival(E: Array) -> Array:
    """A two-flavour P_ee that falls with energy, as in the Sun."""
    return 0.55 - 0.2 * E / 900.0


def mass_content(E: Array) -> dict[str, Array]:
    """P_1, P_2, P_3 with that P_ee: P_1 = c13^2 p, P_2 = c13^2 (1 - p), P_3 = s13^2."""
    c12, s12 = 1 - SIN2_12, SIN2_12
    p = (survival(E) - s12) / (c12 - s12)
    return dict(zip(MASS_STATES, ((1 - SIN2_13) * p, (1 - SIN2_13) * (1 - p), np.full_like(p, SIN2_13)), strict=True))


def flavour_content(E: Array) -> dict[str, Array]:
    P = survival(E)
    return {"nu_e": P, "nu_mu": (1 - P) * (1 - SIN2_23), "nu_tau": (1 - P) * SIN2_23}


@dataclass(frozen=True, eq=False)
class Oscillated(Flux):
    """A parabola whose content depends on energy, in both bases."""

    name = "toy"
    relative_error = None
    cite = ()
    low, high = 100.0, 900.0

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        content = mass_content if basis == "mass" else flavour_content
        panels = np.linspace(self.low, self.high, 61)

        def of(state: str) -> Measure:
            return Measure.from_density(panels, lambda E: self.density(E) * content(E)[state], order)

        return {state: of(state) for state in content(panels)}

    def density(self, energy: Array) -> Array:
        return np.asarray(1e3 * np.clip((energy - self.low) * (self.high - energy), 0.0, None))


def counts(process: Process, response: Response = SHARP) -> dict[str, Array]:
    templates = fold([Oscillated()], [process], response, EDGES, exposure=1.0, units_per_kg=1.0)
    return {t.term: t.spectrum.values() for t in templates}


# -- invariant --------------------------------------------------------------------------------------------------------


@FAMILIES
def test_every_term_is_one_squared_moment_with_the_same_kernel(process: Process) -> None:
    T, E = np.geomspace(0.1, 700, 40), np.array([100.0, 861.3])
    reference = ONE.dsigma_dT(ONE.terms[0], T, E, "nu_e")
    names = {coupling.name: coupling for coupling in process.couplings}
    assert len(names) == len(process.couplings) == len(process.terms)
    for term in process.terms:
        (coupling,) = (names[name] for name in term.powers)
        assert term.powers == {coupling.name: 1}
        assert (coupling.power, coupling.scale, coupling.lower, coupling.unit) == (2, 1e-11, 0.0, "(1e-11 mu_B)^2")
        assert term.weight
        assert set(term.weight) <= set(FLAVOURS if term.basis == "flavour" else MASS_STATES)
        for state in term.weight:
            assert np.array_equal(process.dsigma_dT(term, T, E, state), reference)
    assert np.all(reference[T[:, None] > 2 * E**2 / (M + 2 * E)] == 0)
    assert np.all(reference[T[:, None] < 2 * E**2 / (M + 2 * E)] > 0)


def test_flavour_moments_treat_neutrino_and_antineutrino_alike_and_cover_every_flavour_once() -> None:
    for state in FLAVOURS:
        (term,) = (term for term in FLAVOUR.terms if state in term.weight)
        assert term.name == "mu_" + state.split("_")[1]
        assert term.weight[state] == 1.0
        assert len(term.weight) == 2
    assert [c.name for c in FLAVOUR.couplings] == ["mu_e2", "mu_mu2", "mu_tau2"]
    assert [c.reported for c in FLAVOUR.couplings] == ["mu_e", "mu_mu", "mu_tau"]


def test_transition_moments_weigh_their_two_states() -> None:
    weights = {term.name: dict(term.weight) for term in TRANSITION.terms}
    assert weights == {
        "mu_12": {"nu_1": 1.0, "nu_2": 1.0},
        "mu_13": {"nu_1": 1.0, "nu_3": 1.0},
        "mu_23": {"nu_2": 1.0, "nu_3": 1.0},
    }
    assert {term.basis for term in TRANSITION.terms} == {"mass"}


def test_weights_are_the_sum_over_final_states_of_an_antisymmetric_matrix() -> None:
    rng = np.random.default_rng(1)
    moment = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    moment = moment - moment.T
    P = rng.dirichlet(np.ones(3))
    size = {"mu_12": abs(moment[0, 1]), "mu_13": abs(moment[0, 2]), "mu_23": abs(moment[1, 2])}
    content = dict(zip(MASS_STATES, P, strict=True))
    ours = sum(size[t.name] ** 2 * sum(w * content[s] for s, w in t.weight.items()) for t in TRANSITION.terms)
    assert ours == pytest.approx(float(P @ np.sum(np.abs(moment) ** 2, axis=1)))


def test_equal_flavour_moments_are_one_effective_moment() -> None:
    by_flavour, one = counts(FLAVOUR), counts(ONE)["magnetic_moment"]
    np.testing.assert_allclose(np.sum(list(by_flavour.values()), axis=0), one, rtol=1e-12)


@pytest.mark.parametrize(
    "response", [SHARP, Response(("resolution",), SqrtResolution(0.3, 0.0015))], ids=["sharp", "smeared"]
)
def test_equal_transition_moments_are_twice_one_moment_at_every_energy(response: Response) -> None:
    content = mass_content(np.linspace(100.0, 900.0, 9))
    for k in range(9):
        assert sum(w * content[s][k] for t in TRANSITION.terms for s, w in t.weight.items()) == pytest.approx(2.0)
    by_transition, one = counts(TRANSITION, response), counts(ONE, response)["magnetic_moment"]
    np.testing.assert_allclose(np.sum(list(by_transition.values()), axis=0), 2 * one, rtol=1e-6)


@pytest.mark.parametrize("process", [FLAVOUR, TRANSITION], ids=lambda p: p.name)
def test_folded_terms_equal_direct_quadrature(process: Process) -> None:
    flux, found = Oscillated(), counts(process)
    scale = 54 * math.pi * (1e-11 * ALPHA * HBAR_C / M) ** 2
    for term in process.terms:
        for (low, high), value in zip(pairwise(EDGES), found[term.name], strict=True):

            def rate(
                E: float, low: float = low, high: float = high, weight: Mapping[str, float] = term.weight
            ) -> float:
                content = (mass_content if process is TRANSITION else flavour_content)(np.array([E]))
                P = sum(w * content[s][0] for s, w in weight.items() if s in content)
                stop = min(high, 2 * E**2 / (M + 2 * E))
                seen = math.log(stop / low) - (stop - low) / E if stop > low else 0.0  # of 1/T - 1/E
                return float(flux.density(np.array([E]))[0] * P * seen)

            kinks = [0.5 * (T + math.sqrt(T * (T + 2 * M))) for T in (low, high)]
            cuts = np.unique(np.clip([flux.low, *kinks, flux.high], flux.low, flux.high))
            exact = sum(quad(rate, a, b, epsabs=0)[0] for a, b in pairwise(cuts))
            assert value == pytest.approx(scale * exact, rel=1e-5, abs=0)


def test_a_flux_without_a_flavour_gives_an_empty_template() -> None:
    pp = solar_flux(TABLES, ["pp"], "b16_gs98")  # not oscillated: nu_e alone
    electron, muon, tau = fold(pp, [FLAVOUR], SHARP, EDGES[:4], exposure=1.0, units_per_kg=1.0)
    assert np.all(electron.spectrum.values() > 0)
    assert not np.any(muon.spectrum.values())
    assert not np.any(tau.spectrum.values())


@FAMILIES
def test_families_name_their_sources(process: Process) -> None:
    assert "vogel-engel1989" in process.cite
    assert ("arXiv:1510.01684" in process.cite) == (process is TRANSITION)


def test_transition_moments_need_a_mass_content() -> None:
    unpropagated = solar_flux(TABLES, ["be7"], "b16_gs98")
    with pytest.raises(OutOfRange, match="mass content"):
        fold(unpropagated, [TRANSITION], SHARP, EDGES, exposure=1.0, units_per_kg=1.0)


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [pytest.param(p, id=f"arXiv:1510.01684, p = {p}") for p in (0.34, 0.55, 0.69)])
def test_effective_moment_of_solar_neutrinos(p: float) -> None:
    """|Lambda|^2 - c13^2 |Lambda_2|^2 + (c13^2 - 1) |Lambda_3|^2 + c13^2 p (|Lambda_2|^2 - |Lambda_1|^2)."""
    c13 = 1 - SIN2_13
    content = {"nu_1": c13 * p, "nu_2": c13 * (1 - p), "nu_3": SIN2_13}
    for position, name in enumerate(("mu_23", "mu_13", "mu_12")):  # Lambda_i = eps_ijk mu_jk
        one, two, three = np.eye(3)[position]
        published = 1.0 - c13 * two + (c13 - 1) * three + c13 * p * (two - one)
        (term,) = (term for term in TRANSITION.terms if term.name == name)
        assert sum(w * content[s] for s, w in term.weight.items()) == pytest.approx(published, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        pytest.param("mu_12", 2.8, id="arXiv:1707.09355, mu_12"),
        pytest.param("mu_13", 3.4, id="arXiv:1707.09355, mu_13"),
        pytest.param("mu_23", 5.0, id="arXiv:1707.09355, mu_23"),
    ],
)
def test_published_transition_limits_follow_from_the_effective_one(name: str, limit: float) -> None:
    # below 1 MeV the content is nearly that of the vacuum; the limits are printed with two digits
    content = {"nu_1": (1 - SIN2_13) * (1 - SIN2_12), "nu_2": (1 - SIN2_13) * SIN2_12, "nu_3": SIN2_13}
    (term,) = (term for term in TRANSITION.terms if term.name == name)
    weight = sum(w * content[s] for s, w in term.weight.items())
    assert 2.8 / math.sqrt(weight) == pytest.approx(limit, rel=0.03)
