"""Wall time of ``eventfit --help`` against importing typer and rich in the same interpreter, and what takes it.

python tests/benchmarks/bench_startup.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

PROGRAM = Path(sys.executable).with_name("eventfit")
HELP = [str(PROGRAM), "--help"]
YARDSTICK = [sys.executable, "-c", "import typer, rich"]
PAIRS, WARM_UP, GOAL = 15, 3, 1.5


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def import_times(n: int) -> list[tuple[float, str]]:
    """The ``n`` modules with the largest time of their own while ``eventfit.cli`` is imported, in ms."""
    command = [sys.executable, "-X", "importtime", "-c", "import eventfit.cli"]
    log = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    rows = [line.removeprefix("import time:").split("|") for line in log.splitlines()[1:]]
    return sorted(((int(own) / 1000, name.strip()) for own, _, name in rows), reverse=True)[:n]


def main() -> None:
    """Print the ratio of medians over alternating runs, the spread, and the slowest imports."""
    for _ in range(WARM_UP):
        seconds(HELP)
        seconds(YARDSTICK)
    pairs = [(seconds(HELP), seconds(YARDSTICK)) for _ in range(PAIRS)]
    ours, theirs = (sorted(times) for times in zip(*pairs, strict=True))
    single = sorted(a / b for a, b in pairs)
    print(f"eventfit --help / python -c 'import typer, rich', wall time, {PAIRS} pairs:")
    print(f"  medians  {1e3 * median(ours):.0f} ms / {1e3 * median(theirs):.0f} ms")
    print(
        f"  ratio    {median(ours) / median(theirs):.2f}  (pairs {single[0]:.2f} to {single[-1]:.2f});  goal <= {GOAL}"
    )
    print("  slowest imports of eventfit.cli, own time:")
    for own, name in import_times(8):
        print(f"    {own:5.1f} ms  {name}")


if __name__ == "__main__":
    main()
