"""The main measurement: bins expecting ``c @ templates``, some of them with a gamma of their own.

Everything is said in *streams*: the expectation of every bin, followed by the part of it that a gamma scales. A stream
is linear in the coefficients, so derivatives in the parameters are matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.likelihood.bin_scale import BinScale, best_gamma, penalty
from eventfit.likelihood.poisson import FLOOR
from eventfit.likelihood.statistic import Statistic
from eventfit.quadrature import Array, Index, Mask

__all__ = ["Curvature", "Main"]


@dataclass(frozen=True, eq=False)
class Curvature:
    """Second derivatives in the streams: their diagonal, and the cross term of a bin with its scaled part."""

    diagonal: Array
    cross: Array


@dataclass(frozen=True, eq=False)
class Main:
    """Which bins are scaled, by what.

    Attributes
    ----------
    n_bin
        Number of bins; streams are (..., n_bin + n_scaled).
    statistic
        Counts, or numbers with an error.
    where
        (n_scaled,): the bins with a gamma.
    strength, gaussian
        (n_scaled,): tau or width, and which of the two.
    """

    n_bin: int
    statistic: Statistic
    where: Index
    strength: Array
    gaussian: Mask

    @classmethod
    def compile(cls, n_bin: int, scales: Sequence[BinScale], errors: Array) -> Main:
        """Refuses two scales in one bin, and one in a bin without counts (:class:`OutOfRange`)."""
        statistic = Statistic.compile(n_bin, errors)
        taken = np.zeros(n_bin, dtype=int)
        for scale in scales:
            if scale.strength.shape != (n_bin,) or scale.observed.shape != (n_bin,):
                raise OutOfRange(
                    "a factor per bin and the data have different numbers of bins",
                    where=scale.name,
                    given=scale.strength.shape,
                    allowed=f"({n_bin},)",
                )
            taken += scale.strength > 0
        if np.any(taken > 1):
            raise OutOfRange(
                "two factors per bin act in one bin: only one of them can be eliminated in closed form",
                where=f"bin {int(np.argmax(taken)) + 1}",
                given=", ".join(scale.name for scale in scales if scale.strength[int(np.argmax(taken))] > 0),
                fix="declare one of them as ordinary parameters of one-bin components",
            )
        if np.any(taken[statistic.measured] > 0):
            raise OutOfRange(
                "a factor per bin acts where no counts were taken",
                where=f"bin {int(statistic.measured[np.argmax(taken[statistic.measured])]) + 1}",
                fix="put the error into that of the measured number",
            )
        where = [np.flatnonzero(scale.strength > 0) for scale in scales]
        strength = [scale.strength[index] for scale, index in zip(scales, where, strict=True)]
        gaussian = [
            np.full(len(index), scale.constraint == "gaussian") for scale, index in zip(scales, where, strict=True)
        ]
        if not scales:
            return cls(n_bin, statistic, np.zeros(0, dtype=int), np.zeros(0), np.zeros(0, dtype=bool))
        return cls(n_bin, statistic, np.concatenate(where), np.concatenate(strength), np.concatenate(gaussian))

    def gamma(self, streams: Array, n: Array, a: Array) -> Array:
        """The best gammas (..., n_scaled) given data ``n`` (..., n_bin) and auxiliary ``a`` (..., n_scaled)."""
        if not len(self.where):
            return streams[..., :0]
        rho, sigma = streams[..., self.where], streams[..., self.n_bin :]
        return best_gamma(rho, sigma, n[..., self.where], a, self.strength, self.gaussian)

    def expected(self, streams: Array, gamma: Array) -> Array:
        """Expected counts (..., n_bin)."""
        if not len(self.where):
            return streams
        lead = np.broadcast_shapes(streams.shape[:-1], gamma.shape[:-1])
        expected = np.broadcast_to(streams[..., : self.n_bin], (*lead, self.n_bin)).copy()
        expected[..., self.where] += gamma * streams[..., self.n_bin :]
        return expected

    def terms(self, streams: Array, n: Array, a: Array) -> tuple[Array, Array, Curvature]:
        """-2 ln L (...), its slopes (..., n_stream) and curvature in the streams, the gammas at their best."""
        if not len(self.where):
            value, slope, curve = self.statistic.terms(n, streams)
            return value.sum(axis=-1), slope, Curvature(curve, curve[..., :0])
        gamma = self.gamma(streams, n, a)
        expected = self.expected(streams, gamma)
        held = self._held_at_zero(streams, n, gamma, expected)
        expected[..., self.where] = np.where(held, 0.0, expected[..., self.where])
        value, slope, curve = self.statistic.terms(n, expected)
        constraint, pull, stiffness = penalty(gamma, a, self.strength, self.gaussian)
        sigma = streams[..., self.n_bin :]  # there the slope is what the constraint pulls with
        slope[..., self.where] = np.where(held, -pull / np.where(held, sigma, 1.0), slope[..., self.where])
        curve[..., self.where] = np.where(held, 2.0 / FLOOR, curve[..., self.where])  # a wall: gamma follows
        slopes = np.concatenate([slope, gamma * slope[..., self.where]], axis=-1)
        total = value.sum(axis=-1) + constraint.sum(axis=-1)
        return total, slopes, self._eliminated(streams, gamma, slope, curve, stiffness)

    def information(self, streams: Array, n: Array, a: Array) -> Curvature:
        """Expected second derivatives at these streams, the gammas at their best for ``n`` and ``a``."""
        if not len(self.where):
            return Curvature(self.statistic.information(streams), streams[..., :0])
        gamma = self.gamma(streams, n, a)
        curve = self.statistic.information(self.expected(streams, gamma))
        stiffness = np.where(self.gaussian, 2.0, 2.0 * self.strength**3 / np.maximum(gamma, FLOOR)) / self.strength**2
        return self._eliminated(streams, gamma, np.zeros_like(curve), curve, stiffness)

    def expected_auxiliary(self, gamma: Array) -> Array:
        """Expected auxiliary measurements (..., n_scaled)."""
        return np.asarray(gamma * np.where(self.gaussian, 1.0, self.strength))

    def throw(self, gamma: Array, n: int, rng: np.random.Generator) -> Array:
        """``n`` fluctuated sets of auxiliary measurements, (n, n_scaled), for ``gamma`` (n_scaled,)."""
        expected = self.expected_auxiliary(gamma)
        normal = expected + self.strength * rng.standard_normal((n, len(expected)))
        counted = rng.poisson(np.where(self.gaussian, 0.0, expected), size=(n, len(expected)))
        return np.where(self.gaussian, normal, counted)

    def _held_at_zero(self, streams: Array, n: Array, gamma: Array, expected: Array) -> Mask:
        """(..., n_scaled): empty bins whose expectation gamma keeps from going below zero."""
        rho, sigma = streams[..., self.where], streams[..., self.n_bin :]
        nothing = np.abs(expected[..., self.where]) < FLOOR + 1e-14 * np.abs(rho)
        return np.asarray((n[..., self.where] == 0) & nothing & (gamma > 0) & (sigma != 0))

    def _eliminated(self, streams: Array, gamma: Array, slope: Array, curve: Array, stiffness: Array) -> Curvature:
        """Curvature with each gamma following the streams; a gamma at zero does not follow."""
        sigma, s, t = streams[..., self.n_bin :], slope[..., self.where], curve[..., self.where]
        resists = sigma**2 * t + stiffness
        give = np.where((gamma > 0) & (resists > 0), 1.0 / np.where(resists > 0, resists, 1.0), 0.0)
        stiff = np.where(give > 0, t * stiffness * give, t)  # without cancellation where t is a wall
        diagonal = np.concatenate([curve, gamma**2 * stiff - s * (s + 2.0 * gamma * sigma * t) * give], axis=-1)
        diagonal[..., self.where] = stiff
        return Curvature(diagonal, gamma * stiff - s * sigma * t * give)
