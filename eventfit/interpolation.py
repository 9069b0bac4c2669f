"""How what is known one standard deviation down and up is joined in between; physics and statistics use the same."""

from __future__ import annotations

import numpy as np

from eventfit.quadrature import Array

__all__ = ["smooth_even"]


def smooth_even(x: Array) -> tuple[Array, Array, Array]:
    """``(15 x**2 - 10 x**4 + 3 x**6) / 8`` inside +-1, ``|x|`` beyond, with its two continuous derivatives.

    HistFactory's code 4p (CERN-OPEN-2012-016): a quantity q that is ``lo`` at -1 and ``hi`` at +1 is
    ``q + x (hi - lo) / 2 + smooth_even(x) (hi + lo - 2 q) / 2``.
    """
    square, inside, sign = x * x, np.abs(x) < 1.0, np.where(np.signbit(x), -1.0, 1.0)
    value = square * (15.0 + square * (3.0 * square - 10.0)) / 8.0
    first = x * (30.0 + square * (18.0 * square - 40.0)) / 8.0
    second = (30.0 + square * (90.0 * square - 120.0)) / 8.0
    return np.where(inside, value, np.abs(x)), np.where(inside, first, sign), np.where(inside, second, 0.0)
