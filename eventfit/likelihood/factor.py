"""Factors of a component's coefficient, and all coefficients of a model evaluated together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.quadrature import Array

__all__ = ["Coefficients", "Factor", "GaussianScale", "LogNormalScale", "Power"]


@dataclass(frozen=True)
class Power:
    """Factor ``theta**exponent``."""

    parameter: str
    exponent: int = 1


@dataclass(frozen=True)
class GaussianScale:
    """Factor ``1 + relative * theta`` for a parameter constrained to N(0, 1); linear, as GAMBIT uses it."""

    parameter: str
    relative: float


@dataclass(frozen=True)
class LogNormalScale:
    """Factor ``(1 + relative)**theta`` for a parameter constrained to N(0, 1)."""

    parameter: str
    relative: float


Factor = Power | GaussianScale | LogNormalScale
#: positions in the list of factors, indices of their parameters, and one constant each
_Group = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Coefficients:
    """All coefficients ``c_k(theta)``, each a product of factors; any leading axes of ``theta`` are kept.

    Every distinct factor stands once in a list that ends with a constant 1. ``slots`` (n_component, n_slot) points into
    the list, padded with that 1; ``owner`` (n_slot, n_component, n_par) is 1 where the slot's factor depends on the
    parameter, so that derivatives land by a matrix product.
    """

    power: _Group
    linear: _Group
    exponential: _Group
    slots: np.ndarray
    owner: Array

    @property
    def size(self) -> int:
        """Number of distinct factors."""
        return len(self.power[0]) + len(self.linear[0]) + len(self.exponential[0])

    @classmethod
    def compile(cls, names: Sequence[str], factors: Sequence[tuple[Factor, ...]]) -> Coefficients:
        """Coefficients of components with ``factors`` over parameters ``names``."""
        entries = list(dict.fromkeys(factor for product in factors for factor in product))
        width = max([1, *(len(product) for product in factors)])
        slots = np.full((len(factors), width), len(entries))
        owner = np.zeros((width, len(factors), len(names)))
        for k, product in enumerate(factors):
            for j, factor in enumerate(product):
                slots[k, j] = entries.index(factor)
                owner[j, k, names.index(factor.parameter)] = 1.0

        def group(kind: type) -> _Group:
            where = [i for i, factor in enumerate(entries) if isinstance(factor, kind)]
            parameter = [names.index(entries[i].parameter) for i in where]
            constant = [float(_constant(entries[i])) for i in where]
            return np.array(where, dtype=int), np.array(parameter, dtype=int), np.array(constant)

        return cls(group(Power), group(GaussianScale), group(LogNormalScale), slots, owner)

    def value(self, theta: Array) -> Array:
        """c_k, shape (..., n_component)."""
        return np.asarray(self._factors(theta, 0)[0].prod(axis=-1))

    def first(self, theta: Array) -> tuple[Array, Array]:
        """c_k and d c_k / d theta_p, shapes (..., n_component) and (..., n_component, n_par)."""
        f, df = self._factors(theta, 1)
        jacobian = np.zeros((*theta.shape[:-1], *self.owner.shape[1:]))
        for j, owner in enumerate(self.owner):
            jacobian += (df[..., j] * _rest(f, j))[..., None] * owner
        return f.prod(axis=-1), jacobian

    def second(self, theta: Array, pull: Array) -> Array:
        """``sum_k pull_k d2 c_k / d theta_p d theta_q``, (..., n_par, n_par), for ``pull`` (..., n_component)."""
        f, df, d2f = self._factors(theta, 2)
        result = np.zeros((*pull.shape[:-1], self.owner.shape[-1], self.owner.shape[-1]))
        for j, owner in enumerate(self.owner):
            weight = pull * d2f[..., j] * _rest(f, j)
            result += (owner.T * weight[..., None, :]) @ owner
            for i in range(j):
                weight = pull * df[..., j] * df[..., i] * _rest(f, j, i)
                mixed = (owner.T * weight[..., None, :]) @ self.owner[i]
                result += mixed + np.swapaxes(mixed, -1, -2)
        return result

    def _factors(self, theta: Array, derivatives: int) -> Array:
        """Values and the first ``derivatives`` derivatives of the factors in all slots.

        Shape (derivatives + 1, ..., n_component, n_slot).
        """
        out = np.zeros((derivatives + 1, *theta.shape[:-1], self.size + 1))
        out[0, ..., -1] = 1.0
        where, parameter, constant = self.power
        if len(where):
            x, falling = theta[..., parameter], np.ones(len(where))
            highest = min(derivatives, int(constant.max()))  # higher derivatives are zero already
            for d in range(highest + 1):
                out[d][..., where] = falling * x ** np.maximum(constant - d, 0.0)
                falling = falling * (constant - d)
        where, parameter, constant = self.linear
        if len(where):
            out[0][..., where] = 1.0 + constant * theta[..., parameter]
            if derivatives:
                out[1][..., where] = constant
        where, parameter, constant = self.exponential
        if len(where):
            value = np.exp(constant * theta[..., parameter])
            for d in range(derivatives + 1):
                out[d][..., where] = constant**d * value
        return np.asarray(out[..., self.slots])


def _constant(factor: Factor) -> float:
    if isinstance(factor, Power):
        return factor.exponent
    return factor.relative if isinstance(factor, GaussianScale) else float(np.log1p(factor.relative))


def _rest(f: Array, *slots: int) -> Array:
    """Product over the slots other than ``slots``; no division, since factors may be zero."""
    rest = np.ones(f.shape[:-1])
    for i in range(f.shape[-1]):
        if i not in slots:
            rest *= f[..., i]
    return rest
