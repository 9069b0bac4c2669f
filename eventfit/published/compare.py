"""Which published value stands beside which row."""

from __future__ import annotations

from dataclasses import replace

from eventfit.analysis import Analysis
from eventfit.analysis.reading import DEFAULT
from eventfit.analysis.wanted import CountsWanted, NaiveWanted, Published, RateWanted, Wanted
from eventfit.errors import DeclarationError
from eventfit.published.row import Row

__all__ = ["check_published", "with_published"]


def check_published(analysis: Analysis) -> None:
    """Refuse a published value that no result of ours will stand beside, and two for one result.

    Raises
    ------
    DeclarationError
        The message names the published value.
    """
    ours = [_computed(wanted, analysis.default.data.kind) for wanted in analysis.default.result]
    seen: list[Published] = []
    for number, theirs in enumerate(analysis.default.published, 1):
        where = f"{analysis.path}: published[{number}]"
        pair = isinstance(theirs.value, list)
        good = [
            (quantity, kind) == (theirs.quantity, theirs.kind)
            and theirs.cl in (None, cl)
            and pair == (quantity == "interval")
            for quantity, kind, cl in ours
        ]
        own = theirs.kind == analysis.default.data.kind  # counts and naive numbers are computed once
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
