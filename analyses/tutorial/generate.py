"""The synthetic data of the tutorial: run this file to write them again, byte for byte.

A germanium detector of 3 kg, 200 days beside a reactor: it does not exist, and nobody measured these numbers. Counts
are thrown with the generator of Python's standard library, whose stream does not change between versions, and without
a magnetic moment.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

SEED = 2024
MARK = f"# SYNTHETIC, made by generate.py with seed {SEED}: no detector measured this"
#: kg day
EXPOSURE = 600.0
LOW, WIDTH, BINS = 1.5, 0.5, 24
#: 1/(keV kg day) behind the efficiency's plateau: Compton scattering at zero energy, its fall per keV, weak scattering
COMPTON, FALL, WEAK = 0.80, 0.012, 0.0028
#: X-rays after electron capture: energy in keV, per kg day
LINES = {"Ge-68 and Ge-71, K": (10.37, 1.40), "Zn-65, K": (8.98, 0.35)}
#: standard deviation in keV
SIGMA = 0.2 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
#: (energy in keV, efficiency)
EFFICIENCY = ((0.0, 0.0), (0.8, 0.05), (1.2, 0.45), (1.6, 0.80), (2.0, 0.92), (3.0, 0.95), (20.0, 0.95))


def efficiency(energy: float) -> float:
    """A straight line between the points."""
    for (x0, y0), (x1, y1) in pairwise(EFFICIENCY):
        if x0 <= energy <= x1:
            return y0 + (y1 - y0) * (energy - x0) / (x1 - x0)
    raise ValueError(energy)


def edges() -> list[float]:
    """Bin edges in keV."""
    return [LOW + WIDTH * i for i in range(BINS + 1)]


def integral(rate: float, fall: float, low: float, high: float, steps: int = 20) -> float:
    """Events of a falling rate in a bin, behind the efficiency."""
    width = (high - low) / steps
    points = [low + width * (i + 0.5) for i in range(steps)]
    return EXPOSURE * sum((rate - fall * x) * efficiency(x) * width for x in points)


def lines(low: float, high: float) -> float:
    """Events of the X-ray lines in a bin, behind the efficiency."""

    def below(x: float, mean: float) -> float:
        return 0.5 * math.erfc((mean - x) / (math.sqrt(2.0) * SIGMA))

    return EXPOSURE * sum(
        rate * efficiency(mean) * (below(high, mean) - below(low, mean)) for mean, rate in LINES.values()
    )


def thrown(rng: random.Random, mean: float) -> int:
    """A Poisson number: how many exponential steps fit below the mean."""
    total, count = -math.log(1.0 - rng.random()), 0
    while total < mean:
        total -= math.log(1.0 - rng.random())
        count += 1
    return count


def table(name: str, header: str, rows: Sequence[Sequence[str]]) -> tuple[str, str]:
    """Name and content of a file."""
    return name, "\n".join([MARK, header, *(",".join(row) for row in rows)]) + "\n"


def files() -> dict[str, str]:
    """Every file of the tutorial's detector."""
    rng, bins = random.Random(SEED), list(pairwise(edges()))
    compton = [integral(COMPTON, FALL, *bin_) for bin_ in bins]
    cosmogenic = [lines(*bin_) for bin_ in bins]
    weak = [integral(WEAK, 0.0, *bin_) for bin_ in bins]
    counts = [thrown(rng, sum(parts)) for parts in zip(compton, cosmogenic, weak, strict=True)]
    ends = [(f"{low:g}", f"{high:g}") for low, high in bins]
    head = "energy_low_keV,energy_high_keV"
    return dict(
        [
            table("counts.csv", f"{head},counts", [(*e, str(n)) for e, n in zip(ends, counts, strict=True)]),
            table("compton.csv", f"{head},expected", [(*e, f"{n:.4f}") for e, n in zip(ends, compton, strict=True)]),
            table(
                "cosmogenic.csv", f"{head},expected", [(*e, f"{n:.4f}") for e, n in zip(ends, cosmogenic, strict=True)]
            ),
            table("efficiency.csv", "energy_keV,efficiency", [(f"{x:g}", f"{y:g}") for x, y in EFFICIENCY]),
        ]
    )


def main() -> None:
    """Write them beside this file."""
    for name, content in files().items():
        (Path(__file__).parent / name).write_bytes(content.encode("utf-8"))


if __name__ == "__main__":
    main()
