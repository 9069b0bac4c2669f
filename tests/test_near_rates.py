"""Predicted rates of reactors and of stopped pions: closed forms, norms, and how the verb rate takes them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from typer.testing import CliRunner, Result

from eventfit.cli import app
from eventfit.cross_section import FreeElectrons, StandardModelElectron
from eventfit.errors import DeclarationError, EventfitError, InputError, MissingInput, OutOfRange, UnknownName
from eventfit.rates import Prediction, Source, predict_rates, reactor_source, stopped_pion_source
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import day, kg

TABLES = Tables(shipped("data"))
# the test's own constants: keV, cm
M, G_FERMI, HBAR_C, ALPHA = 510.99895069, 1.1663788e-17, 1.973269804e-8, 7.2973525643e-3
M_MU, M_PI = 105658.3755, 139570.39
SIN2 = 0.23857
GEMMA: dict[str, Any] = {"power_GW": 3.0, "distance_m": 13.9}


def predicted(
    source: Source, material: str, window: tuple[float, float] | None = None, *, moment: float | None = None
) -> Prediction:
    """At tree level, free electrons, one kg day."""
    target = Target.load(TABLES, material)
    process = StandardModelElectron(FreeElectrons(target), SIN2)
    return predict_rates(source, target, process, exposure=kg * day, window=window, moment=moment)


def rows(prediction: Prediction, column: str = "predicted") -> dict[str, float]:
    return {row.name: row.events[column] for row in prediction.rows}


def weak(E: float, state: str, low: float, high: float) -> float:
    """Tree-level cross section in cm^2 per electron for recoils in the window, the integral in closed form."""
    g_L, g_R = SIN2 + (0.5 if state.endswith("_e") else -0.5), SIN2
    g_1, g_2 = (g_R, g_L) if state.startswith("nubar") else (g_L, g_R)
    end = min(high, 2 * E**2 / (M + 2 * E))

    def primitive(T: float) -> float:
        return g_1**2 * T - g_2**2 * E / 3 * (1 - T / E) ** 3 - g_L * g_R * M * T**2 / (2 * E**2)

    scale = 2 * (G_FERMI * HBAR_C) ** 2 * M / math.pi
    return scale * (primitive(end) - primitive(low)) if end > low else 0.0


def magnetic(E: float, low: float, high: float, moment: float) -> float:
    """Magnetic cross section in cm^2 per electron for recoils in the window, the integral in closed form."""
    end = min(high, 2 * E**2 / (M + 2 * E))
    scale = math.pi * (ALPHA * HBAR_C / M) ** 2 * moment**2
    return scale * (math.log(end / low) - (end - low) / E) if end > low else 0.0


def electrons(material: str) -> float:
    """In one kg, times one day."""
    target = Target.load(TABLES, material)
    return target.units_per_kg * target.electrons * 86400.0


# -- invariant: closed forms ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [(1.0, 20e3), (18e3, 50e3), (29e3, 60e3)])
def test_the_line_of_the_pion_is_a_closed_form(window: tuple[float, float]) -> None:
    E = (M_PI**2 - M_MU**2) / (2 * M_PI)
    found = predicted(stopped_pion_source(TABLES, flux_per_cm2_s=1e7), "mineral_oil", window, moment=7e-10)
    scale = 1e7 * electrons("mineral_oil")
    assert rows(found)["nu_mu"] == pytest.approx(scale * weak(E, "nu_mu", *window), rel=1e-5, abs=0)
    assert rows(found, "magnetic")["nu_mu"] == pytest.approx(scale * magnetic(E, *window, 7e-10), rel=1e-5, abs=0)


@pytest.mark.parametrize("state", ["nu_e", "nubar_mu"])
def test_the_spectra_of_the_muon_against_scipy(state: str) -> None:
    """Michel spectra as the literature writes them: 96 E^2/m^3 (1 - 2E/m) and 16 E^2/m^3 (3 - 4E/m)."""

    def shape(E: float) -> float:
        bracket = 6 * (1 - 2 * E / M_MU) if state == "nu_e" else 3 - 4 * E / M_MU
        return 16 * E**2 / M_MU**3 * bracket

    low, high, end = 18e3, 50e3, M_MU / 2
    found = predicted(stopped_pion_source(TABLES, flux_per_cm2_s=1e7), "mineral_oil", (low, high), moment=1e-9)
    pieces = [*(0.5 * (T + math.sqrt(T * (T + 2 * M))) for T in (low, high)), end]

    def integral(sigma: Callable[[float], float]) -> float:
        return float(sum(quad(lambda E: shape(E) * sigma(E), a, b, epsrel=1e-10)[0] for a, b in pairwise(pieces)))

    scale = 1e7 * electrons("mineral_oil")
    assert rows(found)[state] == pytest.approx(scale * integral(lambda E: weak(E, state, low, high)), rel=1e-5, abs=0)
    assert rows(found, "magnetic")[state] == pytest.approx(
        scale * integral(lambda E: magnetic(E, low, high, 1e-9)), rel=1e-5, abs=0
    )


def test_a_reactor_against_a_plain_sum() -> None:
    """The trapezium rule over 40000 energies of the spectrum, times the closed cross section."""
    low, high = 700.0, 2000.0
    source = reactor_source(TABLES, **GEMMA)
    found = predicted(source, "carbon_tetrafluoride", (low, high), moment=1e-10)
    E = np.linspace(0.5 * (low + math.sqrt(low * (low + 2 * M))), 12400.0, 40001)
    density = sum(flux.density(E) for flux in source.fluxes)
    for column, sigma in (
        ("predicted", [weak(e, "nubar_e", low, high) for e in E]),
        ("magnetic", [magnetic(e, low, high, 1e-10) for e in E]),
    ):
        total = float(np.trapezoid(density * np.array(sigma), E))
        assert rows(found, column)["total"] == pytest.approx(electrons("carbon_tetrafluoride") * total, rel=3e-4, abs=0)


# -- invariant: norms and components ----------------------------------------------------------------------------------


def test_isotopes_and_captures_add_up() -> None:
    found = predicted(reactor_source(TABLES, **GEMMA), "germanium", (2.8, 55.0), moment=3e-11)
    assert [row.name for row in found.rows] == ["u235", "u238", "pu239", "pu241", "fission", "capture", "total"]
    for column in ("predicted", "magnetic"):
        events = rows(found, column)
        isotopes = sum(events[name] for name in ("u235", "u238", "pu239", "pu241"))
        assert events["fission"] == pytest.approx(isotopes, rel=1e-12, abs=0)
        assert events["total"] == pytest.approx(isotopes + events["capture"], rel=1e-12, abs=0)
    assert [case.name for case in found.cases] == ["predicted", "magnetic"]


def test_the_flux_follows_from_power_and_distance() -> None:
    """Fissions per second, P / <E_f>, over 4 pi L^2: 235U has 201.92 MeV and 6.078 antineutrinos per fission."""
    alone: dict[str, Any] = {"fractions": {"u235": 1.0}, "captures_per_fission": 0.0, "model": "bestiole"}
    (flux,) = reactor_source(TABLES, **GEMMA, **alone).fluxes
    fissions = 3e9 / 1.602176634e-13 / 201.92 / (4 * math.pi * 1390.0**2)
    per_fission = flux.measure("flavour", order=3)["nubar_e"].total / fissions
    assert per_fission == pytest.approx(6.078, rel=2e-3)  # rows of the table joined by straight lines
    far = reactor_source(TABLES, power_GW=6.0, distance_m=27.8, **alone).fluxes[0]
    assert far.density(np.array([3e3])) == pytest.approx(0.5 * flux.density(np.array([3e3])), rel=1e-12, abs=0)


def test_some_components_keep_the_norm_of_all() -> None:
    whole = rows(predicted(reactor_source(TABLES, flux_per_cm2_s=6.4e12), "germanium", (2.8, 55.0)))
    some = rows(
        predicted(reactor_source(TABLES, flux_per_cm2_s=6.4e12, components=["capture"]), "germanium", (2.8, 55.0))
    )
    assert some == {"capture": pytest.approx(whole["capture"]), "total": pytest.approx(whole["capture"])}


def test_a_published_flux_is_that_of_all_energies() -> None:
    source = reactor_source(TABLES, flux_per_cm2_s=6.4e12)
    total = sum(flux.measure("flavour", order=3)["nubar_e"].total for flux in source.fluxes)
    assert total == pytest.approx(6.4e12, rel=1e-5, abs=0)
    (mixture,) = reactor_source(TABLES, flux_per_cm2_s=6.4e12, model="kopeikin1997").fluxes
    assert mixture.name == "mixture"


def test_stopped_pions_by_protons_are_stopped_pions_by_flux() -> None:
    protons = stopped_pion_source(TABLES, protons_per_s=4e15, pions_per_proton=0.09, distance_m=30.0)
    flux = 4e15 * 0.09 / (4 * math.pi * 3000.0**2)
    by_flux = rows(predicted(stopped_pion_source(TABLES, flux_per_cm2_s=flux), "mineral_oil", (18e3, 50e3)))
    assert rows(predicted(protons, "mineral_oil", (18e3, 50e3))) == pytest.approx(by_flux, rel=1e-12, abs=0)
    assert by_flux["delayed"] == pytest.approx(by_flux["nu_e"] + by_flux["nubar_mu"])


def test_what_is_unknown_is_not_counted_as_none() -> None:
    """Huber's spectra end at 2 and 8 MeV: every window is hit by more energetic ones, and low ones by others too."""
    bare = reactor_source(TABLES, **GEMMA, low_energy="none", high_energy="none")
    for window in (None, (100.0, 5000.0), (3000.0, 7000.0)):
        with pytest.raises(OutOfRange, match=r"not known[\s\S]*2000 to 8000 keV"):
            predicted(bare, "caesium_iodide", window)
    continued = reactor_source(TABLES, **GEMMA, low_energy="none")
    with pytest.raises(OutOfRange, match="not known"):
        predicted(continued, "caesium_iodide", (100.0, 5000.0))
    inside = rows(predicted(continued, "caesium_iodide", (3000.0, 7000.0)))["total"]
    whole = rows(predicted(reactor_source(TABLES, **GEMMA), "caesium_iodide", (3000.0, 7000.0)))["total"]
    assert inside == pytest.approx(whole, rel=1e-6)


NORM = {"power_GW": 3.0, "distance_m": 13.9, "flux_per_cm2_s": 1e13}


@pytest.mark.parametrize(
    ("choices", "error", "said"),
    [
        ({}, MissingInput, r"norm of a reactor is missing[\s\S]*flux_per_cm2_s, or power_GW and distance_m"),
        ({"power_GW": 3.0}, InputError, "a part of the norm"),
        (NORM, InputError, r"given twice[\s\S]*power_GW"),
        ({**GEMMA, "model": "huber"}, UnknownName, "huber_mueller"),
        ({**GEMMA, "low_energy": "vogel"}, UnknownName, "vogel_engel"),
        ({**GEMMA, "low_energy": "mueller"}, OutOfRange, "cannot continue"),
        ({**GEMMA, "fractions": {"u235": 0.5, "pu239": 0.4}}, OutOfRange, "do not add to one"),
        ({**GEMMA, "fractions": {"u233": 1.0}}, UnknownName, "u235, u238, pu239, pu241"),
        ({**GEMMA, "components": ["u235", "np239"]}, UnknownName, "capture"),
        ({**GEMMA, "components": ["u235", "u235"]}, OutOfRange, "once"),
        ({"power_GW": 3.0, "distance_m": 1000.0}, OutOfRange, "oscillate"),
        ({"power_GW": 300.0, "distance_m": 20.0}, OutOfRange, "up to 10 GW"),
        ({**GEMMA, "captures_per_fission": -1.0}, OutOfRange, "captures"),
        ({"flux_per_cm2_s": -1.0}, OutOfRange, "flux has to be positive"),
        (
            {"flux_per_cm2_s": 1e13, "model": "kopeikin1997", "fractions": {"u235": 1.0}},
            DeclarationError,
            "nothing depends",
        ),
    ],
    ids=str,
)
def test_a_reactor_that_cannot_be_is_refused(choices: dict[str, Any], error: type[EventfitError], said: str) -> None:
    with pytest.raises(error, match=said):
        reactor_source(TABLES, **choices)


@pytest.mark.parametrize(
    ("choices", "error", "said"),
    [
        ({}, MissingInput, r"norm of a beam stop[\s\S]*protons_per_s and pions_per_proton and distance_m"),
        ({"protons_per_s": 1e15, "distance_m": 20.0}, InputError, "a part of the norm"),
        ({"flux_per_cm2_s": 1e7, "distance_m": 20.0}, InputError, "given twice"),
        ({"flux_per_cm2_s": 0.0}, OutOfRange, "positive"),
        ({"flux_per_cm2_s": 1e7, "components": ["nubar_e"]}, UnknownName, "nubar_mu"),
        ({"flux_per_cm2_s": 1e7, "components": []}, OutOfRange, "once"),
    ],
    ids=str,
)
def test_stopped_pions_that_cannot_be_are_refused(
    choices: dict[str, Any], error: type[EventfitError], said: str
) -> None:
    with pytest.raises(error, match=said):
        stopped_pion_source(TABLES, **choices)


# -- invariant: the verb ----------------------------------------------------------------------------------------------

REACTOR = ("rate", "reactor", "--power", "3 GW", "--distance", "13.9 m", "--target", "germanium")
STOPPED = ("rate", "stopped_pion", "--flux", "1e7", "--target", "mineral_oil", "--window", "18000", "50000")


def eventfit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def document(*arguments: str) -> Any:
    result = eventfit(*arguments, "--json")
    assert result.exit_code == 0, (result.stderr, repr(result.exception))
    return json.loads(result.stdout)


def total(*arguments: str, column: str = "predicted") -> float:
    return float(document(*arguments)["rows"][-1]["events"][column])


def test_every_choice_of_a_reactor_changes_the_number() -> None:
    window = ("--window", "2.8", "55")
    others = [
        ("--fractions", "u235=1.0"),
        ("--captures", "0.5"),
        ("--model", "kurchatov"),
        ("--low-energy", "vogel_engel"),
        ("--components", "u235,capture"),
        ("--electrons", "stepping"),
    ]
    default = total(*REACTOR, *window)
    assert len({default, *(total(*REACTOR, *window, *other) for other in others)}) == len(others) + 1
    fuel = "u235=0.56, u238=0.08, pu239=0.30, pu241=0.06"
    same = ["--captures", "0.6", "--fractions", fuel, "--model", "huber_mueller", "--low-energy", "bestiole"]
    assert total(*REACTOR, *window, *same, "--high-energy", "bestiole") == default
    in_other_units = ("rate", "reactor", "--power", "3000 MW", "--distance", "1390 cm", *REACTOR[6:])
    assert total(*in_other_units, *window) == pytest.approx(default, rel=1e-12, abs=0)


def test_json_and_table_of_near_sources() -> None:
    found = document(*REACTOR, "--window", "2.8", "55", "--moment", "3e-11", "--exposure", "1 kg day")
    assert [column["name"] for column in found["columns"]] == ["predicted", "tree_level", "magnetic"]
    assert "3 GW at 13.9 m" in found["columns"][0]["meaning"]
    assert "0.6 captures" in found["columns"][0]["meaning"]
    assert {table["name"] for table in found["tables"]} >= {"flux/reactor/huber2011", "flux/reactor/fission_energy"}
    assert {"arXiv:1106.0687", "kopeikin2004"} <= set(found["cite"])
    text = eventfit(*STOPPED).stdout
    for word in ("stopped-pion neutrinos on mineral oil", "nubar_mu", "delayed (nu_e + nubar_mu)", "3.000e+07"):
        assert word in text


def test_figures_of_near_sources(tmp_path: Path) -> None:
    assert eventfit(*STOPPED, "-o", tmp_path).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        f"stopped_pion_mineral_oil_rate.{ending}" for ending in ("json", "png", "pdf")
    }


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (("rate", "reactor", "--target", "germanium"), "MissingInput", ["norm of a reactor"]),
        ((*REACTOR, "--flux", "1e13"), "InputError", ["given twice"]),
        ((*REACTOR[:4], "--target", "germanium"), "InputError", ["a part of the norm"]),
        ((*REACTOR[:4], "--distance", "13.9 ft", *REACTOR[6:]), "UnknownName", ["--distance", "'ft'", "m, cm, km"]),
        ((*REACTOR[:4], "--distance", "13.9", *REACTOR[6:]), "UnknownName", ["--distance", "e.g."]),
        (
            ("rate", "reactor", "--power", "-3 GW", *REACTOR[4:]),
            "OutOfRange",
            ["--power", "-3 GW", "e.g. --power '3 GW'"],
        ),
        ((*REACTOR, "--fractions", "u235=0.5,pu239=0.4"), "OutOfRange", ["do not add to one", "0.9"]),
        ((*REACTOR, "--fractions", "u235:1"), "OutOfRange", ["--fractions", "u235:1"]),
        ((*REACTOR, "--fractions", "u235=0.5,u235=0.5"), "OutOfRange", ["--fractions", "once"]),
        ((*REACTOR, "--fractions", "th232=1"), "UnknownName", ["th232"]),
        ((*REACTOR, "--oscillation", "none"), "InputError", ["--oscillation", "--power", "--fractions"]),
        ((*REACTOR, "--protons", "1e15"), "InputError", ["--protons", "no such option"]),
        ((*REACTOR, "--low-energy", "none"), "OutOfRange", ["not known", "2000 to inf keV"]),
        ((*STOPPED, "--power", "3 GW"), "InputError", ["--power", "--pions-per-proton"]),
        ((*STOPPED, "--protons", "1e15"), "InputError", ["given twice"]),
        ((*STOPPED, "--components", "nu_tau"), "UnknownName", ["nu_tau", "nubar_mu"]),
        (("rate", "solar", "--target", "xenon", "--flux", "1e7"), "InputError", ["--flux", "--oscillation"]),
        (("rate", "rovno_1993", "--flux", "1e7"), "InputError", ["--flux", "declares"]),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_message(arguments: tuple[str, ...], kind: str, words: list[str]) -> None:
    result = eventfit(*arguments, "--json")
    assert result.exit_code == 2, repr(result.exception)
    assert result.stdout == ""
    assert result.stderr.startswith(f"{kind}: ")
    assert len(re.findall(r"^\w+: ", result.stderr, re.M)) == 1
    for word in words:
        assert word in result.stderr


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("power", "distance", "published"),
    [
        pytest.param("3 GW", "13.9 m", 2.7e13, id="GEMMA, arXiv:1005.2736"),
        pytest.param("2.9 GW", "28 m", 6.4e12, id="TEXONO, hep-ex/0605006"),
        pytest.param("3.9 GW", "17.1 m", 2.3e13, id="CONUS, arXiv:2401.07684"),
    ],
)
def test_published_fluxes_follow_from_the_defaults(power: str, distance: str, published: float) -> None:
    found = document("rate", "reactor", "--power", power, "--distance", distance, *REACTOR[6:], "--window", "10", "100")
    assert found["rows"][-1]["flux_per_cm2_s"] == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize(
    ("choices", "material", "window", "per_kg_day", "rel"),
    [
        pytest.param(
            {"flux_per_cm2_s": 6.4e12}, "caesium_iodide", (3e3, 8e3), 0.0137, 0.10, id="arXiv:0911.1597, weak"
        ),
        pytest.param(
            {"power_GW": 2.75, "distance_m": 18.0},
            "carbon_tetrafluoride",
            (700.0, 2e3),
            5.1 / 11.4,
            0.05,
            id="MUNU, recomputed",
        ),
    ],
)
def test_weak_rates_of_reactor_experiments(
    choices: dict[str, Any], material: str, window: tuple[float, float], per_kg_day: float, rel: float
) -> None:
    """In events per kg and day, at tree level: the curve drawn in the paper, read to 10 %; a calculation not ours."""
    found = rows(predicted(reactor_source(TABLES, **choices), material, window))["total"]
    assert found == pytest.approx(per_kg_day, rel=rel)
