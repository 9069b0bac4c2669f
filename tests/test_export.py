"""Exports: the same likelihood in pyhf and HS3, or a refusal that says what would be lost; spectra and tables."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyhf  # type: ignore[import-untyped]
import pytest
import test_pyhf
from models import benchmark_like, bilinear, everything, interfering, morphed, on_off, per_bin, sparse
from test_histfactory_cases import CASES, asked, profile_of, tight
from test_pyhf import CODES, Codes, Peer, published
from typer.testing import CliRunner

from eventfit.analysis.problem import open_problem
from eventfit.cli import app
from eventfit.errors import ExportLoss, InputError, MissingExtra, OutOfRange, UnknownName, WriteFailed
from eventfit.inference import Profile, hypotest
from eventfit.inference.hypotest import BANDS
from eventfit.io import (
    Channel,
    Exported,
    contents,
    export_hs3,
    export_pyhf,
    read_columns,
    read_histogram,
    read_workspace,
    write_table,
)
from eventfit.likelihood import (
    BinScale,
    Component,
    Factor,
    GaussianScale,
    Likelihood,
    LogNormalScale,
    MorphEven,
    NormSys,
    Power,
)
from eventfit.parameters import Constraint, GaussianConstraint, Parameter, PoissonConstraint
from eventfit.tables import shipped

# pyhf 0.7 asks jsonschema for a class that jsonschema has moved
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")

STANDARD = GaussianConstraint(0.0, 1.0)
#: what HS3 can say and pyhf cannot: interference, piecewise linear factors beside morphs, measured numbers
ONLY_HS3: dict[str, tuple[Likelihood, str]] = {}
WORKSPACES = ("gammas_in_one_bin", "shared_over_channels", "morphs_and_factors", "bins_without_yield", "free_shape")
#: likelihoods that pyhf can say exactly, with their parameter of interest
SAYABLE: dict[str, tuple[Likelihood, str]] = {
    "bilinear": (bilinear(), "mu2"),
    "on_off": (on_off(12.0, 20.0, 4.0), "mu"),
    "morphed_1_0": (morphed(1, "0"), "mu"),
    "morphed_4_4p": (morphed(4, "4p"), "mu"),
    "per_bin_poisson": (per_bin("poisson"), "mu"),
    "per_bin_gaussian": (per_bin("gaussian"), "mu"),
    "ten_backgrounds": (benchmark_like(), "mu"),
    "sparse": (sparse(), "mu"),
}


def measured_too() -> Likelihood:
    """Three bins of counts and two numbers with an error, one below zero, that share all parameters."""
    parameters = [
        Parameter("mu", start=1.0, lower=0.0),
        Parameter("flux", start=1.0, lower=0.0, constraint=GaussianConstraint(1.0, 0.05)),
        Parameter("a", constraint=STANDARD),
        Parameter("b", constraint=STANDARD),
    ]
    common = (GaussianScale("a", 0.03), GaussianScale("b", 0.1))
    components = [
        Component("s", np.array([3.0, 4.0, 5.0, 0.5, -0.2]), (Power("mu"), common[0])),
        Component("b", np.array([30.0, 20.0, 10.0, 2.0, 0.0]), (Power("flux"), *common)),
        Component("c", np.array([0.0, 0.0, 1.0, 0.7, 0.1]), (Power("b"),)),
    ]
    gamma = BinScale("gamma", ("b",), "poisson", np.array([50.0, 0.0, 20.0, 0.0, 0.0]), np.array([50.0, 0, 22.0, 0, 0]))
    observed, errors = np.array([35.0, 22.0, 14.0, 2.4, -0.1]), np.array([0.0, 0.0, 0.0, 0.3, 0.2])
    return Likelihood.build(parameters, components, observed, scales=[gamma], errors=errors)


ONLY_HS3 |= {
    "everything": (everything()[0], "q"),
    "interfering": (interfering(), "q"),
    "morphed_0_0": (morphed(0, "0"), "mu"),
    "measured_too": (measured_too(), "mu"),
}


def around(likelihood: Likelihood, n: int, seed: int = 5) -> np.ndarray:
    """Points around the start, beyond +-1 for what is constrained to N(0, 1), none where a factor is negative."""
    rng = np.random.default_rng(seed)
    theta = np.tile(likelihood.start, (n, 1))
    for i, p in enumerate(likelihood.parameters):
        if isinstance(p.constraint, GaussianConstraint):
            theta[:, i] += p.constraint.width * rng.normal(0.0, 1.3, n)
        else:
            theta[:, i] *= rng.uniform(0.6, 1.5, n)
    return theta


def codes_of(exported: Exported) -> Codes:
    found = exported.report.settings
    return found["normsys"], found["histosys"]  # type: ignore[return-value]


def in_pyhf(exported: Exported, likelihood: Likelihood, theta: np.ndarray) -> np.ndarray:
    """-2 ln L of pyhf at our points, factors per bin at our best."""
    peer = Peer(exported.document, codes_of(exported))
    named = {t.exported: t for t in exported.report.parameters}
    found = []
    for point in theta:
        gammas = likelihood.bin_scales(point)
        values: list[float] = []
        for name in peer.model.config.par_order:
            if name in named:
                values.append(named[name].value(point[likelihood.index(named[name].name)]))
            else:
                values += gammas[name].tolist()
        found.append(peer.value(values))
    return np.array(found)


def read_again(exported: Exported, likelihood: Likelihood, theta: np.ndarray) -> np.ndarray:
    """-2 ln L of what we read from the exported workspace, at the same points."""
    normsys, histosys = codes_of(exported)
    other = read_workspace(exported.document, normsys=normsys, histosys=histosys).likelihood
    values = np.zeros((len(theta), len(other.names)))
    for t in exported.report.parameters:
        if t.exported in other.names:
            values[:, other.index(t.exported)] = [t.value(x) for x in theta[:, likelihood.index(t.name)]]
    for scale in likelihood.scales:
        for i in range(likelihood.n_bin):
            if f"{scale.name}[{i}]" in other.names:
                best = likelihood.bin_scales(theta)[scale.name]
                values[:, other.index(f"{scale.name}[{i}]")] = best[:, i]
    return other.value(values)


def in_hs3(document: Mapping[str, Any], values: Mapping[str, float]) -> float:
    """-2 ln L but for a constant, as the text of the standard has it; interpolations are pyhf's."""
    values = {p["name"]: p["value"] for p in document["parameter_points"][0]["parameters"]} | dict(values)
    for function in document["functions"]:
        if function["type"] == "product":
            values[function["name"]] = float(np.prod([values[name] for name in function["factors"]]))
        else:
            terms = [term.split(" * ") for term in function["expression"].split(" + ")]
            numbers = [[values[part] if part in values else float(part) for part in term] for term in terms]
            values[function["name"]] = float(sum(np.prod(term) for term in numbers))
    named = {d["name"]: d for d in document["distributions"]}
    (likelihood,) = document["likelihoods"]
    total, constrained = 0.0, set()
    added: Any
    factor: Any
    for name, data in zip(likelihood["distributions"], likelihood["data"], strict=True):
        observed = np.array(next(d for d in document["data"] if d["name"] == data)["contents"])
        expected = np.zeros_like(observed)
        for sample in named[name]["samples"]:
            nominal, added, factor = np.array(sample["data"]["contents"]), 0.0, 1.0
            for modifier in sample["modifiers"]:
                kind, own = modifier["type"], modifier.get("data", {})
                if "constraint" in modifier:
                    assert modifier["constraint"] == "Gauss"
                    constrained.add(modifier["parameter"])
                if kind == "normfactor":
                    factor = factor * values[modifier["parameter"]]
                elif kind == "shapefactor":
                    factor = factor * np.array([values[gamma] for gamma in modifier["parameters"]])
                elif kind == "normsys":
                    sides = [own["lo"]], [1.0], [own["hi"]]
                    between = interpolated(own["interpolation"], *sides, values[modifier["parameter"]])
                    linear = own["interpolation"] in ("code0", "code4p")
                    factor = factor * (1.0 + between if linear else between)
                else:
                    lo, hi = own["lo"]["contents"], own["hi"]["contents"]
                    added = added + interpolated(own["interpolation"], lo, nominal, hi, values[modifier["parameter"]])
            expected = expected + (nominal + added) * factor
        total += 2.0 * float(
            np.sum(expected - np.where(observed > 0, observed * np.log(np.maximum(expected, 1e-300)), 0))
        )
    for name in likelihood["aux_distributions"]:
        d = named[name]
        x, mean = values[d["x"]], values[d["mean"]]
        total += ((x - mean) / d["sigma"]) ** 2 if d["type"] == "gaussian_dist" else 2.0 * (mean - x * np.log(mean))
    return float(total + sum(values[name] ** 2 for name in constrained))


def interpolated(code: str, lo: Any, nominal: Any, hi: Any, alpha: float) -> np.ndarray:
    """pyhf's interpolator: what is added (code0, code4p), or a factor (code1, code4)."""
    pyhf.set_backend("numpy")
    made = getattr(pyhf.interpolators, code)([[[list(lo), list(nominal), list(hi)]]])
    return np.array(made(np.array([[alpha]]))[0, 0, 0], dtype=float)


def hs3_values(exported: Exported, likelihood: Likelihood, theta: np.ndarray) -> list[dict[str, float]]:
    """Our points in the names of the document, factors per bin at our best."""
    found = []
    for point in theta:
        values = {t.exported: t.value(point[likelihood.index(t.name)]) for t in exported.report.parameters}
        for name, gammas in likelihood.bin_scales(point).items():
            stem = re.sub(r"\W+", "_", name)
            values |= {f"gamma_{stem}_{i}": float(gamma) for i, gamma in enumerate(gammas, 1)}
        found.append(values)
    return found


def assert_same_but_a_constant(theirs: np.ndarray, ours: np.ndarray, *, abs_: float = 1e-8) -> None:
    difference = np.asarray(theirs) - np.asarray(ours)
    assert difference - difference[0] == pytest.approx(np.zeros(len(difference)), abs=abs_)


# -- invariant --


@pytest.mark.parametrize("name", SAYABLE)
def test_pyhf_has_the_same_likelihood(name: str) -> None:
    likelihood, poi = SAYABLE[name]
    exported = export_pyhf(likelihood, poi)
    assert exported.report.exact
    theta = around(likelihood, 12)
    assert_same_but_a_constant(in_pyhf(exported, likelihood, theta), likelihood.value(theta))
    assert read_again(exported, likelihood, theta) == pytest.approx(likelihood.value(theta), rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("codes", CODES, ids="-".join)
@pytest.mark.parametrize("name", [*CASES, *WORKSPACES])
def test_reading_exporting_and_reading_again_changes_nothing(name: str, codes: Codes) -> None:
    spec = published(CASES[name]) if name in CASES else getattr(test_pyhf, name)()
    given = read_workspace(spec, normsys=codes[0], histosys=codes[1])
    channels = [Channel(channel, bins) for channel, bins in given.channels.items()]
    for split in ((), channels):
        exported = export_pyhf(given.likelihood, given.poi, channels=split)
        assert exported.report.exact
        theta = test_pyhf.points(given, 10)
        again = read_again(exported, given.likelihood, theta)
        assert again == pytest.approx(given.likelihood.value(theta), rel=1e-10, abs=1e-9)
    assert [c["name"] for c in exported.document["channels"]][: len(channels)] == list(given.channels)


@pytest.mark.parametrize("name", [*SAYABLE, *ONLY_HS3, "texono_2010", *CASES, *WORKSPACES])
def test_hs3_has_the_same_likelihood(name: str) -> None:
    if name in SAYABLE or name in ONLY_HS3:
        likelihood, poi = {**SAYABLE, **ONLY_HS3}[name]
        theta = around(likelihood, 12)
    elif name == "texono_2010":
        problem = open_problem(name)
        likelihood, poi, theta = problem.likelihood, problem.poi, around(problem.likelihood, 12)
    else:
        workspace = read_workspace(published(CASES[name]) if name in CASES else getattr(test_pyhf, name)())
        likelihood, poi, theta = workspace.likelihood, workspace.poi, test_pyhf.points(workspace, 12)
    exported = export_hs3(likelihood, poi)
    assert exported.report.exact
    assert json.loads(exported.text) == exported.document
    theirs = [in_hs3(exported.document, values) for values in hs3_values(exported, likelihood, theta)]
    assert_same_but_a_constant(np.array(theirs), likelihood.value(theta))


def random_likelihood(seed: int) -> Likelihood:
    """Components with factors drawn at random: what an export has to expect from anyone."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    kinds: list[Constraint | None] = [None, STANDARD, STANDARD, STANDARD, GaussianConstraint(1.0, 0.1)]
    kinds += [PoissonConstraint(30.0, 10.0), GaussianConstraint(0.2, 0.5)]
    kinds = [kinds[i] for i in rng.integers(len(kinds), size=5)]
    parameters = [Parameter("mu", start=1.0, lower=0.0)]
    parameters += [Parameter(f"p{i}", start=_start(kind), constraint=kind) for i, kind in enumerate(kinds)]
    components = []
    for k in range(4):
        factors: list[Factor] = [Power("mu")] if k == 0 else []
        for p in (p for p in parameters[1:] if rng.random() < 0.5):
            free = not isinstance(p.constraint, GaussianConstraint) or p.start == 1.0
            some: list[Factor] = [
                GaussianScale(p.name, 0.05),
                LogNormalScale(p.name, 0.1),
                NormSys(p.name, 0.9, 1.2, 4),
            ]
            some += [NormSys(p.name, 0.9, 1.1, 0), Power(p.name), MorphEven(p.name, "4p")]
            factors.append(Power(p.name) if free else some[int(rng.integers(len(some)))])
        components.append(Component(f"c{k}", rng.uniform(5.0, 20.0, n), tuple(factors)))
    components.append(Component("rest", rng.uniform(20.0, 30.0, n)))
    scales = []
    if rng.random() < 0.7:
        poisson, width = bool(rng.random() < 0.5), rng.uniform(0.05, 0.2, n) * (rng.random(n) < 0.8)
        strength = np.where(width > 0, np.where(width > 0, width, 1.0) ** -2.0, 0.0) if poisson else width
        observed = strength * 1.1 if poisson else np.full(n, 0.95)
        on = ("c1", "c2") if rng.random() < 0.5 else ("rest",)
        scales.append(BinScale("gamma", on, "poisson" if poisson else "gaussian", strength, observed))
    return Likelihood.build(parameters, components, rng.poisson(50.0, n).astype(float), scales=scales)


def _start(constraint: Constraint | None) -> float:
    return 0.0 if isinstance(constraint, GaussianConstraint) and constraint.observed < 1.0 else 1.0


def test_exact_is_never_said_of_anything_else() -> None:
    """Of 150 random likelihoods every export that calls itself exact is; the others are refused or reported."""
    said = {"pyhf exact": 0, "pyhf lost": 0, "pyhf refused": 0, "hs3 exact": 0, "hs3 lost": 0, "hs3 refused": 0}
    for seed in range(150):
        likelihood = random_likelihood(seed)
        theta = around(likelihood, 8, seed)
        theta = theta[likelihood.expected(theta).min(axis=-1) > 1.0]  # no bin at or below zero, where walls begin
        for kind, export in (("pyhf", export_pyhf), ("hs3", export_hs3)):
            try:
                exported = export(likelihood, "mu", allow_loss=True)
            except ExportLoss:
                said[f"{kind} refused"] += 1
                continue
            said[f"{kind} {'exact' if exported.report.exact else 'lost'}"] += 1
            assert {t.name for t in exported.report.parameters} == set(likelihood.names), "no parameter is left out"
            if kind == "pyhf":
                theirs = read_again(exported, likelihood, theta)
            else:
                values = hs3_values(exported, likelihood, theta)
                theirs = np.array([in_hs3(exported.document, point) for point in values])
            difference = theirs - likelihood.value(theta)
            same = bool(np.ptp(difference) < 1e-7)
            assert same or not exported.report.exact, (seed, kind)
            if not exported.report.exact:
                with pytest.raises(ExportLoss):
                    export(likelihood, "mu")
    assert said["hs3 exact"] > said["pyhf exact"] > 20, said
    assert min(said["pyhf lost"], said["pyhf refused"]) > 5, said


def three_linear() -> Likelihood:
    """One component with three linear factors: pyhf has two ways for one each."""
    parameters = [Parameter("mu", start=1.0, lower=0.0), *(Parameter(n, constraint=STANDARD) for n in "abc")]
    factors = (GaussianScale("a", 0.02), GaussianScale("b", 0.05), GaussianScale("c", 0.1))
    components = [
        Component("s", np.array([3.0, 1.0]), (Power("mu"), factors[0])),
        Component("b", np.array([40.0, 30.0]), factors),
    ]
    return Likelihood.build(parameters, components, np.array([44.0, 30.0]))


def test_a_loss_is_refused_said_and_as_large_as_said() -> None:
    likelihood = three_linear()
    with pytest.raises(ExportLoss, match=r"(?s)pyhf cannot say all.*given:   b on b becomes a normsys.*HS3"):
        export_pyhf(likelihood, "mu")
    report = export_pyhf(likelihood, "mu", allow_loss=True).report
    assert not report.exact
    (lost,) = report.lost
    stated = float(re.search(r"by up to (\S+) of the component within 3 sigma", lost)[1])  # type: ignore[index]
    alpha = np.linspace(-3.0, 3.0, 1001)
    differences = [
        np.abs(1.0 + interpolated("code4", [0.95], [1.0], [1.05], x)[0] - 1.0 - (1.0 + 0.05 * x)) for x in alpha
    ]
    assert stated == pytest.approx(max(differences), rel=0.06)
    assert export_hs3(likelihood, "mu").report.exact


def test_what_pyhf_cannot_say_is_refused_always() -> None:
    with pytest.raises(ExportLoss, match="2 bins hold a number measured with an error"):
        export_pyhf(measured_too(), "mu", allow_loss=True)
    for allow_loss in (False, True):
        with pytest.raises(ExportLoss, match=r"(?s)ways that one factor cannot say.*HS3"):
            export_pyhf(interfering(), "q", allow_loss=allow_loss)
    unlike = [Component("a", np.ones(2), (Power("off", 2),)), Component("b", np.ones(2), (Power("mu"),))]
    off = Parameter("off", start=1.0, lower=0.0, constraint=PoissonConstraint(10.0, 10.0))
    with pytest.raises(ExportLoss):
        export_pyhf(Likelihood.build([Parameter("mu", start=1.0), off], unlike, np.ones(2)), "mu", allow_loss=True)
    negative = BinScale("gamma", ("b",), "gaussian", np.full(2, 0.1), np.ones(2))
    components = [Component("s", np.full(2, 5.0), (Power("mu"),)), Component("b", np.full(2, -1.0))]
    with pytest.raises(ExportLoss, match="sum is not positive"):
        export_pyhf(Likelihood.build([Parameter("mu", start=1.0)], components, np.ones(2), scales=[negative]), "mu")


def test_interpolation_codes_that_do_not_go_together() -> None:
    """A log-normal factor is code1; with code4 on another parameter one of the two is nearly the same only."""
    parameters = [Parameter("mu", start=1.0, lower=0.0), *(Parameter(n, constraint=STANDARD) for n in "ab")]

    def made(*factors: Factor) -> Likelihood:
        components = [Component("s", np.full(2, 3.0), (Power("mu"),)), Component("b", np.full(2, 40.0), factors)]
        used = {f.parameter for f in factors} | {"mu"}
        return Likelihood.build([p for p in parameters if p.name in used], components, np.full(2, 41.0))

    alone = export_pyhf(made(LogNormalScale("a", 0.3)), "mu").report
    assert (alone.exact, alone.settings["normsys"]) == (True, "code1")
    assert export_pyhf(made(LogNormalScale("a", 0.1)), "mu").report.settings["normsys"] == "code4", "3e-12 apart"
    both = made(LogNormalScale("a", 0.3), NormSys("b", 0.8, 1.3, 4))
    with pytest.raises(ExportLoss, match=r"a on b becomes a normsys \(code4\) that differs by up to 4e-09"):
        export_pyhf(both, "mu")
    assert export_pyhf(both, "mu", allow_loss=True).report.settings["normsys"] == "code4", "the smaller loss"
    assert export_hs3(both, "mu").report.exact, "every parameter has its own code there"


def test_a_power_is_exported_as_that_power() -> None:
    components = [Component("s", np.array([3.0, 1.0]), (Power("mu_nu", 2),)), Component("b", np.array([4.0, 3.0]))]
    likelihood = Likelihood.build([Parameter("mu_nu", start=1.5)], components, np.array([9.0, 5.0]))
    exported = export_pyhf(likelihood, "mu_nu")
    translation = exported.report.translation("mu_nu")
    assert (exported.report.poi, translation.value(-3.0)) == ("mu_nu_power_2", 9.0)
    assert exported.document["measurements"][0]["config"]["parameters"][0]["bounds"][0][0] == 0.0
    theta = np.array([[-1.0], [0.5], [2.0]])
    assert_same_but_a_constant(in_pyhf(exported, likelihood, theta), likelihood.value(theta))
    with pytest.raises(UnknownName):
        exported.report.translation("mu")


def test_data_and_auxiliary_measurements_are_those_of_the_likelihood() -> None:
    """Not those of the declaration: an Asimov data set with pulled nuisances is exported as such."""
    given, poi = SAYABLE["per_bin_gaussian"]
    point = given.start + np.array([1.0, 1.7])
    likelihood = given.with_data(given.asimov(point))
    exported = export_pyhf(likelihood, poi)
    settings = {p["name"]: p for p in exported.document["measurements"][0]["config"]["parameters"]}
    assert settings["lumi"]["auxdata"] == [pytest.approx(1.0 + 0.03 * 1.7)] if "sigmas" in settings["lumi"] else [1.7]
    theta = around(likelihood, 6)
    assert_same_but_a_constant(in_pyhf(exported, likelihood, theta), likelihood.value(theta))
    poisson = SAYABLE["per_bin_poisson"][0]
    pulled = poisson.with_data(poisson.asimov(point))
    assert_same_but_a_constant(in_pyhf(export_pyhf(pulled, poi), pulled, theta), pulled.value(theta))


def test_refused_before_anything_is_made() -> None:
    likelihood = bilinear()
    with pytest.raises(UnknownName):
        export_pyhf(likelihood, "mu")
    with pytest.raises(InputError, match="single events"):
        export_pyhf(open_problem("xenonnt_2022", variant="unbinned").likelihood, "mu2")
    toys = likelihood.with_data(likelihood.toys(likelihood.start, 3, np.random.default_rng(1)))
    with pytest.raises(InputError, match="holds one data set"):
        export_hs3(toys, "mu2")
    with pytest.raises(OutOfRange, match="counts and numbers measured"):
        export_hs3(measured_too(), "mu", channels=[Channel("all", slice(0, 5))])
    for wrong in ([Channel("a", slice(0, 5))], [Channel("a", slice(0, 29)), Channel("a", slice(29, 29))]):
        with pytest.raises(OutOfRange, match="channels do not cover"):
            export_pyhf(likelihood, "mu2", channels=wrong)


def test_tables(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"name": ["a", "b"], "value": np.array([0.1 + 0.2, np.nan])}
    write_table(tmp_path / "t.csv", columns)
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "name,value\na,0.30000000000000004\nb,\n"
    with pytest.raises(InputError, match=r"\.csv, \.parquet"):
        write_table(tmp_path / "t.xls", columns)
    with pytest.raises(OutOfRange, match="different lengths"):
        write_table(tmp_path / "t.csv", {"a": [1.0], "b": [1.0, 2.0]})
    with pytest.raises(WriteFailed):
        write_table(tmp_path / "no" / "t.csv", columns)
    with pytest.raises(WriteFailed):
        export_hs3(bilinear(), "mu2").write(tmp_path / "no" / "w.json")


def test_a_table_as_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: eventfit[parquet]")
    write_table(tmp_path / "t.parquet", {"x": np.array([1.0, 2.0]), "y": np.array([0.1, 1 / 3])})
    assert read_columns(tmp_path / "t.parquet")["y"].tolist() == [0.1, 1 / 3]


# -- invariant: the verb ----------------------------------------------------------------------------------------------


def run(*arguments: str, input_: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["export", *arguments], input=input_)
    return result.exit_code, result.stdout, result.stderr


def test_a_workspace_on_standard_output_is_a_workspace() -> None:
    code, out, err = run("xenon1t_2020", "--format", "pyhf")
    assert code == 0
    assert "pyhf: exact" in err
    again = run("-", "--format", "pyhf", "--json", input_=out)
    document = json.loads(again[1])
    assert (again[0], document["exact"], document["file"], document["lost"]) == (0, True, None, [])
    assert document["document"]["channels"][0]["name"] == "xenon1t_2020"
    assert document["document"]["observations"] == json.loads(out)["observations"]


@pytest.mark.parametrize(
    ("format_", "file"),
    [
        ("pyhf", "xenon1t_2020_tritium_free_pyhf.json"),
        ("hs3", "xenon1t_2020_tritium_free_hs3.json"),
        ("root", "xenon1t_2020_tritium_free_root.root"),
        ("csv", "xenon1t_2020_tritium_free_scan.csv"),
    ],
)
def test_files_go_where_they_are_asked_to(format_: str, file: str, tmp_path: Path) -> None:
    arguments = ("xenon1t_2020", "--variant", "tritium_free", "--format", format_, "--points", "5", "--json")
    code, out, err = run(*arguments, "-o", str(tmp_path / "made"))
    assert (code, json.loads(out)["file"]) == (0, str(tmp_path / "made" / file))
    assert f"wrote {tmp_path / 'made' / file}" in err
    assert [path.name for path in (tmp_path / "made").iterdir()] == [file]
    named = tmp_path / f"named{Path(file).suffix}"
    assert run(*arguments, "-o", str(named))[0] == 0
    assert named.read_bytes()[:4] == (tmp_path / "made" / file).read_bytes()[:4]


def test_spectra_and_scan_hold_what_they_say(tmp_path: Path) -> None:
    problem = open_problem("xenon1t_2020")
    profile = Profile(problem.likelihood, problem.poi)
    assert run("xenon1t_2020", "--format", "root", "-o", str(tmp_path / "s.root"))[0] == 0
    names = contents(tmp_path / "s.root")
    parts = [name for name in names if name.startswith("components/")]
    observed, best = (read_histogram(f"{tmp_path}/s.root:{name}") for name in ("observed", "best_fit"))
    assert observed.values.tolist() == problem.likelihood.data.counts.tolist()
    assert (observed.edges.tolist(), observed.unit) == (list(range(1, 31)), "keV")
    assert best.values == pytest.approx(problem.likelihood.expected(profile.best.values))
    assert sum(read_histogram(f"{tmp_path}/s.root:{name}").values for name in parts) == pytest.approx(best.values)
    assert run("xenon1t_2020", "--format", "csv", "-o", f"{tmp_path}/s.csv", "--range", "0", "4e-11")[0] == 0
    table = read_columns(tmp_path / "s.csv")
    assert table["value"] == pytest.approx(np.linspace(0.0, 4e-11, 50))
    assert table["minus_2_delta_ln_l"] == pytest.approx(profile.scan(table["fitted"]).delta)


def test_wrong_uses_of_the_verb(tmp_path: Path) -> None:
    spec = {**export_hs3(bilinear(), "mu2").document}
    (tmp_path / "hs3.json").write_text(json.dumps(spec), encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    for arguments, code, said in (
        (("xenon1t_2020", "--format", "root"), 2, "this format needs a file"),
        (("xenon1t_2020", "--format", "pyhf", "-o", f"{tmp_path}/x.root"), 2, "ending of another format"),
        (("xenon1t_2021", "--format", "pyhf"), 2, "did you mean 'xenon1t_2020'?"),
        (
            ("xenonnt_2022", "--variant", "unbinned", "--format", "root", "-o", f"{tmp_path}/u.root"),
            2,
            "knows the observed",
        ),
        (("xenonnt_2022", "--variant", "unbinned", "--format", "hs3"), 2, "has no bins to export"),
        ((f"{tmp_path}/hs3.json", "--format", "pyhf"), 2, "unknown key"),
        (("xenon1t_2020", "--format", "csv", "-o", f"{tmp_path}/file/scan.csv"), 4, "cannot be made"),
    ):
        result = run(*arguments)
        assert (result[0], result[1]) == (code, ""), arguments
        assert said in result[2]
    assert run("xenon1t_2020", "--format", "xml")[0] == 2


def test_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra):
        write_table(tmp_path / "t.parquet", {"x": [1.0]})
    code, _, err = run("xenon1t_2020", "--format", "parquet", "-o", f"{tmp_path}/s.parquet", "--points", "2")
    assert (code, "eventfit[parquet]" in err) == (2, True)


# -- reference --


@pytest.mark.parametrize("codes", CODES, ids="-".join)
@pytest.mark.parametrize("name", CASES, ids=lambda name: f"pyhf-0.7-{name}")
def test_pyhf_fits_the_exported_workspace_to_the_same_cls(name: str, codes: Codes) -> None:
    statistic, lower = asked(name)
    profile = profile_of(name, codes, lower)
    exported = export_pyhf(profile.likelihood, profile.parameter)
    peer = Peer(exported.document, codes_of(exported))
    for mu in (0.5, 1.0, 2.0):
        found = hypotest(profile, mu, statistic=statistic)
        observed, expected = tight(peer, statistic, exported.report.translation(profile.parameter).value(mu))
        assert found.cls == pytest.approx(observed, abs=1e-4)
        assert [found.expected[n] for n in BANDS] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("analysis", "variant", "values"),
    [
        pytest.param("xenon1t_2020", "default", (2.0, 6.0, 9.0), id="pyhf-0.7-xenon1t_2020"),
        pytest.param("xenon1t_2020", "tritium_free", (2.0, 6.0, 9.0), id="pyhf-0.7-xenon1t_2020-tritium_free"),
        pytest.param("xenonnt_2022", "default", (0.1, 0.4, 0.8), id="pyhf-0.7-xenonnt_2022"),
    ],
)
def test_pyhf_fits_an_exported_analysis_to_the_same_cls(analysis: str, variant: str, values: tuple[float, ...]) -> None:
    problem = open_problem(analysis, variant=variant)
    exported = export_pyhf(problem.likelihood, problem.poi, channels=problem.channels)
    assert exported.report.exact
    profile = Profile(problem.likelihood, problem.poi)
    model = Peer(exported.document, codes_of(exported))
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-10, maxiter=100_000))
    for mu in values:
        found = hypotest(profile, mu)
        observed, expected = pyhf.infer.hypotest(
            exported.report.translation(problem.poi).value(mu),
            model.data,
            model.model,
            test_stat="qtilde",
            return_expected_set=True,
        )
        assert found.cls == pytest.approx(float(observed), abs=1e-4)
        assert [found.expected[n] for n in BANDS] == pytest.approx([float(x) for x in expected], abs=1e-4)


@pytest.mark.parametrize("name", ["bilinear", "morphed_4_4p", "per_bin_poisson", "on_off", "measured_too"])
def test_pyhs3_has_the_same_likelihood(name: str) -> None:
    """pyhs3-0.4, where it is installed."""
    pyhs3 = pytest.importorskip("pyhs3", reason="pyhs3 is not installed")
    import pytensor  # type: ignore[import-not-found]
    from pytensor.graph.traversal import explicit_graph_inputs  # type: ignore[import-not-found]

    likelihood, poi = {**SAYABLE, **ONLY_HS3}[name]
    exported = export_hs3(likelihood, poi)
    workspace = pyhs3.Workspace(**exported.document)
    expression = workspace.model(workspace.analyses[0], progress=False, mode="FAST_COMPILE").log_prob
    inputs = list(explicit_graph_inputs([expression]))
    evaluate = pytensor.function(inputs, expression, mode="FAST_COMPILE", on_unused_input="ignore")
    theta = around(likelihood, 6)
    theirs = [
        -2.0 * float(np.sum(evaluate(*[np.asarray(values[i.name]) for i in inputs])))
        for values in hs3_values(exported, likelihood, theta)
    ]
    assert_same_but_a_constant(np.array(theirs), likelihood.value(theta), abs_=1e-6)


# -- regression --


def test_the_workspace_of_xenon1t() -> None:
    """Its shape, as a reader meets it."""
    problem = open_problem("xenon1t_2020")
    exported = export_pyhf(problem.likelihood, problem.poi, channels=problem.channels)
    (channel,) = exported.document["channels"]
    modifiers = {s["name"]: [(m["name"], m["type"]) for m in s["modifiers"]] for s in channel["samples"]}
    lumi = ("lumi", "lumi")
    assert modifiers == {
        "pp.magnetic_moment": [lumi, ("mu2", "normfactor")],
        "be7.magnetic_moment": [lumi, ("mu2", "normfactor")],
        "b0": [lumi, ("xenon1t_2020.b0_scale", "histosys")],
    }
    assert str(exported.report).splitlines()[:2] == [
        "pyhf: exact with normsys code4, histosys code4p",
        "  parameter: lumi = 1 + 0.03 xenon1t_2020.efficiency_scale",
    ]


def test_an_export_never_overwrites_what_it_was_made_from(tmp_path: Path) -> None:
    for source in (shipped("analyses") / "tutorial").glob("*.csv"):
        shutil.copy(source, tmp_path)
    flags = ["--source", "reactor", "--flux", "1.3e13", "--target", "germanium", "--exposure", "600 kg day"]
    flags += ["--data", str(tmp_path / "counts.csv"), "--background", str(tmp_path / "compton.csv")]
    assert CliRunner().invoke(app, ["init", str(tmp_path), *flags, "--resolution", "fwhm=0.2"]).exit_code == 0
    before = (tmp_path / "counts.csv").read_bytes()
    declared = str(tmp_path / "analysis.toml")
    result = CliRunner().invoke(app, ["export", declared, "--format", "csv", "-o", str(tmp_path / "counts.csv")])
    assert result.exit_code == 2
    assert "overwrite" in result.stderr
    assert (tmp_path / "counts.csv").read_bytes() == before
