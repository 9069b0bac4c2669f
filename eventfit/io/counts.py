"""From what was published to what a Poisson likelihood needs: rates become counts, and counts are whole numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.io.measured import Histogram

__all__ = ["ROUNDING", "counts_of_rate", "observed_counts"]

#: how far a count may be from a whole number: what the printed digits of a rate leave
ROUNDING = 0.01


def counts_of_rate(rate: Histogram, exposure: float, *, per_unit: bool = True) -> Histogram:
    """Counts of a ``rate``: times the ``exposure``, and times the bin's width if it is ``per_unit`` of the axis.

    ``1 / (keV tonne year)`` with an exposure in tonne years and an axis in keV; errors and flow are scaled with it.

    Raises
    ------
    OutOfRange
        An exposure that is not positive; a rate per unit with entries outside the axis, where no bin has a width.
    """
    if not (math.isfinite(exposure) and exposure > 0.0):
        raise OutOfRange("an exposure has to be positive", where=rate.where, given=exposure)
    counts = rate.scaled(exposure)
    if not per_unit:
        return counts
    if rate.underflow or rate.overflow:
        raise OutOfRange(
            "a rate outside the axis has no bin width",
            where=rate.where,
            given=f"underflow {rate.underflow:g}, overflow {rate.overflow:g}",
            fix='read the histogram with flow = "drop"',
        )
    width = np.diff(rate.edges)
    errors = None if counts.errors is None else (counts.errors[0] * width, counts.errors[1] * width)
    return replace(counts, values=counts.values * width, errors=errors)


def observed_counts(found: Histogram, *, rounding: float = ROUNDING) -> Histogram:
    """The same with contents rounded to whole numbers, as events are; errors of counts say nothing and are left out.

    Parameters
    ----------
    rounding
        Largest distance from a whole number, in counts.

    Raises
    ------
    OutOfRange
        A content that is negative or no whole number, or entries outside the axis.
    """
    found = found.with_flow("refuse")
    whole = np.round(found.values)
    bad = (np.abs(found.values - whole) > rounding) | (whole < 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise OutOfRange(
            "observed counts are negative" if whole[row] < 0 else "observed counts are not whole numbers",
            where=f"{found.where}, bin {row + 1} (from {found.edges[row]:g} to {found.edges[row + 1]:g})",
            given=f"{found.values[row]:.6g}",
            allowed=f"events as they were counted, to {rounding:g}: the likelihood is Poisson",
            fix="multiply a rate by exposure and bin width; do not subtract a background, declare it",
        )
    return replace(found, values=whole, errors=None)
