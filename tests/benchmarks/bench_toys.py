"""Toys with two fits each against iminuit by hand and pyhf: same likelihood, same toys, one thread, CPU time, one run.

python tests/benchmarks/bench_toys.py

Our time is that of whole blocks of 1024 toys, generation and the check of the model's hash included, measured in turn
with the peers. These fit a subsample of the toys of the first block, from the same start, their toys thrown for them;
for the column of fits only our throwing and packing is left out. Every fit of
ours is certified; no minimum of ours may lie above a peer's by more than 1e-6.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyhf
from peers import CONSTRAINED, HandWritten
from problem import BINS, WIDTH, benchmark_likelihood
from timing import cpu_time

from eventfit.inference import fit
from eventfit.inference.fitting.batch import fit_batch
from eventfit.inference.toys.throw import AT_BOUND, BLOCK, COLUMNS, FAILED, FALLBACK, evaluate_block, throw_block
from eventfit.inference.toys.workers import one_blas_thread
from eventfit.likelihood import Data, Likelihood
from eventfit.likelihood.plain import to_plain

SEED, TESTED, PARAMETER = 1, 1.0, "mu2"
#: blocks that are timed, toys a peer gets, and into how many parts its time is split to see the spread
BLOCKS, SAMPLE, PARTS = 20, 100, 10
#: -2 ln L of a toy, free and at the tested value
Pair = tuple[float, float]


@dataclass
class Peer:
    """Another way to the two fits, and whether its likelihood is the same."""

    name: str
    goal: str
    fit: Callable[[np.ndarray, np.ndarray], Pair]
    same: bool = True


class Pyhf:
    """The problem as a pyhf 0.7 workspace, numpy backend, scipy's SLSQP."""

    def __init__(self, likelihood: Likelihood, theta: np.ndarray, modifier: str) -> None:
        """``modifier``: histosys with code 0 is our 1 + 0.1 alpha exactly; normsys with code 1 is 1.1**alpha, for
        alpha < 0 0.9**-alpha, equal to ours at -1, 0 and 1 only."""
        pyhf.set_backend("numpy", "scipy")
        samples = []
        for i, component in enumerate(likelihood.components):
            counts, name = component.counts, likelihood.names[i]
            low, high = (1.0 - WIDTH), (1.0 + WIDTH)
            scale = {"type": "normfactor", "name": name, "data": None}
            if i >= CONSTRAINED and modifier == "normsys":
                scale = {"type": "normsys", "name": name, "data": {"lo": low, "hi": high}}
            elif i >= CONSTRAINED:
                sides = {"lo_data": list(low * counts), "hi_data": list(high * counts)}
                scale = {"type": "histosys", "name": name, "data": sides}
            samples.append({"name": component.name, "data": list(counts), "modifiers": [scale]})
        bounds = [{"name": n, "bounds": [[0.0, 100.0 if n == PARAMETER else 10.0]]} for n in likelihood.names[:6]]
        self.model = pyhf.Model(
            {"channels": [{"name": "main", "samples": samples}], "parameters": bounds},
            poi_name=PARAMETER,
            modifier_settings={"normsys": {"interpcode": "code1"}, "histosys": {"interpcode": "code0"}},
        )
        order = [likelihood.names.index(n) for n in self.model.config.par_order]
        self.start = list(theta[order])
        self.auxiliary = [likelihood.names.index(n) - CONSTRAINED for n in self.model.config.auxdata_order]

    def fit(self, n: np.ndarray, a: np.ndarray) -> Pair:
        data = [*n, *a[self.auxiliary]]
        _, free = pyhf.infer.mle.fit(data, self.model, self.start, return_fitted_val=True)
        _, held = pyhf.infer.mle.fixed_poi_fit(TESTED, data, self.model, self.start, return_fitted_val=True)
        saturated = _saturated(n, len(a))
        return float(free) - saturated, float(held) - saturated


def _saturated(n: np.ndarray, constraints: int) -> float:
    """What pyhf's -2 ln L has more than ours: the saturated Poisson terms and the constants of the gaussians."""
    log_factorial = np.array([np.sum(np.log(np.arange(1, int(k) + 1))) for k in n])
    poisson = np.where(n > 0, n * np.log(np.where(n > 0, n, 1.0)), 0.0) - n - log_factorial
    return float(-2.0 * poisson.sum() + constraints * np.log(2.0 * np.pi))


def hand_written(likelihood: Likelihood, theta: np.ndarray, **options: object) -> Callable[..., Pair]:
    peer = HandWritten(likelihood)

    def two_fits(n: np.ndarray, a: np.ndarray) -> Pair:
        free = peer.fit(n, a, theta, **options)
        return free.fval, peer.fit(n, a, theta, {PARAMETER: TESTED}, **options).fval

    return two_fits


class Ours:
    """Blocks of toys, a new one at every call."""

    def __init__(self, likelihood: Likelihood, theta: np.ndarray) -> None:
        hypothesis = {"theta": theta, "tested": TESTED}
        self.payload = {"likelihood": to_plain(likelihood), "parameter": PARAMETER, "seed": SEED}
        self.payload["hypotheses"] = [hypothesis]
        self.likelihood, self.theta, self.records = likelihood, theta, []
        self.fits_only = 0.0

    def block(self) -> float:
        """CPU seconds per toy of the next block, whose records are kept."""
        begin = time.process_time()
        self.records.append(evaluate_block(self.payload, (0, len(self.records))))
        return (time.process_time() - begin) / BLOCK

    def measure_fits(self, data: Data) -> tuple[float, float, float]:
        """CPU seconds per toy of the free fit, of that at the tested value, and of all that a block takes, in turn."""
        thrown, spent = self.likelihood.with_data(data), []
        points = np.tile(self.theta, (BLOCK, 1))
        held = points.copy()
        held[:, self.likelihood.index(PARAMETER)] = TESTED
        for _ in range(BLOCKS):
            free = cpu_time(lambda: fit_batch(thrown, points), 1)
            spent.append((free, cpu_time(lambda: fit_batch(thrown, held, fixed=(PARAMETER,)), 1), self.block() * BLOCK))
        free, at_value, block = np.median(spent, axis=0) / BLOCK
        self.fits_only = (free + at_value) / block
        return free, at_value, block


def theirs(peer: Peer, data: Data, ours: Ours) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """CPU seconds per toy of every part of the subsample, of blocks of ours in turn with them, and -2 ln L (n, 2)."""
    peer.fit(data.counts[-1], data.auxiliary[-1])  # does not count
    slow, fast, found = [], [], []
    for part in np.array_split(np.arange(SAMPLE), PARTS):
        before = ours.block()
        begin = time.process_time()
        found += [peer.fit(data.counts[i], data.auxiliary[i]) for i in part]
        slow.append((time.process_time() - begin) / len(part))
        fast.append(0.5 * (before + ours.block()))
    return np.array(slow), np.array(fast), np.array(found)


def main() -> None:
    """Print our time, the ratio to every peer with its goal, and how far minima are apart."""
    likelihood = benchmark_likelihood()
    theta = fit(likelihood).values
    data = throw_block(likelihood, theta, seed=SEED, hypothesis=0, block=0)
    ours = Ours(likelihood, theta)
    ours.block()
    free, held, block = (1e6 * seconds for seconds in ours.measure_fits(data))
    print(f"{BINS} bins, 11 parameters, two certified fits per toy: {block:.2f} us, {1e6 / block:.0f} toys/s")
    print(f"  fits only: free {free:.2f} us, at the tested value {held:.2f} us")
    peers = [
        Peer("iminuit, numerical gradient", "200x, fits only 400x", hand_written(likelihood, theta)),
        Peer("    the same, strategy 0", "no goal", hand_written(likelihood, theta, strategy=0)),
        Peer("iminuit, analytic gradient", "100x", hand_written(likelihood, theta, gradient=True)),
        Peer("    the same, strategy 0", "no goal", hand_written(likelihood, theta, gradient=True, strategy=0)),
        Peer("pyhf, histosys code0", "500x", Pyhf(likelihood, theta, "histosys").fit),
        Peer("pyhf, normsys code1", "500x", Pyhf(likelihood, theta, "normsys").fit, same=False),
    ]
    print(f"peers on {SAMPLE} toys      ms per toy   ratio (min to max)   fits only   ours - theirs   goal")
    for peer in peers:
        slow, fast, found = theirs(peer, data, ours)
        difference = (ours.records[0][:SAMPLE, 1:3] - found).max()
        ratio = slow / fast
        print(f"{peer.name:28s} {1e3 * np.median(slow):7.2f} {np.median(ratio):7.0f}x", end="")
        print(f" ({ratio.min():4.0f} to {ratio.max():4.0f})  {np.median(ratio) / ours.fits_only:6.0f}x", end="")
        print(f"     {f'{difference:8.0e}' if peer.same else '   other'}       {peer.goal}")
        assert not peer.same or difference <= 1e-6, peer.name
    flag = np.concatenate(ours.records)[:, COLUMNS.index("flag")].astype(int)
    assert not np.any(flag & int(FAILED))
    print(f"all {len(flag)} toys certified, {np.mean(flag & int(FALLBACK) > 0):.4%} of them by iminuit;", end=" ")
    print(f"{np.mean(flag & int(AT_BOUND) > 0):.1%} at a bound")


if __name__ == "__main__":
    with one_blas_thread():
        main()
