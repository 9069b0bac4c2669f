"""Figures of a reproduction: the profile of every variant beside the published value. Colours of all figures."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eventfit.errors import WriteFailed
from eventfit.inference import Profile
from eventfit.published import Reproduction, Row, Run

__all__ = ["coupling_figure", "couplings_beside", "other_parameters", "profile_figure", "save"]

#: colours that stay apart in print and for colour-blind readers (Okabe and Ito)
DATA, BACKGROUND, BEST, SIGNAL, PUBLISHED = "black", "#0072B2", "#D55E00", "#009E73", "#999999"
OTHERS = ("#56B4E9", "#E69F00", "#CC79A7", "#009E73", "#0072B2", "#000000", "#8B4513")
STYLES = ("-", "--", "-.", ":")
#: height of the profile figure in -2 Delta ln L
VISIBLE = 12.0


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


def coupling_figure(reproduction: Reproduction, poi: str) -> Figure:
    """-2 Delta ln L against a parameter of either sign that is not the default's, as :func:`couplings_beside` has them.

    The first of its variants is the one whose interval, all pieces, and published interval are marked.
    """
    names = couplings_beside(reproduction)[poi]
    rows = {r.variant: r for r in reproduction.rows if r.quantity == "interval" and r.value is not None}
    ends = [end for name in names if name in rows for piece in rows[name].pieces for end in piece]
    reported = reproduction.runs[names[0]].model.reported
    low, high = (min(ends), max(ends)) if ends else (-reported.scale, reported.scale)
    margin = 0.3 * (high - low)
    unit = 10.0 ** np.floor(np.log10(max(abs(low), abs(high))))
    quoted = np.linspace(low - margin, high + margin, 241)
    figure = Figure(figsize=(8.6, 4.8), layout="constrained")
    axes = figure.subplots()
    styles = zip(cycle(OTHERS), cycle(STYLES), strict=False)
    for name in names:
        profile = _profile(reproduction.runs[name])
        fitted = np.array([reported.fitted(value) for value in quoted])
        inside = (profile.bounds[0] <= fitted) & (fitted <= profile.bounds[1])
        colour, line = (BEST, "-") if name == names[0] else next(styles)
        width = 2.2 if name == names[0] else 1.1
        delta = profile.scan(fitted[inside]).delta
        axes.plot(quoted[inside] / unit, delta, color=colour, ls=line, lw=width, label=name)
    if names[0] in rows:
        _mark(axes, rows[names[0]], unit)
    axes.set_xlim(quoted[0] / unit, quoted[-1] / unit)
    axes.set_ylim(0, VISIBLE)
    power = rf"10^{{{np.log10(unit):.0f}}}\,{_symbol(reported.unit)}"
    axes.set_xlabel(f"${_symbol(poi)}$" + (f" [${power}$]" if reported.unit or unit != 1.0 else ""))
    axes.set_ylabel(r"$-2\,\Delta\ln L$")
    axes.set_title(reproduction.analysis.default.title, fontsize="medium", loc="left", parse_math=False)
    figure.legend(frameon=False, fontsize="small", loc="outside right upper")
    return figure


def other_parameters(reproduction: Reproduction) -> list[str]:
    """Variants whose parameter of interest is another one than the default's, in the same unit."""
    same, unit = _same_parameter(reproduction), reproduction.runs["default"].model.reported.unit
    return [name for name, run in reproduction.runs.items() if name not in same and run.model.reported.unit == unit]


def couplings_beside(reproduction: Reproduction) -> dict[str, list[str]]:
    """Parameters of interest in another unit than the default's, with their variants that were fitted."""
    found: dict[str, list[str]] = {}
    for name, run in reproduction.runs.items():
        reported = run.model.reported
        if run.profile is not None and reported.unit != reproduction.runs["default"].model.reported.unit:
            found.setdefault(reported.name, []).append(name)
    return found


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


def _symbol(name: str) -> str:
    """A parameter or a unit in TeX."""
    known = {
        "mu_nu": r"\mu_\nu",
        "mu_B": r"\mu_B",
        "q_nu": r"q_\nu",
        "r2_nu": r"\langle r^2\rangle",
        "cm^2": r"\mathrm{cm}^2",
    }
    return known.get(name, rf"\mathrm{{{name}}}".replace("_", r"\_"))


def _mark(axes: Axes, row: Row, unit: float) -> None:
    """Cut line, our interval as a band, the ends of the published one as lines, each with its name."""
    assert isinstance(row.value, tuple)
    assert row.card.cut is not None
    assert row.card.cl is not None
    level = f"{100 * row.card.cl:g} % C.L., two-sided:\n{row.card.cut:.2f}"
    axes.axhline(row.card.cut, color=DATA, lw=0.8, ls=":", label=level)
    for i, (low, high) in enumerate(row.pieces):
        axes.axvspan(low / unit, high / unit, color=BEST, alpha=0.12, lw=0, label="" if i else "our interval")
    if row.published is not None and isinstance(row.published.value, list):
        ends = [value / unit for value in row.published.value if value]
        name = "published interval" if len(ends) > 1 else "published limit"
        for i, end in enumerate(ends):
            axes.axvline(end, color=PUBLISHED, lw=2.5, ls=(0, (1, 1)), zorder=1, label="" if i else name)
