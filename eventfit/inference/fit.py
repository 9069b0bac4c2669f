"""Single fits: iminuit with the analytic gradient, more than one start, and a certificate afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from iminuit import Minuit

from eventfit.errors import FitFailed, OutOfRange, ZeroPrediction
from eventfit.inference.results import FitResult, Status
from eventfit.likelihood import Likelihood, Power
from eventfit.likelihood.poisson import FLOOR
from eventfit.quadrature import Array, Index, Mask

__all__ = ["fit", "require_good"]

#: value, gradient and Hessian at a point
Derivatives = tuple[Array, Array, Array]

#: estimated distance to the minimum, in units of -2 ln L, below which a fit is certified
EDM_GOAL = 1e-8
#: Newton steps that may polish a minimum, and halvings of each
POLISH_STEPS, HALVINGS = 30, 60
#: net expectation, relative to the components in it, below which a bin is at zero
CANCELS = 1e-6


def fit(
    likelihood: Likelihood,
    *,
    fixed: Mapping[str, float] | None = None,
    starts: Sequence[Array] | None = None,
) -> FitResult:
    """Minimise -2 ln L.

    Every start is minimised by MIGRAD (James and Roos, Comput. Phys. Commun. 10 (1975) 343) with the analytic gradient;
    the best end point is polished by Newton steps on the parameters that are not at a bound, then certified: projected
    gradient small, Hessian positive definite on the free parameters, no expectation at zero.

    Parameters
    ----------
    fixed
        Parameter name -> value it is held at.
    starts
        Start points (n_par,); the default is the declared start moved one scoring step towards the data, a point
        displaced from it by one standard deviation in alternating directions, and for every coupling that enters
        squared the mirror point, where the quadratic gives the same total.

    Raises
    ------
    OutOfRange
        A fixed value outside the bounds of its parameter.
    ZeroPrediction
        Events were observed in a bin where the fitted model expects none.
    """
    point = likelihood.start.copy()
    free = np.ones(len(point), dtype=bool)
    lower, upper = likelihood.bounds
    for name, value in (fixed or {}).items():
        index = likelihood.index(name)
        if not lower[index] <= value <= upper[index]:
            raise OutOfRange(
                f"{name!r} is fixed outside its bounds", given=value, allowed=f"{lower[index]} to {upper[index]}"
            )
        point[index], free[index] = value, False
    problem = _Problem(likelihood, free)
    begin = _default_starts(problem, point) if starts is None else [np.where(free, s, point) for s in starts]
    ends = sorted((problem.migrad(start) for start in begin), key=lambda end: end[1])
    point, derivatives = problem.polish(ends[0][0])
    return problem.certify(point, derivatives, ends)


def require_good(result: FitResult, what: str) -> FitResult:
    """``result``, or :class:`FitFailed` naming ``what`` was being fitted and the remedy."""
    if not result.status.good:
        raise FitFailed(
            f"the fit did not end in a minimum that can be used: {result.status.value}",
            where=what,
            given=", ".join(f"{n} = {v:.4g}" for n, v in zip(result.names, result.values, strict=True)),
        )
    return result


def _default_starts(problem: _Problem, point: Array) -> list[Array]:
    first = problem.scoring_step(point)
    if not problem.free.any():
        return [first]
    information = np.diagonal(problem.likelihood.fisher(first))
    sigma = np.sqrt(2.0 / np.maximum(information, 1e-12))
    sign = np.where(np.cumsum(problem.free) % 2 == 1, 1.0, -1.0)
    moved = np.where(problem.free, first + sign * np.minimum(sigma, 1.0 + np.abs(first)), first)
    return [first, problem.inside(moved), *(problem.inside(m) for m in problem.mirrors(first))]


class _Problem:
    """A likelihood with some parameters held, as a minimisation in the free ones."""

    def __init__(self, likelihood: Likelihood, free: Mask) -> None:
        self.likelihood = likelihood
        self.free = free
        self.index = np.flatnonzero(free)
        self.lower, self.upper = likelihood.bounds
        #: rounding of the likelihood grows with the counts
        self.goal = EDM_GOAL * max(1.0, 1e-9 * float(likelihood.data.counts.sum()))

    def inside(self, point: Array) -> Array:
        """``point`` moved off the bounds by a thousandth of the distance to the declared start, or of 1."""
        margin = 1e-3 * (1.0 + np.abs(point))
        low = np.where(np.isfinite(self.lower), self.lower + margin, self.lower)
        high = np.where(np.isfinite(self.upper), self.upper - margin, self.upper)
        return np.where(self.free & (low < high), np.clip(point, low, high), point)

    def scoring_step(self, point: Array) -> Array:
        """One step of Fisher scoring from ``point``, kept inside the bounds, refused if it goes uphill."""
        if not self.free.any():
            return point
        value, gradient = self.likelihood.value_and_gradient(point)
        information = self.likelihood.fisher(point)[np.ix_(self.index, self.index)]
        ridge = 1e-10 * np.diag(1.0 + np.diagonal(information))
        moved = point.copy()
        moved[self.index] -= np.linalg.solve(information + ridge, gradient[self.index])
        moved = self.inside(moved)
        return moved if self.likelihood.value(moved) < value else self.inside(point)

    def mirrors(self, point: Array) -> list[Array]:
        """For each free parameter with a squared factor, ``point`` moved to the other root of the total expectation."""
        squared = {
            factor.parameter
            for component in self.likelihood.components
            for factor in component.factors
            if isinstance(factor, Power) and factor.exponent > 1
        }
        found = []
        for index in (i for i in self.index if self.likelihood.names[i] in squared):
            moved = np.tile(point, (3, 1))
            moved[:, index] = (-1.0, 0.0, 1.0)
            low, middle, high = self.likelihood.expected(moved).sum(axis=-1)
            if (curvature := 0.5 * (low + high) - middle) != 0.0:
                mirror = point.copy()
                mirror[index] = -0.5 * (high - low) / curvature - point[index]
                found.append(np.clip(mirror, self.lower, self.upper))
        return found

    def migrad(self, start: Array) -> tuple[Array, float]:
        """End point of MIGRAD from ``start`` and the value there."""
        if not self.free.any():
            return start, float(self.likelihood.value(start))
        point = start.copy()
        last: dict[str, tuple[bytes, float, Array]] = {}

        def evaluate(x: Array) -> tuple[float, Array]:
            key = np.asarray(x).tobytes()
            if "x" not in last or last["x"][0] != key:
                point[self.index] = x
                value, gradient = self.likelihood.value_and_gradient(point)
                last["x"] = key, float(value), gradient[self.index]
            return last["x"][1], last["x"][2]

        names = [self.likelihood.names[i] for i in self.index]

        def curvature(x: Array) -> Array:
            point[self.index] = x
            value, gradient, hessian = self.likelihood.derivatives(point)
            last["x"] = np.asarray(x).tobytes(), float(value), gradient[self.index]
            return self._positive(point, hessian, self.index)

        minuit = Minuit(
            lambda x: evaluate(x)[0],
            start[self.index],
            grad=lambda x: evaluate(x)[1],
            hessian=curvature,
            name=names,
        )
        minuit.errordef = Minuit.LEAST_SQUARES
        minuit.limits = list(zip(self.lower[self.index], self.upper[self.index], strict=True))
        minuit.strategy = 0
        minuit.tol = 0.1
        minuit.migrad(ncall=200 + 100 * len(names) + 5 * len(names) ** 2)
        end = start.copy()
        end[self.index] = minuit.values
        value = minuit.fval
        return end, np.inf if value is None or not np.isfinite(value) else float(value)

    def active(self, point: Array, gradient: Array) -> Mask:
        """Free parameters that stand at a bound and want to leave through it."""
        at_lower = (point <= self.lower + 1e-9 * (1.0 + np.abs(point))) & (gradient > 0)
        at_upper = (point >= self.upper - 1e-9 * (1.0 + np.abs(point))) & (gradient < 0)
        return np.asarray(self.free & (at_lower | at_upper))

    def polish(self, point: Array) -> tuple[Array, Derivatives]:
        """``point`` after Newton steps with active bounds and step halving, and the derivatives there."""
        point = np.clip(point, self.lower, self.upper)
        for _ in range(POLISH_STEPS):
            value, gradient, hessian = self.likelihood.derivatives(point)
            if not (np.all(np.isfinite(gradient)) and np.all(np.isfinite(hessian))):
                raise FitFailed("the likelihood is not finite", where="fit", given=point, fix="bound the parameters")
            moving = self.free & ~self.active(point, gradient)
            step, edm = self._newton(point, gradient, hessian, np.flatnonzero(moving))
            if edm < 1e-3 * self.goal:
                return point, (value, gradient, hessian)
            for halving in range(HALVINGS):
                trial = np.clip(point + 0.5**halving * step, self.lower, self.upper)
                if self.likelihood.value(trial) < value:
                    break
            else:
                return point, (value, gradient, hessian)
            point = trial
        return point, self.likelihood.derivatives(point)

    def certify(self, point: Array, derivatives: Derivatives, ends: Sequence[tuple[Array, float]]) -> FitResult:
        """The result at ``point`` with its status, errors and covariance."""
        value, gradient, hessian = derivatives
        parts = np.array(list(self.likelihood.expected_by_component(point).values()))
        self._refuse_empty(parts.sum(axis=0))
        active = self.active(point, gradient)
        index = np.flatnonzero(self.free & ~active)
        covariance, positive, edm = np.zeros((len(point), len(point))), True, 0.0
        if len(index):
            part = hessian[np.ix_(index, index)]
            positive = bool(np.linalg.eigvalsh(_scaled(part))[0] > 1e-12)
            if positive:
                inverse = np.linalg.inv(part)
                edm = float(0.5 * gradient[index] @ inverse @ gradient[index])
                covariance[np.ix_(index, index)] = 2.0 * inverse
        if np.any(parts.sum(axis=0) < CANCELS * np.abs(parts).sum(axis=0)):  # components cancel in some bin
            status = Status.ZERO_EXPECTATION
        elif not positive:
            status = Status.NOT_POSITIVE
        elif not edm < self.goal:
            status = Status.NOT_CONVERGED
        else:
            status = Status.AT_BOUND if active.any() else Status.OK
        names = self.likelihood.names
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
            fixed=tuple(n for n, f in zip(names, self.free, strict=True) if not f),
            at_bound=tuple(n for n, a in zip(names, active, strict=True) if a),
            starts=tuple(value for _, value in ends),
            ends=np.array([end for end, _ in ends]),
            likelihood=self.likelihood,
        )

    def _refuse_empty(self, expected: Array) -> None:
        observed = self.likelihood.data.counts
        empty = np.flatnonzero((observed > 0) & (expected <= 2.0 * FLOOR * (1.0 + observed)))
        if len(empty):
            held = ", ".join(n for n, f in zip(self.likelihood.names, self.free, strict=True) if not f)
            raise ZeroPrediction(
                "events were observed in a bin where the fitted model expects none",
                where=f"data, bin {int(empty[0]) + 1} of {len(observed)}" + (f", with {held} held" if held else ""),
                given=f"{observed[empty[0]]:g} observed, 0 expected",
                fix="add the missing background, or leave the bin out of the window",
            )

    def _newton(self, point: Array, gradient: Array, hessian: Array, index: Index) -> tuple[Array, float]:
        """Newton step on ``index`` and half its decrement."""
        step = np.zeros_like(point)
        if not len(index):
            return step, 0.0
        step[index] = -np.linalg.solve(self._positive(point, hessian, index), gradient[index])
        return step, float(-0.5 * gradient @ step)

    def _positive(self, point: Array, hessian: Array, index: Index) -> Array:
        """The Hessian on ``index`` if it is positive definite, else the Fisher matrix with a small ridge."""
        part = hessian[np.ix_(index, index)]
        if np.linalg.eigvalsh(_scaled(part))[0] > 1e-12:
            return part
        part = self.likelihood.fisher(point)[np.ix_(index, index)]
        return np.asarray(part + 1e-6 * np.diag(1.0 + np.diagonal(part)))


def _scaled(matrix: Array) -> Array:
    """``matrix`` with its diagonal scaled to one, so that definiteness does not depend on units."""
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diagonal(matrix)), 1e-300))
    return np.asarray(matrix * scale[:, None] * scale)
