"""Figures of spectra: data with the fits, with every component, and how many events each expects. No pyplot state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from eventfit.published import Reproduction
from eventfit.quadrature import Array, Index
from eventfit.report.characters import printable
from eventfit.report.figures import BACKGROUND, BEST, DATA, PUBLISHED, SIGNAL
from eventfit.report.spectrum_view import POINTS, BinAxis, SpectrumView, axis_label

__all__ = [
    "Yield",
    "components_figure",
    "legend_name",
    "reproduced_spectrum",
    "shortened",
    "spectrum_figure",
    "yields_figure",
]

#: components that are no signal: colours that stay apart (Okabe and Ito), then the same with another line
COMPONENTS = ("#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#8B4513", "#999999")
LINES = ("-", "--", "-.", ":")
#: decades below the highest bin that are shown, and bars whose lengths differ by more have a logarithmic axis
DECADES, LINEAR = 7.0, 30.0
#: height of all bars together, in inches, so that a page holds them
TALLEST = 6.8
#: a component below this share of the least populated bin makes no room for itself
FAINT = 1e-3
#: most components that have a line of their own
MOST = 17
#: most characters of a name in a legend
NAME_WIDTH = 40


def spectrum_figure(view: SpectrumView, title: str) -> Figure:
    """Data, fit without signal, best fit, the signal, and below the signed deviance of every bin; a linear scale."""
    figure, top, bottom = _panels(view.axis, title)
    groups = view.axis.groups(POINTS)
    _fits(top, view)
    if view.signal is not None:
        top.stairs(view.signal, view.axis.edges, color=SIGNAL, fill=True, alpha=0.35, label=view.signal_label)
    lowest, highest = _data(top, view, groups)
    top.set_ylim(1.1 * min(0.0, lowest, float(view.best.min())), 1.12 * max(highest, float(view.best.max())))
    _residuals(bottom, view, groups, null=True)
    _finish(figure, top, bottom, view.axis)
    return figure


def components_figure(view: SpectrumView, title: str) -> Figure:
    """Data and every component of the best fit on a logarithmic scale, and below the signed deviances.

    Many bins are grouped for the points: each is the mean of a few neighbours, with the error of their sum. Components
    that are negative everywhere (interference) are drawn with the other sign and say so. Of very many components the
    smallest are drawn as their sum.
    """
    figure, top, bottom = _panels(view.axis, title)
    groups = view.axis.groups(POINTS)
    top.stairs(view.best, view.axis.edges, baseline=None, color=BEST, lw=2.0, zorder=4, label="best fit, sum")
    tops = []
    for name, counts, style in _styled(view):
        sign = -1.0 if counts.max() <= 0.0 else 1.0
        tops.append(float(np.abs(counts).max()))
        said = name + (" (negative)" if sign < 0 else "")
        drawn = np.where(sign * counts > 0, sign * counts, np.nan)
        top.stairs(drawn, view.axis.edges, baseline=None, label=said, **style)
    if view.signal is not None and not any(view.components[name].any() for name in view.signal_names):
        label = view.signal_label
        top.stairs(view.signal, view.axis.edges, baseline=None, color=SIGNAL, ls=":", lw=1.8, label=label)
        tops.append(float(np.abs(view.signal).max()))
    highest = max(_data(top, view, groups)[1], float(view.best.max()), 1e-30)
    seen = min([*view.observed[view.observed > 0].tolist(), highest])
    lowest = min([seen, *(size for size in tops if size > FAINT * seen)])
    top.set_yscale("log", nonpositive="clip")
    top.set_ylim(max(0.2 * lowest, highest * 10.0**-DECADES), 2.5 * highest)
    _residuals(bottom, view, groups, null=False)
    _finish(figure, top, bottom, view.axis)
    return figure


def reproduced_spectrum(reproduction: Reproduction, variant: str = "default") -> Figure:
    """:func:`spectrum_figure` of a variant, or if it is wide :func:`components_figure`.

    A best fit without signal shows that at the end of its interval.
    """
    run = reproduction.runs[variant]
    assert run.profile is not None
    model = run.model
    ends = [
        model.reported.fitted(row.value[1])
        for row in reproduction.rows
        if (row.quantity, row.variant) == ("interval", variant) and isinstance(row.value, tuple)
    ]
    axis = BinAxis(model.observed.edges, axis_label(model), {})
    limit = ends[0] if ends else float("nan")
    view = SpectrumView.of(run.profile, model.reported, axis, model=model, limit=limit)
    return (components_figure if view.wide else spectrum_figure)(view, reproduction.analysis.default.title)


# -- parts of a spectrum ----------------------------------------------------------------------------------------------


def _panels(axis: BinAxis, title: str) -> tuple[Figure, Axes, Axes]:
    figure = Figure(figsize=(7.0, 5.5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.set_title(title, fontsize="medium", loc="left", parse_math=False)
    top.set_ylabel(f"counts / {axis.per}", parse_math=False)
    return figure, top, bottom


def _fits(axes: Axes, view: SpectrumView) -> None:
    axes.stairs(view.best, view.axis.edges, baseline=None, color=BEST, lw=1.8, label=view.best_label)
    if view.null is not None:
        name = "without signal"
        axes.stairs(view.null, view.axis.edges, baseline=None, color=BACKGROUND, lw=1.5, ls="--", label=name)


def _data(axes: Axes, view: SpectrumView, groups: Index) -> tuple[float, float]:
    """Draw the data, the mean of each group; the lowest and the highest end of the error bars."""
    size = np.diff(np.append(groups, len(view.observed)))
    n, (below, above) = np.add.reduceat(view.observed, groups) / size, view.spread(groups)
    middle = 0.5 * (view.axis.edges[groups] + view.axis.edges[groups + size])
    small = 3.5 if len(groups) <= 60 else 1.8
    label = view.data_label + (f", mean of {size.max()} bins" if size.max() > 1 else "")
    style: dict[str, Any] = {"fmt": "o", "ms": small, "lw": 0.9 if len(groups) <= 60 else 0.6, "zorder": 5}
    axes.errorbar(middle, n, yerr=(below / size, above / size), label=label, color=DATA, **style)
    return float((n - below / size).min()), float((n + above / size).max())


def _residuals(axes: Axes, view: SpectrumView, groups: Index, *, null: bool) -> None:
    """Signed deviances of the best fit, and of the one without signal, on bands of one and two standard deviations."""
    size = np.diff(np.append(groups, len(view.observed)))
    middle = 0.5 * (view.axis.edges[groups] + view.axis.edges[groups + size])
    reach, small = 3.5, 3.5 if len(groups) <= 60 else 2.0
    for expected, colour, marker in ((view.null if null else None, BACKGROUND, "s"), (view.best, BEST, "o")):
        if expected is not None:
            deviance = view.residuals(expected, groups)
            reach = max(reach, 1.15 * float(np.abs(deviance).max()))
            axes.plot(middle, deviance, marker, ms=small, color=colour)
    axes.set_ylim(-reach, reach)
    if reach < 7.0:
        axes.set_yticks([-4, -2, 0, 2, 4] if reach > 4.0 else [-2, 0, 2])
    axes.axhspan(-2, 2, color=PUBLISHED, alpha=0.15, lw=0)
    axes.axhspan(-1, 1, color=PUBLISHED, alpha=0.25, lw=0)
    axes.axhline(0, color=DATA, lw=0.8)
    axes.set_ylabel("signed\n$\\sqrt{\\mathrm{deviance}}$" if not view.errors.any() else "pull")


def _finish(figure: Figure, top: Axes, bottom: Axes, axis: BinAxis) -> None:
    bottom.set_xlabel(axis.label, parse_math=False)
    bottom.set_xlim(axis.edges[0], axis.edges[-1])
    handles, labels = top.get_legend_handles_labels()
    columns = 2 if len(labels) <= 6 else 3
    figure.set_figheight(figure.get_figheight() + 0.2 * (-(-len(labels) // columns) - 2))  # the panels keep theirs
    figure.legend(handles, labels, frameon=False, fontsize="medium", loc="outside lower center", ncols=columns)
    if axis.channels:
        _mark_channels(top, bottom, axis)


def _mark_channels(top: Axes, bottom: Axes, axis: BinAxis) -> None:
    """Lines between channels and their names above; bins are numbered inside their channel."""
    ticks, names, last = [], [], len(axis.edges) - 1
    step = max(1, -(-last // 24))
    for name, where in axis.channels.items():
        shown = range(where.start, where.stop, step)
        ticks += [i + 0.5 for i in shown]
        names += [f"{i - where.start + 1}" for i in shown]
        for axes in (top, bottom):
            if where.stop < last:
                axes.axvline(where.stop, color=PUBLISHED, lw=0.8)
        share = (where.stop - where.start) / last
        middle = 0.5 * (where.start + where.stop)
        text = shortened(name, max(3, int(70 * share)))
        place: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": "small", "parse_math": False}
        top.text(middle, 0.985, text, transform=top.get_xaxis_transform(), **place)
    bottom.set_xticks(ticks, names)


def _styled(view: SpectrumView) -> Iterator[tuple[str, Array, dict[str, Any]]]:
    """Names, counts and lines of the components: the signal in its colour, others the largest first.

    Of more than ``MOST`` the signal is one line, and so are the smallest others.
    """
    drawn = {legend_name(name): counts for name, counts in view.components.items() if counts.any()}
    names = {legend_name(name) for name in view.signal_names}
    signal = {name: counts for name, counts in drawn.items() if name in names}
    others = {n: drawn[n] for n in sorted(drawn, key=lambda n: -np.abs(drawn[n]).sum()) if n not in names}
    if len(drawn) > MOST:
        signal = {f"signal, sum of {len(signal)}": np.sum([*signal.values()], axis=0)} if len(signal) > 1 else signal
        small = list(others)[MOST - 2 :]
        if len(small) > 1:
            others = {n: c for n, c in others.items() if n not in small} | {
                f"sum of {len(small)} smaller ones": np.sum([others[n] for n in small], axis=0)
            }
    lines = cycle((colour, line) for line in LINES for colour in COMPONENTS)
    for (name, counts), (colour, line) in zip(others.items(), lines, strict=False):
        yield name, counts, {"color": colour, "ls": line, "lw": 1.2}
    for (name, counts), line in zip(signal.items(), cycle(LINES), strict=False):
        yield name, counts, {"color": SIGNAL, "ls": line, "lw": 1.8, "zorder": 3}


# -- yields -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Yield:
    """Expected events of a component, or a sum: at the declared start, without signal, at the best fit, its error."""

    name: str
    start: float
    null: float | None
    best: float
    error: float | None
    signal: bool


def yields_figure(rows: Sequence[Yield], observed: float, title: str, most: int = 30) -> Figure:
    """Events by component before (open) and after the fit (filled, with error), the sum beside what was observed."""
    shown = sorted(rows, key=lambda row: -abs(row.best))[:most]
    figure = Figure(figsize=(7.0, 1.5 + min(0.36 * (len(shown) + 1), TALLEST)), layout="constrained")
    axes = figure.subplots()
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium", parse_math=False)
    sizes = [abs(value) for row in shown for value in (row.start, row.best) if value]
    negative = any(value < 0 for row in shown for value in (row.start, row.best))
    logarithmic = not negative and bool(sizes) and max(*sizes, observed) > LINEAR * min(sizes)
    total = sum(row.best for row in rows)
    for y, row in enumerate(shown):
        colour = SIGNAL if row.signal else BACKGROUND
        axes.barh(y, row.best, height=0.56, color=colour, alpha=0.45, lw=0)
        axes.barh(y, row.start, height=0.78, fill=False, edgecolor=PUBLISHED, lw=1.0, ls="--")
        if row.error is not None:
            axes.errorbar([row.best], [y], xerr=[row.error], color=colour, lw=1.4, capsize=2.5)
    axes.barh(len(shown), total, height=0.56, color=BEST, alpha=0.45, lw=0)
    axes.plot([observed], [len(shown)], "o", color=DATA, ms=5, zorder=5)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(max(0.3 * min(sizes), 10.0**-DECADES * max(sizes)), 3.0 * max(*sizes, observed))
    names = [*(shortened(row.name, NAME_WIDTH) for row in shown), "sum, and observed"]
    axes.set_yticks(range(len(shown) + 1), names, parse_math=False)
    axes.set_ylim(len(shown) + 0.7, -0.7)
    axes.set_xlabel("events")
    _yields_legend(figure, shown)
    return figure


def _yields_legend(figure: Figure, shown: Sequence[Yield]) -> None:
    handles = [Patch(fill=False, edgecolor=PUBLISHED, ls="--", label="before the fit")]
    handles += [Patch(color=BACKGROUND, alpha=0.45, label="best fit")]
    handles += [Patch(color=SIGNAL, alpha=0.45, label="best fit, signal")] * any(row.signal for row in shown)
    marks = [*handles, Line2D([], [], marker="o", ls="", color=DATA, ms=5, label="observed")]
    figure.legend(handles=marks, frameon=False, fontsize="small", loc="outside lower center", ncols=4)


def legend_name(name: str) -> str:
    """A name for a legend: nothing in it is TeX, and none is left out because of how it begins."""
    text = shortened(name, NAME_WIDTH).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def shortened(name: str, width: int) -> str:
    """A long name without its middle: both ends tell names apart."""
    name, half = printable(name), max((width - 1) // 2, 1)
    return name if len(name) <= width else f"{name[:half]}…{name[-half:]}"
