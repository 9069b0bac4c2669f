"""One number of ours, how it was made, and the published one beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eventfit.analysis.wanted import Published
from eventfit.inference import MethodCard

__all__ = ["Row"]


@dataclass(frozen=True)
class Row:
    """One number of ours, how it was made, and the published one if there is one."""

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
    published: Published | None = None

    @property
    def ratio(self) -> tuple[float, ...]:
        """Ours over published, end by end for an interval; empty where there is nothing to compare, NaN over zero."""
        if self.published is None or self.value is None:
            return ()
        ours = self.value if isinstance(self.value, tuple) else (self.value,)
        theirs = self.published.value if isinstance(self.published.value, list) else [self.published.value]
        if len(ours) != len(theirs):
            return ()
        return tuple(a / b if b else math.nan for a, b in zip(ours, theirs, strict=True))
