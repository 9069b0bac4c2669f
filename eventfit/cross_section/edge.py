"""Integrals over neutrino energy that begin at a kinematic edge with a logarithm: ln(1 - E_min/E)."""

from __future__ import annotations

from typing import Final

import numpy as np

from eventfit.flux.base import Measure
from eventfit.quadrature import Array, gauss_legendre

__all__ = ["edge_logarithm", "log_share_above"]

#: smallest 1 - E_min/E inside the logarithm: that sliver of a spectrum holds 1e-9 of it
CLOSEST: Final = 1e-9
#: panels that begin less than this many half widths behind the edge get product weights; for the others ln is smooth:
#: two nodes miss 1e-4 of its integral
NEAR: Final = 5.0
#: nodes of the inner integrals, in the fourth root of the distance: 1e-11
INNER: Final = 24


def edge_logarithm(E_min: Array, E: Array) -> Array:
    """ln(1 - E_min/E) at nodes above the edge, cut off a relative 1e-9 from it; beyond it that of the distance."""
    return np.asarray(np.log(np.maximum(np.abs(1.0 - E_min / E), CLOSEST)))


def log_share_above(measure: Measure, threshold: Array) -> Array:
    """Like :meth:`Measure.share_above` for an integrand with the factor ln(1 - threshold/E), (len(threshold), n).

    ``(weight * log_share) @ f`` integrates f ln(1 - threshold/E) from ``threshold`` on. In panels at the edge these are
    product weights, exact where f is the interpolating polynomial: the logarithm costs no accuracy. Elsewhere it is
    the share times the logarithm.
    """
    threshold = np.asarray(threshold, dtype=float)[:, None]
    share = measure.share_above(threshold[:, 0])
    result = share * edge_logarithm(threshold, measure.energy)
    starts = np.flatnonzero(measure.position == 0)
    sizes = np.diff(np.append(starts, len(measure.energy)))
    half = 0.5 * (measure.high - measure.low)
    for order in np.unique(sizes[half[starts] > 0]):
        panel = starts[(sizes == order) & (half[starts] > 0)]
        x0 = (threshold - measure.low[panel]) / half[panel] - 1.0
        row, k = np.nonzero((x0 > -NEAR) & (x0 < 1.0))
        at = row[:, None], panel[k][:, None] + np.arange(order)
        # ln(1 - c/E) = ln(x - x0) + ln(half width / E)
        smooth = np.log(half[panel[k]][:, None] / measure.energy[at[1]])
        result[at] = share[at] * smooth + _log_share(x0[row, k], int(order))
    return np.asarray(result)


def _log_share(x0: Array, order: int) -> Array:
    """The integral of l_j(x) ln(x - x0) over [max(x0, -1), 1], relative to the weight of node j, (len(x0), order).

    The Lagrange polynomials are l_j(x) = w_j sum_m (m + 1/2) P_m(x_j) P_m(x). With x = x0 + (1 - x0) s^4 the
    logarithm becomes s^3 ln s, which Gauss-Legendre nodes in s integrate well.
    """
    x, _ = np.polynomial.legendre.leggauss(order)
    weights = np.polynomial.legendre.legvander(x, order - 1) * (np.arange(order) + 0.5)
    s, w = gauss_legendre(np.array([0.0, 1.0]), INNER)
    below = (np.maximum(-1.0 - x0, 0.0) / (1.0 - x0))[:, None] ** 0.25
    s = below + (1.0 - below) * s
    length = (1.0 - x0)[:, None]
    integrand = w * (1.0 - below) * length * 4.0 * s**3 * np.log(length * s**4)
    at_s = np.polynomial.legendre.legvander(x0[:, None] + length * s**4, order - 1)
    return np.asarray(np.einsum("ns,nsm->nm", integrand, at_s) @ weights.T)
