"""Figures of the parameters of a fit: pulls and constraints, free norms apart, correlations. No pyplot state."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from eventfit.quadrature import Array
from eventfit.report.estimates import Estimate
from eventfit.report.figures import BACKGROUND, BEST, DATA, PUBLISHED
from eventfit.report.method_axis import SYMBOLS, mathtext, number
from eventfit.report.spectrum_figures import shortened

__all__ = ["correlation_figure", "pull_figure"]

#: height of a row, and of what stands around the rows, in inches
ROW, AROUND = 0.27, 0.75
#: most characters of a name on an axis
NAME_WIDTH = 34
#: most parameters for which the numbers are written into the matrix
NUMBERED = 14
#: how dark a full correlation is: text on it stays readable
DARKEST = 0.75


def pull_figure(
    best: Sequence[Estimate], null: Sequence[Estimate] | None, prefix: str, title: str, most: int = 24
) -> Figure:
    """Pulls of the constrained parameters on bands of one and two standard deviations; below, the free ones.

    A pull is (fitted - measured) / error of the auxiliary measurement, its bar the fitted error in the same unit: a bar
    shorter than one means that the data constrain the parameter. Open squares are the fit without signal. Free
    parameters are shown relative to their best fit, with value and error in words.

    Parameters
    ----------
    prefix
        Start of names that is left out: the analysis, which all of its parameters share.
    most
        Rows that one page holds: of more parameters those with the largest pulls, and the first of the free ones, for
        which a third is kept.
    """
    pulled = sorted((e for e in best if e.pull is not None), key=lambda e: -abs(e.pull or 0.0))
    free = [e for e in best if e.pull is None][: max(most // 3, most - len(pulled))]
    pulled = pulled[: most - len(free)]
    heights = [max(len(rows), 1) + 0.8 for rows in (pulled, free) if rows]
    figure = Figure(figsize=(7.0, AROUND * max(len(heights), 1) + ROW * sum(heights)), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium", parse_math=False)
    panels = figure.subplots(len(heights) or 1, 1, squeeze=False, height_ratios=heights or None)[:, 0]
    other = {e.name: e for e in null or ()}
    if pulled:
        _pulls(panels[0], pulled, other, prefix)
    if free:
        _free(panels[-1], free, prefix)
    return figure


def correlation_figure(names: Sequence[str], matrix: Array, prefix: str, title: str) -> Figure:
    """The correlation matrix (n, n): positive in orange, negative in blue, the darker the closer to one."""
    n = len(names)
    size = min(max(3.4, 1.9 + 0.33 * n), 7.0)
    figure = Figure(figsize=(7.0, size), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium", parse_math=False)
    axes = figure.subplots()
    colours = np.array([to_rgba(BEST), to_rgba(BACKGROUND)])[(matrix < 0).astype(int)]
    colours[..., 3] = DARKEST * np.abs(matrix)
    for i in range(n):  # squares, not an image: they stay sharp at any size
        for j in range(n):
            axes.fill(
                [j - 0.5, j + 0.5, j + 0.5, j - 0.5], [i - 0.5, i - 0.5, i + 0.5, i + 0.5], color=colours[i, j], lw=0
            )
            if n <= NUMBERED:
                text = f"{round(matrix[i, j], 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")  # no minus before 0.00
                axes.text(j, i, text, ha="center", va="center", fontsize="small")
    labels = [shortened(name.removeprefix(prefix), NAME_WIDTH) for name in names]
    fontsize = "small" if n <= 20 else 7.0
    axes.set_xticks(range(n), labels, rotation=45 if n <= 20 else 90, ha="right" if n <= 20 else "center")
    axes.set_yticks(range(n), labels)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set(fontsize=fontsize, parse_math=False, rotation_mode="anchor")
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    axes.tick_params(length=0)
    return figure


def _pulls(axes: Axes, pulled: Sequence[Estimate], null: dict[str, Estimate], prefix: str) -> None:
    reach = max(2.6, *(abs(e.pull or 0.0) + (e.constraint or 0.0) + 0.2 for e in pulled))
    axes.axvspan(-2, 2, color=PUBLISHED, alpha=0.15, lw=0)
    axes.axvspan(-1, 1, color=PUBLISHED, alpha=0.25, lw=0)
    axes.axvline(0, color=DATA, lw=0.8)
    for y, estimate in enumerate(pulled):
        other = null.get(estimate.name)
        if other is not None and other.pull is not None:
            axes.plot([other.pull], [y], "s", ms=6.5, mfc="none", mec=BACKGROUND, label="without signal")
            reach = max(reach, abs(other.pull) + 0.2)
        error = [estimate.constraint] if estimate.constraint is not None else None
        axes.errorbar([estimate.pull or 0.0], [y], xerr=error, fmt="o", ms=4.5, color=BEST, lw=1.6, label="best fit")
    axes.set_xlim(-reach, reach)
    _rows(axes, pulled, prefix)
    axes.set_xlabel("pull: (fitted $-$ measured) / error of the measurement")
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(once.values(), once.keys(), frameon=False, fontsize="small", loc="outside lower center", ncols=2)


def _free(axes: Axes, free: Sequence[Estimate], prefix: str) -> None:
    """Relative errors as bars, cut off at one; beside each its value and error."""
    axes.axvline(0, color=DATA, lw=0.8)
    for y, estimate in enumerate(free):
        relative = None if estimate.error is None or not estimate.value else abs(estimate.error / estimate.value)
        if relative is not None:
            axes.plot([-min(relative, 1.0), min(relative, 1.0)], [y, y], color=BEST, lw=1.6)
            if relative > 1.0:
                axes.plot([-1.0, 1.0], [y, y], color=BEST, marker="$\\leftrightarrow$", ls="", ms=7)
        axes.plot([0.0], [y], "o" if relative is not None else "|", ms=4.5, color=BEST)
        axes.text(1.02, y, _written(estimate), va="center", transform=axes.get_yaxis_transform())
    axes.set_xlim(-1.08, 1.08)
    axes.set_xticks([-1.0, -0.5, 0.0, 0.5, 1.0])
    _rows(axes, free, prefix)
    axes.set_xlabel("free parameters: error relative to the best fit")


def _written(estimate: Estimate) -> str:
    """Value, error and unit in words."""
    text = number(estimate.value)
    if estimate.error:
        places = max(1 - math.floor(math.log10(estimate.error)), 0)
        text = f"{estimate.value:.{places}f} ± {estimate.error:.{places}f}".replace("-", "\N{MINUS SIGN}")
    if estimate.unit:
        unit = re.sub(r"1e(-?\d+)", r"$10^{\1}$", mathtext(estimate.unit))
        text += f" {unit}".replace("mu_B", SYMBOLS["mu_B"])
    return text + (" (at its bound)" if estimate.at_bound else " (held)" if estimate.held else "")


def _rows(axes: Axes, rows: Sequence[Estimate], prefix: str) -> None:
    names = [shortened(e.name.removeprefix(prefix), NAME_WIDTH) for e in rows]
    axes.set_yticks(range(len(rows)), names, parse_math=False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
