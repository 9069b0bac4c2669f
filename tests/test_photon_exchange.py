"""Millicharges and charge radii: one shift of g_V, against couplings shifted by hand, closed forms and publications."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from eventfit.analysis.mechanisms import ChargeRadiusDeclared, MillichargeDeclared
from eventfit.cross_section import (
    ChargeRadius,
    CorrectedElectron,
    CrossTerms,
    FreeElectrons,
    MagneticMoment,
    Millicharge,
    PhotonExchange,
    StandardModelElectron,
    SteppingElectrons,
    WeakElectron,
)
from eventfit.cross_section.charge_radius import HALF_CONVENTION
from eventfit.cross_section.electron import Chiral
from eventfit.cross_section.radiative import BKS1995
from eventfit.errors import DeclarationError, NumericalError, OutOfRange, UnknownName
from eventfit.flux import solar_flux, stopped_pion_flux
from eventfit.flux.base import FLAVOURS
from eventfit.folding import fold
from eventfit.quadrature import Array, gauss_legendre
from eventfit.response import PerfectResolution, Response, SqrtResolution
from eventfit.strict import Strict, validated
from eventfit.tables import Tables, shipped
from eventfit.target import Target

TABLES = Tables(shipped("data"))
XENON = Target.load(TABLES, "xenon")
FREE = FreeElectrons(XENON)
SIN2, SIN2_MZ = 0.23857, 0.23122
TREE, CORRECTED = StandardModelElectron(FREE, SIN2), CorrectedElectron(FREE, SIN2_MZ)
QED = CorrectedElectron(FREE, SIN2_MZ, qed=True)
WEAK = {"tree": TREE, "corrected": CORRECTED, "qed": QED}
EVERY_WEAK = pytest.mark.parametrize("weak", WEAK.values(), ids=WEAK.keys())
KINDS = pytest.mark.parametrize("kind", [Millicharge, ChargeRadius], ids=lambda k: k.name)
SHARP = Response(("resolution",), PerfectResolution())

# the test's own constants: keV, cm
M, G_FERMI, ALPHA, HBAR_C = 510.99895069, 1.1663788e-17, 7.2973525643e-3, 1.973269804e-8
#: what 1e-12 e does at T keV, and 1e-32 cm^2
Q_SHIFT = -math.sqrt(2) * math.pi * ALPHA * 1e-12 / (G_FERMI * M)
R_SHIFT = math.sqrt(2) * math.pi * ALPHA * 1e-32 / (3 * G_FERMI * HBAR_C**2)
#: recoils and neutrino energies (keV) inside and outside the kinematic range
T = np.geomspace(0.05, 2e4, 60)
E = np.array([40.0, 861.3, 5e3, 3e4])


def by_hand(g_V: Array | float, g_A: float, T: Array, E: Array, state: str) -> Array:
    """d sigma/dT of the 54 free electrons of xenon from vector and axial couplings, (n_T, n_E)."""
    axial = -g_A if state.startswith("nubar") else g_A
    vector, T, E = np.broadcast_to(g_V, np.shape(T))[:, None], T[:, None], E[None, :]
    same, opposite = (vector + axial) ** 2, (vector - axial) ** 2 * (1 - T / E) ** 2
    whole = same + opposite - (vector**2 - axial**2) * M * T / E**2
    scale = 54 * (G_FERMI * HBAR_C) ** 2 * M / (2 * math.pi)
    return np.where(T <= 2 * E**2 / (M + 2 * E), scale * whole, 0.0)


def weak_couplings(weak: WeakElectron, T: Array, state: str) -> tuple[Array, float]:
    """(g_V, g_A) without what the antineutrino exchanges: tree level, or with rho and kappa."""
    isospin = 0.5 if state.endswith("_e") else -0.5
    if weak is TREE:
        return np.full_like(T, isospin + 2 * SIN2), isospin
    neutral = -0.5 * BKS1995.rho
    charged = 1.0 if state.endswith("_e") else 0.0
    return neutral + charged + 2 * BKS1995.rho * BKS1995.kappa(T, state) * SIN2_MZ, neutral + charged


def total(exchange: PhotonExchange, value: float, T: Array, E: Array, state: str) -> Array:
    """Weak scattering with the coupling at ``value``: the sum of all terms with their powers."""
    weak = exchange.weak
    parts = [weak.dsigma_dT(weak.terms[0], T, E, state)]
    for term in exchange.terms:
        (power,) = term.powers.values()
        parts.append(value**power * exchange.dsigma_dT(term, T, E, state))
    return np.asarray(sum(parts))


@dataclass(frozen=True)
class Shifted(CorrectedElectron):
    """Corrected scattering whose g_V a person has moved."""

    moved: float = 0.0

    def chiral_couplings(self, T: Array, state: str) -> Chiral:
        left, right = super().chiral_couplings(T, state)
        return Chiral(left + 0.5 * self.moved, right + 0.5 * self.moved)


# -- invariant: the shift ---------------------------------------------------------------------------------------------


@KINDS
@EVERY_WEAK
def test_without_the_coupling_the_weak_process_is_left_untouched(
    kind: type[PhotonExchange], weak: WeakElectron
) -> None:
    for state in FLAVOURS:
        alone = weak.dsigma_dT(weak.terms[0], T, E, state)
        assert np.array_equal(total(kind(weak), 0.0, T, E, state), alone)


@pytest.mark.parametrize("value", [-40.0, -3.0, -0.2, 0.7, 5.0])
@pytest.mark.parametrize("weak", [TREE, CORRECTED], ids=["tree", "corrected"])
@pytest.mark.parametrize("state", FLAVOURS)
def test_all_terms_together_are_the_cross_section_of_the_shifted_coupling(
    state: str, weak: WeakElectron, value: float
) -> None:
    g_V, g_A = weak_couplings(weak, T, state)
    for exchange, shift in ((Millicharge(weak), Q_SHIFT * value / T), (ChargeRadius(weak), R_SHIFT * value)):
        expected = by_hand(g_V + shift, g_A, T, E, state)
        assert total(exchange, value, T, E, state) == pytest.approx(expected, rel=1e-9, abs=1e-9 * expected.max())


@pytest.mark.parametrize("value", [-60.0, 8.0])
@pytest.mark.parametrize("state", FLAVOURS)
def test_qed_corrections_are_those_of_the_shifted_coupling(state: str, value: float) -> None:
    shifted = Shifted(FREE, SIN2_MZ, qed=True, moved=R_SHIFT * value)
    expected = shifted.dsigma_dT(shifted.terms[0], T, E, state)
    assert total(ChargeRadius(QED), value, T, E, state) == pytest.approx(expected, rel=1e-9, abs=1e-12 * expected.max())


@given(value=st.floats(-1e3, 1e3), E=st.floats(1.0, 1e5), share=st.floats(1e-6, 1.0), state=st.sampled_from(FLAVOURS))
def test_interference_never_makes_a_cross_section_negative(value: float, E: float, share: float, state: str) -> None:
    T = np.array([share * 2 * E**2 / (M + 2 * E) * (1 - 1e-9)])
    for weak in (TREE, CORRECTED):
        for exchange in (Millicharge(weak), ChargeRadius(weak)):
            parts = [value**k * exchange.dsigma_dT(t, T, np.array([E]), state) for k, t in enumerate(exchange.terms, 1)]
            parts.append(weak.dsigma_dT(weak.terms[0], T, np.array([E]), state))
            assert np.sum(parts) >= -1e-12 * np.sum(np.abs(parts))


@KINDS
@EVERY_WEAK
def test_squares_are_positive_and_nothing_is_beyond_the_edge(kind: type[PhotonExchange], weak: WeakElectron) -> None:
    beyond = T[:, None] > 2 * E**2 / (M + 2 * E)
    for names in (None, tuple(f"{kind.symbol}_{flavour}" for flavour in ("e", "mu", "tau"))):
        exchange = kind(weak) if names is None else kind(weak, names)
        for term in exchange.terms:
            for state in term.weight:
                sigma = exchange.dsigma_dT(term, T, E, state)
                assert np.all(np.isfinite(sigma))
                assert np.all(sigma[beyond] == 0)
                assert np.all(sigma[~beyond] != 0)
                if term.name.endswith("squared"):
                    assert np.all(sigma >= 0)


@KINDS
@EVERY_WEAK
def test_neutrino_and_antineutrino_exchange_g_L_and_g_R(kind: type[PhotonExchange], weak: WeakElectron) -> None:
    exchange = kind(weak)
    inside = (T[:, None] < 2 * E**2 / (M + 2 * E)).ravel()
    for flavour in ("e", "mu", "tau"):
        couplings, exchanged = (weak.chiral_couplings(T, f"{nu}_{flavour}") for nu in ("nu", "nubar"))
        assert np.array_equal(couplings.left, exchanged.right)
        assert np.array_equal(couplings.right, exchanged.left)
        linear, square = exchange.terms
        for term, alike in ((linear, False), (square, True)):
            there, back = (exchange.dsigma_dT(term, T, E, f"{nu}_{flavour}").ravel()[inside] for nu in ("nu", "nubar"))
            assert np.array_equal(there, back) == np.allclose(there, back, rtol=1e-6, atol=0) == alike
    for state in ("nu_{}", "nubar_{}"):
        muon, tau = (exchange.dsigma_dT(linear, T, E, state.format(flavour)) for flavour in ("mu", "tau"))
        assert np.array_equal(muon, tau)


@pytest.mark.parametrize("T0", [0.3, 2.8])
@pytest.mark.parametrize("E0", [100.0, 861.3, 1e4])
def test_the_square_of_a_charge_above_a_threshold_is_the_closed_form(E0: float, T0: float) -> None:
    # of (pi alpha^2 / m) q^2 / T^2 [1 + (1 - T/E)^2 - m T/E^2]
    edge = 2 * E0**2 / (M + 2 * E0)
    closed = 2 * (1 / T0 - 1 / edge) - (2 / E0 + M / E0**2) * math.log(edge / T0) + (edge - T0) / E0**2
    exchange = Millicharge(TREE)
    nodes, weight = gauss_legendre(np.geomspace(T0, edge, 60), 10)
    for state in ("nu_e", "nubar_mu"):
        found = float(weight @ exchange.dsigma_dT(exchange.terms[1], nodes, np.array([E0]), state)[:, 0]) / 54
        assert found == pytest.approx(math.pi * (ALPHA * HBAR_C * 1e-12) ** 2 / M * closed, rel=1e-9, abs=0)


def test_a_radius_is_a_charge_that_grows_with_the_momentum_transfer() -> None:
    # F = q^2 <r^2> / 6 at q^2 = -2 m T: the two shifts have one sign convention
    for r2 in (-3.0, 7.0):
        form_factor = -2 * M * T * r2 * 1e-32 / HBAR_C**2 / 6
        as_charge = Millicharge(TREE).shift(T) * form_factor / 1e-12
        assert as_charge == pytest.approx(r2 * ChargeRadius(TREE).shift(T), rel=1e-9)


def test_the_sign_is_that_of_the_potential() -> None:
    # V(k) of nu and e at rest: sqrt2 G_F g_V of the weak force, which repels nu_e; -4 pi alpha q / k^2 with k^2 = 2 m T
    coulomb = -4 * math.pi * ALPHA * 1e-12 / (2 * M * T)
    assert Millicharge(TREE).shift(T) == pytest.approx(coulomb / (math.sqrt(2) * G_FERMI), rel=1e-9)
    left, right = TREE.chiral_couplings(T, "nu_e")
    assert np.all(np.asarray(left) + right > 0)


def test_interference_is_not_small_at_the_limits_of_reactors() -> None:
    threshold, energy = np.array([2.8]), np.array([3e3])
    linear, square = (
        Millicharge(TREE).dsigma_dT(t, threshold, energy, "nubar_e")[0, 0] for t in Millicharge(TREE).terms
    )
    assert abs(2 * linear) / (2**2 * square) == pytest.approx(0.5, abs=0.02)  # at 2e-12 e


# -- invariant: couplings ---------------------------------------------------------------------------------------------


@KINDS
def test_terms_scale_with_signed_couplings(kind: type[PhotonExchange]) -> None:
    names = (f"{kind.symbol}_e", f"{kind.symbol}_tau")
    for chosen in ((f"{kind.symbol}_nu",), names):
        exchange = kind(TREE, chosen)
        assert [dict(term.powers) for term in exchange.terms] == [{n: k} for n in chosen for k in (1, 2)]
        assert [c.name for c in exchange.couplings] == [c.reported for c in exchange.couplings] == [*chosen]
        for coupling in exchange.couplings:
            assert (coupling.power, coupling.lower) == (1, -math.inf)
            assert coupling.unit == f"{coupling.scale:g} {coupling.reported_unit}"
    for term in kind(TREE, names).terms:
        assert dict(term.weight) == {f"{nu}_{term.name.split('_')[1]}": 1.0 for nu in ("nu", "nubar")}
    assert set(kind(TREE).terms[0].weight) == set(FLAVOURS)


@KINDS
def test_equal_flavours_are_one_universal_coupling(kind: type[PhotonExchange]) -> None:
    one, three = kind(TREE), kind(TREE, tuple(f"{kind.symbol}_{flavour}" for flavour in ("e", "mu", "tau")))
    edges = 1e3 * np.array([5.0, 12.0, 30.0, 45.0])
    found = [fold(stopped_pion_flux(1.0), [p], SHARP, edges, exposure=1.0, units_per_kg=1.0) for p in (one, three)]
    for kind_of_term in ("interference", "squared"):
        sums = [sum(t.spectrum.values() for t in ts if t.term.endswith(kind_of_term)) for ts in found]
        assert sums[1] == pytest.approx(sums[0], rel=1e-12, abs=0)


@pytest.mark.parametrize("state", FLAVOURS)
@pytest.mark.parametrize("weak", [TREE, CORRECTED], ids=["tree", "corrected"])
def test_a_charge_beside_a_radius_interferes_with_it(weak: WeakElectron, state: str) -> None:
    q, r2 = -0.8, 11.0
    charge, radius = Millicharge(weak, ("q_e", "q_mu", "q_tau")), ChargeRadius(weak)
    cross = CrossTerms(weak, charge, radius)
    assert [dict(term.powers) for term in cross.terms] == [{f"q_{f}": 1, "r2_nu": 1} for f in ("e", "mu", "tau")]
    values = {**dict.fromkeys(("q_e", "q_mu", "q_tau"), q), "r2_nu": r2}
    parts = [weak.dsigma_dT(weak.terms[0], T, E, state)]
    for process in (charge, radius, cross):
        for term in process.terms:
            if state in term.weight:
                coefficient = math.prod(values[name] ** power for name, power in term.powers.items())
                parts.append(coefficient * process.dsigma_dT(term, T, E, state))
    g_V, g_A = weak_couplings(weak, T, state)
    expected = by_hand(g_V + Q_SHIFT * q / T + R_SHIFT * r2, g_A, T, E, state)
    assert sum(parts) == pytest.approx(expected, rel=1e-9, abs=1e-12 * expected.max())


def test_flavours_that_differ_do_not_interfere() -> None:
    cross = CrossTerms(TREE, Millicharge(TREE, ("q_e", "q_mu")), ChargeRadius(TREE, ("r2_e", "r2_tau")))
    assert [(t.name, dict(t.weight)) for t in cross.terms] == [("q_e_r2_e", {"nu_e": 1.0, "nubar_e": 1.0})]
    assert cross.couplings == ()


def test_couplings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"r2_mu(.|\n)*q_mu"):
        Millicharge(TREE, ("r2_mu",))
    for names in ((), ("r2_e", "r2_e"), ("r2_nu", "r2_e")):
        with pytest.raises(OutOfRange, match="r2_nu alone, or some of r2_e, r2_mu, r2_tau"):
            ChargeRadius(TREE, names)
    with pytest.raises(OutOfRange, match="beside one weak process"):
        CrossTerms(TREE, Millicharge(TREE), ChargeRadius(CORRECTED))
    with pytest.raises(OutOfRange, match="millicharge and millicharge"):
        CrossTerms(TREE, Millicharge(TREE), Millicharge(TREE, ("q_e",)))


@pytest.mark.parametrize(("model", "kind"), [(MillichargeDeclared, Millicharge), (ChargeRadiusDeclared, ChargeRadius)])
def test_declared_couplings_are_those_of_the_process(model: type[Strict], kind: type[PhotonExchange]) -> None:
    def declare(*couplings: str) -> Strict:
        raw = {"kind": kind.name, "couplings": [*couplings]}
        return validated(model, raw, where="a.toml: process[2]", error=DeclarationError)

    s = kind.symbol
    for couplings in ((f"{s}_nu",), (f"{s}_e", f"{s}_mu", f"{s}_tau")):
        assert [c.name for c in kind(TREE, tuple(declare(*couplings).model_dump()["couplings"])).couplings] == [
            *couplings
        ]
    for wrong, said in (
        ((f"{s}_nu", f"{s}_e"), "stands alone"),
        ((f"{s}_e", f"{s}_e"), "may stand there once"),
        ((f"{s}_nue",), f"'{s}_tau'"),
        ((), "at least 1"),
    ):
        with pytest.raises(DeclarationError) as refused:
            declare(*wrong)
        assert said in str(refused.value)


# -- invariant: the fold ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", [Millicharge(TREE), ChargeRadius(TREE)], ids=lambda p: p.name)
def test_folded_terms_equal_direct_quadrature(exchange: PhotonExchange) -> None:
    edges, constant = np.array([2.8, 5.0, 30.0, 400.0]), exchange.symbol == "r2"
    be7 = solar_flux(TABLES, ["be7"], "b16_gs98")[0]
    linear, square = fold([be7], [exchange], SHARP, edges, exposure=1.0, units_per_kg=1.0)
    scale, g_V = 54 * (G_FERMI * HBAR_C) ** 2 * M / (2 * math.pi), 0.5 + 2 * SIN2
    for template, power in ((linear, 1), (square, 2)):
        for (low, high), found in zip(pairwise(edges), template.spectrum.values(), strict=True):
            exact = 0.0
            for energy, intensity in ((384.3, 0.1044 * 4.93e9), (861.3, 0.8956 * 4.93e9)):

                def rate(T: float, E: float = energy, power: int = power) -> float:
                    d, y = R_SHIFT if constant else Q_SHIFT / T, 1 - T / E
                    if power == 2:
                        return d**2 * (1 + y**2 - M * T / E**2)
                    return 2 * d * (g_V + 0.5 + (g_V - 0.5) * y**2 - g_V * M * T / E**2)

                stop = min(high, 2 * energy**2 / (M + 2 * energy))
                exact += intensity * quad(rate, low, stop, epsabs=0, epsrel=1e-11)[0] if stop > low else 0.0
            assert found == pytest.approx(scale * exact, rel=2e-6, abs=0)


@EVERY_WEAK
def test_a_window_above_a_threshold_converges_with_bound_electrons(weak: WeakElectron) -> None:
    stepping = SteppingElectrons(XENON)
    bound = (
        StandardModelElectron(stepping, SIN2) if weak is TREE else CorrectedElectron(stepping, SIN2_MZ, weak.soft_edge)
    )
    smeared = Response(("resolution",), SqrtResolution(0.3171, 0.0015))
    pp = solar_flux(TABLES, ["pp", "be7"], "b16_gs98")
    for process in (Millicharge(bound), ChargeRadius(bound)):
        for template in fold(pp, [process], smeared, np.arange(1.0, 31.0), exposure=1.0, units_per_kg=1.0):
            assert template.numerical_error < 1e-6
            assert np.all(template.spectrum.values() * (-1 if template.term == "q_nu_interference" else 1) > 0)


def test_a_window_down_to_nothing_does_not_converge() -> None:
    pp = solar_flux(TABLES, ["pp"], "b16_gs98")
    with pytest.raises(NumericalError, match=r"q_nu|millicharge(.|\n)*bound electrons"):
        fold(pp, [Millicharge(TREE)], SHARP, np.array([0.0, 5.0, 10.0]), exposure=1.0, units_per_kg=1.0)


def test_a_bin_where_an_interference_changes_sign_is_no_numerical_error() -> None:
    # that of nubar_mu does at T = 0.045 E: there is a bin over which it adds to nothing
    flux, process = stopped_pion_flux(1.0, components=["nubar_mu"]), ChargeRadius(TREE, ("r2_mu",))

    def content(high: float, *more: float) -> Array:
        edges = np.array([500.0, high, *more])
        return fold(flux, [process], SHARP, edges, exposure=1.0, units_per_kg=1.0)[0].spectrum.values()

    zero = float(brentq(lambda high: content(high)[0], 1500.0, 5000.0, xtol=1e-9))
    (before,), (none, after) = content(0.5 * (500.0 + zero)), content(zero, 1e4)
    assert abs(none) < 1e-9 * after
    assert before < 0 < after


# -- reference --------------------------------------------------------------------------------------------------------

#: squared charge radii of the Standard Model in 1e-32 cm^2
STANDARD_MODEL = {"e": -0.83, "mu": -0.48}


@pytest.mark.parametrize(
    ("radius", "shift"),
    [
        pytest.param(STANDARD_MODEL["e"], -0.0198, id="arXiv:1810.05606, nu_e"),
        pytest.param(1.0, 0.0238, id="arXiv:1403.6344, sqrt2 pi alpha / (3 G_F)"),
    ],
)
def test_shift_of_a_charge_radius(radius: float, shift: float) -> None:
    assert radius * ChargeRadius(TREE).shift(np.array([1.0, 1e4])) == pytest.approx([shift, shift], abs=5e-5)


@pytest.mark.parametrize("m_l", [pytest.param({"e": 5.1099895e-4, "mu": 0.1056583755}, id="arXiv:1810.05606, masses")])
def test_radii_of_the_standard_model(m_l: dict[str, float]) -> None:
    for flavour, mass in m_l.items():
        bracket = 3 - 2 * math.log((mass / 80.377) ** 2)
        radius = -G_FERMI * HBAR_C**2 / (2 * math.sqrt(2) * math.pi**2) * bracket / 1e-32
        assert radius == pytest.approx(STANDARD_MODEL[flavour], abs=0.005)


@pytest.mark.parametrize("radii", [pytest.param(STANDARD_MODEL, id="arXiv:1810.05606 and astro-ph/9502003")])
def test_the_corrections_hold_the_radii_of_the_standard_model(radii: dict[str, float]) -> None:
    """What tells nu_e from nu_mu besides the charged current is their radius: the same sign and size, to 2 %."""
    low = np.array([1e-3])
    (e_left, e_right), (mu_left, mu_right) = (CORRECTED.chiral_couplings(low, state) for state in ("nu_e", "nu_mu"))
    of_corrections = (e_left + e_right) - (mu_left + mu_right) - 1.0
    of_radii = (radii["e"] - radii["mu"]) * ChargeRadius(CORRECTED).shift(low)
    assert of_corrections == pytest.approx(of_radii, rel=0.02)
    assert np.all(of_radii < 0)


@pytest.mark.parametrize(
    ("published", "ours"),
    [
        pytest.param((-2.97, 4.14), (-5.94, 8.28), id="hep-ex/0101039, LSND"),
        pytest.param((-2.1, 3.3), (-4.2, 6.6), id="arXiv:0911.1597, TEXONO"),
        pytest.param((-0.6, 0.6), (-1.2, 1.2), id="Phys. Lett. B 345, 115 (1995), CHARM-II"),
    ],
)
def test_published_limits_in_the_other_convention(published: tuple[float, float], ours: tuple[float, float]) -> None:
    """There sin^2 theta_W moves by what moves g_V here: the same cross section at twice the number."""
    for other, own in zip(published, ours, strict=True):
        assert HALF_CONVENTION * other == pytest.approx(own)
        angle = StandardModelElectron(FREE, SIN2 + R_SHIFT * other)
        expected = angle.dsigma_dT(angle.terms[0], T, E, "nubar_e")
        assert total(ChargeRadius(TREE), own, T, E, "nubar_e") == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("measured", "half_width"),
    [  # sigma(nu_e) / E in 1e-45 cm^2/MeV with its error; half of the interval for <r^2> in 1e-32 cm^2
        pytest.param((10.1, 1.645 * math.hypot(1.1, 1.0)), 0.5 * (8.28 + 5.94), id="hep-ex/0101039, LSND at 90 %"),
        pytest.param((10.0, math.hypot(1.5, 0.9)), 2 * 2.7, id="Phys. Rev. D 47, 11 (1993), LAMPF at 1 sigma"),
    ],
)
def test_radius_from_a_measured_cross_section(measured: tuple[float, float], half_width: float) -> None:
    """The factor between the conventions, from data: without it the interval would be twice as wide as published."""
    weak = StandardModelElectron(FREE, 0.2386)
    flux = stopped_pion_flux(1.0, components=["nu_e"])
    edges = np.array([0.0, 5.3e4])
    standard, linear, square = (
        float(t.spectrum.values()[0])
        for t in fold(flux, [weak, ChargeRadius(weak, ("r2_e",))], SHARP, edges, exposure=1.0, units_per_kg=1.0)
    )
    centre, error = measured
    ends = [
        brentq(lambda r2, n=n: (standard + r2 * linear + r2**2 * square) / standard * 9.73 - n, -30.0, 30.0)
        for n in (centre - error, centre + error)
    ]
    assert 0.5 * (ends[1] - ends[0]) == pytest.approx(half_width, rel=0.05)


@pytest.mark.parametrize("charge", [pytest.param(1.5e-12, id="arXiv:1302.1168, from 2.9e-11 mu_B at 2.8 keV")])
def test_charge_that_equals_a_moment_at_threshold(charge: float) -> None:
    """GEMMA's order of magnitude: the squares alone, at the recoil of the threshold."""
    threshold, energy = np.array([2.8]), np.array([3e3])
    moment, exchange = MagneticMoment(FREE), Millicharge(TREE)
    magnetic = 2.9**2 * moment.dsigma_dT(moment.terms[0], threshold, energy, "nubar_e")[0, 0]
    square = exchange.dsigma_dT(exchange.terms[1], threshold, energy, "nubar_e")[0, 0]
    assert 1e-12 * math.sqrt(magnetic / square) == pytest.approx(charge, rel=0.02, abs=0)
