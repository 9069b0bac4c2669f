"""Several experiments in one likelihood: the sum of the parts, and what must not be summed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import STANDARD, everything, per_bin, sparse
from scipy.optimize import brentq
from typer.testing import CliRunner, Result

import eventfit
from eventfit.analysis.combination import combine, open_problems
from eventfit.analysis.problem import Problem, open_problem
from eventfit.analysis.universality import signal_shares
from eventfit.cli import app
from eventfit.errors import DeclarationError, InputError, NotIndependent, NotUniversal, OutOfRange, UnknownName
from eventfit.inference import Profile, Toys, discovery_significance_toys, profile_interval, upper_limit_qmu_tilde
from eventfit.likelihood import Component, Data, Likelihood, Power, joint
from eventfit.likelihood.plain import from_plain, to_plain
from eventfit.parameters import GaussianConstraint, Parameter

VALID = Path(__file__).parent / "broken" / "valid.toml"
SOLAR = 'flux = [{ kind = "solar", model = "b16_gs98", components = ["be7"] }]'
REACTOR = (
    'flux = [{ kind = "reactor", model = "bestiole", fractions = { u235 = 0.55, u238 = 0.07, pu239 = 0.32, '
    "pu241 = 0.06 }, captures_per_fission = 0.6, flux_per_cm2_s = 6.4e12 }]"
)
PIONS = 'flux = [{ kind = "stopped_pion", components = ["nu_mu", "nu_e"], flux_per_flavour_per_cm2_s = 4.3e7 }]'
MU_NU = 'process = [{ kind = "magnetic_moment" }]'
MU_E = 'process = [{ kind = "flavour_moments", couplings = ["mu_e"] }]'


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


@pytest.fixture
def declared(tmp_path: Path) -> Callable[..., Path]:
    """``declared("name", (old, new), ...)``: a declaration in a folder of its own, with an origin of its own."""

    def write(name: str, *changes: tuple[str, str], origin: str = "", below: str = ".") -> Path:
        text = VALID.read_text()
        for old, new in (("xenon1t-sr1", origin or f"data of {name}"), *changes):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        folder = tmp_path / below / name
        folder.mkdir(parents=True)
        (folder / "analysis.toml").write_text(text)
        return folder / "analysis.toml"

    return write


@pytest.fixture(scope="module")
def xenon() -> tuple[Problem, Problem]:
    return open_problem("xenon1t_2020"), open_problem("xenonnt_2022")


def measured(mu: float, error: float, *, weight: float = 1.0) -> Likelihood:
    """One measured number ``mu * weight`` with its error: a Gaussian likelihood of mu."""
    components = [Component("signal", np.array([weight]), (Power("mu"),))]
    return Likelihood.build(
        [Parameter("mu", start=1.0)], components, np.array([mu * weight]), errors=np.array([error * weight])
    )


def parts() -> dict[str, Likelihood]:
    """Counts with all factors, factors per bin of both kinds, sparse counts, a measured number; some share names."""
    return {
        "all": everything()[0],
        "shape": per_bin("poisson"),
        "stat": per_bin("gaussian"),
        "sparse": sparse(),
        "number": replace(measured(0.7, 0.3), parameters=(Parameter("mu", start=1.0, lower=0.0),)),
    }


def points(likelihood: Likelihood, n: int = 20) -> np.ndarray:
    rng = np.random.default_rng(5)
    spread = np.where(likelihood.start == 0.0, 1.0, 0.3 * np.abs(likelihood.start))
    return np.asarray(np.abs(likelihood.start) + spread * rng.uniform(0.0, 1.0, (n, len(likelihood.start))))


# -- invariant: the likelihood ----------------------------------------------------------------------------------------


def test_value_gradient_and_hessian_are_the_sums_of_the_parts() -> None:
    """The constraint of ``lumi``, which two parts have, counts once."""
    every = parts()
    whole = joint(every)
    theta = points(whole)
    value, gradient, hessian = whole.derivatives(theta)
    for label, part in every.items():
        at = np.array([whole.index(name) for name in part.names])
        v, g, h = part.derivatives(theta[:, at])
        value = value - v
        gradient[:, at] -= g
        hessian[:, at[:, None], at] -= h
        assert np.ptp(v) > 1e-3, label
    lumi = whole.index("lumi")
    assert value == pytest.approx(-(theta[:, lumi] ** 2), abs=1e-9)
    twice = np.zeros_like(gradient)
    twice[:, lumi] = -2.0 * theta[:, lumi]
    assert gradient == pytest.approx(twice, abs=1e-8)
    assert hessian[:, lumi, lumi] == pytest.approx(-2.0, abs=1e-8)
    hessian[:, lumi, lumi] = 0.0
    assert np.abs(hessian).max() < 1e-8 * np.abs(whole.hessian(theta)).max()
    assert len(whole.names) == len(set(whole.names)) < sum(len(part.names) for part in every.values())


def test_expectation_is_that_of_the_parts_side_by_side() -> None:
    every = parts()
    whole = joint(every)
    theta = points(whole, 1)[0]
    pieces = [part.expected(theta[[whole.index(n) for n in part.names]]) for part in every.values()]
    assert whole.expected(theta) == pytest.approx(np.concatenate(pieces), rel=1e-12)
    components = whole.expected_by_component(theta)
    assert len(components) == sum(len(part.components) for part in every.values())
    assert np.sum(list(components.values()), axis=0) == pytest.approx(whole.expected(theta), rel=1e-12)
    assert [name.split(".")[0] for name in whole.bin_scales(theta)] == ["shape", "stat"]


def test_asimov_and_toys_hold_every_auxiliary_measurement_once() -> None:
    every = parts()
    whole = joint(every)
    theta = points(whole, 1)[0]
    shared = 1  # lumi
    n_auxiliary = sum(len(part.data.auxiliary) for part in every.values()) - shared
    asimov = whole.asimov(theta)
    assert asimov.auxiliary.shape == whole.data.auxiliary.shape == (n_auxiliary,)
    toys = whole.toys(theta, 4000, np.random.default_rng(1))
    assert toys.counts.shape == (4000, whole.n_bin)
    assert toys.auxiliary.shape == (4000, n_auxiliary)
    spread = whole.spread(theta)
    assert np.all(np.abs(toys.counts.mean(axis=0) - asimov.counts) < 5.0 * spread / 4000**0.5)
    assert toys.counts.var(axis=0) == pytest.approx(spread**2, rel=0.4)
    auxiliary = toys.auxiliary.std(axis=0) / 4000**0.5
    assert np.all(np.abs(toys.auxiliary.mean(axis=0) - asimov.auxiliary) < 5.0 * auxiliary)
    assert np.all(auxiliary > 0)
    again = whole.with_data(Data(asimov.counts, asimov.auxiliary))
    assert np.abs(again.gradient(theta)).max() < 1e-6


def test_model_travels_and_its_hash_sees_every_part() -> None:
    every = parts()
    whole = joint(every, {"table": "abc"})
    assert from_plain(to_plain(whole)).model_hash == whole.model_hash
    for label, part in every.items():
        other = part.with_data(Data(part.data.counts + 1.0, part.data.auxiliary))
        assert joint({**every, label: other}, {"table": "abc"}).model_hash != whole.model_hash


@pytest.mark.parametrize("copies", [2, 5])
def test_identical_gaussian_experiments_gain_the_root_of_their_number(copies: int) -> None:
    one, many = measured(0.0, 0.4), joint({f"copy{i}": measured(0.0, 0.4) for i in range(copies)})
    limits = [
        upper_limit_qmu_tilde(Profile(likelihood.bounded("mu", 0.0, np.inf), "mu"), cl=0.90).value
        for likelihood in (one, many)
    ]
    assert limits[0] == pytest.approx(1.2815515655 * 0.4, rel=1e-6)
    assert limits[1] == pytest.approx(limits[0] / copies**0.5, rel=1e-6)


def test_gaussian_experiments_combine_to_the_weighted_mean() -> None:
    whole = Profile(joint({"a": measured(1.0, 0.5), "b": measured(2.0, 0.25, weight=7.0)}), "mu")
    weights = np.array([0.5, 0.25]) ** -2
    assert whole.estimate == pytest.approx(weights @ [1.0, 2.0] / weights.sum(), rel=1e-7)
    (piece,) = profile_interval(whole, cl=0.6826894921).pieces
    assert 0.5 * (piece[1] - piece[0]) == pytest.approx(weights.sum() ** -0.5, rel=1e-5)


def test_a_shared_constraint_counts_once() -> None:
    """A scale common to two experiments does not average out; two of their own would."""

    def scaled(name: str) -> Likelihood:
        from eventfit.likelihood import GaussianScale

        components = [
            Component("signal", np.array([10.0]), (Power("mu"),)),
            Component("b", np.array([100.0]), (GaussianScale(name, 0.2),)),
        ]
        parameters = [Parameter("mu", start=1.0), Parameter(name, constraint=STANDARD)]
        return Likelihood.build(parameters, components, np.array([100.0]), errors=np.array([1e-3]))

    def width(whole: Likelihood) -> float:
        ((low, high),) = profile_interval(Profile(whole, "mu"), cl=0.6826894921).pieces
        return 0.5 * (high - low)

    assert width(joint({"a": scaled("scale"), "b": scaled("scale")})) == pytest.approx(2.0, rel=1e-3)
    assert width(joint({"a": scaled("a.scale"), "b": scaled("b.scale")})) == pytest.approx(2.0 / 2**0.5, rel=1e-3)


@pytest.mark.parametrize("with_poi", [True, False])
def test_an_insensitive_experiment_changes_nothing(xenon: tuple[Problem, Problem], with_poi: bool) -> None:
    alone = xenon[1].likelihood
    poi = [p for p in alone.parameters if p.name == "mu2"]
    blind = [Component("signal", np.zeros(3), (Power("mu2"),))] if with_poi else []
    other = Likelihood.build(
        [*(poi if with_poi else []), Parameter("own", start=1.0, lower=0.0)],
        [*blind, Component("b", np.array([5.0, 9.0, 4.0]), (Power("own"),))],
        np.array([4.0, 10.0, 6.0]),
    )
    before, after = Profile(alone, "mu2"), Profile(joint({"xenon": alone, "blind": other}), "mu2")
    values = np.linspace(0.0, 2.0, 9)
    assert after.deltas(values) == pytest.approx(before.deltas(values), abs=1e-7)
    assert upper_limit_qmu_tilde(after, cl=0.9).value == pytest.approx(
        upper_limit_qmu_tilde(before, cl=0.9).value, rel=1e-7
    )


def test_single_events_join_bins(xenon: tuple[Problem, Problem]) -> None:
    events = open_problem("xenonnt_2022", variant="unbinned")
    whole = combine([events, xenon[0]])
    assert whole.likelihood.unbinned
    assert len(whole.bins) == whole.likelihood.n_bin
    theta = points(whole.likelihood, 6)
    total = np.zeros(6)
    for part in (events.likelihood, xenon[0].likelihood):
        total += part.value(theta[:, [whole.likelihood.index(n) for n in part.names]])
    assert whole.likelihood.value(theta) == pytest.approx(total, rel=1e-12)
    with pytest.raises(InputError, match="unbinned"):
        whole.likelihood.toys(theta[0], 5, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"unit": "keV"}, "unit"),
        ({"constraint": GaussianConstraint(0.0, 2.0)}, "constraint"),
        ({"constraint": None}, "constraint"),
        ({"upper": 9.0}, "upper"),
    ],
)
def test_one_name_means_one_thing(changed: dict[str, Any], named: str) -> None:
    def one(parameter: Parameter) -> Likelihood:
        return Likelihood.build(
            [parameter], [Component("b", np.array([3.0]), (Power(parameter.name),))], np.array([3.0])
        )

    first = Parameter("scale", "sigma", 1.0, constraint=STANDARD)
    with pytest.raises(DeclarationError, match=f"not its {named}") as caught:
        joint({"a": one(first), "b": one(replace(first, **changed))})
    assert "a and b: scale" in str(caught.value)
    moved = one(first).with_data(Data(np.array([3.0]), np.array([0.5])))
    with pytest.raises(DeclarationError, match="two outcomes"):
        joint({"a": one(first), "b": moved})


def test_many_data_sets_are_not_joined() -> None:
    many = everything()[0]
    toys = many.toys(many.start, 3, np.random.default_rng(1))
    with pytest.raises(OutOfRange, match="single data sets"):
        joint({"a": many.with_data(toys), "b": sparse()})


# -- invariant: analyses ----------------------------------------------------------------------------------------------


def test_profile_of_two_experiments_is_the_sum_of_their_profiles(xenon: tuple[Problem, Problem]) -> None:
    """They share mu2 alone; the interval is where the summed profiles, computed apart, reach the cut."""
    apart = [Profile(problem.likelihood, "mu2") for problem in xenon]

    def summed(mu2: float) -> float:
        return float(sum(profile.at(mu2).minus_2_ln_l for profile in apart))

    grid = np.linspace(0.0, 1.0, 201)
    least = min(map(summed, grid))
    end = brentq(lambda mu2: summed(mu2) - least - 2.705543454, 0.5, 3.0, xtol=1e-9)
    whole = combine(xenon)
    ((low, high),) = profile_interval(Profile(whole.likelihood, whole.poi), cl=0.90).pieces
    assert low == 0.0
    assert high == pytest.approx(end, rel=1e-4)


def test_order_changes_nothing(xenon: tuple[Problem, Problem]) -> None:
    one, other = combine(xenon), combine(xenon[::-1])
    assert one.likelihood.model_hash == other.likelihood.model_hash
    assert (one.name, one.notes, one.bins, one.cite) == (other.name, other.notes, other.bins, other.cite)
    given = document("limit", "xenonnt_2022", "xenon1t_2020"), document("limit", "xenon1t_2020", "xenonnt_2022")
    for found in given:
        found.pop("timing")
    assert given[0] == given[1]


def test_what_a_combination_says(xenon: tuple[Problem, Problem]) -> None:
    whole = combine(xenon)
    assert whole.name == "xenon1t_2020+xenonnt_2022"
    assert len(whole.bins) == whole.likelihood.n_bin == 58
    assert whole.bins[0] == "xenon1t_2020 1-2 keV"
    assert whole.bins[29] == "xenonnt_2022 1-2 keV"
    assert [(c.name, c.bins.start, c.bins.stop) for c in whole.channels] == [
        ("xenon1t_2020", 0, 29),
        ("xenonnt_2022", 29, 58),
    ]
    assert set(whole.input_hashes) == {*xenon[0].input_hashes, *xenon[1].input_hashes}
    assert len({table.name for table in whole.tables}) == len(whole.tables)
    assert set(whole.cite) == {*xenon[0].cite, *xenon[1].cite}
    assert [part.name for part in whole.parts] == ["xenon1t_2020", "xenonnt_2022"]
    assert set(whole.likelihood.names) == {*xenon[0].likelihood.names, *xenon[1].likelihood.names}
    said = "\n".join([*whole.notes, *whole.assumptions])
    assert "data: xenon1t-sr1" in said
    assert "one effective coupling of the same neutrinos" in said
    assert "shared parameters: mu2" in said
    assert combine([xenon[0]]).likelihood is xenon[0].likelihood


def test_toys_of_a_combination(xenon: tuple[Problem, Problem]) -> None:
    """Evidence of two small excesses: toys of the whole agree with the asymptotic p-value."""
    whole = combine(xenon)
    profile = Profile(whole.likelihood, whole.poi)
    found = discovery_significance_toys(profile, Toys(2048, 1))
    asymptotic = eventfit.discovery_significance(profile)
    assert found.p_error is not None
    assert found.p_value == pytest.approx(asymptotic.p_value, abs=5.0 * found.p_error + 0.05)
    assert found.card.constraints == (
        "xenon1t_2020.b0_scale",
        "xenon1t_2020.efficiency_scale",
        "xenonnt_2022.b0_scale",
    )


def test_shares_of_the_signal(declared: Callable[..., Path]) -> None:
    solar = signal_shares(open_problem(str(declared("sun"))).model, "mu2")  # type: ignore[arg-type]
    assert solar == {"solar be7": 1.0}
    pions = open_problem(str(declared("pions", (SOLAR, PIONS)))).model
    assert pions is not None
    shares = signal_shares(pions, "mu2")
    assert set(shares) == {"stopped-pion nu_mu", "stopped-pion nu_e"}
    assert sum(shares.values()) == pytest.approx(1.0)


def test_shared_in_the_declarations(declared: Callable[..., Path]) -> None:
    """A background error that two experiments declare as one: it counts once, and moves both backgrounds."""
    shared = ("result = [", 'shared = ["b0_scale"]\nresult = [')
    names = ("one", "two")
    whole = open_problems([str(declared(name, shared)) for name in names])
    assert whole.likelihood.names == ("mu2", "b0_scale")
    assert any("shared parameters: mu2, b0_scale" in note for note in whole.notes)
    apart = open_problems([str(declared(f"{name}_alone")) for name in names])
    assert len(apart.likelihood.names) == 3
    at = np.array([0.0, 1.7])
    value = float(whole.likelihood.value(at))
    assert value == pytest.approx(float(apart.likelihood.value(np.array([0.0, 1.7, 1.7]))) - 1.7**2, rel=1e-12)
    other = declared("three", shared, ("gaussian_scale", "poisson"), ("relative = 0.026", "observed = 100, tau = 1"))
    refused(eventfit_("limit", other.parents[1] / "one" / "analysis.toml", other), "DeclarationError", "b0_scale")


def test_components_that_bend_stay_apart(declared: Callable[..., Path]) -> None:
    """Terms of a morph are shown with the component of their own experiment."""
    error = '{ name = "scale", kind = "energy_scale", relative = 0.02, backgrounds = "fixed" }'
    bending = ('applies_to = ["b0"] }]', f'applies_to = ["b0"] }}, {error}]')
    parts = [open_problem(str(declared(name, bending))) for name in ("one", "two")]
    whole = combine(parts)
    theta = points(whole.likelihood, 1)[0]
    found = whole.likelihood.expected_by_component(theta)
    assert set(found) == {f"{name}.{part}" for name in ("one", "two") for part in ("b0", "be7.magnetic_moment")}
    assert np.sum(list(found.values()), axis=0) == pytest.approx(whole.likelihood.expected(theta), rel=1e-12)
    assert {"one.scale", "two.scale"} <= set(whole.likelihood.names)


def test_bins_fitted_to_data_without_the_source(declared: Callable[..., Path]) -> None:
    """They stand between the spectrum and what is beside it, and have names and a channel of their own."""
    data = ('data = { observed = "experiments/xenon1t_2020/counts",', "data = { asimov = true,")
    off = ("result = [", 'off = { time_ratio = 2, background = "smooth", degree = 2 }\nresult = [')
    nuisance = (
        'nuisance = [{ name = "b0_scale", kind = "gaussian_scale", relative = 0.026, applies_to = ["b0"] }]',
        "",
    )
    part = open_problem(str(declared("paired", data, off, nuisance)))
    assert len(part.bins) == part.likelihood.n_bin == 58
    assert part.bins[29] == "OFF 1-2 keV"
    assert [(c.name, c.bins.start, c.bins.stop) for c in part.channels] == [("paired", 0, 29), ("paired.off", 29, 58)]
    whole = combine([part, open_problem(str(declared("other")))])
    assert whole.bins[58] == "paired OFF 1-2 keV"
    assert [c.bins.stop for c in whole.channels] == [29, 58, 87]


# -- invariant: what means the same -----------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [REACTOR, PIONS], ids=["reactor", "pions"])
def test_moments_of_different_neutrinos_need_to_be_universal(declared: Callable[..., Path], other: str) -> None:
    paths = [str(declared("sun")), str(declared("other", (SOLAR, other)))]
    with pytest.raises(NotUniversal) as caught:
        open_problems(paths)
    for word in ("mu_nu", "solar be7 100 %", "--universal", "mu_e"):
        assert word in str(caught.value)
    found = open_problems(paths, universal=True)
    assert any("mu_nu is declared flavour-universal" in said for said in found.assumptions)
    refused(eventfit_("limit", *paths), "NotUniversal", "different observables")
    printed = eventfit_("limit", *paths, "--universal")
    assert printed.exit_code == 0, printed.stderr
    assert "note:        mu_nu is declared flavour-universal" in printed.stdout
    assert "declared flavour-universal" in document("interval", *paths, "--universal")["card"]["note"]


def test_charges_of_different_neutrinos_need_to_be_universal(declared: Callable[..., Path]) -> None:
    weak = '{ kind = "standard_model", order = "tree", sin2_theta_w = 0.23857 }'
    charge = (MU_NU, f'process = [{weak}, {{ kind = "millicharge", couplings = ["q_nu"] }}]'), ("mu_nu", "q_nu")
    paths = [str(declared("sun", *charge)), str(declared("reactor", *charge, (SOLAR, REACTOR)))]
    with pytest.raises(NotUniversal, match="q_nu of different neutrinos"):
        open_problems(paths)
    assert open_problems(paths, universal=True).reported.name == "q_nu"


def test_moments_of_the_same_neutrinos_combine(declared: Callable[..., Path]) -> None:
    """Reactors all send anti-nu_e; so does a moment of one flavour mean the same at a reactor and in the Sun."""
    reactors = [str(declared(name, (SOLAR, REACTOR))) for name in ("one", "two")]
    assert len(open_problems(reactors).parts) == 2
    flavour = [(MU_NU, MU_E), ('poi = "mu_nu"', 'poi = "mu_e"')]
    sun, reactor = declared("sun_e", *flavour), declared("reactor_e", (SOLAR, REACTOR), *flavour)
    found = open_problems([str(sun), str(reactor)])
    assert found.reported.name == "mu_e"
    assert found.assumptions == ()


def test_shipped_reactor_experiments_combine() -> None:
    """Expected ones of GEMMA and CONUS, both of anti-nu_e: better than either, without a flag."""
    names = ("conus_2022", "gemma_2012")
    whole, alone = open_problems(names), [open_problem(name) for name in names]
    limits = [upper_limit_qmu_tilde(Profile(p.likelihood, p.poi), cl=0.9).value for p in (whole, *alone)]
    assert limits[0] < min(limits[1:])
    assert any("same neutrinos" in said and "reactor 100 %" in said for said in whole.assumptions)


def test_windows_decide_which_neutrinos_are_seen(declared: Callable[..., Path]) -> None:
    """pp and 7Be at low energies, and 7Be alone: the same Sun, another observable."""
    both = (SOLAR, SOLAR.replace('["be7"]', '["pp", "be7"]'))
    paths = [str(declared("be7_only")), str(declared("mixture", both))]
    with pytest.raises(NotUniversal, match="solar pp"):
        open_problems(paths)


# -- broken input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [("gemma_2007", "gemma_2012"), ("gemma_2010", "gemma_2012")])
def test_runs_of_one_experiment(one: str, other: str) -> None:
    refused(eventfit_("limit", one, other), "NotIndependent", "gemma-phase1", f"{one}: data.origin")


def test_common_origin(declared: Callable[..., Path]) -> None:
    one, other = declared("gemma2007", origin="gemma"), declared("gemma2012", origin="gemma")
    with pytest.raises(NotIndependent) as caught:
        open_problems([str(one), str(other)])
    assert "gemma2007: data.origin and gemma2012: data.origin" in str(caught.value)
    refused(eventfit_("limit", one, other), "NotIndependent", "given:   gemma", "leave one of the two out")
    refused(eventfit_("limit", one, one), "NotIndependent", "name the analysis once")
    refused(eventfit_("scan", "xenon1t_2020", declared("again", origin="xenon1t-sr1")), "NotIndependent", "xenon1t-sr1")
    refused(
        eventfit_("interval", "xenon1t_2020", "xenon1t_2020", "--variant", "xenon1t_2020=tritium_free"),
        "NotIndependent",
    )


def test_origin_of_a_measurement(declared: Callable[..., Path]) -> None:
    every = '["pp", "pep", "hep", "be7", "b8", "n13", "o15", "f17"]'
    norm = '{ name = "pp", kind = "flux_norm", components = ["pp"], start = 1, bounds = [0, 5] }'
    gallium = (
        'measurement = [{ name = "gallium", kind = "gallium_capture", rate_SNU = 66.1, error_SNU = 3.1, '
        'norms = ["pp"], origin = ["sage"], cite = ["arXiv:0901.2200"] }]\nresult = ['
    )
    with_gallium = declared(
        "gallium",
        ('["be7"]', every),
        ('applies_to = ["b0"] }]', f'applies_to = ["b0"] }}, {norm}]'),
        ("result = [", gallium),
    )
    sage = declared("sage", origin="sage")
    refused(eventfit_("limit", with_gallium, sage), "NotIndependent", "measurement[gallium].origin", "sage")


def test_two_folders_of_one_name(declared: Callable[..., Path]) -> None:
    one, other = declared("mine", origin="a", below="x"), declared("mine", origin="b", below="y")
    refused(eventfit_("limit", one, other), "InputError", "one name", "given:   mine", "rename")


def test_workspace(tmp_path: Path) -> None:
    channel = {"name": "c", "samples": [{"name": "s", "data": [5.0], "modifiers": []}]}
    channel["samples"] += [
        {"name": "t", "data": [1.0], "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]}
    ]  # type: ignore[operator]
    spec = {
        "channels": [channel],
        "observations": [{"name": "c", "data": [5.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }
    path = tmp_path / "counts.json"
    path.write_text(json.dumps(spec))
    refused(eventfit_("limit", path, "xenon1t_2020"), "InputError", "workspace does not combine", "pyhf combine")
    refused(eventfit_("limit", path, "xenon1t_2020", "--measurement", "m"), "InputError", "--measurement m")


def test_parameters_of_interest_differ(declared: Callable[..., Path]) -> None:
    sun = declared("sun")
    other = declared("flavour", (MU_NU, MU_E), ('poi = "mu_nu"', 'poi = "mu_e"'))
    refused(eventfit_("limit", sun, other), "UnknownName", "sun: mu_nu", "flavour: mu_e", "--poi")
    found = document("limit", sun, other, "--poi", "mu_e")
    alone = document("limit", other)
    assert found["fitted"]["value"] == pytest.approx(alone["fitted"]["value"], rel=1e-6)


@pytest.mark.parametrize(
    ("variant", "error", "words"),
    [
        ("tritium_free", "InputError", "ANALYSIS=VARIANT"),
        ("xenon1t_2020=", "InputError", "ANALYSIS=VARIANT"),
        ("xenon1t=tritium_free", "UnknownName", "xenon1t_2020"),
        ("xenon1t_2020=tritium", "UnknownName", "tritium_free"),
    ],
)
def test_wrong_variant(variant: str, error: str, words: str) -> None:
    refused(eventfit_("limit", "xenon1t_2020", "xenonnt_2022", "--variant", variant), error, words)


def test_universal_alone() -> None:
    refused(eventfit_("limit", "xenon1t_2020", "--universal"), "InputError", "--universal", "several")


def test_unknown_target() -> None:
    refused(eventfit_("limit", "xenon1t_2020", "xenonnt_2021"), "UnknownName", "did you mean 'xenonnt_2022'")


def test_unknown_parameter_of_interest(xenon: tuple[Problem, Problem]) -> None:
    with pytest.raises(UnknownName):
        combine(xenon, poi="q_nu")


def test_combination_of_a_combination(xenon: tuple[Problem, Problem]) -> None:
    with pytest.raises(InputError, match="not combined again"):
        combine([combine(xenon), xenon[0]])
    with pytest.raises(InputError, match="nothing to combine"):
        combine([])


def test_what_a_reader_should_know_is_said(declared: Callable[..., Path]) -> None:
    expected = ('data = { observed = "experiments/xenon1t_2020/counts",', "data = { asimov = true,")
    found = open_problems([str(declared("taken")), str(declared("future", expected))])
    assert any("expected data stand beside observed ones" in note for note in found.notes)
    assert any(note.startswith("future") and "expected, not observed" in note for note in found.notes)

    def oscillated(name: str) -> str:
        return f'oscillation = {{ parameters = "{name}" }}\n{SOLAR}'

    paths = [declared(name, (SOLAR, oscillated(name))) for name in ("nufit30_normal", "nufit60_ic24_normal")]
    found = open_problems([str(path) for path in paths])
    assert any("oscillation parameters differ" in note and "nufit30_normal" in note for note in found.notes)


def test_files_of_one_name_are_told_apart(xenon: tuple[Problem, Problem]) -> None:
    changed = replace(
        xenon[1],
        tables=(*xenon[1].tables, replace(xenon[0].tables[0], sha256="0" * 64)),
        input_hashes={**xenon[1].input_hashes, xenon[0].tables[0].name: "0" * 64},
    )
    found = combine([xenon[0], changed])
    name = xenon[0].tables[0].name
    assert found.input_hashes[f"xenonnt_2022: {name}"] == "0" * 64
    assert found.input_hashes[f"xenon1t_2020: {name}"] == xenon[0].tables[0].sha256
    assert {f"xenon1t_2020: {name}", f"xenonnt_2022: {name}"} <= {table.name for table in found.tables}


# -- invariant: the command line --------------------------------------------------------------------------------------

VERBS = {
    "limit": [],
    "limit --method cls": ["--expected"],
    "interval": ["--method", "profile"],
    "significance": ["--toys", "1000"],
    "scan": ["--points", "5"],
    "scan --points 4": ["--parameter", "xenonnt_2022.b0_scale"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_verb(verb: str) -> None:
    name, *options = verb.split()
    found = document(name, "xenon1t_2020", "xenonnt_2022", *options, *VERBS[verb])
    assert found["name"] == "xenon1t_2020+xenonnt_2022"
    assert found["status"] in {"ok", "at_bound"}
    assert any("shared parameters: mu2" in note for note in found["notes"])
    assert found["variant"] is None


def test_contour() -> None:
    found = document("contour", "xenon1t_2020", "xenonnt_2022", "mu2", "xenonnt_2022.b0_scale", "--points", "7")
    assert found["parameters"] == ["mu2", "xenonnt_2022.b0_scale"]


def test_figures(tmp_path: Path) -> None:
    result = eventfit_("limit", "xenon1t_2020", "xenonnt_2022", "--impacts", "-o", tmp_path)
    assert result.exit_code == 0, result.stderr
    stem = "xenon1t_2020_xenonnt_2022_limit_profile"
    written = {path.name for path in tmp_path.iterdir()}
    assert {f"{stem}.json", f"{stem}.png", f"{stem}_parts.png", f"{stem}_parts.pdf", f"{stem}_impacts.png"} <= written
    found = json.loads((tmp_path / f"{stem}.json").read_text())
    assert any("xenon1t_2020 1-2 keV" in impact["name"] for impact in found["impacts"])


def test_variant_of_one() -> None:
    found = document("limit", "xenon1t_2020", "xenonnt_2022", "--variant", "xenon1t_2020=tritium_free")
    assert any(note.startswith("xenon1t_2020, variant tritium_free") for note in found["notes"])


# -- regression -------------------------------------------------------------------------------------------------------


def test_xenon1t_and_xenonnt(xenon: tuple[Problem, Problem]) -> None:
    """XENONnT does not see the excess of XENON1T: together they limit less strictly than XENONnT alone."""
    whole = combine(xenon)
    profile = Profile(whole.likelihood, whole.poi)
    limit = upper_limit_qmu_tilde(profile, cl=0.90)
    assert whole.reported.value(limit.value) == pytest.approx(9.224e-12, rel=1e-3)
    ((low, high),) = profile_interval(profile, cl=0.90).pieces
    assert low == 0.0
    assert whole.reported.value(high) == pytest.approx(1.0416e-11, rel=1e-3)


@pytest.mark.slow
def test_with_borexino() -> None:
    whole = open_problems(["xenon1t_2020", "xenonnt_2022", "borexino_2017"], universal=True)
    profile = Profile(whole.likelihood, whole.poi)
    assert whole.reported.value(upper_limit_qmu_tilde(profile, cl=0.90).value) == pytest.approx(9.313e-12, rel=1e-3)
