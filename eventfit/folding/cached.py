"""A fold that was done before, for other weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.cross_section.base import Process, Term
from eventfit.errors import OutOfRange
from eventfit.flux.base import Basis, Flux, Measure
from eventfit.folding.detector import once_each
from eventfit.folding.fold import arranged
from eventfit.folding.panels import neutrino_order
from eventfit.quadrature import Array
from eventfit.response import Response

__all__ = ["CachedFold"]


@dataclass(frozen=True, eq=False)
class CachedFold:
    """A fold with all but its last product done: for fluxes whose weights change while their nodes stay.

    Oscillation parameters do just that.

    Attributes
    ----------
    transfers
        Per template its term and, for every state that takes part, the counts per bin and unit weight of every node,
        (n_bin, n_E).
    nodes
        Number of a flux and basis -> state -> the nodes it arrives on.
    fluxes, n_bin, order
        What was folded, the number of bins, and that of nodes in a panel of the spectra.
    """

    transfers: tuple[tuple[Term, Mapping[str, Array]], ...]
    nodes: Mapping[tuple[int, Basis], Mapping[str, Measure]]
    fluxes: tuple[Flux, ...]
    n_bin: int
    order: int

    @classmethod
    def build(
        cls,
        fluxes: Sequence[Flux],
        processes: Sequence[Process],
        response: Response,
        edges: Array,
        *,
        exposure: float,
        units_per_kg: float,
    ) -> CachedFold:
        """Like :func:`fold`, which measures the numerical error; call that first."""
        scale = exposure * units_per_kg
        found: list[tuple[Term, Mapping[str, Array]]] = []
        nodes: dict[tuple[int, Basis], Mapping[str, Measure]] = {}
        for _, process, term, folding, arriving in arranged(fluxes, processes, response, edges, 1, None):
            groups = folding.transfer(process, term, arriving)
            parts = [once_each(group, lambda part: scale * part) for group in groups]
            key = len(found) % len(fluxes), term.basis
            nodes[key] = {state: group.nodes for group in arriving for state in group.weight}
            found.append((term, {state: part for group in parts for state, part in group.items()}))
        return cls(tuple(found), nodes, tuple(fluxes), len(edges) - 1, neutrino_order(processes))

    def counts(self, fluxes: Sequence[Flux]) -> list[Array]:
        """Counts per bin (n_bin,) of every template, in the order of :func:`fold`, for ``fluxes`` on the same nodes.

        Raises
        ------
        OutOfRange
            The fluxes are others than those of the cache, or arrive in other states or on other nodes.
        """
        if [flux.name for flux in fluxes] != [flux.name for flux in self.fluxes]:
            raise OutOfRange(
                "these are not the fluxes that were folded",
                where="CachedFold",
                given=", ".join(flux.name for flux in fluxes),
                allowed=", ".join(flux.name for flux in self.fluxes),
            )
        return self.products(self.arriving(fluxes))

    def arriving(self, fluxes: Sequence[Flux]) -> Mapping[tuple[int, Basis], Mapping[str, Measure]]:
        """Weights of every flux, by its number, in the bases that are needed; refused on other nodes."""
        return {key: self._arriving(fluxes[key[0]], key) for key in self.nodes}

    def products(self, arriving: Mapping[tuple[int, Basis], Mapping[str, Measure]]) -> list[Array]:
        """Counts per bin of every template for the weights of :meth:`arriving`: matrix products and nothing else."""
        result = []
        for number, (term, parts) in enumerate(self.transfers):
            states = arriving[number % len(self.fluxes), term.basis]
            total = np.zeros(self.n_bin)
            for state, part in parts.items():
                total += part @ (term.weight[state] * states[state].weight)
            result.append(total)
        return result

    def _arriving(self, flux: Flux, key: tuple[int, Basis]) -> Mapping[str, Measure]:
        """The states of ``flux`` as it arrives now, refused unless they stand on the nodes that were folded."""
        states, folded = flux.measure(key[1], order=self.order), self.nodes[key]
        known = folded.keys() & states.keys()
        other = [s for s in {**folded, **states} if s not in known or not states[s].same_nodes(folded[s])]
        if other:
            raise OutOfRange(
                "a flux arrives in other states or on other nodes than when it was folded",
                where=f"CachedFold, {flux.name}",
                given=", ".join(other),
                allowed="weights may change: nodes and states may not",
                fix="build a new cache",
            )
        return states
