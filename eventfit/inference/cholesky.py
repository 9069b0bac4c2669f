"""Many small symmetric systems solved at once: the toy axis comes last, so every step is one long vector operation."""

from __future__ import annotations

import numpy as np

from eventfit.quadrature import Array, Mask

__all__ = ["solve_positive"]

#: a pivot below this, for a matrix with unit diagonal, counts as not positive
PIVOT = 1e-12


def solve_positive(matrix: Array, vector: Array, held: Mask) -> tuple[Array, Mask]:
    """``x`` with ``matrix x = vector`` on the entries not ``held``, 0 on the others, and which matrices were positive.

    Parameters
    ----------
    matrix, vector, held
        (n, p, p), (n, p), (n, p). Where a matrix is not positive definite on its free entries, ``x`` has no meaning.
    """
    diagonal = np.einsum("npp->np", matrix)
    scale = np.where(held, 0.0, 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)))
    a = np.ascontiguousarray(np.moveaxis(matrix * scale[:, :, None] * scale[:, None, :], 0, -1))
    p = len(a)
    a[np.arange(p), np.arange(p)] = np.where(held, 1.0, np.where(diagonal > 0, 1.0, -1.0)).T
    positive = np.ones(len(matrix), dtype=bool)
    for j in range(p):
        column = a[j:, j] - np.einsum("ikn,kn->in", a[j:, :j], a[j, :j])
        good = column[0] > PIVOT
        if not good.all():  # go on with finite numbers; the answer is marked
            positive &= good
            column = np.where(good, column, np.where(np.arange(p - j)[:, None] == 0, 1.0, 0.0))
        a[j:, j] = column / np.sqrt(column[0])
    x = np.ascontiguousarray((vector * scale).T)
    for j in range(p):
        x[j] /= a[j, j]
        x[j + 1 :] -= a[j + 1 :, j] * x[j]
    for j in range(p - 1, -1, -1):
        x[j] /= a[j, j]
        x[:j] -= a[j, :j] * x[j]
    return x.T * scale, positive
