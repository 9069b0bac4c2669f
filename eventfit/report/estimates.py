"""The parameters of a fit as people judge them: pulls, constraints, correlations; and what every component yields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventfit.analysis import Model
from eventfit.inference import FitResult
from eventfit.parameters import GaussianConstraint, Parameter
from eventfit.quadrature import Array
from eventfit.report.spectrum_view import expected_parts

__all__ = ["Estimate", "correlations", "estimates", "yield_errors"]

#: step of a derivative, in standard deviations of the parameter
STEP = 1e-3


@dataclass(frozen=True)
class Estimate:
    """One parameter after a fit.

    Attributes
    ----------
    error
        None at a bound, or where the fit gives none.
    nominal, width
        What its auxiliary measurement says; None for a free parameter.
    pull
        (value - nominal) / width.
    constraint
        error / width: below one the data know more than the auxiliary measurement.
    at_bound, held
        Why there is no error.
    """

    name: str
    unit: str
    meaning: str
    value: float
    error: float | None
    nominal: float | None = None
    width: float | None = None
    at_bound: bool = False
    held: bool = False

    @property
    def pull(self) -> float | None:
        if self.nominal is None or not self.width:
            return None
        return (self.value - self.nominal) / self.width

    @property
    def constraint(self) -> float | None:
        return None if self.error is None or not self.width else self.error / self.width


def estimates(result: FitResult) -> tuple[Estimate, ...]:
    """All parameters of ``result``, in their order."""
    found = []
    for parameter, value, error in zip(result.likelihood.parameters, result.values, result.errors, strict=True):
        nominal, width = _measured(parameter)
        found.append(
            Estimate(
                name=parameter.name,
                unit=parameter.unit,
                meaning=parameter.meaning,
                value=float(value),
                error=float(error) if math.isfinite(error) else None,
                nominal=nominal,
                width=width,
                at_bound=parameter.name in result.at_bound,
                held=parameter.name in result.fixed,
            )
        )
    return tuple(found)


def _measured(parameter: Parameter) -> tuple[float | None, float | None]:
    """Centre and standard deviation of the auxiliary measurement, in units of the parameter."""
    constraint = parameter.constraint
    if constraint is None:
        return None, None
    if isinstance(constraint, GaussianConstraint):
        return constraint.observed, constraint.width
    return constraint.observed / constraint.tau, math.sqrt(max(constraint.observed, 1.0)) / constraint.tau


def correlations(result: FitResult, most: int = 30) -> tuple[tuple[str, ...], Array]:
    """Names (n,) and correlation matrix (n, n) of the parameters with an error.

    Of more than ``most`` those with the largest correlation to any other, in their order.
    """
    spread = np.sqrt(np.maximum(np.diagonal(result.covariance), 0.0))
    index = np.flatnonzero((spread > 0) & np.isfinite(result.errors))
    scaled = result.covariance[np.ix_(index, index)] / np.outer(spread[index], spread[index])
    if len(index) > most:
        largest = np.abs(scaled - np.eye(len(index))).max(axis=1)
        kept = np.sort(np.argsort(-largest, kind="stable")[:most])
        index, scaled = index[kept], scaled[np.ix_(kept, kept)]
    return tuple(result.names[i] for i in index), np.clip(scaled, -1.0, 1.0)


def yield_errors(
    result: FitResult, model: Model | None, samples: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, float | None], float | None]:
    """Standard deviation of the events of every component and of their sum, from the covariance of the fit.

    Linear in the parameters about the best fit, factors per bin following; None where the fit gives no error.
    """
    moving = np.flatnonzero(np.diagonal(result.covariance) > 0)

    def events(theta: Array) -> Array:
        return np.array([part.sum() for part in expected_parts(result.likelihood, theta, model, samples).values()])

    slopes = []
    for i in moving:
        step = STEP * math.sqrt(result.covariance[i, i]) * np.eye(len(result.values))[i]
        slopes.append((events(result.values + step) - events(result.values - step)) / (2.0 * step[i]))
    names = tuple(expected_parts(result.likelihood, result.values, model, samples))
    if not slopes:
        return dict.fromkeys(names), None
    jacobian = np.array(slopes).T
    covariance = jacobian @ result.covariance[np.ix_(moving, moving)] @ jacobian.T
    errors = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    total = math.sqrt(max(float(covariance.sum()), 0.0))
    return {name: float(error) or None for name, error in zip(names, errors, strict=True)}, total
