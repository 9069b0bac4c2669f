"""A fold that was done before, for other weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.cross_section.base import Process, Term
from eventfit.errors import OutOfRange
from eventfit.flux.base import Basis, Flux
from eventfit.folding.detector import Arriving, once_each
from eventfit.folding.fold import arranged
from eventfit.folding.panels import neutrino_order
from eventfit.quadrature import Array
from eventfit.response import Response

__all__ = ["CachedFold"]


@dataclass(frozen=True, eq=False)
class CachedFold:
    """A fold with all but its last product done: for fluxes whose weights change while their nodes stay.

    Oscillation parameters do just that. ``transfers`` holds per template the basis and the counts per bin and unit
    weight of every node, in groups of states; ``order`` is the number of nodes in a panel.
    """

    transfers: tuple[tuple[Term, list[dict[str, Array]]], ...]
    fluxes: tuple[Flux, ...]
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
        found = []
        for _, process, term, folding, arriving in arranged(fluxes, processes, response, edges, 1, None):
            groups = folding.transfer(process, term, arriving)
            found.append((term, [once_each(group, lambda part: scale * part) for group in groups]))
        return cls(tuple(found), tuple(fluxes), neutrino_order(processes))

    def counts(self, fluxes: Sequence[Flux]) -> list[Array]:
        """Counts per bin (n_bin,) of every template, in the order of :func:`fold`, for ``fluxes`` on the same nodes.

        Raises
        ------
        OutOfRange
            The fluxes are others than those of the cache.
        """
        if [flux.name for flux in fluxes] != [flux.name for flux in self.fluxes]:
            raise OutOfRange(
                "these are not the fluxes that were folded",
                where="CachedFold",
                given=", ".join(flux.name for flux in fluxes),
                allowed=", ".join(flux.name for flux in self.fluxes),
            )
        return self.products(self.arriving(fluxes))

    def arriving(self, fluxes: Sequence[Flux]) -> list[dict[Basis, list[Arriving]]]:
        """Weights of every flux in the bases that are needed."""
        bases = {term.basis for term, _ in self.transfers}
        return [
            {basis: Arriving.of(flux.measure(basis, order=self.order), np.empty(0)) for basis in bases}
            for flux in fluxes
        ]

    def products(self, arriving: Sequence[Mapping[Basis, list[Arriving]]]) -> list[Array]:
        """Counts per bin of every template for the weights of :meth:`arriving`: matrix products and nothing else."""
        result = []
        for number, (term, groups) in enumerate(self.transfers):
            states = zip(groups, arriving[number % len(arriving)][term.basis], strict=True)
            parts = [part @ (term.weight[s] * now.weight[s]) for group, now in states for s, part in group.items()]
            result.append(np.asarray(np.sum(parts, axis=0)))
        return result
