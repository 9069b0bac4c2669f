"""Figures for papers and slides: spectrum with residuals, profile of the parameter of interest. No pyplot state."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import gammaincinv

from eventfit.analysis import Model
from eventfit.errors import WriteFailed
from eventfit.inference import FitResult, Profile
from eventfit.likelihood import poisson_deviance
from eventfit.published import Reproduction, Row, Run
from eventfit.quadrature import Array

__all__ = ["other_parameters", "poisson_errors", "profile_figure", "save", "spectrum_figure"]

#: colours that stay apart in print and for colour-blind readers (Okabe and Ito)
DATA, BACKGROUND, BEST, SIGNAL, PUBLISHED = "black", "#0072B2", "#D55E00", "#009E73", "#999999"
OTHERS = ("#56B4E9", "#E69F00", "#CC79A7", "#009E73", "#0072B2", "#000000", "#8B4513")
STYLES = ("-", "--", "-.", ":")
#: height of the profile figure in -2 Delta ln L
VISIBLE = 12.0


def poisson_errors(n: Array) -> tuple[Array, Array]:
    """Lengths of the central 68.27 % Garwood interval below and above each count, shape (n,) each."""
    tail = 0.5 * (1.0 - 0.6826894921370859)
    low = np.where(n > 0, gammaincinv(np.maximum(n, 1e-12), tail), 0.0)
    return n - low, gammaincinv(n + 1.0, 1.0 - tail) - n


def spectrum_figure(reproduction: Reproduction, variant: str = "default") -> Figure:
    """Data, background-only fit, best fit, its signal or that at the limit, and below the signed deviance per bin."""
    run = reproduction.runs[variant]
    model, profile = run.model, _profile(run)
    null, best = profile.at(0.0), profile.best
    edges, n = model.observed.edges, model.observed.values()
    centre = 0.5 * (edges[:-1] + edges[1:])
    figure = Figure(figsize=(7.0, 5.6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    signal, label = _signal_shown(reproduction, variant)
    for result, style in (
        (best, {"color": BEST, "lw": 1.8, "label": _best_label(model, profile)}),
        (null, {"color": BACKGROUND, "lw": 1.5, "ls": "--", "label": "background only"}),
    ):
        top.stairs(model.spectrum_of(model.likelihood.expected(result.values)), edges, baseline=None, **style)
    top.stairs(signal, edges, color=SIGNAL, fill=True, alpha=0.35, label=label)
    errors = poisson_errors(n)
    top.errorbar(centre, n, yerr=errors, fmt="o", ms=3.5, lw=1, color=DATA, label="data")
    top.set_ylabel(f"counts / {edges[1] - edges[0]:g} keV" if np.ptp(np.diff(edges)) < 1e-9 else "counts / bin")
    top.set_ylim(0, max(1.35 * float(n.max()), 1.2 * float((n + errors[1]).max())))
    top.set_title(reproduction.analysis.default.title, fontsize="medium", loc="left", parse_math=False)
    top.legend(frameon=False, ncols=2, fontsize="small", loc="upper right")
    reach = 3.5
    for result, colour, marker, name in ((null, BACKGROUND, "s", "background only"), (best, BEST, "o", "best fit")):
        deviance = _signed_deviance(model, result)
        reach = max(reach, 1.15 * float(np.abs(deviance).max()))
        bottom.plot(centre, deviance, marker, ms=3.5, color=colour, label=name)
    bottom.legend(frameon=False, fontsize="x-small", loc="lower right", ncols=2)
    bottom.set_ylim(-reach, reach)
    bottom.axhspan(-2, 2, color=PUBLISHED, alpha=0.15, lw=0)
    bottom.axhspan(-1, 1, color=PUBLISHED, alpha=0.25, lw=0)
    bottom.axhline(0, color=DATA, lw=0.8)
    bottom.set_ylabel("signed $\\sqrt{\\mathrm{deviance}}$")
    bottom.set_xlabel("reconstructed energy [keV]")
    bottom.set_xlim(edges[0], edges[-1])
    return figure


def profile_figure(reproduction: Reproduction, *, others: bool = False) -> Figure:
    """-2 Delta ln L against the quoted parameter, every variant, with the default's interval and the published one.

    With ``others`` the variants whose parameter of interest is another one, each against its own, beside the default.
    """
    shown = {"default", *(other_parameters(reproduction) if others else _same_parameter(reproduction))}
    rows = [r for r in reproduction.rows if r.quantity == "interval" and r.value is not None and r.variant in shown]
    default = next((row for row in rows if row.variant == "default"), None)
    run = reproduction.runs["default"]
    reported, profile = run.model.reported, _profile(run)
    end = reported.value(profile.crossing(VISIBLE, +1) or profile.bounds[1])
    end = 1.25 * max([end / 1.25, *(row.value[1] for row in rows if isinstance(row.value, tuple))])
    unit = 10.0 ** np.floor(np.log10(end))
    figure = Figure(figsize=(8.6, 4.8), layout="constrained")
    axes = figure.subplots()
    styles = zip(cycle(OTHERS), cycle(STYLES), strict=False)
    for name, run in reproduction.runs.items():
        if run.profile is None or name not in shown:
            continue
        quoted = np.linspace(0.0, end, 81)
        fitted = np.array([run.model.reported.fitted(value) for value in quoted])
        delta = run.profile.scan(fitted).delta
        if name == "default":
            axes.plot(quoted / unit, delta, color=BEST, lw=2.2, zorder=3, label="default")
        else:
            colour, line = next(styles)
            axes.plot(quoted / unit, delta, color=colour, ls=line, lw=1.1, label=name)
    if default is not None:
        _mark(axes, replace(default, pieces=(), published=None) if others else default, unit)
    axes.set_xlim(0, end / unit)
    axes.set_ylim(0, VISIBLE)
    what = "moment" if others else f"${_symbol(reported.name)}$"
    axes.set_xlabel(f"{what} [$10^{{{np.log10(unit):.0f}}}\\,{_symbol(reported.unit)}$]")
    axes.set_ylabel(r"$-2\,\Delta\ln L$")
    axes.set_title(reproduction.analysis.default.title, fontsize="medium", loc="left", parse_math=False)
    figure.legend(frameon=False, fontsize="small", loc="outside right upper")
    return figure


def other_parameters(reproduction: Reproduction) -> list[str]:
    """Variants whose parameter of interest is not that of the default."""
    return [name for name in reproduction.runs if name not in _same_parameter(reproduction)]


def _same_parameter(reproduction: Reproduction) -> list[str]:
    poi = reproduction.analysis.default.poi
    return [name for name, run in reproduction.runs.items() if run.model.reported.name == poi]


def save(figure: Figure, path: Path) -> list[Path]:
    """``figure`` as ``path.png`` and ``path.pdf``.

    Raises
    ------
    WriteFailed
        The folder cannot be written.
    """
    targets = [path.with_name(path.name + ending) for ending in (".png", ".pdf")]
    for target in targets:
        try:
            figure.savefig(target, dpi=160, metadata={"CreationDate": None} if target.suffix == ".pdf" else None)
        except OSError as error:
            raise WriteFailed("a figure could not be written", where=str(target), given=error.strerror) from error
    return targets


def _profile(run: Run) -> Profile:
    assert run.profile is not None
    return run.profile


def _signal(model: Model, best: FitResult) -> Array:
    parts = model.likelihood.expected_by_component(best.values)
    total = np.sum([parts[t.name] for t in model.templates if model.poi in t.powers], axis=0)
    return model.spectrum_of(np.asarray(total))


def _symbol(name: str) -> str:
    """A parameter or a unit in TeX."""
    return {"mu_nu": r"\mu_\nu", "mu_B": r"\mu_B"}.get(name, rf"\mathrm{{{name}}}".replace("_", r"\_"))


def _signal_shown(reproduction: Reproduction, variant: str) -> tuple[Array, str]:
    """The signal of the best fit, or if that is zero the one at the upper end of the interval; and its name."""
    model, profile = reproduction.runs[variant].model, _profile(reproduction.runs[variant])
    process = " + ".join(dict.fromkeys(t.process for t in model.templates if model.poi in t.powers)).replace("_", " ")
    ends = [
        row.value[1]
        for row in reproduction.rows
        if (row.quantity, row.variant) == ("interval", variant) and isinstance(row.value, tuple)
    ]
    if profile.estimate > 0 or not ends:
        return _signal(model, profile.best), f"{process}, best fit"
    at_end = profile.at(model.reported.fitted(ends[0]))
    return _signal(model, at_end), f"{process} at the limit,\n{_quoted(model, ends[0])}"


def _best_label(model: Model, profile: Profile) -> str:
    return f"best fit, {_quoted(model, model.reported.value(profile.estimate))}"


def _quoted(model: Model, value: float) -> str:
    """``symbol = value unit`` in TeX."""
    name, unit = _symbol(model.reported.name), _symbol(model.reported.unit)
    mantissa, power = f"{value:.2e}".split("e")
    return rf"${name} = {mantissa}\times 10^{{{int(power)}}}\,{unit}$" if value else f"${name} = 0$"


def _signed_deviance(model: Model, result: FitResult) -> Array:
    expected, n = model.spectrum_of(model.likelihood.expected(result.values)), model.observed.values()
    return np.asarray(np.sign(n - expected) * np.sqrt(poisson_deviance(n, expected)[0]))


def _mark(axes: Axes, row: Row, unit: float) -> None:
    """Cut line, our interval as a band, the ends of the published one as lines, each with its name."""
    assert isinstance(row.value, tuple)
    assert row.card.cut is not None
    assert row.card.cl is not None
    axes.axhline(row.card.cut, color=DATA, lw=0.8, ls=":")
    level = f"{row.card.cut:.2f}: {100 * row.card.cl:g} % C.L., two-sided"
    axes.text(0.015, row.card.cut + 0.12, level, ha="left", fontsize="small", transform=axes.get_yaxis_transform())
    for i, (low, high) in enumerate(row.pieces):
        axes.axvspan(low / unit, high / unit, color=BEST, alpha=0.12, lw=0, label="" if i else "our interval")
    if row.published is not None and isinstance(row.published.value, list):
        ends = [value / unit for value in row.published.value if value > 0]
        name = "published interval" if len(ends) > 1 else "published limit"
        for i, end in enumerate(ends):
            axes.axvline(end, color=PUBLISHED, lw=2.5, ls=(0, (1, 1)), zorder=1, label="" if i else name)
