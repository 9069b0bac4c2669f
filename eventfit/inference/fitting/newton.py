"""Batch fits: the likelihood of many data sets minimised together by Newton steps with active bounds.

Every data set takes its own steps; those that have converged leave the batch. The steps of Nocedal and Wright,
Numerical Optimization, 2nd ed., Sec. 3.3 (Newton with backtracking), projected on the bounds as in Bertsekas, SIAM J.
Control Optim. 20 (1982) 221. A parameter whose slope jumps at zero (interpolation codes 0 and 1) is bounded there by
the side it stands on; at zero both sides are asked, and it changes sides where that leads downhill.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventfit.inference.fitting.cholesky import Factors, factorised
from eventfit.likelihood import Likelihood
from eventfit.likelihood.poisson import FLOOR
from eventfit.parameters import PoissonConstraint
from eventfit.quadrature import Array, Index, Mask

__all__ = ["EDM_GOAL", "Minima", "minimise"]

#: estimated distance to the minimum, in units of -2 ln L, below which a fit is certified
EDM_GOAL = 1e-7
#: steps before a data set is given up, and the smallest part of a step that is tried
STEPS, SHORTEST = 100, 1e-9
#: numbers in the largest array of a step, that they stay in the cache, unless these are too few data sets
WORKING_SET, FEWEST = 150_000, 100
#: data sets that share the matrix of their first step if they start together
TOGETHER = 16
#: distance from where the matrix was factorised, in standard deviations, up to which it serves on, and for how often
NEAR, CHORDS = 0.1, 2

# glibc gives freed memory above a threshold back at once, and every array of a step would be mapped anew; it learns
# the threshold from what is freed
np.empty(1 << 21)


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
    rows = max(WORKING_SET // max(width, 1), FEWEST)
    parts = [
        _Batch(likelihood.rows(slice(i, i + rows)), starts[i : i + rows], free, goal).run()
        for i in range(0, len(starts), rows)
    ]
    if len(parts) == 1:
        return parts[0]
    return Minima(*(np.concatenate([getattr(part, name) for part in parts]) for name in Minima.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class _Newton:
    """Newton steps (n, n_par) of n data sets.

    Attributes
    ----------
    edm, positive
        (n,): half the decrement; where the Hessian is positive.
    by_bound, held
        (n, n_par): what bounds hold; all that does not move.
    factor, plain
        The factors of the Hessians, and (n,) where the step is the one of these factors.
    """

    step: Array
    edm: Array
    positive: Mask
    by_bound: Mask
    held: Mask
    factor: Factors
    plain: Mask


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
        size = np.broadcast_to(likelihood.size, (n,))
        #: rounding of the likelihood grows with the counts
        self.scale = np.maximum(1.0, 1e-9 * size)
        self.goal = goal
        self.rounding = 1e-13 * (1.0 + size)
        #: counts below one make -2 ln L bend faster
        self.bend = 1.0 / np.sqrt(_smallest_count(likelihood)) if likelihood.convex else np.inf

    def run(self) -> Minima:
        likelihood, rows = self.likelihood, np.arange(len(self.values))
        x, f, g, h = self._begin()
        stuck = np.zeros(len(rows), dtype=bool)
        for _ in range(STEPS):
            x, g, h, held, kinked = self._sides(likelihood, x, g, h)
            newton = self._step(likelihood, x, g, h, held, kinked)
            done = (newton.edm < self.goal * self.scale[rows]) | stuck | ~np.isfinite(f)
            self._leave(rows, done, x, f, newton.edm, newton.positive, newton.by_bound)
            trial = self._moved(x, newton.step)
            if likelihood.convex and len(rows) >= TOGETHER:
                trial, done = self._settle(likelihood, rows, trial, x, f, newton, done)
            step = newton.step
            if done.any():
                keep = np.flatnonzero(~done)
                if not len(keep):
                    return self._certified()
                likelihood, rows = likelihood.rows(keep), rows[keep]
                x, f, step, trial = x[keep], f[keep], step[keep], trial[keep]
            f_new, g, h = likelihood.derivatives(trial)
            stuck = ~(f_new <= f + self.rounding[rows])
            if stuck.any():
                self._shorten(likelihood, rows, (x, f, step), (trial, f_new, g, h), stuck)
            x, f = trial, f_new
        never = np.zeros(x.shape, dtype=bool)
        self._leave(rows, ~never[:, 0], x, f, np.full(len(rows), np.inf), never[:, 0], never)
        return self._certified()

    def _begin(self) -> tuple[Array, Array, Array, Array]:
        """Points and the derivatives there: the starts, after one step of Fisher scoring where they are all the same.

        The matrix of that step is common to all data sets; its point is taken where it lies lower.
        """
        likelihood, x, index = self.likelihood, self.values, np.flatnonzero(self.free)
        if len(x) < TOGETHER or not len(index) or np.any(x != x[0]):
            return x, *likelihood.derivatives(x)
        f_start, gradient = likelihood.value_and_gradient(x)
        information = likelihood.rows(0).fisher(x[0])[np.ix_(index, index)]
        ridge = 1e-10 * np.diag(1.0 + np.diagonal(information))
        step = np.zeros(x.shape)
        step[:, index] = -np.linalg.solve(information + ridge, gradient[:, index].T).T
        trial = self._moved(x, step)
        f, g, h = likelihood.derivatives(trial)
        back = np.flatnonzero(~(f <= f_start))
        if len(back):
            trial[back] = x[back]
            f[back], g[back], h[back] = likelihood.rows(back).derivatives(x[back])
        return trial, f, g, h

    def _settle(
        self, likelihood: Likelihood, rows: Index, trial: Array, x: Array, f: Array, newton: _Newton, done: Mask
    ) -> tuple[Array, Mask]:
        """Go on from ``trial`` with gradients and the factors of ``x``; new points, and which data sets are done.

        This is certain where -2 ln L is convex. Halved it is self-concordant (Nesterov and Nemirovskii 1994): ``r``
        standard deviations away, times :attr:`bend`, the Hessian is at least (1 - r)**2 of what it was, so it is still
        positive and the edm at most 1 / (1 - r)**2 of that with the old factors.
        """
        done, distance = done.copy(), self.bend * np.sqrt(np.abs(newton.edm))
        unclipped = np.all(trial == x + newton.step, axis=1)
        near = np.flatnonzero(newton.positive & newton.plain & unclipped & (distance < NEAR) & ~done)
        factor = newton.factor.rows(near)
        for _ in range(CHORDS):
            if not len(near):
                break
            point, there = trial[near], likelihood.rows(near)
            f_there, g = there.value_and_gradient(point)
            step = factor.solve(-g)
            decrement = np.abs(0.5 * np.einsum("np,np->n", g, step))
            edm = decrement / (1.0 - distance[near]) ** 2
            good = np.all(self._held(point, g) == newton.held[near], axis=1)
            good &= f_there <= f[near] + self.rounding[rows[near]]
            end = good & (edm < self.goal * self.scale[rows[near]])
            self._leave(rows[near], end, point, f_there, edm, end, newton.by_bound[near])
            done[near[end]] = True
            moved = self._moved(point, step)
            distance[near] += self.bend * np.sqrt(decrement)
            on = np.flatnonzero(good & ~end & np.all(moved == point + step, axis=1) & (distance[near] < NEAR))
            near, factor = near[on], factor.rows(on)
            trial[near] = moved[on]
        return trial, done

    def _shorten(
        self,
        likelihood: Likelihood,
        rows: Index,
        before: tuple[Array, Array, Array],
        after: tuple[Array, Array, Array, Array],
        rejected: Mask,
    ) -> None:
        """Shorten the steps ``rejected`` until they do not lead uphill; those that never do stay marked.

        Changes ``after`` (points, values, gradients, Hessians) in place; ``before`` are points, values and steps.
        """
        index = np.flatnonzero(rejected)
        there = likelihood.rows(index)
        x, f, step = (part[index] for part in before)
        limit, best, fraction = f + self.rounding[rows[index]], x.copy(), 0.25
        todo = np.arange(len(index))
        while len(todo) and fraction >= SHORTEST:
            trial = self._moved(x[todo], fraction * step[todo])
            good = there.rows(todo).value(trial) <= limit[todo]
            best[todo[good]] = trial[good]
            todo, fraction = todo[~good], 0.25 * fraction
        for part, new in zip(after, (best, *there.derivatives(best)), strict=True):
            part[index] = new
        rejected[:] = False
        rejected[index[todo]] = True

    def _held(self, x: Array, g: Array) -> Mask:
        """(n, n_par): what is not free, or stands at a bound and wants to leave through it."""
        return np.asarray(~self.free | ((x <= self.lower) & (g > 0)) | ((x >= self.upper) & (g < 0)))

    def _sides(self, likelihood: Likelihood, x: Array, g: Array, h: Array) -> tuple[Array, Array, Array, Mask, Mask]:
        """Points with their sides chosen, derivatives there, what is held, and what of it by a kink."""
        held = self._held(x, g)
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

    def _step(self, likelihood: Likelihood, x: Array, g: Array, h: Array, held: Mask, kinked: Mask) -> _Newton:
        """Newton steps; where the Hessian is not positive, of Fisher scoring."""
        by_bound = held & self.free & ~kinked
        factor = factorised(h, held)
        step, positive, plain = factor.solve(-g), factor.positive, factor.positive.copy()
        if not positive.all():
            bad = np.flatnonzero(~positive)
            scoring = likelihood.rows(bad).fisher(x[bad])
            diagonal = np.einsum("npp->np", scoring)
            scoring[:, np.arange(x.shape[1]), np.arange(x.shape[1])] += 1e-6 * (1.0 + diagonal)
            h = h.copy()
            h[bad] = scoring
            # twice as far: where nothing was counted -2 ln L falls straight to a bound that scoring only approaches
            step[bad] = 2.0 * factorised(scoring, held[bad]).solve(-g[bad])
        low, high = self._reach(x)
        for _ in range(x.shape[1]):  # a step that leaves through a bound it stands at is taken along the bound
            outward = ~held & (((x <= low) & (step < 0)) | ((x >= high) & (step > 0)))
            rows = np.flatnonzero(outward.any(axis=1))
            if not len(rows):
                break
            held = held | outward
            plain[rows] = False
            step[rows] = factorised(h[rows], held[rows]).solve(-g[rows])
        edm = -0.5 * np.einsum("np,np->n", g, step)
        return _Newton(step, np.where(np.isfinite(edm), edm, np.inf), positive, by_bound, held, factor, plain)

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

    def _leave(self, rows: Index, which: Mask, x: Array, f: Array, edm: Array, positive: Mask, by_bound: Mask) -> None:
        """Put down the results of ``which`` (n,) of the data sets ``rows`` (n,)."""
        result, rows, edm = self.result, rows[which], edm[which]
        result.values[rows], result.minus_2_ln_l[rows], result.edm[rows] = x[which], f[which], edm
        result.certified[rows] = positive[which] & (edm < EDM_GOAL * self.scale[rows])
        result.at_bound[rows] = by_bound[which].any(axis=1)

    def _certified(self) -> Minima:
        counts = self.likelihood.data.counts
        empty = (
            self.likelihood.counted
            & (counts > 0)
            & (self.likelihood.expected(self.values) <= 2.0 * FLOOR * (1.0 + counts))
        )
        self.result.certified[empty.any(axis=-1)] = False
        return self.result


def _smallest_count(likelihood: Likelihood) -> float:
    """The smallest count above zero that was observed, auxiliary ones included; at most 1."""
    constraints = [p.constraint for p in likelihood.parameters if p.constraint is not None]
    counted = [slot for slot, constraint in enumerate(constraints) if isinstance(constraint, PoissonConstraint)]
    main, auxiliary = likelihood.data.counts[..., likelihood.counted], likelihood.data.auxiliary[..., counted]
    return min(float(n[n > 0].min(initial=1.0)) for n in (main, auxiliary))
