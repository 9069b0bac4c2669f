"""The response as one matrix: probability of every bin for every recoil."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array
from eventfit.response.axis import Axis, KeV
from eventfit.response.efficiency import Acceptance
from eventfit.response.quenching import Quenching
from eventfit.response.resolution import Resolution

__all__ = ["Response", "Stage"]

#: elements of a response matrix, forty times those of any shipped analysis: seconds, and below two gigabytes
MOST_ELEMENTS = 30_000_000

Stage = Literal["quenching", "resolution", "efficiency"]
#: Gaussian tails are followed to this many standard deviations
REACH = 9.0


@dataclass(frozen=True, eq=False)
class Response:
    """Probability that a recoil T is seen in a bin of the reconstructed axis.

    Attributes
    ----------
    order
        Stages in the order in which they act. An efficiency is a function of what has come out by then: the true recoil
        energy, the visible energy after ``"quenching"``, the reconstructed value after ``"resolution"``.
    """

    order: tuple[Stage, ...]
    resolution: Resolution
    efficiency: Acceptance | None = None
    quenching: Quenching | None = None
    axis: Axis = KeV

    def __post_init__(self) -> None:
        present = {
            "quenching": self.quenching is not None,
            "resolution": True,
            "efficiency": self.efficiency is not None,
        }
        declared = {stage for stage, there in present.items() if there}
        wrong = set(self.order) != declared or len(self.order) != len(declared)
        if wrong or ("quenching" in declared and self._place("quenching") > self._place("resolution")):
            raise OutOfRange(
                "the order does not list each declared stage once, with quenching before resolution",
                where="response.order",
                given=list(self.order),
                allowed=f"an order of {sorted(declared)}",
            )

    @property
    def efficiency_is_reconstructed(self) -> bool:
        """Whether the efficiency acts on the reconstructed axis."""
        return self.efficiency is not None and self._place("efficiency") > self._place("resolution")

    def _place(self, stage: Stage) -> int:
        return self.order.index(stage)

    def _accepted(self, T: Array) -> Array:
        """Efficiency before smearing, at the visible energy if quenching has acted, else at the true recoil."""
        assert self.efficiency is not None
        quenched = self.quenching is not None and self._place("efficiency") > self._place("quenching")
        return self.efficiency(self.quenching.visible(T) if quenched and self.quenching is not None else T)

    @property
    def is_sharp(self) -> bool:
        """Whether nothing is smeared."""
        return self.resolution.is_sharp

    def moments(self, T: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the reconstructed value for true recoils ``T``."""
        visible = T if self.quenching is None else self.quenching.visible(T)
        return self.resolution.mean(visible), self.resolution.sigma(visible)

    def matrix(self, T: Array, edges: Array) -> Array:
        """P(bin | T), shape (n_bin, n_T): columns sum to at most 1, never renormalised to the window.

        Parameters
        ----------
        T
            True recoil energies (n_T,) in keV.
        edges
            Increasing bin edges (n_bin + 1,) on the reconstructed axis.
        """
        mean, sigma = self.moments(T)
        if not self.efficiency_is_reconstructed:
            columns = np.diff(_smeared(edges, mean, sigma)[0], axis=0)
            return columns if self.efficiency is None else columns * self._accepted(T)
        assert self.efficiency is not None
        self.efficiency.require(edges[0], edges[-1])
        knots = self.efficiency.energy
        fine = np.unique(np.concatenate([edges, knots[(knots > edges[0]) & (knots < edges[-1])]]))
        value = self.efficiency(fine)
        slope = np.diff(value) / np.diff(fine)
        offset = value[:-1] - slope * fine[:-1]
        cdf, first = _smeared(fine, mean, sigma)
        # int (offset + slope x) N(x; mean, sigma) dx over each sub-bin, exact for the piecewise linear efficiency
        parts = offset[:, None] * np.diff(cdf, axis=0) + slope[:, None] * np.diff(first, axis=0)
        return np.asarray(np.add.reduceat(parts, np.searchsorted(fine, edges[:-1]), axis=0))

    def density(self, T: Array, points: Array) -> Array:
        """d P / d x at ``points`` (n_point,) for recoils ``T``, shape (n_point, n_T), for unbinned fits.

        Raises
        ------
        OutOfRange
            The resolution is zero, so that the density is not a function.
        """
        mean, sigma = self.moments(T)
        if np.any(sigma <= 0):
            raise OutOfRange("a perfect resolution has no density", where="response", fix="use bins, or a resolution")
        z = (np.asarray(points)[:, None] - mean) / sigma
        shape = np.exp(-0.5 * z**2) / (np.sqrt(2.0 * np.pi) * sigma)
        if self.efficiency is None:
            return np.asarray(shape)
        if self.efficiency_is_reconstructed:
            return np.asarray(shape * self.efficiency(points)[:, None])
        return np.asarray(shape * self._accepted(T))

    def support(self, edges: Array, limit: float) -> tuple[float, float]:
        """Range of true recoils (keV) up to ``limit`` that can be reconstructed between the outer ``edges``."""
        T = self._recoils(limit)
        mean, sigma = self.moments(T)
        below, above = mean + REACH * sigma < edges[0], mean - REACH * sigma > edges[-1]
        if T[-1] < limit and not above.any():
            raise OutOfRange(
                "the resolution is not known for all recoils that can be reconstructed inside the window",
                where="response.resolution",
                given=f"recoils up to {limit:g} keV, the resolution up to {self.resolution.known_to:g} keV",
                allowed=f"a window that ends {REACH:g} standard deviations below what {T[-1]:.4g} keV gives",
                fix="lower the end of the window, or know the resolution further up",
            )
        if below[-1]:
            raise OutOfRange(
                "no recoil that the source can produce is reconstructed inside the window",
                where="response.edges",
                given=self.axis.range(edges[0], edges[-1]),
                allowed=f"recoils up to {limit:g} keV",
            )
        first = int(np.argmin(below)) - 1
        last = int(np.argmax(above)) if above.any() else -1
        return float(T[max(first, 0)]), float(T[last])

    def breakpoints(self, edges: Array, limit: float) -> Array:
        """True recoils (keV) where :meth:`matrix` jumps or bends: efficiency knots, and bin edges if nothing smears."""
        efficiency = np.empty(0)
        if self.efficiency is not None:
            efficiency = self.efficiency.energy if self.is_sharp else self.efficiency.bends
        at_recoil = self.efficiency is not None and not self.efficiency_is_reconstructed
        quenched = at_recoil and self.quenching is not None and self._place("efficiency") > self._place("quenching")
        T = self._recoils(limit)
        mean = self.moments(T)[0]
        knots = efficiency if at_recoil and not quenched else np.empty(0)
        if self.is_sharp:
            knots = np.concatenate([knots, np.interp(np.concatenate([edges, efficiency]), mean, T)])
        elif quenched:
            knots = np.interp(efficiency, mean, T)
        return np.unique(knots)

    def _recoils(self, limit: float) -> Array:
        """Recoils (keV) from 0 to ``limit``, as far as known: the range and the inverse of the mean are sought here."""
        T = np.concatenate([[0.0], limit * np.geomspace(1e-6, 1.0, 4000)])
        visible = T if self.quenching is None else self.quenching.visible(T)
        return T[visible <= self.resolution.known_to]


def _smeared(x: Array, mean: Array, sigma: Array) -> tuple[Array, Array]:
    """Integrals of N(t; mean, sigma) and t N(t; mean, sigma) up to ``x``, each (n_x, n_T); steps where sigma is 0."""
    if len(x) * len(mean) > MOST_ELEMENTS:
        raise OutOfRange(
            "the bins are too many and too fine to be folded",
            where="response.edges",
            given=f"{len(x)} edges and knots of the efficiency, {len(mean)} recoils",
            allowed=f"a product up to {MOST_ELEMENTS:g}",
            fix="make the bins wider, or the window narrower",
        )
    smooth = sigma > 0
    safe = np.where(smooth, sigma, 1.0)
    z = (x[:, None] - mean) / safe
    cdf = np.where(smooth, ndtr(z), (z >= 0.0).astype(float))
    tail = np.where(smooth, safe * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi), 0.0)
    return cdf, mean * cdf - tail
