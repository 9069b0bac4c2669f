"""Rerunning an analysis: all rows of all variants, with what they rest on."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from eventfit.analysis import Analysis, Model
from eventfit.analysis.reading import DEFAULT
from eventfit.analysis.wanted import BandWanted, CountsWanted, NaiveWanted, Wanted
from eventfit.errors import DeclarationError, InputError, StatisticsError
from eventfit.inference import Profile, Toys
from eventfit.notebook import html_table, written
from eventfit.published.band import band_row
from eventfit.published.compare import check_published, check_wanted, made_by, with_published
from eventfit.published.compute import rows_of, takes_toys, toy_row
from eventfit.published.row import Row
from eventfit.tables import Table
from eventfit.timing import StageClock

__all__ = ["Reproduction", "Run", "reproduce", "versions"]


@dataclass(frozen=True, eq=False)
class Run:
    """One variant's model with its profile, for figures and further questions; no profile: its best fit failed."""

    model: Model
    profile: Profile | None


@dataclass(frozen=True, eq=False)
class Reproduction:
    """All rows of an analysis, or of some of its variants, with what they rest on."""

    analysis: Analysis
    rows: tuple[Row, ...]
    runs: Mapping[str, Run]
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table used by any variant."""
        tables = {table.name: table for run in self.runs.values() for table in run.model.tables}
        return tuple(tables[name] for name in sorted(tables))

    def _repr_html_(self) -> str:
        """Published beside ours, with the method of ours."""
        rows = [
            (
                row.quantity,
                row.variant,
                "" if row.published is None else written(row.published.value),
                row.status if row.value is None else written(row.value),
                row.unit,
                row.card.method + (f", {100 * row.card.cl:g} % C.L." if row.card.cl is not None else ""),
            )
            for row in self.rows
        ]
        head = ("quantity", "variant", "published", "ours", "unit", "method")
        return html_table(self.analysis.default.title, rows, head)

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
    toys: Toys | None = None,
    on_variant: Callable[[str], None] | None = None,
    variants: Sequence[str] | None = None,
    clock: StageClock | None = None,
) -> Reproduction:
    """Compute every declared result for every variant; plain counting, which no variant changes, once.

    Parameters
    ----------
    toys
        For intervals (Feldman-Cousins) and the significance of the default variant, beside the asymptotic ones. Below
        the folder of their run each quantity has one of its own.
    on_variant
        Called with the variant that starts.
    variants
        These alone.
    clock
        Takes the time of every stage.

    Raises
    ------
    DeclarationError, UnknownName
        No result is declared, one is of no variant, or a published value matches no computed one.
    InputError
        There are toys, but no result that they calibrate.
    """
    if not analysis.default.result:
        raise DeclarationError(
            "the declaration asks for no result",
            where=f"{analysis.path}: result",
            fix='add a [[result]] table, e.g. quantity = "interval" and cl = 0.90',
        )
    check_wanted(analysis)
    check_published(analysis)
    if toys is not None and not any(takes_toys(wanted) for wanted in analysis.default.result):
        raise InputError(
            "no declared result is calibrated by toys",
            where=f"{analysis.path}: result",
            allowed="interval, significance",
        )
    rows: list[Row] = []
    runs: dict[str, Run] = {}
    profiles: dict[str, Profile | StatisticsError] = {}
    clock = clock or StageClock()
    for name in analysis.variants if variants is None else variants:
        if on_variant is not None:
            on_variant(name)
        with clock.stage("reading"):
            model = analysis.model(name, clock=clock)
        with clock.stage("best fit"):
            profiles[name] = profile = _profile(model)
        runs[name] = Run(model, profile if isinstance(profile, Profile) else None)
        for wanted in model.declaration.result:
            if name == DEFAULT or not isinstance(wanted, CountsWanted | NaiveWanted):
                with clock.stage(_stage(wanted)):
                    rows += rows_of(model, profile, wanted)
        if toys is not None and name == DEFAULT:
            with clock.stage("toys"):
                rows += _toy_rows(model, toys)
    bands = [wanted for wanted in analysis.default.result if isinstance(wanted, BandWanted) and DEFAULT in runs]
    with clock.stage("limits"):
        rows = [*(band_row(runs[DEFAULT].model, profiles, wanted) for wanted in bands), *rows]
    return Reproduction(analysis, tuple(with_published(analysis, row) for row in rows), runs, versions())


def _stage(wanted: Wanted) -> str:
    """What the clock calls the time of this quantity."""
    return {
        "interval": "intervals",
        "upper_limit": "limits",
        "significance": "significance",
        "best_fit": "best fit",
        "estimate": "best fit",
        "rate": "rates",
        "predicted_rate": "rates",
        "gof": "goodness",
        "gof_best_fit": "goodness",
    }.get(wanted.quantity, "counting")


def _toy_rows(model: Model, toys: Toys) -> list[Row]:
    """A row for every quantity that takes toys; none if there is no best fit, which the other rows say.

    Every quantity begins with a profile of its own: what a toy depends on does not depend on what was computed before.
    """
    rows = []
    poi = model.declaration.poi
    wanted_here = [wanted for wanted in model.declaration.result if takes_toys(wanted) and made_by(wanted, poi)]
    for number, wanted in enumerate(wanted_here):
        profile = _profile(model)
        if isinstance(profile, Profile):
            run = None if toys.run is None else toys.run / f"{wanted.quantity}_{number + 1}"
            rows.append(toy_row(model, profile, wanted, replace(toys, run=run)))
    return rows


def _profile(model: Model) -> Profile | StatisticsError:
    """The profile, or why there is none: every quantity that needs it then says so."""
    try:
        return Profile(model.likelihood, model.poi)
    except StatisticsError as error:
        return error
