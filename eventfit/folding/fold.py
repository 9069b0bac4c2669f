"""Templates of everything that was declared, with their measured numerical error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from eventfit.cross_section.base import Process, Recoil, Term, maximum_recoil, minimum_energy
from eventfit.errors import NumericalError, OutOfRange
from eventfit.flux.base import Flux
from eventfit.folding.detector import Arriving, Folding
from eventfit.folding.panels import graded, kinks, neutrino_order, recoil_order
from eventfit.quadrature import Array
from eventfit.response import Response
from eventfit.spectrum import Spectrum, Template

__all__ = ["arranged", "fold", "folded", "largest_change", "seen_by"]

#: recoils less likely than this, relative to the likeliest, to end up in the window do not matter
SEEN = 1e-6


def fold(
    fluxes: Sequence[Flux],
    processes: Sequence[Process],
    response: Response,
    edges: Array,
    *,
    exposure: float,
    units_per_kg: float,
    points: Array | None = None,
    tolerance: float = 1e-3,
) -> tuple[Template, ...]:
    """Templates of every term of every process for every source component.

    Parameters
    ----------
    response
        That of nuclear recoils; if it is quenched, electron recoils are seen without, see :func:`seen_by`.
    edges
        Bin edges (n_bin + 1,) on the reconstructed axis.
    exposure
        In kg s.
    units_per_kg
        Formula units of the target per kg.
    points
        Values (n_point,) on the reconstructed axis where densities are wanted as well.
    tolerance
        Largest accepted change of a bin when all quadrature nodes are doubled, as :class:`Template` measures it.

    Raises
    ------
    NumericalError
        Doubling the nodes changes a bin by more than ``tolerance``.
    OutOfRange
        The window needs neutrinos of energies at which a flux is not known.
    """
    scale, n_bin, axis = exposure * units_per_kg, len(edges) - 1, response.axis
    templates = []
    coarse, fine = (folded(fluxes, processes, response, edges, factor, points) for factor in (1, 2))
    for (flux, process, term, counts, _), (_, _, _, better, size) in zip(coarse, fine, strict=True):
        error, bin_ = largest_change(counts[:n_bin], better[:n_bin], size[:n_bin])
        at = f"bin {bin_ + 1} ({axis.range(edges[bin_], edges[bin_ + 1])})"
        if points is not None:
            worse, point = largest_change(counts[n_bin:], better[n_bin:], size[n_bin:])
            error, at = (worse, axis.at(points[point])) if worse > error else (error, at)
        if not error <= tolerance:
            raise NumericalError(
                "the fold has not converged: doubling its nodes changes a bin too much",
                where=f"{flux.name} through {process.name}, {at}",
                given=f"relative change {error:.2g}",
                allowed=f"{tolerance:.2g}",
                fix="narrow the bins there; what diverges at T = 0 (a magnetic term as 1/T, a millicharge as 1/T^2) "
                "needs a window away from it, bound electrons, or a resolution with a smallest signal (fano)",
            )
        spectrum = Spectrum(edges, scale * counts[:n_bin], name=f"{flux.name}.{term.name}")
        density = scale * counts[n_bin:]
        templates.append(Template(spectrum, flux.name, process.name, term.name, term.powers, error, density))
    return tuple(templates)


def folded(
    fluxes: Sequence[Flux],
    processes: Sequence[Process],
    response: Response,
    edges: Array,
    factor: int,
    points: Array | None = None,
) -> list[tuple[Flux, Process, Term, Array, Array]]:
    """Counts and sizes of every template with ``factor`` times the nodes."""
    return [
        (flux, process, term, *folding.counts_and_sizes(process, term, arriving))
        for flux, process, term, folding, arriving in arranged(fluxes, processes, response, edges, factor, points)
    ]


def arranged(
    fluxes: Sequence[Flux],
    processes: Sequence[Process],
    response: Response,
    edges: Array,
    factor: int,
    points: Array | None,
    others: Sequence[Response] = (),
) -> Iterator[tuple[Flux, Process, Term, Folding, list[Arriving]]]:
    """Every template's flux, process and term with the nodes of both sides; terms vary slower than fluxes.

    The nodes serve the ``others`` as well as the ``response``.
    """
    bases = {term.basis for process in processes for term in process.terms}
    order = factor * neutrino_order(processes)
    measures = {(flux, basis): flux.measure(basis, order=order) for flux in fluxes for basis in bases}
    every = [measure for states in measures.values() for measure in states.values()]
    for mass, recoil in dict.fromkeys((process.mass, process.recoil) for process in processes):
        struck = [process for process in processes if (process.mass, process.recoil) == (mass, recoil)]
        seen, *seen_others = (seen_by(one, recoil) for one in (response, *others))
        ends = maximum_recoil(np.concatenate([kinks(m, seen) for m in every]), mass)
        cuts = [part for process in struck for part in (process.breakpoints, *graded(process, every))]
        folding = Folding.build(
            seen,
            edges,
            limit=float(ends.max()),
            breakpoints=np.concatenate([*cuts, ends]),
            order=factor * recoil_order(recoil),
            points=points,
            others=seen_others,
        )
        for flux in (flux for flux in fluxes if flux.known != (0.0, math.inf)):
            _require_known(flux, mass, folding, [seen, *seen_others])
        arriving = {key: folding.arriving(states, mass) for key, states in measures.items()}
        for process in struck:
            for term in process.terms:
                for flux in fluxes:
                    yield flux, process, term, folding, arriving[flux, term.basis]


def seen_by(response: Response, recoil: Recoil) -> Response:
    """The response of recoils of this kind: quenching acts on nuclei alone."""
    return response if recoil == "nucleus" else response.unquenched


def _require_known(flux: Flux, mass: float, folding: Folding, responses: Sequence[Response]) -> None:
    """Refuse a window that needs neutrinos of energies at which the flux is unknown, rather than count them as none."""
    (low, high), axis = flux.known, responses[0].axis
    needed = math.inf
    for response in responses:
        seen = folding.refolded(response).sum(axis=0)
        T = folding.T[seen > SEEN * seen.max()]
        needed = min(needed, float(minimum_energy(T, mass).min()) if len(T) else math.inf)
    if needed < low or math.isfinite(high):  # whatever is struck, more energetic neutrinos would strike it too
        raise OutOfRange(
            f"the window needs neutrinos of energies at which the flux {flux.name!r} is not known",
            where=f"{flux.name}, {axis.range(folding.edges[0], folding.edges[-1])}",
            given=f"neutrinos of {needed:.4g} keV and more",
            allowed=f"neutrinos of {low:g} to {high:g} keV",
            fix="continue the spectrum of the source below or above, or narrow the window",
        )


def largest_change(counts: Array, better: Array, size: Array) -> tuple[float, int]:
    """Largest |counts - better| of a bin relative to its ``size``, and the bin; the size of a content is itself.

    A bin that holds less than a millionth of the total is measured against that millionth: at a spectrum's end point
    the content falls to nothing and no rule keeps a relative error.
    """
    floor = max(1e-6 * float(size.sum()), 1e-300)
    change = np.abs(counts - better) / np.maximum(size, floor)
    worst = int(np.argmax(change))
    return float(change[worst]), worst
