"""How toys scale: with bins and parameters, memory with the number of toys, speed with workers.

python tests/benchmarks/bench_scaling.py

Toys per second of one process with two fits each; peak memory of a process that makes a million toys of a small model;
wall-clock ratio of one worker to two, start of the workers included, with what others used of the machine meanwhile.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

import numpy as np
from problem import benchmark_likelihood

from eventfit.inference import Hypothesis, Toys, fit
from eventfit.inference.toys.throw import BLOCK, FAILED, evaluate_block
from eventfit.inference.toys.workers import one_blas_thread
from eventfit.likelihood import Component, GaussianScale, Likelihood, Power
from eventfit.likelihood.plain import to_plain
from eventfit.parameters import GaussianConstraint, Parameter

BINS, PARAMETERS = (10, 30, 100, 300, 1000), (2, 5, 11, 20, 30)
MILLION, FOR_JOBS, TRIES = 1_000_000, 1000 * BLOCK, 3


def model(bins: int, parameters: int) -> Likelihood:
    """A signal and backgrounds, 50 events per bin: free peaks and, every second one, broad ones known to 10 %."""
    x = np.linspace(0.0, 1.0, bins)
    signal = np.exp(-3.0 * x)
    declared, components = [Parameter("mu", start=1.0, lower=0.0)], []
    components.append(Component("signal", 5.0 * bins * signal / signal.sum(), (Power("mu"),)))
    for i in range(1, parameters):
        bump = np.exp(-0.5 * ((x - i / parameters) / (0.5 if i % 2 else max(1.0 / parameters, 1.0 / bins))) ** 2) + 1e-3
        counts = 45.0 * bins / (parameters - 1) * bump / bump.sum()
        constrained = bool(i % 2) or i >= bins // 2  # no more free shapes than the bins can tell apart
        if constrained:
            declared.append(Parameter(f"b{i}", constraint=GaussianConstraint(0.0, 1.0)))
        else:
            declared.append(Parameter(f"b{i}", start=1.0, lower=0.0))
        components.append(Component(f"b{i}", counts, (GaussianScale(f"b{i}", 0.1) if constrained else Power(f"b{i}"),)))
    expected = np.sum([c.counts for c in components], axis=0)
    return Likelihood.build(declared, components, np.random.default_rng(1).poisson(expected).astype(float))


def toys_per_second(likelihood: Likelihood, blocks: int = 3) -> float:
    """Of the fastest of some blocks, CPU time; every fit has to be certified."""
    name = likelihood.names[0]
    hypothesis = {"theta": fit(likelihood).values, "tested": 1.0}
    payload = {"likelihood": to_plain(likelihood), "parameter": name, "seed": 1, "hypotheses": [hypothesis]}
    best = np.inf
    for block in range(blocks + 1):
        begin = time.process_time()
        records = evaluate_block(payload, (0, block))
        best = min(best, time.process_time() - begin) if block else best
        assert not np.any(records[:, -1] >= FAILED)
    return BLOCK / best


def table() -> None:
    print("toys per second, one thread, two certified fits per toy")
    print("  bins \\ parameters " + "".join(f"{p:9d}" for p in PARAMETERS))
    for bins in BINS:
        speeds = [toys_per_second(model(bins, p)) for p in PARAMETERS]
        print(f"  {bins:17d} " + "".join(f"{speed:9.0f}" for speed in speeds), flush=True)


def throw(n: int, jobs: int, likelihood: Likelihood) -> None:
    """``n`` toys through the public interface."""
    theta = fit(likelihood).values
    (sample,) = Toys(n, seed=1, jobs=jobs).samples(likelihood, likelihood.names[0], [Hypothesis(theta, 1.0)])
    assert len(sample.delta) == n
    assert not sample.failed.any()


def memory() -> None:
    """Peak of a process of its own."""
    begin = time.perf_counter()
    run = subprocess.run([sys.executable, __file__, "--million"], check=True, capture_output=True, text=True)
    small, large = (int(word) / 1024**2 for word in run.stdout.split())
    print(f"peak memory of a million toys (10 bins, 2 parameters): {large:.2f} GiB;  goal < 1 GiB")
    print(f"  after one block {small:.2f} GiB; {time.perf_counter() - begin:.0f} s in all")
    assert large < 1.0


def million() -> None:
    """What :func:`memory` starts: prints peaks in KiB."""
    likelihood = model(10, 2)
    for n in (BLOCK, MILLION):
        throw(n, 1, likelihood)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def workers() -> None:
    """Wall clock of one worker over that of two, tried more than once, since others may use the machine."""
    cores = len(os.sched_getaffinity(0))
    print(f"{FOR_JOBS} toys of the benchmark problem, {cores} cores;  goal >= 1.6x where two cores are free")
    for _ in range(TRIES):
        (one, others_one), (two, others_two) = (_timed(jobs) for jobs in (1, 2))
        print(f"  jobs 1: {one:.2f} s, jobs 2: {two:.2f} s, ratio {one / two:.2f}x;  ", end="")
        print(f"cores that others used meanwhile {others_one:.2f}, {others_two:.2f}", flush=True)


def _timed(jobs: int) -> tuple[float, float]:
    """Wall-clock seconds, and how many cores were busy with the work of other processes."""
    before, begin = _cpu_seconds() - _ours(), time.perf_counter()
    throw(FOR_JOBS, jobs, benchmark_likelihood())
    wall = time.perf_counter() - begin
    return wall, (_cpu_seconds() - _ours() - before) / wall


def _ours() -> float:
    """CPU seconds of this process and of those of its workers that have ended."""
    return sum(os.times()[:4])


def _cpu_seconds() -> float:
    """CPU seconds of all processes since the machine was started."""
    with open("/proc/stat", encoding="ascii") as stat:  # noqa: PTH123
        user, nice, system, _idle, _wait, *rest = (int(word) for word in stat.readline().split()[1:])
    return (user + nice + system + sum(rest[:2])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    with one_blas_thread():
        if sys.argv[1:] == ["--million"]:
            million()
        else:
            table()
            memory()
            workers()
