"""Many small symmetric systems solved at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventfit.quadrature import Array, Index, Mask

__all__ = ["Factors", "factorised"]

#: a pivot below this, for a matrix with unit diagonal, counts as not positive
PIVOT = 1e-12
#: up to so many matrices LAPACK, one after the other, is faster
FEW = 100


def factorised(matrix: Array, held: Mask) -> Factors:
    """The Cholesky factors of ``matrix`` (n, p, p) without the entries ``held`` (n, p)."""
    diagonal = np.ascontiguousarray(np.einsum("npp->pn", matrix))
    above = diagonal > 0
    scale = np.where(held.T, 0.0, 1.0 / np.sqrt(np.where(above, diagonal, 1.0)))
    positive = np.all(held.T | above, axis=0)
    if len(matrix) <= FEW:
        found = _by_lapack(matrix, scale, positive)
        if found is not None:
            return found
    return _side_by_side(matrix, scale, positive)


@dataclass(frozen=True, eq=False)
class _Inverted:
    """Few matrices: the inverse of each factor, (n, p, p); for the rest see :class:`_Columns`."""

    inverse: Array
    scale: Array
    positive: Mask

    def rows(self, rows: Index) -> _Inverted:
        return _Inverted(self.inverse[rows], self.scale[:, rows], self.positive[rows])

    def solve(self, vector: Array) -> Array:
        scale = self.scale.T
        x = np.swapaxes(self.inverse, 1, 2) @ (self.inverse @ (vector * scale)[..., None])
        return np.asarray(x[..., 0] * scale)


def _by_lapack(matrix: Array, scale: Array, positive: Mask) -> _Inverted | None:
    """None where some matrix is not positive."""
    a = matrix * scale.T[:, :, None] * scale.T[:, None, :]
    np.einsum("npp->np", a)[...] = 1.0
    try:
        factor = np.linalg.cholesky(a)
        pivots = np.einsum("npp->np", factor) ** 2
        return _Inverted(np.linalg.inv(factor), scale, positive & (pivots > PIVOT).all(axis=1))
    except np.linalg.LinAlgError:
        return None


@dataclass(frozen=True, eq=False)
class _Columns:
    """Many matrices: the toy axis comes last, so that every step is one long vector operation.

    Attributes
    ----------
    lower, pivots
        (p, p, n), of which the part below the diagonal is used, and the inverse of the diagonal (p, n).
    scale
        (p, n): what gives a matrix its unit diagonal; 0 for entries that are held.
    positive
        (n,): where the matrix is positive definite on its free entries; elsewhere solutions have no meaning.
    """

    lower: Array
    pivots: Array
    scale: Array
    positive: Mask

    def rows(self, rows: Index) -> _Columns:
        """The factors of some of the matrices."""
        return _Columns(self.lower[..., rows], self.pivots[:, rows], self.scale[:, rows], self.positive[rows])

    def solve(self, vector: Array) -> Array:
        """``x`` (n, p) with ``matrix x = vector`` on the free entries, 0 on those that are held."""
        x = np.multiply(vector.T, self.scale, order="C")
        p = len(x)
        for j in range(p):
            x[j] *= self.pivots[j]
            x[j + 1 :] -= self.lower[j + 1 :, j] * x[j]
        for j in range(p - 1, -1, -1):
            x[j] *= self.pivots[j]
            x[:j] -= self.lower[j, :j] * x[j]
        x *= self.scale
        return x.T


def _side_by_side(matrix: Array, scale: Array, positive: Mask) -> _Columns:
    """Fastest if toys are next to each other in memory."""
    p = len(scale)
    lower, pivots = np.empty((p, *scale.shape)), np.empty_like(scale)
    for j in range(p):
        column = lower[j:, j]
        np.multiply(matrix[:, j:, j].T, scale[j:], out=column)
        column *= scale[j]
        column[0] = 1.0
        if j:
            column -= np.einsum("ikn,kn->in", lower[j:, :j], lower[j, :j])
        good = column[0] > PIVOT
        if not good.all():  # go on with finite numbers; the answer is marked
            positive &= good
            column[0, ~good], column[1:, ~good] = 1.0, 0.0
        np.divide(1.0, np.sqrt(column[0]), out=pivots[j])
        column[1:] *= pivots[j]
    return _Columns(lower, pivots, scale, positive)


Factors = _Inverted | _Columns
