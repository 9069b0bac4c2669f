"""Rates of recoils: cross section times flux, integrated over neutrino energy and over a window of recoil energy.

No detector acts: the window is one of the true recoil energy T. By default it holds all recoils, from T = 0 to the
largest that the source can give; the first recoil panel begins at T = 0 itself, so nothing is cut off there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.cross_section import Process, maximum_recoil, minimum_energy
from eventfit.errors import NumericalError, OutOfRange
from eventfit.flux import Basis, Flux, Measure
from eventfit.folding import ORDER_E, ORDER_T, Folding
from eventfit.folding.panels import graded, neutrino_order
from eventfit.quadrature import Array
from eventfit.response import PerfectResolution, Response

__all__ = ["Rate", "Window", "largest_recoil", "recoil_edges", "recoil_spectrum", "total_flux", "total_rates"]
__all__ += ["window_of"]

Window = tuple[float, float]
#: below this recoil in keV panels of a window that begins lower grow in steps of two; from there on as in every fold
FINE = 2e-3
#: where a window holds no more end points of flux panels than these, recoil panels are cut at them: kinks of the rate
MOST_KINKS = 60
#: a component with a smaller share of a term's rate than this has its numerical error measured against that share
MINOR = 1e-3


@dataclass(frozen=True)
class Rate:
    """Expected events of one term of one source component at unit couplings.

    ``flux`` in 1/(cm^2 s), all states together; ``numerical_error`` is the change of ``events`` when all quadrature
    nodes are doubled, relative to them or, if they are fewer, to a thousandth of those of all components.
    """

    component: str
    process: str
    term: str
    flux: float
    events: float
    numerical_error: float


def total_rates(
    fluxes: Sequence[Flux],
    process: Process,
    *,
    exposure: float,
    units_per_kg: float,
    window: Window | None = None,
    tolerance: float = 1e-3,
) -> tuple[Rate, ...]:
    """Events of every term of ``process`` for every source component, exposure x int dT int dE flux x d sigma/dT.

    Parameters
    ----------
    exposure
        In kg s.
    units_per_kg
        Formula units of the target per kg.
    window
        Recoil energies in keV; None for all recoils, from zero.
    tolerance
        Largest accepted numerical error, see :class:`Rate`.

    Raises
    ------
    OutOfRange
        A window that encloses nothing, or lies above all recoils; a term that diverges as T -> 0 without a window;
        recoils of neutrinos of energies at which a flux is not known.
    NumericalError
        The numerical error of a rate is above ``tolerance``.
    """
    low, high = window_of(fluxes, process, window)
    for flux in fluxes:
        _require_known(flux, process, low, math.inf if window is None else window[1])
    coarse, fine = (
        exposure * units_per_kg * np.array([_per_unit(flux, process, low, high, factor) for flux in fluxes])
        for factor in (1, 2)
    )
    size = np.abs(fine)
    error = np.abs(coarse - fine) / np.maximum(np.maximum(size, MINOR * size.sum(axis=0)), 1e-300)
    worst = int(np.argmax(error.max(axis=1)))
    if not error.max() <= tolerance:
        raise NumericalError(
            "the rate has not converged: doubling its nodes changes it too much",
            where=f"{fluxes[worst].name} through {process.name}, {low:g} to {high:g} keV",
            given=f"relative change {error.max():.2g}",
            allowed=f"{tolerance:.2g}",
            fix="move an end of the window away from the end point of the component",
        )
    return tuple(
        Rate(flux.name, process.name, term.name, total_flux(flux), float(fine[i, k]), float(error[i, k]))
        for i, flux in enumerate(fluxes)
        for k, term in enumerate(process.terms)
    )


def recoil_spectrum(flux: Flux, process: Process, T: Array, *, exposure: float, units_per_kg: float) -> Array:
    """dR/dT of every term at recoils ``T`` (n_T,) above zero, in events per keV, shape (n_term, n_T)."""
    at = Folding(np.empty(0), T, np.empty((0, len(T))))  # no bins: recoils alone
    measures = _measures(flux, process, order=neutrino_order([process]))
    arriving = {basis: at.arriving(states, process.mass) for basis, states in measures.items()}
    rates = [at.recoils(process, term, arriving[term.basis])[0] for term in process.terms]
    return exposure * units_per_kg * np.array(rates)


def total_flux(flux: Flux) -> float:
    """All states together in 1/(cm^2 s)."""
    return sum(measure.total for measure in flux.measure("flavour", order=ORDER_E).values())


def largest_recoil(fluxes: Sequence[Flux], process: Process) -> float:
    """The end of all recoils in keV."""
    return max(float(recoil_edges(flux, process).max()) for flux in fluxes)


def recoil_edges(flux: Flux, process: Process) -> Array:
    """Largest recoils in keV of every line and every continuum of a component."""
    return _ends(process, flux.measure("flavour", order=1).values())


def window_of(fluxes: Sequence[Flux], process: Process, window: Window | None) -> Window:
    """The window in keV, all recoils where none is given; refused where it has no meaning."""
    limit = largest_recoil(fluxes, process)
    low, high = (0.0, limit) if window is None else window
    if math.isnan(low) or math.isnan(high) or not 0.0 <= low < high:
        raise OutOfRange(
            "the window encloses no recoils",
            where="window",
            given=f"{low:g} to {high:g} keV",
            allowed=f"two increasing recoil energies in keV, from 0 to {limit:.4g}",
        )
    if low >= limit:
        raise OutOfRange(
            "the source gives no recoil inside the window",
            where="window",
            given=f"{low:g} to {high:g} keV",
            allowed=f"a window that begins below {limit:.4g} keV, the largest recoil",
        )
    if process.diverges and low == 0.0:
        raise OutOfRange(
            f"the rate of {process.name} has no value without a threshold: it diverges as T goes to zero",
            where="window",
            given="recoils from T = 0",
            allowed="a lowest recoil above zero, e.g. the threshold of the detector",
            fix="give a window in keV of true recoil energy",
        )
    return low, min(high, limit)


def _require_known(flux: Flux, process: Process, low: float, high: float) -> None:
    """Refuse recoils of neutrinos of energies at which the flux is unknown, rather than count them as none."""
    first, last = flux.known
    needed = float(minimum_energy(np.array([low]), process.mass)[0])
    if needed < first or math.isfinite(last):  # whatever is struck, more energetic neutrinos would strike it too
        raise OutOfRange(
            f"the window needs neutrinos of energies at which the flux {flux.name!r} is not known",
            where=f"{flux.name}, {process.name}",
            given=f"recoils of {low:g} to {high:g} keV, so neutrinos of {needed:.4g} keV and more",
            allowed=f"neutrinos of {first:g} to {last:g} keV",
            fix="continue the spectrum of the source below or above, or narrow the window",
        )


def _per_unit(flux: Flux, process: Process, low: float, high: float, factor: int) -> Array:
    """Rates of the terms per formula unit and second, (n_term,), with ``factor`` times as many nodes."""
    measures = _measures(flux, process, order=factor * neutrino_order([process]))
    every = [measure for states in measures.values() for measure in states.values()]
    limit = float(_ends(process, every).max())
    if limit <= low:
        return np.zeros(len(process.terms))
    folding = Folding.build(
        Response(("resolution",), PerfectResolution()),
        np.array([low, min(high, limit)]),
        limit=limit,
        breakpoints=_cuts(process, every, low, high),
        order=factor * ORDER_T,
    )
    arriving = {basis: folding.arriving(states, process.mass) for basis, states in measures.items()}
    return np.concatenate([folding.counts(process, term, arriving[term.basis]) for term in process.terms])


def _cuts(process: Process, measures: Sequence[Measure], low: float, high: float) -> Array:
    """Recoils in keV where panels are cut: jumps and kinks of the rate, its logarithms, and the way up from near zero.

    Every panel of a continuum ends with a weak kink; a wide window averages over them, a narrow one is cut there.
    """
    near_zero = low * 2.0 ** np.arange(math.ceil(math.log2(FINE / low)) if 0.0 < low < FINE else 0)
    kinks = maximum_recoil(np.unique(np.concatenate([m.high for m in measures])), process.mass)
    kinks = kinks[(kinks > low) & (kinks < high)]
    weak = kinks if len(kinks) <= MOST_KINKS else np.empty(0)
    return np.concatenate([process.breakpoints, _ends(process, measures), *graded(process, measures), near_zero, weak])


def _measures(flux: Flux, process: Process, *, order: int) -> Mapping[Basis, Mapping[str, Measure]]:
    return {basis: flux.measure(basis, order=order) for basis in {term.basis for term in process.terms}}


def _ends(process: Process, measures: Iterable[Measure]) -> Array:
    """Recoil edges of the lines and of the end points of continua, in keV."""
    energies = [np.append(m.energy[m.low == m.high], m.high[m.weight > 0.0].max(initial=0.0)) for m in measures]
    return maximum_recoil(np.unique(np.concatenate(energies)), process.mass)
