"""Numbers, units and names of parameters as a page shows them; what is not finite is never a number.

Three digits, or those that an error leaves; moments in units of 1e-11 mu_B, other small and large numbers in powers of
ten. Each number carries the exact one: ``<data value="2.989e-11">2.99</data>``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from eventfit.report.html.markup import Content, Html, element, joined
from eventfit.report.text import SCALES

__all__ = ["NOTHING", "UNSAID", "amount", "bare", "heading", "name_of", "percent", "pieces", "ratio", "unit_of"]

#: what stands where there is no number
NOTHING = "\N{EN DASH}"
#: numbers whose power of ten lies in this range are written as they are
PLAIN = range(-3, 7)
#: names that have a symbol in the literature
SYMBOLS = {"mu": "μ", "nu": "ν", "tau": "τ", "sigma": "σ"}

#: units that the name of a quantity says already
UNSAID = ("", "counts", "-2 ln L")
#: what in a unit is more than letters: a power of ten, a magneton, an exponent
UNIT_WORDS = re.compile(r"(1e-?\d+|mu_B|\^-?\d+)")

Number = float | int | None


def amount(value: Number, unit: str = "", error: Number = None, *, given: bool = False) -> Html:
    """A number with its error and unit: ``1.61 ± 0.02 × 10⁻¹¹ μ_B``; one that was ``given`` keeps its own digits."""
    power = 0 if value == 0 and not error else _power(unit, [value, error])
    return joined(_number(value, power, error, given), _unit(unit, power) if _finite(value) is not None else None)


def pieces(
    intervals: Sequence[Sequence[Number]],
    unit: str = "",
    errors: Sequence[Sequence[Number]] | None = None,
    *,
    given: bool = False,
) -> Html:
    """Intervals, all pieces in one power of ten: ``0 to 1.20 and 2.30 to 2.99 × 10⁻¹¹ μ_B``."""
    if not intervals:
        return Html(NOTHING)
    power = _power(unit, [end for piece in intervals for end in piece])
    written = []
    for i, piece in enumerate(intervals):
        both = errors[i] if errors else (None,) * len(piece)
        written.append(joined(*(_number(e, power, d, given) for e, d in zip(piece, both, strict=True)), by=" to "))
    return joined(joined(*written, by=" and "), _unit(unit, power))


def bare(value: Number | Sequence[Sequence[Number]], unit: str, error: Number = None) -> Html:
    """A number with its error, or all pieces of an interval, without the unit that a :func:`heading` says."""
    if not isinstance(value, Sequence):
        return _number(value, _power(unit, []), error, False) if unit in SCALES else amount(value, "", error)
    power = _power(unit, []) if unit in SCALES else _power("", [end for piece in value for end in piece])
    written = [joined(*(_number(end, power, None, False) for end in piece), by=" to ") for piece in value]
    return joined(joined(*written, by=" and "), None if unit in SCALES else _unit("", power))


def heading(unit: str) -> Html | None:
    """The unit of a column of :func:`bare` numbers, with the power of ten that it always has."""
    if unit in UNSAID:
        return None
    ten = ["10", element("sup", _signed(str(_power(unit, [])))), "\N{NO-BREAK SPACE}"] if unit in SCALES else []
    return joined(element("br"), "[", *ten, unit_of(unit), "]")


def ratio(value: Number) -> Html:
    """A number of order one, or of percent, two places after its point."""
    known = _finite(value)
    return Html(NOTHING) if known is None else _data(known, _signed(f"{known:.2f}"))


def percent(cl: float) -> str:
    """A confidence level as it is quoted."""
    return f"{100.0 * cl:.6g}\N{NO-BREAK SPACE}%"


def name_of(parameter: str) -> Html:
    """The symbol of a parameter, or its name as it is written in the declaration."""
    head, _, index = parameter.partition("_")
    if head in SYMBOLS and re.fullmatch(r"\w*", index):
        return joined(element("i", SYMBOLS[head]), element("sub", SYMBOLS.get(index, index)) if index else None)
    return element("code", parameter)


def unit_of(unit: str) -> Html:
    """A unit with its indices and powers in place."""
    unit = "σ" if unit == "sigma" else unit
    parts: list[Content] = []
    for word in UNIT_WORDS.split(unit):
        if word == "mu_B":
            parts += [element("i", "μ"), element("sub", "B")]
        elif UNIT_WORDS.fullmatch(word):
            raised = element("sup", _signed(word.lstrip("1e^")))
            parts += ["10", raised] if word.startswith("1e") else [raised]
        else:
            parts.append(word)
    return joined(*parts)


def _finite(value: Number) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _power(unit: str, values: Sequence[Number]) -> int:
    """The common power of ten of ``values`` as they are written."""
    if unit in SCALES:
        return round(math.log10(SCALES[unit]))
    sizes = [abs(known) for value in values if (known := _finite(value))]
    power = math.floor(math.log10(max(sizes))) if sizes else 0
    return 0 if power in PLAIN else power


def _number(value: Number, power: int, error: Number, given: bool) -> Html:
    known, spread = _finite(value), _finite(error)
    if known is None:
        infinite = value is not None and math.isinf(value)
        return Html("∞" if infinite and value > 0 else "\N{MINUS SIGN}∞" if infinite else NOTHING)  # type: ignore[operator]
    scaled = known / 10.0**power
    if not spread:
        return _data(known, _signed(f"{scaled:.6g}" if given else _digits(scaled)))
    width = spread / 10.0**power
    decimals = max(1 - math.floor(math.log10(width)), 0)
    return joined(
        _data(known, _signed(f"{scaled:.{decimals}f}")),
        "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}",
        _data(spread, f"{width:.{decimals}f}"),
    )


def _digits(x: float) -> str:
    """Three digits or one place after the point, whichever is more; whole and large numbers without places."""
    if x == round(x) or abs(x) >= 1e5:
        return f"{x:.0f}"
    return f"{x:.1f}" if abs(x) >= 10.0 else f"{x:#.3g}"


def _unit(unit: str, power: int) -> Html:
    ten = joined("\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10", element("sup", _signed(str(power)))) if power else None
    return joined(ten, "\N{NO-BREAK SPACE}" if unit else None, unit_of(unit) if unit else None)


def _signed(text: str) -> str:
    """A minus that is as wide as a plus; e-05 as a power of ten is left to :func:`amount`."""
    return text.replace("-", "\N{MINUS SIGN}")


def _data(value: float, text: Content) -> Html:
    return element("data", text, value=repr(float(value)))
