"""Figures to judge a method by: contours of two parameters, toys of a test statistic, impacts on a limit. No pyplot.

What is infinite or NaN is left out or said in words; no figure fails for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike
from scipy.special import gammaincc, gammainccinv

from eventfit.inference import Contour, Impact, Limit
from eventfit.inference.toys.tails import TIE
from eventfit.parameters import Reported
from eventfit.quadrature import Array
from eventfit.report.figures import BACKGROUND, BEST, DATA, PUBLISHED, STYLES
from eventfit.report.method_axis import QuotedAxis, canvas, finite, number, percent

__all__ = ["contour_figure", "impact_figure", "toys_figure"]

#: statistics that are zero for half of all data sets, and those that are not (chi-square, one degree of freedom)
ONE_SIDED, TWO_SIDED = ("q0", "qmu", "qmu_tilde"), ("t0", "tmu", "tmu_tilde")
#: their symbols
SYMBOLS = {
    "q0": "$q_0$",
    "qmu": r"$q_\mu$",
    "qmu_tilde": r"$\tilde{q}_\mu$",
    "t0": "$t_0$",
    "tmu": r"$t_\mu$",
    "tmu_tilde": r"$\tilde{t}_\mu$",
}
#: a statistic below this is one of no excess, or no deficit, whatever the rounding of the fits
ZERO = 1e-9
#: bins of a histogram of toys
BINS = 50
#: what an impact moves, and its colour
KINDS = {
    "bin": ("count of a bin", "#E69F00"),
    "auxiliary": ("auxiliary measurement", "#0072B2"),
    "nuisance": ("nuisance parameter", "#CC79A7"),
}
#: most characters of a name on an axis
NAME_WIDTH = 36


# -- contours ---------------------------------------------------------------------------------------------------------


def contour_figure(contour: Contour, labels: tuple[str, str], title: str) -> Figure:
    """Regions of two parameters at the levels of ``contour``, its best fit, and the bounds that cut them off.

    Axes are the fit parameters, named by ``labels``. An infinite ratio counts as far above every level.
    """
    figure, axes = canvas(title, size=(6.4, 5.6))
    levels = sorted(contour.levels)
    delta, handles = _without_infinities(contour.delta, levels[-1][1]), []
    low, high = float(np.nanmin(delta)), float(np.nanmax(delta))
    for i, (cl, height) in enumerate(levels):
        style = STYLES[i % len(STYLES)]
        name = f"{percent(cl)} C.L., {height:.2f}"
        if low < height:  # the areas lie upon each other, so that the innermost is the darkest
            grid = (contour.x, contour.y, delta)
            axes.contourf(*grid, levels=[low - 1.0, height], colors=[BACKGROUND], alpha=0.17)
        if low < height < high:
            axes.contour(*grid, levels=[height], colors=[BACKGROUND], linewidths=1.6, linestyles=[style])
            name += " (leaves the range)" if _leaves(contour, delta, height) else ""
        else:
            name += " (outside the range)"
        handles.append(Line2D([], [], color=BACKGROUND, ls=style, lw=1.6, label=name))
    handles += _mark_bounds(axes, contour)
    x, y = (contour.best[name] for name in contour.parameters)
    axes.plot([x], [y], "P", color=BEST, ms=9, mec="white", zorder=5, clip_on=False)
    handles.append(Line2D([], [], marker="P", color=BEST, ms=8, ls="", label=f"best fit: {number(x)}, {number(y)}"))
    axes.set_xlim(contour.x[0], contour.x[-1])
    axes.set_ylim(contour.y[0], contour.y[-1])
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    figure.legend(handles=handles, frameon=False, fontsize="small", loc="outside lower center", ncols=2)
    return figure


def _without_infinities(delta: Array, highest: float) -> Array:
    """Infinite heights become high ones: masked, they would tear a gap between the contour and the forbidden region."""
    known = delta[np.isfinite(delta)]
    return np.where(np.isposinf(delta), max(2.0 * highest, float(known.max(initial=0.0))), delta)


def _edges(contour: Contour) -> dict[str, tuple[bool, tuple[slice | int, slice | int]]]:
    """Side of the grid -> whether it is a bound of its parameter, and where it is in the grid."""
    every = slice(None)
    places: dict[str, tuple[slice | int, slice | int]] = {
        "left": (every, 0),
        "right": (every, -1),
        "bottom": (0, every),
        "top": (-1, every),
    }
    ends = dict(zip(places, (contour.x[0], contour.x[-1], contour.y[0], contour.y[-1]), strict=True))
    likelihood, found = contour.best.likelihood, {}
    for k, side in enumerate(places):
        bound = likelihood.bounds[k % 2][likelihood.index(contour.parameters[k // 2])]
        found[side] = bool(np.isclose(ends[side], bound, rtol=1e-9, atol=0.0)), places[side]
    return found


def _leaves(contour: Contour, delta: Array, height: float) -> bool:
    """Whether the region goes on beyond an edge of the grid that is no bound."""
    return any(not bound and bool(np.any(delta[place] < height)) for bound, place in _edges(contour).values())


def _mark_bounds(axes: Axes, contour: Contour) -> list[Line2D]:
    """Thick edges where the grid ends at a bound of a parameter, and their entry for the legend."""
    bounds = [side for side, (bound, _) in _edges(contour).items() if bound]
    for side in bounds:
        axes.spines[side].set(color=PUBLISHED, linewidth=4.0)
    return [Line2D([], [], color=PUBLISHED, lw=4.0, label="bound of the parameter")] if bounds else []


# -- toys -------------------------------------------------------------------------------------------------------------


def toys_figure(values: Iterable[float], observed: float | None, statistic: str, title: str) -> Figure:
    """Share of the toys in each bin of a test statistic, its asymptotic distribution, and the tail of ``observed``.

    A statistic of one side is zero for about half of the toys: they have a bin of their own, left of zero. Failed
    toys, NaN or infinite among ``values``, count as at or above the observed value; p is (k + 1) / (n + 1).
    """
    every = np.asarray(list(values), float)
    good = every[np.isfinite(every)]
    n, spike = len(every), statistic in ONE_SIDED or np.mean(good < ZERO) > 0.01
    edges = _bin_edges(good, observed, n, statistic in ONE_SIDED + TWO_SIDED)
    width, zero = edges[1] - edges[0], good < ZERO if spike else np.zeros(len(good), bool)
    counts = np.histogram(np.minimum(good[~zero], edges[-1]), edges)[0]
    if spike:  # one empty bin between, so that the spike is not read as an interval of values
        edges, counts = np.append([-2.0 * width, -width], edges), np.append([zero.sum(), 0], counts)
    figure, axes = canvas(title)
    axes.set_yscale("log")
    shares = counts / max(n, 1)
    axes.stairs(shares, edges, fill=True, color=BACKGROUND, alpha=0.25)
    axes.stairs(shares, edges, color=BACKGROUND, lw=1.2, label=_toys_label(n, n - len(good)))
    _asymptotic(axes, statistic, edges[-1], width)
    if observed is not None:
        _tail(axes, every, observed, shares, edges)
    return _finish_toys(figure, axes, statistic, edges, n, bool(np.any(good > edges[-1])))


def _bin_edges(good: Array, observed: float | None, n: int, known: bool) -> Array:
    """From zero to the last toy and the observed value; where the tail is known, a toy far beyond it does not count."""
    last = float(good.max(initial=1.0))
    if known:
        last = min(last, 1.3 * float(2.0 * gammainccinv(0.5, 1.0 / max(n, 10))))
    return np.linspace(0.0, 1.05 * max(last, *finite([] if observed is None else [observed]), 0.0), BINS + 1)


def _toys_label(n: int, failed: int) -> str:
    return f"{n} toys" + (f", {failed} failed or infinite" if failed else "")


def _asymptotic(axes: Axes, statistic: str, end: float, width: float) -> None:
    """The share that a bin about each point would have: exact in the first bins too, where the density diverges."""
    if statistic not in ONE_SIDED + TWO_SIDED:
        return
    half = statistic in ONE_SIDED
    x = np.linspace(0.5 * width, end - 0.5 * width, 4 * BINS)
    share = gammaincc(0.5, 0.5 * (x - 0.5 * width)) - gammaincc(0.5, 0.5 * (x + 0.5 * width))
    name = r"asymptotic: ½ $\delta(0)$ + ½ $\chi^2_1$" if half else r"asymptotic: $\chi^2_1$"
    axes.plot(x, share * (0.5 if half else 1.0), color=DATA, lw=1.4, ls="--", label=name)
    if half:
        axes.plot([-2.2 * width, -0.8 * width], [0.5, 0.5], color=DATA, lw=1.4, ls="--")


def _tail(axes: Axes, every: Array, observed: float, shares: Array, edges: Array) -> None:
    """The observed value with its p-value, and the toys at or above it."""
    above = int((~(every < observed - TIE)).sum())  # NaN is not below anything
    p = (above + 1) / (len(every) + 1)
    label = f"observed {number(observed)}, p = {p:.2g}"
    if not math.isfinite(observed):
        axes.plot([], [], color=BEST, lw=1.6, label=label)
        return
    if edges[0] < 0.0 and observed < ZERO:  # it stands in the bin of the zeros, and all toys are above
        observed = float(edges[0])
    first = int(np.searchsorted(edges, observed, side="right")) - 1
    tail = np.append(observed, edges[first + 1 :])
    axes.stairs(shares[first:], tail, fill=True, color=BEST, alpha=0.55, label="at or above")
    axes.axvline(observed, color=BEST, lw=1.6, label=label)


def _finish_toys(figure: Figure, axes: Axes, statistic: str, edges: Array, n: int, more: bool) -> Figure:
    axes.set_xlim(edges[0] - (edges[1] - edges[0]), edges[-1])
    axes.set_ylim(0.3 / max(n, 30), 3.0)
    if edges[0] < 0.0:
        ticks = [tick for tick in axes.get_xticks() if 0.0 < tick <= edges[-1]]
        axes.set_xticks([0.5 * (edges[0] + edges[1]), *ticks], ["0", *(f"{tick:g}" for tick in ticks)])
    symbol = SYMBOLS.get(statistic)
    axes.set_xlabel((symbol or statistic) + (" (last bin: and all above)" if more else ""), parse_math=bool(symbol))
    axes.set_ylabel("share of the toys per bin")
    figure.legend(frameon=False, fontsize="small", loc="outside lower center", ncols=2)
    return figure


# -- impacts ----------------------------------------------------------------------------------------------------------


def impact_figure(impacts: Sequence[Impact], limit: Limit, reported: Reported, title: str, n: int = 20) -> Figure:
    """The ``n`` largest changes of the quoted limit, as bars for a move down and up, coloured by what was moved."""
    nominal = reported.value(limit.value)

    def change_of(move: float) -> float:
        return reported.value(limit.value + move) - nominal

    moved = [(impact, change_of(impact.down), change_of(impact.up)) for impact in impacts]
    moved.sort(key=lambda move: -_largest(move[1], move[2]))
    shown = moved[:n]
    largest = max((_largest(down, up) for _, down, up in shown), default=0.0)
    axis = QuotedAxis.spanning(reported, largest or nominal)
    figure, axes = canvas(title, size=(7.0, 2.3 + 0.27 * max(len(shown), 3)))
    for row, (impact, down, up) in enumerate(shown):
        for y, change, alpha in ((row - 0.2, down, 0.4), (row + 0.2, up, 1.0)):
            if math.isfinite(change):
                length = change / 10.0**axis.power_of_ten
                axes.barh(y, length, height=0.38, color=KINDS[impact.kind][1], alpha=alpha)
            else:
                axes.text(0.0, y, " no limit", fontsize="x-small", va="center")
    axes.axvline(0.0, color=DATA, lw=0.8)
    axes.set_yticks(
        range(len(shown)), [_shortened(impact.name) for impact, _, _ in shown], fontsize="small", parse_math=False
    )
    axes.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    axes.set_xlabel(f"change of the limit on {axis.label}")
    _relative_axis(axes, nominal / 10.0**axis.power_of_ten)
    _impact_legend(figure, [impact for impact, _, _ in shown], len(impacts))
    return figure


def _largest(*changes: float) -> float:
    return max(map(abs, finite(changes)), default=0.0)


def _relative_axis(axes: Axes, nominal: float) -> None:
    """The same changes in percent of the limit, above."""
    if math.isfinite(nominal) and nominal > 0.0:

        def share(x: ArrayLike) -> Array:
            return 100.0 * np.asarray(x, float) / nominal

        def back(share: ArrayLike) -> Array:
            return 0.01 * np.asarray(share, float) * nominal

        above = axes.secondary_xaxis("top", functions=(share, back))
        above.set_xlabel("% of the limit", fontsize="small")


def _impact_legend(figure: Figure, shown: Sequence[Impact], n: int) -> None:
    used = {impact.kind for impact in shown}
    handles = [Patch(color=colour, label=name) for kind, (name, colour) in KINDS.items() if kind in used]
    handles.append(Patch(color=DATA, alpha=0.4, label="one standard deviation down"))
    handles.append(Patch(color=DATA, label="one standard deviation up"))
    title = f"the {len(shown)} largest of {n}" if n > len(shown) else None
    figure.legend(handles=handles, title=title, frameon=False, fontsize="small", loc="outside lower center", ncols=2)


def _shortened(name: str) -> str:
    """A long name without its middle: both ends tell names apart."""
    half = (NAME_WIDTH - 1) // 2
    return name if len(name) <= NAME_WIDTH else f"{name[:half]}…{name[-half:]}"
