"""Couplings that interfere, from flux to interval: two minima, several pieces, checked by brute force."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.special import xlogy

from eventfit.cross_section import (
    ChargeRadius,
    CorrectedElectron,
    CrossTerms,
    FreeElectrons,
    Millicharge,
    PhotonExchange,
    Process,
    StandardModelElectron,
    SteppingElectrons,
)
from eventfit.flux import Flux, solar_flux, stopped_pion_flux
from eventfit.folding import fold
from eventfit.inference import Profile, discovery_significance, fit, profile_interval
from eventfit.likelihood import Component, Data, GaussianScale, Likelihood, Power
from eventfit.parameters import GaussianConstraint, Parameter, Reported
from eventfit.quadrature import Array
from eventfit.response import PerfectResolution, Response, SqrtResolution
from eventfit.tables import Tables, shipped
from eventfit.target import Target

TABLES = Tables(shipped("data"))
OIL = StandardModelElectron(FreeElectrons(Target.load(TABLES, "mineral_oil")), 0.2386)
XENON = CorrectedElectron(SteppingElectrons(Target.load(TABLES, "xenon")), 0.23122)
NU_E = stopped_pion_flux(1.0, components=["nu_e"])
BEAM = 1e3 * np.linspace(18.0, 50.0, 5), Response(("resolution",), PerfectResolution())
SUN = Response(("resolution",), SqrtResolution(0.3171, 0.0015))
CUT = 2.7055434540954146
#: relative error of everything from neutrinos
NORM = 0.07


def likelihood(
    fluxes: tuple[Flux, ...],
    processes: list[Process],
    setup: tuple[Array, Response],
    *,
    weak_events: float,
    background: float,
    start: float | None = None,
) -> Likelihood:
    """Templates scaled to ``weak_events`` of the Standard Model, a flat background, one norm; data as expected."""
    edges, response = setup
    templates = fold(fluxes, processes, response, edges, exposure=1.0, units_per_kg=1.0)
    scale = weak_events / sum(t.spectrum.values().sum() for t in templates if not t.powers)
    couplings = [c for process in processes for c in process.couplings]
    parameters = [Parameter(c.name, c.unit, c.start if start is None else start, c.lower) for c in couplings]
    parameters.append(Parameter("norm", "sigma", constraint=GaussianConstraint(0.0, 1.0)))
    components = [
        Component(
            t.name,
            scale * t.spectrum.values(),
            (*(Power(name, power) for name, power in t.powers.items()), GaussianScale("norm", NORM)),
        )
        for t in templates
    ]
    components.append(Component("background", np.full(len(edges) - 1, background)))
    made = Likelihood.build(parameters, components, np.zeros(len(edges) - 1))
    return made.with_data(made.asimov(np.zeros(len(parameters))))


def profiled(made: Likelihood, name: str) -> Callable[[float], float]:
    """-2 ln L with the norm at its best, from the templates and by scalar minimisation: nothing of the package's."""
    observed = made.data.counts
    background = made.components[-1].counts

    def value(coupling: float) -> float:
        signal = np.zeros(made.n_bin)
        for component in made.components[:-1]:
            power = sum(f.exponent for f in component.factors if isinstance(f, Power) and f.parameter == name)
            signal += coupling**power * component.counts

        def at(norm: float) -> float:
            expected = (1.0 + NORM * norm) * signal + background
            if np.any(expected <= 0):
                return math.inf
            return float(2 * np.sum(expected - observed - xlogy(observed, expected / observed)) + norm**2)

        return float(minimize_scalar(at, bounds=(-13.0, 13.0), method="bounded", options={"xatol": 1e-10}).fun)

    return value


def brute_force(made: Likelihood, name: str, values: Array) -> list[tuple[float, float]]:
    """All pieces on a dense grid of ``values``, their ends by root finding."""
    value = profiled(made, name)
    heights = np.array([value(x) for x in values])
    start = int(np.argmin(heights))
    lowest = float(
        minimize_scalar(
            value, bounds=(values[start - 1], values[start + 1]), method="bounded", options={"xatol": 1e-9}
        ).fun
    )
    above = heights > lowest + CUT
    ends = [
        brentq(lambda x: value(x) - lowest - CUT, low, high, xtol=1e-9)
        for (low, high), (a, b) in zip(pairwise(values), pairwise(above), strict=True)
        if a != b
    ]
    return list(zip(ends[::2], ends[1::2], strict=True))


# -- invariant --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [None, 0.0, -100.0])
def test_a_charge_radius_has_two_separate_pieces(start: float | None) -> None:
    # 4 bins do not tell the radius from its mirror, where g_V has the other sign: pulls of the norm bring both below
    radius = ChargeRadius(OIL, ("r2_e",))
    made = likelihood(NU_E, [OIL, radius], BEAM, weak_events=200.0, background=30.0, start=start)
    found = profile_interval(Profile(made, "r2_e"), cl=0.90)
    expected = brute_force(made, "r2_e", np.linspace(-160.0, 60.0, 441))
    assert len(found.pieces) == len(expected) == 2
    np.testing.assert_allclose(found.pieces, expected, rtol=1e-6, atol=1e-5)
    assert found.pieces[0][1] < -100 < -10 < found.pieces[1][0] < 0.0 < found.pieces[1][1]
    assert found.card.statistic == "tmu"
    (coupling,) = radius.couplings
    reported = Reported(coupling.reported, coupling.reported_unit, coupling.power, coupling.scale)
    assert reported.value(found.pieces[0][0]) == pytest.approx(1e-32 * expected[0][0], rel=1e-5, abs=0)
    assert reported.fitted(reported.value(-3.0)) == pytest.approx(-3.0)


def test_more_events_tell_the_radius_from_its_mirror() -> None:
    made = likelihood(NU_E, [OIL, ChargeRadius(OIL, ("r2_e",))], BEAM, weak_events=2000.0, background=300.0)
    found = profile_interval(Profile(made, "r2_e"), cl=0.90)
    expected = brute_force(made, "r2_e", np.linspace(-160.0, 60.0, 441))
    assert len(found.pieces) == len(expected) == 1
    np.testing.assert_allclose(found.pieces, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("true", "bins", "pieces"), [(-0.35, 7, 1), (0.0, 7, 1), (0.4, 7, 1), (-0.35, 1, 2), (0.0, 1, 1), (1.3, 1, 2)]
)
def test_a_charge_of_either_sign_is_found_with_all_of_its_pieces(true: float, bins: int, pieces: int) -> None:
    # one bin cannot tell a charge from its mirror, with which the interference changes sign
    pp, setup = solar_flux(TABLES, ["pp", "be7"], "b16_gs98"), (np.linspace(1.0, 15.0, bins + 1), SUN)
    made = likelihood(pp, [XENON, Millicharge(XENON)], setup, weak_events=60.0, background=40.0 * 7 / bins)
    made = made.with_data(made.asimov(np.array([true, 0.0])))
    profile = Profile(made, "q_nu")
    found = profile_interval(profile, cl=0.90)
    expected = brute_force(made, "q_nu", np.linspace(-2.0, 3.0, 501))
    assert len(found.pieces) == len(expected) == pieces
    np.testing.assert_allclose(found.pieces, expected, rtol=1e-6, atol=1e-6)
    assert any(low <= true <= high for low, high in found.pieces)
    assert profile.delta(true) == pytest.approx(0.0, abs=1e-9)
    evidence = discovery_significance(profile)
    assert evidence.card.statistic == "t0"
    assert evidence.card.sided == "two"
    assert (evidence.z > 0.1) == (true != 0.0)


@pytest.mark.parametrize("kind", [Millicharge, ChargeRadius], ids=lambda kind: kind.name)
def test_the_expected_counts_are_those_of_the_shifted_coupling(kind: type[PhotonExchange]) -> None:
    """What the likelihood expects is never negative, and is lowest where g_V has been moved away."""
    name = f"{kind.symbol}_e"
    made = likelihood(NU_E, [OIL, kind(OIL, (name,))], BEAM, weak_events=200.0, background=0.0)
    values = np.linspace(-300.0, 300.0, 601) * (1.0 if kind is ChargeRadius else 1e4)
    expected = made.expected(np.column_stack([values, np.zeros(len(values))]))
    assert np.all(expected > 0)
    lowest = values[np.argmin(expected.sum(axis=1))]
    assert lowest < -40 if kind is ChargeRadius else lowest > 0


def test_a_charge_and_a_radius_are_fitted_together_with_their_cross_term() -> None:
    charge, radius = Millicharge(OIL, ("q_e",)), ChargeRadius(OIL, ("r2_e",))
    edges = 1e3 * np.linspace(0.5, 50.0, 31)
    processes = [OIL, charge, radius, CrossTerms(OIL, charge, radius)]
    made = likelihood(NU_E, processes, (edges, BEAM[1]), weak_events=2e4, background=10.0)
    truth = np.array([-2000.0, 12.0, 0.0])
    made = made.with_data(made.asimov(truth))
    assert made.names == ("q_e", "r2_e", "norm")
    found = fit(made)
    assert found.minus_2_ln_l == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(found.values, truth, rtol=1e-3, atol=1e-3)


def test_a_fluctuated_data_set_has_both_pieces_too() -> None:
    made = likelihood(NU_E, [OIL, ChargeRadius(OIL, ("r2_e",))], BEAM, weak_events=200.0, background=30.0)
    counts = np.random.default_rng(16).poisson(made.expected(np.array([-12.0, 0.0]))).astype(float)
    made = made.with_data(Data(counts, np.zeros(1)))
    found = profile_interval(Profile(made, "r2_e"), cl=0.90)
    expected = brute_force(made, "r2_e", np.linspace(-160.0, 60.0, 441))
    assert len(found.pieces) == len(expected) == 2
    np.testing.assert_allclose(found.pieces, expected, rtol=1e-6, atol=1e-5)
