"""Predicted rates as a JSON document, and that document as text for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from eventfit.analysis.expectation import Expectation
from eventfit.published.reproduction import versions
from eventfit.rates import Prediction, RateRow, Source
from eventfit.report.json import finite, table_entries
from eventfit.tables import Table

__all__ = ["expectation_document", "prediction_document", "rate_notes", "rate_table", "rate_title"]
__all__ += ["term_name"]

Document = Mapping[str, Any]


def prediction_document(prediction: Prediction, exposure: str, tables: Sequence[Table]) -> dict[str, Any]:
    """The rates of a source; ``exposure`` as it was asked for, ``tables`` all that were read."""
    source, target, (low, high) = prediction.source, prediction.target, prediction.window
    electrons = prediction.process.electrons.name
    if prediction.all_recoils:
        window = f"all recoils, from 0 to {high:.5g} keV"
    else:
        window = f"recoils of {low:g} to {high:.6g} keV"
    material = target.name.replace("_", " ")
    return {
        "quantity": "rates",
        "name": f"{source.name}_{target.name}",
        "title": f"{source.name.replace('_', '-')} neutrinos on {material} ({electrons} electrons), {window}",
        "source": source.name,
        "target": {
            "material": target.name,
            "electrons": electrons,
            "electrons_per_kg": target.units_per_kg * target.electrons,
        },
        "analysis": None,
        "variant": None,
        "exposure": {"asked": exposure, "kg_s": prediction.exposure},
        "unit": f"events in {exposure}",
        "window": {"low": low, "high": high, "unit": "keV", "axis": "true recoil energy"},
        "columns": [{"name": case.name, "meaning": case.meaning} for case in prediction.cases],
        **_shared(prediction.rows, prediction.numerical_error, tables, prediction.cite),
        "observed": None,
        "notes": _several_lines(source),
    }


def expectation_document(expectation: Expectation) -> dict[str, Any]:
    """What an analysis expects in its own window."""
    model = expectation.model
    declared, edges = model.declaration, model.observed.edges
    axis = declared.response.axis
    exposure = f"{declared.exposure.value:g} {declared.exposure.unit}"
    return {
        "quantity": "rates",
        "name": model.analysis,
        "title": f"{declared.title} ({model.variant}), {axis.range(edges[0], edges[-1])}",
        "source": None,
        "target": {"material": declared.target.material, "electrons": declared.target.electrons},
        "analysis": model.analysis,
        "variant": model.variant,
        "exposure": {"asked": exposure, "kg_s": declared.exposure.internal},
        "unit": f"events in {exposure}",
        "window": {
            "low": float(edges[0]),
            "high": float(edges[-1]),
            "unit": axis.unit,
            "axis": f"reconstructed {axis.name}",
        },
        "columns": [{"name": name, "meaning": meaning} for name, meaning in expectation.columns.items()],
        **_shared(expectation.rows, model.numerical_error, model.tables, model.cite),
        "observed": float(model.observed.values().sum()),
        "notes": [],
    }


def _shared(
    rows: Sequence[RateRow], numerical_error: float, tables: Sequence[Table], cite: Sequence[str]
) -> dict[str, Any]:
    cited = dict.fromkeys([*cite, *(key for table in tables for key in table.cite)])
    return {
        "rows": [
            {
                "name": row.name,
                "kind": row.kind,
                "members": list(row.members),
                "flux_per_cm2_s": row.flux,
                "events": finite(dict(row.events)),
            }
            for row in rows
        ],
        "numerical_error": finite(numerical_error),
        "cite": list(cited),
        "tables": table_entries(tables),
        "versions": versions(),
    }


def _several_lines(source: Source) -> list[str]:
    """Which lines a component holds that is several of them."""
    said = []
    for flux in source.fluxes:
        energy = next(iter(flux.measure("flavour", order=1).values())).energy
        if len(energy) > 1 and not flux.density(energy).any():
            said.append(f"{flux.name}: the lines of {' and '.join(f'{E:g}' for E in energy)} keV together")
    return said


def rate_table(document: Document) -> RichTable:
    """Components, sums and the total by column, in events of the exposure."""
    table = RichTable(header_style="bold", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("component")
    table.add_column("flux [1/(cm² s)]", justify="right")
    for column in document["columns"]:
        table.add_column(term_name(column["name"]), justify="right")
    kind = ""
    for row in document["rows"]:
        if row["kind"] != kind and row["kind"] in ("background", "total"):
            table.add_section()
        kind = row["kind"]
        flux = "" if row["flux_per_cm2_s"] is None else f"{row['flux_per_cm2_s']:.3e}"
        events = [_number(row["events"].get(column["name"])) for column in document["columns"]]
        style = {"total": "bold", "sum": "italic"}.get(row["kind"])
        name = f"{row['name']} ({' + '.join(row['members'])})" if row["kind"] == "sum" else row["name"]
        table.add_row(Text(name), flux, *events, style=style)
    return table


def rate_title(document: Document) -> Text:
    """What the table is of."""
    return Text(f"{document['title']}\n{document['unit']}", style="italic")


def rate_notes(document: Document) -> list[str]:
    """What the columns mean, how exact the numbers are, and what they rest on, line by line."""
    lines = [f"{term_name(column['name'])}: {column['meaning']}" for column in document["columns"]]
    lines += document["notes"]
    if document["observed"] is not None:
        lines.append(f"observed: {document['observed']:g}")
    lines.append(f"numerical error: {document['numerical_error']:.0e}, by doubling all quadrature nodes")
    tables = ", ".join(
        f"{t['name']} ({t['status']}{'' if t['checks_hold'] else ', checks FAIL'})" for t in document["tables"]
    )
    lines.append(f"tables: {tables}")
    return lines


def term_name(name: str) -> str:
    """The name of a column or term in words; a coupling in it keeps its own."""
    coupling = re.match(r"(mu|q|r2)_[a-z0-9]+", name)
    kept = coupling[0] if coupling else ""
    return kept + name.removeprefix(kept).replace("_", " ")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:#.4g}"
