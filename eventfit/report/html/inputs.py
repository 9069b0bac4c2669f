"""What a report rests on: tables with their provenance, the declaration, the bibliography, versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eventfit.report.bibliography import METHODS, bibliography, reference
from eventfit.report.html.findings import Findings
from eventfit.report.html.markup import Content, Html, code, element, joined, table
from eventfit.tables import Table

__all__ = ["anchor", "cited", "declaration", "references", "tables", "versions"]

#: status of a table that has to be seen
UNVERIFIED = "recalled-unverified"
SAID = "The status says how the numbers came here; checks hold a table against values of its publication."
#: longest text of a declaration or workspace that is printed, in characters
LONGEST = 200_000


def cited(findings: Findings) -> dict[str, Mapping[str, str]]:
    """Key -> publication of everything that was read or used, in order; the message names an unknown one."""
    known = bibliography()
    models = [run.model for run in findings.reproduction.runs.values()] if findings.reproduction else []
    keys = [*findings.problem.cite, *(key for model in models for key in model.cite), *METHODS]
    for key in keys:
        reference(key, known)
    return {key: known.get(key, {}) for key in dict.fromkeys(keys)}


def tables(findings: Findings) -> Html | None:
    """Every table with its source, status and what is known to be wrong with it."""
    used = findings.reproduction.tables if findings.reproduction is not None else findings.problem.tables
    if not used:
        return None
    rows = [
        (
            joined(code(entry.name), element("br"), element("small", entry.title)),
            _status(entry),
            _source(entry),
        )
        for entry in used
    ]
    return joined(
        element("p", SAID, class_="note"),
        table(("table", "status, checks", "source and caveats"), rows, class_="tables"),
    )


def _status(entry: Table) -> Html:
    bad = entry.status == UNVERIFIED
    mark = element("span", "recalled, unverified" if bad else entry.status, class_="warn" if bad else "badge")
    checks = "checks hold" if entry.checks_hold else "A CHECK FAILS"
    sha = joined(element("br"), element("small", "sha256 ", element("code", entry.sha256[:8])))
    return joined(mark, element("br"), element("small", checks, class_=None if entry.checks_hold else "warn"), sha)


def _source(entry: Table) -> Html:
    keys = joined(*(element("a", key, href=f"#{anchor(key)}") for key in entry.cite), by=", ")
    caveats = [element("li", caveat) for caveat in entry.caveats]
    return joined(keys, f": {entry.where}", element("ul", *caveats, class_="caveats") if caveats else None)


def declaration(findings: Findings) -> Html:
    """The file itself, as text."""
    if findings.source is None:
        return element("p", "It was read from standard input: its sha256 stands under the versions.")
    name, text = findings.source
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\n\n... {len(text) - LONGEST} more characters: the whole is {name}"
    return joined(element("p", code(name)), element("pre", element("code", text)))


def references(findings: Findings) -> Html:
    """The bibliography with links; a page that is read without a network loses nothing."""
    known = bibliography()
    entries = [
        element("li", reference(key, known), " ", _links(fields or _identifier(key)), id=anchor(key))
        for key, fields in cited(findings).items()
    ]
    return element("ol", *entries, class_="references")


def _identifier(key: str) -> Mapping[str, str]:
    scheme, _, identifier = key.partition(":")
    return {"doi" if scheme == "doi" else "eprint": identifier}


def _links(fields: Mapping[str, str]) -> Html:
    links = []
    if "doi" in fields:
        links.append(element("a", "doi", href=f"https://doi.org/{fields['doi']}", rel="noreferrer"))
    if "eprint" in fields:
        links.append(element("a", "arXiv", href=f"https://arxiv.org/abs/{fields['eprint']}", rel="noreferrer"))
    return joined(*links, by=" ")


def anchor(key: str) -> str:
    """The place of a publication in the page."""
    return "ref-" + "".join(c if c.isalnum() else "-" for c in key)


def versions(findings: Findings, command: str) -> Html:
    """Programs, hashes and the command that makes this page again."""
    problem = findings.problem
    packages = ", ".join(f"{name} {number}" for name, number in findings.versions.items())
    pairs: list[tuple[Content, Content]] = [
        ("command", element("code", command)),
        ("versions", packages),
        ("model, sha256", element("code", problem.likelihood.model_hash)),
        *(_hashes(problem.input_hashes) if not problem.tables else ()),
        ("minimiser of the best fit", findings.profile.best.minimiser),
    ]
    return element("dl", *(element("div", element("dt", a), element("dd", b)) for a, b in pairs), class_="pairs")


def _hashes(hashes: Mapping[str, str]) -> Iterator[tuple[Content, Content]]:
    for name, sha256 in hashes.items():
        yield f"{name}, sha256", element("code", sha256)
