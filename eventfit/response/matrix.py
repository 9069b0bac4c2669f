"""The response as one matrix: probability of every bin for every recoil."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy.special import ndtr

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array
from eventfit.response.axis import Axis, KeV
from eventfit.response.efficiency import Acceptance
from eventfit.response.migration import MigrationMatrix
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

    That of recoils of one kind: a quenching is that of nuclear recoils, electron recoils have :attr:`unquenched`.

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
        if isinstance(self.resolution, MigrationMatrix) and self.efficiency_is_reconstructed:
            raise OutOfRange(
                "an efficiency cannot act behind a migration matrix: inside a bin it is not known where",
                where="response.order",
                given=list(self.order),
                allowed="the efficiency before the resolution, at the true energy",
                fix="multiply the rows of the matrix by it",
            )

    @property
    def efficiency_is_reconstructed(self) -> bool:
        """Whether the efficiency acts on the reconstructed axis."""
        return self.efficiency is not None and self._place("efficiency") > self._place("resolution")

    def _place(self, stage: Stage) -> int:
        return self.order.index(stage)

    @property
    def _after_quenching(self) -> bool:
        """Whether there is an efficiency that acts on what a quenching has made visible."""
        both = self.efficiency is not None and self.quenching is not None
        return both and self._place("efficiency") > self._place("quenching")

    def _accepted(self, T: Array) -> Array:
        """Efficiency before smearing, at the visible energy if quenching has acted, else at the true recoil."""
        assert self.efficiency is not None
        return self.efficiency(self.visible(T) if self._after_quenching else T)

    @property
    def cite(self) -> tuple[str, ...]:
        """Bibliography keys of the quenching and the resolution."""
        return (*(() if self.quenching is None else self.quenching.cite), *self.resolution.cite)

    @property
    def unquenched(self) -> Response:
        """The response of electron recoils, which are not quenched.

        Raises
        ------
        OutOfRange
            The efficiency acts before the quenching: it is one of true nuclear recoil energies.
        """
        if self.quenching is None:
            return self
        if self.efficiency is not None and self._place("efficiency") < self._place("quenching"):
            raise OutOfRange(
                "an efficiency before the quenching is one of nuclear recoils, and there are electron recoils as well",
                where="response.order",
                given=list(self.order),
                allowed="an efficiency after the quenching, where both kinds stand on one axis",
            )
        return replace(self, order=tuple(stage for stage in self.order if stage != "quenching"), quenching=None)

    @property
    def is_sharp(self) -> bool:
        """Whether nothing is smeared."""
        return self.resolution.is_sharp

    def visible(self, T: Array) -> Array:
        """Visible energy in keV of true recoils ``T``."""
        return T if self.quenching is None else self.quenching.visible(T)

    def moments(self, T: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the Gaussian behind the reconstructed value for true recoils ``T``.

        Those of a migration matrix are the visible energy and zero: it smears in bins, and has kinks at their edges.
        """
        visible = self.visible(T)
        if isinstance(self.resolution, MigrationMatrix):
            return visible, np.zeros(np.shape(visible))
        return self.resolution.mean(visible), self.resolution.sigma(visible)

    def _signal(self, T: Array, mean: Array, sigma: Array) -> Array:
        """What the Gaussian counts with: 0 below the smallest signal, more than 1 where it is cut."""
        there = np.where(self.visible(T) >= self.resolution.smallest, 1.0, 0.0)
        lowest = self.resolution.lowest
        return there / ndtr((mean - lowest) / sigma) if math.isfinite(lowest) else there

    def matrix(self, T: Array, edges: Array) -> Array:
        """P(bin | T), shape (n_bin, n_T): columns sum to at most 1, never renormalised to the window.

        Parameters
        ----------
        T
            True recoil energies (n_T,) in keV.
        edges
            Increasing bin edges (n_bin + 1,) on the reconstructed axis.
        """
        if isinstance(self.resolution, MigrationMatrix):
            columns = self.resolution.columns(self.visible(T), edges)
            return columns if self.efficiency is None else columns * self._accepted(T)
        mean, sigma = self.moments(T)
        signal = self._signal(T, mean, sigma)
        if not self.efficiency_is_reconstructed:
            columns = np.diff(_smeared(self._possible(edges), mean, sigma)[0], axis=0) * signal
            return np.asarray(columns if self.efficiency is None else columns * self._accepted(T))
        assert self.efficiency is not None
        self.efficiency.require(edges[0], edges[-1])
        knots = self.efficiency.energy
        fine = np.unique(np.concatenate([edges, knots[(knots > edges[0]) & (knots < edges[-1])]]))
        value = self.efficiency(fine)
        slope = np.diff(value) / np.diff(fine)
        offset = value[:-1] - slope * fine[:-1]
        cdf, first = _smeared(self._possible(fine), mean, sigma)
        # int (offset + slope x) N(x; mean, sigma) dx over each sub-bin, exact for the piecewise linear efficiency
        parts = offset[:, None] * np.diff(cdf, axis=0) + slope[:, None] * np.diff(first, axis=0)
        return np.asarray(np.add.reduceat(parts, np.searchsorted(fine, edges[:-1]), axis=0) * signal)

    def _possible(self, x: Array) -> Array:
        """``x`` without what cannot be reconstructed."""
        return np.maximum(x, self.resolution.lowest)

    def density(self, T: Array, points: Array) -> Array:
        """d P / d x at ``points`` (n_point,) for recoils ``T``, shape (n_point, n_T), for unbinned fits.

        Raises
        ------
        OutOfRange
            The resolution is zero, so that the density is not a function.
        """
        mean, sigma = self.moments(T)
        if np.any(sigma <= 0):
            what = "migration matrix" if isinstance(self.resolution, MigrationMatrix) else "perfect resolution"
            raise OutOfRange(f"a {what} has no density", where="response", fix="use bins, or a resolution")
        z = (np.asarray(points)[:, None] - mean) / sigma
        shape = np.exp(-0.5 * z**2) / (np.sqrt(2.0 * np.pi) * sigma) * self._signal(T, mean, sigma)
        shape = np.where(np.asarray(points)[:, None] < self.resolution.lowest, 0.0, shape)
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
        if isinstance(self.resolution, MigrationMatrix):
            low, high = self.resolution.seen(float(mean.max()))
            below, above = mean < low, mean > high
        below |= self.visible(T) < self.resolution.smallest
        if (T[0] > 0.0 and not below[0]) or (T[-1] < limit and not above.any()):
            self._refuse_unknown(limit, T)
        if below[-1]:
            raise self._nothing_seen(edges, limit)
        first, last = int(np.argmin(below)) - 1, int(np.flatnonzero(~above)[-1]) + 1
        return float(T[max(first, 0)]), float(T[min(last, len(T) - 1)])

    def _refuse_unknown(self, limit: float, T: Array) -> None:
        """A stage is not known for all recoils that can be seen: from ``T[0]`` to ``T[-1]`` only."""
        low, high = (0.0, math.inf) if self.quenching is None else self.quenching.known
        by_quenching = low > 0.0 or high <= T[-1]
        stage = "quenching" if by_quenching else "resolution"
        known = f"from {low:g} to {high:g} keV" if by_quenching else f"up to {self.resolution.known_to:g} keV"
        way = "begins", "above", T[0], "raise the beginning", "down"
        if T[0] == 0.0:
            way = "ends", "below", T[-1], "lower the end", "up"
        ends, side, at, move, further = way
        raise OutOfRange(
            f"the {stage} is not known for all recoils that can be reconstructed inside the window",
            where=f"response.{stage}",
            given=f"recoils up to {limit:g} keV, the {stage} {known}",
            allowed=f"a window that {ends} {REACH:g} standard deviations {side} what {at:.4g} keV gives",
            fix=f"{move} of the window, or know the {stage} further {further}",
        )

    def _nothing_seen(self, edges: Array, limit: float) -> OutOfRange:
        return OutOfRange(
            "no recoil that the source can produce is reconstructed inside the window",
            where="response.edges",
            given=self.axis.range(edges[0], edges[-1]),
            allowed=f"recoils up to {limit:g} keV",
        )

    def breakpoints(self, edges: Array, limit: float) -> Array:
        """True recoils (keV) where :meth:`matrix` jumps or bends.

        Efficiency knots, rows of the quenching, the smallest signal, and bin edges if nothing smears.
        """
        if isinstance(self.resolution, MigrationMatrix):
            edges = self.resolution.true_edges
        efficiency = np.empty(0)
        if self.efficiency is not None:
            efficiency = self.efficiency.energy if self.is_sharp else self.efficiency.bends
        at_recoil = self.efficiency is not None and not self.efficiency_is_reconstructed
        T = self._recoils(limit)
        visible = self.visible(T)
        knots = efficiency if at_recoil and not self._after_quenching else np.empty(0)
        if self.is_sharp:
            mean = self.moments(T)[0]
            knots = np.concatenate([knots, _reached(np.concatenate([edges, efficiency]), mean, T)])
        elif at_recoil and self._after_quenching:
            knots = _reached(efficiency, visible, T)
        if self.resolution.smallest > 0.0:
            knots = np.append(knots, _reached(np.array([self.resolution.smallest]), visible, T))
        return np.unique(knots if self.quenching is None else np.append(knots, self.quenching.bends))

    def _recoils(self, limit: float) -> Array:
        """Recoils (keV) from 0 to ``limit``, as far as known: the range and the inverse of the mean are sought here."""
        T = np.concatenate([[0.0], limit * np.geomspace(1e-6, 1.0, 4000)])
        if self.quenching is not None:
            low, high = self.quenching.known
            T = np.unique(np.clip(T, low, min(high, limit))) if low < limit else np.array([low])
        return T[self.visible(T) <= self.resolution.known_to]


def _reached(values: Array, curve: Array, T: Array) -> Array:
    """Where the ``curve`` over ``T`` reaches each of the ``values``: once if it rises, more often where it falls."""
    rises = np.diff(curve) >= 0.0
    if rises.all():
        return np.asarray(np.interp(values, curve, T))
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(rises)) + 1, [len(T) - 1]])
    pieces = [(curve[a : b + 1], T[a : b + 1]) for a, b in pairwise(cuts)]
    ordered = [(c, t) if c[-1] >= c[0] else (c[::-1], t[::-1]) for c, t in pieces]
    return np.concatenate([np.interp(values[(values >= c[0]) & (values <= c[-1])], c, t) for c, t in ordered])


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
