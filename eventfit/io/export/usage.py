"""How a likelihood uses its parameters: all factors of one parameter in one component, and finite bounds of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eventfit.errors import InputError, OutOfRange
from eventfit.likelihood import Factor, GaussianScale, Likelihood, LogNormalScale, NormSys, Power
from eventfit.likelihood.factor import evaluator
from eventfit.parameters import GaussianConstraint, Parameter
from eventfit.quadrature import Array

__all__ = ["Use", "observed_auxiliary", "practical_bounds", "product", "require_binned", "uses_of"]

#: widths to which a gaussian constraint is followed, and times all data that a free norm may reach, where a parameter
#: has no bounds: other programs want finite ones
WIDTHS, TIMES_DATA = 10.0, 10.0


@dataclass(frozen=True)
class Use:
    """The factors of one parameter in one component: those that interpolate exponentially, and the others."""

    factors: tuple[Factor, ...]

    @cached_property
    def sides(self) -> tuple[Factor, ...]:
        """``normsys`` with an exponential code and log-normal factors: never zero, so always multiplicative."""
        return tuple(f for f in self.factors if isinstance(f, LogNormalScale) or (isinstance(f, NormSys) and f.code))

    @cached_property
    def others(self) -> tuple[Factor, ...]:
        """All but :attr:`sides`."""
        return tuple(f for f in self.factors if f not in self.sides)

    @cached_property
    def power(self) -> int | None:
        """The exponent, if the parameter enters as a power and as nothing else."""
        powers = [f.exponent for f in self.factors if isinstance(f, Power)]
        return sum(powers) if len(powers) == len(self.factors) else None

    @cached_property
    def affine(self) -> tuple[float, float] | None:
        """``(c0, c1)`` if :attr:`others` are ``c0 + c1 theta``."""
        if not self.others:
            return 1.0, 0.0
        if len(self.others) == 1:
            (factor,) = self.others
            if isinstance(factor, Power) and factor.exponent == 1:
                return 0.0, 1.0
            if isinstance(factor, GaussianScale):
                return 1.0, factor.relative
        return None


def product(factors: tuple[Factor, ...], x: Array) -> Array:
    """The product of ``factors`` at ``x`` (n,)."""
    found = np.ones_like(x)
    for factor in factors:
        found = found * evaluator((type(factor), getattr(factor, "code", None)), [factor])(x[:, None])[0][:, 0]
    return found


def uses_of(likelihood: Likelihood) -> dict[str, dict[str, Use]]:
    """Parameter -> component -> how it is used there; parameters without use have no components."""
    found: dict[str, dict[str, list[Factor]]] = {name: {} for name in likelihood.names}
    for component in likelihood.components:
        for factor in component.factors:
            found[factor.parameter].setdefault(component.name, []).append(factor)
    return {name: {k: Use(tuple(factors)) for k, factors in uses.items()} for name, uses in found.items()}


def require_binned(likelihood: Likelihood, to: str) -> None:
    """Refuse what has no bins, or more than one data set.

    Raises
    ------
    InputError
        Single events: the bins around them are not bins of data. Many data sets: an export holds one.
    """
    if likelihood.unbinned:
        raise InputError("a likelihood of single events has no bins to export", where=to, fix="use a variant with bins")
    if likelihood.data.counts.ndim > 1 or likelihood.data.auxiliary.ndim > 1:
        raise InputError("an export holds one data set", where=to, given=f"{len(likelihood.data.counts)} of them")


def observed_auxiliary(likelihood: Likelihood) -> tuple[dict[str, float], dict[str, Array]]:
    """Auxiliary measurements: of each constrained parameter, and of each factor per bin (n_bin,), zero elsewhere."""
    constrained = [p.name for p in likelihood.parameters if p.constraint is not None]
    rest = likelihood.data.auxiliary
    stated = {name: float(value) for name, value in zip(constrained, rest[: len(constrained)], strict=True)}
    per_bin, rest = {}, rest[len(constrained) :]
    for scale in likelihood.scales:
        mask = scale.strength > 0
        per_bin[scale.name] = np.zeros(likelihood.n_bin)
        per_bin[scale.name][mask], rest = rest[: mask.sum()], rest[mask.sum() :]
    return stated, per_bin


def practical_bounds(parameter: Parameter, likelihood: Likelihood, uses: Mapping[str, Use]) -> tuple[float, float]:
    """Its bounds, finite: beyond them no fit of these data goes, and no linear factor is negative.

    A gaussian constraint is followed to ten widths; a free norm to ten times what all data together could hold.
    """
    lower, upper = parameter.lower, parameter.upper
    if isinstance(parameter.constraint, GaussianConstraint):
        reach = WIDTHS * parameter.constraint.width
        lower = max(lower, parameter.constraint.observed - reach)
        upper = min(upper, parameter.constraint.observed + reach)
    elif not (math.isfinite(lower) and math.isfinite(upper)):
        reach = _most(parameter, likelihood, uses)
        lower, upper = max(lower, -reach), min(upper, reach)
    for c0, c1 in (use.affine for use in uses.values() if use.affine is not None and use.affine[0] and use.affine[1]):
        lower, upper = (max(lower, -c0 / c1), upper) if c1 / c0 > 0 else (lower, min(upper, -c0 / c1))
    lower, upper = min(lower, parameter.start), max(upper, parameter.start)
    if not lower < upper:
        raise OutOfRange("a parameter has no room between its bounds", where=parameter.name, given=f"{lower}, {upper}")
    return lower, upper


def _most(parameter: Parameter, likelihood: Likelihood, uses: Mapping[str, Use]) -> float:
    """Where all that the parameter scales holds ten times all data, and their fluctuation."""
    n, counted = likelihood.data.counts, likelihood.counted
    total, errors = float(n[counted].sum()), likelihood.errors[~counted] if likelihood.errors.size else np.zeros(0)
    data = total + 10.0 * math.sqrt(total) + 10.0 * counted.any() + np.sum(np.abs(n[~counted]) + 10.0 * errors)
    scaled = sum(float(np.abs(c.counts).sum()) for c in likelihood.components if c.name in uses)
    power = min((use.power or 1 for use in uses.values()), default=1)
    most = (TIMES_DATA * float(data) / scaled) ** (1.0 / power) if scaled > 0 else 0.0
    return float(f"{max(most, TIMES_DATA * abs(parameter.start), 1.0):.2g}")
