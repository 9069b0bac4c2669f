"""One counted number: the rate that a moment would make beside the measured one, and limits by rule and variant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eventfit.analysis.physics import WEAK
from eventfit.published import Reproduction, Row, Run
from eventfit.quadrature import Array
from eventfit.report.figures import BEST, DATA, OTHERS, PUBLISHED
from eventfit.report.method_axis import QuotedAxis, percent

__all__ = ["counting_figure", "counting_figures"]

MARKERS = ("o", "s", "^", "D", "v", "P")
#: inches of a panel of the rate, of a line of the other one, and of what stands around them
RATE, LINE, AROUND = 2.9, 0.32, 1.3
#: share of a line between two rules
APART = 0.17


def counting_figures(reproduction: Reproduction) -> dict[str, Figure]:
    """A figure of the default, and one per further parameter of interest, with the variants that share it."""
    first: dict[str, str] = {}
    for row in reproduction.rows:
        if _end(row) is not None and reproduction.runs[row.variant].profile is not None:
            first.setdefault(reproduction.runs[row.variant].model.reported.name, row.variant)
    return {
        "counting" if name == "default" else f"counting_{poi}": counting_figure(reproduction, name)
        for poi, name in first.items()
    }


def counting_figure(reproduction: Reproduction, variant: str = "default") -> Figure:
    """Above, the rate over the weak one as it grows with the parameter of ``variant``, with the measured number.

    Below, the upper limits by every rule for every variant with the same parameter; the published one through both.
    """
    run = reproduction.runs[variant]
    reported = run.model.reported
    names = [name for name, other in reproduction.runs.items() if other.model.reported.name == reported.name]
    limits = [row for row in reproduction.rows if row.variant in names and _end(row) is not None]
    lowest = min([0.0, *(row.value[0] for row in limits if isinstance(row.value, tuple))])
    highest = max(_end(row) or 0.0 for row in limits)
    axis = QuotedAxis.spanning(reported, max(-lowest, highest))
    scale = 10.0**axis.power_of_ten
    height = LINE * (len(names) + 1)
    figure = Figure(figsize=(8.6, RATE + height + AROUND), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(RATE, height))
    figure.suptitle(reproduction.analysis.default.title, x=0.01, ha="left", fontsize="medium", parse_math=False)
    x = np.linspace(1.08 * lowest, 1.08 * highest, 200)
    _rate(top, run, x, scale)
    _limits(bottom, limits, names, scale)
    for number, value in enumerate(_published(limits)):
        for axes in (top, bottom):
            name = "" if axes is bottom or number else "published limit"
            axes.axvline(value / scale, color=PUBLISHED, lw=2.5, ls=(0, (1, 1)), zorder=1, label=name)
    top.set_xlim(x[0] / scale, x[-1] / scale)
    bottom.set_xlabel(axis.label)
    figure.legend(frameon=False, fontsize="small", loc="outside right upper")
    return figure


def _rate(axes: Axes, run: Run, quoted: Array, scale: float) -> None:
    """The expected rate at the ``quoted`` values (n,), and the measured one as a band; both over the weak rate."""
    model, profile = run.model, run.profile
    assert profile is not None
    named = model.declaration.data.counted
    weak = {t.component: float(t.spectrum.values()[0]) for t in model.templates if t.process == WEAK}
    of = list(weak) if named is None or named.of is None else named.of
    unit, rest = (sum(n for c, n in weak.items() if (c in of) == inside) for inside in (True, False))
    points = np.tile(profile.best.values, (len(quoted), 1))
    points[:, profile.index] = [model.reported.fitted(float(value)) for value in quoted]
    expected = model.likelihood.expected(points)[:, 0]
    measured = (float(model.observed.values()[0]) - rest) / unit
    error = float(model.observed.variances()[0]) ** 0.5 / unit
    axes.axhspan(
        measured - error, measured + error, color=DATA, alpha=0.12, lw=0, label="measured, one\nstandard error"
    )
    axes.axhline(measured, color=DATA, lw=1.2)
    axes.axhline(1.0, color=OTHERS[0], lw=1.2, ls="--", label="weak scattering")
    axes.plot(quoted / scale, (expected - rest) / unit, color=BEST, lw=1.8, label="expected")
    low = min(1.0, measured) - 1.6 * error
    axes.set_ylim(low if measured < error else max(low, 0.0), None)
    axes.set_ylabel("rate / weak rate" + ("" if len(of) == len(weak) else f"\nof {', '.join(of)}"))


def _limits(axes: Axes, limits: Sequence[Row], names: Sequence[str], scale: float) -> None:
    """A line per variant, a marker per rule."""
    rules = list(dict.fromkeys(map(_rule, limits)))
    for k, rule in enumerate(rules):
        rows = [row for row in limits if _rule(row) == rule]
        axes.plot(
            [(_end(row) or 0.0) / scale for row in rows],
            [names.index(row.variant) + APART * (k - 0.5 * (len(rules) - 1)) for row in rows],
            MARKERS[k % len(MARKERS)],
            color=BEST if k == 0 else OTHERS[(k - 1) % len(OTHERS)],
            ms=5.5 if k == 0 else 4.5,
            mfc=None if k == 0 else "none",
            zorder=3 if k == 0 else 2,
            label=rule,
        )
    axes.set_yticks(range(len(names)), list(names), fontsize="small")
    axes.set_ylim(len(names) - 0.4, -0.6)
    for line in range(1, len(names)):
        axes.axhline(line - 0.5, color=PUBLISHED, alpha=0.4, lw=0.6)
    axes.tick_params(axis="y", length=0)


def _end(row: Row) -> float | None:
    """The limit, or the upper end of the interval that is quoted as one."""
    if row.value is None or row.quantity not in ("upper_limit", "interval"):
        return None
    return row.value[1] if isinstance(row.value, tuple) else row.value


def _rule(row: Row) -> str:
    """The rule of a limit in a few words."""
    assert row.card.cl is not None
    sided = ", two-sided" if row.quantity == "interval" else ", one-sided" if row.card.cut is not None else ""
    return f"{row.card.method}{sided},\n{percent(row.card.cl)} C.L."


def _published(limits: Sequence[Row]) -> list[float]:
    """The published limits beside ours, each once."""
    values = [row.published.value for row in limits if row.published is not None]
    return list(dict.fromkeys(float(value[1] if isinstance(value, list) else value) for value in values))
