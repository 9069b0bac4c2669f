"""One number of ours, how it was made, and the published one beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eventfit.analysis.wanted import Published
from eventfit.inference import MethodCard

__all__ = ["Row", "nearest", "ratios"]

Value = float | Sequence[float] | None


@dataclass(frozen=True)
class Row:
    """One number of ours, how it was made, and the published one if there is one.

    ``error`` is the error of an estimate, or the statistical one of a number calibrated by toys; ``errors`` are those
    of the ends of ``pieces``.
    """

    quantity: str
    parameter: str
    variant: str
    kind: str
    value: float | tuple[float, float] | None
    unit: str
    card: MethodCard
    status: str = "ok"
    remedy: str = ""
    pieces: tuple[tuple[float, float], ...] = ()
    error: float | None = None
    errors: tuple[tuple[float, float], ...] = ()
    published: Published | None = None

    @property
    def ratio(self) -> tuple[float, ...]:
        """Ours over published, end by end for an interval; empty where there is nothing to compare, NaN over zero."""
        return (
            ()
            if self.published is None
            else ratios(nearest(self.value, self.pieces, self.published.value), self.published.value)
        )


def nearest(value: Value, pieces: Sequence[Sequence[float]], theirs: Value) -> Value:
    """What stands beside ``theirs``: ``value``, or of an interval in several pieces the one whose ends lie nearest."""
    if len(pieces) < 2 or not isinstance(theirs, Sequence):
        return value
    return tuple(min(pieces, key=lambda piece: sum(abs(a - b) for a, b in zip(piece, theirs, strict=True))))


def ratios(ours: Value, theirs: Value) -> tuple[float, ...]:
    """``ours`` over ``theirs``, numbers or intervals, and both ends of a band over a number; NaN over 0.

    Empty where one is missing, or where a number stands beside an interval.
    """
    if ours is None or theirs is None:
        return ()
    a, b = (value if isinstance(value, Sequence) else (value,) for value in (ours, theirs))
    if len(b) == 1:
        b = (*b,) * len(a)
    if len(a) != len(b):
        return ()
    return tuple(x / y if y else math.nan for x, y in zip(a, b, strict=True))
