"""What a person sees while waiting: bars on standard error, only where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["busy", "console", "counting_progress", "toy_progress"]


def console(**options: Any) -> Any:
    """A rich console; wide enough for the tables when the output is not a terminal."""
    from rich.console import Console

    stream = sys.stderr if options.get("stderr") else sys.stdout
    return Console(width=None if stream.isatty() else 160, **options)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """A spinner with ``what``, for work of unknown length."""
    if not sys.stderr.isatty():
        yield
        return
    with console(stderr=True).status(what):
        yield


def counting_progress() -> Any:
    """Bars that count; the caller starts and stops it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    quiet = not sys.stderr.isatty()
    return Progress(*columns, console=console(stderr=True), transient=True, disable=quiet)


def toy_progress() -> Any:
    """Bars with toys per second and the time left; the caller starts and stops it."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Toys per second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if not speed or task.fields.get("plain") else f"{speed:,.0f} toys/s")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    quiet = not sys.stderr.isatty()
    return Progress(*columns, console=console(stderr=True), transient=True, disable=quiet)
