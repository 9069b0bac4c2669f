"""A checked fit against one hand-written iminuit fit in plain numpy without gradient, in the same run.

python tests/benchmarks/bench_fit.py
"""

from __future__ import annotations

import numpy as np
from peers import HandWritten
from problem import BINS, benchmark_likelihood
from timing import cpu_time

from eventfit.inference import fit


def main() -> None:
    """Print the ratio of CPU times and the difference of the minima, over ten data sets."""
    ratios, worst, starts = [], -np.inf, set()
    for seed in range(10):
        likelihood = benchmark_likelihood(seed)
        peer, data = HandWritten(likelihood), likelihood.data

        def hand_written(likelihood=likelihood, peer=peer, data=data):
            return peer.fit(data.counts, data.auxiliary, likelihood.start)

        ours, theirs = fit(likelihood), hand_written()
        assert ours.status.good
        starts.add(len(ours.starts))
        worst = max(worst, ours.minus_2_ln_l - theirs.fval)
        ratios.append(cpu_time(lambda: fit(likelihood)) / cpu_time(hand_written))  # noqa: B023
    assert worst <= 1e-6
    print(f"{BINS} bins, 11 parameters, checked fit from {max(starts)} start / one hand-written iminuit fit, CPU time:")
    print(f"  ratio  median {np.median(ratios):.2f}  (min {min(ratios):.2f}, max {max(ratios):.2f});  goal <= 1")
    print(f"  our minimum minus theirs in -2 ln L, at worst {worst:.1e};  goal <= 1e-6")


if __name__ == "__main__":
    main()
