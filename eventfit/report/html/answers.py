"""The head of a page and its numbers: the headline, the answers with their cards, published beside ours, variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eventfit.published import ratios
from eventfit.report.html.findings import Answer, Findings
from eventfit.report.html.markup import Content, Html, code, element, joined, table
from eventfit.report.html.numbers import NOTHING, UNSAID, amount, bare, heading, name_of, percent, pieces, ratio
from eventfit.report.result_text import card_pairs
from eventfit.report.text import method

__all__ = ["answers", "doubts", "header", "published", "variants"]

Entry = Mapping[str, Any]
#: what a report may begin with, in this order where nothing is declared
HEADLINES = ("interval", "upper_limit", "significance", "best_fit")
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
#: most columns of a table that is printed on a page
COLUMNS = 6
#: results of the default variant alone, counted
COUNTED = ("observed_counts", "expected_counts")
#: bands of an expected limit, and what they are called
BANDS = ((1.0, "68\N{NO-BREAK SPACE}%"), (2.0, "95\N{NO-BREAK SPACE}%"))


def header(findings: Findings) -> Html:
    """Title, the number that was asked for first, how it was made, and the published one."""
    problem = findings.problem
    kind = "measurement" if problem.measurement is not None else "variant"
    what = f"{problem.name}, {kind} {problem.measurement or problem.variant}"
    return element(
        "header",
        element("p", f"eventfit report: {what}", class_="kicker"),
        element("h1", problem.title),
        _headline(findings),
        element("dl", *_facts(findings), class_="facts"),
    )


def _headline(findings: Findings) -> Html:
    """The declared result that stands first, else the first answer."""
    row, answer = _first_declared(findings), _first_answer(findings)
    if row is not None:
        name, number = _name(row["quantity"], row["parameter"], row["cl"], row["kind"]), _value(row)
        card, beside = row["method"], _beside(row) if row["published"] is not None else None
    elif answer is not None and answer.entry is not None:
        card, beside, reported = answer.entry["card"], None, findings.problem.reported
        name = _name(answer.quantity, reported.name, card["cl"])
        number = _answered(answer.quantity, answer.entry, reported.unit)
    else:
        return element("div", element("p", "no number: see the doubts below", class_="label"), class_="head")
    label, big = element("p", name, class_="label"), element("p", number, class_="number")
    return element("div", label, big, element("p", method(card), class_="method"), beside, class_="head")


def _first_declared(findings: Findings) -> Entry | None:
    """The declared result that stands first, of this variant and about this parameter."""
    rows = findings.results["results"] if findings.results else ()
    asked = findings.problem.reported.name
    mine = (row for row in rows if row["variant"] == findings.problem.variant and row["parameter"] == asked)
    return next((row for row in mine if row["quantity"] in HEADLINES and row["kind"] != "naive"), None)


def _first_answer(findings: Findings) -> Answer | None:
    """The first answer with a number, where nothing is declared."""
    good = (a for a in findings.answers if a.entry is not None and a.quantity in HEADLINES)
    return next(good, None) if _first_declared(findings) is None else None


def _beside(row: Entry) -> Html:
    published = row["published"]
    over = _ratios(row)
    return element(
        "p",
        "published: ",
        _published(row),
        f" ({published['where']})",
        joined("; ours over published: ", over) if over != NOTHING else None,
        class_="beside",
    )


def _facts(findings: Findings) -> Iterator[Html]:
    """The other answers in a line each."""
    reported, profile = findings.problem.reported, findings.profile
    yield _fact(joined("best fit of ", name_of(reported.name)), amount(reported.value(profile.estimate), reported.unit))
    row, first = _first_declared(findings), _first_answer(findings)
    for answer in findings.answers:
        if answer.entry is not None and answer is not first and not (row and _same(row, answer)):
            card = answer.entry["card"]
            name = _name(answer.quantity, None, card["cl"])
            yield _fact(name, _answered(answer.quantity, answer.entry, reported.unit))
    likelihood = findings.problem.likelihood
    size = "single events" if likelihood.unbinned else "bins"
    bins = likelihood.n_bin - 1 if likelihood.unbinned else likelihood.n_bin
    parts = f"{bins} {size}, {len(likelihood.components)} components, {len(likelihood.parameters)} parameters"
    yield _fact("likelihood", parts)


def _same(row: Entry, answer: Answer) -> bool:
    """Whether a declared result and an answer are one number."""
    card = answer.entry["card"] if answer.entry is not None else {}
    mine = row["quantity"], row["cl"], row["method"]["statistic"]
    return mine == (answer.quantity, card.get("cl"), card.get("statistic"))


def _fact(name: Content, value: Content) -> Html:
    return element("div", element("dt", name), element("dd", value))


# -- sections ---------------------------------------------------------------------------------------------------------


def doubts(findings: Findings) -> Html:
    """Everything to know before trusting a number."""
    none = element("p", "None: the fits converged, no table is unverified, and all checks of tables hold.")
    said = element("ul", *(element("li", doubt) for doubt in findings.doubts), class_="doubts")
    notes = element("ul", *(element("li", note) for note in findings.notes), class_="notes")
    return joined(said if findings.doubts else none, notes if findings.notes else None)


def answers(findings: Findings) -> Html:
    """A card for each answer: the number, what it was fitted as, and the method that made it."""
    return element("div", *(_card(findings, answer) for answer in findings.answers), class_="cards")


def _card(findings: Findings, answer: Answer) -> Html:
    reported, poi = findings.problem.reported, findings.problem.poi
    title = element("h3", NAMES[answer.quantity].capitalize())
    if answer.entry is None:
        return element("article", title, element("p", "no number", class_="number"), element("p", answer.trouble))
    entry, card = answer.entry, answer.entry["card"]
    pairs: list[tuple[Content, Content]] = []
    if poi != reported.name and answer.quantity in ("upper_limit", "interval"):
        index = findings.problem.likelihood.index(poi)
        unit = findings.problem.likelihood.parameters[index].unit
        pairs.append((joined("in the fit, ", name_of(poi)), _answered(answer.quantity, entry["fitted"], unit)))
    pairs += _details(answer.quantity, entry, reported.unit)
    lines = {word: text.replace(findings.prefix, "") for word, text in card_pairs(card).items() if word != "model"}
    pairs += list(lines.items())
    if entry["status"] != "ok":
        pairs.append(("status", entry["status_text"]))
    number = element("p", _answered(answer.quantity, entry, reported.unit), class_="number")
    return element("article", title, number, element("dl", *(_fact(*pair) for pair in pairs)), id=answer.quantity)


def _details(quantity: str, entry: Entry, unit: str) -> Iterator[tuple[Content, Content]]:
    if quantity == "upper_limit" and entry["expected"]:
        bands = {band["sigmas"]: band["value"] for band in entry["expected"]}
        yield "expected without signal", joined("median ", amount(bands[0.0], unit))
        for sigmas, share in BANDS:
            if {sigmas, -sigmas} <= set(bands):
                yield f"{share} band", pieces([[bands[-sigmas], bands[sigmas]]], unit)
    elif quantity == "interval":
        yield "best fit", amount(entry["estimate"], unit)
    elif quantity == "significance":
        yield "p-value", amount(entry["p_value"])
        yield element("code", entry["card"]["statistic"]), amount(entry["statistic_value"])


def published(findings: Findings) -> Html | None:
    """Every declared result of this variant, and every one that has a published value, beside it."""
    if findings.results is None:
        return None
    rows, variant = findings.results["results"], findings.problem.variant
    shown = [row for row in rows if row["variant"] == variant or row["published"] is not None]
    body = [
        (
            joined(_name(row["quantity"], None, row["cl"], row["kind"]), element("br"), element("small", _method(row))),
            element("code", row["variant"]),
            _published(row),
            _value(row),
            _ratios(row),
        )
        for row in shown
    ]
    columns = ("quantity, and our method", "variant", "published", "ours", "ours / published")
    sources = [(row, row["published"]) for row in shown if row["published"] is not None]
    said = [(joined(_name(row["quantity"], None, None), ", ", row["variant"], ": ", e["where"])) for row, e in sources]
    where = dict.fromkeys(said)
    told = "The declared results of this variant, and all that have a published value beside them."
    return joined(
        element("p", told, class_="note"),
        table(columns, body, numbers=(2, 3, 4)),
        element("h3", "Where the published values stand"),
        element("ul", *(element("li", line) for line in where)) if where else element("p", "None is declared."),
    )


def variants(findings: Findings) -> Html | None:
    """What each variant changes, and every result that all of them have."""
    if findings.results is None or findings.reproduction is None:
        return None
    every = [row for row in findings.results["results"] if row["method"]["calibration"] != "toys"]
    rows = [row for row in every if row["kind"] != "naive" and row["quantity"] not in COUNTED]
    columns = list(dict.fromkeys(_column(row) for row in rows))
    found = {(row["variant"], _column(row)): row for row in rows}
    said = "What each variant changes, and the results that all of them have; the variant of this report is in bold."
    parts = []
    for first in range(0, len(columns), COLUMNS):
        here = columns[first : first + COLUMNS]
        body = [
            (_variant(findings, name, meaning=first == 0), *(_cell(found.get((name, column))) for column in here))
            for name in findings.results["variants"]
        ]
        heads = [_heading(column, columns) for column in here]
        parts.append(table(("variant", *heads), body, numbers=range(1, 1 + len(here)), class_="variants"))
    return joined(element("p", said, class_="note"), *parts)


def _variant(findings: Findings, name: str, *, meaning: bool) -> Html:
    """The name of a variant, with its parameter if that is another one, and below it what it changes."""
    assert findings.results is not None
    assert findings.reproduction is not None
    entry, parameter = findings.results["variants"][name], findings.reproduction.runs[name].model.reported.name
    other = [] if parameter == findings.problem.reported.name else [", for ", name_of(parameter)]
    strong = element("strong" if name == findings.problem.variant else "span", code(name))
    told = element("small", f"{entry['meaning']}; folding error {entry['numerical_error']:.0e}") if meaning else None
    return joined(strong, *other, element("br") if meaning else None, told)


def _column(row: Entry) -> tuple[str, float | None, str, str]:
    """What makes a column of its own: the quantity, its level, its unit, and the rule of a limit."""
    rule = row["method"]["method"] if row["quantity"] == "upper_limit" else ""
    return row["quantity"], row["cl"], row["unit"], rule


def _heading(column: tuple[str, float | None, str, str], columns: Sequence[tuple[Any, ...]]) -> Html:
    """Quantity, level and unit, and the rule where another column differs by nothing else."""
    quantity, cl, unit, rule = column
    alike = sum(other[:3] == column[:3] for other in columns) > 1
    return joined(_name(quantity, None, cl), f", {rule}" if alike else None, heading(unit))


def _cell(row: Entry | None) -> Html:
    """Our number, without the unit, which the heading has."""
    if row is None or row["value"] is None:
        return Html(NOTHING)
    return bare(row["pieces"] or row["value"], row["unit"], row["error"])


# -- cells ------------------------------------------------------------------------------------------------------------


def _name(quantity: str, parameter: str | None, cl: float | None, kind: str = "observed") -> Html:
    """Quantity, parameter and level in words."""
    naive = f" ({kind})" if kind in ("naive", "expected") else ""
    of = joined(" of ", name_of(parameter)) if parameter else None
    return joined(
        NAMES.get(quantity, quantity.replace("_", " ")) + naive,
        of,
        f", {percent(cl)}\N{NO-BREAK SPACE}C.L." if cl is not None else None,
    )


def _value(row: Entry) -> Html:
    """Our number with all its pieces, in the unit of the row."""
    unit = _said_unit(row["unit"])
    if row["value"] is None:
        return Html(NOTHING)
    if isinstance(row["value"], list):
        return pieces(row["pieces"] or [row["value"]], unit, row.get("errors"))
    return amount(row["value"], unit, row.get("error"))


def _method(row: Entry) -> str:
    """One line of the card, and why there is no number."""
    return method(row["method"]) + ("" if row["value"] is not None else f": {row['status_text']}")


def _published(row: Entry) -> Html:
    theirs = row["published"]
    if theirs is None:
        return Html(NOTHING)
    unit, value = _said_unit(row["unit"]), theirs["value"]
    return pieces([value], unit, given=True) if isinstance(value, list) else amount(value, unit, given=True)


def _ratios(row: Entry) -> Html:
    theirs = row["published"]
    found = ratios(row["value"], theirs["value"]) if theirs is not None else ()
    return joined(*(ratio(one) for one in found), by=", ") if found else Html(NOTHING)


def _said_unit(unit: str) -> str:
    """Without the units that the name of the quantity says already."""
    return "" if unit in UNSAID else unit


def _answered(quantity: str, entry: Entry, unit: str) -> Html:
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
