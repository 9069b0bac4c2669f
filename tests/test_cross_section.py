"""Neutrino-electron cross sections against closed forms written independently of the package."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from eventfit.cross_section import (
    FreeElectrons,
    MagneticMoment,
    Process,
    StandardModelElectron,
    SteppingElectrons,
    maximum_recoil,
    minimum_energy,
)
from eventfit.errors import OutOfRange
from eventfit.flux import solar_flux
from eventfit.flux.base import FLAVOURS
from eventfit.quadrature import Array, gauss_legendre
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import magnetic_cross_section

TABLES = Tables(shipped("data"))
XENON = Target.load(TABLES, "xenon")
SIN2 = 0.23857
PROCESSES: dict[str, Process] = {
    f"{process.name}-{electrons.name}": process
    for electrons in (FreeElectrons(XENON), SteppingElectrons(XENON))
    for process in (StandardModelElectron(electrons, SIN2), MagneticMoment(electrons))
}
SM, MAGNETIC = PROCESSES["standard_model-free"], PROCESSES["magnetic_moment-free"]

# cross sections are far below the default absolute tolerance of pytest.approx: abs=0 throughout
# the test's own constants: keV, cm; hbar c from the exact h, c and e of the SI
M = 510.99895069
HBAR_C = 6.62607015e-34 * 299792458.0 / (2 * math.pi * 1.602176634e-19) * 1e-3 * 100
G_FERMI = 1.1663788e-17  # keV^-2
ALPHA = 7.2973525643e-3
REFERENCE: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "physics_values.json").read_text())


def edge(E: float) -> float:
    return 2 * E**2 / (M + 2 * E)


def sm_total(E: float, state: str) -> float:
    """Total cross section of one free electron, from the vector and axial couplings."""
    g_A = 0.5 if state.endswith("_e") else -0.5
    g_V = g_A + 2 * SIN2
    g_A *= -1 if state.startswith("nubar") else 1
    T = edge(E)
    same, opposite = (g_V + g_A) ** 2 * T, (g_V - g_A) ** 2 * E * (1 - (1 - T / E) ** 3) / 3
    interference = (g_A**2 - g_V**2) * M * T**2 / (2 * E**2)
    return (G_FERMI * HBAR_C) ** 2 * M / (2 * math.pi) * (same + opposite + interference)


def per_electron(process: Process, E: float, state: str, low: float = 0.0) -> float:
    """Integral of dsigma_dT over T from ``low`` to the edge, for one of the 54 free electrons."""
    panels = np.array([0.0, edge(E)]) if low == 0.0 else np.geomspace(low, edge(E), 40)
    T, weight = gauss_legendre(panels, 10)
    return float(weight @ process.dsigma_dT(process.terms[0], T, np.array([E]), state)[:, 0]) / 54


# -- invariant --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", FLAVOURS)
@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())
def test_every_process_stays_inside_its_kinematics(process: Process, state: str) -> None:
    E = np.geomspace(1.0, 2e4, 37)
    edges = np.array([edge(e) for e in E])
    T = np.sort(np.concatenate([np.geomspace(0.02, 2e4, 211), edges * (1 - 1e-9), edges * (1 + 1e-9)]))
    T = T[T > 0.0121]  # where the stepping approximation has electrons at all
    for term in process.terms:
        sigma = process.dsigma_dT(term, T, E, state)
        assert sigma.shape == (len(T), len(E))
        assert np.all(np.isfinite(sigma))
        assert np.all(sigma >= 0)
        beyond = T[:, None] > edges
        assert np.all(sigma[beyond] == 0)
        assert np.all(sigma[~beyond] > 0)
        assert set(term.weight) == set(FLAVOURS)


@given(E=st.floats(1e-2, 1e6), mass=st.floats(1.0, 1e9))
def test_minimum_energy_inverts_maximum_recoil(E: float, mass: float) -> None:
    T = maximum_recoil(np.array(E), mass)
    assert T < E
    assert minimum_energy(T, mass) == pytest.approx(E, rel=1e-10)


@pytest.mark.parametrize("E", [50.0, 861.3, 1e4])
@pytest.mark.parametrize("state", FLAVOURS)
def test_total_weak_cross_section_is_the_closed_form(state: str, E: float) -> None:
    assert per_electron(SM, E, state) == pytest.approx(sm_total(E, state), rel=1e-9, abs=0)


@pytest.mark.parametrize("E", [50.0, 861.3, 1e4])
@pytest.mark.parametrize("state", FLAVOURS)
def test_magnetic_cross_section_above_a_threshold_is_the_closed_form(state: str, E: float) -> None:
    T0, T = 0.1, edge(E)
    closed = math.pi * (ALPHA * HBAR_C / M) ** 2 * (math.log(T / T0) - (T - T0) / E)
    assert per_electron(MAGNETIC, E, state, T0) == pytest.approx(1e-22 * closed, rel=1e-9, abs=0)  # mu = 1e-11 mu_B


def test_magnetic_coefficient_is_mu_squared() -> None:
    process = MagneticMoment(FreeElectrons(XENON))
    coupling, term = process.couplings[0], process.terms[0]
    at_unit = process.dsigma_dT(term, np.array([2.0]), np.array([400.0]), "nu_e")[0, 0]
    for mu in (1e-11, 2.9e-11, 1e-9):
        fitted = (mu / coupling.scale) ** coupling.power
        expected = 54 * math.pi * (ALPHA * HBAR_C / M * mu) ** 2 * (1 / 2.0 - 1 / 400.0)
        assert fitted ** term.powers[coupling.name] * at_unit == pytest.approx(expected, rel=1e-9, abs=0)
    assert coupling.reported_unit == "mu_B"


def test_antineutrinos_exchange_the_chiral_couplings() -> None:
    process, T = StandardModelElectron(FreeElectrons(XENON), SIN2), np.array([1.0, 300.0])
    found = {state: process.chiral_couplings(T, state) for state in FLAVOURS}
    for flavour in ("e", "mu", "tau"):
        assert found[f"nubar_{flavour}"] == found[f"nu_{flavour}"][::-1]
    assert found["nu_e"] == pytest.approx((SIN2 + 0.5, SIN2))
    assert found["nu_mu"] == found["nu_tau"] == pytest.approx((SIN2 - 0.5, SIN2))


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())
def test_mu_and_tau_are_alike(process: Process) -> None:
    T, E = np.geomspace(0.1, 500, 50), np.array([200.0, 861.3])
    for kind in ("nu", "nubar"):
        mu, tau = (process.dsigma_dT(process.terms[0], T, E, f"{kind}_{flavour}") for flavour in ("mu", "tau"))
        assert np.array_equal(mu, tau)


def test_stepping_is_free_above_the_k_edge_and_less_below() -> None:
    T, E = np.array([0.02, 1.0, 5.0, 34.5, 34.6, 300.0]), np.array([861.3])
    for name in ("standard_model", "magnetic_moment"):
        sigma = [PROCESSES[f"{name}-{e}"] for e in ("stepping", "free")]
        stepping, free = (p.dsigma_dT(p.terms[0], T, E, "nu_e")[:, 0] for p in sigma)
        assert stepping / free * 54 == pytest.approx([6, 40, 48, 52, 54, 54], rel=1e-12)


@pytest.mark.parametrize("sin2", [-0.1, 0.0, 1.0, 23.857, math.nan])
def test_a_mixing_angle_out_of_range_is_refused(sin2: float) -> None:
    with pytest.raises(OutOfRange, match="mixing angle"):
        StandardModelElectron(FreeElectrons(XENON), sin2)


# -- reference --------------------------------------------------------------------------------------------------------


def tree(entry: str, source: str) -> list[object]:
    """One case per state of a recomputed entry of ``reference/physics_values.json``."""
    values = REFERENCE[entry]["recomputed_tree"]
    return [pytest.param(state, value, id=f"tree level, see {source}, {state}") for state, value in values.items()]


@pytest.mark.parametrize(
    ("constant", "rel"),
    [
        pytest.param(math.pi * 2.8179403205e-13**2, 1e-8, id="CODATA 2022, classical electron radius"),
        pytest.param(2.4947e-25, 1e-4, id="CODATA 2022, pi r_e^2 to five digits"),
    ],
)
def test_magnetic_constant(constant: float, rel: float) -> None:
    assert magnetic_cross_section == pytest.approx(constant, rel=rel, abs=0)


@pytest.mark.parametrize(("state", "sigma"), tree("sigma_nue_e_10MeV", "Rev. Mod. Phys. 84, 1307 (2012)"))
def test_weak_cross_section_at_10_MeV(state: str, sigma: float) -> None:
    assert per_electron(SM, 1e4, state) == pytest.approx(sigma, rel=1e-3, abs=0)


@pytest.mark.parametrize(("state", "sigma"), tree("bahcall1995_sigma_7Be_862keV", "Phys. Rev. D 51, 6146 (1995)"))
def test_weak_cross_section_of_7Be(state: str, sigma: float) -> None:
    E = REFERENCE["bahcall1995_sigma_7Be_862keV"]["energy_keV"]
    assert per_electron(SM, E, state) == pytest.approx(sigma, rel=1e-3, abs=0)


@pytest.mark.parametrize(("state", "sigma"), tree("bahcall1995_sigma_pp", "Phys. Rev. D 51, 6146 (1995)"))
def test_weak_cross_section_of_pp(state: str, sigma: float) -> None:
    end_point = 420.22

    def shape(E: float) -> float:
        W = end_point - E + M
        return E**2 * W * math.sqrt(W**2 - M**2)

    weighted = quad(lambda E: shape(E) * per_electron(SM, E, state), 0, end_point, epsabs=0)[0]
    assert weighted / quad(shape, 0, end_point)[0] == pytest.approx(sigma, rel=1e-3, abs=0)


@pytest.mark.parametrize(("state", "sigma"), tree("bahcall1995_sigma_pp", "hep-ph/9710491, Table IV"))
def test_weak_cross_section_of_the_tabulated_pp_spectrum(state: str, sigma: float) -> None:
    # The table has what the allowed shape lacks: the thermal energy of the fusing protons (end point 423.41 keV) and
    # the Fermi function. Both make it harder, so the mean cross section is larger: +0.39 % for nu_e, +0.32 % for nu_mu.
    measure = solar_flux(TABLES, ["pp"], "b16_gs98")[0].measure("flavour", order=2)["nu_e"]

    def total(E: Array) -> Array:
        return np.array([per_electron(SM, e, state) for e in E])

    assert 0.002 < measure.integral(total) / measure.total / sigma - 1 < 0.005
