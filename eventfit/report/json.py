"""Results as one JSON document; a number that is not finite becomes null beside its status."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from eventfit.analysis import Model
from eventfit.inference import MethodCard
from eventfit.published import Reproduction, Row, Run
from eventfit.tables import Table

__all__ = ["card_entry", "document", "dumps", "finite", "joined", "morph_entry", "table_entries"]


#: the status of a published value that is not said
TRUSTED = "transcribed"


def document(reproduction: Reproduction) -> dict[str, Any]:
    """The JSON object of one reproduction: results, tables with status and hash, versions."""
    return {
        "analysis": reproduction.analysis.id,
        "title": reproduction.analysis.default.title,
        "results": [_row(row) for row in reproduction.rows],
        "variants": {
            name: _variant(reproduction.analysis.variants[name][0], run) for name, run in reproduction.runs.items()
        },
        "tables": table_entries(reproduction.tables),
        "versions": dict(reproduction.versions),
    }


def _variant(meaning: str, run: Run) -> dict[str, Any]:
    return {
        "meaning": meaning,
        "numerical_error": finite(run.model.numerical_error),
        "worst_input": run.model.worst_input,
        **morph_entry(run.model),
    }


def joined(parts: Sequence[Mapping[str, Any]], variants: Sequence[str]) -> dict[str, Any]:
    """The document of an analysis from those of some of its variants each, in the order of all ``variants``."""
    tables = {table["name"]: table for part in parts for table in part["tables"]}
    about = {name: entry for part in parts for name, entry in part["variants"].items()}
    return {
        **parts[0],
        "results": [row for name in variants for part in parts for row in part["results"] if row["variant"] == name],
        "variants": {name: about[name] for name in variants},
        "tables": [tables[name] for name in sorted(tables)],
    }


def dumps(value: Any) -> str:
    """``value`` as JSON text without NaN or Infinity."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)


def table_entries(tables: Iterable[Table]) -> list[dict[str, Any]]:
    """Name, status and hash of every table."""
    return [{"name": t.name, "status": t.status, "sha256": t.sha256, "checks_hold": t.checks_hold} for t in tables]


def morph_entry(model: Model) -> dict[str, Any]:
    """How exact the morphs of errors of the response are; nothing for a model without."""
    return {"morph_errors": [finite(asdict(error)) for error in model.bending]} if model.bending else {}


def card_entry(card: MethodCard) -> dict[str, Any]:
    """All fields of a method card."""
    return {key: finite(value) for key, value in asdict(card).items()}


def finite(value: Any) -> Any:
    """``value`` with tuples as lists and every number that is not finite as None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return value


def _row(row: Row) -> dict[str, Any]:
    published: dict[str, Any] | None = None
    if row.published is not None:
        published = {"value": row.published.value, "where": row.published.where}
        if row.published.status != TRUSTED:
            published["status"] = row.published.status
        if row.published.note:
            published["note"] = row.published.note
        if row.published.errors:
            published["errors"] = row.published.errors
    return {
        "quantity": row.quantity,
        "parameter": row.parameter,
        "variant": row.variant,
        "kind": row.kind,
        "value": finite(row.value),
        "pieces": finite(row.pieces),
        "error": finite(row.error),
        "errors": finite(row.errors),
        "unit": row.unit,
        "cl": row.card.cl,
        "sided": row.card.sided,
        "method": card_entry(row.card),
        "published": published,
        "status": row.status,
        "status_text": row.remedy or row.status,
    }
