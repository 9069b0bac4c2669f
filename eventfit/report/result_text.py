"""The document of a result as text for people: the number, what it was fitted as, and its method card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["card_pairs", "doubt", "quoted", "result_text"]

Entry = Mapping[str, Any]
#: rows of a table of impacts that are printed; the JSON document holds all
SHOWN = 15


def quoted(value: float | None, unit: str = "", error: float | None = None) -> str:
    """A number with its error and unit, ``-`` where there is none."""
    if value is None:
        return "-"
    number = f"{value:.4g}" if error is None else f"{value:.4g} +- {error:.2g}"
    return f"{number} {unit}".rstrip()


def result_text(document: Entry) -> str:
    """A result and its method card, line by line."""
    where = [document["name"]]
    where += [f"{key} {document[key]}" for key in ("variant", "measurement") if document[key]]
    lines = [f"{document['title']} ({', '.join(where)})", ""]
    lines += LINES[document["quantity"]](document)
    lines += ["", *(f"{word + ':':<13}{text}" for word, text in card_pairs(document["card"]).items())]
    if document["status"] != "ok":
        lines.append(f"status: {document['status_text']}")
    lines += [f"note: {note}" for note in document["notes"]]
    lines.append(" ".join(f"{name} {number}" for name, number in document["versions"].items()))
    return "\n".join(lines)


def doubt(card: Entry, cost: str, remedy: str) -> str:
    """The warning beside an asymptotic number that should be checked; empty where there is no reason."""
    if not card["doubts"]:
        return ""
    return f"warning: asymptotic distributions are doubtful here: {'; '.join(card['doubts'])}\n  {remedy} ({cost})"


def _limit(document: Entry) -> list[str]:
    unit, fitted = document["unit"], document["fitted"]
    lines = [
        f"upper limit on {document['parameter']}, {_level(document['card'])}: "
        + quoted(document["value"], unit, document["error"]),
        *_in_the_fit(document, quoted(fitted["value"], document["fit_unit"], fitted["error"])),
    ]
    if "asymptotic" in document:
        lines.append(f"  asymptotic: {quoted(document['asymptotic']['value'], unit)}")
    if document["expected"]:
        lines.append("  expected without signal:")
        lines += [f"    {band['sigmas']:+.0f} sigma  {quoted(band['value'], unit)}" for band in document["expected"]]
    return lines + _impacts(document)


def _impacts(document: Entry) -> list[str]:
    found: Sequence[Entry] = document.get("impacts", ())
    if not found:
        return []
    unit = document["unit"]
    rows = [("what moves by one standard deviation", "change of the limit if down", "if up")]
    rows += [(i["name"], quoted(i["down"], unit), quoted(i["up"], unit)) for i in found[:SHOWN]]
    left = len(found) - SHOWN
    return ["", *_table(rows), *([f"... and {left} smaller ones, in the JSON document"] if left > 0 else [])]


def _interval(document: Entry) -> list[str]:
    unit, fit_unit, fitted = document["unit"], document["fit_unit"], document["fitted"]
    lines = [f"interval for {document['parameter']}, {_level(document['card'])}:"]
    lines += [f"  {_piece(p, e, unit)}" for p, e in _with_errors(document["pieces"], document["errors"])]
    pieces = [_piece(p, e, fit_unit) for p, e in _with_errors(fitted["pieces"], fitted["errors"])]
    lines += _in_the_fit(document, " and ".join(pieces))
    lines.append(f"  best fit: {quoted(document['estimate'], unit)}")
    if "asymptotic" in document:
        beside = document["asymptotic"]["pieces"]
        lines.append("  asymptotic: " + " and ".join(_piece(piece, (None, None), unit) for piece in beside))
    return lines


def _significance(document: Entry) -> list[str]:
    rows = [("", "Z", "p-value", document["card"]["statistic"])]
    for name, entry in (("toys", document), ("asymptotic", document.get("asymptotic"))):
        if entry is not None:
            label = entry["card"]["calibration"] if entry is document else name
            z, p = quoted(entry["value"], "", entry["error"]), quoted(entry["p_value"], "", entry["p_error"])
            rows.append((label, z, p, quoted(entry["statistic_value"])))
    return [f"evidence against {document['parameter']} = 0:", *(f"  {line}" for line in _table(rows))]


def _scan(document: Entry) -> list[str]:
    fitted = document["fitted"]
    unit, fit_unit = document["unit"], document["fit_unit"]
    head = [f"{document['parameter']} [{unit}]" if unit else document["parameter"]]
    columns = [document["values"]]
    if document["parameter"] != document["fit_parameter"]:
        head.append(f"{document['fit_parameter']} [{fit_unit}]" if fit_unit else document["fit_parameter"])
        columns.append(fitted["values"])
    head.append("-2 Delta ln L")
    columns.append(document["delta"])
    if "raw_delta" in document:
        head.append("raw")
        columns.append(document["raw_delta"])
    best = f"best fit: {document['parameter']} = {quoted(document['estimate'], unit)}"
    if document["parameter"] != document["fit_parameter"]:
        best += f", {document['fit_parameter']} = {quoted(fitted['estimate'], fit_unit)}"
    rows = [tuple(quoted(value) for value in row) for row in zip(*columns, strict=True)]
    return [best, "", *_table([tuple(head), *rows])]


def _contour(document: Entry) -> list[str]:
    best = ", ".join(f"{name} = {quoted(value)}" for name, value in document["estimate"].items())
    heights = ", ".join(f"{100 * entry['cl']:g} % at {entry['height']:.2f}" for entry in document["levels"])
    x, y = document["x"], document["y"]
    return [
        f"contour of {document['labels'][0]} and {document['labels'][1]}",
        f"  best fit: {best}",
        f"  heights of -2 Delta ln L: {heights}",
        f"  grid: {len(x)} x {len(y)} points, {x[0]:.4g} to {x[-1]:.4g} and {y[0]:.4g} to {y[-1]:.4g}",
    ]


def _toys(document: Entry) -> list[str]:
    unit, lines = document["unit"], []
    for sample in document["samples"]:
        at, estimates = sample["fitted"], sample["estimates"]
        lines += [
            f"{sample['toys']} toys at {document['parameter']} = {quoted(sample['at'], unit)}, "
            f"tested at {quoted(sample['tested'], unit)}",
            *_in_the_fit(document, f"{quoted(at['at'])}, tested at {quoted(at['tested'])}"),
            f"  estimates of {document['fit_parameter']}: mean {quoted(estimates['mean'])}, "
            f"rms {quoted(estimates['rms'])}; observed {quoted(at['estimate'])}",
            f"  {sample['statistic']}: observed {quoted(sample['observed'])}; quantiles "
            + ", ".join(f"{100 * q['share']:g} %: {quoted(q['value'])}" for q in sample["quantiles"]),
            f"  fits: {sample['failed']} toys failed, {100 * sample['fallback_share']:.3g} % needed iminuit",
        ]
    covered: Sequence[Entry] = document.get("coverage", ())
    if covered:
        rows = [("true " + document["parameter"], "method", "C.L.", "coverage")]
        rows += [
            (
                quoted(c["at"], unit),
                c["of"].replace("_", " "),
                f"{100 * c['cl']:g} %",
                quoted(c["coverage"], "", c["error"]),
            )
            for c in covered
        ]
        lines += ["", *_table(rows)]
    return lines


LINES = {
    "upper_limit": _limit,
    "interval": _interval,
    "significance": _significance,
    "scan": _scan,
    "contour": _contour,
    "toys": _toys,
}


def card_pairs(card: Entry) -> dict[str, str]:
    """The method card, what the number means: word -> text, without what it leaves open."""
    sided = f", {card['sided']}-sided" if card["sided"] else ""
    level = f", {_level(card)}" if card["cl"] is not None else ""
    cut = f", cut {card['cut']:.4g}" if card["cut"] is not None else ""
    toys = f" with {card['toys']} toys, seed {card['seed']}" if card["toys"] is not None else ""
    pairs = {
        "method": f"{card['method']}{level}{sided}",
        "statistic": f"{card['statistic']} ({card['reference']})" if card["reference"] else card["statistic"],
        "calibration": f"{card['calibration']}{toys}{cut}",
        "ensemble": card["ensemble"],
        "boundary": card["boundary"],
        "constraints": ", ".join(card["constraints"]) or "none",
        "note": card["note"],
        "model": card["model_sha256"][:12],
    }
    return {name: text for name, text in pairs.items() if text}


def _level(card: Entry) -> str:
    return f"{100 * card['cl']:g} % C.L." if card["cl"] is not None else ""


def _in_the_fit(document: Entry, text: str) -> list[str]:
    """A line about the fit parameter, where it is not the quoted one."""
    if document["parameter"] == document["fit_parameter"]:
        return []
    return [f"  in the fit, {document['fit_parameter']}: {text}"]


def _with_errors(pieces: Sequence[Any], errors: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(pieces, errors or [(None, None)] * len(pieces), strict=True))


def _piece(piece: Sequence[float | None], errors: Sequence[float | None], unit: str) -> str:
    low, high = (quoted(end, "", error) for end, error in zip(piece, errors, strict=True))
    return f"{low} to {high} {unit}".rstrip()


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width, the first one to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
