"""Results for people: tables on the terminal and in Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from eventfit.inference import MethodCard
from eventfit.published import Reproduction, Row, nearest, ratios

__all__ = ["markdown_table", "method", "number", "printed_unit", "result_table", "table_of_tables"]

#: units printed as multiples
SCALES = {"mu_B": 1e-11, "e": 1e-12, "cm^2": 1e-32}


def number(value: float | Sequence[float] | None, unit: str = "") -> str:
    """A value or an interval with the digits that mean something; in the multiples that :data:`SCALES` names."""
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(number(v, unit) for v in value) + ")"
    assert isinstance(value, float | int)
    if unit in SCALES:
        value = value / SCALES[unit]
    if unit == "counts":
        return f"{value:.4g}"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.4g}"


def printed_unit(unit: str) -> str:
    """The unit that belongs to :func:`number`."""
    return f"{SCALES[unit]:.0e} {unit}" if unit in SCALES else unit


def method(card: MethodCard | Mapping[str, Any]) -> str:
    """One line of a method card: what stands beside every number."""
    entry = card if isinstance(card, Mapping) else card.__dict__
    statistic = f" ({entry['statistic']})" if len(entry["statistic"]) < 12 else ""
    parts = [f"{entry['method']}{statistic}"]
    if entry["cl"] is not None:
        parts.append(f"{100 * entry['cl']:g} % C.L.")
    if entry["sided"] is not None:
        parts.append(f"{entry['sided']}-sided")
    if entry["fitted_in"]:
        parts.append(f"in {entry['fitted_in']}")
    if entry["calibration"] == "toys":
        parts.append(f"{entry['toys']} toys, seed {entry['seed']}")
    elif entry["statistic"] and entry["calibration"] == "asymptotic" and entry["sided"]:
        parts.append("asymptotic")
    return ", ".join(parts)


def result_table(reproduction: Reproduction) -> RichTable:
    """quantity, variant, published, ours, ratio, method; a section per quantity and unit, the default in bold."""
    title = Text(reproduction.analysis.default.title)
    table = RichTable(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("quantity", "variant"):
        table.add_column(column)
    for column in ("published", "ours", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("method", overflow="fold")
    for quantity, kind, unit in dict.fromkeys((row.quantity, row.kind, row.unit) for row in reproduction.rows):
        rows = [row for row in reproduction.rows if (row.quantity, row.kind, row.unit) == (quantity, kind, unit)]
        said = ""
        for i, row in enumerate(rows):
            label = escape(_label(quantity, kind, unit)) if i == 0 else ""
            line = method(row.card)
            style = "bold" if row.variant == "default" and row.kind in ("observed", "expected") else None
            table.add_row(label, *_cells(row), '"' if line == said else line, style=style)
            said = line
        table.add_section()
    return table


def _label(quantity: str, kind: str, unit: str) -> str:
    said = "" if kind in ("observed", "counting") else f" ({kind})"
    return quantity + said + ("" if unit in ("", "counts", "-2 ln L") else f" [{printed_unit(unit)}]")


def _cells(row: Row) -> list[str]:
    ours = _ours(row.value, row.pieces, row.unit)
    if row.error is not None or row.errors:
        ours += f" +- {_errors(row.error, row.errors, row.unit)}"
    if row.status != "ok":
        ours += escape(f" [{row.status}]")
    published = "-"
    if row.published is not None:
        published = _published(row.published.value, row.published.errors, row.unit)
    return [row.variant, published, ours, _ratios(row.ratio)]


def _ours(value: float | Sequence[float] | None, pieces: Sequence[Sequence[float]], unit: str) -> str:
    """A value, or all pieces of an interval."""
    return " and ".join(number(piece, unit) for piece in pieces) if len(pieces) > 1 else number(value, unit)


def _published(value: float | Sequence[float], errors: Sequence[float], unit: str) -> str:
    """A published value with its errors, statistical and systematic."""
    return " +- ".join(number(part, unit) for part in (value, *errors))


def _errors(error: float | None, errors: Sequence[Sequence[float]], unit: str) -> str:
    """The error of a number, or those of the outer ends of an interval, to two digits."""
    ends = (error,) if error is not None else (errors[0][0], errors[-1][1])
    text = ", ".join(f"{end / SCALES.get(unit, 1.0):.2g}" for end in ends)
    return text if error is not None else f"({text})"


def _ratios(values: Sequence[float]) -> str:
    return ", ".join("-" if math.isnan(value) else f"{value:.2f}" for value in values)


def table_of_tables(reproduction: Reproduction) -> RichTable:
    """Every table behind the result with its status."""
    table = RichTable(title="Tables", title_justify="left", header_style="bold")
    for column in ("table", "status", "checks", "sha256"):
        table.add_column(column, no_wrap=True)
    for entry in reproduction.tables:
        table.add_row(entry.name, entry.status, "hold" if entry.checks_hold else "FAIL", entry.sha256[:12])
    return table


def markdown_table(document: Mapping[str, Any]) -> str:
    """The rows of a stored result (``analyses/<id>/result.json``) that have a published value, as Markdown."""
    lines = ["| quantity | variant | published | ours | ratio | method |", "| --- | --- | --- | --- | --- | --- |"]
    for row in document["results"]:
        if row["published"] is None:
            continue
        theirs, ours = row["published"]["value"], row["value"]
        said = _ours(ours, row["pieces"], row["unit"])
        if row["error"] is not None or row.get("errors"):
            said += f" +- {_errors(row['error'], row['errors'], row['unit'])}"
        cells = [
            _label(row["quantity"], row["kind"], row["unit"]),
            row["variant"],
            _published(theirs, row["published"].get("errors", ()), row["unit"]),
            said,
            _ratios(ratios(nearest(ours, row["pieces"], theirs), theirs)),
            method(row["method"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
