"""Figures of predicted rates: dR/dT of a source, the expected spectrum of an analysis, survival probabilities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eventfit.analysis import Model
from eventfit.analysis.expectation import Expectation
from eventfit.quadrature import Array
from eventfit.rates import Prediction
from eventfit.rates.total import recoil_edges
from eventfit.report.figures import DATA, STYLES
from eventfit.report.method_axis import SYMBOLS, canvas
from eventfit.report.rates import term_name
from eventfit.report.spectrum_view import poisson_errors
from eventfit.report.survival_figure import component_style, oscillated, survival_figure

__all__ = ["expectation_figure", "rate_figures", "recoil_figure"]

#: lowest recoil in keV that is drawn of a window that begins at zero, unless a shell opens below
LOWEST = 1.0
#: points per curve, and how close they come to an edge
POINTS, CLOSE = 400, 1e-6
#: decades below the largest count that are drawn at most, bins from which on points are small, inches per legend line
DECADES, MANY, PER_ENTRY = 8.0, 150, 0.235
#: ratio of the ends of a logarithmic axis below which its ticks are plain numbers
SHORT = 30.0
#: backgrounds
GREYS = ("#555555", "#888888", "#AAAAAA", "#333333", "#BBBBBB")
#: what stands for zero on a logarithmic axis
NOTHING = 1e-30
#: columns whose total is drawn beside the predicted one: line style, colour and words. The tree level would lie on it.
BESIDE = {
    "without_oscillation": ("--", DATA, "total without\noscillation"),
    "magnetic": (":", "#8B0000", "magnetic\nmoment"),
}


def rate_figures(found: Prediction | Expectation, unit: str) -> dict[str, Figure]:
    """All there is to draw, the main figure without a name; ``unit`` says what the events are those of."""
    if isinstance(found, Prediction):
        figures, fluxes = {"": recoil_figure(found, unit)}, found.source.fluxes
    else:
        figures, fluxes = {"": expectation_figure(found)}, found.model.fluxes
    return figures | ({"survival": survival_figure(arriving)} if (arriving := oscillated(fluxes)) else {})


# -- of a source ------------------------------------------------------------------------------------------------------


def recoil_figure(prediction: Prediction, unit: str) -> Figure:
    """dR/dT of every component and of all together, and the totals of other columns."""
    T = _recoils(prediction)
    spectra, present = prediction.spectra(T), [case.name for case in prediction.cases]
    styles = component_style([flux.name for flux in prediction.source.fluxes])
    material = prediction.target.name.replace("_", " ")
    source, electrons = prediction.source.name.replace("_", "-"), prediction.process.electrons.name
    title = f"{source} neutrinos on {material}, {electrons} electrons"
    figure, axes = canvas(title, size=(7.4, 5.0))
    for name, (label, colour) in styles.items():
        axes.plot(T, _visible(spectra[name]), color=colour, lw=1.5, label=label)
    total = _total(spectra)
    if len(styles) > 1:
        axes.plot(T, _visible(total), color=DATA, lw=2.0, label="total")
    top = total.max()
    for column, (style, colour, label) in BESIDE.items():
        if column in present:
            other = _total(prediction.spectra(T, column))
            axes.plot(T, _visible(other), color=colour, lw=1.5, ls=style, label=label)
            top = max(top, other.max())
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(T[0], T[-1])
    if T[-1] < SHORT * T[0]:  # powers of ten would leave hardly a number to read
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")
        axes.tick_params(axis="x", which="both", length=3.5, pad=3.5)
    peaks = [float(curve.max()) for curve in spectra.values() if curve.max() > 0.0]
    lowest = min(float(curve.min()) for curve in spectra.values())
    axes.set_ylim(max(0.03 * min(peaks, default=1.0), 0.3 * lowest), 3.0 * top)
    axes.set_xlabel("true recoil energy $T$ [keV]")
    axes.set_ylabel(f"d$R$/d$T$ [{unit.replace('events', 'events per keV', 1)}]")
    figure.legend(frameon=False, fontsize="medium", loc="outside right upper")
    return figure


def _recoils(prediction: Prediction) -> Array:
    """Recoils in keV, evenly spaced in their logarithm and closing in on every edge of a component or shell."""
    process, (low, high) = prediction.process, prediction.window
    ends = np.concatenate([recoil_edges(flux, process) for flux in prediction.source.fluxes])
    start = low if low > 0.0 else min([LOWEST, 1e-3 * high, *(0.5 * process.breakpoints)])
    falling = np.outer(ends, 1.0 - 2.0 ** -np.arange(3.0, 18.0)).ravel()
    sides = np.outer(np.concatenate([ends, process.breakpoints]), [1.0 - CLOSE, 1.0 + CLOSE]).ravel()
    near = np.concatenate([falling, sides])
    return np.unique(np.concatenate([np.geomspace(start, high, POINTS), near[(near > start) & (near < high)]]))


def _total(spectra: Mapping[str, Array]) -> Array:
    return np.asarray(np.sum(list(spectra.values()), axis=0))


def _visible(rate: Array) -> Array:
    """A rate for a logarithmic axis: where it is zero, far below it."""
    return np.maximum(rate, NOTHING)


# -- of an analysis ---------------------------------------------------------------------------------------------------


def expectation_figure(expectation: Expectation) -> Figure:
    """Expected counts per bin of every component and term, the backgrounds, and what was observed."""
    model = expectation.model
    edges, observed = model.observed.edges, model.observed.values()
    styles = component_style(list(dict.fromkeys(template.component for template in model.templates)))
    lines = dict(zip(dict.fromkeys(template.term for template in model.templates), STYLES * 9, strict=False))
    figure, axes = canvas(model.declaration.title, size=(7.4, 5.0))
    handles = [Line2D([], [], color=colour, lw=1.6, label=label) for label, colour in styles.values()]
    for template in model.templates:
        colour, line = styles[template.component][1], lines[template.term]
        axes.stairs(_visible(np.abs(template.spectrum.values())), edges, baseline=None, lw=1.6, color=colour, ls=line)
    for i, background in enumerate(model.backgrounds):
        look: dict[str, Any] = {"color": GREYS[i % len(GREYS)], "ls": STYLES[i % len(STYLES)], "lw": 1.4}
        axes.stairs(_visible(background.values()), edges, baseline=None, **look)
        handles.append(Line2D([], [], **look, label=background.name.replace("_", " ")))
    handles.append(_data(axes, edges, observed, _errors(model)))
    handles += [Line2D([], [], color=DATA, ls=line, label=_label(expectation, term)) for term, line in lines.items()]
    peaks = [float(np.abs(s.values()).max()) for s in (*(t.spectrum for t in model.templates), *model.backgrounds)]
    top = max([*peaks, float(observed.max())])
    axes.set_yscale("log")
    axes.set_ylim(max(0.03 * min((peak for peak in peaks if peak > 0.0), default=top), top / 10.0**DECADES), 3.0 * top)
    axes.set_xlim(edges[0], edges[-1])
    axis, width = model.declaration.response.axis, np.diff(edges)
    even = float(np.ptp(width)) < 1e-9 * float(edges[-1])
    axes.set_xlabel(f"reconstructed {axis.name.replace('_', ' ')}" + (f" [{axis.unit}]" if axis.unit else ""))
    axes.set_ylabel(f"expected counts / {f'{width[0]:g} {axis.unit}' if even and axis.unit else 'bin'}")
    figure.legend(handles=handles, frameon=False, fontsize="medium", loc="outside right upper")
    written = sum(str(handle.get_label()).count("\n") + 1 for handle in handles)
    figure.set_size_inches(7.4, max(5.0, 0.6 + PER_ENTRY * written))
    return figure


def _errors(model: Model) -> tuple[Array, Array]:
    """Lengths of the errors below and above the data: of counts those of Poisson, else the measured ones."""
    data = model.declaration.data
    if data.residual is None and data.counted is None:
        return poisson_errors(model.observed.values())
    error = np.sqrt(model.observed.variances())
    return error, error


def _data(axes: Axes, edges: Array, observed: Array, errors: tuple[Array, Array]) -> Line2D:
    """Data with their errors, smaller where they are many; a bin without has no place on a logarithmic axis."""
    seen, many = observed > 0, len(observed) > MANY
    down, up = (error[seen] for error in errors)
    centre, size, width = 0.5 * (edges[:-1] + edges[1:])[seen], 1.2 if many else 3.0, 0.4 if many else 0.9
    # an error that reaches zero is drawn down to the edge of the axis
    down = np.minimum(down, observed[seen]) * (1.0 - CLOSE)
    axes.errorbar(centre, observed[seen], yerr=(down, up), fmt="o", ms=size, lw=width, color=DATA, zorder=1)
    return Line2D([], [], marker="o", ms=3.0, ls="", color=DATA, label="data")


def _label(expectation: Expectation, term: str) -> str:
    """A term with the couplings it is taken at, in TeX."""
    couplings = expectation.columns[term].partition(" at ")[2]
    lines = [couplings] if couplings.startswith(term) else [term_name(term), couplings]
    if any((t.spectrum.values() < 0.0).any() for t in expectation.model.templates if t.term == term):
        lines.append("(absolute value)")
    return re.sub(r"\b(mu_nu|mu_B)\b", lambda found: SYMBOLS[found[0]], "\n".join(filter(None, lines)))
