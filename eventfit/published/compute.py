"""One declared quantity of one variant, computed: the row or rows that it makes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

from eventfit.analysis import Model
from eventfit.analysis.wanted import (
    BandWanted,
    BestFitWanted,
    CountsWanted,
    EstimateWanted,
    GoodnessWanted,
    IntervalWanted,
    LimitWanted,
    NaiveWanted,
    RateWanted,
    SignificanceWanted,
    Wanted,
)
from eventfit.errors import StatisticsError, located
from eventfit.inference import (
    Interval,
    Limit,
    MethodCard,
    Profile,
    Significance,
    Status,
    Toys,
    discovery_significance,
    discovery_significance_toys,
    feldman_cousins_interval,
    goodness_of_fit,
    poisson_likelihood_ratio,
    profile_interval,
    s_over_sqrt_b,
    upper_limit_cls,
    upper_limit_delta_2_71,
    upper_limit_feldman_cousins_gaussian,
    upper_limit_flat_prior,
    upper_limit_qmu,
    upper_limit_qmu_tilde,
)
from eventfit.inference.card import profile_card
from eventfit.published.compare import made_by
from eventfit.published.rate import rate_row
from eventfit.published.row import Row

__all__ = ["LIMIT_RULES", "failed_row", "rows_of", "takes_toys", "toy_row"]

LIMIT_RULES: Mapping[str, Callable[..., Limit]] = {
    "qmu_tilde": upper_limit_qmu_tilde,
    "qmu": upper_limit_qmu,
    "cls": partial(upper_limit_cls, expected=False),
    "delta_2_71": upper_limit_delta_2_71,
    "bayes_flat": upper_limit_flat_prior,
    "feldman_cousins_gaussian": upper_limit_feldman_cousins_gaussian,
}


def rows_of(model: Model, profile: Profile | StatisticsError, wanted: Wanted) -> list[Row]:
    """The row or rows of one wanted quantity; a fit that failed gives a row without value that says why."""
    if isinstance(wanted, GoodnessWanted) and model.likelihood.unbinned:
        return []  # single events have no saturated model
    if isinstance(wanted, CountsWanted):
        return [_counts(model, wanted)]
    if isinstance(wanted, NaiveWanted):
        with located(f"{model.analysis}: result, naive_significance"):
            return _naive(model, wanted)
    if isinstance(wanted, BandWanted) or not made_by(wanted, model.declaration.poi):
        return []  # of all variants together; of another parameter
    if isinstance(profile, StatisticsError):
        return [failed_row(model, wanted, profile)]
    try:
        return [_fitted(model, profile, wanted)]
    except StatisticsError as error:
        return [failed_row(model, wanted, error)]


def failed_row(model: Model, wanted: Wanted, error: StatisticsError) -> Row:
    """A row without value, with the unit and level it would have had, and the reason."""
    unit = {"significance": "sigma", "gof": "-2 ln L", "gof_best_fit": "-2 ln L"}.get(
        wanted.quantity, model.reported.unit
    )
    sides: dict[str, Literal["one", "two"]] = {
        "interval": "two",
        "upper_limit": "one",
        "band": "one",
        "significance": "one",
    }
    card = MethodCard(
        wanted.quantity, "", "", sided=sides.get(wanted.quantity), cl=getattr(wanted, "cl", None), fitted_in=model.poi
    )
    return Row(wanted.quantity, model.reported.name, model.variant, model.kind, None, unit, card, "failed", str(error))


def _fitted(model: Model, profile: Profile, wanted: Wanted) -> Row:
    mu = model.reported
    if isinstance(wanted, IntervalWanted):
        return _interval_row(model, profile_interval(profile, cl=wanted.cl))
    if isinstance(wanted, LimitWanted):
        limit = LIMIT_RULES[wanted.rule](profile, cl=wanted.cl)
        return _row(model, wanted.quantity, mu.value(limit.value), mu.unit, limit.card, limit.status)
    if isinstance(wanted, BestFitWanted):
        card = profile_card(profile, method="maximum likelihood", statistic="-2 ln L", reference="")
        return _row(model, wanted.quantity, mu.value(profile.estimate), mu.unit, card, profile.best.status)
    if isinstance(wanted, EstimateWanted):
        return _estimate_row(model, profile)
    if isinstance(wanted, RateWanted):
        return rate_row(model, profile, wanted)
    if isinstance(wanted, GoodnessWanted):
        gof = goodness_of_fit(profile.at(0.0) if wanted.quantity == "gof" else profile.best)
        return _row(model, wanted.quantity, gof.minus_2_ln_l, "-2 ln L", gof.card, gof.status)
    return _significance_row(model, discovery_significance(profile))


def _estimate_row(model: Model, profile: Profile) -> Row:
    """The fit parameter without its bounds, in its own unit, with the error from the curvature."""
    likelihood = profile.likelihood.bounded(profile.parameter, -math.inf, math.inf)
    free = Profile(likelihood, profile.parameter)
    card = profile_card(
        free, method="maximum likelihood, no bound", statistic="-2 ln L", reference="", calibration="none"
    )
    unit = likelihood.parameters[free.index].unit
    error = float(free.best.errors[free.index])
    return _row(model, "estimate", free.estimate, unit, card, free.best.status, error=error)


def takes_toys(wanted: Wanted) -> bool:
    """Whether toys can calibrate this quantity."""
    return isinstance(wanted, IntervalWanted | SignificanceWanted)


def toy_row(model: Model, profile: Profile, wanted: Wanted, toys: Toys) -> Row:
    """An interval (Feldman-Cousins) or a significance by toys; without a value, and why, if it cannot be had."""
    assert takes_toys(wanted)
    try:
        if isinstance(wanted, IntervalWanted):
            return _interval_row(model, feldman_cousins_interval(profile, toys, cl=wanted.cl))
        return _significance_row(model, discovery_significance_toys(profile, toys))
    except StatisticsError as error:
        return failed_row(model, wanted, error)


def _interval_row(model: Model, interval: Interval) -> Row:
    """The row of an interval: its hull as value, all of its pieces, and the errors of their ends."""
    mu = model.reported
    pieces = tuple((mu.value(low), mu.value(high)) for low, high in interval.pieces)
    errors = tuple(
        (_quoted_error(model, low, down), _quoted_error(model, high, up))
        for (low, high), (down, up) in zip(interval.pieces, interval.errors, strict=False)
    )
    hull = (pieces[0][0], pieces[-1][1])
    return _row(model, "interval", hull, mu.unit, interval.card, interval.status, pieces=pieces, errors=errors)


def _quoted_error(model: Model, value: float, error: float) -> float:
    """Half of what the quoted quantity moves between ``value - error`` and ``value + error``."""
    return 0.5 * abs(model.reported.value(value + error) - model.reported.value(value - error))


def _significance_row(model: Model, result: Significance, kind: str | None = None) -> Row:
    """The row of a significance, from fits or naive."""
    return _row(model, "significance", result.z, "sigma", result.card, result.status, kind=kind, error=result.error)


def _row(
    model: Model,
    quantity: str,
    value: float | tuple[float, float],
    unit: str,
    card: MethodCard,
    status: Status,
    *,
    kind: str | None = None,
    pieces: tuple[tuple[float, float], ...] = (),
    error: float | None = None,
    errors: tuple[tuple[float, float], ...] = (),
) -> Row:
    """A row about the parameter of interest of ``model``, its status in words."""
    return Row(
        quantity=quantity,
        parameter=model.reported.name,
        variant=model.variant,
        kind=kind or model.kind,
        value=value,
        unit=unit,
        card=card,
        status=status.name.lower(),
        remedy=status.value,
        pieces=pieces,
        error=error,
        errors=errors,
    )


def _window(model: Model, wanted: CountsWanted | NaiveWanted) -> tuple[float, float]:
    """Observed counts and expected background (nominal norms) in the window."""
    low, high = wanted.window
    edges = model.observed.edges
    inside = (edges[:-1] >= low) & (edges[1:] <= high)
    expected = sum(float(b.values()[inside].sum()) for b in model.backgrounds)
    return float(model.observed.values()[inside].sum()), expected


def _counts(model: Model, wanted: CountsWanted) -> Row:
    observed, expected = _window(model, wanted)
    value = observed if wanted.quantity == "observed_counts" else expected
    low, high = wanted.window
    what = "events in the window" if value is observed else "sum of the backgrounds at their nominal norms"
    card = MethodCard(f"counts in {wanted.axis.span(low, high)}", what, "", calibration="none")
    return Row(wanted.quantity, "", model.variant, "counting", value, "counts", card)


def _naive(model: Model, wanted: NaiveWanted) -> list[Row]:
    observed, expected = _window(model, wanted)
    results = (s_over_sqrt_b(observed, expected), poisson_likelihood_ratio(observed, expected))
    return [_significance_row(model, result, "naive") for result in results]
