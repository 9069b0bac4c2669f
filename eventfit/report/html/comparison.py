"""Published beside ours, and the variants beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eventfit.report.html.cells import Entry, method_line, name_cell, published_cell, ratio_cell, value_cell
from eventfit.report.html.findings import Findings
from eventfit.report.html.markup import Html, code, element, joined, table
from eventfit.report.html.numbers import NOTHING, bare, heading, name_of

__all__ = ["published", "variants"]

#: most columns of a table that is printed on a page
COLUMNS = 6
#: results of the default variant alone, counted
COUNTED = ("observed_counts", "expected_counts")


def published(findings: Findings) -> Html | None:
    """Every declared result of this variant, and every one that has a published value, beside it."""
    if findings.results is None:
        return None
    rows, variant = findings.results["results"], findings.problem.variant
    shown = [row for row in rows if row["variant"] == variant or row["published"] is not None]
    body = [
        (
            joined(
                name_cell(row["quantity"], None, row["cl"], row["kind"]),
                element("br"),
                element("small", method_line(row)),
            ),
            element("code", row["variant"]),
            published_cell(row),
            value_cell(row),
            ratio_cell(row),
        )
        for row in shown
    ]
    columns = ("quantity, and our method", "variant", "published", "ours", "ours / published")
    sources = [(row, row["published"]) for row in shown if row["published"] is not None]
    said = [
        (joined(name_cell(row["quantity"], None, None), ", ", row["variant"], ": ", e["where"])) for row, e in sources
    ]
    where = dict.fromkeys(said)
    told = "The declared results of this variant, and all that have a published value beside them."
    return joined(
        element("p", told, class_="note"),
        table(columns, body, numbers=(2, 3, 4)),
        element("h3", "Where the published values stand"),
        element("ul", *(element("li", line) for line in where)) if where else element("p", "None is declared."),
    )


def variants(findings: Findings) -> Html | None:
    """What each variant changes, and every result that all of them have."""
    if findings.results is None or findings.reproduction is None:
        return None
    every = [row for row in findings.results["results"] if row["method"]["calibration"] != "toys"]
    rows = [row for row in every if row["kind"] != "naive" and row["quantity"] not in COUNTED]
    columns = list(dict.fromkeys(_column(row) for row in rows))
    found = {(row["variant"], _column(row)): row for row in rows}
    said = "What each variant changes, and the results that all of them have; the variant of this report is in bold."
    parts = []
    for first in range(0, len(columns), COLUMNS):
        here = columns[first : first + COLUMNS]
        body = [
            (_variant(findings, name, meaning=first == 0), *(_cell(found.get((name, column))) for column in here))
            for name in findings.results["variants"]
        ]
        heads = [_heading(column, columns) for column in here]
        parts.append(table(("variant", *heads), body, numbers=range(1, 1 + len(here)), class_="variants"))
    return joined(element("p", said, class_="note"), *parts)


def _variant(findings: Findings, name: str, *, meaning: bool) -> Html:
    """The name of a variant, with its parameter if that is another one, and below it what it changes."""
    assert findings.results is not None
    assert findings.reproduction is not None
    entry, parameter = findings.results["variants"][name], findings.reproduction.runs[name].model.reported.name
    other = [] if parameter == findings.problem.reported.name else [", for ", name_of(parameter)]
    strong = element("strong" if name == findings.problem.variant else "span", code(name))
    errors = f"folding error {entry['numerical_error']:.0e}"
    if "morph_errors" in entry:
        errors += f", morph error {max(one['error'] for one in entry['morph_errors']):.0e}"
    told = element("small", f"{entry['meaning']}; {errors}") if meaning else None
    return joined(strong, *other, element("br") if meaning else None, told)


def _column(row: Entry) -> tuple[str, float | None, str, str]:
    """What makes a column of its own: the quantity, its level, its unit, and the rule of a limit."""
    rule = row["method"]["method"] if row["quantity"] == "upper_limit" else ""
    return row["quantity"], row["cl"], row["unit"], rule


def _heading(column: tuple[str, float | None, str, str], columns: Sequence[tuple[Any, ...]]) -> Html:
    """Quantity, level and unit, and the rule where another column differs by nothing else."""
    quantity, cl, unit, rule = column
    alike = sum(other[:3] == column[:3] for other in columns) > 1
    return joined(name_cell(quantity, None, cl), f", {rule}" if alike else None, heading(unit))


def _cell(row: Entry | None) -> Html:
    """Our number, without the unit, which the heading has."""
    if row is None or row["value"] is None:
        return Html(NOTHING)
    return bare(row["pieces"] or row["value"], row["unit"], row["error"])
