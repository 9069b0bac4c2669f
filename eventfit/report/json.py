"""Results as one JSON document; a number that is not finite becomes null beside its status."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from eventfit.analysis import Model
from eventfit.inference import MethodCard
from eventfit.published import Reproduction, Row
from eventfit.tables import Table

__all__ = ["card_entry", "document", "dumps", "finite", "morph_entry", "table_entries"]


def document(reproduction: Reproduction) -> dict[str, Any]:
    """The JSON object of one reproduction: results, tables with status and hash, versions."""
    return {
        "analysis": reproduction.analysis.id,
        "title": reproduction.analysis.default.title,
        "results": [_row(row) for row in reproduction.rows],
        "variants": {
            name: {
                "meaning": meaning,
                "numerical_error": finite(reproduction.runs[name].model.numerical_error),
                **morph_entry(reproduction.runs[name].model),
            }
            for name, (meaning, _) in reproduction.analysis.variants.items()
        },
        "tables": table_entries(reproduction.tables),
        "versions": dict(reproduction.versions),
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
    published = None
    if row.published is not None:
        published = {"value": row.published.value, "where": row.published.where}
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
