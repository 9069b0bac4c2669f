"""Pseudo-experiments: thrown in blocks with counter-based streams, so a seed gives the same toys on any machine split.

Each toy fluctuates the main data and every auxiliary measurement (unconditional ensemble), at the nuisance parameters
profiled on the observed data under the hypothesis that is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eventfit.errors import OutOfRange, StatisticsError, ZeroPrediction
from eventfit.inference.profile import Profile
from eventfit.inference.statistic import Statistic, q0
from eventfit.likelihood import Data, Likelihood
from eventfit.quadrature import Array

__all__ = ["BLOCK", "ENSEMBLE", "ToySample", "q0_toys", "throw_block", "toys_of"]

#: toys per block: one block is one random stream
BLOCK = 1024
ENSEMBLE = "main data and every auxiliary measurement fluctuated, nuisances profiled on the observed data"

Progress = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class ToySample:
    """Values of a statistic (n - failed,) over toys; fits that failed are counted, not dropped silently."""

    values: Array
    thrown: int
    failed: int
    seed: int


def throw_block(likelihood: Likelihood, theta: Array, *, seed: int, hypothesis: int, block: int) -> Data:
    """The data sets of one whole block thrown at ``theta``; the stream is keyed by (seed, hypothesis, block)."""
    rng = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, hypothesis, block]))
    return likelihood.toys(theta, BLOCK, rng)


def toys_of(
    statistic: Statistic,
    profile: Profile,
    *,
    at: float,
    n: int,
    seed: int,
    hypothesis: int = 0,
    progress: Progress | None = None,
) -> ToySample:
    """``statistic`` of ``n`` toys thrown with the parameter of interest held ``at`` the tested value.

    Parameters
    ----------
    profile
        Of the observed data: its fit at the tested value gives the nuisances that toys are thrown at.
    seed, hypothesis
        The key of the random streams: the seed (non-negative, below 2**128) and the number of the tested hypothesis.
    progress
        Called with the number of toys finished since the last call.
    """
    if n < 1 or not 0 <= seed < 2**128:
        raise OutOfRange("toys need a positive number and a seed", given=f"n={n}, seed={seed}", allowed="0 <= seed")
    likelihood, thrown_at = profile.likelihood, profile.at(at).values
    values, failed = [], 0
    for first in range(0, n, BLOCK):
        data = throw_block(likelihood, thrown_at, seed=seed, hypothesis=hypothesis, block=first // BLOCK)
        for toy in range(min(BLOCK, n - first)):
            one = likelihood.with_data(Data(data.counts[toy], data.auxiliary[toy]))
            try:
                values.append(statistic(Profile(one, profile.parameter)).value)
            except (StatisticsError, ZeroPrediction):
                failed += 1
            if progress is not None:
                progress(1)
    return ToySample(np.array(values), n, failed, seed)


def q0_toys(profile: Profile, *, n: int, seed: int, progress: Progress | None = None) -> ToySample:
    """q0 of ``n`` toys without signal."""
    return toys_of(q0, profile, at=0.0, n=n, seed=seed, progress=progress)
