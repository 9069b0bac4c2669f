"""Analyses in parts: what a worker process does at a time, longest first, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventfit.cli.progress import counting_progress
from eventfit.timing import StageClock

if TYPE_CHECKING:
    from eventfit.analysis import Analysis

__all__ = ["Outcome", "Part", "Work", "joined_outcomes", "parts_of", "run_parts"]


#: what a variant costs whatever its data, in units of what a bin adds to that; roughly, since only the order matters
BASE = 100


@dataclass(frozen=True)
class Part:
    """Variants of an analysis that are computed together.

    Attributes
    ----------
    position
        Of the analysis among those asked for.
    name
        Its id or path, as given.
    weight
        What it costs, roughly.
    """

    position: int
    name: str
    variants: tuple[str, ...]
    weight: int


@dataclass(frozen=True, eq=False)
class Outcome:
    """What comes back, plain values all: the document, whether a fit failed, the files written and the time taken."""

    document: dict[str, Any]
    failed: bool
    written: tuple[str, ...]
    clock: StageClock


#: ``work(folder, part, on_variant)``; a function of a module, so that workers can import it
Work = Callable[..., Outcome]


def parts_of(analyses: Sequence[Analysis], names: Sequence[str], *, whole: bool) -> list[Part]:
    """The parts of ``analyses``, longest first.

    An analysis is one part where ``whole``, because figures show its variants together; else its variants go apart
    as far as they share no fold, which one process does once for all of them.
    """
    from eventfit.analysis.physics import fold_key

    parts = []
    for position, (analysis, name) in enumerate(zip(analyses, names, strict=True)):
        together: dict[str, list[str]] = {}
        banded = any(wanted.quantity == "band" for wanted in analysis.default.result)  # a band is one of its variants
        for variant, (_, declared) in analysis.variants.items():
            together.setdefault("" if whole or banded else fold_key(declared), []).append(variant)
        for variants in together.values():
            weight = sum(BASE + len(analysis.variants[variant][1].response.edges) for variant in variants)
            parts.append(Part(position, name, tuple(variants), weight))
    return sorted(parts, key=lambda part: -part.weight)


def run_parts(work: Work, folder: Path | None, parts: Sequence[Part], jobs: int) -> dict[Part, Outcome]:
    """What ``work`` makes of every part, in this process or in ``jobs`` others, with a progress bar.

    Raises
    ------
    WorkerDied
        A worker process ended before its work did; and whatever ``work`` raises.
    """
    with counting_progress() as progress:
        bar = progress.add_task("variants", total=sum(len(part.variants) for part in parts))
        if jobs == 1 or len(parts) == 1:
            return dict(_here(work, folder, parts, lambda said: progress.update(bar, advance=1, description=said)))
        found = {}
        with closing(_elsewhere(work, folder, parts, min(jobs, len(parts)))) as outcomes:
            for part, outcome in outcomes:
                found[part] = outcome
                progress.update(bar, advance=len(part.variants), description=part.name)
        return found


def _here(
    work: Work, folder: Path | None, parts: Sequence[Part], on_variant: Callable[[str], None]
) -> Iterator[tuple[Part, Outcome]]:
    from eventfit.inference.toys.workers import one_blas_thread

    with one_blas_thread():  # as in a worker, so that the number of jobs changes no digit
        for part in sorted(parts, key=lambda part: part.position):
            yield part, work(folder, part, on_variant)


def _elsewhere(
    work: Work, folder: Path | None, parts: Sequence[Part], jobs: int
) -> Generator[tuple[Part, Outcome], None, None]:
    from concurrent.futures import BrokenExecutor, as_completed

    from eventfit.errors import WorkerDied
    from eventfit.inference.toys.workers import local_workers

    try:
        with local_workers(work, folder, jobs) as submit:
            for future in as_completed([submit([part]) for part in parts]):
                yield from future.result()
    except BrokenExecutor as error:
        raise WorkerDied(
            "a worker process ended before its work did",
            given=error,
            fix="look for a lack of memory, or use --jobs 1",
        ) from error


def joined_outcomes(outcomes: Sequence[Outcome], variants: Sequence[str]) -> Outcome:
    """The outcome of an analysis from those of its parts."""
    from eventfit.report.json import joined

    clock = StageClock()
    for outcome in outcomes:
        clock.take(outcome.clock)
    return Outcome(
        document=joined([outcome.document for outcome in outcomes], variants),
        failed=any(outcome.failed for outcome in outcomes),
        written=tuple(path for outcome in outcomes for path in outcome.written),
        clock=clock,
    )
