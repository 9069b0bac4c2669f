"""Where the time went, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable

from eventfit.timing import StageClock

__all__ = ["timings_table"]

#: in the order in which they happen
STAGES = (
    "start",
    "imports",
    "reading",
    "folding",
    "best fit",
    "intervals",
    "limits",
    "significance",
    "goodness",
    "rates",
    "counting",
    "toys",
    "figures",
    "writing",
    "other",
)


def timings_table(clocks: Sequence[tuple[str, StageClock]], *, wall: float, jobs: int) -> RichTable:
    """Seconds of the wall clock per analysis and stage, their sums, and below how they compare with the whole.

    Parameters
    ----------
    clocks
        Who took the time, and its clock. Stages that nobody has are left out, unknown ones come last.
    wall
        Seconds from the start of the program to its end.
    jobs
        Number of processes that worked at the same time.
    """
    known = {stage for _, clock in clocks for stage in clock.wall}
    stages = [stage for stage in STAGES if stage in known] + sorted(known - set(STAGES))
    total = StageClock()
    for _, clock in clocks:
        total.take(clock)
    busy = sum(total.wall.values())
    caption = f"{busy:.2f} s in all stages, {wall:.2f} s from start to end with {jobs} job{'s' if jobs > 1 else ''}"
    if jobs == 1:
        caption += f" ({100 * busy / wall:.1f} %)"
    table = RichTable(
        title="seconds per stage",
        caption=caption,
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True)
    for column in (*stages, "wall", "CPU"):
        table.add_column(column, justify="right")
    for name, clock in clocks:
        table.add_row(name, *_cells(clock, stages))
    table.add_section()
    table.add_row("sum", *_cells(total, stages), style="bold")
    return table


def _cells(clock: StageClock, stages: Sequence[str]) -> list[str]:
    seconds = [f"{clock.wall[stage]:.2f}" if stage in clock.wall else "" for stage in stages]
    return [*seconds, f"{sum(clock.wall.values()):.2f}", f"{sum(clock.cpu.values()):.2f}"]
