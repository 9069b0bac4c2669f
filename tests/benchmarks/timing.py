"""How the benchmarks take time."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np


def cpu_time(call: Callable[[], object], repeat: int = 40) -> float:
    """Median process time of one call in seconds, after one call that does not count."""
    call()
    times = []
    for _ in range(repeat):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return float(np.median(times))
