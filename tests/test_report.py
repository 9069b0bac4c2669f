"""The report: what stands on the page, that it is sound HTML and needs nothing, and what its figures show."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from matplotlib.text import Text
from models import counting, everything, on_off
from typer.testing import CliRunner, Result

import eventfit
from eventfit.analysis import Analysis
from eventfit.analysis.problem import Problem, open_problem
from eventfit.cli import app
from eventfit.inference import Contour, MethodCard, Profile, Status, contour, fit
from eventfit.notebook import html_table, written
from eventfit.parameters import Reported
from eventfit.quadrature import Array
from eventfit.report.estimates import correlations, estimates, yield_errors
from eventfit.report.html import evidence, find
from eventfit.report.html.markup import Html, element, joined, table
from eventfit.report.html.numbers import amount, bare, heading, name_of, pieces, unit_of
from eventfit.report.html.page import SECTIONS
from eventfit.report.html.svg import inline_svg
from eventfit.report.json import document
from eventfit.report.parameter_figures import correlation_figure, pull_figure
from eventfit.report.spectrum_figures import Yield, components_figure, spectrum_figure, yields_figure
from eventfit.report.spectrum_view import POINTS, BinAxis, SpectrumView, bin_axis
from eventfit.tables import shipped

DECLARATION = Path(__file__).parent / "broken" / "valid.toml"
ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: elements without an end
VOID = {"br", "hr", "link", "meta", "wbr"}
#: a name that would leave its place in HTML, in SVG, in a comment, in TeX or in a legend
HOSTILE = '_"><script>alert(1)</script><img src=x onerror=alert(1)>-->&amp;$\\frac$%\x07\u202e'
#: sections that a workspace does not have, as it declares no result and reads no table
DECLARED = {"published", "variants", "tables"}
#: the smallest letters of a figure at its printed size, and the part of a line that an index has
SMALLEST, INDEX = 7.0, 0.7
#: width between the margins of A4 in pixels of CSS
PAPER = 680


class Page(HTMLParser):
    """A document as elements, its text and exact numbers by section; refuses what is not balanced."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str]]] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, str] = {}
        self.numbers: dict[str, list[float]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    @property
    def section(self) -> str:
        names = [a.get("id", "") for tag, a in self.open if tag == "section"]
        return names[-1] if names else "header" if any(tag == "header" for tag, _ in self.open) else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"{tag} has an attribute twice"
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append((tag, attributes))
        if tag == "data":
            self.numbers.setdefault(self.section, []).append(float(attributes["value"]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> ends nothing"
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if not any(tag in ("style", "head") for tag, _ in self.open):
            self.text[self.section] = self.text.get(self.section, "") + data

    @property
    def seen(self) -> str:
        """All text that is read."""
        return "".join(self.text.values())


def eventfit_(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def workspace(name: str = "background", observed: tuple[float, ...] = (55.0, 48.0, 120.0)) -> dict[str, Any]:
    """Two channels, a factor, a shape and factors per bin; ``name`` wherever a name is free."""
    modifiers = [
        {"name": f"rate {name}", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}},
        {"name": "tilt", "type": "histosys", "data": {"hi_data": [52.0, 43.0], "lo_data": [48.0, 47.0]}},
        {"name": "uncorrelated", "type": "shapesys", "data": [3.0, 4.0]},
    ]
    signal = [{"name": "mu", "type": "normfactor", "data": None}]
    samples = [
        {"name": "signal", "data": [10.0, 4.0], "modifiers": signal},
        {"name": name, "data": [50.0, 45.0], "modifiers": modifiers},
    ]
    control = [{"name": name, "data": [118.0], "modifiers": modifiers[:1]}]
    parameters = [{"name": "mu", "bounds": [[0, 20]], "inits": [0.5]}]
    return {
        "channels": [{"name": f"SR {name}", "samples": samples}, {"name": "CR", "samples": control}],
        "observations": [{"name": f"SR {name}", "data": observed[:2]}, {"name": "CR", "data": observed[2:]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": parameters}}],
        "version": "1.0.0",
    }


@contextmanager
def figures_kept() -> Iterator[dict[str, Figure]]:
    """The figures of a page that is made inside, by name."""
    drawn: dict[str, Figure] = {}

    def keep(figure: Figure, name: str, label: str) -> Html:
        drawn[name] = figure
        return inline_svg(figure, name, label)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "inline_svg", keep)
        yield drawn


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Path, Mapping[str, Figure]]]:
    """Reports as the program writes them, and their figures."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "counts.json").write_text(json.dumps(workspace()), encoding="utf-8")
    (folder / "hostile.json").write_text(json.dumps(workspace(HOSTILE)), encoding="utf-8")
    asked = {
        "xenon1t_2020": ("xenon1t_2020",),
        "tritium_free": ("xenon1t_2020", "--variant", "tritium_free", "--cl", "0.95"),
        "xenonnt_2022": ("xenonnt_2022",),
        "unbinned": ("xenonnt_2022", "--variant", "unbinned"),
        "declaration": (DECLARATION,),
        "workspace": (folder / "counts.json",),
        "hostile": (folder / "hostile.json",),
    }
    made = {}
    for name, arguments in asked.items():
        with figures_kept() as drawn:
            result = eventfit_("report", *arguments, "-o", folder / name)
        assert result.exit_code == 0, (name, result.stderr, result.exception)
        (path,) = (folder / name).iterdir()
        made[name] = path, drawn
    return made


@pytest.fixture(scope="module")
def pages(reports: Mapping[str, tuple[Path, Mapping[str, Figure]]]) -> Mapping[str, Path]:
    """The files alone."""
    return {name: path for name, (path, _) in reports.items()}


ALL = ("xenon1t_2020", "tritium_free", "xenonnt_2022", "unbinned", "declaration", "workspace", "hostile")


@cache
def parsed(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


# -- invariant: the page ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_page_is_sound(pages: Mapping[str, Path], name: str) -> None:
    """Balanced, every name once, every reference inside it, no control characters."""
    text = pages[name].read_text(encoding="utf-8")
    found = parsed(pages[name])
    ids = [a["id"] for _, a in found.elements if "id" in a]
    assert len(ids) == len(set(ids)) > 50
    inside = [a["href"][1:] for _, a in found.elements if a.get("href", "").startswith("#")]
    inside += re.findall(r"url\(#([^)]+)\)", text)
    assert inside
    assert set(inside) <= set(ids)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    assert text.startswith('<!doctype html>\n<html lang="en">')


@pytest.mark.parametrize("name", ALL)
def test_page_needs_nothing_else(pages: Mapping[str, Path], name: str) -> None:
    """Nothing is loaded: links to publications are followed by a reader, and the policy forbids the rest."""
    found = parsed(pages[name])
    assert {tag for tag, _ in found.elements} & {"script", "img", "iframe", "object", "embed", "base", "form"} == set()
    for tag, attributes in found.elements:
        assert not {"src", "srcset", "action", "ping"} & set(attributes)
        assert not [key for key in attributes if key.startswith("on")]
        if re.match(r"\w+:", attributes.get("href", "")):
            assert tag == "a" or attributes["href"] == "data:,"
    text = pages[name].read_text(encoding="utf-8")
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(style) == 1, "figures bring no style sheet of their own"
    assert not re.search(r"@import|@font-face|url\(", style[0])
    assert "prefers-color-scheme: dark" in style[0]
    assert "@media print" in style[0]
    policy = [a["content"] for tag, a in found.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policy) == 1
    assert policy[0].startswith("default-src 'none'")


@pytest.mark.parametrize("name", ALL)
def test_every_section_is_there_and_in_the_contents(pages: Mapping[str, Path], name: str) -> None:
    found = parsed(pages[name])
    there = [a["id"] for tag, a in found.elements if tag == "section"]
    absent = {"flux"} | (DECLARED if name in ("workspace", "hostile") else set())  # no source oscillates in these
    absent = absent | ({"correlations"} if name in ("xenonnt_2022", "unbinned") else set())  # one error is none with
    assert there == [section for section in SECTIONS if section not in absent]
    linked = [a["href"] for tag, a in found.elements if tag == "a" and a["href"].startswith("#")]
    assert linked[: len(there)] == [f"#{section}" for section in there]
    figures = [a["id"] for tag, a in found.elements if tag == "figure"]
    assert {"figure-components", "figure-profile", "figure-yields", "figure-pulls"} <= set(figures)
    captions = re.findall(r"Figure (\d+)\.", found.seen)
    assert captions == [str(i + 1) for i in range(len(figures))]


@pytest.mark.parametrize("name", ALL)
def test_no_number_is_nan(pages: Mapping[str, Path], name: str) -> None:
    found = parsed(pages[name])
    assert not re.search(r"\bnan\b", found.seen, re.IGNORECASE)
    assert all(math.isfinite(value) for values in found.numbers.values() for value in values)
    assert not re.search(r"\bNone\b(?!: the fits converged| is declared)", found.seen)


@pytest.mark.parametrize(("name", "variant"), [("xenon1t_2020", "default"), ("tritium_free", "tritium_free")])
def test_numbers_are_those_of_reproduce(pages: Mapping[str, Path], name: str, variant: str) -> None:
    """To the last digit: declared results beside the published ones, and all variants."""
    found = parsed(pages[name])
    fresh = iter(json.loads(eventfit_("reproduce", "xenon1t_2020", "--json").stdout)["results"])
    accepted = json.loads((shipped("analyses") / "xenon1t_2020" / "result.json").read_text(encoding="utf-8"))["results"]
    rows = [row if row["method"]["calibration"] == "toys" else next(fresh) for row in accepted]  # toys are not thrown
    shown = [row for row in rows if row["variant"] == variant or row["published"] is not None]
    expected: list[float] = []
    for row in shown:
        theirs = row["published"]["value"] if row["published"] else []
        ours = _with_errors(row)
        over = [a / b for a, b in zip(_list(row["value"]), _list(theirs), strict=False)]
        expected += [*_list(theirs), *ours, *over]
    assert found.numbers["published"] == expected
    observed = [row for row in rows if row["kind"] == "observed" and row["method"]["calibration"] != "toys"]
    values = [end for row in observed for end in ([e for p in row["pieces"] for e in p] or [row["value"]])]
    assert sorted(found.numbers["variants"]) == sorted(values)
    first = next(row for row in rows if row["variant"] == variant)
    assert found.numbers["header"][:2] == first["value"]


def _with_errors(row: Mapping[str, Any]) -> list[float]:
    """The numbers of a row as they stand on the page: each end, or the value, with its error behind it."""
    ends = [end for piece in row["pieces"] for end in piece] or [row["value"]]
    errors = [error for both in row["errors"] for error in both] or [row["error"]]
    pairs = zip(ends, errors, strict=True) if errors != [None] else ((end, None) for end in ends)
    return [number for pair in pairs for number in pair if number is not None]


def _list(value: Any) -> list[float]:
    return value if isinstance(value, list) else [value]


def test_numbers_of_the_answers_are_those_of_the_verbs(pages: Mapping[str, Path]) -> None:
    target = pages["workspace"].parents[1] / "counts.json"
    numbers = parsed(pages["workspace"]).numbers["answers"]
    for verb, key in (("limit", "value"), ("interval", "value"), ("significance", "p_value")):
        value = json.loads(eventfit_(verb, target, "--json").stdout)[key]
        for one in _list(value):
            assert min(abs(one - number) for number in numbers) <= 1e-9 * abs(one)


def test_every_table_and_publication_is_there(pages: Mapping[str, Path]) -> None:
    found, reproduced = (
        parsed(pages["xenon1t_2020"]),
        json.loads(eventfit_("reproduce", "xenon1t_2020", "--json").stdout),
    )
    for entry in reproduced["tables"]:
        assert entry["name"] in found.text["tables"]
        assert entry["sha256"][:8] in found.text["tables"]
    lines = eventfit_("cite", "xenon1t_2020").stdout.splitlines()
    for line in lines:
        assert line.partition("] ")[2] in found.text["bibliography"]
    for text in ("numpy", "scipy", "iminuit", "eventfit report xenon1t_2020"):
        assert text in found.text["versions"]


@pytest.mark.parametrize("name", ["xenon1t_2020", "declaration", "workspace", "hostile"])
def test_declaration_is_shown_letter_by_letter(pages: Mapping[str, Path], name: str) -> None:
    folder = pages[name].parents[1]
    file = {
        "xenon1t_2020": ROOT / "analyses/xenon1t_2020/analysis.toml",
        "declaration": DECLARATION,
        "workspace": folder / "counts.json",
        "hostile": folder / "hostile.json",
    }[name]
    assert file.read_text(encoding="utf-8") in parsed(pages[name]).text["declaration"]


def test_hostile_names_are_text(pages: Mapping[str, Path], tmp_path: Path) -> None:
    """In a declaration and in a workspace."""
    shown = HOSTILE.replace("\x07", "\N{REPLACEMENT CHARACTER}")
    found = parsed(pages["hostile"])
    assert shown in found.text["yields"]
    assert shown in found.text["parameters"]
    title = "<script>alert(1)</script> & <b>$\\\\frac$</b>"
    text = DECLARATION.read_text(encoding="utf-8").replace("XENON1T 2020 in its shortest form", title)
    (tmp_path / "odd.toml").write_text(text, encoding="utf-8")
    result = eventfit_("report", tmp_path / "odd.toml")
    assert result.exit_code == 0, result.stderr
    found = Page(result.stdout)
    assert title.replace("\\\\", "\\") in found.text["header"]
    assert {tag for tag, _ in found.elements} & {"script"} == set()


def test_an_unverified_table_is_seen(tmp_path: Path) -> None:
    home = ROOT / "data/experiments/xenon1t_2020"
    shutil.copy(home / "counts.csv", tmp_path / "mine.csv")
    provenance = (home / "counts.toml").read_text(encoding="utf-8")
    assert 'status = "official"' in provenance
    provenance = provenance.replace('status = "official"', 'status = "recalled-unverified"')
    (tmp_path / "mine.toml").write_text(provenance, encoding="utf-8")
    text = DECLARATION.read_text(encoding="utf-8").replace("experiments/xenon1t_2020/counts", "mine")
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    found = Page(eventfit_("report", tmp_path / "own.toml").stdout)
    assert "Table mine was recalled and not verified" in found.text["doubts"]
    assert "recalled, unverified" in found.text["tables"]
    assert [a for tag, a in found.elements if tag == "span" and a["class"] == "warn"]


def test_doubts_name_the_remedy(pages: Mapping[str, Path]) -> None:
    text = parsed(pages["xenonnt_2022"]).text["doubts"]
    assert "the estimate of mu2 is at its bound" in text
    assert "eventfit limit xenonnt_2022 --toys 10000" in text
    assert "Check it by toys: those of a variant with bins." in parsed(pages["unbinned"]).text["doubts"]
    assert "--toys" not in parsed(pages["unbinned"]).text["doubts"].partition("accepted")[0]
    assert "interpolation: normsys code4" in parsed(pages["workspace"]).text["doubts"]
    assert "None: the fits converged" in parsed(pages["xenon1t_2020"]).text["doubts"]


def test_same_bytes_whatever_the_order_of_sets(pages: Mapping[str, Path], tmp_path: Path) -> None:
    """By another process, to standard output, and without writing anything."""
    run = subprocess.run(
        [sys.executable, "-m", "eventfit", "report", pages["workspace"].parents[1] / "counts.json"],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert run.stdout == pages["workspace"].read_bytes()
    assert list(tmp_path.iterdir()) == []


# -- invariant: how the verb ends -------------------------------------------------------------------------------------


def test_bad_target_and_unwritable_folder(tmp_path: Path) -> None:
    for arguments in (("nothing_2000",), (tmp_path / "no.toml",), ("xenon1t_2020", "--variant", "no"), (tmp_path,)):
        result = eventfit_("report", *arguments, "-o", tmp_path / "out")
        assert result.exit_code == 2, (arguments, result.output)
        assert "Traceback" not in result.output
    assert list((tmp_path / "out").iterdir()) == []
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "valid_report.html").mkdir(parents=True)
    for folder in ("file", "file/below", "taken"):
        result = eventfit_("report", DECLARATION, "-o", tmp_path / folder)
        assert result.exit_code == 4, (folder, result.output)
        assert "WriteFailed" in result.stderr


def test_fit_that_fails_and_unknown_publication(tmp_path: Path) -> None:
    table_ = 'table = "experiments/xenon1t_2020/background_b0"'
    free = f"{table_}, norm = {{ start = 0.5, bounds = [0, 20] }}"
    text = DECLARATION.read_text(encoding="utf-8")
    (tmp_path / "two.toml").write_text(
        text.replace(f"{table_} }}]", f'{free} }}, {{ name = "b1", {free} }}]'), encoding="utf-8"
    )
    result = eventfit_("report", tmp_path / "two.toml", "-o", tmp_path)
    assert result.exit_code == 3
    assert "FitFailed" in result.stderr
    (tmp_path / "cite.toml").write_text(text.replace("arXiv:2006.09721", "nobody2020"), encoding="utf-8")
    result = eventfit_("report", tmp_path / "cite.toml", "-o", tmp_path)
    assert result.exit_code == 2
    assert "nobody2020" in result.stderr
    assert not list(tmp_path.glob("*.html"))


def test_limit_that_does_not_exist_is_said(tmp_path: Path) -> None:
    """The page is written and names what is missing; the exit code says so too."""
    (tmp_path / "narrow.json").write_text(json.dumps(workspace()), encoding="utf-8")
    result = eventfit_("report", tmp_path / "narrow.json", "--poi-bounds", "0", "0.5", "-o", tmp_path)
    assert result.exit_code == 3
    assert "some numbers are missing" in result.stderr
    text = parsed(tmp_path / "narrow_report.html").text["doubts"]
    assert "No upper limit" in text or "No interval" in text


def test_declaration_without_results(tmp_path: Path) -> None:
    text = DECLARATION.read_text(encoding="utf-8").replace('result = [{ quantity = "interval", cl = 0.90 }]\n', "")
    (tmp_path / "bare.toml").write_text(text, encoding="utf-8")
    result = eventfit_("report", tmp_path / "bare.toml")
    assert result.exit_code == 0, result.stderr
    found = Page(result.stdout)
    assert "upper limit" in found.text["header"]
    assert "published" not in found.text


def test_other_parameter_of_interest() -> None:
    result = eventfit_("report", DECLARATION, "--poi", "b0_scale")
    assert result.exit_code == 0, result.stderr
    assert "b0_scale" in Page(result.stdout).text["header"]


# -- invariant: a real browser ----------------------------------------------------------------------------------------


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the parser's checks above stand alone")
@pytest.mark.parametrize(("name", "scheme"), [("xenon1t_2020", "light"), ("hostile", "dark")])
def test_browser_has_nothing_to_say(pages: Mapping[str, Path], tmp_path: Path, name: str, scheme: str) -> None:
    """The console stays empty, and what the browser made of the page is the page."""
    assert CHROMIUM is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=2000"]
    options += [f"--user-data-dir={tmp_path}", *(["--force-dark-mode"] if scheme == "dark" else [])]
    command = [CHROMIUM, *options, "--dump-dom", pages[name].as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
    ours, theirs = parsed(pages[name]), Page(run.stdout)
    assert [tag for tag, _ in theirs.elements] == [tag for tag, _ in ours.elements]
    assert theirs.seen.split() == ours.seen.split()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the parser's checks above stand alone")
def test_browser_would_tell(tmp_path: Path) -> None:
    """The check above sees a page that wants something from the network, or that runs a script."""
    assert CHROMIUM is not None
    (tmp_path / "bad.html").write_text("<!doctype html><title>x</title><script>console.error('heard')</script>")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=2000"]
    command = [
        CHROMIUM,
        *options,
        f"--user-data-dir={tmp_path / 'user'}",
        "--dump-dom",
        (tmp_path / "bad.html").as_uri(),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line and "heard" in line]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: that a page is not printed smaller is not checked")
@pytest.mark.parametrize("name", ["xenonnt_2022", "hostile"])
def test_nothing_is_wider_than_the_paper(pages: Mapping[str, Path], tmp_path: Path, name: str) -> None:
    """A browser prints a page smaller that is too wide, and its figures with it: letters below seven points."""
    assert CHROMIUM is not None
    text = pages[name].read_text(encoding="utf-8").replace("@media print", "@media all")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    ask = "<script>document.title = 'wide ' + document.documentElement.scrollWidth</script></body>"
    (tmp_path / "paper.html").write_text(text.replace("</body>", ask), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={PAPER},1000", "--hide-scrollbars"]
    command = [CHROMIUM, *options, f"--user-data-dir={tmp_path / 'user'}", "--dump-dom"]
    run = subprocess.run(
        [*command, (tmp_path / "paper.html").as_uri()], capture_output=True, text=True, check=False, timeout=120
    )
    found = re.search(r"<title>wide (\d+)</title>", run.stdout)
    assert found, run.stderr
    assert int(found[1]) <= PAPER


# -- invariant: figures -----------------------------------------------------------------------------------------------


def letters(figure: Figure) -> Iterator[tuple[str, float]]:
    """What is written in a figure and the size of its smallest letters, in points at the printed width."""
    shrunk = min(1.0, 7.0 / figure.get_figwidth())
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text().strip() and text.get_visible():
            indices = text.get_parse_math() and re.search(r"\$[^$]*[_^][^$]*\$", text.get_text())
            yield text.get_text(), float(text.get_fontsize()) * shrunk * (INDEX if indices else 1.0)


def troubles(figure: Figure) -> list[str]:
    """Texts that share ink, or leave the figure."""
    figure.draw_without_rendering()
    boxes = [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if isinstance(text, Text) and text.get_text().strip() and text.get_visible()
    ]
    boxes = [(text, box) for text, box in boxes if box.width and not _beyond_its_axis(figure, text, box)]
    width, height = figure.bbox.width + 1.0, figure.bbox.height + 1.0
    inside = [b.x0 >= -1.0 and b.x1 <= width and b.y0 >= -1.0 and b.y1 <= height for _, b in boxes]
    found = [f"{text} is cut off" for (text, _), good in zip(boxes, inside, strict=True) if not good]
    for i, (text, box) in enumerate(boxes):
        over = [other for other, theirs in boxes[i + 1 :] if box.padded(-0.5).overlaps(theirs.padded(-0.5))]
        found += [f"{text} lies on {other}" for other in over]
    return found


def _beyond_its_axis(figure: Figure, text: str, box: Any) -> bool:
    """Tick labels outside of the range of their axis exist and are not drawn; turned ones overlap by their boxes."""
    ticks = [
        (label, axis, axes)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels(which="both")
    ]
    for label, axis, axes in ticks:
        if label.get_text() == text and np.allclose(label.get_window_extent().extents, box.extents):
            if label.get_rotation():
                return True
            frame = axes.get_window_extent()
            middle = 0.5 * (box.x0 + box.x1) if axis is axes.xaxis else 0.5 * (box.y0 + box.y1)
            low, high = (frame.x0, frame.x1) if axis is axes.xaxis else (frame.y0, frame.y1)
            return not low - 1.0 <= middle <= high + 1.0
    return False


@pytest.mark.parametrize("name", ALL)
def test_figures_can_be_read_when_printed(reports: Mapping[str, tuple[Path, Mapping[str, Figure]]], name: str) -> None:
    """No letter below seven points, no text on another, none cut off, none wider than the page."""
    drawn = reports[name][1]
    assert {"components", "profile", "yields", "pulls"} <= set(drawn)
    for figure in drawn.values():
        assert figure.get_figwidth() <= 7.0
        assert troubles(figure) == []
        assert [(text, size) for text, size in letters(figure) if size < SMALLEST - 1e-9] == []


def test_the_check_of_figures_sees_what_is_wrong() -> None:
    figure = Figure(figsize=(4.0, 3.0))
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.52, "two", fontsize=6.0)
    figure.text(0.95, 0.1, "cut off at the edge")
    figure.text(0.1, 0.9, "$x_1$", fontsize=9.0)
    assert len(troubles(figure)) == 2
    assert {text for text, size in letters(figure) if size < SMALLEST} == {"two", "$x_1$"}


def synthetic(bins: int, channels: Mapping[str, slice] | None = None, seed: int = 2) -> SpectrumView:
    """A falling spectrum over five decades on a flat one, with a peak for a signal."""
    edges = np.linspace(50.0, 900.0, bins + 1)
    x = 0.5 * (edges[1:] + edges[:-1])
    parts = {
        "steep": 1e6 * np.exp(-(x - 50.0) / 20.0),
        "flat": np.full(bins, 12.0),
        "peak": 500.0 * np.exp(-0.5 * ((x - 300.0) / 20.0) ** 2),
        "interference": -np.full(bins, 1.0),
    }
    total = np.sum(list(parts.values()), axis=0)
    observed = np.random.default_rng(seed).poisson(total).astype(float)
    return SpectrumView(
        axis=BinAxis(edges, "number of hits", channels or {}),
        observed=observed,
        errors=np.zeros(bins),
        best=total,
        null=total - parts["peak"],
        components=parts,
        signal_names=frozenset({"peak"}),
        signal=parts["peak"],
        best_label="best fit",
        signal_label="peak, best fit",
    )


def test_components_of_many_bins() -> None:
    """Every component has a line and a name, points are few, and none of the data is left out."""
    view = synthetic(850)
    figure = components_figure(view, "title")
    figure.draw_without_rendering()
    top, bottom = figure.axes
    assert top.get_yscale() == "log"
    low, high = top.get_ylim()
    assert low < 12.0 < 1e6 < high
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(names) == {"best fit, sum", "steep", "flat", "peak", "interference (negative)", "data, mean of 6 bins"}
    points = top.lines[0]
    groups = view.axis.groups(POINTS)
    size = np.diff(np.append(groups, 850))
    assert len(groups) <= POINTS + 1
    assert np.asarray(points.get_ydata()) @ size == pytest.approx(view.observed.sum())
    assert np.asarray(points.get_xdata()) == pytest.approx(
        [view.axis.centres[i : i + n].mean() for i, n in zip(groups, size, strict=True)]
    )
    assert len(bottom.lines[0].get_xdata()) == len(groups)  # type: ignore[arg-type]


def test_of_very_many_components_the_smallest_are_one_line() -> None:
    """Nothing is left out: the lines add up to the sum."""
    view = synthetic(40)
    parts = {f"c{i}": np.full(40, 1.0 + i) for i in range(30)} | {
        "peak": view.components["peak"],
        "_other": np.ones(40),
    }
    odd = frozenset({"peak", "_other"})
    crowded = replace(view, components=parts, best=np.sum([*parts.values()], axis=0), signal_names=odd)
    figure = components_figure(crowded, "")
    assert troubles(figure) == []
    lines = {str(p.get_label()): p.get_data()[0] for p in figure.axes[0].patches if isinstance(p, StepPatch)}
    total = lines.pop("best fit, sum")
    assert {"signal, sum of 2", "sum of 15 smaller ones", "c29"} < set(lines)
    assert len(lines) == 17
    assert np.sum([*lines.values()], axis=0) == pytest.approx(total)


def test_residuals_are_drawn_with_their_errors_below_zero_too() -> None:
    view = synthetic(12)
    rest = replace(view, observed=view.observed - view.best - 20.0, errors=np.full(12, 5.0))
    assert not rest.wide
    assert synthetic(850).wide
    figure = spectrum_figure(rest, "")
    assert troubles(figure) == []
    assert figure.axes[0].get_ylim()[0] < (rest.observed - 5.0).min()
    assert figure.axes[1].get_ylabel() == "pull"
    components_figure(rest, "").draw_without_rendering()


def test_groups_of_bins_end_with_their_channel() -> None:
    channels = {"a": slice(0, 500), "b": slice(500, 701)}
    groups = BinAxis(np.arange(702.0), "bin", channels).groups(100)
    assert {0, 500} <= set(groups)
    assert np.all(np.diff(groups) <= 8)


def test_residuals_are_standard_normal_whatever_the_grouping() -> None:
    view = synthetic(850)
    for most in (850, 170, 85):
        groups = view.axis.groups(most)
        residuals = view.residuals(view.best, groups)
        assert len(residuals) == most
        assert abs(residuals.mean()) < 5.0 / math.sqrt(most)
        assert residuals.std() == pytest.approx(1.0, abs=5.0 / math.sqrt(2.0 * most))
    one = replace(view, errors=np.full(850, 2.0))
    pulls = one.residuals(one.best, one.axis.groups(850))
    assert pulls == pytest.approx((one.observed - one.best) / 2.0)
    assert one.spread(one.axis.groups(85))[0] == pytest.approx(2.0 * math.sqrt(10.0))


def test_a_best_fit_without_signal_shows_that_at_the_limit() -> None:
    problem = open_problem("xenonnt_2022")
    profile = Profile(problem.likelihood, problem.poi)
    assert profile.estimate == 0.0
    limit = eventfit.upper_limit_qmu_tilde(profile).value
    view = SpectrumView.of(profile, problem.reported, bin_axis(problem), model=problem.model, limit=limit)
    at = problem.likelihood.expected_by_component(profile.at(limit).values)
    assert view.signal is not None
    assert view.signal == pytest.approx(sum(at[name] for name in view.signal_names))
    assert "at 6.10" in view.signal_label
    spectrum_figure(view, "").draw_without_rendering()


def test_single_events_are_shown_in_bins() -> None:
    problem = open_problem("xenonnt_2022", variant="unbinned")
    profile = Profile(problem.likelihood, problem.poi)
    view = SpectrumView.of(profile, problem.reported, bin_axis(problem), model=problem.model)
    assert view.observed.sum() == 433.0
    assert view.best.sum() == pytest.approx(problem.likelihood.expected(profile.best.values).sum())


@pytest.mark.slow
def test_report_of_a_number_of_hits_with_a_measurement_beside_it() -> None:
    """Borexino: 851 bins over four decades and the gallium rate; the spectrum holds the spectrum alone."""
    with figures_kept() as drawn:
        result = eventfit_("report", "borexino_2017")
    assert result.exit_code == 0, result.stderr
    found = Page(result.stdout)
    problem = open_problem("borexino_2017")
    assert problem.model is not None
    assert {"survival", "others", "variants"} <= set(drawn)
    assert "spectrum" not in drawn, "a linear scale would show one peak"
    assert drawn["components"].axes[-1].get_xlabel() == "number of hits"
    assert all(troubles(figure) == [] for figure in drawn.values())
    assert problem.model.observed.values().sum() in found.numbers["yields"]
    beside = found.numbers["yields"][-4:]
    assert beside[:2] == [problem.likelihood.data.counts[-1], problem.likelihood.errors[-1]]
    assert beside[3] == pytest.approx((beside[2] - beside[0]) / beside[1])
    assert "gallium" not in found.text["yields"].partition("beside the spectrum")[0]


def test_figures_of_awkward_numbers() -> None:
    """Nothing, one thing, very many things, and names that are long or look like TeX."""
    best = estimates(fit(on_off(9.0, 12.0, 3.0)))
    correlation_figure(["a" * 90, "$x"], np.array([[1.0, -0.5], [-0.5, 1.0]]), "", "t").draw_without_rendering()
    many = [f"parameter_{i}" for i in range(40)]
    correlation_figure(many, np.eye(40), "", "t").draw_without_rendering()
    for shown in ([], best[:1], [*best] * 50):
        figure = pull_figure(shown, None, "", "t")
        figure.draw_without_rendering()
        assert figure.get_figheight() < 9.0, "a page holds it, with its caption"
    bars = yields_figure([Yield(f"c{i}", 1.0, 1.0, 1.0 + i, 0.1, False) for i in range(60)], 9.0, "t")
    assert troubles(bars) == []
    assert bars.get_figheight() < 9.0
    rows = [Yield(HOSTILE, 0.0, None, 0.0, None, False), Yield("b", 1e6, 1.0, 1e6, 10.0, True)]
    for shown_rows in ([], rows, [Yield("i", -3.0, -3.0, -2.0, 1.0, True), *rows]):
        yields_figure(shown_rows, 0.0, "t").draw_without_rendering()
    empty = replace(synthetic(3), observed=np.zeros(3), best=np.zeros(3), signal=None)
    for draw in (spectrum_figure, components_figure):
        draw(empty, "t").draw_without_rendering()


def test_svg_is_the_same_every_time_and_its_names_are_its_own() -> None:
    view = synthetic(20)
    one, same, other = (inline_svg(spectrum_figure(view, "t"), name, "label") for name in ("a", "a", "b"))
    assert one == same
    ids = [{a["id"] for _, a in Page(svg).elements if "id" in a} for svg in (one, other)]
    assert all(ids)
    assert not ids[0] & ids[1]
    assert not re.search("#(000000|ffffff)", one), "black and white follow the page"
    assert "<style" not in one
    assert "<metadata" not in one


# -- invariant: the numbers behind the figures ------------------------------------------------------------------------


def test_pulls_and_constraints_of_a_measured_background() -> None:
    """Fitted alone the background is what was measured: no pull, and its own error back."""
    best = {e.name: e for e in estimates(fit(on_off(9.0, 12.0, 3.0)))}
    b, mu = best["b"], best["mu"]
    assert b.nominal == pytest.approx(4.0)
    assert b.width == pytest.approx(math.sqrt(12.0) / 3.0)
    assert b.pull == pytest.approx(0.0, abs=1e-6)
    assert b.constraint == pytest.approx(1.0, rel=1e-6)
    assert (mu.pull, mu.constraint) == (None, None)
    assert mu.value == pytest.approx(5.0)
    at_bound = {e.name: e for e in estimates(fit(counting(2.0, 5.0)))}["mu"]
    assert (at_bound.error, at_bound.at_bound) == (None, True)


def test_pulls_are_in_errors_of_the_measurement() -> None:
    likelihood, _ = everything()
    result = fit(likelihood)
    best = {e.name: e for e in estimates(result)}
    assert best["shift"].pull == pytest.approx((result["shift"] - 0.5) / 0.2)
    assert best["scale"].pull == pytest.approx(result["scale"])
    assert [e.name for e in estimates(result)] == list(likelihood.names)


def test_correlations_are_those_of_the_covariance() -> None:
    result = fit(everything()[0])
    names, matrix = correlations(result)
    assert np.diagonal(matrix) == pytest.approx(1.0)
    assert matrix == pytest.approx(matrix.T)
    i, j = (result.names.index(name) for name in names[:2])
    expected = result.covariance[i, j] / math.sqrt(result.covariance[i, i] * result.covariance[j, j])
    assert matrix[0, 1] == pytest.approx(expected)
    few, part = correlations(result, most=2)
    assert len(few) == 2
    assert abs(part[0, 1]) == pytest.approx(np.abs(matrix - np.eye(len(names))).max())


def test_errors_of_yields_are_propagated() -> None:
    """One bin, n = 9 on b = 5: the signal is 4 +- 3 and the sum 9 +- 3; ON and OFF: b is sqrt(12) / 3, the sum is n."""
    errors, total = yield_errors(fit(counting(9.0, 5.0)), None, {})
    assert errors == {"signal": pytest.approx(3.0), "background": None}
    assert total == pytest.approx(3.0)
    errors, total = yield_errors(fit(on_off(9.0, 12.0, 3.0)), None, {})
    assert errors["background"] == pytest.approx(math.sqrt(12.0) / 3.0, rel=1e-5)
    assert errors["signal"] == pytest.approx(math.sqrt(9.0 + 12.0 / 9.0), rel=1e-5)
    assert total == pytest.approx(3.0, rel=1e-5)
    errors, total = yield_errors(fit(counting(9.0, 5.0)), None, {"all": ("signal", "background")})
    assert errors == {"all": pytest.approx(3.0)}


def test_yields_of_the_page_add_up(pages: Mapping[str, Path]) -> None:
    problem: Problem = open_problem("xenon1t_2020")
    best = Profile(problem.likelihood, problem.poi).best
    parts = problem.likelihood.expected_by_component(best.values)
    numbers = parsed(pages["xenon1t_2020"]).numbers["yields"]
    for value in (*(float(part.sum()) for part in parts.values()), problem.likelihood.expected(best.values).sum()):
        assert min(abs(value - number) for number in numbers) <= 1e-9 * value


# -- invariant: markup and numbers ------------------------------------------------------------------------------------


def test_text_is_escaped_and_markup_is_not() -> None:
    assert (
        element("p", "a < b", element("b", "&"), None, class_="x", hidden=False)
        == '<p class="x">a &lt; b<b>&amp;</b></p>'
    )
    assert element("meta", charset='"') == '<meta charset="&quot;">'
    assert joined("<", Html("<i>"), by=" ") == "&lt; <i>"
    assert "&lt;script&gt;" in table(("<script>",), [("<b>",)])
    assert element("p", "a\x00b\ud800c") == "<p>a\ufffdb\ufffdc</p>"


@pytest.mark.parametrize(
    ("written_", "text"),
    [
        (lambda: amount(1.6049e-11, "mu_B"), "1.60\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10−11\N{NO-BREAK SPACE}μB"),
        (lambda: amount(0.0, "mu_B"), "0\N{NO-BREAK SPACE}μB"),
        (lambda: amount(3.2, "", 0.0234), "3.200\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.023"),
        (lambda: amount(1188.3, "", 35.2), "1188\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}35"),
        (lambda: amount(6e-17, "", 1.0), "0.0\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}1.0"),
        (lambda: amount(0.000781), "7.81\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10−4"),
        (lambda: amount(231.6), "231.6"),
        (lambda: amount(285.0), "285"),
        (lambda: amount(-2.5), "−2.50"),
        (
            lambda: amount(6.4e-12, "mu_B", given=True),
            "0.64\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10−11\N{NO-BREAK SPACE}μB",
        ),
        (lambda: amount(math.nan, "keV"), "–"),
        (lambda: amount(None, "keV"), "–"),
        (lambda: pieces([(0.0, 1.2), (2.3, math.inf)], "keV"), "0 to 1.20 and 2.30 to ∞\N{NO-BREAK SPACE}keV"),
        (
            lambda: pieces([(1e-11, 2e-11)], "mu_B", [(1e-13, 2e-13)]),
            "1.000\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.010 to 2.000",
        ),
        (lambda: bare(2.5e-11, "mu_B"), "2.50"),
        (lambda: heading("mu_B") or Html(), "[10−11\N{NO-BREAK SPACE}μB]"),
        (lambda: heading("sigma") or Html(), "[σ]"),
        (lambda: heading("counts") or Html("none"), "none"),
        (lambda: bare([[1.0, 2.5]], "cpd/100t"), "1 to 2.50"),
        (lambda: bare(134.26, "cpd/100t", 9.7), "134.3\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}9.7"),
        (lambda: unit_of("(1e-11 mu_B)^2"), "(10−11 μB)2"),
        (lambda: unit_of("<cm^2>"), "<cm2>"),
        (lambda: name_of("mu_nu"), "μν"),
        (lambda: name_of("mu_12"), "μ12"),
        (lambda: name_of("b0_scale"), "b0_scale"),
    ],
)
def test_numbers_as_they_are_read(written_: Any, text: str) -> None:
    seen = Page(f"<p>{written_()}</p>").seen
    assert seen.startswith(text) if "±" in text and "to" in text else seen == text


# -- invariant: notebooks ---------------------------------------------------------------------------------------------


def shown() -> Iterator[Any]:
    """Every kind of result, and what they are made from."""
    yield fit(everything()[0])
    profile = Profile(on_off(9.0, 12.0, 3.0), "mu")
    yield eventfit.upper_limit_qmu_tilde(profile, expected=True)
    yield eventfit.profile_interval(profile)
    yield eventfit.discovery_significance(profile)
    yield eventfit.goodness_of_fit(profile.best)
    yield profile.scan(np.array([0.5, 1.0]))
    yield contour(profile.likelihood, "mu", "b", points=5)
    yield eventfit.profile_interval(profile).card
    analysis = Analysis.load(DECLARATION)
    yield analysis
    yield analysis.model()
    yield eventfit.reproduce(analysis)


def test_results_show_themselves_in_a_notebook() -> None:
    kinds = set()
    for result in shown():
        found = Page(result._repr_html_())
        assert found.elements[0][0] == "table"
        assert len([tag for tag, _ in found.elements if tag == "tr"]) > 0
        assert not re.search(r"\bnan\b|None", found.seen)
        kinds.add(type(result).__name__)
        if isinstance(result, MethodCard):
            assert "tmu_tilde" in found.seen
        if isinstance(result, Contour):
            assert "5 x 5 values" in found.seen
        if kinds == {"FitResult"}:
            assert all(name in found.seen for name in result.names)
    assert {"FitResult", "Limit", "Interval", "Significance", "Scan", "Contour", "MethodCard"} <= kinds
    assert {"Analysis", "Model", "Reproduction"} <= kinds


def test_a_notebook_shows_the_number_and_its_card() -> None:
    limit = eventfit.upper_limit_qmu_tilde(Profile(counting(9.0, 5.0), "mu"), cl=0.95)
    text = Page(limit._repr_html_()).seen
    assert f"value{limit.value:.6g}" in text
    assert "card: cl0.95" in text
    assert "card: sidedone" in text


def test_a_notebook_escapes_names() -> None:
    found = Page(html_table(HOSTILE, [(HOSTILE, HOSTILE)], (HOSTILE,)))
    assert {tag for tag, _ in found.elements} <= {"table", "caption", "thead", "tr", "th", "td"}
    assert found.seen == 4 * HOSTILE


def test_values_in_words() -> None:
    assert written(math.nan) == "none"
    assert written((0.5, -math.inf)) == "0.5, -inf"
    assert written(((1.0, 2.0), (3.0, 4.0))) == "(1, 2), (3, 4)"
    assert written(Status.OK) == Status.OK.value
    assert written(np.array([math.nan])) == "1 values"
    assert written({"a": 1}) == "a: 1"


def test_document_of_the_page_is_that_of_the_reproduction() -> None:
    analysis = Analysis.load(DECLARATION)
    found = find(open_problem(str(DECLARATION)), analysis=analysis)
    assert found.results == document(eventfit.reproduce(analysis))
    assert found.complete
    values: Array = np.array([found.limit, found.profile.estimate])
    assert np.all(np.isfinite(values))
    assert isinstance(found.problem.reported, Reported)
