"""Whether data can belong to a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eventfit.errors import OutOfRange, ZeroPrediction
from eventfit.likelihood.component import Component, Data
from eventfit.likelihood.statistic import LARGEST
from eventfit.quadrature import Mask

__all__ = ["check_bins", "check_data"]


def check_bins(components: Sequence[Component], n_bin: int) -> None:
    """Refuse (:class:`OutOfRange`) templates over another number of bins than the data."""
    for component in components:
        if component.counts.shape != (n_bin,):
            raise OutOfRange(
                "a template and the data have different numbers of bins",
                where=component.name,
                given=component.counts.shape,
                allowed=str((n_bin,)),
            )


def check_data(data: Data, counted: Mask, possible: Mask) -> None:
    """Refuse data that no model, or not this one, can describe.

    Parameters
    ----------
    counted, possible
        (n_bin,): bins that hold counts, and those where some component expects something.

    Raises
    ------
    OutOfRange
        Negative counts, a number that is not finite.
    ZeroPrediction
        Events in a bin where no component expects any.
    """
    counts, measured = data.counts[..., counted], data.counts[..., ~counted]
    if not (np.all(np.isfinite(counts)) and np.all(counts >= 0)):
        raise OutOfRange("observed counts are negative or NaN", where="data", given=counts)
    if not np.all(np.abs(measured) <= LARGEST):
        raise OutOfRange("a measured number is not finite", where="data", given=measured, allowed=f"up to {LARGEST:g}")
    if not np.all(np.isfinite(data.auxiliary)):
        raise OutOfRange("auxiliary measurements are not finite", where="data", given=data.auxiliary)
    empty = np.flatnonzero(counted & ~possible & np.any(np.atleast_2d(data.counts) > 0, axis=0))
    if len(empty):
        raise ZeroPrediction(
            "events were observed in a bin where no component expects any",
            where=f"data, bin {int(empty[0]) + 1} of {len(counted)}",
            given=f"{np.atleast_2d(data.counts)[:, empty[0]].max():g} observed, 0 expected",
            fix="add the missing background, or leave the bin out of the window",
        )
