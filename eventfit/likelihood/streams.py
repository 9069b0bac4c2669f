"""Streams as functions of the parameters: linear where the model is, products of factors otherwise.

Both classes answer the same questions: the streams at ``theta`` (..., n_par), the gradient for given slopes in the
streams, the part of the Hessian from their curvature (`outer`), and the rest of it (`second`, from the bending of the
coefficients). What the last two need again is handed over as ``state``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from eventfit.likelihood.coefficients import Coefficients
from eventfit.likelihood.factor import Factor
from eventfit.likelihood.main import Curvature, Main
from eventfit.quadrature import Array, Index

__all__ = ["LinearStreams", "ProductStreams", "Streams", "stream_templates", "streams_of"]


def stream_templates(main: Main, counts: Array, scaled: Array) -> Array:
    """Templates in streams (n_component, n_bin + n_scaled) from ``counts`` and the same masked to what gammas scale."""
    return np.concatenate([counts - scaled, scaled[:, main.where]], axis=1)


def streams_of(names: Sequence[str], factors: Sequence[tuple[Factor, ...]], templates: Array, main: Main) -> Streams:
    """The streams of components with these ``factors`` over parameters ``names``, the linear form where it serves.

    Components that scale alike are added up first: flavours, sources of one norm.
    """
    alike: dict[tuple[Factor, ...], list[int]] = {}
    for row, scaling in enumerate(factors):
        alike.setdefault(scaling, []).append(row)
    product = Coefficients.compile(names, list(alike))
    templates = np.array([templates[rows].sum(axis=0) for rows in alike.values()]).reshape(-1, templates.shape[1])
    if not product.affine:
        return ProductStreams(product, templates, main)
    offset, jacobian = product.first(np.zeros(product.owner.shape[-1]))
    return LinearStreams.compile(offset @ templates, jacobian.T @ templates, main)


@dataclass(frozen=True, eq=False)
class LinearStreams:
    """``offset + theta @ slopes``: the Hessian of all toys is one matrix product with ``pairs``, made once."""

    offset: Array
    slopes: Array
    pairs: Array
    crossed: Array
    lower: tuple[Index, Index]

    @classmethod
    def compile(cls, offset: Array, slopes: Array, main: Main) -> LinearStreams:
        """Products of all pairs of slopes, (n_pair, n_stream) and (n_pair, n_scaled)."""
        i, j = np.tril_indices(len(slopes))
        rho, sigma = slopes[:, main.where], slopes[:, main.n_bin :]
        return cls(offset, slopes, slopes[i] * slopes[j], rho[i] * sigma[j] + rho[j] * sigma[i], (i, j))

    def streams(self, theta: Array) -> Array:
        return np.asarray(self.offset + theta @ self.slopes)

    def first(self, theta: Array) -> tuple[Array, State]:
        return self.streams(theta), self.slopes

    def gradient(self, state: State, slope: Array) -> Array:
        return np.asarray(slope @ self.slopes.T)

    def outer(self, state: State, curvature: Curvature) -> Array:
        lead, size = curvature.diagonal.shape[:-1], len(self.slopes)
        packed = self.pairs @ curvature.diagonal.reshape(-1, self.pairs.shape[1]).T
        if self.crossed.shape[1]:
            packed += self.crossed @ curvature.cross.reshape(-1, self.crossed.shape[1]).T
        full = np.empty((size, size, packed.shape[1]))  # toys last in memory: what is done with it runs along them
        i, j = self.lower
        full[i, j] = full[j, i] = packed
        return np.moveaxis(full, -1, 0).reshape(*lead, size, size)

    def second(self, state: State, slope: Array) -> float:
        return 0.0


#: what a class needs again of a point, its own affair
State = Any


class Bent(NamedTuple):
    """Derivatives of coefficients (..., n_component, n_par), and the factors behind them."""

    jacobian: Array
    factors: Array


@dataclass(frozen=True, eq=False)
class ProductStreams:
    """``c(theta) @ templates`` with coefficients that are products of factors."""

    product: Coefficients
    templates: Array
    main: Main

    def streams(self, theta: Array) -> Array:
        return np.asarray(self.product.value(theta) @ self.templates)

    def first(self, theta: Array) -> tuple[Array, State]:
        factors = self.product.factors(theta, self.product.bends)
        coefficients, jacobian = self.product.slopes(factors)
        return np.asarray(coefficients @ self.templates), Bent(jacobian, factors)

    def gradient(self, state: State, slope: Array) -> Array:
        pull = slope @ self.templates.T
        return np.asarray((pull[..., None, :] @ state.jacobian)[..., 0, :])

    def outer(self, state: State, curvature: Curvature) -> Array:
        slopes = np.swapaxes(state.jacobian, -1, -2) @ self.templates
        result = (slopes * curvature.diagonal[..., None, :]) @ np.swapaxes(slopes, -1, -2)
        if len(self.main.where):
            rho, sigma = slopes[..., self.main.where], slopes[..., self.main.n_bin :]
            mixed = (rho * curvature.cross[..., None, :]) @ np.swapaxes(sigma, -1, -2)
            result = result + mixed + np.swapaxes(mixed, -1, -2)
        return np.asarray(result)

    def second(self, state: State, slope: Array) -> Array:
        return self.product.second(state.factors, slope @ self.templates.T)


Streams = LinearStreams | ProductStreams
