"""Many analyses at once: the same digits whoever computes them, a summary, pages, and where the time went."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, get_args

import pytest
from typer.testing import CliRunner, Result

from eventfit import published
from eventfit.analysis import Analysis, shipped_analyses
from eventfit.cli import app, parts
from eventfit.cli.parts import Part, parts_of
from eventfit.errors import InputError, MissingInput
from eventfit.inference.toys import workers
from eventfit.provenance import Status, worst
from eventfit.published import reproduce
from eventfit.report import store
from eventfit.report.json import document, joined
from eventfit.report.summary import markdown_table, require_places, result_pages, worst_input
from eventfit.report.timings import timings_table
from eventfit.tables import shipped
from eventfit.timing import StageClock

PROGRAM = Path(sys.executable).with_name("eventfit")
SHORT = Path(__file__).parent / "broken" / "valid.toml"
PAIR = ("xenon1t_2020", "xenonnt_2022")
MAGIC = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF-", ".json": b"{"}


def eventfit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def program(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def seconds(text: str) -> tuple[dict[str, dict[str, float]], float, float]:
    """What ``--timings`` printed: row -> column -> seconds, the sum of all stages, and the wall."""
    lines = text.splitlines()
    (head,) = (i for i, line in enumerate(lines) if re.match(r"\s+.*\bwall +CPU", line))
    # columns are right-aligned, so the end of a name is the end of its cells
    ends = {match[0]: match.end() for match in re.finditer(r"\S+(?: fit)?", lines[head])}
    rows = {}
    for line in lines[head + 1 :]:
        if re.search(r"\d\.\d\d *$", line):
            cells = {match.end(): float(match[0]) for match in re.finditer(r"\d+\.\d\d", line)}
            name = re.split(r" {2,}", line.strip())[0]
            rows[name] = {column: cells[end] for column, end in ends.items() if end in cells}
    found = re.search(r"([\d.]+) s in all stages, ([\d.]+) s from start to end", text)
    assert found is not None
    return rows, float(found[1]), float(found[2])


# -- one run in two processes, and one in one -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], float]:
    began = time.perf_counter()
    run = program("reproduce", *PAIR, "--json", "--timings", folder=tmp_path_factory.mktemp("alone"))
    return run, time.perf_counter() - began


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    return program("reproduce", *PAIR, "--json", "--timings", "--jobs", "2", folder=tmp_path_factory.mktemp("two"))


# -- invariant --


def test_the_number_of_jobs_changes_no_digit(
    alone: tuple[subprocess.CompletedProcess[str], float], together: subprocess.CompletedProcess[str]
) -> None:
    assert alone[0].returncode == together.returncode == 0, together.stderr
    assert [entry["analysis"] for entry in json.loads(together.stdout)] == list(PAIR)
    assert together.stdout == alone[0].stdout
    assert "Traceback" not in together.stderr


def test_timings_account_for_the_time_of_a_single_job(
    alone: tuple[subprocess.CompletedProcess[str], float],
) -> None:
    run, wall = alone
    rows, stages, ours = seconds(run.stderr)
    assert set(rows) == {*PAIR, "the command", "sum"}
    for column in ("start", "imports", "reading", "folding", "best fit", "intervals", "limits", "goodness", "writing"):
        assert column in rows["sum"], "every stage is there"
    for name, cells in rows.items():
        parts_of_row = sum(time for column, time in cells.items() if column not in ("wall", "CPU"))
        assert parts_of_row == pytest.approx(cells["wall"], abs=0.01 * len(cells)), name
    assert stages == pytest.approx(ours, rel=0.05)
    assert rows["sum"]["other"] < 0.08 * ours, "what nobody names is small"
    # what is left is the end of the interpreter; its start waits for the processor on a busy machine
    assert ours <= wall < 2.0 * ours + 3.0


def test_every_process_pays_its_imports(together: subprocess.CompletedProcess[str]) -> None:
    rows, stages, wall = seconds(together.stderr)
    assert "with 2 jobs" in together.stderr
    assert rows["sum"]["imports"] > rows["the command"]["imports"]
    assert rows["sum"]["wall"] == pytest.approx(stages, abs=0.02)
    assert wall > 0.0


def test_variants_computed_apart_join_to_the_same_document(tmp_path: Path) -> None:
    analysis = Analysis.load("xenonnt_2022")
    whole = document(reproduce(analysis))
    names = list(analysis.variants)
    split = [document(reproduce(Analysis.load("xenonnt_2022"), variants=part)) for part in (names[1::2], names[0::2])]
    assert {row["variant"] for row in split[0]["results"]} == set(names[1::2])
    assert joined(split, names) == whole
    assert joined([whole], names) == whole


def test_parts_keep_variants_that_share_a_fold_together_and_the_longest_come_first() -> None:
    analyses = [Analysis.load(name) for name in shipped_analyses()]
    parts = parts_of(analyses, shipped_analyses(), whole=False)
    for position, analysis in enumerate(analyses):
        inside = [variant for part in parts if part.position == position for variant in part.variants]
        assert sorted(inside) == sorted(analysis.variants)
    assert [part.weight for part in parts] == sorted((part.weight for part in parts), reverse=True)
    home = {(part.name, variant): part for part in parts for variant in part.variants}
    same = home["borexino_2017", "default"]
    assert {"kr85_constrained", "no_gallium", "mu_e", "mu_12"} <= set(same.variants)
    assert "nufit60" not in same.variants
    assert parts[0].weight == max(part.weight for part in parts), "most bins times variants"
    whole = parts_of(analyses, shipped_analyses(), whole=True)
    assert {part.name: set(part.variants) for part in whole} == {a.id: set(a.variants) for a in analyses}


def test_parts_that_share_a_fold_fold_once() -> None:
    """The variants of a part cost one fold, those of two parts two."""
    analysis = Analysis.load("xenonnt_2022")
    (part,) = (p for p in parts_of([analysis], ["xenonnt_2022"], whole=False) if "default" in p.variants)
    assert len(part.variants) > 1
    analysis.model("default")
    folds = len(analysis.folded)
    analysis.model("b0_scale_doubled")
    assert "b0_scale_doubled" in part.variants
    assert len(analysis.folded) == folds


def test_worst_is_the_one_that_can_be_trusted_least() -> None:
    order: tuple[Status, ...] = get_args(Status)
    for i, status in enumerate(order):
        assert worst(order[: i + 1]) == worst([status, order[0]]) == status
    assert order[0] == "official"
    assert order[-1] == "recalled-unverified"


def test_worst_input_is_that_of_the_tables_of_the_variant() -> None:
    analysis = Analysis.load("xenon1t_2020")
    found = reproduce(analysis, variants=["default", "efficiency_band_up"])
    content = document(found)
    for name, run in found.runs.items():
        statuses = {table.status for table in run.model.tables}
        assert worst_input(content, name) == worst(statuses)
        assert statuses, "there is something to be worst"
    assert worst_input({"variants": {"default": {}}}, "default") == "-", "a document of an older version"


def test_a_stage_inside_another_takes_its_time() -> None:
    clock = StageClock()
    with clock.stage("outer"):
        time.sleep(0.02)
        with clock.stage("inner"):
            time.sleep(0.05)
        with clock.stage("inner"):
            time.sleep(0.01)
    assert clock.wall["inner"] >= 0.06
    assert 0.02 <= clock.wall["outer"] < clock.wall["inner"]
    assert clock.cpu["inner"] < 0.05, "sleeping is not computing"
    with pytest.raises(ValueError, match="x"), clock.stage("outer"), clock.stage("broken"):
        raise ValueError("x")
    with clock.stage("after"):
        pass
    assert set(clock.wall) == {"outer", "inner", "broken", "after"}
    other = StageClock()
    other.take(clock)
    other.add("inner", wall=1.0, cpu=0.5)
    assert other.wall["inner"] == clock.wall["inner"] + 1.0
    assert other.cpu["inner"] == clock.cpu["inner"] + 0.5
    assert set(other.without("inner").wall) == {"outer", "broken", "after"}


def test_the_clock_names_every_stage_of_a_reproduction() -> None:
    clock = StageClock()
    with clock.stage("other"):
        reproduce(Analysis.load("xenon1t_2020"), variants=["default"], clock=clock)
    stages = {"reading", "folding", "best fit", "intervals", "limits", "significance", "goodness", "counting", "other"}
    assert set(clock.wall) == stages
    assert all(spent >= 0.0 for spent in (*clock.wall.values(), *clock.cpu.values()))
    assert clock.wall["folding"] > clock.wall["counting"]
    table = timings_table([("one", clock)], wall=1.0, jobs=1)
    assert [column.header for column in table.columns][1:] == [
        *("reading", "folding", "best fit", "intervals", "limits", "significance", "goodness", "counting", "other"),
        *("wall", "CPU"),
    ]


# -- everything -------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Two analyses are all there are, the others being slower."""
    monkeypatch.setattr("eventfit.analysis.shipped_analyses", lambda: PAIR)
    monkeypatch.setattr(store, "shipped_analyses", lambda: PAIR)
    return PAIR


def test_all_prints_one_table(two: tuple[str, ...]) -> None:
    result = eventfit("reproduce", "--all")
    assert result.exit_code == 0, result.output
    head, *_ = [line for line in result.stdout.splitlines() if line.strip()]
    for column in ("analysis", "quantity", "variant", "published", "ours", "ratio", "kind", "worst input"):
        assert column in head
    for name in two:
        assert result.stdout.count(name) == 1
        for theirs in Analysis.load(name).default.published:
            assert theirs.quantity in result.stdout
            assert theirs.variant in result.stdout
    assert "counting" in result.stdout
    assert "digitised" in result.stdout


def test_all_writes_every_figure_and_the_global_picture(two: tuple[str, ...], tmp_path: Path) -> None:
    result = eventfit("reproduce", "--all", "--json", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    written = {path.name for path in tmp_path.iterdir()}
    for name in two:
        assert {f"{name}.json", f"{name}_spectrum.png", f"{name}_profile.pdf"} <= written
    assert {"published_limits.png", "published_limits.pdf"} <= written
    for path in tmp_path.iterdir():
        assert path.read_bytes().startswith(MAGIC[path.suffix])
        assert f"wrote {path}" in result.stderr or path.suffix == ".json"
    printed = json.loads(result.stdout)
    assert [entry["analysis"] for entry in printed] == list(two)
    assert printed == [json.loads((tmp_path / f"{name}.json").read_text()) for name in two]


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout to accept results in."""
    home = folder / "analyses"
    shutil.copytree(shipped("analyses"), home)
    (folder / "README.md").write_text("front\n<!-- results: written -->\nold\n<!-- /results -->\nend\n")
    monkeypatch.setattr(store, "shipped", lambda name: folder / name)
    return home


def test_all_accepted_rewrites_results_and_pages(
    two: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = stand_in(tmp_path, monkeypatch)
    before = (home / "README.md").read_text().partition("<!-- results -->")[0]
    result = eventfit("reproduce", "--all", "--accept", "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert [stored(home, name) for name in two] == printed
    front, inside = (tmp_path / "README.md").read_text(), (home / "README.md").read_text()
    assert front.startswith("front\n<!-- results: written -->\n")
    assert front.endswith("\n<!-- /results -->\nend\n")
    assert inside.startswith(before), "text outside of the marks stays"
    for content in printed:
        assert markdown_table(content) in inside
        assert f"[{content['analysis']}](analyses/{content['analysis']}/notes.md)" in front
    assert "| worst input |" in front
    assert "tritium_free" in inside
    assert "tritium_free" not in front, "the front page has the choices made beforehand"
    assert store.accepted_pages(home) == {tmp_path / "README.md": front, home / "README.md": inside}, (
        "and are not stale"
    )


def test_accepted_toys_stay_when_everything_is_accepted(
    two: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = stand_in(tmp_path, monkeypatch)
    content = document(reproduce(Analysis.load("xenon1t_2020"), variants=["default"]))
    (row,) = (row for row in content["results"] if row["quantity"] == "significance" and row["kind"] == "observed")
    toys = {**row, "error": 0.125, "method": {**row["method"], "calibration": "toys", "toys": 10, "seed": 1}}
    (home / PAIR[0] / "result.json").write_text(json.dumps({**content, "results": [*content["results"], toys]}))
    result = eventfit("reproduce", "--all", "--accept", "--jobs", "1")
    assert result.exit_code == 0, result.output
    assert "1 accepted rows by toys kept" in result.stderr
    assert [row for row in stored(home, PAIR[0])["results"] if row["method"]["calibration"] == "toys"] == [toys]
    assert "+- 0.12" in result.stdout
    assert "+- 0.12" in (home / "README.md").read_text()
    assert "+- 0.12" in (tmp_path / "README.md").read_text()


def stored(home: Path, name: str) -> Any:
    return json.loads((home / name / "result.json").read_text())


def test_pages_are_stale_when_a_number_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = stand_in(tmp_path, monkeypatch)
    content = document(reproduce(Analysis.load("xenon1t_2020"), variants=["default"]))
    for page, text in result_pages(home, [content]).items():
        page.write_text(text)
    assert result_pages(home, [content]) == {
        page: page.read_text() for page in (tmp_path / "README.md", home / "README.md")
    }
    (row, *_) = (row for row in content["results"] if row["published"] is not None)
    row["value"] = [1.01 * end for end in row["value"]]
    assert all(page.read_text() != text for page, text in result_pages(home, [content]).items())


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--all", "xenon1t_2020"), ("--all takes no names", "xenon1t_2020")),
        (("--all", "--toys", "100"), ("asymptotic", "--toys 100", "named analyses")),
        ((), ("no ANALYSIS is named", "--all", "xenonnt_2022")),
        (("xenon1t_2020", "xenonnt_2202", "--jobs", "2"), ("did you mean 'xenonnt_2022'?",)),
        (("--all", "--jobs", "0"), ("--jobs",)),
    ],
    ids=["names beside all", "toys of all", "nothing", "one wrong name of two", "no jobs"],
)
def test_wrong_questions_are_refused_before_any_work(
    arguments: tuple[str, ...], words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "reproduce", lambda *a, **k: pytest.fail("work was started"))
    result = eventfit("reproduce", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_pages_without_a_place_are_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = stand_in(tmp_path, monkeypatch)
    monkeypatch.setattr(published, "reproduce", lambda *a, **k: pytest.fail("work was started"))
    (home / "README.md").write_text("<!-- /results -->\n<!-- results -->\n")
    result = eventfit("reproduce", "xenon1t_2020", "--accept")
    assert result.exit_code == 2
    assert "no place for results" in result.stderr
    with pytest.raises(InputError, match="marks"):
        require_places(home)
    (home / "README.md").unlink()
    with pytest.raises(MissingInput, match="README"):
        require_places(home)


def test_a_failed_fit_among_many(tmp_path: Path) -> None:
    """The others are printed and written; the exit code says that something is missing."""
    table = 'table = "experiments/xenon1t_2020/background_b0"'
    free = f"{table}, norm = {{ start = 0.5, bounds = [0, 20] }}"
    text = SHORT.read_text().replace(f"{table} }}]", f'{free} }}, {{ name = "b1", {free} }}]')
    (tmp_path / "broken.toml").write_text(text)
    result = eventfit("reproduce", tmp_path / "broken.toml", SHORT, "--json", "-o", tmp_path / "out")
    assert result.exit_code == 3
    broken, good = json.loads(result.stdout)
    assert broken["results"][0]["value"] is None
    assert good["results"][0]["value"] is not None
    assert {path.name for path in (tmp_path / "out").glob("*.json")} == {"broken.json", "valid.json"}


# -- workers that fail ------------------------------------------------------------------------------------------------


def refuse(folder: Path | None, part: Part) -> NoReturn:
    raise InputError("this part cannot be had", where=part.name, given=folder, fix="ask for another one")


def parts_named(*names: str) -> list[Part]:
    return [Part(i, name, ("default",), 1) for i, name in enumerate(names)]


def test_an_error_of_a_worker_arrives_whole() -> None:
    with pytest.raises(InputError, match="cannot be had") as caught:
        parts.run_parts(refuse, None, parts_named("a", "b"), 2)
    assert caught.value.fix == "ask for another one"
    assert caught.value.exit_code == 2


def test_a_worker_that_dies_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def dying(*arguments: object) -> Iterator[Any]:
        def submit(keys: object) -> NoReturn:
            raise BrokenProcessPool("terminated abruptly")

        yield submit

    monkeypatch.setattr(workers, "local_workers", dying)
    result = eventfit("reproduce", *PAIR, "--jobs", "2", "--json")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "WorkerDied" in result.stderr
    assert "--jobs 1" in result.stderr
