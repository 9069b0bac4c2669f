"""Which published value stands beside which row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eventfit.analysis import Analysis
from eventfit.analysis.reading import DEFAULT
from eventfit.analysis.wanted import (
    BandWanted,
    CountsWanted,
    NaiveWanted,
    OfInterest,
    Published,
    RateWanted,
    Wanted,
)
from eventfit.errors import DeclarationError, UnknownName
from eventfit.published.row import Row

__all__ = ["check_published", "check_wanted", "made_by", "with_published"]


def check_published(analysis: Analysis) -> None:
    """Refuse a published value that no result of ours will stand beside, and two for one result.

    Raises
    ------
    DeclarationError
        The message names the published value.
    """
    seen: list[Published] = []
    for number, theirs in enumerate(analysis.default.published, 1):
        where = f"{analysis.path}: published[{number}]"
        pair = isinstance(theirs.value, list)
        good = [
            (quantity, kind) == (theirs.quantity, theirs.kind)
            and theirs.cl in (None, cl)
            and pair == (quantity == "interval")
            for quantity, kind, cl in _ours(analysis, theirs.variant)
        ]
        band = theirs.quantity == "band"
        own = theirs.kind == analysis.default.data.kind and not band  # counts, naive numbers and bands are made once
        here = theirs.variant in analysis.variants and (own or theirs.variant == DEFAULT)
        if not (any(good) and here):
            raise DeclarationError(
                "a published value has no result of ours beside it",
                where=where,
                given=f"{theirs.quantity}, variant {theirs.variant}, kind {theirs.kind}, value {theirs.value}",
                allowed="quantity, kind and cl of a [[result]] (an interval for an interval), and a declared variant",
            )
        if any(_key(theirs) == _key(other) and None in (theirs.cl, other.cl) for other in seen) or theirs in seen:
            raise DeclarationError("two published values stand beside one result", where=where, given=theirs.quantity)
        seen.append(theirs)


def check_wanted(analysis: Analysis) -> None:
    """Refuse a result that no variant makes, and a band of variants that are not there or of different parameters.

    Raises
    ------
    DeclarationError, UnknownName
        The message names the result.
    """
    pois = {name: declared.poi for name, (_, declared) in analysis.variants.items()}
    for number, wanted in enumerate(analysis.default.result, 1):
        where = f"{analysis.path}: result[{number}]"
        if isinstance(wanted, OfInterest) and wanted.poi not in (None, *pois.values()):
            allowed = ", ".join(dict.fromkeys(pois.values()))
            raise UnknownName(
                "no variant has this parameter of interest", where=f"{where}.poi", given=wanted.poi, allowed=allowed
            )
        if isinstance(wanted, BandWanted):
            _check_band(wanted, pois, f"{where}.variants")


def _check_band(wanted: BandWanted, pois: Mapping[str, str], where: str) -> None:
    for name in wanted.variants:
        if name not in pois:
            raise UnknownName("there is no such variant", where=where, given=name, allowed=", ".join(pois))
        if pois[name] != pois[DEFAULT]:
            raise DeclarationError(
                "a band is one of the default's parameter of interest",
                where=where,
                given=f"{pois[name]} in {name}",
                allowed=pois[DEFAULT],
            )


def made_by(wanted: Wanted, poi: str) -> bool:
    """Whether a variant with the parameter of interest ``poi`` makes a row of its own for ``wanted``."""
    return not isinstance(wanted, OfInterest) or wanted.poi in (None, poi)


def _ours(analysis: Analysis, variant: str) -> list[tuple[str, str, float | None]]:
    """Quantity, kind and level of the rows of ``variant``; none if there is no such variant."""
    if variant not in analysis.variants:
        return []
    poi, kind = analysis.variants[variant][1].poi, analysis.default.data.kind
    return [_computed(wanted, kind) for wanted in analysis.default.result if made_by(wanted, poi)]


def _computed(wanted: Wanted, own: str) -> tuple[str, str, float | None]:
    """Quantity, kind and level of the row that ``wanted`` makes."""
    if isinstance(wanted, NaiveWanted):
        return "significance", "naive", None
    if isinstance(wanted, RateWanted):
        return wanted.label, own, None
    kind = "counting" if isinstance(wanted, CountsWanted) else own
    return wanted.quantity, kind, getattr(wanted, "cl", None)


def with_published(analysis: Analysis, row: Row) -> Row:
    """The row with the published value of its quantity, variant, kind and level, if there is one."""
    for theirs in analysis.default.published:
        if _key(theirs) == _key(row) and theirs.cl in (None, row.card.cl):
            return replace(row, published=theirs)
    return row


def _key(entry: Row | Published) -> tuple[str, str, str]:
    return entry.quantity, entry.variant, entry.kind
