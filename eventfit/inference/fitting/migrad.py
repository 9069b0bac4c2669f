"""iminuit: the referee of fits that Newton steps did not certify, and MINOS."""

from __future__ import annotations

import numpy as np
from iminuit import Minuit

from eventfit.errors import FitFailed
from eventfit.inference.fitting.starts import inside
from eventfit.inference.results import FitResult, Interval, MethodCard, Status
from eventfit.likelihood import Likelihood
from eventfit.quadrature import Array, Mask

__all__ = ["migrad", "minos_interval"]


def migrad(likelihood: Likelihood, start: Array, free: Mask) -> tuple[Array, float]:
    """End point (n_par,) of MIGRAD from ``start`` and -2 ln L there, infinite where it is not finite.

    James and Roos, Comput. Phys. Commun. 10 (1975) 343, with the analytic gradient and Hessian.
    """
    if not free.any():
        return start, float(likelihood.value(start))
    minuit = _minuit(likelihood, start, free)
    n = int(free.sum())
    minuit.migrad(ncall=200 + 100 * n + 5 * n**2)
    end = start.copy()
    end[free] = minuit.values
    value = minuit.fval
    return end, np.inf if value is None or not np.isfinite(value) else float(value)


def minos_interval(best: FitResult, parameter: str, *, cl: float = 0.6827) -> Interval:
    """MINOS: where -2 ln L, re-minimised, rises by the chi-square quantile; one piece around the estimate.

    James and Roos, Comput. Phys. Commun. 10 (1975) 343. An end that MINOS does not find is the bound, and the status
    says so; pieces beyond a barrier are not sought (:func:`eventfit.inference.profile_interval` does).

    Raises
    ------
    FitFailed
        The estimate stands at its bound, or MINOS did not accept the minimum.
    """
    likelihood = best.likelihood
    index = likelihood.index(parameter)
    free = np.array([name not in best.fixed for name in best.names])
    if parameter in best.at_bound:
        raise FitFailed(
            "MINOS cannot start at a bound: the transformation that keeps it inside is flat there",
            where=parameter,
            given=best[parameter],
            fix="use profile_interval: it finds the same crossings",
        )
    minuit = _minuit(likelihood, inside(likelihood, best.values, free), free)
    minuit.migrad()
    try:
        minuit.minos(parameter, cl=cl)
    except RuntimeError as error:
        raise FitFailed("MINOS did not accept the minimum", where=parameter, given=str(error)) from None
    errors = minuit.merrors[parameter]
    lower, upper = (float(bound[index]) for bound in likelihood.bounds)
    low = minuit.values[parameter] + errors.lower if errors.lower_valid else lower
    high = minuit.values[parameter] + errors.upper if errors.upper_valid else upper
    ends_at_zero = lower == 0.0 and errors.at_lower_limit
    open_ended = (not errors.lower_valid and not ends_at_zero) or not errors.upper_valid
    card = MethodCard(
        method="MINOS",
        statistic="tmu",
        reference="james-roos1975",
        sided="two",
        cl=cl,
        fitted_in=parameter,
        boundary=f"{parameter} in [{lower:g}, {upper:g}]",
        constraints=(
            *(p.name for p in likelihood.parameters if p.constraint is not None),
            *(scale.name for scale in likelihood.scales),
        ),
        model_sha256=likelihood.model_hash,
    )
    return Interval(parameter, ((low, high),), best[parameter], Status.OPEN_RANGE if open_ended else best.status, card)


def _minuit(likelihood: Likelihood, start: Array, free: Mask) -> Minuit:
    point, index = start.copy(), np.flatnonzero(free)
    last: dict[str, tuple[bytes, float, Array]] = {}

    def evaluate(x: Array) -> tuple[float, Array]:
        key = np.asarray(x).tobytes()
        if "x" not in last or last["x"][0] != key:
            point[index] = x
            with np.errstate(over="ignore", invalid="ignore"):  # a wild step is taken back
                value, gradient = likelihood.value_and_gradient(point)
            last["x"] = key, float(value), gradient[index]
        return last["x"][1], last["x"][2]

    def curvature(x: Array) -> Array:
        point[index] = x
        hessian = likelihood.hessian(point)[np.ix_(index, index)]
        if np.linalg.eigvalsh(hessian)[0] > 0:
            return hessian
        information = likelihood.fisher(point)[np.ix_(index, index)]
        return np.asarray(information + 1e-6 * np.diag(1.0 + np.diagonal(information)))

    minuit = Minuit(
        lambda x: evaluate(x)[0],
        start[index],
        grad=lambda x: evaluate(x)[1],
        hessian=curvature,
        name=[likelihood.names[i] for i in index],
    )
    minuit.errordef = Minuit.LEAST_SQUARES
    lower, upper = likelihood.bounds
    minuit.limits = list(zip(lower[index], upper[index], strict=True))
    minuit.strategy = 0
    minuit.tol = 0.1
    return minuit
