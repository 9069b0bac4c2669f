"""Results for people: numbers, methods and the tables of one analysis on the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from eventfit.inference import MethodCard
from eventfit.published import nearest, ratios

__all__ = [
    "method",
    "number",
    "ours",
    "printed_unit",
    "quantity_label",
    "ratio",
    "result_table",
    "table_of_tables",
    "theirs",
]

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
    return f"{value:.2f}" if value == 0.0 or 0.005 <= abs(value) < 100 else f"{value:.4g}"


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


def result_table(document: Mapping[str, Any]) -> RichTable:
    """quantity, variant, published, ours, ratio, method; a section per quantity and unit, the default in bold."""
    title = Text(document["title"])
    table = RichTable(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("quantity", "variant"):
        table.add_column(column)
    for column in ("published", "ours", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("method", overflow="fold")
    sections = dict.fromkeys((row["quantity"], row["kind"], row["unit"]) for row in document["results"])
    for quantity, kind, unit in sections:
        rows = [r for r in document["results"] if (r["quantity"], r["kind"], r["unit"]) == (quantity, kind, unit)]
        said = ""
        for i, row in enumerate(rows):
            label = escape(quantity_label(row)) if i == 0 else ""
            line = method(row["method"])
            style = "bold" if row["variant"] == "default" and kind in ("observed", "expected") else None
            cells = (row["variant"], theirs(row), escape(ours(row)), ratio(row))
            table.add_row(label, *cells, '"' if line == said else line, style=style)
            said = line
        table.add_section()
    return table


def quantity_label(row: Mapping[str, Any]) -> str:
    """The quantity of a row with its unit, and its kind where that is not plain."""
    said = "" if row["kind"] in ("observed", "counting") else f" ({row['kind']})"
    unit = "" if row["unit"] in ("", "counts", "-2 ln L") else f" [{printed_unit(row['unit'])}]"
    return f"{row['quantity']}{said}{unit}"


def theirs(row: Mapping[str, Any]) -> str:
    """The published value of a row."""
    if row["published"] is None:
        return "-"
    said = _published(row["published"]["value"], row["published"].get("errors", ()), row["unit"])
    return said + (f" ({row['published']['status']})" if "status" in row["published"] else "")


def ours(row: Mapping[str, Any]) -> str:
    """Our value of a row, all pieces of an interval, with its error, and its status where that is not ok."""
    said = _ours(row["value"], row["pieces"], row["unit"])
    if row["error"] is not None or row.get("errors"):
        said += f" +- {_errors(row['error'], row['errors'], row['unit'])}"
    return said if row["status"] == "ok" else f"{said} [{row['status']}]"


def ratio(row: Mapping[str, Any]) -> str:
    """Ours over theirs, end by end; of several pieces the nearest."""
    if row["published"] is None:
        return ""
    published = row["published"]["value"]
    values = ratios(nearest(row["value"], row["pieces"], published), published)
    return ", ".join("-" if math.isnan(value) else f"{value:.2f}" for value in values)


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


def table_of_tables(document: Mapping[str, Any]) -> RichTable:
    """Every table behind the result with its status."""
    table = RichTable(title="Tables", title_justify="left", header_style="bold")
    for column in ("table", "status", "checks", "sha256"):
        table.add_column(column, no_wrap=True)
    for entry in document["tables"]:
        table.add_row(entry["name"], entry["status"], "hold" if entry["checks_hold"] else "FAIL", entry["sha256"][:12])
    return table
