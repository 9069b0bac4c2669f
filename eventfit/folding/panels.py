"""Where recoil panels are cut, and how many nodes a panel has."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eventfit.cross_section.base import Process, Recoil, maximum_recoil
from eventfit.errors import OutOfRange
from eventfit.flux.base import Measure
from eventfit.quadrature import Array
from eventfit.response import Response

__all__ = ["ORDER_E", "ORDER_T", "graded", "kinks", "neutrino_order", "recoil_order", "recoil_panels"]

#: nodes per panel in neutrino energy and in recoil energy; doubled to measure the numerical error
ORDER_E = 2
ORDER_T = 4
#: largest recoil-panel width in units of the resolution and of T itself (the 1/T rise)
STEP_SIGMA, STEP_T = 1.0, 0.5
#: panels of a spectrum, counted from its end, whose edges are kinks even after smearing
LAST = 4
#: distance, relative to a recoil, over which the rise of the reconstructed value is taken
NEAR = 1e-6
MOST_PANELS = 5000
#: distances from the recoil edge of a line, relative to it, where panels are cut if the edge is a logarithm
GRADED = 4.0 ** -np.arange(1, 11)


def neutrino_order(processes: Sequence[Process]) -> int:
    """Nodes per panel in neutrino energy; twice as many for nuclei.

    A window of nuclear recoils sees the last panels of a falling spectrum only, and in each the cross section rises
    from zero at the edge: two nodes there miss 1 % and more.
    """
    return 2 * ORDER_E if any(process.recoil == "nucleus" for process in processes) else ORDER_E


def recoil_order(recoil: Recoil) -> int:
    """Nodes per panel in recoil energy; twice as many for nuclei, which come through the tail of the resolution."""
    return 2 * ORDER_T if recoil == "nucleus" else ORDER_T


def kinks(measure: Measure, response: Response) -> Array:
    """Neutrino energies whose recoil edges are kinks of the rate: lines, ends of spectra; all panels if nothing smears.

    The last panels of a spectrum count as its end: bins beyond it see little else, through the tail of the resolution.
    """
    edges = np.unique(measure.high)
    if response.is_sharp:
        return edges
    return np.concatenate([measure.energy[measure.low == measure.high], edges[-LAST:]])


def graded(process: Process, measures: Sequence[Measure]) -> list[Array]:
    """Recoils that close in on the edge of every line, where the rate of a process with a soft edge is a logarithm."""
    lines = np.unique(np.concatenate([m.energy[m.low == m.high] for m in measures]))
    return [end * (1.0 - GRADED) for end in maximum_recoil(lines, process.mass) if process.soft_edge]


def recoil_panels(responses: Sequence[Response], edges: Array, limit: float, breakpoints: Array) -> Array:
    """Edges of recoil panels up to ``limit`` (keV), no wider than the resolution, cut at all ``breakpoints``.

    They serve all ``responses``, of which the first is the nominal one.
    """
    reach = [response.support(edges, limit) for response in responses]
    low, high = min(start for start, _ in reach), max(stop for _, stop in reach)
    fixed = np.concatenate([breakpoints, *(response.breakpoints(edges, limit) for response in responses)])
    narrow = _narrowest(responses, np.linspace(low, high, 200))
    fixed = np.unique(np.concatenate([[low], fixed[(fixed > low) & (fixed < high)], [high]]))
    panels = [low]
    for stop in fixed[1:]:
        while panels[-1] < stop:
            T = panels[-1]
            sigma = min(_recoil_width(response, T) for response in narrow)
            if len(panels) > MOST_PANELS:
                raise OutOfRange(
                    "the resolution is so narrow that the recoils cannot be resolved",
                    where="response.resolution",
                    given=f"sigma = {sigma:.2g} at T = {T:.3g} keV",
                    allowed=f"widths that need at most {MOST_PANELS} recoil panels",
                    fix='declare kind = "perfect" for no smearing',
                )
            step = min(STEP_SIGMA * sigma if sigma > 0 else stop - T, max(STEP_T * T, 1e-3))
            panels.append(stop if T + 1.5 * step >= stop else T + step)
    return np.array(panels)


def _narrowest(responses: Sequence[Response], T: Array) -> list[Response]:
    """Those whose resolution, in keV of recoil, is the narrowest at some recoil ``T`` (n_T,)."""
    if len(responses) == 1:
        return list(responses)
    width = []
    for response in responses:
        mean, sigma = response.moments(T)
        width.append(sigma / np.maximum(np.gradient(mean, T), 1e-300))
    return [responses[i] for i in np.unique(np.argmin(width, axis=0))]


def _recoil_width(response: Response, T: float) -> float:
    """The resolution at the recoil ``T`` in keV of recoil: on an axis of hits a keV may be many of them."""
    step = NEAR * max(T, 1.0)
    mean, sigma = response.moments(np.array([T, T + step]))
    rise = float(mean[1] - mean[0]) / step
    return float(sigma[0]) / rise if rise > 0.0 else math.inf
