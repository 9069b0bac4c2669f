"""Published limits on electromagnetic couplings of neutrinos, from the table ``published/limits``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from eventfit.errors import BadTable
from eventfit.provenance import Status
from eventfit.tables import Tables

__all__ = ["Category", "Form", "Kind", "PublishedLimit", "Source", "published_limits"]

Kind = Literal["magnetic_moment", "millicharge", "charge_radius"]
#: where the neutrinos come from; those in detectors for dark matter are solar
Source = Literal["reactor", "accelerator", "solar", "dark-matter", "astrophysics", "laboratory"]
#: from above on the absolute value; two-sided at a level; what several analyses found
Form = Literal["limit", "interval", "range"]
Category = Literal["collaboration", "external", "astrophysics", "projection", "talk", "withdrawn"]

TABLE = "published/limits"
UNSTATED, NOT_LISTED, NO_NOTE = "not stated", "not listed", "-"
UNITS: dict[Kind, str] = {"magnetic_moment": "mu_B", "millicharge": "e", "charge_radius": "cm^2"}

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class PublishedLimit:
    """One row of the table.

    Attributes
    ----------
    key
        Its name in the table, unique.
    source
        Where the neutrinos come from.
    year, cl
        None where the source does not state it.
    low, high
        The ends of an interval or a range in ``unit``; a limit is ``high``, of the absolute value, and ``low`` is 0.
    category
        Whose it is, or that it is no limit: a projection, what a talk quotes, what was withdrawn.
    status
        How far the row can be trusted.
    pdg
        The document in the listings of the Particle Data Group that gives this value, None if there is none.
    """

    key: str
    kind: Kind
    source: Source
    experiment: str
    year: int | None
    reference: str
    observable: str
    form: Form
    low: float
    high: float
    unit: str
    cl: float | None
    category: Category
    method: str
    status: Status
    pdg: str | None
    note: str


def published_limits(tables: Tables) -> tuple[PublishedLimit, ...]:
    """Every row of the table of published limits, in its order: by kind, then by year.

    Raises
    ------
    BadTable
        A word is none of those that the table may use, a year or a level is no number, a unit is not that of the kind,
        or the ends of an interval are the wrong way round.
    """
    table = tables.read(TABLE)
    return tuple(
        _row({name: cells[i] for name, cells in table.text.items()}, float(table["low"][i]), float(table["high"][i]))
        for i in range(len(table["high"]))
    )


def _row(cells: dict[str, str], low: float, high: float) -> PublishedLimit:
    where = f"{TABLE}, row {cells['limit']}"
    kind: Kind = _word(cells["kind"], get_args(Kind), where)
    form: Form = _word(cells["form"], get_args(Form), where)
    if cells["unit"] != UNITS[kind]:
        raise BadTable("a unit is not that of its kind", where=where, given=cells["unit"], allowed=UNITS[kind])
    if not low < high or (form == "limit" and low != 0.0):
        raise BadTable(
            "the ends of a row cannot be those of its form",
            where=where,
            given=f"{form}, {low:g} to {high:g}",
            allowed="low below high, and 0 for a limit",
        )
    return PublishedLimit(
        key=cells["limit"],
        kind=kind,
        source=_word(cells["source"], get_args(Source), where),
        experiment=cells["experiment"],
        year=_year(cells["year"], where),
        reference=cells["reference"],
        observable=cells["observable"],
        form=form,
        low=low,
        high=high,
        unit=cells["unit"],
        cl=_level(cells["cl"], where),
        category=_word(cells["category"], get_args(Category), where),
        method=cells["method"],
        status=_word(cells["row_status"], get_args(Status), where),
        pdg=None if cells["pdg"] == NOT_LISTED else cells["pdg"],
        note="" if cells["note"] == NO_NOTE else cells["note"],
    )


def _word(given: str, allowed: tuple[Word, ...], where: str) -> Word:
    for word in allowed:
        if given == word:
            return word
    raise BadTable("a word is none of those of its column", where=where, given=given, allowed=", ".join(allowed))


def _year(given: str, where: str) -> int | None:
    if given == UNSTATED:
        return None
    if not re.fullmatch(r"(19|20)\d\d", given):
        raise BadTable("this is no year", where=where, given=given, allowed=f"four digits, or '{UNSTATED}'")
    return int(given)


def _level(given: str, where: str) -> float | None:
    if given == UNSTATED:
        return None
    if not re.fullmatch(r"0\.\d+", given):
        raise BadTable("this is no level", where=where, given=given, allowed=f"between 0 and 1, or '{UNSTATED}'")
    return float(given)
