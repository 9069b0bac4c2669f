"""Toys with a progress bar, their samples kept for figures; imported by the verbs that throw some."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from eventfit.cli.progress import toy_progress
from eventfit.inference import Hypothesis, Toys, ToySample, dask_executor
from eventfit.inference.toys.throw import BLOCK
from eventfit.likelihood import Likelihood

__all__ = ["Meter", "WatchedToys", "throwing"]


class Meter:
    """Counts toys, those that a run had already apart, and moves the bar."""

    def __init__(self, label: str, *, resumes: bool) -> None:
        self.progress = toy_progress()
        self.label, self.resumes = label, resumes
        self.total = self.finished = self.found = 0
        self._bar: Any = None
        self._fresh = True
        self._began = self._ended = time.perf_counter()

    def begin(self, total: int) -> None:
        """A sample of ``total`` toys starts."""
        self.total += total
        self._fresh = True
        self._bar = self.progress.add_task(self.label, total=total)
        self._began = time.perf_counter() if self.finished == 0 else self._began

    def advance(self, toys: int) -> None:
        """So many more are there; with a run, the first call of a sample is for those that it had."""
        self.finished += toys
        self._ended = time.perf_counter()
        if self._fresh and self.resumes:
            self.found += toys
            self.progress.reset(self._bar, completed=toys)
        else:
            self.progress.update(self._bar, advance=toys)
        self._fresh = False

    @property
    def timing(self) -> dict[str, Any]:
        """Toys thrown now, taken from the run, and per second."""
        seconds, thrown = self._ended - self._began, self.finished - self.found
        rate = thrown / seconds if thrown and seconds > 0 else None
        return {"toys_thrown": thrown, "toys_from_run": self.found, "toys_per_second": rate}


@dataclass(frozen=True, eq=False)
class WatchedToys(Toys):
    """Toys that tell the meter how many there will be, and keep their samples."""

    meter: Meter | None = None
    taken: list[ToySample] = field(default_factory=list)

    @property
    def timing(self) -> dict[str, Any]:
        """That of the meter."""
        return {} if self.meter is None else self.meter.timing

    def samples(self, likelihood: Likelihood, parameter: str, hypotheses: Sequence[Hypothesis]) -> list[ToySample]:
        if self.meter is not None:
            self.meter.begin(len(hypotheses) * -(-self.n // BLOCK) * BLOCK)
        found = super().samples(likelihood, parameter, hypotheses)
        self.taken.extend(found)
        return found


@contextmanager
def throwing(
    n: int,
    *,
    seed: int,
    jobs: int = 1,
    scheduler: str | None = None,
    run: Path | None = None,
    label: str = "toys",
    first: int = 0,
) -> Iterator[WatchedToys]:
    """Toys to throw inside the block; Ctrl-C there ends the program and says how to go on."""
    meter = Meter(label, resumes=run is not None)
    try:
        with ExitStack() as stack:
            executor = stack.enter_context(dask_executor(scheduler)) if scheduler is not None else None
            stack.enter_context(meter.progress)
            yield WatchedToys(n, seed, jobs, run, executor, meter.advance, first, meter)
    except KeyboardInterrupt:
        said = "nothing was kept; with -o DIR the same command would go on from here"
        if run is not None:
            said = f"{meter.finished} of {meter.total} toys are kept in {run}; the same command goes on from there"
        typer.echo(f"interrupted: {said}", err=True)
        raise typer.Exit(130) from None
    if meter.finished:
        timing = meter.timing
        rate = "" if timing["toys_per_second"] is None else f", {timing['toys_per_second']:,.0f} a second"
        old = f", {meter.found} from {run}" if meter.found else ""
        typer.echo(f"{timing['toys_thrown']} toys thrown{old}{rate}", err=True)
