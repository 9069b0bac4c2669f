"""Covariance matrices: square, symmetric, and without direction of negative variance."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.io.measured.checks import checked_numbers
from eventfit.io.root import read_th2
from eventfit.io.source import Source
from eventfit.io.text import read_grid
from eventfit.quadrature import Array

__all__ = ["checked_covariance", "read_covariance"]

#: asymmetry, and negative eigenvalue, that rounding of printed digits leaves, relative to the largest entry
ASYMMETRY, NEGATIVE = 1e-6, 1e-6


def read_covariance(source: str | Path | Array, size: int) -> Array:
    """A covariance matrix (size, size): a text file of numbers, a TH2, or an array; checked.

    Raises
    ------
    OutOfRange
        It is not square, not symmetric, or not positive semi-definite.
    """
    if not isinstance(source, str | Path):
        return checked_covariance(source, size, "an array")
    place = Source.of(source)
    matrix = read_th2(place).with_flow("drop").values if place.kind == "root" else read_grid(place)
    return checked_covariance(matrix, size, place.where)


def checked_covariance(matrix: Array, size: int, where: str) -> Array:
    """``matrix`` (size, size), symmetric to the last digit, if it is a covariance of ``size`` numbers."""
    values = np.array(matrix, dtype=float)
    if values.shape != (size, size):
        raise OutOfRange(
            "a covariance matrix has the wrong shape",
            where=where,
            given=" x ".join(map(str, values.shape)),
            allowed=f"{size} x {size}: a row and a column per bin",
        )
    checked_numbers(values.ravel(), where, "covariances")
    scale = float(np.abs(values).max(initial=0.0))
    apart = np.abs(values - values.T)
    if np.any(apart > ASYMMETRY * scale):
        i, j = np.unravel_index(int(np.argmax(apart)), apart.shape)
        raise OutOfRange(
            "a covariance matrix is not symmetric",
            where=f"{where}, row {i + 1}, column {j + 1}",
            given=f"{values[i, j]:g} and {values[j, i]:g}",
        )
    symmetric = 0.5 * (values + values.T)
    lowest = float(np.linalg.eigvalsh(symmetric)[0])
    if lowest < -NEGATIVE * scale:
        raise OutOfRange(
            "a covariance matrix has a direction of negative variance",
            where=where,
            given=f"lowest eigenvalue {lowest:.3g}",
            allowed="positive semi-definite",
            fix="check its signs; correlations are multiplied by both errors first",
        )
    return np.asarray(symmetric)
