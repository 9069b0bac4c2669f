"""A report as one page of HTML that needs nothing else: no network, no script, no font of its own."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from eventfit.report.html import answers, comparison, inputs
from eventfit.report.html.evidence import Evidence
from eventfit.report.html.findings import Findings
from eventfit.report.html.markup import Html, element, joined

__all__ = ["SECTIONS", "page"]

#: what the browser may load: nothing but the style that stands in the page
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
#: sections in their order: place in the page -> title
SECTIONS = {
    "doubts": "Doubts and warnings",
    "answers": "Limit, interval, significance",
    "published": "Published beside ours",
    "spectrum": "Spectrum and residuals",
    "profile": "Profile likelihood",
    "yields": "Yields by component",
    "parameters": "Pulls and constraints",
    "correlations": "Correlations",
    "flux": "Neutrinos that arrive",
    "variants": "Variants",
    "tables": "Tables and their provenance",
    "declaration": "Declaration",  # or workspace
    "bibliography": "Bibliography",
    "versions": "Versions",
}


def page(findings: Findings, command: str = "") -> str:
    """The report on ``findings``, the same bytes every time.

    Parameters
    ----------
    command
        What makes the page again, for its reader.

    Raises
    ------
    UnknownName
        A publication is cited that the bibliography does not know.
    """
    inputs.cited(findings)  # refuses before anything is drawn
    evidence = Evidence(findings)
    sections: dict[str, Callable[[], Html | None]] = {
        "doubts": lambda: answers.doubts(findings),
        "answers": lambda: answers.answers(findings),
        "published": lambda: comparison.published(findings),
        "spectrum": evidence.spectrum,
        "profile": evidence.profile,
        "yields": evidence.yields,
        "parameters": evidence.parameters,
        "correlations": evidence.correlations,
        "flux": evidence.flux,
        "variants": lambda: comparison.variants(findings),
        "tables": lambda: inputs.tables(findings),
        "declaration": lambda: inputs.declaration(findings),
        "bibliography": lambda: inputs.references(findings),
        "versions": lambda: inputs.versions(findings, command),
    }
    written = {name: content for name, write in sections.items() if (content := write()) is not None}
    return "<!doctype html>\n" + element("html", _head(findings), "\n", _body(findings, written), lang="en") + "\n"


def _head(findings: Findings) -> Html:
    style = files("eventfit.report.html").joinpath("page.css").read_text(encoding="utf-8")
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content=f"eventfit {findings.versions['eventfit']}"),
        element("link", rel="icon", href="data:,"),
        element("title", f"{findings.problem.title} - eventfit report"),
        element("style", Html(f"\n{style}")),
    )


def _body(findings: Findings, written: dict[str, Html]) -> Html:
    titles = SECTIONS | ({} if findings.problem.model is not None else {"declaration": "Workspace"})
    entries = [element("li", element("a", titles[name], href=f"#{name}")) for name in written]
    contents = element("nav", element("h2", "Contents"), element("ol", *entries), aria_label="Contents")
    sections = [element("section", element("h2", titles[name]), content, id=name) for name, content in written.items()]
    main = element("main", *(joined("\n", section) for section in sections))
    return element("body", element("div", answers.header(findings), "\n", contents, "\n", main, class_="frame"))
