"""Single fits: Newton steps from more than one start, MIGRAD where they are not certified, and a certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from eventfit.errors import FitFailed, OutOfRange, ZeroPrediction
from eventfit.inference.fitting.migrad import migrad
from eventfit.inference.fitting.newton import EDM_GOAL, minimise
from eventfit.inference.fitting.starts import displaced, folded, inside, mirrored
from eventfit.inference.results import FitResult, Status
from eventfit.likelihood import Likelihood
from eventfit.likelihood.poisson import FLOOR
from eventfit.quadrature import Array, Mask

__all__ = ["fit", "held", "require_good"]

#: net expectation, relative to the components in it, below which a bin is at zero
CANCELS = 1e-6
#: an expectation below zero by more than this is no rounding at the edge of the model
BELOW_ZERO = 1e-6
#: a single fit goes on to this estimated distance to the minimum: a millionth of a standard deviation
GOAL = 1e-12

Minimiser = Literal["newton", "migrad"]


def fit(
    likelihood: Likelihood,
    *,
    fixed: Mapping[str, float] | None = None,
    starts: Sequence[Array] | None = None,
    minimiser: Minimiser = "newton",
) -> FitResult:
    """Minimise -2 ln L.

    Every start is followed by Newton steps with active bounds (:mod:`eventfit.inference.fitting.newton`); if the best
    end is not certified, by MIGRAD (iminuit). The minimum is certified again from its derivatives: projected gradient
    small, Hessian positive definite on the free parameters, no slope downhill at a bound, no expectation at zero.

    Parameters
    ----------
    fixed
        Parameter name -> value it is held at.
    starts
        Start points (n_par,). The default for a convex likelihood is the declared start; for others that moved one
        scoring step towards the data, a point displaced from it by one standard deviation in alternating directions,
        for every coupling that enters squared the mirror point, where the quadratic gives the same total, and the other
        side of nuisances that fold back.
    minimiser
        ``"migrad"`` asks iminuit at once: the same minimum, by an independent way.

    Raises
    ------
    OutOfRange
        A fixed value outside the bounds of its parameter.
    FitFailed
        The likelihood is not finite.
    ZeroPrediction
        Events were observed in a bin where the fitted model expects none.
    """
    point, free = held(likelihood, fixed or {})
    begin = _default_starts(likelihood, point, free) if starts is None else [np.where(free, s, point) for s in starts]
    ends: list[tuple[Array, float]] = []
    if minimiser == "newton":
        minima = minimise(likelihood, np.array(begin), free, goal=GOAL)
        order = np.argsort(minima.minus_2_ln_l)
        ends = [(minima.values[i], float(minima.minus_2_ln_l[i])) for i in order]
        if not minima.certified[order[0]]:
            minimiser, begin = "migrad", [*(end for end, value in ends if np.isfinite(value)), *begin]
    if minimiser == "migrad":
        ends = sorted((migrad(likelihood, start, free) for start in begin), key=lambda end: end[1])
        polished = minimise(likelihood, ends[0][0][None], free, goal=GOAL)
        if polished.minus_2_ln_l[0] <= ends[0][1]:
            ends = [(polished.values[0], float(polished.minus_2_ln_l[0])), *ends]
    return _certify(likelihood, free, ends, minimiser)


def held(likelihood: Likelihood, fixed: Mapping[str, float]) -> tuple[Array, Mask]:
    """The declared start with ``fixed`` put in, and which parameters stay free; :class:`OutOfRange` beyond bounds."""
    point, free = likelihood.start.copy(), np.ones(len(likelihood.start), dtype=bool)
    lower, upper = likelihood.bounds
    for name, value in fixed.items():
        index = likelihood.index(name)
        if not lower[index] <= value <= upper[index]:
            raise OutOfRange(
                f"{name!r} is fixed outside its bounds", given=value, allowed=f"{lower[index]} to {upper[index]}"
            )
        point[index], free[index] = value, False
    return point, free


def require_good(result: FitResult, what: str) -> FitResult:
    """``result``, or :class:`FitFailed` naming ``what`` was being fitted and the remedy."""
    if not result.status.good:
        raise FitFailed(
            f"the fit did not end in a minimum that can be used: {result.status.value}",
            where=what,
            given=", ".join(f"{n} = {v:.4g}" for n, v in zip(result.names, result.values, strict=True)),
        )
    return result


def _default_starts(likelihood: Likelihood, point: Array, free: Mask) -> list[Array]:
    if not free.any() or likelihood.convex:  # Newton steps go downhill from anywhere
        return [inside(likelihood, point, free)]
    first = _scoring_step(likelihood, point, free)
    starts = [first, displaced(likelihood, first, free)]
    if np.any(likelihood.kinks & free):
        starts.append(displaced(likelihood, first, free, -1.0))
    starts += [
        *mirrored(likelihood, first, free),
        *mirrored(likelihood, starts[1], free),
        *folded(likelihood, first, free),
    ]
    return [inside(likelihood, start, free) for start in starts]


def _scoring_step(likelihood: Likelihood, point: Array, free: Mask) -> Array:
    """One step of Fisher scoring from ``point``, kept inside the bounds, refused if it goes uphill."""
    index = np.flatnonzero(free)
    value, gradient = likelihood.value_and_gradient(point)
    information = likelihood.fisher(point)[np.ix_(index, index)]
    ridge = 1e-10 * np.diag(1.0 + np.diagonal(information))
    moved = point.copy()
    moved[index] -= np.linalg.solve(information + ridge, gradient[index])
    moved = inside(likelihood, moved, free)
    return moved if likelihood.value(moved) < value else inside(likelihood, point, free)


def _certify(
    likelihood: Likelihood, free: Mask, ends: Sequence[tuple[Array, float]], minimiser: Minimiser
) -> FitResult:
    """The result at the best of the ``ends`` with its status, errors and covariance, from the derivatives there."""
    point = ends[0][0]
    value, gradient, hessian = likelihood.derivatives(point)
    if not (np.all(np.isfinite(gradient)) and np.all(np.isfinite(hessian))):
        raise FitFailed("the likelihood is not finite", where="fit", given=point, fix="bound the parameters")
    expected = likelihood.expected(point)
    _refuse_empty(likelihood, free, expected)
    active = _active(likelihood, free, point, gradient)
    stuck = _at_kink(likelihood, free, point, gradient)
    index = np.flatnonzero(free & ~active & ~stuck)
    covariance, positive, edm = np.zeros((len(point), len(point))), True, 0.0
    if len(index):
        part = hessian[np.ix_(index, index)]
        positive = bool(np.linalg.eigvalsh(_scaled(part))[0] > 1e-12)
        if positive:
            inverse = np.linalg.inv(part)
            edm = float(0.5 * gradient[index] @ inverse @ gradient[index])
            covariance[np.ix_(index, index)] = 2.0 * inverse
    cancelled = expected < CANCELS * likelihood.gross_expected(point)
    if np.any(likelihood.counted & cancelled):  # components cancel in some bin
        status = Status.ZERO_EXPECTATION
    elif not positive:
        status = Status.NOT_POSITIVE
    elif not edm < EDM_GOAL * max(1.0, 1e-9 * float(likelihood.size)):
        status = Status.NOT_CONVERGED
    else:
        status = Status.AT_BOUND if active.any() else Status.OK
    names = likelihood.names
    errors = np.full(len(point), np.nan)
    if status.good and status is not Status.ZERO_EXPECTATION:
        errors[index] = np.sqrt(np.diagonal(covariance)[index])
    return FitResult(
        names=names,
        values=point,
        errors=errors,
        covariance=covariance,
        minus_2_ln_l=float(value),
        status=status,
        edm=edm,
        fixed=tuple(n for n, f in zip(names, free, strict=True) if not f),
        at_bound=tuple(n for n, a in zip(names, active, strict=True) if a),
        starts=tuple(value for _, value in ends),
        ends=np.array([end for end, _ in ends]),
        minimiser=minimiser,
        likelihood=likelihood,
    )


def _active(likelihood: Likelihood, free: Mask, point: Array, gradient: Array) -> Mask:
    """Free parameters that stand at a bound and want to leave through it."""
    lower, upper = likelihood.bounds
    at_lower = (point <= lower + 1e-9 * (1.0 + np.abs(point))) & (gradient > 0)
    at_upper = (point >= upper - 1e-9 * (1.0 + np.abs(point))) & (gradient < 0)
    return np.asarray(free & (at_lower | at_upper))


def _at_kink(likelihood: Likelihood, free: Mask, point: Array, gradient: Array) -> Mask:
    """Free parameters at zero where the slope jumps from downhill to uphill: a minimum without a derivative."""
    at = likelihood.kinks & free & (point == 0.0)
    if not at.any():
        return np.asarray(at)
    other = likelihood.gradient(np.where(at, -point, point))
    negative = np.signbit(point)
    right, left = np.where(negative, other, gradient), np.where(negative, gradient, other)
    return np.asarray(at & (right >= 0) & (left <= 0) & (right > left))


def _refuse_empty(likelihood: Likelihood, free: Mask, expected: Array) -> None:
    observed, counted = likelihood.data.counts, likelihood.counted
    below = np.flatnonzero(counted & (expected < -BELOW_ZERO * (1.0 + observed)))
    if len(below):
        raise ZeroPrediction(
            "the fitted model expects less than nothing in a bin",
            where=f"data, bin {int(below[0]) + 1} of {len(observed)}",
            given=f"{expected[below[0]]:.4g} expected",
            fix="bound the parameters, or look for a template that is negative",
        )
    empty = np.flatnonzero(counted & (observed > 0) & (expected <= 2.0 * FLOOR * (1.0 + observed)))
    if len(empty):
        fixed = ", ".join(n for n, f in zip(likelihood.names, free, strict=True) if not f)
        raise ZeroPrediction(
            "events were observed in a bin where the fitted model expects none",
            where=f"data, bin {int(empty[0]) + 1} of {len(observed)}" + (f", with {fixed} held" if fixed else ""),
            given=f"{observed[empty[0]]:g} observed, 0 expected",
            fix="add the missing background, or leave the bin out of the window",
        )


def _scaled(matrix: Array) -> Array:
    """``matrix`` with its diagonal scaled to one, so that definiteness does not depend on units."""
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diagonal(matrix)), 1e-300))
    return np.asarray(matrix * scale[:, None] * scale)
