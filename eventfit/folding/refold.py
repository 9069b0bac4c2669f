"""The same recoils through other responses: a re-fold is one matrix product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from eventfit.cross_section.base import Process
from eventfit.flux.base import Flux
from eventfit.folding.detector import Folding
from eventfit.folding.fold import arranged
from eventfit.quadrature import Array
from eventfit.response import Distortion, Response

__all__ = ["Point", "Refold"]

#: error of the response -> how many standard deviations it is away; what is not there is nominal
Point = tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Refold:
    """Every template as a function of the errors of the response, exactly: no morph.

    Attributes
    ----------
    groups
        The nodes of one struck particle, and (n_template, n_T) the recoils of its templates with their size without
        cancelling, see :meth:`Folding.recoils`.
    """

    response: Response
    distortions: Mapping[str, Distortion]
    groups: tuple[tuple[Folding, Array, Array], ...]
    done: dict[Point, tuple[Array, Array]] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        fluxes: Sequence[Flux],
        processes: Sequence[Process],
        response: Response,
        edges: Array,
        distortions: Mapping[str, Distortion],
        points: Sequence[Point],
        *,
        scale: float,
        factor: int = 1,
    ) -> Refold:
        """Recoils on nodes that serve all ``points``, ``factor`` times as many as a fold has.

        ``scale`` is the exposure times the formula units per kg. Templates stand in the order of a fold.
        """
        others = [distorted(response, distortions, point) for point in points]
        groups: dict[int, tuple[Folding, list[Array], list[Array]]] = {}
        for _, process, term, folding, arriving in arranged(fluxes, processes, response, edges, factor, None, others):
            _, rates, sizes = groups.setdefault(id(folding), (folding, [], []))
            for part, all_ in zip(folding.recoils(process, term, arriving), (rates, sizes), strict=True):
                all_.append(scale * part)
        return cls(
            response,
            distortions,
            tuple((folding, np.array(rates), np.array(sizes)) for folding, rates, sizes in groups.values()),
        )

    def at(self, point: Point) -> tuple[Array, Array]:
        """Counts, and what they would be if nothing cancelled, (n_template, n_bin), at a point."""
        point = tuple((name, theta) for name, theta in point if theta)
        if point not in self.done:
            response = distorted(self.response, self.distortions, point)
            parts = [(folding.refolded(response).T, rates, sizes) for folding, rates, sizes in self.groups]
            self.done[point] = (
                np.concatenate([rates @ detector for detector, rates, _ in parts]),
                np.concatenate([sizes @ np.abs(detector) for detector, _, sizes in parts]),
            )
        return self.done[point]


def distorted(response: Response, distortions: Mapping[str, Distortion], point: Point) -> Response:
    """The response at a point. The band of an efficiency is that of the nominal curve, so it comes first."""
    for name, theta in sorted(point, key=lambda one: not distortions[one[0]].linear):
        response = distortions[name].at(response, theta)
    return response
