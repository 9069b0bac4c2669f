"""Batch fits with their referee: Newton steps for all data sets, iminuit for what they did not certify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.errors import StatisticsError, ZeroPrediction
from eventfit.inference.fitting.fit import fit
from eventfit.inference.fitting.newton import minimise
from eventfit.inference.fitting.starts import starts_of
from eventfit.likelihood import Likelihood
from eventfit.quadrature import Array, Mask

__all__ = ["BELOW", "BatchFit", "fit_batch"]

#: a conditional fit below the free one by more than this means that the free one was not the lowest
BELOW = 1e-6


@dataclass(frozen=True, eq=False)
class BatchFit:
    """Fits of n data sets, or of one with n sets of fixed values.

    Attributes
    ----------
    values
        (n, n_par), NaN where the fit failed.
    minus_2_ln_l
        (n,) relative to the saturated model; NaN where the fit failed, infinite where events were seen and the fitted
        model expects none.
    at_bound, fallback, failed
        (n,): a free parameter is held by a bound; iminuit had to be asked; no certified minimum was found.
    """

    values: Array
    minus_2_ln_l: Array
    at_bound: Mask
    fallback: Mask
    failed: Mask


def fit_batch(likelihood: Likelihood, points: Array, *, fixed: Sequence[str] = ()) -> BatchFit:
    """Minimise -2 ln L for every data set from ``points`` (n, n_par), where the ``fixed`` parameters stay.

    Without known convexity each data set is minimised from at least two starts
    (:mod:`eventfit.inference.fitting.starts`) and the lower minimum is kept. What is not certified goes to iminuit;
    what fails there too is marked, never dropped.
    """
    free = np.array([name not in fixed for name in likelihood.names])
    begin = starts_of(likelihood, points, free)
    found = minimise(likelihood, begin[0], free)
    for start in begin[1:]:
        found = found.better(minimise(likelihood, start, free))
    asked = ~found.certified
    values, minimum, at_bound = found.values, found.minus_2_ln_l, found.at_bound
    failed = np.zeros(len(points), dtype=bool)
    for row in np.flatnonzero(asked):
        one = likelihood.rows(int(row))
        trial = [point for point in (values[row], *(start[row] for start in begin)) if np.all(np.isfinite(point))]
        try:
            result = fit(
                one,
                fixed={name: float(points[row, one.index(name)]) for name in fixed},
                starts=trial,
                minimiser="migrad",
            )
        except ZeroPrediction:
            minimum[row] = np.inf
        except StatisticsError:
            failed[row] = True
        else:
            values[row], minimum[row], at_bound[row] = result.values, result.minus_2_ln_l, bool(result.at_bound)
            failed[row] = not result.status.good
    values[failed], minimum[failed] = np.nan, np.nan
    return BatchFit(values, minimum, at_bound, asked, failed)
