"""The detector's side of a fold, the source's side in front of it, and their products."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from eventfit.cross_section.base import Process, Term, minimum_energy
from eventfit.cross_section.edge import log_share_above
from eventfit.errors import OutOfRange
from eventfit.flux.base import Measure
from eventfit.folding.panels import ORDER_T, recoil_panels
from eventfit.quadrature import Array, gauss_legendre
from eventfit.response import Response

__all__ = ["Arriving", "Folding", "once_each"]

#: pairs of a recoil and a neutrino node in one array; shipped analyses need up to 2e6
MOST_PAIRS = 6_000_000


@dataclass(frozen=True, eq=False)
class Arriving:
    """States of one component that have the same nodes, and which share of each node a recoil can be made by.

    ``weight`` is state -> (n_E,), ``E_min`` (n_T,) the smallest neutrino energy for every recoil node, in keV.
    """

    nodes: Measure
    weight: Mapping[str, Array]
    E_min: Array

    @classmethod
    def of(cls, measures: Mapping[str, Measure], E_min: Array) -> list[Arriving]:
        """The states of ``measures``, those on the same nodes together."""
        groups: list[tuple[Measure, dict[str, Array]]] = []
        for state, measure in measures.items():
            for nodes, weight in groups:
                if measure.same_nodes(nodes):
                    weight[state] = measure.weight
                    break
            else:
                groups.append((measure, {state: measure.weight}))
        return [cls(nodes, weight, E_min) for nodes, weight in groups]

    @cached_property
    def share(self) -> Array:
        """(n_T, n_E), see :meth:`Measure.share_above`."""
        return self.nodes.share_above(self.E_min)

    @cached_property
    def log_share(self) -> Array:
        """(n_T, n_E), see :func:`log_share_above`."""
        return log_share_above(self.nodes, self.E_min)


@dataclass(frozen=True, eq=False)
class Folding:
    """The detector side of a fold, made once: recoil nodes ``T`` (n_T,) and ``detector`` = R * w_T.

    ``detector`` is (n_bin + n_point, n_T): counts in bins, then densities at points for unbinned fits. ``width`` (n_T,)
    is w_T, with which another response makes another detector of the same recoils.
    """

    edges: Array
    T: Array
    detector: Array
    width: Array = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def build(
        cls,
        response: Response,
        edges: Array,
        *,
        limit: float,
        breakpoints: Array,
        order: int = ORDER_T,
        points: Array | None = None,
        others: Sequence[Response] = (),
    ) -> Folding:
        """Recoil panels no wider than the resolution, cut at all ``breakpoints``; recoils end at ``limit`` (keV).

        The nodes serve the ``others`` as well, see :meth:`refolded`.
        """
        panels = recoil_panels([response, *others], edges, limit, breakpoints)
        T, weight = gauss_legendre(panels, order)
        rows = response.matrix(T, edges)
        if points is not None:
            rows = np.concatenate([rows, response.density(T, points)])
        return cls(edges, T, rows * weight, weight)

    def refolded(self, response: Response) -> Array:
        """The detector (n_bin, n_T) of one of the others, for the same recoils."""
        return response.matrix(self.T, self.edges) * self.width

    def arriving(self, measures: Mapping[str, Measure], mass: float) -> list[Arriving]:
        """The states of one component in front of particles of ``mass`` (keV).

        Raises
        ------
        OutOfRange
            More pairs of recoil and neutrino nodes than can be held.
        """
        found = Arriving.of(measures, minimum_energy(self.T, mass))
        most = max((len(group.nodes.energy) for group in found), default=0) * len(self.T)
        if most > MOST_PAIRS:
            raise OutOfRange(
                "the fold would need too many nodes",
                where="response",
                given=f"{len(self.T)} recoil energies times {most // len(self.T)} neutrino energies",
                allowed=f"at most {MOST_PAIRS:.0e} pairs",
                fix="narrow the window, widen the bins or the resolution, or thin the table of the source",
            )
        return found

    def cross_sections(self, process: Process, term: Term, arriving: Arriving) -> dict[str, Array]:
        """S[T, E] per state of one struck particle with the kinematic edge cut exactly, (n_T, n_E) in cm^2/keV.

        States that scatter alike hold the same array.
        """
        states = [state for state in arriving.weight if state in term.weight]
        if not states:
            return {}
        at = self.T[:, None], arriving.nodes.energy
        sigma = once_each(process.kernels(term, *at, states), lambda kernel: kernel * arriving.share)
        if process.soft_edge:
            for state in states:
                sigma[state] = sigma[state] + process.edge_kernel(term, *at, state) * arriving.log_share
        return sigma

    def counts(self, process: Process, term: Term, arriving: Sequence[Arriving]) -> Array:
        """Counts per bin (and densities at points), per formula unit and per second."""
        return self.counts_and_sizes(process, term, arriving)[0]

    def counts_and_sizes(self, process: Process, term: Term, arriving: Sequence[Arriving]) -> tuple[Array, Array]:
        """:meth:`counts`, and what they would be if no recoil or state of an interference cancelled another."""
        rate, size = self.recoils(process, term, arriving)
        return np.asarray(self.detector @ rate), np.asarray(self.detector @ size)

    def recoils(self, process: Process, term: Term, arriving: Sequence[Arriving]) -> tuple[Array, Array]:
        """Recoils per keV at the nodes ``T`` (n_T,), per formula unit and second, and their size without cancelling."""
        rate, size = np.zeros(len(self.T)), np.zeros(len(self.T))
        for group in arriving:
            for state, sigma in self.cross_sections(process, term, group).items():
                part = sigma @ (term.weight[state] * group.weight[state])
                rate += part
                size += np.abs(part)
        struck = process.struck(self.T)
        return np.asarray(struck * rate), np.asarray(struck * size)

    def transfer(self, process: Process, term: Term, arriving: Sequence[Arriving]) -> list[dict[str, Array]]:
        """Counts per bin and unit weight of every neutrino node, per group and state: (n_bin, n_E)."""
        detector = self.detector * process.struck(self.T)
        return [
            once_each(self.cross_sections(process, term, group), lambda sigma: detector @ sigma) for group in arriving
        ]


def once_each(arrays: Mapping[str, Array], change: Callable[[Array], Array]) -> dict[str, Array]:
    """``change`` of every array, done once for those that are the same object."""
    done: dict[int, Array] = {}
    for array in arrays.values():
        if id(array) not in done:
            done[id(array)] = change(array)
    return {state: done[id(array)] for state, array in arrays.items()}
