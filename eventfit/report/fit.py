"""A fit as a JSON object: every parameter with its error and pull, correlations, yields, goodness of fit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from eventfit.analysis.problem import Problem
from eventfit.inference import FitResult, Profile, goodness_of_fit
from eventfit.inference.card import profile_card
from eventfit.report.estimates import Estimate, correlations, estimates, yield_errors
from eventfit.report.json import card_entry
from eventfit.report.spectrum_view import expected_parts

__all__ = ["fit_entry"]

Entry = dict[str, Any]


def fit_entry(problem: Problem, profile: Profile, result: FitResult) -> Entry:
    """``result``, the best fit of ``profile`` or one with its parameter held, in the words of a document."""
    held = profile.parameter in result.fixed
    card = profile_card(profile, method="maximum likelihood", statistic="-2 ln L", reference="", calibration="none")
    model, observed = problem.model, float(problem.likelihood.data.counts.sum())
    return {
        "value": problem.reported.value(result[profile.parameter]),
        "held": held,
        "fitted": {name: result[name] for name in result.names},
        "parameters": [_parameter(estimate) for estimate in estimates(result)],
        "correlations": _correlations(result),
        "yields": _yields(problem, result),
        "observed": observed if model is None else float(model.observed.values().sum()),
        "minus_2_ln_l": result.minus_2_ln_l,
        "goodness": _goodness(result),
        "at_bound": list(result.at_bound),
        "edm": result.edm,
        "minimiser": result.minimiser,
        "card": card_entry(card),
        "status": result.status.name.lower(),
        "status_text": result.status.value,
    }


def _parameter(estimate: Estimate) -> Entry:
    note = "at its bound" if estimate.at_bound else ""
    return {**asdict(estimate), "pull": estimate.pull, "constraint": estimate.constraint, "note": note}


def _correlations(result: FitResult) -> Entry:
    """The matrix of the parameters that have an error, and its pairs, the largest first."""
    names, matrix = correlations(result, most=len(result.names))
    pairs = [(names[i], names[j], float(matrix[i, j])) for i in range(len(names)) for j in range(i)]
    pairs.sort(key=lambda pair: -abs(pair[2]))
    return {"names": list(names), "matrix": matrix.tolist(), "largest": pairs}


def _yields(problem: Problem, result: FitResult) -> list[Entry]:
    likelihood, model, samples = problem.likelihood, problem.model, problem.samples
    errors = yield_errors(result, model, samples)[0]
    start = expected_parts(likelihood, likelihood.start, model, samples)
    best = expected_parts(likelihood, result.values, model, samples)
    return [
        {"name": n, "start": float(start[n].sum()), "value": float(np.sum(best[n])), "error": errors[n]} for n in best
    ]


def _goodness(result: FitResult) -> Entry | None:
    """None for single events, which have no saturated model."""
    if result.likelihood.unbinned:
        return None
    found = goodness_of_fit(result)
    return {
        "value": found.minus_2_ln_l,
        "degrees_of_freedom": found.degrees_of_freedom,
        "p_value": found.p_value,
        "method": found.card.method,
    }
