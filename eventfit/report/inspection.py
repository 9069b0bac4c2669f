"""What was understood of a problem, before any fit: bins, parameters, components with their yields, inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eventfit.analysis.problem import Problem
from eventfit.parameters import GaussianConstraint, Parameter
from eventfit.published import versions
from eventfit.report.json import finite, table_entries
from eventfit.report.result_text import aligned, quoted
from eventfit.report.spectrum_view import expected_parts

__all__ = ["inspection_document", "inspection_text"]

Entry = dict[str, Any]


def inspection_document(problem: Problem, variants: Mapping[str, str]) -> Entry:
    """The JSON object of an inspection; ``variants`` are those of the analysis with their meanings."""
    likelihood, model = problem.likelihood, problem.model
    index = likelihood.index(problem.poi)
    found: Entry = finite(
        {
            "quantity": "inspection",
            "name": problem.name,
            "title": problem.title,
            "variant": problem.variant,
            "measurement": problem.measurement,
            "parameter": problem.reported.name,
            "unit": problem.reported.unit,
            "fit_parameter": problem.poi,
            "fit_unit": likelihood.parameters[index].unit,
            "kind": None if model is None else model.kind,
            "bins": _bins(problem),
            "parameters": [_parameter(p) for p in likelihood.parameters],
            "components": _components(problem),
            "numerical_error": None if model is None else model.numerical_error,
            "morph_error": None if model is None else model.morph_error,
            "variants": dict(variants),
            "tables": table_entries(problem.tables),
            "inputs": dict(problem.input_hashes),
            "notes": list(problem.notes),
            "model_sha256": likelihood.model_hash,
            "versions": versions(),
        }
    )
    return found


def _bins(problem: Problem) -> Entry:
    """How many, over what, and what is in them."""
    likelihood, model = problem.likelihood, problem.model
    if model is None:
        channels = {channel.name: len(channel) for channel in problem.channels}
        return {"number": likelihood.n_bin, "channels": channels, "observed": float(likelihood.data.counts.sum())}
    edges, axis = model.observed.edges, model.declaration.response.axis
    return {
        "number": len(edges) - 1,
        "axis": axis.name,
        "unit": axis.unit,
        "low": float(edges[0]),
        "high": float(edges[-1]),
        "statistic": "single events"
        if likelihood.unbinned
        else "Gaussian"
        if model.spectrum_errors.any()
        else "Poisson",
        "correlated": model.rotation is not None,
        "observed": float(model.observed.values().sum()),
        "beside": [measurement.name for measurement in model.declaration.measurement],
    }


def _parameter(parameter: Parameter) -> Entry:
    constraint: Entry | None = None
    if isinstance(parameter.constraint, GaussianConstraint):
        constraint = {
            "kind": "gaussian",
            "measured": parameter.constraint.observed,
            "error": parameter.constraint.width,
        }
    elif parameter.constraint is not None:
        constraint = {"kind": "poisson", "counts": parameter.constraint.observed, "tau": parameter.constraint.tau}
    return {
        "name": parameter.name,
        "unit": parameter.unit,
        "start": parameter.start,
        "bounds": [parameter.lower, parameter.upper],
        "constraint": constraint,
        "meaning": parameter.meaning,
    }


def _components(problem: Problem) -> list[Entry]:
    """Events at the declared start, and of a template at the couplings that it was folded with."""
    likelihood, model = problem.likelihood, problem.model
    start = expected_parts(likelihood, likelihood.start, model, problem.samples)
    templates = {t.name: t for t in model.templates} if model is not None else {}
    couplings = {c.name: c for c in model.couplings} if model is not None else {}
    whole = {part: sample for sample, parts in problem.samples.items() for part in parts}
    factors: dict[str, set[str]] = {}
    for c in likelihood.components:
        factors.setdefault(whole.get(c.name, c.whole), set()).update(f.parameter for f in c.factors)
    for scale in likelihood.scales:
        for part in scale.components:
            factors.setdefault(whole.get(part, part), set()).add(scale.name)
    found = []
    for name, counts in start.items():
        template = templates.get(name)
        entry: Entry = {"name": name, "events": float(counts.sum()), "scales_with": sorted(factors.get(name, ()))}
        if template is not None:
            at = [couplings[power] for power in template.powers]
            entry |= {
                "process": template.process,
                "at_unit": float(template.spectrum.values().sum()),
                "unit_is": ", ".join(f"{c.reported} = {c.scale:g} {c.reported_unit}".rstrip() for c in at),
                "numerical_error": template.numerical_error,
            }
        found.append(entry)
    return found


# -- for people -------------------------------------------------------------------------------------------------------


def inspection_text(document: Mapping[str, Any]) -> str:
    """The document as text."""
    where = [document["name"]]
    where += [f"{key} {document[key]}" for key in ("variant", "measurement") if document[key]]
    quoted_as = "" if document["parameter"] == document["fit_parameter"] else f", fitted as {document['fit_parameter']}"
    lines = [
        f"{document['title']} ({', '.join(where)})",
        "",
        f"parameter of interest: {document['parameter']}{quoted_as}",
        _bins_text(document["bins"], document["kind"]),
        "",
        *aligned(
            [("parameter", "start", "bounds", "measured beforehand"), *map(_parameter_row, document["parameters"])]
        ),
        "",
        *_components_text(document["components"]),
    ]
    if document["numerical_error"] is not None:
        lines += ["", f"numerical error of the templates: {document['numerical_error']:.1g}"]
    if document["morph_error"] is not None:
        lines += [f"largest error of a morph of the response: {document['morph_error']:.1g} of a bin, within 3 sigma"]
    if document["tables"]:
        rows = [(t["name"], t["status"], _checks(t), t["sha256"][:12]) for t in document["tables"]]
        lines += ["", *aligned([("input", "status", "checks", "sha256"), *rows], left=range(4))]
    else:
        lines += ["", *(f"{name}: sha256 {sha256[:12]}" for name, sha256 in document["inputs"].items())]
    if len(document["variants"]) > 1:
        lines += ["", *(f"variant {name}: {meaning}" for name, meaning in document["variants"].items())]
    lines += [f"note: {note}" for note in document["notes"]]
    return "\n".join(lines)


def _bins_text(bins: Mapping[str, Any], kind: str | None) -> str:
    if "channels" in bins:
        parts = ", ".join(f"{name} ({number})" for name, number in bins["channels"].items())
        return f"bins: {bins['number']} in the channels {parts}; {bins['observed']:g} observed"
    what = {"expected": "expected without signal", "counting": "one measured number"}.get(kind or "", "observed")
    said = f"bins: {bins['number']} from {bins['low']:g} to {bins['high']:g} {bins['unit'] or bins['axis']}"
    said += f", {bins['statistic']}{', correlated' if bins['correlated'] else ''}; {bins['observed']:.6g} {what}"
    return said + (f"; beside them {', '.join(bins['beside'])}" if bins["beside"] else "")


def _parameter_row(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    low, high = entry["bounds"]
    bounds = f"{'-inf' if low is None else f'{low:g}'} to {'inf' if high is None else f'{high:g}'}"
    constraint, measured = entry["constraint"], "free"
    if constraint is not None:
        gaussian = constraint["kind"] == "gaussian"
        measured = (
            f"{constraint['measured']:g} +- {constraint['error']:g}"
            if gaussian
            else f"{constraint['counts']:g} counts / {constraint['tau']:g}"
        )
    unit = "" if entry["unit"] in ("", "sigma") else f" {entry['unit']}"
    return entry["name"], f"{entry['start']:g}{unit}", bounds, measured


def _components_text(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [("component", "events at the start", "at unit coupling", "scales with")]
    for entry in entries:
        unit = f"{quoted(entry['at_unit'])} ({entry['unit_is']})" if entry.get("unit_is") else ""
        rows.append((entry["name"], quoted(entry["events"]), unit, ", ".join(entry["scales_with"]) or "nothing"))
    total = sum(entry["events"] for entry in entries)
    return aligned([*rows, ("sum", quoted(total), "", "")], left=(0, 2, 3))


def _checks(table: Mapping[str, Any]) -> str:
    return "none" if table["status"] == "user" else "hold" if table["checks_hold"] else "FAIL"
