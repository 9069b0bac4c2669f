"""Neutrinos of stopped pions: closed forms of their spectra, and published ratios of magnetic to weak rates."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from scipy.integrate import quad

from eventfit.analysis.sources import StoppedPionDeclared
from eventfit.cross_section import FreeElectrons, MagneticMoment, Process, StandardModelElectron
from eventfit.errors import DeclarationError, OutOfRange, UnknownName
from eventfit.flux import Measure, flux_per_flavour, stopped_pion_flux
from eventfit.flux.stopped_pion import StoppedPionState
from eventfit.folding import fold
from eventfit.quadrature import gauss_legendre
from eventfit.response import PerfectResolution, Response
from eventfit.strict import validated
from eventfit.tables import Tables, shipped
from eventfit.target import Target

# the test's own constants: MeV
M_MU, M_PI, M_E = 105.6583755, 139.57039, 0.51099895069
STATES = get_args(StoppedPionState)
FREE = FreeElectrons(Target.load(Tables(shipped("data")), "mineral_oil"))
TREE, MAGNETIC = StandardModelElectron(FREE, 0.2386), MagneticMoment(FREE)
SHARP = Response(("resolution",), PerfectResolution())


def nodes(state: str, total: float = 1.0) -> Measure:
    (component,) = stopped_pion_flux(total, components=[state])
    return component.measure("flavour", order=3)[state]


def counts(process: Process, low_MeV: float, high_MeV: float) -> dict[str, float]:
    """Events in one sharp bin for each kind of neutrino, at unit flux."""
    edges = 1e3 * np.array([low_MeV, high_MeV])
    templates = fold(stopped_pion_flux(1.0), [process], SHARP, edges, exposure=1.0, units_per_kg=1.0)
    return {t.component: float(t.spectrum.values()[0]) for t in templates}


# -- invariant --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [1.0, 2.3e6])
@pytest.mark.parametrize("state", STATES)
def test_every_kind_has_the_flux_of_the_source(state: str, total: float) -> None:
    (component,) = stopped_pion_flux(total, components=[state], relative_error=0.07)
    assert nodes(state, total).total == pytest.approx(total, rel=1e-12)
    assert component.relative_error == 0.07
    assert set(component.measure("flavour", order=2)) == {component.name} == {state}
    continuous = quad(lambda E: float(component.density(np.array([E]))[0]), 0.0, 500 * M_MU)[0]
    assert continuous == pytest.approx(0.0 if state == "nu_mu" else total, rel=1e-9)


@pytest.mark.parametrize(
    ("state", "mean", "square"),
    [("nu_mu", None, None), ("nu_e", 0.3 * M_MU, 0.1 * M_MU**2), ("nubar_mu", 0.35 * M_MU, 2 / 15 * M_MU**2)],
)
def test_mean_energies_are_the_closed_forms(state: str, mean: float | None, square: float | None) -> None:
    line = (M_PI**2 - M_MU**2) / (2 * M_PI)
    measure = nodes(state)
    assert measure.integral(lambda E: E / 1e3) == pytest.approx(mean or line, rel=1e-12)
    assert measure.integral(lambda E: (E / 1e3) ** 2) == pytest.approx(square or line**2, rel=1e-12)


@pytest.mark.parametrize("state", ["nu_e", "nubar_mu"])
def test_spectra_end_at_half_the_muon_mass(state: str) -> None:
    (component,) = stopped_pion_flux(1.0, components=[state])
    end = 500 * M_MU
    density = component.density(np.array([-1.0, 0.0, end * (1 - 1e-9), np.nextafter(end, 1e9), 1e5]))
    assert np.all(density[[0, 1, 3, 4]] == 0.0)
    # that of nubar_mu stops at its maximum, that of nu_e falls to zero
    highest = component.density(np.linspace(0.0, end, 2001)).max()
    assert density[2] / highest == pytest.approx(1.0 if state == "nubar_mu" else 0.0, abs=1e-7)
    assert nodes(state).high.max() == pytest.approx(end, rel=1e-15)


def test_momentum_and_energy_are_kept_in_the_decay_of_the_pion() -> None:
    E = nodes("nu_mu").energy[0] / 1e3
    assert E + math.hypot(E, M_MU) == pytest.approx(M_PI, rel=1e-12)


def test_nodes_are_dense_enough_for_every_threshold() -> None:
    for low in (1e-3, 0.5, 18.0, 45.0):
        templates = fold(
            stopped_pion_flux(1.0),
            [TREE, MAGNETIC],
            SHARP,
            1e3 * np.linspace(low, 52.0, 12),
            exposure=1.0,
            units_per_kg=1.0,
        )
        assert max(t.numerical_error for t in templates) < 5e-4


def test_flux_falls_as_the_square_of_the_distance() -> None:
    assert flux_per_flavour(1e15, 0.08, 2000.0) == pytest.approx(8e13 / (4 * math.pi * 4e6))
    assert flux_per_flavour(1e15, 0.08, 4000.0) == pytest.approx(0.25 * flux_per_flavour(1e15, 0.08, 2000.0))


@pytest.mark.parametrize("arguments", [(0.0, 0.1, 1.0), (1.0, -0.1, 1.0), (1.0, 0.1, 0.0), (math.inf, 0.1, 1.0)])
def test_a_source_without_pions_or_distance_is_refused(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(OutOfRange, match="has to be positive"):
        flux_per_flavour(*arguments)


def test_what_a_stopped_pion_does_not_make_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"nubar_e(.|\n)*nubar_mu"):
        stopped_pion_flux(1.0, components=["nubar_e"])
    with pytest.raises(OutOfRange, match="flux per flavour"):
        stopped_pion_flux(-1.0)
    with pytest.raises(OutOfRange, match="mass"):
        stopped_pion_flux(1.0)[0].measure("mass", order=2)


# -- invariant: declarations ------------------------------------------------------------------------------------------

SOURCE = {"protons_per_s": 4.4e15, "pions_per_proton": 0.09, "distance_m": 30.0}


def declared(**keys: object) -> StoppedPionDeclared:
    raw = {"kind": "stopped_pion", "components": ["nu_e", "nu_mu"], **keys}
    return validated(StoppedPionDeclared, raw, where="a.toml: flux[1]", error=DeclarationError)


def test_a_declared_norm_is_a_flux_or_a_source() -> None:
    assert declared(flux_per_flavour_per_cm2_s=3e6).per_flavour == 3e6
    assert declared(**SOURCE).per_flavour == pytest.approx(4.4e15 * 0.09 / (4 * math.pi * 3000.0**2), rel=1e-12)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "missing protons_per_s, pions_per_proton, distance_m"),
        ({"protons_per_s": 1e15, "distance_m": 30.0}, "missing pions_per_proton"),
        ({**SOURCE, "flux_per_flavour_per_cm2_s": 3e6}, "the flux and protons_per_s"),
        ({"flux_per_flavour_per_cm2_s": 3e6, "distance_m": 30.0}, "the flux and distance_m"),
        ({"flux_per_flavour_per_cm2_s": 0.0}, "greater than 0"),
        ({**SOURCE, "distance_m": -30.0}, "greater than 0"),
        ({**SOURCE, "distance_ft": 30.0}, "distance_m"),
        ({"flux_per_flavour_per_cm2_s": 3e6, "components": ["nu_e", "nu_e"]}, "may stand there once"),
        ({"flux_per_flavour_per_cm2_s": 3e6, "components": []}, "at least 1"),
        ({"flux_per_flavour_per_cm2_s": 3e6, "components": ["nubar_e"]}, "'nubar_mu'"),
    ],
)
def test_a_declared_norm_that_is_none_or_two_is_refused(keys: dict[str, object], said: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        declared(**keys)
    assert said in str(refused.value)


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "energy_MeV"),
    [
        pytest.param("nu_mu", 29.79, id="PDG 2024, masses of pi+ and mu+: line"),
        pytest.param("nubar_mu", 52.83, id="PDG 2024, mass of mu+: end point"),
    ],
)
def test_highest_energies(state: str, energy_MeV: float) -> None:
    assert nodes(state).high.max() / 1e3 == pytest.approx(energy_MeV, abs=0.005)


@pytest.mark.parametrize(
    ("window_MeV", "k"),
    [
        pytest.param((18.0, 50.0), 2.13, id="hep-ex/0101039, window of LSND"),
        pytest.param((7.0, 60.0), 2.15, id="Phys. Rev. D 47, 11 (1993), from 7 MeV"),
    ],
)
def test_weight_of_the_muon_flavour_in_the_magnetic_rate(window_MeV: tuple[float, float], k: float) -> None:
    """k of mu_e^2 + k mu_mu^2. Published with acceptance: 2.1 (LAMPF) and 2.4 (LSND, so 13 % more)."""
    events = counts(MAGNETIC, *window_MeV)
    assert (events["nu_mu"] + events["nubar_mu"]) / events["nu_e"] == pytest.approx(k, abs=0.006)


@pytest.mark.parametrize(
    ("low_MeV", "ratio"),
    [
        pytest.param(18.0, 0.285, id="hep-ex/0101039, 18-50 MeV, recomputed"),
        pytest.param(7.0, 0.747, id="Phys. Rev. D 47, 11 (1993), 7-60 MeV, recomputed"),
        pytest.param(15.0, 0.361, id="Phys. Rev. D 47, 11 (1993), 15-60 MeV, recomputed"),
        pytest.param(20.0, 0.244, id="Phys. Rev. D 47, 11 (1993), 20-60 MeV, recomputed"),
    ],
)
def test_magnetic_over_weak_rate_of_nu_e(low_MeV: float, ratio: float) -> None:
    """At mu_e = 1e-9 mu_B and tree level with sin^2 theta_W = 0.2386."""
    high = 50.0 if low_MeV == 18.0 else 60.0
    magnetic, weak = (counts(process, low_MeV, high)["nu_e"] for process in (MAGNETIC, TREE))
    assert 1e4 * magnetic / weak == pytest.approx(ratio, abs=0.0006)


@pytest.mark.parametrize(
    ("state", "slope"),
    [
        pytest.param("nu_e", 9.73e-45, id="tree level, sin2 0.2386, nu_e"),
        pytest.param("nu_mu", 1.50e-45, id="tree level, sin2 0.2386, nu_mu"),
        pytest.param("nubar_mu", 1.37e-45, id="tree level, sin2 0.2386, nubar_mu"),
    ],
)
def test_weak_cross_section_over_energy(state: str, slope: float) -> None:
    """In cm^2/MeV far above the electron mass; over the spectrum of the muon decay nu_e has 1.0 % less."""
    E = 1e8
    T, weight = gauss_legendre(np.array([0.0, 2 * E**2 / (1e3 * M_E + 2 * E)]), 6)
    total = float(weight @ TREE.dsigma_dT(TREE.terms[0], T, np.array([E]), state)[:, 0]) / 8
    assert 1e3 * total / E == pytest.approx(slope, abs=0.005e-45)
    mean = nodes(state).integral(lambda E: E / 1e3)
    assert counts(TREE, 0.0, 60.0)[state] / 8 / mean == pytest.approx(slope, rel=0.012, abs=0)
