"""What stands in one place of a page: the name of a quantity, our number, the published one, their ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eventfit.published import nearest, ratios
from eventfit.report.html.markup import Html, joined
from eventfit.report.html.numbers import NOTHING, UNSAID, amount, name_of, percent, pieces, ratio
from eventfit.report.text import method

__all__ = ["NAMES", "Entry", "answer_cell", "method_line", "name_cell", "published_cell", "ratio_cell", "value_cell"]

Entry = Mapping[str, Any]
#: quantity -> what people call it
NAMES = {
    "upper_limit": "upper limit",
    "interval": "two-sided interval",
    "significance": "significance",
    "gof": "goodness of fit",
    "gof_best_fit": "goodness of fit, best fit",
    "best_fit": "best fit",
    "observed_counts": "observed counts",
    "expected_counts": "expected counts",
    "estimate": "estimate without bounds",
}


def name_cell(quantity: str, parameter: str | None, cl: float | None, kind: str = "observed") -> Html:
    """Quantity, parameter and level in words."""
    naive = f" ({kind})" if kind in ("naive", "expected") else ""
    of = joined(" of ", name_of(parameter)) if parameter else None
    return joined(
        NAMES.get(quantity, quantity.replace("_", " ")) + naive,
        of,
        f", {percent(cl)}\N{NO-BREAK SPACE}C.L." if cl is not None else None,
    )


def value_cell(row: Entry) -> Html:
    """Our number with all its pieces, in the unit of the row."""
    unit = _said_unit(row["unit"])
    if row["value"] is None:
        return Html(NOTHING)
    if isinstance(row["value"], list):
        return pieces(row["pieces"] or [row["value"]], unit, row.get("errors"))
    return amount(row["value"], unit, row.get("error"))


def method_line(row: Entry) -> str:
    """One line of the card, and why there is no number."""
    return method(row["method"]) + ("" if row["value"] is not None else f": {row['status_text']}")


def published_cell(row: Entry) -> Html:
    """The published value with the digits that it was given with."""
    theirs = row["published"]
    if theirs is None:
        return Html(NOTHING)
    unit, value = _said_unit(row["unit"]), theirs["value"]
    if isinstance(value, list):
        return pieces([value], unit, given=True)
    parts = [value, *theirs.get("errors", ())]
    said = [amount(part, unit if i == len(parts) else "", given=True) for i, part in enumerate(parts, 1)]
    return joined(*said, by=" ± ")


def ratio_cell(row: Entry) -> Html:
    """Ours over published, end by end."""
    theirs = row["published"]
    if theirs is None:
        return Html(NOTHING)
    found = ratios(nearest(row["value"], row["pieces"], theirs["value"]), theirs["value"])
    return joined(*(ratio(one) for one in found), by=", ") if found else Html(NOTHING)


def _said_unit(unit: str) -> str:
    """Without the units that the name of the quantity says already."""
    return "" if unit in UNSAID else unit


def answer_cell(quantity: str, entry: Entry, unit: str) -> Html:
    """The number of an answer: quoted or fitted."""
    if quantity == "significance":
        return amount(entry["value"], "sigma", entry["error"])
    if quantity == "gof":
        return joined(
            amount(entry["value"]),
            " for ",
            str(entry["degrees_of_freedom"]),
            " d.o.f., p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}",
            amount(entry["p_value"]),
        )
    if quantity == "interval":
        return pieces(entry["pieces"], unit, entry["errors"])
    return amount(entry["value"], unit, entry["error"])
