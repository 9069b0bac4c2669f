"""Matrices of the user: migration from true energy to bins, and covariances of bins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eventfit.analysis.files import CovarianceFile, MatrixFile, Per
from eventfit.analysis.inputs import Inputs
from eventfit.analysis.own import factor_of, over_bins, over_width
from eventfit.errors import OutOfRange
from eventfit.io import Histogram, Matrix, MatrixColumns, read_covariance, read_histogram, read_matrix
from eventfit.io.measured.axis_unit import factor_between
from eventfit.io.source import Source
from eventfit.quadrature import Array
from eventfit.response import Axis

__all__ = ["own_covariance", "own_migration"]

#: smallest eigenvalue of a correlation matrix, relative to its mean, that is more than rounding
SINGULAR = 1e-10


def own_migration(inputs: Inputs, declared: MatrixFile, axis: Axis, edges: Array) -> tuple[Array, Array]:
    """Edges (n_true + 1,) of true energy in keV, and probabilities (n_bin, n_true) of the bins between ``edges``.

    Raises
    ------
    OutOfRange
        A negative entry, a column that sums to more than one, other bins.
    """
    matrix = _matrix(inputs, declared, axis, edges)
    true, reconstructed = (unit or declared.unit or "" for unit in matrix.units)
    generated = declared.generated
    if isinstance(generated, str):
        of = read_histogram(inputs.source(declared, generated), edges=matrix.x_edges, flow=declared.overflow)
        generated = of.values.tolist()
    counts = None if generated is None else np.asarray(generated, dtype=float)
    columns = matrix.migration("x", generated=counts).T
    rows = [
        over_bins(
            Histogram(matrix.y_edges, column, unit=reconstructed, where=matrix.where), axis, edges, declared.rebin
        )
        for column in columns
    ]
    true_edges = matrix.x_edges * factor_between(true, "keV", f"{matrix.where}, true energy")
    probability = np.array([row.values for row in rows]).T
    key = declared.histogram or declared.tree
    inputs.remember(declared, key, {"true_edges_keV": true_edges, "probability": probability.ravel()})
    return np.asarray(true_edges), probability


def _matrix(inputs: Inputs, declared: MatrixFile, axis: Axis, edges: Array) -> Matrix:
    """The matrix with true energy in x."""
    if declared.value is not None:
        names = (declared.true_low, declared.true_high, declared.low, declared.high, declared.value)
        return MatrixColumns(*(name or "" for name in names)).matrix(inputs.columns(declared, declared.tree))
    if declared.true_edges_keV is not None:
        true, units = np.asarray(declared.true_edges_keV), ("keV", axis.unit)
        x, y = (true, edges) if declared.true == "x" else (edges, true)
        source = inputs.source(declared)
        if declared.object is not None:
            source = (np.asarray(source, dtype=float), x, y)
        found = replace(read_matrix(source, x_edges=x, y_edges=y), units=units if declared.true == "x" else units[::-1])
    else:
        source = inputs.named_source(declared, declared.histogram, "true_edges_keV = [...] for rows of numbers")
        found = read_matrix(source, flow=declared.overflow)
    return found if declared.true == "x" else found.transposed


def own_covariance(inputs: Inputs, declared: CovarianceFile, per: Per | None, edges: Array, exposure: float) -> Array:
    """A covariance matrix (n_bin, n_bin) of counts, from one in the unit of the residual, squared.

    Raises
    ------
    OutOfRange
        Not square, symmetric, or positive definite: a combination of bins without any error.
    """
    size, source = len(edges) - 1, inputs.source(declared, declared.histogram)
    if declared.object is None and Source.of(str(source)).kind == "root":
        source = inputs.named_source(declared, declared.histogram)
    found = read_covariance(source if isinstance(source, str) else np.asarray(source, dtype=float), size)
    spread = np.sqrt(np.diagonal(found))
    if not np.all(spread > 0) or np.linalg.eigvalsh(found / np.outer(spread, spread))[0] < SINGULAR:
        raise OutOfRange(
            "a combination of bins has no error: the covariance is not positive definite",
            where=inputs.place(declared),
            given=f"smallest variance {spread.min() ** 2:.3g}, rank {np.linalg.matrix_rank(found)} of {size}",
            allowed="positive definite",
            fix="add the statistical errors to its diagonal, or leave out bins that the others determine",
        )
    scale = np.diff(edges) if over_width(per) else np.ones(size)
    scale = scale * factor_of(per, exposure)
    inputs.remember(declared, declared.histogram, {"covariance": found.ravel()})
    return np.asarray(found * np.outer(scale, scale))
