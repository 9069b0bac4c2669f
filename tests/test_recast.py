"""A new signal through declared experiments: what it reproduces, what it scales with, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import eventfit
from eventfit.analysis import Analysis
from eventfit.analysis.combination import combine
from eventfit.analysis.problem import Problem, open_problem
from eventfit.analysis.recoil_spectrum import recoil_spectrum
from eventfit.cli import app
from eventfit.errors import DeclarationError, InputError, NumericalError, OutOfRange, UnknownName
from eventfit.folding import fold_recoils
from eventfit.inference import Profile, profile_interval, upper_limit_qmu_tilde
from eventfit.quadrature import Array
from eventfit.response import FanoResolution, Response
from eventfit.units import day, keV, kg, s, tonne, year

VALID = Path(__file__).parent / "broken" / "valid.toml"
NUCLEAR = Path(__file__).parent / "nuclear_recoils"
#: recoils in keV that XENON1T sees, and then some
LOW, HIGH = 0.01, 45.0


def eventfit_(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def document(*arguments: str | Path) -> Any:
    result = eventfit_(*arguments, "--json")
    assert result.exit_code == 0, (result.stderr, repr(result.exception))
    return json.loads(result.stdout)


def refused(result: Result, error: str, *parts: str) -> None:
    assert result.exit_code == 2, result.output or result.exception
    assert result.stdout == ""
    message = result.stderr.lstrip()
    assert message.startswith(f"{error}: "), message
    assert "Traceback" not in message
    for part in parts:
        assert part in message, f"{part!r} is not in\n{message}"


def limit_of(problem: Problem) -> float:
    return upper_limit_qmu_tilde(Profile(problem.likelihood, problem.poi), cl=0.90).value


def written(path: Path, header: str, *columns: Array) -> Path:
    np.savetxt(path, np.transpose(columns), delimiter=",", header=header, comments="", fmt="%.12g")
    return path


def bump(T: Array) -> Array:
    """Recoils around 5 keV."""
    return np.asarray(1e-3 * np.exp(-0.5 * ((T - 5.0) / 1.5) ** 2))


@pytest.fixture(scope="module")
def magnetic() -> Callable[[Array], Array]:
    """dR/dT of solar pp and 7Be through a moment of 1e-11 mu_B in xenon, per keV, kg and day.

    From the differential cross section and the nodes of the flux, without the fold.
    """
    model = Analysis.load("xenon1t_2020").model()
    (process,) = model.processes
    (term,) = process.terms

    def rate(T: Array) -> Array:
        found = np.zeros(len(T))
        for flux in model.fluxes:
            for state, measure in flux.measure(term.basis, order=12).items():
                sigma = process.dsigma_dT(term, T, measure.energy, state)
                found += term.weight[state] * (sigma @ measure.weight)
        return np.asarray(found * model.target.units_per_kg * (kg * day * keV))

    return rate


@pytest.fixture(scope="module")
def table(magnetic: Callable[[Array], Array]) -> tuple[Array, Array]:
    """The same at 1200 energies, and on both sides of every shell."""
    shells = Analysis.load("xenon1t_2020").model().processes[0].breakpoints
    shells = shells[(shells > LOW) & (shells < HIGH)]
    T = np.unique(np.concatenate([np.geomspace(LOW, HIGH, 1200), shells * (1 - 1e-7), shells * (1 + 1e-7)]))
    return T, magnetic(T)


# -- invariant --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["default", "efficiency_first", "efficiency_on_signal", "tritium_free"])
def test_its_own_signal_gives_its_own_limit(table: tuple[Array, Array], variant: str) -> None:
    """The magnetic moment's recoils as a table: the strength is mu2."""
    own = open_problem("xenon1t_2020", variant=variant)
    again = eventfit.recast("xenon1t_2020", table, unit="per_keV_kg_day", variant=variant)
    assert again.poi == again.reported.name == "strength"
    assert limit_of(again) == pytest.approx(limit_of(own), rel=1e-3)
    intervals = [profile_interval(Profile(p.likelihood, p.poi), cl=0.9).pieces for p in (own, again)]
    assert intervals[1][0] == pytest.approx(intervals[0][0], rel=1e-3)
    model = again.model
    assert model is not None
    assert own.model is not None
    counts = np.sum([t.spectrum.values() for t in own.model.templates], axis=0)
    assert model.templates[-1].spectrum.values() == pytest.approx(counts, rel=1e-3)
    constraints = [p.name for p in again.likelihood.parameters]
    assert constraints == ["strength" if name == "mu2" else name for name in own.likelihood.names]


def test_single_events(table: tuple[Array, Array]) -> None:
    own = open_problem("xenonnt_2022", variant="unbinned")
    again = eventfit.recast("xenonnt_2022", table, unit="per_keV_kg_day", variant="unbinned")
    assert again.likelihood.unbinned
    assert limit_of(again) == pytest.approx(limit_of(own), rel=1e-3)


def test_forms_of_one_spectrum_agree(tmp_path: Path) -> None:
    """A file, arrays and a function; other units; a cross section times its flux."""
    T = np.linspace(0.01, HIGH, 1500)
    rate = bump(T)
    reference = limit_of(eventfit.recast("xenonnt_2022", bump, unit="per_keV_kg_day"))
    forms: dict[str, Problem] = {
        "arrays": eventfit.recast("xenonnt_2022", (T, rate), unit="per_keV_kg_day"),
        "file": eventfit.recast("xenonnt_2022", written(tmp_path / "a.csv", "T_keV,rate_per_keV_kg_day", T, rate)),
        "eV": eventfit.recast(
            "xenonnt_2022", written(tmp_path / "b.csv", "T_eV,rate_per_eV_kg_day", 1e3 * T, 1e-3 * rate)
        ),
        "tonne": eventfit.recast(
            "xenonnt_2022",
            written(
                tmp_path / "c.csv", "rate_per_MeV_tonne_year,T_MeV", rate * 1e3 * (tonne * year) / (kg * day), 1e-3 * T
            ),
        ),
        "seconds": eventfit.recast("xenonnt_2022", lambda T: bump(T) * (kg * s) / (kg * day), unit="per_keV_kg_s"),
    }
    for name, problem in forms.items():
        assert limit_of(problem) == pytest.approx(reference, rel=1e-4), name


@pytest.mark.parametrize("variant", ["default", "free_electrons"])
def test_cross_section_strikes_the_declared_electrons(variant: str) -> None:
    """A flat cross section per electron is a rate with a step at every shell, or flat if all are free."""
    problem = eventfit.recast("xenon1t_2020", lambda T: 1e-45 + 0.0 * T, unit="cm2_per_keV", flux=6e10, variant=variant)
    model = problem.model
    assert model is not None
    electrons = Analysis.load("xenon1t_2020").model(variant).processes[0]

    def rate(T: Array) -> Array:
        return np.asarray(6e10 * 1e-45 * model.target.units_per_kg * electrons.struck(T))

    same = eventfit.recast(
        "xenon1t_2020",
        recoil_spectrum((knots := np.geomspace(LOW, HIGH, 1900), rate(knots)), unit="per_keV_kg_s"),
        variant=variant,
    )
    assert same.model is not None
    assert model.templates[-1].spectrum.values() == pytest.approx(same.model.templates[-1].spectrum.values(), rel=3e-3)


@pytest.mark.parametrize("factor", [0.01, 7.0])
def test_limit_is_inverse_to_the_spectrum(factor: float) -> None:
    one = eventfit.recast("xenon1t_2020", bump, unit="per_keV_kg_day")
    other = eventfit.recast("xenon1t_2020", lambda T: factor * bump(T), unit="per_keV_kg_day")
    assert limit_of(one) == pytest.approx(factor * limit_of(other), rel=1e-6)
    assert one.model is not None
    assert other.model is not None
    assert other.model.templates[-1].spectrum.values() == pytest.approx(
        factor * one.model.templates[-1].spectrum.values(), rel=1e-12
    )


def test_counts_of_a_wide_flat_spectrum() -> None:
    """Far from the edges of a window smearing moves nothing: a flat rate times exposure, width and efficiency."""
    problem = eventfit.recast("xenonnt_2022", lambda T: 2e-3 + 0.0 * T, unit="per_keV_kg_day")
    model = problem.model
    assert model is not None
    efficiency = next(t for t in model.tables if t.name.endswith("efficiency"))
    at = np.interp(20.5, efficiency["energy_keV"], efficiency["efficiency"])
    counts = model.templates[-1].spectrum.values()[19]
    assert counts == pytest.approx(2e-3 * 1.16e3 * 365.25 * at, rel=2e-3)


def test_weak_scattering_and_its_norms_stay(tmp_path: Path) -> None:
    """Only what a coupling scales is replaced; a flux norm scales the weak scattering, not the new signal."""
    weak = '{ kind = "standard_model", order = "tree", sin2_theta_w = 0.23857 }'
    norm = '{ name = "sun", kind = "flux_norm", components = ["be7"], start = 1, bounds = [0, 5], relative = 0.06 }'
    text = VALID.read_text().replace('[{ kind = "magnetic_moment" }]', f'[{weak}, {{ kind = "magnetic_moment" }}]')
    text = text.replace('applies_to = ["b0"] }]', f'applies_to = ["b0"] }}, {norm}]')
    path = tmp_path / "weak.toml"
    path.write_text(text)
    problem = eventfit.recast(path, bump, unit="per_keV_kg_day")
    factors = {c.name: {f.parameter for f in c.factors} for c in problem.likelihood.components}
    (scattering,) = set(factors) - {"recast.signal", "b0"}
    assert factors == {scattering: {"weak.sun"}, "recast.signal": {"strength"}, "b0": {"weak.b0_scale"}}
    own = open_problem(str(path))
    (kept,) = [
        c for c in own.likelihood.components if not any(f.parameter == "mu2" for f in c.factors) and c.name != "b0"
    ]
    (same,) = [c for c in problem.likelihood.components if c.name == kept.name]
    assert same.counts == pytest.approx(kept.counts)
    # without weak scattering the norm has nothing left to scale
    path.write_text(VALID.read_text().replace('applies_to = ["b0"] }]', f'applies_to = ["b0"] }}, {norm}]'))
    assert eventfit.recast(path, bump, unit="per_keV_kg_day").likelihood.names == ("strength", "weak.b0_scale")


def test_a_nuisance_of_the_old_signal_is_one_of_the_new(tmp_path: Path) -> None:
    for applies in ('["signal"]', '["be7.magnetic_moment"]', '["be7.magnetic_moment", "b0"]'):
        path = tmp_path / "named.toml"
        path.write_text(VALID.read_text().replace('applies_to = ["b0"] }]', f"applies_to = {applies} }}]"))
        problem = eventfit.recast(path, bump, unit="per_keV_kg_day")
        scaled = [c.name for c in problem.likelihood.components if "named.b0_scale" in {f.parameter for f in c.factors}]
        assert scaled == ["recast.signal", *(["b0"] if "b0" in applies else [])]


def test_errors_of_the_response_bend_the_new_signal(table: tuple[Array, Array], tmp_path: Path) -> None:
    """Energy scale and resolution: the magnetic moment's own recoils bend as the fold of its cross section does."""
    errors = (
        '{ name = "energy_scale", kind = "energy_scale", relative = 0.02, backgrounds = "fixed" }, '
        '{ name = "width", kind = "resolution", relative = 0.05, backgrounds = "fixed" }'
    )
    text = VALID.read_text().replace('applies_to = ["b0"] }]', f'applies_to = ["b0"] }}, {errors}]')
    text = text.replace('components = ["be7"]', 'components = ["pp", "be7"]')
    path = tmp_path / "bending.toml"
    path.write_text(text.replace('electrons = "free"', 'electrons = "stepping"'))
    own, again = open_problem(str(path)), eventfit.recast(path, table, unit="per_keV_kg_day")
    assert own.model is not None
    assert again.model is not None
    assert {error.label for error in again.model.bending} >= {"energy_scale", "width"}
    assert limit_of(again) == pytest.approx(limit_of(own), rel=1e-3)
    for theta in ((2.0, 0.0), (0.0, -2.0), (-1.0, 1.5)):
        found = []
        for problem in (own, again):
            point = problem.likelihood.start.copy()
            for name, value in {problem.poi: 5.0, "bending.energy_scale": theta[0], "bending.width": theta[1]}.items():
                point[problem.likelihood.index(name)] = value
            found.append(problem.likelihood.expected(point))
        assert found[1] == pytest.approx(found[0], rel=1e-3)


def test_experiments_combine(table: tuple[Array, Array]) -> None:
    """Of the same material, with the same spectrum."""
    signal = recoil_spectrum(table, unit="per_keV_kg_day")
    parts = [eventfit.recast(name, signal) for name in ("xenon1t_2020", "xenonnt_2022")]
    own = combine([open_problem(name) for name in ("xenon1t_2020", "xenonnt_2022")])
    assert limit_of(combine(parts)) == pytest.approx(limit_of(own), rel=1e-3)
    with pytest.raises(InputError, match="belongs to one spectrum"):
        combine([parts[0], eventfit.recast("xenonnt_2022", bump, unit="per_keV_kg_day")])
    with pytest.raises(UnknownName, match="one parameter of interest"):
        combine([parts[0], open_problem("xenonnt_2022")])


def test_a_rate_is_that_of_one_material(tmp_path: Path) -> None:
    text = VALID.read_text().replace("xenon1t-sr1", "mine").replace('"xenon"', '"germanium"')
    path = tmp_path / "germanium.toml"
    path.write_text(text)
    rate = recoil_spectrum(bump, unit="per_keV_kg_day")
    with pytest.raises(InputError, match="one material"):
        combine([eventfit.recast(target, rate) for target in (path, "xenonnt_2022")])
    sigma = recoil_spectrum(lambda T: 1e-44 + 0.0 * T, unit="cm2_per_keV", flux=6e10)
    whole = combine([eventfit.recast(target, sigma) for target in (path, "xenonnt_2022")])
    assert limit_of(whole) > 0


def test_every_experiment_in_one_call() -> None:
    """A spectrum that ends with zero at 40 keV: in the windows above, it is said why there is no number."""
    T = np.linspace(0.0, 40.0, 1601)
    names = ["xenon1t_2020", "xenonnt_2022", "texono_2010"]
    seen: list[str] = []
    found = eventfit.recast_all((T, bump(T) * (T < 39.0)), names, unit="per_keV_kg_day", on_analysis=seen.append)
    assert [one.analysis.id for one in found] == seen == names
    xenon1t, xenonnt, texono = found
    assert xenon1t.problem is not None
    assert limit_of(xenon1t.problem) == limit_of(
        eventfit.recast("xenon1t_2020", (T, bump(T) * (T < 39.0)), unit="per_keV_kg_day")
    )
    assert xenonnt.error is None
    assert texono.problem is None
    assert isinstance(texono.error, OutOfRange)


# -- broken input -----------------------------------------------------------------------------------------------------

GOOD = np.linspace(0.0, HIGH, 901)


@pytest.mark.parametrize(
    ("header", "T", "value", "error", "words"),
    [
        (
            "T_keV,rate_per_keV_kg_day",
            GOOD[:400],
            bump(GOOD[:400]) + 1e-4,
            OutOfRange,
            ["0 to 19.95 keV", "zero where"],
        ),
        ("T_keV,rate_per_keV_kg_day", GOOD[100:], bump(GOOD[100:]) + 1e-4, OutOfRange, ["5 to 45 keV", "at least 0."]),
        (
            "T_keV,rate_per_keV_kg_day",
            GOOD,
            np.where(GOOD > 7, np.nan, 1.0),
            OutOfRange,
            ["nan", "rate_per_keV_kg_day"],
        ),
        ("T_keV,rate_per_keV_kg_day", GOOD, np.where(GOOD > 7, np.inf, 1.0), OutOfRange, ["inf"]),
        ("T_keV,rate_per_keV_kg_day", GOOD, bump(GOOD) - 1e-5, OutOfRange, ["negative", "T = 0 keV", "-"]),
        ("T_keV,rate_per_keV_kg_day", GOOD - 1.0, bump(GOOD), OutOfRange, ["recoil energy is negative", "row 1"]),
        ("T_keV,rate_per_keV_kg_day", GOOD[::-1], bump(GOOD), OutOfRange, ["do not increase"]),
        ("T_keV,rate_per_keV_kg_day", GOOD[::40], bump(GOOD[::40]), NumericalError, ["too coarse", "second row"]),
        ("T_keV,rate_per_keV_kg_day", GOOD, 0.0 * GOOD, OutOfRange, ["no event inside the window"]),
        ("T_keV,rate_per_keV_kg_day", GOOD[:2], np.zeros(2), OutOfRange, []),
        ("T,rate", GOOD, bump(GOOD), UnknownName, ["T, rate", "T_keV", "rate_per_keV_kg_day", "rename"]),
        ("T_keV,rate", GOOD, bump(GOOD), UnknownName, ["T_keV, rate"]),
        ("energy_keV,rate_per_keV_kg_day", GOOD, bump(GOOD), UnknownName, ["energy_keV", "T_keV"]),
        ("T_keV,rate_per_keV_kg_month", GOOD, bump(GOOD), UnknownName, ["month", "day, year"]),
        ("T_keV,sigma_cm2_per_keV", GOOD, bump(GOOD), InputError, ["--flux"]),
    ],
)
def test_table(tmp_path: Path, header: str, T: Array, value: Array, error: type[InputError], words: list[str]) -> None:
    path = written(tmp_path / "spectrum.csv", header, T, value)
    with pytest.raises(error) as caught:
        eventfit.recast("xenon1t_2020", path)
    result = eventfit_("limit", "xenon1t_2020", "--spectrum", path)
    assert result.exit_code == error.exit_code
    assert result.stdout == ""
    for word in words:
        assert word in str(caught.value)
        assert word in result.stderr


def test_a_table_may_end_with_zero() -> None:
    T = np.linspace(0.0, 12.0, 601)
    problem = eventfit.recast("xenon1t_2020", (T, bump(T) * (1.0 - T / 12.0)), unit="per_keV_kg_day")
    assert problem.model is not None
    assert problem.model.templates[-1].spectrum.values()[-1] < 1e-9


def test_two_columns_of_values(tmp_path: Path) -> None:
    header = "T_keV,rate_per_keV_kg_day,rate_per_keV_tonne_year"
    path = written(tmp_path / "two.csv", header, GOOD, bump(GOOD), bump(GOOD))
    refused(eventfit_("limit", "xenon1t_2020", "--spectrum", path), "UnknownName", "keep one of", "tonne_year")


@pytest.mark.parametrize(
    ("function", "options", "error", "words"),
    [
        (bump, {}, UnknownName, ["unit", "per_keV_kg_day", "unit="]),
        (bump, {"unit": "per_keV"}, UnknownName, ["per_keV"]),
        (bump, {"unit": "cm2_per_keV"}, InputError, ["flux"]),
        (bump, {"unit": "per_keV_kg_day", "flux": 1.0}, InputError, ["a rate needs no flux"]),
        (bump, {"unit": "cm2_per_keV", "flux": -1.0}, OutOfRange, ["flux"]),
        (lambda T: -bump(T), {"unit": "per_keV_kg_day"}, OutOfRange, ["negative or not a number", "T ="]),
        (lambda T: np.log(T - 3.0), {"unit": "per_keV_kg_day"}, OutOfRange, ["not a number"]),
        (lambda T: 1.0, {"unit": "per_keV_kg_day"}, OutOfRange, ["one value per recoil energy"]),
        (lambda T: 1.0 * (T % 0.1 > 0.05), {"unit": "per_keV_kg_day"}, NumericalError, ["too rough", "a table"]),
        (bump, {"unit": "per_keV_kg_day", "end_keV": 0.01}, OutOfRange, []),
        (3.0, {"unit": "per_keV_kg_day"}, InputError, ["no recoil spectrum", "float"]),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_function(function: Any, options: dict[str, Any], error: type[InputError], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        eventfit.recast("xenon1t_2020", function, **options)
    for word in words:
        assert word in str(caught.value)


def test_error_of_the_old_coupling(tmp_path: Path) -> None:
    path = tmp_path / "systematic.toml"
    error = '{ name = "systematic", kind = "coupling_error", size = 0.3 }'
    path.write_text(VALID.read_text().replace('applies_to = ["b0"] }]', f'applies_to = ["b0"] }}, {error}]'))
    with pytest.raises(DeclarationError, match="says nothing about another signal"):
        eventfit.recast(path, bump, unit="per_keV_kg_day")


def test_one_number_relative_to_the_weak_scattering() -> None:
    """Its exposure is no exposure of anything: an absolute rate would mean nothing there."""
    rate = recoil_spectrum(lambda T: 1e-3 + 0.0 * T, unit="per_keV_kg_day")
    with pytest.raises(DeclarationError, match="no exposure") as caught:
        eventfit.recast("munu_2005", rate)
    assert "ratio_to_weak" in str(caught.value)


def test_recoils_that_are_given_are_quenched_and_electrons_refused(tmp_path: Path) -> None:
    """Half as visible is half the energy: twice the rate per keV. An error of the quenching bends them too."""
    copy = tmp_path / "quenched"
    shutil.copytree(NUCLEAR, copy)
    text = (NUCLEAR / "analysis.toml").read_text().partition("[variant.fef]")[0]
    light = '[[nuisance]]\nname = "light"\nkind = "quenching"\nrelative = 0.02\nbackgrounds = "fixed"\n\n[[result]]'
    text = text.replace(
        '{ kind = "table", table = "quenching", column = "ybe" }', '{ kind = "constant", factor = 0.5 }'
    )
    (copy / "analysis.toml").write_text(text.replace("[[result]]", light))
    with pytest.raises(DeclarationError, match="not quenched"):
        eventfit.recast(copy, lambda T: 1e-44 + 0.0 * T, unit="cm2_per_keV", flux=6e10)

    def visible(E: Array) -> Array:
        """Events per keV, kg and day at what would be visible of an electron."""
        return np.asarray(np.exp(-(((E - 0.6) / 0.15) ** 2)))

    def seen_as(factor: float, E: Array) -> Array:
        return visible(E / factor) / factor / day

    likelihood = eventfit.recast(copy, lambda T: visible(0.5 * T), unit="per_keV_kg_day").likelihood
    for theta, factor in ((0.0, 1.0), (2.0, 1.04)):
        at = likelihood.start.copy()
        at[likelihood.index("quenched.light")] = theta
        at[likelihood.index("strength")] = 1.0
        sharp = Response(("resolution",), FanoResolution(0.0685, 0.11, 0.00296, positive=True))
        edges = np.linspace(0.2, 1.0, 17)
        alone, _, _ = fold_recoils(
            partial(seen_as, factor),
            sharp,
            edges,
            exposure=281.9 * day,
            end=10.0,
            knots=np.empty(0),
        )
        signal = likelihood.expected_by_component(at)["recast.signal"]
        np.testing.assert_allclose(signal, 2.0 * alone, rtol=2e-3)


def test_data_without_the_source_have_no_signal() -> None:
    """It is said that what is always there cancels between ON and OFF."""
    rate = recoil_spectrum(bump, unit="per_keV_kg_day")
    conus = eventfit.recast("conus_2022", rate)
    assert any("always there cancels" in note for note in conus.notes)
    assert not any("cancels" in note for note in eventfit.recast("xenonnt_2022", rate).notes)


def test_options(tmp_path: Path) -> None:
    path = written(tmp_path / "good.csv", "T_keV,rate_per_keV_kg_day", GOOD, bump(GOOD))
    refused(eventfit_("limit", "xenon1t_2020", "--flux", "1e10"), "InputError", "--spectrum")
    refused(eventfit_("limit", "xenon1t_2020", "--spectrum", path, "--flux", "1e10"), "InputError", "needs no flux")
    refused(eventfit_("limit", "xenon1t_2020", "--spectrum", tmp_path / "none.csv"), "MissingInput", "none.csv")
    (tmp_path / "empty.csv").touch()
    refused(eventfit_("scan", "xenon1t_2020", "--spectrum", tmp_path / "empty.csv"), "BadFile", "empty")
    (tmp_path / "counts.json").write_text("{}")
    refused(eventfit_("limit", tmp_path / "counts.json", "--spectrum", path), "InputError", "no response")
    refused(eventfit_("recast", tmp_path / "none.csv"), "MissingInput", "none.csv")
    refused(eventfit_("recast", path, "xenonnt_2021"), "UnknownName", "xenonnt_2022")
    refused(eventfit_("recast", path, "texono_2010"), "OutOfRange", "recoils up to 45 keV")


# -- invariant: the command line --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["limit", "limit --method cls", "interval", "significance", "scan --points 5"])
def test_verb(tmp_path: Path, verb: str) -> None:
    path = written(tmp_path / "line.csv", "T_keV,rate_per_keV_kg_day", GOOD, bump(GOOD))
    name, *options = verb.split()
    found = document(name, "xenon1t_2020", "--spectrum", path, *options)
    assert (found["name"], found["parameter"], found["fit_parameter"]) == ("xenon1t_2020_line", "strength", "strength")
    assert len(found["inputs"]["spectrum line"]) == 64
    assert any("recast: line.csv" in note and "recoils per kg of xenon" in note for note in found["notes"])


def test_figures(tmp_path: Path) -> None:
    path = written(tmp_path / "line.csv", "T_keV,rate_per_keV_kg_day", GOOD, bump(GOOD))
    result = eventfit_("limit", "xenon1t_2020", "xenonnt_2022", "--spectrum", path, "-o", tmp_path / "figures")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "figures" / "xenon1t_2020_line_xenonnt_2022_line_limit_profile_parts.png").is_file()


def test_verb_recast(tmp_path: Path) -> None:
    path = written(tmp_path / "line.csv", "T_keV,rate_per_keV_kg_day", GOOD, bump(GOOD))
    targets = ["xenon1t_2020", "xenonnt_2022", "texono_2010"]
    found = document("recast", path, *targets)
    assert [row["analysis"] for row in found["results"]] == targets
    rows = {row["analysis"]: row for row in found["results"]}
    single = document("limit", "xenonnt_2022", "--spectrum", path)
    assert rows["xenonnt_2022"]["value"] == pytest.approx(single["value"], rel=1e-9)
    assert rows["texono_2010"]["value"] is None
    assert "allowed recoils up to 45 keV" in rows["texono_2010"]["status_text"]
    text = eventfit_("recast", path, *targets).stdout
    order = [line.split()[0] for line in text.splitlines() if line.startswith(tuple(targets))]
    assert order == ["xenonnt_2022", "xenon1t_2020", "texono_2010"]
    assert "stepping approximation" in text
