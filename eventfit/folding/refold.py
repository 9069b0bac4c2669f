"""The same recoils through other responses: a re-fold is one matrix product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from eventfit.cross_section.base import Process, Recoil
from eventfit.flux.base import Flux
from eventfit.folding.detector import Folding
from eventfit.folding.fold import arranged, seen_by
from eventfit.quadrature import Array
from eventfit.response import Distortion, Response

__all__ = ["Point", "Refold", "acts_on"]

#: error of the response -> how many standard deviations it is away; what is not there is nominal
Point = tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Refold:
    """Every template as a function of the errors of the response, exactly: no morph.

    Attributes
    ----------
    groups
        What recoils, its nodes, and (n_template, n_T) the recoils of its templates with their size without cancelling,
        see :meth:`Folding.recoils`.
    """

    response: Response
    distortions: Mapping[str, Distortion]
    groups: tuple[tuple[Recoil, Folding, Array, Array], ...]
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
        groups: dict[int, tuple[Recoil, Folding, list[Array], list[Array]]] = {}
        for _, process, term, folding, arriving in arranged(fluxes, processes, response, edges, factor, None, others):
            _, _, rates, sizes = groups.setdefault(id(folding), (process.recoil, folding, [], []))
            for part, all_ in zip(folding.recoils(process, term, arriving), (rates, sizes), strict=True):
                all_.append(scale * part)
        return cls(
            response,
            distortions,
            tuple((recoil, one, np.array(rates), np.array(sizes)) for recoil, one, rates, sizes in groups.values()),
        )

    @property
    def recoils(self) -> list[Recoil]:
        """What recoils in each of the templates."""
        return [recoil for recoil, _, rates, _ in self.groups for _ in rates]

    def at(self, point: Point) -> tuple[Array, Array]:
        """Counts, and what they would be if nothing cancelled, (n_template, n_bin), at a point."""
        point = tuple((name, theta) for name, theta in point if theta)
        if point not in self.done:
            response = distorted(self.response, self.distortions, point)
            parts = [
                (folding.refolded(seen_by(response, recoil)).T, rates, sizes)
                for recoil, folding, rates, sizes in self.groups
            ]
            self.done[point] = (
                np.concatenate([rates @ detector for detector, rates, _ in parts]),
                np.concatenate([sizes @ np.abs(detector) for detector, _, sizes in parts]),
            )
        return self.done[point]


def acts_on(distortion: Distortion, recoil: Recoil) -> bool:
    """Whether recoils of this kind are seen in another way if the response is distorted so."""
    return recoil == "nucleus" or not distortion.of_nuclei


def distorted(response: Response, distortions: Mapping[str, Distortion], point: Point) -> Response:
    """The response at a point. The band of an efficiency is that of the nominal curve, so it comes first."""
    for name, theta in sorted(point, key=lambda one: not distortions[one[0]].linear):
        response = distortions[name].at(response, theta)
    return response
