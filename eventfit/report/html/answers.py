"""The head of a page and its answers: the headline, what to doubt, a card for every number."""

from __future__ import annotations

from collections.abc import Iterator

from eventfit.report.html.cells import NAMES, Entry, answer_cell, name_cell, published_cell, ratio_cell, value_cell
from eventfit.report.html.findings import Answer, Findings
from eventfit.report.html.markup import Content, Html, element, joined
from eventfit.report.html.numbers import NOTHING, amount, name_of, pieces
from eventfit.report.result_text import card_pairs
from eventfit.report.text import method

__all__ = ["answers", "doubts", "header"]

#: what a report may begin with, in this order where nothing is declared
HEADLINES = ("interval", "upper_limit", "significance", "best_fit")
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
        name, number = name_cell(row["quantity"], row["parameter"], row["cl"], row["kind"]), value_cell(row)
        card, beside = row["method"], _beside(row) if row["published"] is not None else None
    elif answer is not None and answer.entry is not None:
        card, beside, reported = answer.entry["card"], None, findings.problem.reported
        name = name_cell(answer.quantity, reported.name, card["cl"])
        number = answer_cell(answer.quantity, answer.entry, reported.unit)
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
    over = ratio_cell(row)
    return element(
        "p",
        "published: ",
        published_cell(row),
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
            name = name_cell(answer.quantity, None, card["cl"])
            yield _fact(name, answer_cell(answer.quantity, answer.entry, reported.unit))
    likelihood = findings.problem.likelihood
    size = "single events" if likelihood.unbinned else "bins"
    bins = likelihood.n_bin - 1 if likelihood.unbinned else likelihood.n_bin
    parts = f"{bins} {size}, {len(likelihood.whole_components)} components, {len(likelihood.parameters)} parameters"
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
        pairs.append((joined("in the fit, ", name_of(poi)), answer_cell(answer.quantity, entry["fitted"], unit)))
    pairs += _details(answer.quantity, entry, reported.unit)
    lines = {word: text.replace(findings.prefix, "") for word, text in card_pairs(card).items() if word != "model"}
    pairs += list(lines.items())
    if entry["status"] != "ok":
        pairs.append(("status", entry["status_text"]))
    number = element("p", answer_cell(answer.quantity, entry, reported.unit), class_="number")
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
