"""Named errors that say what is wrong, where, what was given, what is allowed and how to fix it.

Every class carries the exit code of the command line: 2 bad input, 3 fit or statistics failure, 4 writing failed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

__all__ = [
    "AmbiguousTable",
    "BadFile",
    "BadTable",
    "ChecksumMismatch",
    "DeclarationError",
    "EventfitError",
    "ExportLoss",
    "FitFailed",
    "InputError",
    "MissingExtra",
    "MissingInput",
    "NotIndependent",
    "NotUniversal",
    "NumericalError",
    "OutOfRange",
    "PathOutsideFolder",
    "RunBusy",
    "RunDamaged",
    "RunMismatch",
    "StatisticsError",
    "UnknownName",
    "WorkerDied",
    "WriteFailed",
    "ZeroPrediction",
    "did_you_mean",
    "located",
]


class EventfitError(Exception):
    """Base of every error a user can cause or meet.

    Parameters
    ----------
    problem
        One sentence: what is wrong.
    where
        File and key path, table and row, or the stage of the calculation.
    given, allowed
        The offending value and the values that would have been accepted.
    fix
        What to do about it.
    """

    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        given: object = None,
        allowed: str = "",
        fix: str = "",
    ) -> None:
        self.problem = problem
        self.where = where
        self.given = given
        self.allowed = allowed
        self.fix = fix
        super().__init__(str(self))

    def within(self, place: str) -> None:
        """Put ``place`` before where the error happened, unless it is named there already."""
        if place not in self.where:
            self.where = f"{place}: {self.where}" if self.where else place

    def __str__(self) -> str:
        lines = [f"{type(self).__name__}: {self.problem}"]
        if self.where:
            lines.append(f"  where:   {self.where}")
        if self.given is not None:
            lines.append(f"  given:   {self.given}")
        if self.allowed:
            lines.append(f"  allowed: {self.allowed}")
        if self.fix:
            lines.append(f"  fix:     {self.fix}")
        return "\n".join(lines)


@contextmanager
def located(place: str) -> Iterator[None]:
    """Whatever goes wrong inside happened at ``place``."""
    try:
        yield
    except EventfitError as error:
        error.within(place)
        raise


def did_you_mean(word: str, options: Sequence[str]) -> str:
    """The hint for a misspelt ``word``, empty where none of the ``options`` is near."""
    close = difflib.get_close_matches(word, options, 1)
    return f"did you mean {close[0]!r}?" if close else ""


class InputError(EventfitError):
    """Something the user handed over cannot be used."""


class MissingInput(InputError):
    """A table, file or folder does not exist or cannot be read."""


class MissingExtra(InputError):
    """A format needs a library that is not installed."""


class BadFile(InputError):
    """A file is empty, damaged, too large, or not what its name says."""


class AmbiguousTable(InputError):
    """One table name exists in two folders."""


class PathOutsideFolder(InputError):
    """A path leaves the folder that it has to stay in."""


class ChecksumMismatch(InputError):
    """A table's bytes are not those its provenance was written for."""


class BadTable(InputError):
    """A table breaks the data contract."""


class DeclarationError(InputError):
    """A declaration has an unknown, missing, mistyped or contradictory key."""


class UnknownName(InputError):
    """A name (analysis, variant, parameter, component ...) that nobody declared."""


class OutOfRange(InputError):
    """A number lies outside the range in which it has a meaning."""


class ExportLoss(InputError):
    """Another format cannot say all of a model, or says it otherwise."""


class ZeroPrediction(InputError):
    """Events were observed where the model expects none."""


class NotIndependent(InputError):
    """Data sets that share their events."""


class NotUniversal(InputError):
    """Couplings of different neutrinos, which are different observables unless they are declared universal."""


class RunMismatch(InputError):
    """Toys of a run cannot be joined with others: their inputs differ, or both have the same blocks."""


class RunDamaged(InputError):
    """The file of a run is not what was written: truncated, or changed on its disk."""


class RunBusy(InputError):
    """Another process writes to the run."""


class StatisticsError(EventfitError):
    """A calculation could not be finished or trusted."""

    exit_code = 3


class FitFailed(StatisticsError):
    """A fit did not converge to a certified minimum."""


class NumericalError(StatisticsError):
    """A numerical error is larger than the declared tolerance."""


class WorkerDied(EventfitError):
    """A worker process ended before its work did."""

    exit_code = 3


class WriteFailed(EventfitError):
    """An output file could not be written."""

    exit_code = 4
