"""All auxiliary measurements of a model, evaluated and thrown together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.likelihood.poisson import poisson_deviance
from eventfit.parameters import GaussianConstraint, Parameter, PoissonConstraint
from eventfit.quadrature import Array

__all__ = ["Auxiliary"]

#: position among the auxiliary measurements, index of the parameter, and the width or tau
_Group = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Auxiliary:
    """The constraint terms; auxiliary measurements stand in the order of the constrained parameters."""

    n_par: int
    gaussian: _Group
    poisson: _Group

    @classmethod
    def compile(cls, parameters: Sequence[Parameter]) -> Auxiliary:
        """The constraints of ``parameters`` as arrays."""
        rows: dict[type, list[tuple[int, int, float]]] = {GaussianConstraint: [], PoissonConstraint: []}
        constrained = [(i, p.constraint) for i, p in enumerate(parameters) if p.constraint is not None]
        for slot, (index, constraint) in enumerate(constrained):
            constant = constraint.width if isinstance(constraint, GaussianConstraint) else constraint.tau
            rows[type(constraint)].append((slot, index, constant))

        def group(kind: type) -> _Group:
            table = np.array(rows[kind], dtype=float).reshape(-1, 3)
            return table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2]

        return cls(len(parameters), group(GaussianConstraint), group(PoissonConstraint))

    def terms(self, theta: Array, a: Array) -> tuple[Array, Array, Array]:
        """-2 ln L relative to saturated (...), its gradient and its diagonal second derivative (..., n_par).

        ``theta`` (..., n_par) and ``a`` (..., n_constraint) broadcast over their leading axes.
        """
        lead = theta.shape[:-1] if a.ndim == 1 else np.broadcast_shapes(theta.shape[:-1], a.shape[:-1])
        value = np.zeros(lead)
        gradient, diagonal = np.zeros((*lead, self.n_par)), np.zeros((*lead, self.n_par))
        slot, index, width = self.gaussian
        if len(slot):
            z = (theta[..., index] - a[..., slot]) / width
            value = value + (z * z).sum(axis=-1)
            gradient[..., index] = 2.0 * z / width
            diagonal[..., index] = 2.0 / width**2
        slot, index, tau = self.poisson
        if len(slot):
            term, slope, curve = poisson_deviance(a[..., slot], tau * theta[..., index])
            value = value + term.sum(axis=-1)
            gradient[..., index] = tau * slope
            diagonal[..., index] = tau**2 * curve
        return value, gradient, diagonal

    def expected(self, theta: Array) -> Array:
        """Expected auxiliary measurements (..., n_constraint)."""
        out = np.zeros((*theta.shape[:-1], len(self.gaussian[0]) + len(self.poisson[0])))
        slot, index, _ = self.gaussian
        out[..., slot] = theta[..., index]
        slot, index, tau = self.poisson
        out[..., slot] = tau * theta[..., index]
        return out

    def throw(self, theta: Array, n: int, rng: np.random.Generator) -> Array:
        """``n`` fluctuated sets of auxiliary measurements, (n, n_constraint), for ``theta`` (n_par,)."""
        thrown = np.tile(self.expected(theta), (n, 1))
        slot, _, width = self.gaussian
        thrown[:, slot] += width * rng.standard_normal((n, len(slot)))
        slot = self.poisson[0]
        thrown[:, slot] = rng.poisson(np.maximum(thrown[:, slot], 0.0))
        return thrown
