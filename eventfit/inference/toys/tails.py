"""Tails of test statistics over toys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from eventfit.inference.statistic import STATISTICS, StatisticName
from eventfit.inference.toys.throw import ENSEMBLE, Toys, ToySample
from eventfit.quadrature import Array

__all__ = ["TIE", "statistic_of", "tail", "toy_entries"]

#: values of a statistic closer than this are ties: discrete data give the same value up to rounding
TIE = 1e-6


def statistic_of(sample: ToySample, statistic: StatisticName) -> Array:
    """The statistic of all toys (n,), infinite for those that failed."""
    values = np.full(len(sample.failed), np.inf)
    values[~sample.failed] = STATISTICS[statistic](sample.tested)
    return values


def tail(sample: ToySample, statistic: StatisticName, threshold: float) -> tuple[float, float]:
    """(k + 1) / (n + 1) of the toys at or above ``threshold``, and its binomial error.

    The +1 keeps it a valid p-value for any n (Davison and Hinkley, Bootstrap Methods, Sec. 4.2). A toy whose fit failed
    counts as at or above, so that failures can only weaken a rejection (in the
    denominator of CLs they strengthen it: their number stands on the card).
    """
    n = len(sample.failed)
    p = (int((statistic_of(sample, statistic) >= threshold - TIE).sum()) + 1) / (n + 1)
    return p, math.sqrt(p * (1.0 - p) / n)


def toy_entries(toys: Toys, samples: Sequence[ToySample]) -> dict[str, Any]:
    """What a method card says about the toys behind a number."""
    failed = sum(int(sample.failed.sum()) for sample in samples)
    thrown = sum(len(sample.failed) for sample in samples)
    note = f"{failed} of {thrown} toys failed and count as at or above" if failed else "no fit failed"
    return {"calibration": "toys", "toys": thrown, "seed": toys.seed, "ensemble": ENSEMBLE, "note": note}
