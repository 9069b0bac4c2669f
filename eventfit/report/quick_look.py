"""A quick look before any fit: data, what the declared components expect, and the signal at a unit coupling."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eventfit.analysis.problem import Problem
from eventfit.quadrature import Array
from eventfit.report.figures import BEST, DATA, SIGNAL
from eventfit.report.spectrum_figures import COMPONENTS, DECADES, LINES, MOST, legend_name
from eventfit.report.spectrum_view import POINTS, BinAxis, bin_axis, expected_parts, poisson_errors, signal_names

__all__ = ["quick_look_figure"]

#: contents that differ by more are shown on a logarithmic scale
SPREAD = 30.0


def quick_look_figure(problem: Problem) -> Figure:
    """Observed contents, all components but the signal at the declared start, and their sum; the signal, dotted.

    The signal of an analysis is shown at the coupling that its templates were folded with, that of a workspace at the
    declared start.
    """
    axis, likelihood, model = bin_axis(problem), problem.likelihood, problem.model
    parts = expected_parts(likelihood, likelihood.start, model, problem.samples)
    moving = signal_names(likelihood, problem.poi, problem.samples)
    shown = {name: counts for name, counts in parts.items() if counts.any() and name not in moving}
    total = np.sum([*shown.values()], axis=0) if shown else np.zeros(len(axis.edges) - 1)
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_title(problem.title, fontsize="medium", loc="left", parse_math=False)
    said = "sum without signal, before any fit"
    axes.stairs(total, axis.edges, baseline=None, color=BEST, lw=2.0, label=said, zorder=4)
    lines = cycle((colour, line) for line in LINES for colour in COMPONENTS)
    for (name, counts), (colour, line) in zip(_largest(shown).items(), lines, strict=False):
        axes.stairs(counts, axis.edges, baseline=None, color=colour, ls=line, lw=1.2, label=legend_name(name))
    signals = {f"{legend_name(name)}, signal": parts[name] for name in parts if name in moving}
    signals = signals if model is None else _signals(problem)
    for name, counts in list(signals.items())[:MOST]:
        axes.stairs(counts, axis.edges, baseline=None, color=SIGNAL, ls=":", lw=1.8, label=name)
    lowest, highest = _data(axes, axis, problem)
    seen = np.concatenate([total, *signals.values()])
    _scale(axes, seen[seen > 0], lowest, max(highest, float(total.max(initial=0.0))))
    axes.set_xlim(axis.edges[0], axis.edges[-1])
    axes.set_xlabel(axis.label, parse_math=False)
    axes.set_ylabel(f"counts / {axis.per}", parse_math=False)
    handles, labels = axes.get_legend_handles_labels()
    figure.set_figheight(figure.get_figheight() + 0.2 * (len(labels) // 2))
    figure.legend(handles, labels, frameon=False, fontsize="medium", loc="outside lower center", ncols=2)
    return figure


def _largest(parts: Mapping[str, Array]) -> dict[str, Array]:
    """The components in falling size; of very many the smallest as their sum."""
    order = sorted(parts, key=lambda name: -float(np.abs(parts[name]).sum()))
    kept = {name: parts[name] for name in order[:MOST]}
    rest = [parts[name] for name in order[MOST:]]
    return kept | ({f"sum of {len(rest)} smaller ones": np.sum(rest, axis=0)} if rest else {})


def _signals(problem: Problem) -> dict[str, Array]:
    """Templates that scale with the parameter of interest, at the coupling that they were folded with, summed."""
    assert problem.model is not None
    found: dict[str, Array] = {}
    couplings = {c.name: c for c in problem.model.couplings}
    for template in problem.model.templates:
        power = template.powers.get(problem.poi)
        if power is not None:
            coupling = couplings[problem.poi]
            process = template.process.replace("_", " ")
            said = f"{process} at {coupling.reported} = {coupling.scale:g} {coupling.reported_unit}".rstrip()
            name = legend_name(said if power == 1 else f"{said}, power {power}")
            found[name] = found.get(name, 0.0) + template.spectrum.values()
    return found


def _data(axes: Axes, axis: BinAxis, problem: Problem) -> tuple[float, float]:
    """Draw what was observed, many bins as means of neighbours; the ends of the error bars."""
    model = problem.model
    n = problem.likelihood.data.counts if model is None else model.observed.values()
    given = np.zeros(len(n)) if model is None else model.spectrum_errors
    groups = axis.groups(POINTS)
    size = np.diff(np.append(groups, len(n)))
    content, variance = np.add.reduceat(n, groups), np.add.reduceat(given**2, groups)
    below, above = poisson_errors(np.maximum(content, 0.0))
    below, above = (np.where(variance > 0, np.sqrt(variance), side) / size for side in (below, above))
    middle = 0.5 * (axis.edges[groups] + axis.edges[groups + size])
    kind = None if model is None else model.kind
    label = "expected without signal" if kind == "expected" else "data"
    label += "" if size.max() == 1 else f", mean of {size.max()} bins"
    style: dict[str, Any] = {"fmt": "o", "ms": 3.5 if len(groups) <= 60 else 1.8, "lw": 0.9, "color": DATA, "zorder": 5}
    axes.errorbar(middle, content / size, yerr=(below, above), label=label, **style)
    return float((content / size - below).min()), float((content / size + above).max())


def _scale(axes: Axes, positive: Array, lowest: float, highest: float) -> None:
    """Logarithmic where contents differ much and no datum is negative."""
    if lowest >= 0.0 and len(positive) and highest > SPREAD * float(positive.min()):
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(max(0.3 * float(positive.min()), highest * 10.0**-DECADES), 2.5 * highest)
    else:
        axes.set_ylim(1.12 * min(0.0, lowest), 1.12 * highest)
