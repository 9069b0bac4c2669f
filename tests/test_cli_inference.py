"""The verbs that infer: what they print for every kind of input, how they end, and that toys are kept."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from models import hears_ctrl_c
from typer.testing import CliRunner, Result

from eventfit.analysis import Analysis
from eventfit.analysis.problem import fitted_value, open_problem
from eventfit.cli import app
from eventfit.errors import MissingInput, OutOfRange, UnknownName
from eventfit.inference import Profile, discovery_significance, minos_interval, profile_interval, upper_limit_qmu_tilde
from eventfit.inference.toys.throw import BLOCK
from eventfit.parameters import Reported
from eventfit.report.result_text import result_text

DECLARATION = Path(__file__).parent / "broken" / "valid.toml"
PROGRAM = Path(sys.executable).with_name("eventfit")
#: in every document
COMMON = {"quantity", "name", "title", "variant", "measurement", "parameter", "unit", "fit_parameter", "fit_unit"}
COMMON |= {"card", "status", "status_text", "notes", "inputs", "tables", "versions", "timing"}
#: verb with its options -> the quantity of its document; toys few enough to be fast
VERBS = {
    "limit": "upper_limit",
    "limit --method cls --expected": "upper_limit",
    "limit --method bayes-flat": "upper_limit",
    "limit --method delta-2.71 --cl 0.95": "upper_limit",
    "limit --method feldman-cousins --toys 1000": "upper_limit",
    "limit --calibration toys --toys 1000": "upper_limit",
    "limit --method cls --toys 1000": "upper_limit",
    "interval": "interval",
    "interval --method minos --cl 0.6827": "interval",
    "interval --method feldman-cousins --toys 1000": "interval",
    "significance": "significance",
    "significance --toys 1000": "significance",
    "scan --points 7 --raw": "scan",
    "toys --toys 1000": "toys",
    "toys throw --toys 500 --coverage --at 0": "toys",
}


def workspace(observed: tuple[float, ...] = (55.0, 48.0)) -> dict[str, Any]:
    """A signal on a background with a factor, a shape and an uncertainty per bin."""
    modifiers = [
        {"name": "rate", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}},
        {"name": "tilt", "type": "histosys", "data": {"hi_data": [52.0, 43.0], "lo_data": [48.0, 47.0]}},
        {"name": "uncorrelated", "type": "shapesys", "data": [3.0, 4.0]},
    ]
    signal_modifiers = [{"name": "mu", "type": "normfactor", "data": None}]
    measurements = [
        {"name": name, "config": {"poi": "mu", "parameters": [{"name": "mu", "bounds": [[0, high]], "inits": [0.5]}]}}
        for name, high in (("wide", 20.0), ("narrow", 0.5))
    ]
    samples = [
        {"name": "signal", "data": [10.0, 4.0], "modifiers": signal_modifiers},
        {"name": "background", "data": [50.0, 45.0], "modifiers": modifiers},
    ]
    return {
        "channels": [{"name": "SR", "samples": samples}],
        "observations": [{"name": "SR", "data": list(observed)}],
        "measurements": measurements,
        "version": "1.0.0",
    }


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "counts.json"
    path.write_text(json.dumps(workspace()), encoding="utf-8")
    return path


def eventfit(*arguments: str | Path, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=text)


def parsed(text: str) -> Any:
    """JSON, the whole of ``text``, without the tokens NaN and Infinity."""

    def refuse(token: str) -> NoReturn:
        raise AssertionError(f"{token} is not JSON")

    return json.loads(text, parse_constant=refuse)


def document(*arguments: str | Path, text: str | None = None) -> Any:
    result = eventfit(*arguments, "--json", text=text)
    assert result.exit_code == 0, (result.stderr, repr(result.exception))
    return parsed(result.stdout)


def model() -> Any:
    return Analysis.load("xenon1t_2020").model()


# -- every verb on every kind of input --------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["xenon1t_2020", "declaration", "workspace"])
@pytest.mark.parametrize("verb", VERBS)
def test_verb(verb: str, target: str, spec: Path) -> None:
    name, *options = verb.split()
    files: dict[str, list[str | Path]] = {"declaration": [DECLARATION], "workspace": [spec, "--measurement", "wide"]}
    named = options[:1] if options[:1] == ["throw"] else []
    given = [*named, *files.get(target, [target]), *options[len(named) :]]
    found = document(name, *given)
    assert set(found) >= COMMON
    assert found["quantity"] == VERBS[verb]
    assert found["status"] in {"ok", "at_bound"}
    assert found["inputs"]
    assert found["card"]["fitted_in"] == found["fit_parameter"]
    assert {"eventfit", "numpy", "python"} <= set(found["versions"])
    if target == "workspace":
        assert (found["name"], found["variant"], found["measurement"]) == ("counts", None, "wide")
        assert (found["parameter"], found["unit"], found["tables"]) == ("mu", "", [])
        assert found["card"]["constraints"] == ["rate", "tilt", "uncorrelated"]
    else:
        assert (found["variant"], found["parameter"], found["unit"]) == ("default", "mu_nu", "mu_B")
        assert found["tables"][0]["status"]
    text = result_text(found)
    assert found["title"] in text
    assert found["card"]["model_sha256"][:12] in text
    assert "None" not in text


@pytest.mark.parametrize("target", ["xenon1t_2020", "workspace"])
def test_contour(target: str, spec: Path) -> None:
    given = ["xenon1t_2020", "mu_nu", "b0_scale"] if target != "workspace" else [spec, "mu", "rate"]
    options = [] if target != "workspace" else ["--measurement", "wide"]
    found = document("contour", *given, *options, "--points", "9")
    assert np.array(found["delta"]).shape == (9, 9)
    assert min(map(min, found["delta"])) >= 0
    assert [level["cl"] for level in found["levels"]] == [0.68, 0.9, 0.95]
    assert set(found["estimate"]) == set(found["parameters"])


def test_numbers_are_those_of_the_functions() -> None:
    m = model()
    profile = Profile(m.likelihood, m.poi)
    found = document("limit", "xenon1t_2020", "--cl", "0.95")
    limit = upper_limit_qmu_tilde(profile, cl=0.95)
    assert found["fitted"]["value"] == pytest.approx(limit.value, rel=1e-9)
    assert found["value"] == pytest.approx(1e-11 * limit.value**0.5, rel=1e-9, abs=0)
    found = document("interval", "xenon1t_2020")
    assert found["fitted"]["pieces"] == [
        pytest.approx(list(piece), rel=1e-7) for piece in profile_interval(profile).pieces
    ]
    found = document("interval", "xenon1t_2020", "--method", "minos")
    assert found["fitted"]["pieces"][0] == pytest.approx(list(minos_interval(profile.best, m.poi, cl=0.9).pieces[0]))
    found = document("significance", "xenon1t_2020")
    assert found["value"] == pytest.approx(discovery_significance(profile).z, rel=1e-9)


def test_variant_and_bands() -> None:
    found = document("limit", "xenon1t_2020", "--variant", "tritium_free", "--expected")
    assert found["variant"] == "tritium_free"
    bands = [band["value"] for band in found["expected"]]
    assert [band["sigmas"] for band in found["expected"]] == [-2, -1, 0, 1, 2]
    assert bands == sorted(bands)


def test_toys_stand_beside_the_asymptotic_value() -> None:
    result = eventfit("significance", "xenon1t_2020", "--toys", "4000")
    assert re.search(r"toys +\S+ \+- \S+ +\S+ \+- \S+", result.stdout)
    assert re.search(r"asymptotic +3\.16", result.stdout)
    found = document("significance", "xenon1t_2020", "--toys", "4000")
    assert found["p_error"] > 0
    assert found["asymptotic"]["card"]["calibration"] == "asymptotic"
    assert found["card"]["toys"] == 4000
    found = document("interval", "xenon1t_2020", "--method", "feldman-cousins", "--toys", "2000")
    (low, high), (beside_low, beside_high) = found["pieces"][0], found["asymptotic"]["pieces"][0]
    assert (low, high) == (pytest.approx(beside_low, rel=0.05), pytest.approx(beside_high, rel=0.05))
    assert all(0 < error < 0.1e-11 for error in found["errors"][0])


def test_impacts_name_bins_and_nuisances() -> None:
    found = document("limit", "xenon1t_2020", "--impacts")
    names = [impact["name"] for impact in found["impacts"]]
    assert "bin 1 (1-2 keV)" in names
    assert "xenon1t_2020.efficiency_scale" in names
    assert len(names) == 29 + 2 + 2
    assert "bin 1 (1-2 keV)" in eventfit("limit", "xenon1t_2020", "--impacts").stdout


def test_scan_is_even_in_the_quoted_quantity() -> None:
    found = document("scan", "xenon1t_2020", "--range", "0", "4e-11", "--points", "5", "--raw")
    assert found["values"] == pytest.approx([0, 1e-11, 2e-11, 3e-11, 4e-11])
    assert found["fitted"]["values"] == pytest.approx([0, 1, 4, 9, 16])
    assert all(raw >= delta - 1e-9 for raw, delta in zip(found["raw_delta"], found["delta"], strict=True))
    other = document("scan", "xenon1t_2020", "--parameter", "b0_scale", "--points", "3")
    assert (other["parameter"], other["unit"]) == ("xenon1t_2020.b0_scale", "sigma")
    assert other["delta"][0] == pytest.approx(9.0, abs=1e-4)


def test_workspace_on_standard_input_and_interpolation() -> None:
    text = json.dumps(workspace())
    found = document("limit", "-", "--measurement", "wide", "--normsys-code", "code1", text=text)
    assert found["name"] == "workspace"
    assert "normsys code1" in found["notes"][0]
    other = document("limit", "-", "--measurement", "wide", text=text)
    assert other["value"] != found["value"]


def test_other_parameter_and_bounds(spec: Path) -> None:
    found = document("interval", spec, "--measurement", "wide", "--poi", "rate")
    assert found["parameter"] == "rate"
    signed = document("limit", spec, "--measurement", "wide", "--poi-bounds", "-3", "20")
    assert signed["card"]["statistic"] == "qmu"
    assert document("significance", spec, "--measurement", "wide", "--poi-bounds", "-3", "20")["card"]["sided"] == "two"


def test_small_counts_are_doubted(tmp_path: Path) -> None:
    spec = workspace((1.0, 0.0))
    background = spec["channels"][0]["samples"][1]
    background["data"], background["modifiers"] = [0.4, 0.3], background["modifiers"][:1]
    path = tmp_path / "few.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    for verb in ("limit", "interval", "significance"):
        result = eventfit(verb, path, "--measurement", "wide")
        assert result.exit_code == 0, result.stderr
        assert "warning: asymptotic distributions are doubtful here" in result.stderr
        assert re.search(r"--toys \d+ \(\d+ toys, about \d+ (s|min)\)", result.stderr)
        assert document(verb, path, "--measurement", "wide")["card"]["doubts"]


def test_open_range_is_null_with_a_reason(spec: Path) -> None:
    result = eventfit("limit", spec, "--measurement", "narrow", "--json")
    assert result.exit_code == 3
    found = parsed(result.stdout)
    assert (found["value"], found["status"]) == (None, "open_range")
    assert "widen the bounds" in result.stderr


# -- wrong input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("limit xenon1t_2002", ["UnknownName", "did you mean 'xenon1t_2020'?", ".json"]),
        ("limit none/such.txt", ["MissingInput", "none/such.txt"]),
        ("limit none.toml", ["MissingInput", "none.toml"]),
        ("limit none.json", ["MissingInput", "none.json"]),
        ("limit xenon1t_2020 --variant tritum_free", ["UnknownName", "did you mean 'tritium_free'?"]),
        ("limit {spec} --measurement wid", ["UnknownName", "did you mean 'wide'?"]),
        ("limit {spec}", ["UnknownName", "wide, narrow"]),
        ("limit {spec} --measurement wide --variant default", ["InputError", "--variant default"]),
        ("limit xenon1t_2020 --normsys-code code1", ["InputError", "--normsys-code code1"]),
        ("limit xenon1t_2020 --measurement wide", ["InputError", "--measurement wide"]),
        ("scan xenon1t_2020 --parameter b0_scal", ["UnknownName", "did you mean 'b0_scale'?"]),
        ("scan xenon1t_2020 --range 2e-11 1e-11", ["OutOfRange", "2e-11 to 1e-11"]),
        ("scan xenon1t_2020 --range -1e-11 1e-11", ["OutOfRange", "mu_nu"]),
        ("contour xenon1t_2020 mu2 nothing", ["UnknownName", "nothing"]),
        ("contour xenon1t_2020 mu2 mu_nu", ["OutOfRange", "two parameters"]),
        ("limit {spec} --measurement wide --poi rat", ["UnknownName", "did you mean 'rate'?"]),
        ("limit xenon1t_2020 --poi-bounds 2 1", ["OutOfRange", "2.0, 1.0"]),
        ("limit xenon1t_2020 --calibration asymptotic --toys 10", ["InputError", "--toys 10"]),
        ("limit xenon1t_2020 --method bayes-flat --toys 10", ["InputError", "bayes-flat"]),
        ("limit xenon1t_2020 --method feldman-cousins --calibration asymptotic", ["InputError", "feldman-cousins"]),
        ("limit xenon1t_2020 --method delta-2.71 --expected", ["InputError", "profile, cls"]),
        ("limit xenon1t_2020 --marginalise", ["InputError", "bayes-flat"]),
        ("limit xenon1t_2020 --impacts --toys 10", ["InputError", "--impacts"]),
        ("limit {spec} --measurement wide --poi rate --method cls --toys 10", ["OutOfRange", "lower bound 0"]),
        ("interval xenon1t_2020 --method minos --toys 10", ["InputError", "minos"]),
        ("toys xenon1t_2020 --at -1e-11", ["OutOfRange", "mu_nu"]),
        ("toys xenon1t_2020 --at nan", ["OutOfRange", "nan"]),
        ("toys xenon1t_2020 --first 100", ["OutOfRange", "1024"]),
        ("toys xenon1t_2020 --at 1e-11 --statistic q0", ["OutOfRange", "tests the value 0"]),
        ("toys xenon1t_2020 --coverage --tested 1e-11", ["InputError", "--tested"]),
        ("toys merge none -o {spec}.merged", ["MissingInput", "none"]),
        ("significance xenon1t_2020 --toys 10 --scheduler nonsense://here", ["MissingInput", "nonsense"]),
    ],
)
def test_wrong_input_is_named(arguments: str, words: list[str], spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(spec.parent)
    result = eventfit(*arguments.format(spec=spec.name).split(), "--json")
    assert result.exit_code == 2, (result.output, repr(result.exception))
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        "limit",
        "limit xenon1t_2020 --cl 1",
        "limit xenon1t_2020 --cl nan",
        "limit xenon1t_2020 --method clss",
        "limit xenon1t_2020 --toys 0",
        "limit xenon1t_2020 --jobs 0",
        "limit xenon1t_2020 --seed -1",
        "scan xenon1t_2020 --range 1",
        "contour xenon1t_2020 mu2",
        "toys",
        "toys merge",
        "toys merge run1",
    ],
)
def test_wrong_usage(arguments: str) -> None:
    result = eventfit(*arguments.split())
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    ("text", "word"),
    [("{", "not JSON"), ("[1]", "not a pyhf workspace"), ('{"a": 1, "a": 2}', "twice"), ("{}", "channels")],
)
def test_broken_workspace(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="utf-8")
    piped = eventfit("limit", "-", text=text)
    assert piped.exit_code == 2
    assert word in piped.stderr
    read = eventfit("limit", path)
    assert read.exit_code == 2
    assert "broken.json" in read.stderr


def test_problems_are_opened_alike() -> None:
    problem = open_problem("xenon1t_2020", variant="tritium_free")
    assert (problem.name, problem.variant, problem.poi, problem.reported.name) == (
        "xenon1t_2020",
        "tritium_free",
        "mu2",
        "mu_nu",
    )
    assert problem.bins[0] == "1-2 keV"
    assert problem.parameter("mu_nu")[0] == problem.parameter("mu2")[0] == "mu2"
    assert open_problem(str(DECLARATION)).name == "valid"
    assert open_problem("xenon1t_2020", poi="b0_scale").reported.unit == "sigma"
    with pytest.raises(UnknownName):
        open_problem("xenon")
    with pytest.raises(MissingInput):
        open_problem("no/such/folder")


def test_quoted_values_without_a_root_are_refused() -> None:
    moment = Reported("mu_nu", "mu_B", 2, 1e-11)
    assert fitted_value(moment, 2e-11) == pytest.approx(4.0)
    assert fitted_value(Reported("q", "e"), -1.0) == -1.0
    for value in (-1e-11, float("nan"), float("inf")):
        with pytest.raises(OutOfRange):
            fitted_value(moment, value)


# -- jobs, runs, files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["significance", "toys"])
def test_jobs_change_nothing_but_the_time(verb: str) -> None:
    one, two = (document(verb, "xenon1t_2020", "--toys", "5000", "--jobs", jobs) for jobs in ("1", "2"))
    assert one.pop("timing")["jobs"] == 1
    assert two.pop("timing")["jobs"] == 2
    assert one == two


def test_runs_of_several_machines_merge_and_serve_the_significance(tmp_path: Path) -> None:
    first, second, merged = (tmp_path / name for name in ("first", "second", "merged"))
    for folder, start in ((first, 0), (second, 2 * BLOCK)):
        result = eventfit("toys", "xenon1t_2020", "--toys", str(2 * BLOCK), "--first", str(start), "-o", folder)
        assert result.exit_code == 0, result.stderr
    result = eventfit("toys", "merge", first, second, "-o", merged)
    assert result.exit_code == 0, result.stderr
    assert f"{4 * BLOCK} toys in 4 blocks" in result.stdout
    n = str(4 * BLOCK)
    resumed = eventfit("significance", "xenon1t_2020", "--toys", n, "-o", merged, "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert f"0 toys thrown, {n} from" in resumed.stderr
    alone, found = document("significance", "xenon1t_2020", "--toys", n), parsed(resumed.stdout)
    assert found.pop("timing")["toys_from_run"] == 4 * BLOCK
    alone.pop("timing")
    assert found == alone
    again = eventfit("toys", "merge", first, first, "-o", tmp_path / "twice")
    assert again.exit_code == 2
    assert "RunMismatch" in again.stderr
    other = eventfit("significance", "xenon1t_2020", "--toys", n, "--seed", "2", "-o", merged)
    assert other.exit_code == 2
    assert "seed: stored 1, given 2" in other.stderr


def test_merge_as_json(tmp_path: Path) -> None:
    eventfit("toys", "xenon1t_2020", "--toys", str(BLOCK), "-o", tmp_path / "a")
    found = document("toys", "merge", tmp_path / "a", "-o", tmp_path / "b")
    assert found["hypotheses"] == [{"hypothesis": 0, "toys": BLOCK, "blocks": 1}]
    assert found["identity"]["seed"] == 1


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("limit xenon1t_2020 --method cls --expected --impacts", ["limit_cls", "limit_cls_impacts"]),
        ("limit xenon1t_2020 --method feldman-cousins --toys 1000", ["limit_feldman-cousins"]),
        ("interval xenon1t_2020", ["interval_profile"]),
        ("interval xenon1t_2020 --method feldman-cousins --toys 1000", ["interval_feldman-cousins"]),
        ("significance xenon1t_2020 --variant tritium_free", ["tritium_free_significance"]),
        ("significance xenon1t_2020 --toys 1000", ["significance"]),
        ("scan xenon1t_2020 --raw --points 5", ["scan"]),
        ("contour xenon1t_2020 mu2 b0_scale --points 7", ["contour_mu2_xenon1t_2020.b0_scale"]),
        ("toys xenon1t_2020 --toys 1000 --at 0 --at 2e-11", ["toys_1", "toys_2"]),
    ],
)
def test_figures_and_document_are_written(arguments: str, names: list[str], tmp_path: Path) -> None:
    result = eventfit(*arguments.split(), "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, (result.stderr, repr(result.exception))
    written = {path.name for path in (tmp_path / "out").iterdir()}
    figures = {f"xenon1t_2020_{name}{ending}" for name in names for ending in (".png", ".pdf")}
    stem = names[0].removesuffix("_1")
    kept = {"toys.sqlite"} if "--toys" in arguments else set()
    assert written == figures | {f"xenon1t_2020_{stem}.json"} | kept
    assert parsed((tmp_path / "out" / f"xenon1t_2020_{stem}.json").read_text()) == parsed(result.stdout)
    assert result.stderr.count("wrote ") == len(figures) + 1


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = eventfit("limit", "xenon1t_2020", "-o", tmp_path / "file")
    assert result.exit_code == 4
    assert result.stdout == ""
    (tmp_path / "taken" / "xenon1t_2020_limit_profile.json").mkdir(parents=True)
    result = eventfit("limit", "xenon1t_2020", "-o", tmp_path / "taken")
    assert result.exit_code == 4
    assert "2.859e-11" in result.stdout, "the result is printed before it is written"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupted_run_goes_on(jobs: str, tmp_path: Path) -> None:
    """Ctrl-C leaves what is finished; the same command with fewer toys to go ends in the undisturbed result."""
    run = tmp_path / "run"
    command = [str(PROGRAM), "significance", "xenon1t_2020", "--seed", "7", "--jobs", jobs, "-o", str(run), "--json"]
    endless = subprocess.Popen(
        [*command, "--toys", "100000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hears_ctrl_c,
    )
    file, deadline = run / "toys.sqlite", time.monotonic() + 60.0
    while time.monotonic() < deadline and (not file.exists() or file.stat().st_size < 2e5):
        time.sleep(0.05)
    endless.send_signal(signal.SIGINT)
    out, err = endless.communicate(timeout=60)
    assert endless.returncode == 130, err
    assert out == ""
    assert "the same command goes on from there" in err
    kept = int(re.findall(r"interrupted: (\d+) of", err)[0])
    assert kept >= 4 * BLOCK
    resumed = eventfit("significance", "xenon1t_2020", "--seed", "7", "--toys", str(6 * BLOCK), "-o", run, "--json")
    assert resumed.exit_code == 0, resumed.stderr
    found = parsed(resumed.stdout)
    assert found.pop("timing")["toys_from_run"] >= 4 * BLOCK
    alone = document("significance", "xenon1t_2020", "--seed", "7", "--toys", str(6 * BLOCK))
    alone.pop("timing")
    assert found == alone


def test_interrupted_without_a_run_says_how_to_keep_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("eventfit.inference.toys.throw.run_blocks", interrupt)
    result = eventfit("significance", "xenon1t_2020", "--toys", "1000")
    assert result.exit_code == 130
    assert "-o DIR" in result.stderr


def test_help_of_toys_teaches_both() -> None:
    for words in (["toys", "--help"], ["toys", "throw", "--help"]):
        text = eventfit(*words).stdout
        assert "toys merge run1 run2 -o run" in " ".join(text.split())
        assert "--coverage" in text
    assert "RUN" in eventfit("toys", "merge", "--help").stdout


def test_coverage_is_a_table(spec: Path) -> None:
    found = document("toys", spec, "--measurement", "wide", "--coverage", "--at", "1", "--at", "2", "--toys", "2000")
    assert [(c["at"], c["of"]) for c in found["coverage"]] == [
        (at, of) for at in (1.0, 2.0) for of in ("interval", "upper_limit", "delta_2_71")
    ]
    assert all(0.8 < c["coverage"] <= 1.0 for c in found["coverage"])
    assert "true mu" in eventfit("toys", spec, "--measurement", "wide", "--coverage", "--toys", "500").stdout
