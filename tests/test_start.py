"""From files to a declaration and a first look: the verbs init, inspect and fit."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot
from typer.testing import CliRunner, Result

from eventfit.analysis import Analysis
from eventfit.analysis.starter import POIS
from eventfit.cli import app
from eventfit.inference import Profile, goodness_of_fit

PROGRAM = Path(sys.executable).with_name("eventfit")
EDGES = np.linspace(2.0, 10.0, 17)
COUNTS = np.random.default_rng(8).poisson(45.0, 16)
#: what every declaration needs
COMMON: dict[str, str] = {
    "--source": "reactor",
    "--flux": "6.4e12",
    "--target": "germanium",
    "--exposure": "200 kg day",
    "--data": "counts.csv",
    "--background": "background.csv",
    "--resolution": "fwhm=0.3",
}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def init(folder: Path, *more: str, **changes: str | None) -> Result:
    """'eventfit init' with the flags of :data:`COMMON`, some replaced, left out (None) or added."""
    named = {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    flags: Mapping[str, str | None] = {**COMMON, **named}
    return run(
        "init", folder, *(word for flag, value in flags.items() if value is not None for word in (flag, value)), *more
    )


def written(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "analysis.toml").read_text(encoding="utf-8"))


def table(path: Path, **columns: Any) -> None:
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(f"{cell:.12g}" for cell in row) for row in rows)]) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "Detector 2"
    home.mkdir()
    low, high = EDGES[:-1], EDGES[1:]
    table(home / "counts.csv", energy_low_keV=low, energy_high_keV=high, counts=COUNTS)
    table(home / "background.csv", E_min_keV=low, E_max_keV=high, expected=np.full(16, 44.0))
    table(home / "efficiency.csv", E_keV=[0, 3, 15], eff=[0.2, 0.9, 0.9])
    table(home / "wide.csv", a=low, b=high, n=COUNTS, m=COUNTS)
    table(
        home / "rate.csv", E_low_keV=low, E_high_keV=high, rate_per_keV_kg_day=COUNTS / 100, error=np.sqrt(COUNTS) / 100
    )
    table(home / "centres.csv", energy_keV=0.5 * (low + high), events=COUNTS)
    table(home / "events.csv", energy_MeV=np.repeat(0.5 * (low + high), COUNTS) / 1000)
    table(home / "flux.csv", E_MeV=np.linspace(0, 10, 101), nubar_e=np.linspace(1, 0, 101) * 1e12, other=np.ones(101))
    table(home / "width.csv", E_keV=[0, 20], sigma=[0.1, 0.2])
    with uproot.recreate(home / "one.root") as file:
        histogram = hist.Hist(hist.axis.Variable(EDGES, label="E [keV]"), storage=hist.storage.Double())
        histogram.view(flow=True)[...] = [0.0, *COUNTS, 5.0]
        file["h_energy"] = histogram
    with uproot.recreate(home / "two.root") as file:
        fine = hist.Hist(hist.axis.Regular(48, 0, 12, label="E [keV]"), storage=hist.storage.Double())
        fine.values()[...] = 7.0
        file["h_on"], file["h_off"] = fine, fine
    return home


# -- invariant --------------------------------------------------------------------------------------------------------


def test_what_init_writes_is_valid_and_says_what_it_took(folder: Path) -> None:
    result = init(folder, efficiency="efficiency.csv")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"wrote {folder / 'analysis.toml'}\n"
    declared = written(folder)
    bins = {"low": "energy_low_keV", "high": "energy_high_keV"}
    assert declared["data"] == {"observed": {"file": "counts.csv", **bins, "value": "counts"}, "origin": ["detector_2"]}
    assert declared["response"]["edges_keV"] == {"start": 2, "stop": 10, "width": 0.5}
    assert declared["response"]["order"] == ["resolution", "efficiency"]
    assert declared["background"][0]["table"]["low"] == "E_min_keV"
    assert declared["target"]["electrons"] == "stepping"
    assert declared["flux"][0]["flux_per_cm2_s"] == 6.4e12
    text = (folder / "analysis.toml").read_text(encoding="utf-8")
    assert text.count("# ") > 10
    assert max(map(len, text.splitlines())) <= 140
    assert run("validate", folder).exit_code == 0
    model = Analysis.load(folder).model()
    assert np.array_equal(model.observed.values(), COUNTS)


def test_init_touches_nothing_but_its_file(folder: Path) -> None:
    def content() -> dict[str, bytes]:
        return {
            p.relative_to(folder.parent).as_posix(): p.read_bytes() for p in folder.parent.rglob("*") if p.is_file()
        }

    before = content()
    assert init(folder).exit_code == 0
    after = content()
    assert after.pop("Detector 2/analysis.toml")
    assert after == before


def test_init_overwrites_only_when_told_to(folder: Path) -> None:
    (folder / "analysis.toml").write_text("mine")
    result = init(folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--force" in result.stderr
    assert (folder / "analysis.toml").read_text() == "mine"
    assert init(folder, "--force").exit_code == 0
    assert written(folder)["poi"] == "mu_nu"


def test_nothing_is_written_that_would_not_be_valid(folder: Path) -> None:
    result = init(folder, efficiency="efficiency.csv", bins=None, resolution="sqrt=-1,0")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "response.resolution.a" in result.stderr
    assert not (folder / "analysis.toml").exists()


@pytest.mark.parametrize(
    ("flags", "keys"),
    [
        ({"source": "solar", "flux": None}, {"kind": "solar", "model": "b16_gs98"}),
        ({"flux": "2.9 GW 28 m"}, {"kind": "reactor", "power_GW": 2.9, "distance_m": 28}),
        (
            {"source": "stopped_pion", "flux": "4.3e7"},
            {"kind": "stopped_pion", "flux_per_flavour_per_cm2_s": 4.3e7, "components": ["nu_mu", "nu_e", "nubar_mu"]},
        ),
        (
            {"source": "table", "flux": "flux.csv:E_MeV,nubar_e", "flux_per": "cm2 s MeV"},
            {
                "kind": "table",
                "file": "flux.csv",
                "energy": "E_MeV",
                "columns": {"nubar_e": "nubar_e"},
                "per": "cm2 s MeV",
            },
        ),
        (
            {"source": "table", "flux": "flux.csv:E_MeV,nu_mu=other", "flux_per": "1e13"},
            {"columns": {"nu_mu": "other"}, "total_per_cm2_s": 1e13},
        ),
    ],
    ids=["solar", "reactor-power", "stopped_pion", "table", "table-total"],
)
def test_sources(folder: Path, flags: dict[str, Any], keys: dict[str, Any]) -> None:
    assert init(folder, **flags).exit_code == 0
    flux = written(folder)["flux"][0]
    assert {key: flux[key] for key in keys} == keys
    assert Analysis.load(folder).model().templates


@pytest.mark.parametrize(
    ("flags", "more", "data"),
    [
        ({"data": "wide.csv:a,b,m", "unit": "keV"}, (), {"observed": {"value": "m", "unit": "keV"}}),
        ({"data": "rate.csv"}, (), {"residual": {"error": "error", "per": "keV kg day"}}),
        ({"data": "rate.csv:E_low_keV,E_high_keV,rate_per_keV_kg_day"}, (), {"observed": {"per": "keV kg day"}}),
        ({"data": "centres.csv"}, (), {"observed": {"centre": "energy_keV", "value": "events"}}),
        ({"data": "events.csv"}, ("--bins", "2", "10", "0.5"), {"observed": {"events": "energy_MeV"}}),
        ({"data": "one.root"}, (), {"observed": {"histogram": "h_energy", "overflow": "drop"}}),
        ({"data": "two.root:h_on"}, ("--window", "2", "10"), {"observed": {"histogram": "h_on", "rebin": True}}),
        ({"data": None}, ("--asimov", "--bins", "2", "10", "0.5"), {"asimov": True}),
    ],
    ids=["named", "residual", "rate", "centres", "events", "root", "window", "asimov"],
)
def test_data(folder: Path, flags: dict[str, Any], more: tuple[str, ...], data: dict[str, Any]) -> None:
    background = None if "residual" in data or "two.root:h_on" in flags.values() else "background.csv"
    result = init(folder, *more, background=background, **flags)
    assert result.exit_code == 0, result.stderr
    found = written(folder)["data"]
    for form, keys in data.items():
        for key, value in keys.items() if isinstance(keys, dict) else ():
            assert found[form][key] == value
        assert form in found
    observed = Analysis.load(folder).model().observed
    if flags["data"] not in (None, "two.root:h_on"):
        assert observed.values() == pytest.approx(COUNTS)
    edges = np.arange(2.0, 10.1, 0.25) if flags["data"] == "two.root:h_on" else EDGES
    assert observed.edges == pytest.approx(edges)


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ("perfect", {"kind": "perfect"}),
        ("fwhm=0.2", {"kind": "constant", "fwhm_keV": 0.2}),
        ("sqrt=0.3,0.004", {"kind": "sqrt", "a": 0.3, "b": 0.004}),
        ("sigma=width.csv", {"kind": "table", "gives": "sigma", "x": "E_keV", "y": "sigma"}),
        ("fwhm=width.csv:E_keV,sigma", {"kind": "table", "gives": "fwhm"}),
    ],
)
def test_resolutions(folder: Path, said: str, keys: dict[str, Any]) -> None:
    assert init(folder, resolution=said).exit_code == 0
    found = written(folder)["response"]["resolution"]
    assert {key: found[key] for key in keys} == keys


def test_other_choices(folder: Path) -> None:
    result = init(
        folder,
        "--background-error",
        "0.1",
        "--efficiency-of",
        "recoil",
        "--poi",
        "r2_nu",
        "--background",
        "two.root:h_off",
        efficiency="efficiency.csv",
        title='A "title" with é and \\',
    )
    assert result.exit_code == 0, result.stderr
    declared = written(folder)
    assert declared["title"] == 'A "title" with é and \\'
    assert declared["response"]["order"] == ["efficiency", "resolution"]
    assert declared["process"][1] == {"kind": "charge_radius", "couplings": ["r2_nu"]}
    assert [b["name"] for b in declared["background"]] == ["background", "h_off"]
    assert declared["background"][1]["table"] == {"file": "two.root", "histogram": "h_off", "rebin": True}
    assert all(b["norm"]["relative"] == 0.1 for b in declared["background"])
    assert "upper_limit" not in {wanted["quantity"] for wanted in declared["result"]}


@pytest.mark.parametrize("poi", POIS)
def test_every_parameter_of_interest_can_be_started_with(folder: Path, poi: str) -> None:
    result = init(folder, poi=poi)
    assert result.exit_code == 0, result.stderr
    assert Analysis.load(folder).model().reported.name == poi


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        ({"source": None, "target": None, "data": None}, ("--source", "--target", "--data", "stopped_pion", "xenon")),
        ({"data": "wide.csv"}, ("UnknownName", "wide.csv", "a, b, n, m", "wide.csv:LOW,HIGH,VALUE")),
        ({"data": "two.root"}, ("UnknownName", "h_on (TH1D)", "h_off (TH1D)", "two.root:NAME")),
        ({"data": "two.root:h_of"}, ("UnknownName", "'h_of'", "h_off (TH1D)")),
        ({"data": "counts.csv:energy_low_keV,energy_high_keV,count"}, ("UnknownName", "'count'", "counts")),
        ({"data": "wide.csv:a,b,m"}, ("OutOfRange", "does not say the unit", "--unit keV")),
        ({"data": "none.csv"}, ("MissingInput", "none.csv")),
        ({"data": "../outside.csv"}, ("PathOutsideFolder", "outside.csv", "copy it there")),
        ({"data": "events.csv"}, ("MissingInput", "--bins START STOP WIDTH")),
        ({"background": "wide.csv"}, ("UnknownName", "wide.csv:LOW,HIGH,VALUE")),
        ({"efficiency": "wide.csv"}, ("UnknownName", "two columns", "a, b, n, m")),
        ({"exposure": "200"}, ("InputError", "--exposure '200'", "kg day")),
        ({"exposure": "200 kg fortnight"}, ("InputError", "tonne year")),
        ({"resolution": "good"}, ("InputError", "--resolution good", "fwhm=0.2")),
        ({"flux": "much"}, ("InputError", "--flux much", "6.4e12")),
        ({"target": "germanum"}, ("UnknownName", "--target germanum", "did you mean 'germanium'")),
        ({"source": "table", "flux": "flux.csv"}, ("UnknownName", "flux.csv:ENERGY,nubar_e=COLUMN")),
        ({"source": "table", "flux": "flux.csv:E_MeV,nubar_e", "flux_per": "keV"}, ("InputError", "cm2 s MeV")),
        ({"per": "fortnight"}, ("InputError", "fortnight", "keV kg day")),
        ({"title": "x", "background_error": "-1"}, ("DeclarationError", "background[background].norm.relative")),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_what_cannot_be_started_with(folder: Path, flags: dict[str, Any], parts: tuple[str, ...]) -> None:
    (folder.parent / "outside.csv").write_text("a\n1\n")
    result = init(folder, **flags)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    for part in parts:
        assert part in result.stderr
    assert "Traceback" not in result.stderr
    assert not (folder / "analysis.toml").exists()


def test_a_terminal_is_asked_for_what_is_missing(folder: Path) -> None:
    """An answer that cannot be used is asked for again, with what there is."""
    answers = ["reactor", "mu_nu", "6.4e12", "germanium", "200 fortnights", "200 kg day", "wide.csv", "counts.csv"]
    answers += ["background.csv", "", "efficiency.csv", "fwhm=0.3"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "init", "."], cwd=folder, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    assert process.stdout is not None
    said, began = b"", time.monotonic()
    while answers or process.poll() is None:
        assert time.monotonic() - began < 60.0, said.decode(errors="replace")
        if select.select([ours], [], [], 0.2)[0]:
            try:
                said += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        elif answers and said.rstrip().endswith(b":"):
            os.write(ours, answers.pop(0).encode() + b"\n")
            said += b"\n"
    assert process.wait(timeout=60) == 0, said.decode(errors="replace")
    with process.stdout as printed:
        assert printed.read() == b"wrote analysis.toml\n"
    os.close(ours)
    text = said.decode()
    assert "this is no exposure" in text
    assert "a, b, n, m" in text
    declared = written(folder)
    assert declared["exposure"] == {"value": 200, "unit": "kg day"}
    assert declared["data"]["observed"]["file"] == "counts.csv"
    assert declared["response"]["efficiency"]["file"] == "efficiency.csv"


# -- inspect and fit --------------------------------------------------------------------------------------------------


@pytest.fixture
def started(folder: Path) -> Path:
    assert init(folder, efficiency="efficiency.csv").exit_code == 0
    return folder


def test_inspect_says_what_the_model_holds(started: Path, tmp_path: Path) -> None:
    result = run("inspect", started, "--json")
    found, model = json.loads(result.stdout), Analysis.load(started).model()
    components = {entry["name"]: entry for entry in found["components"]}
    for template in model.templates:
        assert components[template.name]["at_unit"] == pytest.approx(template.spectrum.values().sum(), rel=1e-12)
    assert components["background"]["events"] == pytest.approx(16 * 44.0)
    assert components["reactor.magnetic_moment"]["unit_is"] == "mu_nu = 1e-11 mu_B"
    assert found["bins"]["observed"] == COUNTS.sum()
    assert found["bins"]["number"] == 16
    assert found["numerical_error"] == model.numerical_error
    assert {t["name"]: t["status"] for t in found["tables"]}["counts.csv"] == "user"
    assert {p["name"]: p["bounds"] for p in found["parameters"]}["Detector 2.background"] == [0.0, 10.0]
    figures = tmp_path / "figures"
    text = run("inspect", started, "-o", figures)
    assert text.exit_code == 0
    for part in ("counts.csv", "user", "16 from 2 to 10 keV", "reactor.magnetic_moment", "mu_nu = 1e-11 mu_B"):
        assert part in text.stdout
    assert {path.suffix for path in figures.iterdir()} == {".json", ".png", ".pdf"}


def test_inspect_of_a_workspace_and_of_a_shipped_analysis(tmp_path: Path) -> None:
    spec = {
        "channels": [
            {
                "name": "SR",
                "samples": [
                    {
                        "name": "s",
                        "data": [1.0, 2.0],
                        "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
                    },
                    {"name": "b", "data": [5.0, 6.0], "modifiers": []},
                ],
            }
        ],
        "observations": [{"name": "SR", "data": [6.0, 7.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }
    path = tmp_path / "w.json"
    path.write_text(json.dumps(spec))
    result = run("inspect", path, "-o", tmp_path / "figures")
    assert result.exit_code == 0, result.output
    assert "channels SR (2)" in result.stdout
    assert "sha256" in result.stdout
    shipped = run("inspect", "xenonnt_2022", "--variant", "unbinned")
    assert shipped.exit_code == 0
    assert "single events" in shipped.stdout
    assert "variant fine_bins" in shipped.stdout


def test_fit_says_what_the_profile_holds(started: Path) -> None:
    found = json.loads(run("fit", started, "--json").stdout)
    model = Analysis.load(started).model()
    profile = Profile(model.likelihood, model.poi)
    best, gof = profile.best, goodness_of_fit(profile.best)
    assert found["value"] == pytest.approx(model.reported.value(profile.estimate), rel=1e-9)
    for entry, value, error in zip(found["parameters"], best.values, best.errors, strict=True):
        assert entry["value"] == pytest.approx(value, rel=1e-9)
        assert (entry["error"] is None) == np.isnan(error)
        if entry["error"] is not None:
            assert entry["error"] == pytest.approx(error, rel=1e-9)
    assert found["goodness"]["value"] == pytest.approx(gof.minus_2_ln_l, rel=1e-9)
    assert found["goodness"]["degrees_of_freedom"] == gof.degrees_of_freedom == 14
    assert found["at_bound"] == list(best.at_bound)
    assert sum(entry["value"] for entry in found["yields"]) == pytest.approx(
        model.likelihood.expected(best.values).sum()
    )
    names, matrix = found["correlations"]["names"], np.array(found["correlations"]["matrix"])
    index = [best.names.index(name) for name in names]
    spread = np.sqrt(np.diagonal(best.covariance))[index]
    assert matrix == pytest.approx(best.covariance[np.ix_(index, index)] / np.outer(spread, spread), abs=1e-12)
    assert {t["name"]: t["sha256"] for t in found["tables"]}["counts.csv"] == found["inputs"]["counts.csv"]


def test_a_fit_at_a_bound_and_one_that_is_held(started: Path) -> None:
    """Fewer counts at low energies than expected: the moment stays at zero, and its error is not quoted."""
    low, high = EDGES[:-1], EDGES[1:]
    counts = np.where(low < 3.0, 20, 45)
    table(started / "counts.csv", energy_low_keV=low, energy_high_keV=high, counts=counts)
    bound = run("fit", started)
    assert bound.exit_code == 0
    assert "at a bound, without error: mu2" in bound.stdout
    assert re.search(r"mu2 +free +0 +- +at its bound", bound.stdout)
    held = json.loads(run("fit", started, "--at", "5e-11", "--json").stdout)
    assert held["held"] is True
    assert held["value"] == pytest.approx(5e-11)
    assert held["minus_2_ln_l"] > json.loads(run("fit", started, "--json").stdout)["minus_2_ln_l"]
    wrong = run("fit", started, "--at", "-1")
    assert wrong.exit_code == 2
    assert "mu_nu cannot have this value" in wrong.stderr


def test_figures_of_a_fit(started: Path, tmp_path: Path) -> None:
    result = run("fit", started, "-o", tmp_path / "figures")
    assert result.exit_code == 0, result.output
    kinds = ("spectrum", "components", "pulls", "correlations")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {f"Detector_2_fit_{kind}.png" for kind in kinds} <= names


@pytest.mark.parametrize(
    "verb",
    [
        "validate",
        "limit",
        "limit --method cls --expected",
        "interval",
        "significance",
        "significance --toys 1000",
        "scan --points 5",
        "contour mu2 background",
        "reproduce",
        "report",
        "cite",
        "rate",
        "export --format hs3",
        "export --format csv",
    ],
)
def test_every_verb_works_on_own_files(verb: str, started: Path, tmp_path: Path) -> None:
    """With the hashes of the files in what is written, where a result is."""
    name, *options = verb.split()
    given: list[str | Path] = [started, *options]
    out: list[str | Path] = [] if name in ("validate", "cite", "rate") else ["-o", tmp_path / "out"]
    result = run(name, *given, *out)
    assert result.exit_code == 0, result.output
    for path in (tmp_path / "out").glob("*.json") if name not in ("export",) else ():
        assert "counts.csv" in path.read_text(encoding="utf-8")
