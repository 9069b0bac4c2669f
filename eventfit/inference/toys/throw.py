"""Pseudo-experiments: thrown in blocks with counter-based streams, so a seed gives the same toys on any machine split.

Each toy fluctuates the main data and every auxiliary measurement (unconditional ensemble), at the nuisance parameters
profiled on the observed data under the hypothesis that is thrown. It is fitted twice: freely, and with the parameter of
interest at the tested value.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from eventfit.errors import OutOfRange, ZeroPrediction
from eventfit.inference.fitting.batch import BELOW, BatchFit, fit_batch
from eventfit.inference.statistic import Tested
from eventfit.inference.toys.jobs import run_blocks
from eventfit.inference.toys.run import Key, ToyRun
from eventfit.likelihood import Data, Likelihood
from eventfit.likelihood.plain import from_plain, to_plain
from eventfit.quadrature import Array, Mask

__all__ = ["BLOCK", "COLUMNS", "ENSEMBLE", "Hypothesis", "ToySample", "Toys", "evaluate_block", "throw_block"]

#: toys per block: one block is one random stream, and is evaluated in this shape everywhere
BLOCK = 1024
#: of the records: best fit of the parameter of interest; -2 ln L there and at the tested value; how the fits went
COLUMNS = ("estimate", "free", "tested", "flag")
#: what the flag adds up: a fit ended at a bound, a fit was certified by iminuit only, a fit failed
AT_BOUND, FALLBACK, FAILED = 1.0, 2.0, 4.0
ENSEMBLE = "main data and every auxiliary measurement fluctuated, nuisances profiled on the observed data"
FORMAT = 1

Progress = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """Toys thrown at ``theta`` (n_par,), with the parameter of interest tested at ``tested``."""

    theta: Array
    tested: float


@dataclass(frozen=True, eq=False)
class ToySample:
    """The fits of all toys of one hypothesis.

    Attributes
    ----------
    estimate, delta
        (n,): best fit of the parameter of interest, -2 ln of the likelihood ratio of the tested value; NaN if failed.
    failed
        (n,): some fit of this toy has no certified minimum.
    fallback
        Number of toys with a fit that needed iminuit.
    """

    tested_at: float
    estimate: Array
    delta: Array
    failed: Mask
    fallback: int
    bounded: bool

    @property
    def tested(self) -> Tested:
        """Likelihood ratios of the toys that did not fail, as the test statistics take them."""
        good = ~self.failed
        return Tested(self.tested_at, self.estimate[good], self.delta[good], self.bounded)


@dataclass(frozen=True, eq=False)
class Toys:
    """How many toys, which, and where they are computed.

    Attributes
    ----------
    n, seed
        Toys per hypothesis, and the seed of their streams (below 2**64).
    jobs
        Local processes.
    run
        Folder of the run, where finished chunks are kept: a run that was interrupted goes on from there.
    executor
        Where to compute instead: anything with the interface of :mod:`concurrent.futures`.
    progress
        Called with the number of toys finished since the last call.
    first
        Number of the first toy, at the start of a block: machines that share a seed throw different toys of it, and
        their runs merge.

    Raises
    ------
    OutOfRange
        Not a positive number of toys, a seed out of range, a first toy inside a block.
    """

    n: int
    seed: int
    jobs: int = 1
    run: Path | None = None
    executor: Executor | None = None
    progress: Progress | None = None
    first: int = 0

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.seed < 2**64:
            raise OutOfRange(
                "toys need a positive number and a seed",
                given=f"n={self.n}, seed={self.seed}",
                allowed="0 <= seed < 2**64",
            )
        if self.first < 0 or self.first % BLOCK:
            raise OutOfRange(
                "toys begin with a whole block", given=f"first={self.first}", allowed=f"a multiple of {BLOCK}"
            )

    def samples(self, likelihood: Likelihood, parameter: str, hypotheses: Sequence[Hypothesis]) -> list[ToySample]:
        """Fits of ``n`` toys of every hypothesis, the same for any number of workers."""
        payload = {
            "likelihood": to_plain(likelihood),
            "parameter": parameter,
            "seed": self.seed,
            "hypotheses": [{"theta": h.theta, "tested": h.tested} for h in hypotheses],
        }
        blocks = -(-self.n // BLOCK)
        bounded = bool(likelihood.bounds[0][likelihood.index(parameter)] == 0.0)
        records, found = np.empty((self.n, len(COLUMNS))), []
        skipped = self.first // BLOCK
        keys = [(h, skipped + b) for h in range(len(hypotheses)) for b in range(blocks)]
        with ExitStack() as stack:
            store = None
            if self.run is not None:
                identity = run_identity(likelihood, parameter, self.seed, hypotheses)
                store = stack.enter_context(ToyRun.open(self.run, identity, COLUMNS))
            done = stack.enter_context(
                closing(
                    run_blocks(
                        evaluate_block,
                        payload,
                        keys,
                        executor=self.executor,
                        jobs=self.jobs,
                        store=store,
                        progress=self.progress,
                    )
                )
            )
            for (hypothesis, block), part in done:  # in the order of keys: one hypothesis after the other
                first = (block - skipped) * BLOCK
                records[first : first + BLOCK] = part[: self.n - first]
                if block == skipped + blocks - 1:
                    found.append(sample_of(records, hypotheses[hypothesis].tested, bounded))
        return found


def run_identity(likelihood: Likelihood, parameter: str, seed: int, hypotheses: Sequence[Hypothesis]) -> dict[str, Any]:
    """All that decides the records of a run: model, seed, hypotheses, versions."""
    packages = ("eventfit", "numpy", "scipy", "iminuit")
    return {
        "format": FORMAT,
        "block": BLOCK,
        "model_sha256": likelihood.model_hash,
        "parameter": parameter,
        "seed": seed,
        "hypotheses": [{"theta": [float(t) for t in h.theta], "tested": float(h.tested)} for h in hypotheses],
        "versions": {name: version(name) for name in packages} | {"machine": platform.machine()},
    }


def sample_of(records: Array, tested_at: float, bounded: bool) -> ToySample:
    """The fits in ``records`` (n, n_column)."""
    estimate, free, tested, flag = records.T
    return ToySample(
        tested_at=tested_at,
        estimate=estimate.copy(),  # the records are overwritten by the next hypothesis
        delta=np.maximum(tested - free, 0.0),
        failed=flag >= FAILED,
        fallback=int((flag % FAILED >= FALLBACK).sum()),
        bounded=bounded,
    )


def throw_block(likelihood: Likelihood, theta: Array, *, seed: int, hypothesis: int, block: int) -> Data:
    """The data sets of one whole block thrown at ``theta``; the stream is keyed by (seed, hypothesis, block)."""
    rng = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, hypothesis, block]))
    return likelihood.toys(theta, BLOCK, rng)


def evaluate_block(payload: Mapping[str, Any], key: Key) -> Array:
    """The records (BLOCK, n_column) of one block; a function of plain arrays, so that any process can do it."""
    likelihood, parameter = from_plain(payload["likelihood"]), payload["parameter"]
    hypothesis = payload["hypotheses"][key[0]]
    theta, index = np.asarray(hypothesis["theta"]), likelihood.index(parameter)
    data = throw_block(likelihood, theta, seed=payload["seed"], hypothesis=key[0], block=key[1])
    try:
        thrown = likelihood.with_data(data)
    except ZeroPrediction:  # a model thrown outside of what it can expect
        return np.tile([np.nan, np.nan, np.nan, FAILED], (BLOCK, 1))
    points = np.tile(theta, (BLOCK, 1))
    free = fit_batch(thrown, points)
    points[:, index] = hypothesis["tested"]
    tested = fit_batch(thrown, points, fixed=(parameter,))
    free = _lowered(thrown, free, tested)
    failed = free.failed | tested.failed | ~np.isfinite(free.minus_2_ln_l)
    flag = AT_BOUND * free.at_bound + FALLBACK * (free.fallback | tested.fallback) + FAILED * failed
    return np.column_stack([free.values[:, index], free.minus_2_ln_l, tested.minus_2_ln_l, flag])


def _lowered(likelihood: Likelihood, free: BatchFit, tested: BatchFit) -> BatchFit:
    """``free`` refitted where the fit at the tested value lies below it."""
    rows = np.flatnonzero(tested.minus_2_ln_l < free.minus_2_ln_l - BELOW)
    if len(rows):
        again = fit_batch(likelihood.rows(rows), tested.values[rows])
        for name in BatchFit.__dataclass_fields__:
            getattr(free, name)[rows] = getattr(again, name)
    return free
