"""Results of the methods as JSON objects: each number as it is quoted, as it was fitted, and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eventfit.analysis.problem import Problem
from eventfit.inference import (
    Contour,
    Coverage,
    Impact,
    Interval,
    Limit,
    Profile,
    Scan,
    Significance,
    Status,
    ToySample,
)
from eventfit.inference.results import MethodCard
from eventfit.inference.statistic import StatisticName
from eventfit.inference.toys.tails import statistic_of
from eventfit.parameters import Reported
from eventfit.published import versions
from eventfit.quadrature import Array
from eventfit.report.json import card_entry, finite, table_entries

__all__ = [
    "contour_entry",
    "coverage_entry",
    "impact_entries",
    "interval_entry",
    "limit_entry",
    "result_document",
    "sample_entry",
    "scan_entry",
    "significance_entry",
]

Entry = dict[str, Any]
#: shares of the toys whose quantiles are printed
SHARES = (0.16, 0.5, 0.84, 0.9, 0.95, 0.99)


def result_document(
    problem: Problem,
    quantity: str,
    entry: Mapping[str, Any],
    *,
    parameter: str | None = None,
    reported: Reported | None = None,
    timing: Mapping[str, Any] | None = None,
) -> Entry:
    """One result with what it rests on; all that depends on the machine's speed stands under ``timing``."""
    parameter, reported = parameter or problem.poi, reported or problem.reported
    index = problem.likelihood.index(parameter)
    head = {
        "quantity": quantity,
        "name": problem.name,
        "title": problem.title,
        "variant": problem.variant,
        "measurement": problem.measurement,
        "parameter": reported.name,
        "unit": reported.unit,
        "fit_parameter": parameter,
        "fit_unit": problem.likelihood.parameters[index].unit,
    }
    if problem.assumptions and "card" in entry:
        card = entry["card"]
        entry = {**entry, "card": {**card, "note": "; ".join(filter(None, (*problem.assumptions, card["note"])))}}
    rest = {
        "notes": list(problem.notes),
        "inputs": dict(problem.input_hashes),
        "tables": table_entries(problem.tables),
        "versions": versions(),
        "timing": dict(timing or {}),
    }
    found: Entry = finite({**head, **entry, **rest})
    return found


def limit_entry(limit: Limit, reported: Reported) -> Entry:
    """An upper limit with its expected bands; without a value where the bound was reached."""
    value = limit.value if limit.status.good else None
    bands = [{"sigmas": sigmas, "value": reported.value(band), "fitted": band} for sigmas, band in limit.expected]
    return {
        "value": None if value is None else reported.value(value),
        "error": _quoted_error(reported, limit.value, limit.error),
        "fitted": {"value": value, "error": limit.error},
        "expected": bands,
        **_meaning(limit.card, limit.status),
    }


def interval_entry(interval: Interval, reported: Reported) -> Entry:
    """All pieces of an interval with the errors of their ends."""
    pieces = [[reported.value(end) for end in piece] for piece in interval.pieces]
    errors = [
        [_quoted_error(reported, end, error) for end, error in zip(piece, both, strict=True)]
        for piece, both in zip(interval.pieces, interval.errors, strict=False)
    ]
    fitted = {"pieces": interval.pieces, "errors": interval.errors, "estimate": interval.estimate}
    return {
        "value": [pieces[0][0], pieces[-1][1]] if pieces else None,
        "pieces": pieces,
        "errors": errors,
        "estimate": reported.value(interval.estimate),
        "fitted": fitted,
        **_meaning(interval.card, interval.status),
    }


def significance_entry(result: Significance) -> Entry:
    """Z and p with their errors, if toys calibrated them, and the statistic."""
    return {
        "value": result.z,
        "error": result.error,
        "p_value": result.p_value,
        "p_error": result.p_error,
        "statistic_value": result.q0,
        **_meaning(result.card, result.status),
    }


def scan_entry(scan: Scan, reported: Reported, card: MethodCard, raw: Scan | None) -> Entry:
    """The points of a scan; ``raw_delta`` holds the others at the best fit."""
    estimate = float(scan.best[scan.parameter])
    found = {
        "values": [reported.value(float(value)) for value in scan.values],
        "delta": scan.delta.tolist(),
        "estimate": reported.value(estimate),
        "fitted": {"values": scan.values.tolist(), "estimate": estimate, "minus_2_ln_l": scan.best.minus_2_ln_l},
        **_meaning(card, scan.status),
    }
    return found if raw is None else {**found, "raw_delta": raw.delta.tolist()}


def contour_entry(contour: Contour, labels: tuple[str, str]) -> Entry:
    """The grid of two fit parameters, the heights of the contours, and the best fit."""
    x, y = contour.parameters
    return {
        "parameters": [x, y],
        "labels": list(labels),
        "levels": [{"cl": cl, "height": height} for cl, height in contour.levels],
        "estimate": {name: contour.best[name] for name in (x, y)},
        "x": contour.x.tolist(),
        "y": contour.y.tolist(),
        "delta": contour.delta.tolist(),
        **_meaning(contour.card, contour.status),
    }


def impact_entries(impacts: Sequence[Impact], limit: Limit, reported: Reported) -> list[Entry]:
    """Changes of the limit, the largest first."""

    def change(step: float) -> float:
        return reported.value(limit.value + step) - reported.value(limit.value)

    return [
        {
            "name": impact.name,
            "kind": impact.kind,
            "down": change(impact.down),
            "up": change(impact.up),
            "fitted": {"down": impact.down, "up": impact.up},
        }
        for impact in impacts
    ]


def coverage_entry(found: Coverage, of: str, reported: Reported) -> Entry:
    """How often a method covers a true value."""
    return {
        "at": reported.value(found.true),
        "fitted": found.true,
        "of": of,
        "cl": found.card.cl,
        "coverage": found.coverage,
        "error": found.error,
        "failed": found.failed,
        "card": card_entry(found.card),
    }


def sample_entry(
    sample: ToySample, at: float, statistic: StatisticName, observed: float, profile: Profile, reported: Reported
) -> Entry:
    """A sample of toys in few numbers: the estimates, the quantiles of the statistic, and how the fits went."""
    good = ~sample.failed
    estimate, values = sample.estimate[good], statistic_of(sample, statistic)
    n = len(sample.failed)
    return {
        "at": reported.value(at),
        "tested": reported.value(sample.tested_at),
        "fitted": {"at": at, "tested": sample.tested_at, "estimate": profile.estimate},
        "toys": n,
        "failed": int(sample.failed.sum()),
        "fallback_share": sample.fallback / n,
        "estimates": {
            "mean": float(estimate.mean()) if len(estimate) else None,
            "rms": float(estimate.std()) if len(estimate) else None,
            "quantiles": _quantiles(estimate),
        },
        "statistic": statistic,
        "observed": observed,
        "quantiles": _quantiles(values),
    }


def _quantiles(values: Array) -> list[Entry]:
    if not len(values):
        return []
    found = np.quantile(values, SHARES, method="inverted_cdf")  # no interpolation with the infinite ones that failed
    return [{"share": share, "value": float(value)} for share, value in zip(SHARES, found, strict=True)]


def _quoted_error(reported: Reported, value: float, error: float | None) -> float | None:
    """Half of what the quoted quantity moves between ``value - error`` and ``value + error``."""
    if error is None:
        return None
    return 0.5 * abs(reported.value(value + error) - reported.value(value - error))


def _meaning(card: MethodCard, status: Status) -> Entry:
    return {"card": card_entry(card), "status": status.name.lower(), "status_text": status.value}
