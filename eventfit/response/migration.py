"""Migration: probabilities of bins for bins of true energy, as a simulation or a calibration gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array
from eventfit.response.resolution import Resolution

__all__ = ["Beyond", "MigrationMatrix"]

#: what is known beyond the energies of a table: nothing, or that nothing of them is seen
Beyond = Literal["refuse", "unseen"]


@dataclass(frozen=True, eq=False)
class MigrationMatrix(Resolution):
    """P(bin | visible energy), constant inside every true bin; it stands where a mean and a width would.

    Attributes
    ----------
    true_edges
        (n_true + 1,), visible energy in keV.
    edges
        (n_bin + 1,) on the reconstructed axis.
    probability
        (n_bin, n_true); columns sum to at most 1, what is missing is not seen.
    beyond
        Outside ``true_edges`` nothing is seen (``unseen``), or it is not known (``refuse``): then an outermost bin of
        which something is seen is an error if the source makes recoils beyond it.
    """

    true_edges: Array
    edges: Array
    probability: Array
    beyond: Beyond = "refuse"
    name: str = "migration matrix"
    is_sharp = True

    def __post_init__(self) -> None:
        shape = len(self.edges) - 1, len(self.true_edges) - 1
        sums = self.probability.sum(axis=0) if self.probability.shape == shape else np.full(1, np.nan)
        if not (np.all(self.probability >= 0.0) and np.all(sums <= 1.0 + 1e-6)) or np.any(
            np.diff(self.true_edges) <= 0
        ):
            raise OutOfRange(
                "a migration matrix needs probabilities that sum to at most 1 in every true bin",
                where=self.name,
                given=f"shape {self.probability.shape}, largest sum {np.max(sums):g}",
                allowed=f"shape {shape} over increasing true edges",
            )
        if not self.probability.any():
            raise OutOfRange("a migration matrix sees nothing", where=self.name, given="zeros only")

    def mean(self, visible: Array) -> Array:
        raise self._no_moments()

    def sigma(self, visible: Array) -> Array:
        raise self._no_moments()

    def columns(self, visible: Array, edges: Array) -> Array:
        """P(bin | ``visible``), (n_bin, n_T), zero beyond the true edges; ``edges`` have to be the own ones."""
        if not np.array_equal(edges, self.edges):
            raise OutOfRange(
                "the bins of a migration matrix are not those of the window",
                where=self.name,
                given=f"{len(self.edges) - 1} bins from {self.edges[0]:g} to {self.edges[-1]:g}",
                allowed=f"{len(edges) - 1} bins from {edges[0]:g} to {edges[-1]:g}",
            )
        at = np.searchsorted(self.true_edges, visible, side="right") - 1
        known = (at >= 0) & (at < self.probability.shape[1])
        return np.where(known, self.probability[:, np.where(known, at, 0)], 0.0)

    def seen(self, most: float) -> tuple[float, float]:
        """Visible energies in keV between which something is seen, of those up to ``most`` that there are.

        Raises
        ------
        OutOfRange
            There are energies beyond the matrix, and it does not say that nothing of them is seen.
        """
        some = np.flatnonzero(self.probability.any(axis=0))
        below = some[0] == 0 and self.true_edges[0] > 0.0
        above = some[-1] == self.probability.shape[1] - 1 and self.true_edges[-1] < most
        if self.beyond == "refuse" and (below or above):
            raise OutOfRange(
                "recoils beyond the true energies of the migration matrix may be seen as well",
                where=self.name,
                given=f"true energies {self.true_edges[0]:g} to {self.true_edges[-1]:g} keV, recoils to {most:.4g}",
                allowed="a matrix over all recoils, or one whose outermost true bins are empty",
                fix='extend the matrix, or say that nothing of them is seen: beyond = "unseen"',
            )
        return float(self.true_edges[some[0]]), float(min(self.true_edges[some[-1] + 1], most))

    def _no_moments(self) -> OutOfRange:
        return OutOfRange(
            "a migration matrix has no mean and no width that could be asked for, or changed",
            where=self.name,
            fix="declare a resolution, or make another matrix for the change",
        )
