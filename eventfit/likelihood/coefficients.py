"""All coefficients of a model, products of one-parameter factors, evaluated together with their derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.likelihood.factor import Evaluator, Factor, GaussianScale, Power, evaluator, kinked
from eventfit.quadrature import Array, Mask

__all__ = ["Coefficients"]


@dataclass(frozen=True, eq=False)
class Coefficients:
    """All coefficients ``c_k(theta)``, each a product of factors; any leading axes of ``theta`` are kept.

    Every distinct factor stands once in a list that ends with a constant 1. ``slots`` (n_component, n_slot) points into
    the list, padded with that 1; ``owner`` (n_slot, n_component, n_par) is 1 where the slot's factor depends on the
    parameter, so that derivatives land by a matrix product.

    Attributes
    ----------
    groups
        Factors of one kind: positions in the list, indices of their parameters, and the function of all of them.
    linear
        Every factor is linear in its parameter.
    affine
        Every coefficient is a constant or linear in one parameter.
    kinks
        (n_par,): parameters where some factor's slope jumps at zero.
    mirrored
        (n_par,): parameters that enter with a power above one, so that two values may describe the data equally.
    """

    groups: tuple[tuple[np.ndarray, np.ndarray, Evaluator], ...]
    size: int
    slots: np.ndarray
    owner: Array
    linear: bool
    affine: bool
    kinks: Mask
    mirrored: Mask

    @classmethod
    def compile(cls, names: Sequence[str], factors: Sequence[tuple[Factor, ...]]) -> Coefficients:
        """Coefficients of components with ``factors`` over parameters ``names``."""
        entries = list(dict.fromkeys(factor for product in factors for factor in product))
        position = {factor: i for i, factor in enumerate(entries)}
        place = {name: i for i, name in enumerate(names)}
        width = max([1, *(len(product) for product in factors)])
        slots = np.full((len(factors), width), len(entries))
        owner = np.zeros((width, len(factors), len(names)))
        for k, product in enumerate(factors):
            for j, factor in enumerate(product):
                slots[k, j] = position[factor]
                owner[j, k, place[factor.parameter]] = 1.0
        kinds: dict[tuple[type, object], list[Factor]] = {}
        for factor in entries:
            kinds.setdefault((type(factor), getattr(factor, "code", None)), []).append(factor)
        groups = tuple(
            (
                np.array([position[f] for f in members]),
                np.array([place[f.parameter] for f in members]),
                evaluator(kind, members),
            )
            for kind, members in kinds.items()
        )
        return cls(
            groups=groups,
            size=len(entries),
            slots=slots,
            owner=owner,
            linear=all(_linear(f) for f in entries),
            affine=width == 1 and all(_linear(f) for f in entries),
            kinks=_flags(place, [f for f in entries if kinked(f)]),
            mirrored=_flags(place, [f for f in entries if isinstance(f, Power) and f.exponent > 1]),
        )

    def value(self, theta: Array) -> Array:
        """c_k, shape (..., n_component)."""
        return np.asarray(self.factors(theta, 0)[0].prod(axis=-1))

    def first(self, theta: Array) -> tuple[Array, Array]:
        """c_k and d c_k / d theta_p, shapes (..., n_component) and (..., n_component, n_par)."""
        return self.slopes(self.factors(theta, 1))

    def slopes(self, factors: Array) -> tuple[Array, Array]:
        """:meth:`first` from the :meth:`factors` at a point, with at least one derivative."""
        f, df = factors[:2]
        jacobian = np.zeros((*f.shape[:-2], *self.owner.shape[1:]))
        for j, owner in enumerate(self.owner):
            jacobian += (df[..., j] * _rest(f, j))[..., None] * owner
        return f.prod(axis=-1), jacobian

    def second(self, factors: Array, pull: Array) -> Array:
        """``sum_k pull_k d2 c_k / d theta_p d theta_q``, (..., n_par, n_par), for ``pull`` (..., n_component).

        ``factors`` are the :meth:`factors` at the point, with :attr:`bends` derivatives.
        """
        f, df = factors[:2]
        result = np.zeros((*pull.shape[:-1], self.owner.shape[-1], self.owner.shape[-1]))
        for j, owner in enumerate(self.owner):
            if len(factors) > 2:
                weight = pull * factors[2][..., j] * _rest(f, j)
                result += (owner.T * weight[..., None, :]) @ owner
            for i in range(j):
                weight = pull * df[..., j] * df[..., i] * _rest(f, j, i)
                mixed = (owner.T * weight[..., None, :]) @ self.owner[i]
                result += mixed + np.swapaxes(mixed, -1, -2)
        return result

    @property
    def bends(self) -> int:
        """How many derivatives of the factors a Hessian needs: one if all of them are linear."""
        return 1 if self.linear else 2

    def factors(self, theta: Array, derivatives: int) -> Array:
        """Values and the first ``derivatives`` derivatives of the factors in all slots.

        Shape (derivatives + 1, ..., n_component, n_slot).
        """
        out = np.zeros((derivatives + 1, *theta.shape[:-1], self.size + 1))
        out[0, ..., -1] = 1.0
        for where, parameter, evaluate in self.groups:
            for d, term in enumerate(evaluate(theta[..., parameter])[: derivatives + 1]):
                out[d][..., where] = term
        return np.asarray(out[..., self.slots])


def _linear(factor: Factor) -> bool:
    return isinstance(factor, GaussianScale) or (isinstance(factor, Power) and factor.exponent == 1)


def _flags(place: dict[str, int], factors: list[Factor]) -> Mask:
    flags = np.zeros(len(place), dtype=bool)
    flags[[place[f.parameter] for f in factors]] = True
    return flags


def _rest(f: Array, *slots: int) -> Array:
    """Product over the slots other than ``slots``; no division, since factors may be zero."""
    rest = np.ones(f.shape[:-1])
    for i in range(f.shape[-1]):
        if i not in slots:
            rest *= f[..., i]
    return rest
