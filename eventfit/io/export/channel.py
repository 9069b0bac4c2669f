"""Channels: which bins of a likelihood belong together, and the axis that they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.likelihood import Likelihood
from eventfit.quadrature import Array, Mask

__all__ = ["Channel", "checked_channels"]

#: the name of the only channel where none are given
ONLY = "channel"


@dataclass(frozen=True, eq=False)
class Channel:
    """Bins ``bins`` of a likelihood; ``edges`` (n + 1,) and ``unit`` where they have an axis."""

    name: str
    bins: slice
    edges: Array | None = None
    unit: str = ""

    def __len__(self) -> int:
        return int(self.bins.stop - self.bins.start)

    @property
    def axis(self) -> Array:
        """Its edges, or 0, 1 ... where it has none."""
        return np.arange(len(self) + 1.0) if self.edges is None else self.edges


def checked_channels(channels: Sequence[Channel], likelihood: Likelihood) -> tuple[Channel, ...]:
    """``channels``, or one per run of bins of one kind; they have to cover all bins in order, each once.

    Raises
    ------
    OutOfRange
        Gaps, overlaps, edges that do not belong to the bins, a name that stands twice; counts and measured numbers in
        one channel.
    """
    n_bin, found = likelihood.n_bin, tuple(channels) or _runs(likelihood.counted)
    names, starts = [c.name for c in found], [c.bins.start for c in found]
    stops = [c.bins.stop for c in found]
    fitting = all(c.edges is None or len(c.edges) == len(c) + 1 for c in found)
    if len(set(names)) != len(names) or starts != [0, *stops[:-1]] or stops[-1] != n_bin or not fitting:
        raise OutOfRange(
            "channels do not cover the bins of the likelihood, each once and in order",
            where="channels",
            given=", ".join(f"{c.name}: {c.bins.start} to {c.bins.stop}" for c in found),
            allowed=f"0 to {n_bin}, different names, one edge more than bins",
        )
    if mixed := [c.name for c in found if likelihood.counted[c.bins].any() != likelihood.counted[c.bins].all()]:
        raise OutOfRange("a channel holds counts and numbers measured with an error", where="channels", given=mixed[0])
    return found


def _runs(counted: Mask) -> tuple[Channel, ...]:
    ends = [0, *(np.flatnonzero(counted[1:] != counted[:-1]) + 1).tolist(), len(counted)]
    names = [ONLY, *(f"{ONLY}_{i}" for i in range(2, len(ends)))]
    return tuple(Channel(name, slice(a, b)) for name, (a, b) in zip(names, pairwise(ends), strict=False))
