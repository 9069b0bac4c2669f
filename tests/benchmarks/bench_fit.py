"""A checked two-start fit against one hand-written iminuit fit in plain numpy without gradient, in the same run.

python tests/benchmarks/bench_fit.py
"""

from __future__ import annotations

import numpy as np
from iminuit import Minuit
from problem import BINS, WIDTH, benchmark_likelihood
from timing import cpu_time

from eventfit.inference import fit
from eventfit.likelihood import Likelihood


def hand_written(likelihood: Likelihood) -> Minuit:
    """What a careful notebook does: templates as a matrix, Poisson -2 ln L, numerical gradient."""
    templates = np.array([c.counts for c in likelihood.components])
    n = likelihood.data.counts
    log_n = np.where(n > 0, n * np.log(np.where(n > 0, n, 1.0)), 0.0)

    def minus_2_ln_l(theta: np.ndarray) -> float:
        scale = theta.copy()
        scale[6:] = 1.0 + WIDTH * theta[6:]
        lam = np.maximum(scale @ templates, 1e-12)
        return 2.0 * np.sum(lam - n + log_n - n * np.log(lam)) + np.sum(theta[6:] ** 2)

    minuit = Minuit(minus_2_ln_l, likelihood.start.copy(), name=likelihood.names)
    minuit.errordef = Minuit.LEAST_SQUARES
    minuit.limits = list(zip(*likelihood.bounds, strict=True))
    minuit.errors = np.full(len(likelihood.names), 0.1)
    return minuit.migrad()


def main() -> None:
    """Print the ratio of CPU times and the difference of the minima, over ten data sets."""
    ratios, worst = [], -np.inf
    for seed in range(10):
        likelihood = benchmark_likelihood(seed)
        ours, theirs = fit(likelihood), hand_written(likelihood)
        assert ours.status.good
        assert len(ours.starts) == 2
        worst = max(worst, ours.minus_2_ln_l - theirs.fval)
        ratios.append(cpu_time(lambda: fit(likelihood)) / cpu_time(lambda: hand_written(likelihood)))  # noqa: B023
    print(f"{BINS} bins, 11 parameters, checked two-start fit / one hand-written iminuit fit, CPU time:")
    print(f"  ratio  median {np.median(ratios):.2f}  (min {min(ratios):.2f}, max {max(ratios):.2f});  goal <= 1")
    print(f"  our minimum minus theirs in -2 ln L, at worst {worst:.1e};  goal <= 1e-6")


if __name__ == "__main__":
    main()
