"""The command line: what goes to standard output, what is written, and how it ends."""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from eventfit import published
from eventfit.analysis import Analysis, shipped_analyses
from eventfit.cli import app
from eventfit.inference import Hypothesis, Profile, Toys, q0
from eventfit.report import store
from eventfit.report.bibliography import METHODS
from eventfit.report.json import document, dumps
from eventfit.tables import shipped

#: the shortest valid declaration: one component, one background, one fit
SHORT = Path(__file__).parent / "broken" / "valid.toml"
PROGRAM = Path(sys.executable).with_name("eventfit")
DOCUMENT = {"analysis", "results", "tables", "versions"}
ROW = {"quantity", "parameter", "variant", "kind", "value", "pieces", "error", "unit"}
ROW |= {"cl", "sided", "method", "published", "status"}
#: verb -> what its help has to mention
HELP = {
    "list": ("--json",),
    "reproduce": (
        "ANALYSIS",
        "Example: eventfit reproduce",
        "--all",
        "--json",
        "--output",
        "--toys",
        "--seed",
        "--jobs",
        "--accept",
        "--timings",
    ),
    "report": ("TARGET", "Example: eventfit report", "--output", "--variant", "--cl", "no network"),
    "rate": (
        "SOURCE",
        "Example: eventfit rate solar",
        "Example: eventfit rate reactor",
        "Example: eventfit rate stopped_pion",
        "--power",
        "--fractions",
        "--pions-per-proton",
        "--target",
        "--window",
        "--components",
        "--moment",
        "xenonnt_2022",
    ),
    "limit": ("TARGET", "Example: eventfit limit", "profile", "cls", "feldman-cousins", "bayes-flat", "delta-2.71"),
    "interval": ("TARGET", "Example: eventfit interval", "profile", "feldman-cousins", "minos", "--cl"),
    "significance": ("TARGET", "Example: eventfit significance", "q0", "t0", "--calibration", "--jobs", "Ctrl-C"),
    "scan": ("TARGET", "Example: eventfit scan", "--range", "--raw", "--points", "--parameter"),
    "export": (
        "TARGET",
        "Example: eventfit export",
        "--format",
        "--allow-loss",
        "pyhf",
        "hs3",
        "root",
        "csv",
        "--range",
    ),
    "recast": ("SPECTRUM", "Example: eventfit recast", "T_keV", "rate_per_keV_kg_day", "sigma_cm2_per_keV", "--flux"),
    "contour": ("TARGET", "Example: eventfit contour", "68, 90 and 95 %", "--x-range"),
    "toys": ("TARGET", "Example: eventfit toys", "toys merge run1 run2 -o run", "--coverage", "--first", "--scheduler"),
    "validate": ("FILE", "Example: eventfit validate", "--json"),
    "cite": ("ANALYSIS", "Example: eventfit cite", "--bibtex"),
    "schema": ("JSON Schema", "analysis.toml"),
}
MAGIC = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF-", ".json": b"{"}


def eventfit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def text_of(result: Result) -> str:
    """Both streams, without the colours that some terminals and CI services switch on."""
    return re.sub(r"\x1b\[[0-9;]*m", "", result.output)


def parsed(text: str) -> Any:
    """JSON, the whole of ``text``, without the tokens NaN and Infinity."""

    def refuse(token: str) -> NoReturn:
        raise AssertionError(f"{token} is not JSON")

    return json.loads(text, parse_constant=refuse)


def short(folder: Path, *edits: tuple[str, str], name: str = "short") -> Path:
    """A copy of the shortest declaration with pieces replaced."""
    text = SHORT.read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def wanting(*results: str) -> tuple[str, str]:
    """An edit of the shortest declaration: what is computed."""
    return 'result = [{ quantity = "interval", cl = 0.90 }]', f"result = [{', '.join(results)}]"


# -- help -------------------------------------------------------------------------------------------------------------


def test_help_of_the_program() -> None:
    result = eventfit("--help")
    assert result.exit_code == 0
    for word in (*HELP, "eventfit reproduce xenon1t_2020", "Exit codes", "130"):
        assert word in text_of(result)


@pytest.mark.parametrize("verb", sorted(HELP))
def test_help_of_a_verb_teaches(verb: str) -> None:
    result = eventfit(verb, "--help")
    assert result.exit_code == 0
    for word in ("Usage:", *HELP[verb]):
        assert word in text_of(result)


def test_every_verb_is_known_here() -> None:
    group = typer.main.get_group(app)
    assert set(group.commands) == set(HELP)


def test_version() -> None:
    assert eventfit("--version").stdout.strip() == version("eventfit")


def test_help_examples_name_things_that_exist() -> None:
    verbs = "reproduce|rate(?! solar| reactor| stopped_pion)|cite|export|limit|interval|significance|scan|contour"
    verbs += "|toys(?! merge)"
    named = re.findall(rf"eventfit (?:{verbs}) (\w+)", "".join(text_of(eventfit(v, "--help")) for v in HELP))
    assert named
    assert set(named) <= set(shipped_analyses())


# -- list, schema, cite -----------------------------------------------------------------------------------------------


def test_list() -> None:
    result = eventfit("list")
    assert result.exit_code == 0
    for name in shipped_analyses():
        assert name in result.stdout


def test_list_json() -> None:
    entries = parsed(eventfit("list", "--json").stdout)
    assert [entry["analysis"] for entry in entries] == list(shipped_analyses())
    (xenon1t,) = (entry for entry in entries if entry["analysis"] == "xenon1t_2020")
    assert xenon1t["poi"] == "mu_nu"
    assert xenon1t["variants"][0] == "default"
    assert "tritium_free" in xenon1t["variants"]


def test_schema() -> None:
    result = eventfit("schema")
    assert result.exit_code == 0
    schema = parsed(result.stdout)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert {"title", "poi", "exposure", "response", "data"} <= set(schema["required"])
    references = set(re.findall(r'"#/\$defs/(\w+)"', result.stdout))
    assert references
    assert references <= set(schema["$defs"])


def test_cite() -> None:
    analysis = Analysis.load("xenon1t_2020")
    models = [analysis.model(name) for name in analysis.variants]
    tables = {key for model in models for table in model.tables for key in table.cite}
    expected = tables | set(METHODS) | set(analysis.default.cite) | {key for model in models for key in model.cite}
    lines = eventfit("cite", "xenon1t_2020").stdout.splitlines()
    keys = [line.partition("]")[0].removeprefix("[") for line in lines]
    assert len(keys) == len(set(keys))
    assert set(keys) == expected
    assert all(line.count('"') >= 2 for line in lines)
    entries = eventfit("cite", "xenon1t_2020", "--bibtex").stdout
    names = re.findall(r"^@\w+\{([^,\s]+),$", entries, re.MULTILINE)
    assert len(names) == len(set(names)) == len(keys)
    assert entries.count("{") == entries.count("}")


def test_cite_of_an_unknown_publication_says_which(tmp_path: Path) -> None:
    result = eventfit("cite", short(tmp_path, ("arXiv:2006.09721", "nobody2020")))
    assert result.exit_code == 2
    assert "nobody2020" in result.stderr
    assert "bibliography.toml" in result.stderr


# -- reproduce, JSON --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def xenon1t(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """``eventfit reproduce xenon1t_2020 --json`` of the installed program, run in an empty folder."""
    folder = tmp_path_factory.mktemp("empty")
    command = [str(PROGRAM), "reproduce", "xenon1t_2020", "--json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120), folder


def test_json_is_one_object_and_nothing_else(xenon1t: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    run, _ = xenon1t
    assert run.returncode == 0, run.stderr
    printed = parsed(run.stdout)
    assert isinstance(printed, dict)
    assert set(printed) >= DOCUMENT
    assert printed["analysis"] == "xenon1t_2020"
    assert {"eventfit", "numpy", "scipy", "iminuit", "python"} <= set(printed["versions"])
    assert {"name", "status", "sha256"} <= set(printed["tables"][0])
    assert "Traceback" not in run.stderr


def test_json_rows(xenon1t: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    rows = parsed(xenon1t[0].stdout)["results"]
    for row in rows:
        assert set(row) >= ROW
        assert row["status"] == "ok"
        assert row["value"] is not None
        assert row["method"]["calibration"] in {"asymptotic", "toys", "none"}
        if row["quantity"] == "interval":
            assert row["cl"] == 0.9
            assert row["sided"] == "two"
            assert row["value"] == [row["pieces"][0][0], row["pieces"][-1][1]]
    analysis = Analysis.load("xenon1t_2020")
    fitted = {w.quantity for w in analysis.default.result if "counts" not in w.quantity and "naive" not in w.quantity}
    assert {(row["quantity"], row["variant"]) for row in rows} >= {(q, v) for q in fitted for v in analysis.variants}
    beside = {(row["quantity"], row["variant"], row["kind"]) for row in rows if row["published"]}
    assert beside == {(p.quantity, p.variant, p.kind) for p in analysis.default.published}


def test_without_output_nothing_is_written(xenon1t: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert list(xenon1t[1].iterdir()) == []


def test_two_analyses_give_an_array(tmp_path: Path) -> None:
    result = eventfit("reproduce", short(tmp_path, name="first"), short(tmp_path, name="second"), "--json")
    assert result.exit_code == 0, result.stderr
    documents = parsed(result.stdout)
    assert [entry["analysis"] for entry in documents] == ["first", "second"]
    assert all(set(entry) >= DOCUMENT for entry in documents)


def test_failed_fit_is_null_with_a_reason(tmp_path: Path) -> None:
    """Two free norms of one template: no minimum can be certified."""
    table = 'table = "experiments/xenon1t_2020/background_b0"'
    free = f"{table}, norm = {{ start = 0.5, bounds = [0, 20] }}"
    path = short(tmp_path, (f"{table} }}]", f'{free} }}, {{ name = "b1", {free} }}]'))
    result = eventfit("reproduce", path, "--json")
    assert result.exit_code == 3
    (row,) = parsed(result.stdout)["results"]
    assert row["value"] is None
    assert row["status"] != "ok"
    assert "Hessian" in json.dumps(row)
    assert "Traceback" not in result.stderr
    shown = eventfit("reproduce", path)
    assert shown.exit_code == 3
    assert "Hessian" in shown.stdout


def test_numbers_that_are_not_finite_become_null() -> None:
    result = published.reproduce(Analysis.load(SHORT))
    odd = replace(result.rows[0], value=math.nan, error=math.inf, pieces=((0.0, -math.inf),), status="failed")
    (row,) = parsed(dumps(document(replace(result, rows=(odd,)))))["results"]
    assert (row["value"], row["error"], row["pieces"], row["status"]) == (None, None, [[0.0, None]], "failed")


# -- reproduce, text and files ----------------------------------------------------------------------------------------


def test_output_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with contextlib.chdir(tmp_path):
        result = eventfit("reproduce", "xenon1t_2020", "-o", "a/b")
    assert result.exit_code == 0, result.stderr
    written = {path.name for path in folder.iterdir()}
    figures = {f"xenon1t_2020_{name}{ending}" for name in ("spectrum", "profile") for ending in (".png", ".pdf")}
    assert written == figures | {"xenon1t_2020.json"}
    for path in folder.iterdir():
        assert path.read_bytes().startswith(MAGIC[path.suffix])
        assert path.stat().st_size > 5000
    assert set(parsed((folder / "xenon1t_2020.json").read_text())) >= DOCUMENT
    for word in ("published", "ours", "default", "tritium_free", "90 % C.L.", "digitised", "numpy"):
        assert word in result.stdout


@pytest.mark.parametrize("target", ["file", "file/below", "taken"])
def test_unwritable_output(tmp_path: Path, target: str) -> None:
    """A file, a place below a file, and a folder in which a file cannot be made."""
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "short_spectrum.png").mkdir(parents=True)
    result = eventfit("reproduce", short(tmp_path), "-o", tmp_path / target)
    assert result.exit_code == 4, repr(result.exception)
    assert result.stderr.count("WriteFailed") == 1
    assert target in result.stderr
    assert "Traceback" not in result.output
    if target != "taken":
        assert result.stdout == "", "the place is checked before the work starts"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [("list",), ("list", "--json")], ids=["text", "json"])
def test_standard_output_that_cannot_be_written(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert "Traceback" not in run.stderr
    assert run.returncode == 4


@pytest.mark.parametrize("title", ["half [/b] of it", "[red]", r"$\frac$", "100 % of 5 $ and 6 $", "5 μ_B"])
def test_a_title_is_text(tmp_path: Path, title: str) -> None:
    """Not markup of the terminal, nor of the figures."""
    path = short(tmp_path, ('"XENON1T 2020 in its shortest form"', f"'{title}'"))
    result = eventfit("reproduce", path, "-o", tmp_path)
    assert result.exit_code == 0, repr(result.exception)
    assert title in result.stdout


def test_a_published_interval_may_start_at_zero(tmp_path: Path) -> None:
    row = '\n[[published]]\nquantity = "interval"\nvalue = [0, 2.9e-11]\nwhere = "abstract"\n'
    path = short(tmp_path)
    path.write_text(path.read_text() + row)
    result = eventfit("reproduce", path)
    assert result.exit_code == 0, repr(result.exception)
    assert "(0.00, 2.90)" in result.stdout


def test_output_without_an_interval(tmp_path: Path) -> None:
    result = eventfit("reproduce", short(tmp_path, wanting('{ quantity = "best_fit" }')), "-o", tmp_path)
    assert result.exit_code == 0, repr(result.exception)
    assert (tmp_path / "short_spectrum.png").is_file()
    assert (tmp_path / "short.json").is_file()


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["reproduce", "validate", "cite"])
def test_unknown_analysis_names_the_near_miss(verb: str) -> None:
    result = eventfit(verb, "xenon1t_2002")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("UnknownName: ")
    assert "did you mean 'xenon1t_2020'?" in result.stderr


def test_unknown_analysis_far_from_all() -> None:
    result = eventfit("reproduce", "microboone")
    assert result.exit_code == 2
    assert "eventfit list" in result.stderr
    assert "xenon1t_2020" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("reproduce", "xenon1t_2020", "--toy", "3"), "--toy"),
        (("reproduce",), "ANALYSIS"),
        (("reproduce", "xenon1t_2020", "--toys", "-1"), "--toys"),
        (("reproduce", "xenon1t_2020", "--toys", "many"), "--toys"),
        (("reproduce", "xenon1t_2020", "--seed", "-1"), "--seed"),
        (("reprodcue", "xenon1t_2020"), "reprodcue"),
        (("validate", "a.toml", "b.toml"), "b.toml"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], word: str) -> None:
    result = eventfit(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert word in text_of(result)


def test_one_wrong_name_stops_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "reproduce", lambda *a, **k: pytest.fail("work was started"))
    result = eventfit("reproduce", short(tmp_path), tmp_path / "none.toml", "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "none.toml" in result.stderr


def test_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(published, "reproduce", interrupt)
    result = eventfit("reproduce", short(tmp_path), "--json")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert "interrupted" in result.stderr
    assert "Traceback" not in result.stderr


# -- toys -------------------------------------------------------------------------------------------------------------


def test_toys_are_a_row_of_their_own_and_repeat(tmp_path: Path) -> None:
    path = short(tmp_path, wanting('{ quantity = "significance" }'))
    command = ("reproduce", path, "--toys", "20", "--seed", "3", "--json")
    first, second = eventfit(*command), eventfit(*command)
    assert first.exit_code == 0, first.stderr
    assert first.stdout == second.stdout
    asymptotic, toys = parsed(first.stdout)["results"]
    assert asymptotic["method"]["calibration"] == "asymptotic"
    assert asymptotic["error"] is None
    assert toys["quantity"] == "significance"
    assert toys["error"] > 0
    card = toys["method"]
    assert (card["calibration"], card["toys"], card["seed"]) == ("toys", 20, 3)
    assert card["ensemble"]


def test_toys_follow_from_the_seed() -> None:
    model = Analysis.load(SHORT).model()
    profile = Profile(model.likelihood, model.poi)
    null = [Hypothesis(profile.at(0.0).values, 0.0)]
    samples = (Toys(8, seed).samples(model.likelihood, model.poi, null)[0] for seed in (3, 3, 4))
    one, again, other = (q0(sample.tested) for sample in samples)
    assert np.any(one > 0)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_toys_of_a_deficit(tmp_path: Path) -> None:
    """Fewer events than background: q0 is zero, every toy reaches it, and its Z is no finite number."""
    scale = 'name = "b0_scale", kind = "gaussian_scale", relative = 0.026'
    off = 'name = "off", kind = "poisson", observed = 15000, tau = 10000.0'
    path = short(tmp_path, (scale, off), wanting('{ quantity = "significance" }'))
    result = eventfit("reproduce", path, "--toys", "5", "--json")
    assert result.exit_code == 0, repr(result.exception)
    asymptotic, toys = parsed(result.stdout)["results"]
    assert asymptotic["value"] == 0
    assert toys["method"]["calibration"] == "toys"
    assert toys["status"] != "ok" if toys["value"] is None else toys["value"] <= 0


# -- accepting --------------------------------------------------------------------------------------------------------


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of ``analyses/`` that accepted results go to instead of the real one."""
    copy = folder / "analyses"
    shutil.copytree(shipped("analyses"), copy)
    for stored in copy.glob("*/result.json"):
        stored.unlink()
    (folder / "README.md").write_text("text of its own\n<!-- results -->\nold\n<!-- /results -->\nand more\n")
    monkeypatch.setattr(store, "shipped", lambda name: folder / name)
    return copy


def written_below(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/result.json"))


def test_accept_in_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analyses = stand_in(tmp_path, monkeypatch)
    result = eventfit("reproduce", "xenon1t_2020", "--accept", "--json")
    assert result.exit_code == 0, result.stderr
    assert parsed((analyses / "xenon1t_2020" / "result.json").read_text()) == parsed(result.stdout)
    assert "xenon1t_2020" in (analyses / "README.md").read_text()
    front = (tmp_path / "README.md").read_text()
    assert front.startswith("text of its own\n<!-- results -->\n")
    assert front.endswith("\n<!-- /results -->\nand more\n")
    assert "xenon1t_2020" in front
    assert "old" not in front


def test_accept_refused_in_an_installed_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analyses = stand_in(tmp_path / "_shipped", monkeypatch)
    result = eventfit("reproduce", "xenon1t_2020", "--accept")
    assert result.exit_code == 2
    assert "checkout" in result.stderr
    assert "-o" in result.stderr
    assert written_below(analyses) == []


@pytest.mark.parametrize("name", ["mine", "xenon1t_2020"], ids=["another id", "the id of a shipped one"])
def test_accept_refused_for_the_users_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also where the user's file has the id of a shipped analysis: its result is not theirs to replace."""
    analyses = stand_in(tmp_path, monkeypatch)
    result = eventfit("reproduce", short(tmp_path, name=name), "--accept")
    assert result.exit_code == 2
    assert result.stderr.lstrip().startswith("InputError: ")
    assert written_below(analyses) == []


def test_failed_result_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analyses = stand_in(tmp_path, monkeypatch)
    monkeypatch.setattr(published.Reproduction, "failed", property(lambda self: True))
    result = eventfit("reproduce", "xenon1t_2020", "--accept")
    assert result.exit_code == 3
    assert written_below(analyses) == []
