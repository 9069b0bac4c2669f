"""Published results beside ours: every declared quantity for every declared variant."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from eventfit.analysis import Analysis, Model
from eventfit.analysis.reading import DEFAULT
from eventfit.analysis.wanted import (
    BestFitWanted,
    CountsWanted,
    GoodnessWanted,
    IntervalWanted,
    LimitWanted,
    NaiveWanted,
    Published,
    Wanted,
)
from eventfit.errors import DeclarationError, StatisticsError
from eventfit.inference import (
    MethodCard,
    Profile,
    Significance,
    discovery_significance,
    discovery_significance_toys,
    goodness_of_fit,
    poisson_likelihood_ratio,
    profile_interval,
    s_over_sqrt_b,
    upper_limit_delta_2_71,
    upper_limit_qmu_tilde,
)
from eventfit.inference.card import profile_card
from eventfit.tables import Table

__all__ = ["Reproduction", "Row", "Run", "reproduce", "versions"]

LIMIT_RULES = {"qmu_tilde": upper_limit_qmu_tilde, "delta_2_71": upper_limit_delta_2_71}


@dataclass(frozen=True)
class Row:
    """One number of ours, how it was made, and the published one if there is one."""

    quantity: str
    parameter: str
    variant: str
    kind: str
    value: float | tuple[float, float] | None
    unit: str
    card: MethodCard
    status: str = "ok"
    remedy: str = ""
    pieces: tuple[tuple[float, float], ...] = ()
    error: float | None = None
    published: Published | None = None

    @property
    def ratio(self) -> tuple[float, ...]:
        """Ours over published, end by end for an interval; empty where there is nothing to compare."""
        if self.published is None or self.value is None:
            return ()
        ours = self.value if isinstance(self.value, tuple) else (self.value,)
        theirs = self.published.value if isinstance(self.published.value, list) else [self.published.value]
        return tuple(a / b for a, b in zip(ours, theirs, strict=True)) if len(ours) == len(theirs) else ()


@dataclass(frozen=True, eq=False)
class Run:
    """One variant's model with its profile, for figures and further questions; no profile: its best fit failed."""

    model: Model
    profile: Profile | None


@dataclass(frozen=True, eq=False)
class Reproduction:
    """All rows of an analysis with what they rest on."""

    analysis: Analysis
    rows: tuple[Row, ...]
    runs: Mapping[str, Run]
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table used by any variant."""
        tables = {table.name: table for run in self.runs.values() for table in run.model.tables}
        return tuple(tables[name] for name in sorted(tables))

    @property
    def failed(self) -> bool:
        """Whether any number is missing because a fit failed."""
        return any(row.value is None for row in self.rows)


def versions() -> dict[str, str]:
    """Versions of everything that moves a number."""
    packages = ("eventfit", "numpy", "scipy", "iminuit")
    return {name: version(name) for name in packages} | {"python": platform.python_version()}


def reproduce(
    analysis: Analysis,
    *,
    toys: int = 0,
    seed: int = 1,
    on_variant: Callable[[str], None] | None = None,
    on_toys: Callable[[int], None] | None = None,
) -> Reproduction:
    """Compute every declared result for every variant; plain counting, which no variant changes, once.

    Parameters
    ----------
    toys
        Toys for the significance of the default variant, beside the asymptotic one; 0 for none.
    on_variant, on_toys
        Called with the variant that starts, and with the number of toys finished since the last call.

    Raises
    ------
    DeclarationError
        No result is declared, or a published value matches no computed one.
    """
    if not analysis.default.result:
        raise DeclarationError(
            "the declaration asks for no result",
            where=f"{analysis.path}: result",
            fix='add a [[result]] table, e.g. quantity = "interval" and cl = 0.90',
        )
    rows: list[Row] = []
    runs: dict[str, Run] = {}
    for name in analysis.variants:
        if on_variant is not None:
            on_variant(name)
        model = analysis.model(name)
        try:
            profile = Profile(model.likelihood, model.poi)
        except StatisticsError:
            profile = None
        runs[name] = Run(model, profile)
        for wanted in model.declaration.result:
            if name == DEFAULT or not isinstance(wanted, CountsWanted | NaiveWanted):
                rows += _rows(model, profile, wanted)
        if toys and name == DEFAULT and profile is not None:
            rows.append(_significance(model, discovery_significance_toys(profile, n=toys, seed=seed, progress=on_toys)))
    return Reproduction(analysis, tuple(_with_published(analysis, rows)), runs, versions())


def _rows(model: Model, profile: Profile | None, wanted: Wanted) -> list[Row]:
    """The row or rows of one wanted quantity; a failed fit gives a row without value that says why."""
    if isinstance(wanted, CountsWanted):
        return [_counts(model, wanted)]
    if isinstance(wanted, NaiveWanted):
        return _naive(model, wanted)
    try:
        if profile is None:
            profile = Profile(model.likelihood, model.poi)
        return [_fitted(model, profile, wanted)]
    except StatisticsError as error:
        card = MethodCard(wanted.quantity, "", "")
        name, unit = model.reported.name, model.reported.unit
        row = Row(wanted.quantity, name, model.variant, "observed", None, unit, card, "failed", str(error))
        return [row]


def _fitted(model: Model, profile: Profile, wanted: Wanted) -> Row:
    mu, kind = model.reported, "observed"
    if isinstance(wanted, IntervalWanted):
        interval = profile_interval(profile, cl=wanted.cl)
        pieces = tuple((mu.value(low), mu.value(high)) for low, high in interval.pieces)
        hull = (pieces[0][0], pieces[-1][1])
        status = interval.status
        return Row(
            "interval",
            mu.name,
            model.variant,
            kind,
            hull,
            mu.unit,
            interval.card,
            status.name.lower(),
            status.value,
            pieces,
        )
    if isinstance(wanted, LimitWanted):
        limit = LIMIT_RULES[wanted.rule](profile, cl=wanted.cl)
        value, status, card = mu.value(limit.value), limit.status, limit.card
    elif isinstance(wanted, BestFitWanted):
        value, status = mu.value(profile.estimate), profile.best.status
        card = profile_card(profile, method="maximum likelihood", statistic="-2 ln L", reference="")
    elif isinstance(wanted, GoodnessWanted):
        goodness = goodness_of_fit(profile.at(0.0) if wanted.quantity == "gof" else profile.best)
        return Row(wanted.quantity, mu.name, model.variant, kind, goodness.minus_2_ln_l, "-2 ln L", goodness.card)
    else:
        return _significance(model, discovery_significance(profile))
    return Row(wanted.quantity, mu.name, model.variant, kind, value, mu.unit, card, status.name.lower(), status.value)


def _significance(model: Model, result: Significance, kind: str = "observed") -> Row:
    return Row(
        "significance",
        model.reported.name,
        model.variant,
        kind,
        result.z,
        "sigma",
        result.card,
        result.status.name.lower() if kind == "observed" else "ok",
        error=result.error,
    )


def _window(model: Model, wanted: CountsWanted | NaiveWanted) -> tuple[float, float]:
    """Observed counts and expected background (nominal norms) in the window."""
    low, high = wanted.window_keV
    edges = model.observed.edges
    inside = (edges[:-1] >= low) & (edges[1:] <= high)
    expected = sum(float(b.values()[inside].sum()) for b in model.backgrounds)
    return float(model.observed.values()[inside].sum()), expected


def _counts(model: Model, wanted: CountsWanted) -> Row:
    observed, expected = _window(model, wanted)
    value = observed if wanted.quantity == "observed_counts" else expected
    low, high = wanted.window_keV
    what = "events in the window" if value is observed else "sum of the backgrounds at their nominal norms"
    card = MethodCard(f"counts in {low:g}-{high:g} keV", what, "", calibration="none")
    return Row(wanted.quantity, "", model.variant, "counting", value, "counts", card)


def _naive(model: Model, wanted: NaiveWanted) -> list[Row]:
    observed, expected = _window(model, wanted)
    results = (s_over_sqrt_b(observed, expected), poisson_likelihood_ratio(observed, expected))
    return [_significance(model, result, "naive") for result in results]


def _with_published(analysis: Analysis, rows: list[Row]) -> list[Row]:
    """Each row with the published value of its quantity, variant and kind; one that matches no row is refused."""
    theirs: dict[tuple[str, str, str], Published] = {
        (p.quantity, p.variant, p.kind): p for p in analysis.default.published
    }
    unmatched = [p for key, p in theirs.items() if key not in {_key(row) for row in rows}]
    if unmatched:
        missing = unmatched[0]
        raise DeclarationError(
            "a published value has no result of ours beside it",
            where=f"{analysis.path}: published",
            given=f"{missing.quantity}, variant {missing.variant}, kind {missing.kind}",
            allowed="quantity, variant and kind of a computed [[result]]",
        )
    return [replace(row, published=theirs.get(_key(row))) for row in rows]


def _key(row: Row) -> tuple[str, str, str]:
    return row.quantity, row.variant, row.kind
