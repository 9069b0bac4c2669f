"""Batch fits: the likelihood of many data sets minimised together by Newton steps with active bounds.

Every data set takes its own steps; those that have converged leave the batch. The steps of Nocedal and Wright,
Numerical Optimization, 2nd ed., Sec. 3.3 (Newton with backtracking), projected on the bounds as in Bertsekas, SIAM J.
Control Optim. 20 (1982) 221. A parameter whose slope jumps at zero (interpolation codes 0 and 1) is bounded there by
the side it stands on; at zero both sides are asked, and it changes sides where that leads downhill.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventfit.inference.cholesky import solve_positive
from eventfit.likelihood import Likelihood
from eventfit.likelihood.poisson import FLOOR
from eventfit.quadrature import Array, Index, Mask

__all__ = ["EDM_GOAL", "Minima", "minimise"]

#: estimated distance to the minimum, in units of -2 ln L, below which a fit is certified
EDM_GOAL = 1e-8
#: steps before a data set is given up, and the smallest part of a step that is tried
STEPS, SHORTEST = 100, 1e-9
#: numbers held at once for the largest array of a step; bounds the memory of models with many bins
WORKING_SET = 4_000_000


@dataclass(frozen=True, eq=False)
class Minima:
    """Where the fits of n data sets ended.

    Attributes
    ----------
    values
        (n, n_par).
    minus_2_ln_l
        (n,), relative to the saturated model.
    edm
        (n,): half the Newton decrement on the free parameters.
    certified
        (n,): edm below the goal, the true Hessian positive on the free parameters, no one-sided slope downhill at a
        bound or kink, no event where none is expected.
    at_bound
        (n,): some parameter is held by a bound.
    """

    values: Array
    minus_2_ln_l: Array
    edm: Array
    certified: Mask
    at_bound: Mask

    def better(self, other: Minima) -> Minima:
        """For every data set the lower of the two, a certified one before one that is not and no lower."""
        lower = other.minus_2_ln_l < self.minus_2_ln_l - 1e-9
        same = np.abs(other.minus_2_ln_l - self.minus_2_ln_l) <= 1e-6
        take = (lower & ~(same & self.certified)) | (same & other.certified & ~self.certified)
        return Minima(
            np.where(take[:, None], other.values, self.values),
            np.where(take, other.minus_2_ln_l, self.minus_2_ln_l),
            np.where(take, other.edm, self.edm),
            np.where(take, other.certified, self.certified),
            np.where(take, other.at_bound, self.at_bound),
        )


def minimise(likelihood: Likelihood, starts: Array, free: Mask, *, goal: float = EDM_GOAL) -> Minima:
    """Minimise -2 ln L over the ``free`` (n_par,) parameters from ``starts`` (n, n_par), one per data set.

    A likelihood with one data set is minimised from every start. Steps go on until the edm is below ``goal``; what
    stops earlier, where rounding allows no lower value, is certified if the edm is below :data:`EDM_GOAL`.
    """
    width = likelihood.n_bin * (1 if likelihood.convex else len(free))
    rows = max(WORKING_SET // max(width, 1), 16)
    parts = [
        _Batch(likelihood.rows(slice(i, i + rows)), starts[i : i + rows], free, goal).run()
        for i in range(0, len(starts), rows)
    ]
    if len(parts) == 1:
        return parts[0]
    return Minima(*(np.concatenate([getattr(part, name) for part in parts]) for name in Minima.__dataclass_fields__))


class _Batch:
    """Points of all data sets, those still moving, and the derivatives at the points of these."""

    def __init__(self, likelihood: Likelihood, starts: Array, free: Mask, goal: float) -> None:
        self.likelihood, self.free = likelihood, free
        self.lower, self.upper = likelihood.bounds
        n = len(starts)
        self.values = np.where(free, np.clip(starts, self.lower, self.upper), starts)
        self.result = Minima(
            self.values, np.full(n, np.inf), np.full(n, np.inf), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        )
        counts = np.broadcast_to(likelihood.data.counts.sum(axis=-1), (n,))
        #: rounding of the likelihood grows with the counts
        self.scale = np.maximum(1.0, 1e-9 * counts)
        self.goal = goal
        self.rounding = 1e-13 * (1.0 + counts)

    def run(self) -> Minima:
        rows = np.arange(len(self.values))
        likelihood, x = self.likelihood, self.values
        f, g, h = likelihood.derivatives(x)
        fraction = np.ones(len(rows))
        for _ in range(STEPS):
            x, g, h, held, kinked = self._sides(likelihood, x, g, h)
            step, edm, positive, held = self._step(likelihood, x, g, h, held, kinked)
            done = (edm < self.goal * self.scale[rows]) | (fraction < SHORTEST) | ~np.isfinite(f)
            if done.any():
                self._leave(rows[done], x[done], f[done], edm[done], positive[done], held[done])
                keep = np.flatnonzero(~done)
                if not len(keep):
                    return self._certified()
                likelihood, rows = likelihood.rows(keep), rows[keep]
                x, f, g, h, step, fraction = x[keep], f[keep], g[keep], h[keep], step[keep], fraction[keep]
            trial = self._moved(x, fraction[:, None] * step)
            f_new, g_new, h_new = likelihood.derivatives(trial)
            accept = f_new <= f + self.rounding[rows]
            if accept.all():
                x, f, g, h = trial, f_new, g_new, h_new
                fraction = np.ones(len(rows))
            else:
                x, f, g = (
                    np.where(accept[:, None], trial, x),
                    np.where(accept, f_new, f),
                    np.where(accept[:, None], g_new, g),
                )
                h = np.where(accept[:, None, None], h_new, h)
                fraction = np.where(accept, 1.0, 0.25 * fraction)
        self._leave(
            rows, x, f, np.full(len(rows), np.inf), np.zeros(len(rows), dtype=bool), np.zeros(x.shape, dtype=bool)
        )
        return self._certified()

    def _sides(self, likelihood: Likelihood, x: Array, g: Array, h: Array) -> tuple[Array, Array, Array, Mask, Mask]:
        """Points with their sides chosen, derivatives there, what is held, and what of it by a kink."""
        held = ~self.free | ((x <= self.lower) & (g > 0)) | ((x >= self.upper) & (g < 0))
        kinked = likelihood.kinks & self.free & (x == 0.0)
        if not kinked.any():
            return x, g, h, held, kinked
        rows = np.flatnonzero(kinked.any(axis=1))
        there = likelihood.rows(rows)
        at, here = x[rows], g[rows]
        other = there.gradient(np.where(kinked[rows], -at, at))
        negative = np.signbit(at)
        right, left = np.where(negative, other, here), np.where(negative, here, other)
        stuck = kinked[rows] & (right >= 0) & (left <= 0)
        goes_right = (right < 0) & (-right >= left)
        x, g, h = x.copy(), g.copy(), h.copy()
        x[rows] = np.where(kinked[rows] & ~stuck, np.where(goes_right, 0.0, -0.0), at)
        _, g[rows], h[rows] = there.derivatives(x[rows])
        held[rows] |= stuck
        kinked[rows] = stuck
        return x, g, h, held, kinked

    def _step(
        self, likelihood: Likelihood, x: Array, g: Array, h: Array, held: Mask, kinked: Mask
    ) -> tuple[Array, Array, Mask, Mask]:
        """Newton steps, half their decrements, where the Hessian is positive, and what bounds hold."""
        by_bound = held & self.free & ~kinked
        step, positive = solve_positive(h, -g, held)
        if not positive.all():
            bad = np.flatnonzero(~positive)
            scoring = likelihood.rows(bad).fisher(x[bad])
            diagonal = np.einsum("npp->np", scoring)
            scoring[:, np.arange(x.shape[1]), np.arange(x.shape[1])] += 1e-6 * (1.0 + diagonal)
            h = h.copy()
            h[bad] = scoring
            step[bad] = solve_positive(scoring, -g[bad], held[bad])[0]
        low, high = self._reach(x)
        for _ in range(x.shape[1]):  # a step that leaves through a bound it stands at is taken along the bound
            outward = ~held & (((x <= low) & (step < 0)) | ((x >= high) & (step > 0)))
            rows = np.flatnonzero(outward.any(axis=1))
            if not len(rows):
                break
            held = held | outward
            step[rows] = solve_positive(h[rows], -g[rows], held[rows])[0]
        edm = -0.5 * np.einsum("np,np->n", g, step)
        return step, np.where(np.isfinite(edm), edm, np.inf), positive, by_bound

    def _reach(self, x: Array) -> tuple[Array, Array]:
        """Bounds of the next step: those of the parameters, and zero for one with a kink there."""
        kinks = self.likelihood.kinks
        if not kinks.any():
            return self.lower, self.upper
        negative = np.signbit(x)
        return (
            np.where(kinks & ~negative, np.maximum(self.lower, 0.0), self.lower),
            np.where(kinks & negative, np.minimum(self.upper, -0.0), self.upper),
        )

    def _moved(self, x: Array, step: Array) -> Array:
        low, high = self._reach(x)
        moved = np.where(self.free, np.minimum(np.maximum(x + step, low), high), x)
        return np.where((moved == 0.0) & self.likelihood.kinks, np.copysign(0.0, x), moved)

    def _leave(self, rows: Index, x: Array, f: Array, edm: Array, positive: Mask, held: Mask) -> None:
        result = self.result
        result.values[rows], result.minus_2_ln_l[rows], result.edm[rows] = x, f, edm
        result.certified[rows] = positive & (edm < EDM_GOAL * self.scale[rows])
        result.at_bound[rows] = held.any(axis=1)

    def _certified(self) -> Minima:
        counts = self.likelihood.data.counts
        empty = (counts > 0) & (self.likelihood.expected(self.values) <= 2.0 * FLOOR * (1.0 + counts))
        self.result.certified[empty.any(axis=-1)] = False
        return self.result
