"""Predicted rates: against independent quadrature, limits that are known, and a published prediction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from eventfit.analysis import Analysis
from eventfit.analysis.expectation import expectation
from eventfit.cross_section import (
    ChargeRadius,
    CorrectedElectron,
    CrossTerms,
    FlavourMoments,
    FreeElectrons,
    MagneticMoment,
    Millicharge,
    Process,
    StandardModelElectron,
    SteppingElectrons,
    TransitionMoments,
)
from eventfit.errors import InputError, NumericalError, OutOfRange, UnknownName
from eventfit.flux import Basis, Flux, Measure, Oscillated, OscillationParameters, oscillated_solar_flux
from eventfit.flux.oscillation import OscillationSet
from eventfit.flux.solar import COMPONENTS, SolarModel
from eventfit.folding import fold
from eventfit.quadrature import Array, gauss_legendre
from eventfit.rates import (
    SOURCES,
    Prediction,
    Source,
    open_source,
    predict_rates,
    rate_rows,
    recoil_spectrum,
    solar_source,
    total_rates,
)
from eventfit.rates.total import Window
from eventfit.response import PerfectResolution, Response
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import day, tonne, year

TABLES = Tables(shipped("data"))
PSEUDOCUMENE, XENON = (Target.load(TABLES, name) for name in ("pseudocumene", "xenon"))
FREE = FreeElectrons(PSEUDOCUMENE)
QED, TREE, MAGNETIC = CorrectedElectron(FREE, qed=True), StandardModelElectron(FREE, 0.23857), MagneticMoment(FREE)
CHARGE = Millicharge(TREE, ("q_nu",))
CROSS = CrossTerms(TREE, CHARGE, ChargeRadius(TREE, ("r2_nu",)))
EXPOSURE = 100 * tonne * day
PER_KG: dict[str, Any] = {"exposure": EXPOSURE, "units_per_kg": PSEUDOCUMENE.units_per_kg}
CNO = ("n13", "o15", "f17")
#: the oscillation parameters of the published prediction below. Chosen before any rate was computed, for its date: the
#: paper is of July 2017, and NuFIT 3.0 (November 2016) was the global fit that its authors had. Later fits answer
#: another question, what is expected today.
OF_2017: OscillationSet = "nufit30_normal"
TODAY = OscillationParameters.load(TABLES, "nufit60_ic24_normal")

# the test's own constants: keV, cm
M, G_FERMI, HBAR_C = 510.99895069, 1.1663788e-17, 1.973269804e-8


def predicted(
    process: StandardModelElectron | CorrectedElectron = QED,
    *,
    source: Source | None = None,
    exposure: float = EXPOSURE,
    window: Window | None = None,
    moment: float | None = None,
) -> Prediction:
    source = solar_source(TABLES) if source is None else source
    return predict_rates(source, PSEUDOCUMENE, process, exposure=exposure, window=window, moment=moment)


def column(prediction: Prediction, name: str = "predicted") -> dict[str, float]:
    return {row.name: row.events[name] for row in prediction.rows}


def rate(flux: Flux, process: Process, window: Window | None = None) -> float:
    (found,) = total_rates([flux], process, window=window, **PER_KG)
    return found.events


def arriving(name: str, parameters: OscillationParameters = TODAY) -> Oscillated:
    return oscillated_solar_flux(TABLES, [name], "b16_gs98", parameters)[0]


# -- invariant: independent integrals ---------------------------------------------------------------------------------


def tree_total(E: float, state: str, low: float, high: float, sin2: float = 0.23857) -> float:
    """The closed integral of the tree-level cross section over recoils in [low, high], in cm^2 per electron."""
    g_L, g_R = sin2 + (0.5 if state == "nu_e" else -0.5), sin2
    end = min(high, 2 * E**2 / (M + 2 * E))
    if end <= low:
        return 0.0

    def primitive(T: float) -> float:
        return g_L**2 * T - g_R**2 * E / 3 * (1 - T / E) ** 3 - g_L * g_R * M * T**2 / (2 * E**2)

    return 2 * (G_FERMI * HBAR_C) ** 2 * M / math.pi * (primitive(end) - primitive(low))


def expected(flux: Oscillated, sigma: Callable[[float, str], float], kinks: tuple[float, ...]) -> float:
    """scipy's integral of flux x P(E) x total cross section, in events."""
    states = ("nu_e", "nu_mu", "nu_tau")

    def at(E: float) -> float:
        shares = flux.content(np.array([E]), "flavour")[:, 0]
        return float(sum(share * sigma(E, state) for share, state in zip(shares, states, strict=True)))

    if flux.source.is_line:
        parts = zip(flux.source.nodes_keV, flux.source.shape, strict=True)
        per_electron = flux.source.total * sum(share * at(E) for E, share in parts)
    else:
        nodes = np.unique(np.concatenate([flux.source.nodes_keV, kinks]))
        per_electron = sum(
            quad(lambda E: at(E) * float(flux.density(np.array([E]))[0]), low, high, epsrel=1e-10)[0]
            for low, high in pairwise(nodes)
            if low >= flux.source.nodes_keV[0]
        )
    return float(EXPOSURE * PSEUDOCUMENE.units_per_kg * 66 * per_electron)


@pytest.mark.parametrize("window", [None, (0.0, 100.0), (50.0, 200.0), (230.0, 5000.0)])
@pytest.mark.parametrize("name", ["be7", "pep", "pp", "n13"])
def test_rate_equals_quadrature_at_tree_level(name: str, window: Window | None) -> None:
    flux, (low, high) = arriving(name), window or (0.0, math.inf)
    kinks = tuple(0.5 * (T + math.sqrt(T * (T + 2 * M))) for T in (low, high) if 0 < T < 1e6)
    found = rate(flux, TREE, window)
    direct = expected(flux, lambda E, state: tree_total(E, state, low, high), kinks)
    assert found == pytest.approx(direct, rel=5e-5, abs=0)


@pytest.mark.parametrize("window", [None, (100.0, 400.0)])
@pytest.mark.parametrize("process", [QED, CorrectedElectron(FREE)], ids=["with-qed", "electroweak"])
@pytest.mark.parametrize("name", ["be7", "o15"])
def test_rate_equals_quadrature_with_corrections(name: str, process: Process, window: Window | None) -> None:
    """Recoils integrated at every neutrino energy first, with nodes that close in on both ends."""
    flux, (low, high) = arriving(name), window or (0.0, math.inf)
    x, w = gauss_legendre(np.append(0.0, np.geomspace(1e-10, 0.5, 40)), 8)

    def sigma(E: float, state: str) -> float:
        end = min(high, 2 * E**2 / (M + 2 * E))
        if end <= low:
            return 0.0
        both = np.concatenate([low + (end - low) * x, end - (end - low) * x])
        value = process.dsigma_dT(process.terms[0], both, np.array([E]), state)[:, 0]
        return float((end - low) * (np.tile(w, 2) @ value)) / 66

    if flux.source.is_line:
        direct = expected(flux, sigma, ())
    else:
        at = flux.measure("flavour", order=3)  # more neutrino nodes than the rate itself begins with
        sigmas = {state: np.array([sigma(E, state) for E in measure.energy]) for state, measure in at.items()}
        per_electron = sum(float(measure.weight @ sigmas[state]) for state, measure in at.items())
        direct = EXPOSURE * PSEUDOCUMENE.units_per_kg * 66 * per_electron
    assert rate(flux, process, window) == pytest.approx(direct, rel=1e-4 if name == "o15" else 1e-6, abs=0)


@pytest.mark.parametrize("process", [QED, TREE], ids=["corrected", "tree"])
def test_rate_equals_the_fold(process: Process) -> None:
    sharp, edges = Response(("resolution",), PerfectResolution()), np.array([0.0, 1200.0])
    for name in ("pep", "pp"):
        (template,) = fold([arriving(name)], [process], sharp, edges, **PER_KG)
        found = rate(arriving(name), process, (0.0, 1200.0))
        assert found == pytest.approx(template.spectrum.values()[0], rel=3e-5, abs=0)


@pytest.mark.parametrize("name", ["be7", "b8"])
@pytest.mark.parametrize("process", [QED, MAGNETIC], ids=["weak", "magnetic"])
def test_rate_is_the_integral_of_the_spectrum(process: Process, name: str) -> None:
    flux, (low, high) = arriving(name), (5.0, 600.0)
    edges = np.array([5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 2 * 384.3**2 / (M + 768.6), 300.0, 450.0, 600.0])
    panels = np.unique(np.concatenate([np.linspace(a, b, 30) for a, b in pairwise(edges)]))
    T, w = gauss_legendre(panels, 4)
    (spectrum,) = recoil_spectrum(flux, process, T, **PER_KG)
    assert w @ spectrum == pytest.approx(rate(flux, process, (low, high)), rel=3e-5, abs=0)


# -- invariant: zero and the ends -------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", [QED, TREE], ids=["corrected", "tree"])
def test_a_window_from_zero_begins_at_zero(process: Process) -> None:
    """The weak spectrum is flat there: nothing of its first electronvolts is cut off."""
    flux = arriving("pp")
    (flat,) = recoil_spectrum(flux, process, np.array([1e-4]), **PER_KG)
    for end in (1e-6, 1e-3, 0.1):
        assert rate(flux, process, (0.0, end)) == pytest.approx(end * flat[0], rel=2e-3)
    assert rate(flux, process) - rate(flux, process, (1e-3, 1e6)) == pytest.approx(1e-3 * flat[0], rel=2e-3)


def test_bound_electrons_do_not_recoil_below_their_shells() -> None:
    process = CorrectedElectron(SteppingElectrons(XENON), qed=True)
    lowest = float(XENON.shell_energies[0])
    (below,) = total_rates([arriving("pp")], process, window=(0.0, 0.99 * lowest), **PER_KG)
    (above,) = total_rates([arriving("pp")], process, window=(0.0, 1.01 * lowest), **PER_KG)
    assert below.events == 0.0
    assert above.events > 0.0


def test_a_magnetic_rate_grows_as_the_logarithm_of_the_threshold() -> None:
    flux = arriving("be7")
    lows = 10.0 ** -np.arange(0, 9)
    events = [rate(flux, MAGNETIC, (float(low), 100.0)) for low in lows]
    per_decade = np.diff(events)
    assert per_decade[-3:] == pytest.approx(np.full(3, per_decade[-1]), rel=1e-5)
    # d sigma/dT -> (pi alpha^2/m^2) (mu/mu_B)^2 / T
    electrons = 66 * EXPOSURE * PSEUDOCUMENE.units_per_kg
    assert per_decade[-1] == pytest.approx(electrons * 4.93e9 * 2.4951e-47 * math.log(10), rel=1e-3)


@pytest.mark.parametrize(
    "process",
    [QED, TREE, MAGNETIC, FlavourMoments(FREE), TransitionMoments(FREE), ChargeRadius(TREE, ("r2_nu",)), CHARGE, CROSS],
    ids=lambda process: process.name,
)
def test_what_diverges_says_so(process: Process) -> None:
    E, T = np.array([861.3]), np.array([1e-6, 1e-4])
    for term in process.terms:
        small, large = np.abs(process.dsigma_dT(term, T, E, next(iter(term.weight)))[:, 0])
        assert (small > 50 * large) == process.diverges


@pytest.mark.parametrize("window", [None, (0.0, 30.0)])
def test_a_magnetic_rate_needs_a_threshold(window: Window | None) -> None:
    with pytest.raises(OutOfRange, match=r"diverges[\s\S]*window"):
        predicted(window=window, moment=1e-11)


@pytest.mark.parametrize("window", [(2.0, 1.0), (1.0, 1.0), (-1.0, 5.0), (math.nan, 5.0), (1.0, math.nan), (0.0, 0.0)])
def test_a_window_without_recoils_is_refused(window: Window) -> None:
    with pytest.raises(OutOfRange, match="encloses no recoils"):
        predicted(window=window)


def test_a_window_above_all_recoils_is_refused() -> None:
    with pytest.raises(OutOfRange, match=r"no recoil inside the window[\s\S]*below 264"):
        predicted(source=solar_source(TABLES, components=["pp"]), window=(400.0, 500.0))


def test_a_window_above_one_component_is_empty_of_it() -> None:
    events = column(predicted(window=(700.0, 1000.0)))
    assert events["pp"] == events["be7"] == 0.0
    assert events["pep"] > 0.0


def test_a_window_of_the_last_recoils_is_not_trusted_blindly() -> None:
    with pytest.raises(NumericalError, match="pp through standard_model"):
        total_rates([arriving("pp")], TREE, window=(261.2, 300.0), tolerance=1e-9, **PER_KG)


@pytest.mark.parametrize("exposure", [0.0, -1.0, math.nan, math.inf])
def test_an_exposure_is_positive(exposure: float) -> None:
    with pytest.raises(OutOfRange, match="exposure"):
        predicted(exposure=exposure)


@pytest.mark.parametrize("moment", [0.0, -1e-11, math.nan, math.inf])
def test_a_moment_is_positive(moment: float) -> None:
    with pytest.raises(OutOfRange, match="magnetic moment"):
        predicted(window=(1.0, 30.0), moment=moment)


# -- invariant: linear ------------------------------------------------------------------------------------------------


def test_linear_in_the_exposure() -> None:
    once, thrice = (column(predicted(exposure=n * EXPOSURE, window=(1.0, 900.0))) for n in (1, 3))
    assert thrice == {name: pytest.approx(3 * events, rel=1e-12) for name, events in once.items()}


@pytest.mark.parametrize("name", ["pep", "n13"])
def test_linear_in_the_flux(name: str) -> None:
    flux = arriving(name)
    brighter = replace(flux, source=replace(flux.source, total=2.5 * flux.source.total))
    assert rate(brighter, QED) == pytest.approx(2.5 * rate(flux, QED), rel=1e-12)


def test_quadratic_in_the_moment() -> None:
    one, two = (column(predicted(window=(1.0, 30.0), moment=m), "magnetic") for m in (1e-11, 2e-11))
    assert two == {name: pytest.approx(4 * events, rel=1e-12) for name, events in one.items()}
    fitted = {flux.name: rate(flux, MAGNETIC, (1.0, 30.0)) for flux in solar_source(TABLES).fluxes}
    assert {name: one[name] for name in fitted} == pytest.approx(fitted)  # 1e-11 mu_B is the unit of the fit


@pytest.mark.parametrize("moment", [None, 1e-11])
def test_sums_are_sums(moment: float | None) -> None:
    prediction = predicted(window=(1.0, 2000.0), moment=moment)
    for case in prediction.cases:
        events = column(prediction, case.name)
        assert events["CNO"] == pytest.approx(sum(events[name] for name in CNO), rel=1e-12)
        assert events["total"] == pytest.approx(sum(events[name] for name in COMPONENTS), rel=1e-12)
    assert [row.name for row in prediction.rows] == [*COMPONENTS, "CNO", "total"]
    assert prediction.row("CNO").flux == pytest.approx(2.78e8 + 2.05e8 + 5.29e6)
    assert prediction.row("be7").flux == pytest.approx(4.93e9)  # both lines


def test_no_sum_of_a_part() -> None:
    prediction = predicted(source=solar_source(TABLES, components=["o15", "pp", "n13"]))
    assert [row.name for row in prediction.rows] == ["o15", "pp", "n13", "total"]


def test_a_sum_stands_after_the_last_of_its_members() -> None:
    events = {"a": 1.0}
    rows = rate_rows(dict.fromkeys("xyz", (1.0, events)), {"XY": ("x", "y"), "YX": ("y", "x")}, {"b": {"back": 2.0}})
    assert [row.name for row in rows] == ["x", "y", "XY", "YX", "z", "b", "total"]
    assert rows[-1].events == {"a": 3.0, "back": 2.0}


@pytest.mark.parametrize("edges", [(0.0, 50.0, 231.0, 232.0, 664.0, 700.0, 1e6), (0.0, 1e-3, 1.0, 1224.0, 1226.0, 1e6)])
def test_adjacent_windows_add_up(edges: tuple[float, ...]) -> None:
    parts = [column(predicted(window=window)) for window in pairwise(edges)]
    whole = column(predicted())
    for name, events in whole.items():
        assert sum(part[name] for part in parts) == pytest.approx(events, rel=6e-5)


# -- invariant: what is left out --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMPONENTS)
def test_flavours_add_up_to_the_flux(name: str) -> None:
    flux = arriving(name)
    (found,) = total_rates([flux], QED, **PER_KG)
    assert found.flux == pytest.approx(flux.source.total, rel=1e-12)


def test_without_oscillation_is_a_trivial_content(monkeypatch: pytest.MonkeyPatch) -> None:
    prediction = predicted()
    born = column(prediction, "without_oscillation")
    assert all(born[name] > 1.3 * events for name, events in column(prediction).items())

    def stays(self: Oscillated, energy: Array, basis: Basis) -> Array:
        return np.array([np.ones_like(energy), np.zeros_like(energy), np.zeros_like(energy)])

    monkeypatch.setattr(Oscillated, "content", stays)
    assert column(predicted()) == pytest.approx(born, rel=1e-12)
    none = predicted(source=solar_source(TABLES, oscillation="none"))
    assert column(none) == pytest.approx(born, rel=1e-12)
    assert [case.name for case in none.cases] == ["predicted", "tree_level"]


def test_a_universal_moment_does_not_see_the_oscillation() -> None:
    arrived, born = (
        column(predicted(source=solar_source(TABLES, oscillation=fit), window=(1.0, 30.0), moment=1e-11), "magnetic")
        for fit in ("nufit60_ic24_normal", "none")
    )
    assert arrived == pytest.approx(born, rel=1e-12)


def test_the_tree_level_beside_it_has_the_same_angle() -> None:
    prediction = predicted(CorrectedElectron(FREE, 0.2315, qed=True))
    same = predicted(StandardModelElectron(FREE, 0.2315))
    assert column(prediction, "tree_level") == column(same)
    assert "0.2315" in prediction.cases[2].meaning
    assert [case.name for case in same.cases] == ["predicted", "without_oscillation"]


def test_the_numerical_error_is_that_of_the_nodes() -> None:
    prediction = predicted()
    assert 0.0 < prediction.numerical_error < 5e-5
    assert predicted(source=solar_source(TABLES, components=["be7"])).numerical_error < 1e-6


# -- invariant: sources -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Lamp(Flux):
    """Antineutrinos of one energy."""

    brightness: float
    name = "lamp"
    relative_error = None
    cite = ()

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        return {"nubar_e": Measure.lines(np.array([3000.0]), np.array([self.brightness]))}

    def density(self, energy: Array) -> Array:
        return np.zeros_like(energy)


def lamp_source(tables: Tables, *, brightness: float = 1e9) -> Source:
    return Source("lamp", "a lamp", (Lamp(brightness),))


def test_a_further_source_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventfit.rates.source.SOURCES", {**SOURCES, "lamp": lamp_source})
    bright = predicted(source=open_source("lamp", TABLES, {"brightness": 2e9}), window=(1.0, 100.0), moment=1e-11)
    assert [row.name for row in bright.rows] == ["lamp", "total"]
    assert [case.name for case in bright.cases] == ["predicted", "tree_level", "magnetic"]
    assert bright.row("lamp").flux == 2e9
    with pytest.raises(InputError, match=r"no such choice[\s\S]*components[\s\S]*brightness"):
        open_source("lamp", TABLES, {"components": ["pp"]})


@pytest.mark.parametrize(
    ("choices", "near"),
    [
        ({"components": ["pp", "be8"]}, "be7"),
        ({"model": "b16_gs99"}, "b16_gs98"),
        ({"oscillation": "nufit60_ic24"}, "nufit60_ic24_normal"),
        ({"oscillation": ""}, "none"),
    ],
)
def test_an_unknown_choice_names_what_there_is(choices: dict[str, object], near: str) -> None:
    with pytest.raises(UnknownName, match=near):
        open_source("solar", TABLES, choices)


@pytest.mark.parametrize("components", [[], ["pp", "pp"]])
def test_components_stand_there_once(components: list[str]) -> None:
    with pytest.raises(OutOfRange, match="every component may stand there once"):
        solar_source(TABLES, components=components)


def test_a_prediction_cites_what_it_rests_on() -> None:
    cited = predicted(window=(1.0, 30.0), moment=1e-11).cite
    assert {"arXiv:1611.09867", "parke1986", "astro-ph/9502003", "vogel-engel1989"} <= set(cited)


# -- invariant: an analysis -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["default", "all_components"])
def test_an_analysis_expects_its_templates(variant: str) -> None:
    model = Analysis.load("xenonnt_2022").model(variant)
    found = expectation(model)
    rows = {row.name: row for row in found.rows}
    for template in model.templates:
        assert rows[template.component].events == {template.term: pytest.approx(template.spectrum.values().sum())}
    assert rows["b0"].events == {"background": pytest.approx(426.5, abs=0.1)}
    assert rows["total"].events["background"] == rows["b0"].events["background"]
    assert rows["total"].events["magnetic_moment"] == pytest.approx(
        sum(t.spectrum.values().sum() for t in model.templates)
    )
    assert ("CNO" in rows) == (variant == "all_components")
    assert found.columns["magnetic_moment"] == "magnetic moment at mu_nu = 1e-11 mu_B"


def test_a_sharp_view_of_an_analysis_is_a_rate() -> None:
    """Its efficiency aside, the magnetic template of XENONnT is the rate of its recoils: smearing hardly moves it."""
    model = Analysis.load("xenonnt_2022").model()
    events = expectation(model).rows[-1].events["magnetic_moment"]
    source = solar_source(TABLES, components=["pp", "be7"], oscillation="none")
    weak = StandardModelElectron(SteppingElectrons(XENON), 0.23857)
    sharp = predict_rates(source, XENON, weak, exposure=1.16 * tonne * year, window=(1.0, 30.0), moment=1e-11)
    assert 0.7 < events / column(sharp, "magnetic")["total"] < 0.95


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "row", "published"),
    [
        pytest.param("b16_gs98", "pp", 131.1, id="arXiv:1707.09279, HZ, pp"),
        pytest.param("b16_gs98", "be7", 47.9, id="arXiv:1707.09279, HZ, 7Be, both lines"),
        pytest.param("b16_gs98", "pep", 2.74, id="arXiv:1707.09279, HZ, pep"),
        pytest.param("b16_gs98", "CNO", 4.92, id="arXiv:1707.09279, HZ, CNO"),
        pytest.param("b16_agss09met", "pp", 132.2, id="arXiv:1707.09279, LZ, pp"),
        pytest.param("b16_agss09met", "be7", 43.7, id="arXiv:1707.09279, LZ, 7Be, both lines"),
        pytest.param("b16_agss09met", "pep", 2.78, id="arXiv:1707.09279, LZ, pep"),
        pytest.param("b16_agss09met", "CNO", 3.52, id="arXiv:1707.09279, LZ, CNO"),
    ],
)
def test_rates_that_borexino_expects(model: SolarModel, row: str, published: float) -> None:
    """Counts per day and 100 t, zero threshold, all corrections; without those they would be 2 to 3 % larger."""
    prediction = predicted(source=solar_source(TABLES, model=model, oscillation=OF_2017))
    assert column(prediction)[row] == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize("electrons", [pytest.param(3.307e31, id="arXiv:1707.09279")])
def test_electrons_in_100_tonnes_of_pseudocumene(electrons: float) -> None:
    assert 100 * tonne * PSEUDOCUMENE.units_per_kg * PSEUDOCUMENE.electrons == pytest.approx(electrons, rel=2e-4)
