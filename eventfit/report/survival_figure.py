"""What arrives of a nu_e from the Sun: its survival probability, component by component."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eventfit.flux import Flux, Oscillated
from eventfit.quadrature import Array
from eventfit.report.figures import DATA, OTHERS, PUBLISHED
from eventfit.units import MeV

__all__ = ["component_style", "oscillated", "survival_figure"]

Styles = dict[str, tuple[str, str]]
#: component -> name as papers write it, and colour
SOLAR_STYLES = {
    "pp": ("pp", "#0072B2"),
    "pep": ("pep", "#009E73"),
    "hep": ("hep", "#8B4513"),
    "be7": ("$^7$Be", "#D55E00"),
    "b8": ("$^8$B", "#CC79A7"),
    "n13": ("$^{13}$N", "#56B4E9"),
    "o15": ("$^{15}$O", "#E69F00"),
    "f17": ("$^{17}$F", "#6A3D9A"),
}
#: the same of reactors and stopped pions
NEAR_STYLES = {
    "u235": ("$^{235}$U", "#0072B2"),
    "u238": ("$^{238}$U", "#E69F00"),
    "pu239": ("$^{239}$Pu", "#009E73"),
    "pu241": ("$^{241}$Pu", "#CC79A7"),
    "capture": ("$^{238}$U(n, $\\gamma$)", "#D55E00"),
    "nu_mu": (r"$\nu_\mu$", "#009E73"),
    "nu_e": (r"$\nu_e$", "#0072B2"),
    "nubar_mu": (r"$\bar\nu_\mu$", "#D55E00"),
}
#: born where 15O is
DASHED = ("f17",)
#: where the axis begins, in keV, and its ticks in MeV
START, TICKS = 100.0, (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
#: states beside nu_e with their line styles
CONVERTED = (("nu_mu", r"$P(\nu_e\to\nu_\mu)$", "--"), ("nu_tau", r"$P(\nu_e\to\nu_\tau)$", ":"))


def component_style(names: Sequence[str]) -> Styles:
    """Label and colour of every component."""
    colours, known = cycle(OTHERS), SOLAR_STYLES | NEAR_STYLES
    return {name: known[name] if name in known else (name, next(colours)) for name in names}


def oscillated(fluxes: Sequence[Flux]) -> list[Oscillated]:
    """Those of ``fluxes`` that have a survival probability."""
    return [flux for flux in fluxes if isinstance(flux, Oscillated)]


def survival_figure(fluxes: Sequence[Oscillated], *, converted: bool = False) -> Figure:
    """P(nu_e -> nu_e) on the day side: every continuum over its own range, lines as markers.

    Below, how far the components differ at the same energy because they are born elsewhere: against the production
    region of 8B, or of the component that reaches furthest. With ``converted`` also the shares of nu_mu and nu_tau.
    """
    styles = component_style([flux.name for flux in fluxes])
    reference = max(fluxes, key=lambda flux: (flux.name == "b8", not flux.source.is_line, _reach(flux)))
    figure = Figure(figsize=(7.0, 5.8), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
    vacuum = float(fluxes[0].parameters.mixing[0] @ fluxes[0].parameters.mixing[0])
    top.axhline(vacuum, color=PUBLISHED, lw=1.0, ls=(0, (4, 2)), zorder=1)
    bottom.axhline(0.0, color=DATA, lw=0.8, zorder=1)
    top.text(
        0.99,
        vacuum,
        "averaged over vacuum oscillations",
        color="#666666",
        fontsize="small",
        ha="right",
        va="bottom",
        transform=top.get_yaxis_transform(),
    )
    for flux in fluxes:
        energy, look = _energies(flux), _look(flux, styles)
        content = flux.content(energy, "flavour")
        top.plot(energy / MeV, content[0], **look)
        if converted:
            for row, (_, _, style) in enumerate(CONVERTED, 1):
                top.plot(energy / MeV, content[row], **look | ({} if flux.source.is_line else {"ls": style, "lw": 1.1}))
        apart = content[0] - reference.content(energy, "flavour")[0]
        bottom.plot(energy / MeV, apart, **look)
    for axes in (top, bottom):
        axes.margins(y=0.1)
    _finish(figure, top, bottom, fluxes, styles, converted)
    bottom.set_ylabel(f"difference to the\n{styles[reference.name][0]} region")
    return figure


def _energies(flux: Oscillated) -> Array:
    """Energies in keV at which a component is drawn."""
    if flux.source.is_line:
        return flux.source.nodes_keV
    return np.geomspace(max(START, flux.source.nodes_keV[0]), _reach(flux), 300)


def _look(flux: Oscillated, styles: Styles) -> dict[str, Any]:
    """Colour and line of a component; a marker for what is a line itself, dashes for what lies on another one."""
    look = {"color": styles[flux.name][1], "ms": 6.5, "lw": 1.7}
    if flux.source.is_line:
        return look | {"ls": "", "marker": "o" if len(flux.source.nodes_keV) == 1 else "D"}
    return look | {"ls": (0, (3, 3)) if flux.name in DASHED else "-"}


def _reach(flux: Oscillated) -> float:
    """The highest energy in keV of a component."""
    last = int(np.flatnonzero(flux.source.shape)[-1])
    return float(flux.source.nodes_keV[min(last + 1, len(flux.source.nodes_keV) - 1)])


def _finish(
    figure: Figure,
    top: Axes,
    bottom: Axes,
    fluxes: Sequence[Oscillated],
    styles: Styles,
    converted: bool,
) -> None:
    """Axes, the legend, and the parameters as a title."""
    p, models = fluxes[0].parameters, dict.fromkeys(flux.source.model for flux in fluxes)
    title = (
        f"Survival of solar neutrinos, {', '.join(models)}, day side\n"
        rf"$\sin^2\theta_{{12}} = {p.sin2_theta12:g}$, $\sin^2\theta_{{13}} = {p.sin2_theta13:g}$, "
        rf"$\Delta m^2_{{21}} = {p.dm21_eV2 / 1e-5:.3g}\times 10^{{-5}}$ eV$^2$"
    )
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    handles = [Line2D([], [], **_look(flux, styles), label=styles[flux.name][0]) for flux in fluxes]
    if converted:
        shown = (("", r"$P(\nu_e\to\nu_e)$", "-"), *CONVERTED)
        handles += [Line2D([], [], color=DATA, ls=style, lw=1.4, label=label) for _, label, style in shown]
    figure.legend(handles=handles, frameon=False, fontsize="medium", loc="outside right upper")
    bottom.set_xscale("log")
    end = 1.2 * max(_reach(flux) for flux in fluxes) / MeV
    ticks = [tick for tick in TICKS if tick <= end]
    bottom.set_xlim(START / MeV, end)
    bottom.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    bottom.minorticks_off()
    bottom.set_xlabel("neutrino energy [MeV]")
    top.set_ylabel("probability" if converted else r"$P_{ee} = P(\nu_e\to\nu_e)$")
