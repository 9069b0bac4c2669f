"""Composite Gauss-Legendre quadrature: the nodes and weights behind every integral of the chain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Index", "Mask", "gauss_legendre", "share_above"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]


def gauss_legendre(edges: Array, order: int) -> tuple[Array, Array]:
    """Nodes and weights of ``order`` points in every panel between consecutive ``edges``.

    Parameters
    ----------
    edges
        Increasing panel edges, shape (n_panel + 1,).

    Returns
    -------
    nodes, weights
        Shape (n_panel * order,), panel by panel; ``weights @ f(nodes)`` is the integral of f, exact for
        polynomials of degree 2 * order - 1 in each panel.
    """
    x, w = np.polynomial.legendre.leggauss(order)
    half = 0.5 * np.diff(edges)[:, None]
    nodes = edges[:-1, None] + half * (x + 1.0)
    return nodes.ravel(), (half * w).ravel()


def share_above(x0: Array, order: int) -> Array:
    """Share of each Gauss-Legendre weight that lies above ``x0`` on the reference panel [-1, 1].

    With nodes x_j and weights w_j, ``sum_j w_j share_j(x0) f(x_j)`` integrates the interpolating polynomial of f from
    x0 to 1. It is the exact way to let an integral end inside a panel (a kinematic edge) without moving a node.
    From l_j(x) = w_j sum_m (m + 1/2) P_m(x_j) P_m(x) and int_x0^1 P_m = [P_{m-1}(x0) - P_{m+1}(x0)] / (2 m + 1).

    Returns
    -------
    Shape (len(x0), order).
    """
    x, _ = np.polynomial.legendre.leggauss(order)
    at_nodes = np.polynomial.legendre.legvander(x, order - 1)
    at_x0 = np.polynomial.legendre.legvander(x0, order)
    below = np.concatenate([np.ones((len(x0), 1)), at_x0[:, : order - 1]], axis=1)
    return np.asarray(0.5 * (below - at_x0[:, 1:]) @ at_nodes.T)
