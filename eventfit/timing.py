"""Where the time goes: a clock that knows one stage at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["StageClock"]


@dataclass(eq=False)
class StageClock:
    """Seconds per stage, of the wall clock and of this process' processors.

    A stage inside another one interrupts it, so every moment belongs to one stage and they add up to the whole. It is
    handed down to what is timed; nothing else knows about it.
    """

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    _running: list[str] = field(default_factory=list, repr=False)
    _since: tuple[float, float] = field(default=(0.0, 0.0), repr=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What happens inside is ``name``, unless a stage inside it takes the time."""
        self._settle()
        self._running.append(name)
        try:
            yield
        finally:
            self._settle()
            self._running.pop()

    def add(self, name: str, *, wall: float, cpu: float) -> None:
        """Seconds of ``name`` that were measured elsewhere."""
        self.wall[name] = self.wall.get(name, 0.0) + wall
        self.cpu[name] = self.cpu.get(name, 0.0) + cpu

    def take(self, other: StageClock) -> None:
        """All that ``other`` measured."""
        for name in other.wall:
            self.add(name, wall=other.wall[name], cpu=other.cpu[name])

    def without(self, name: str) -> StageClock:
        """What was measured besides ``name``."""
        wall, cpu = ({stage: spent for stage, spent in part.items() if stage != name} for part in (self.wall, self.cpu))
        return StageClock(wall, cpu)

    def _settle(self) -> None:
        """Book the time since the last change of stage."""
        now = time.perf_counter(), time.process_time()
        if self._running:
            self.add(self._running[-1], wall=now[0] - self._since[0], cpu=now[1] - self._since[1])
        self._since = now
