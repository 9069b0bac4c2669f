"""A profile of 50 points and a CLs limit against iminuit by hand: one thread, CPU time, the same run.

python tests/benchmarks/bench_profile.py

By hand each fit starts where the last one ended, and the limit is brentq over CLs with the observed and the Asimov data
fitted at every value (qmu_tilde, asymptotic, 90 %). All fits of ours are certified.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from peers import HandWrittenProfile
from problem import BINS, benchmark_likelihood
from timing import cpu_time

from eventfit.inference import Profile, upper_limit_cls
from eventfit.inference.toys.workers import one_blas_thread

PARAMETER, POINTS, SEEDS, REPEAT = "mu2", 50, 10, 5


def main() -> None:
    """Print medians over data sets of the ratios, with the goals, and how far results are apart."""
    ratios: dict[str, list[float]] = {}
    times: dict[str, list[float]] = {}
    profile_difference, limit_difference = 0.0, 0.0
    for seed in range(SEEDS):
        likelihood = benchmark_likelihood(seed)
        start = Profile(likelihood, PARAMETER)
        values = np.linspace(
            max(start.estimate - 2.0 * start.scale(), 0.0), start.estimate + 3.0 * start.scale(), POINTS
        )
        cases: dict[str, tuple[Callable[..., object], Callable[..., object]]] = {
            "profile": (
                lambda: Profile(likelihood, PARAMETER).scan(values).delta,  # noqa: B023
                lambda by_hand: by_hand.scan(values),  # noqa: B023
            ),
            "limit": (
                lambda: upper_limit_cls(Profile(likelihood, PARAMETER), expected=False).value,  # noqa: B023
                lambda by_hand: by_hand.limit(),
            ),
        }
        for what, (ours, theirs) in cases.items():
            mine = cpu_time(ours, 5 * REPEAT)
            times.setdefault(what, []).append(mine)
            for gradient in (False, True):
                peer = HandWrittenProfile(likelihood, PARAMETER, gradient=gradient)
                slow = cpu_time(lambda: theirs(peer), REPEAT)  # noqa: B023
                ratios.setdefault(f"{what}, {'analytic' if gradient else 'numerical'} gradient", []).append(slow / mine)
        peer = HandWrittenProfile(likelihood, PARAMETER)
        profile_difference = max(profile_difference, float(np.abs(cases["profile"][0]() - peer.scan(values)).max()))
        limit_difference = max(limit_difference, abs(cases["limit"][0]() / peer.limit() - 1.0))
    assert profile_difference < 1e-3, "iminuit stops within 2e-4 of its minima"
    assert limit_difference < 1e-3
    print(f"{BINS} bins, 11 parameters, {SEEDS} data sets, CPU time:")
    print(f"  ours: {POINTS}-point profile {1e3 * np.median(times['profile']):.2f} ms, ", end="")
    print(f"CLs limit without bands {1e3 * np.median(times['limit']):.2f} ms")
    for what, found in ratios.items():
        goal = "goal >= 15x" if "numerical" in what else "no goal"
        print(f"  {what:30s} {np.median(found):6.1f}x  (min {min(found):.1f}, max {max(found):.1f});  {goal}")
    print(f"  largest difference of a profile {profile_difference:.0e}, of a limit {limit_difference:.0e} (relative)")


if __name__ == "__main__":
    with one_blas_thread():
        main()
