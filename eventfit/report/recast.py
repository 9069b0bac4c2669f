"""One spectrum through many experiments: the limits as rows, as JSON and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eventfit.analysis.reading import DEFAULT
from eventfit.analysis.recast import Recast
from eventfit.analysis.recoil_spectrum import on_off
from eventfit.errors import EventfitError, StatisticsError
from eventfit.inference import Profile, upper_limit_qmu_tilde
from eventfit.published import versions
from eventfit.report.json import finite, table_entries
from eventfit.report.result import limit_entry

__all__ = ["recast_document", "recast_text"]


def recast_document(recasts: Sequence[Recast], *, spectrum: str, cl: float) -> dict[str, Any]:
    """Upper limits on the strength of ``spectrum``; an experiment without one says why."""
    rows = [_row(recast, cl) for recast in recasts]
    signals = [recast.problem.signal for recast in recasts if recast.problem is not None]
    per_kg = any(signal is not None and not signal.per_electron for signal in signals)
    found: dict[str, Any] = finite(
        {"quantity": "upper_limit", "parameter": "strength", "spectrum": spectrum, "cl": cl, "per_kg": per_kg}
        | {"results": rows}
        | {"versions": versions()}
    )
    return found


def recast_text(document: Mapping[str, Any]) -> str:
    """The limits line by line, the strictest first, each with what its experiment is taken for."""
    rows = sorted(document["results"], key=lambda row: (row["value"] is None, row["value"] or 0.0))
    width = max(len(row["analysis"]) for row in rows)
    lines = [f"upper limits on the strength of {document['spectrum']}, {100 * document['cl']:g} % C.L., one-sided", ""]
    for row in rows:
        number = "-" if row["value"] is None else f"{row['value']:.4g}"
        kind = ", expected without data" if row["kind"] == "expected" else ""
        about = f"{row['window']} in {row['material']}{kind}{', ON minus OFF' if row['on_off'] else ''}"
        lines.append(f"{row['analysis']:<{width}}  {number:>10}  {about}: {row['taken_for']}")
        if row["value"] is None:
            lines.append(f"{'':<{width}}  {'':>10}  {row['status_text']}")
    if document["per_kg"] and len({row["material"] for row in rows if row["value"] is not None}) > 1:
        lines += [
            "",
            "a rate per kg is taken as it is in every material: a cross section per electron with --flux is not",
        ]
    if any(row["on_off"] for row in rows if row["value"] is not None):
        lines += [
            "",
            "ON minus OFF: the signal is taken as absent from what is subtracted; one that is always there cancels",
        ]
    lines += ["", "profile likelihood (qmu_tilde, asymptotic); response, backgrounds and errors as declared"]
    lines.append(" ".join(f"{name} {number}" for name, number in document["versions"].items()))
    return "\n".join(lines)


def _row(recast: Recast, cl: float) -> dict[str, Any]:
    declared, problem = recast.analysis.default, recast.problem
    edges, axis = declared.response.edges, declared.response.axis
    row = {
        "analysis": recast.analysis.id,
        "title": declared.title,
        "taken_for": recast.analysis.variants[DEFAULT][0],
        "material": declared.target.material,
        "window": axis.range(edges[0], edges[-1]),
        "kind": declared.data.kind,
        "on_off": on_off(declared),
    }
    if problem is None:
        assert recast.error is not None
        return {**row, **_nothing(recast.error)}
    try:
        limit = upper_limit_qmu_tilde(Profile(problem.likelihood, problem.poi), cl=cl)
    except StatisticsError as error:
        return {**row, **_nothing(error)}
    assert problem.model is not None
    numerical = problem.model.templates[-1].numerical_error
    beside = {"numerical_error": numerical, "notes": list(problem.notes), "tables": table_entries(problem.tables)}
    return {**row, **limit_entry(limit, problem.reported), **beside}


def _nothing(error: EventfitError) -> dict[str, Any]:
    """A row without a limit; the reason in one line."""
    about = [f"{word} {text}" for word, text in (("given", error.given), ("allowed", error.allowed)) if text]
    why = f"{error.problem} ({'; '.join(about)})" if about else error.problem
    return {"value": None, "status": "refused", "status_text": why}
