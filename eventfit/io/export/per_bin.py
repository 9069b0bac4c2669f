"""Factors per bin in pyhf's terms: which modifier says them, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from eventfit.errors import ExportLoss
from eventfit.io.export.channel import Channel
from eventfit.io.export.samples import Sample
from eventfit.likelihood import BinScale, Likelihood
from eventfit.quadrature import Array, Mask

__all__ = ["PerBin", "per_bin_factors"]

#: where pyhf's default bounds of a gamma, 1e-10 and 10, are too near
WIDE = 2.0


@dataclass(frozen=True, eq=False)
class PerBin:
    """The factors of one set in one channel of n bins.

    Attributes
    ----------
    mask
        (n,): bins that are scaled.
    strength, observed
        (n,): width or tau, and the auxiliary measurements; 1 in bins that are not scaled.
    total
        (n,): nominal counts of all ``carriers``.
    """

    name: str
    channel: Channel
    kind: Literal["staterror", "shapesys", "shapefactor"]
    mask: Mask
    strength: Array
    observed: Array
    total: Array
    carriers: tuple[Sample, ...]

    def modifier(self, sample: Sample) -> dict[str, Any]:
        """That of ``sample``: the uncertainty stands on the first of the samples that share it."""
        if self.kind == "shapefactor":
            return {"name": self.name, "type": self.kind, "data": None}
        relative = self.strength if self.kind == "staterror" else 1.0 / np.sqrt(self.strength)
        errors = np.where(self.mask & (sample is self.carriers[0]), relative * self.total, 0.0)
        return {"name": self.name, "type": self.kind, "data": errors.tolist()}

    def setting(self) -> dict[str, Any]:
        """What the measurement has to say: auxiliary measurements away from their default, wider bounds."""
        best = self.observed / np.where(self.mask, self.nominal, 1.0)
        found: dict[str, Any] = {}
        if self.kind != "shapefactor" and not np.array_equal(self.observed, self.nominal):
            found["auxdata"] = self.observed.tolist()
        if np.any(best > WIDE):
            found["inits"] = np.maximum(best, 1e-10).tolist()
            found["bounds"] = [[1e-10, 10.0 * max(1.0, float(x))] for x in best]
        return {"name": self.name, **found} if found else {}

    @property
    def nominal(self) -> Array:
        """(n,): the auxiliary measurements expected where all factors are 1."""
        return np.ones_like(self.strength) if self.kind == "staterror" else self.strength

    def auxiliary_channel(self) -> dict[str, Any]:
        """A channel that expects tau times the factors; 1 in bins that are not scaled."""
        sample = {"name": self.label, "data": self.strength.tolist(), "modifiers": [self.modifier(self.carriers[0])]}
        return {"name": self.label, "samples": [sample]}

    def auxiliary_observation(self) -> dict[str, Any]:
        """What was counted there."""
        return {"name": self.label, "data": self.observed.tolist()}

    @property
    def label(self) -> str:
        return f"{self.name} auxiliary"

    def note(self) -> str:
        """How an unusual set is said."""
        if self.kind != "shapefactor":
            return ""
        return f"{self.name} scales several samples: a shapefactor, its auxiliary counts in the channel {self.label!r}"


def per_bin_factors(
    likelihood: Likelihood, samples: Sequence[Sample], channels: Sequence[Channel], observed: Mapping[str, Array]
) -> list[PerBin]:
    """All sets in all channels; where nothing is scaled, a factor stays at its measurement and is left out.

    Raises
    ------
    ExportLoss
        A gaussian factor of samples whose sum is not positive, which pyhf's relative uncertainty cannot say.
    """
    found = []
    for scale in likelihood.scales:
        touched = [c for c in channels if _carriers(scale, samples, c)]
        for channel in touched:
            name = scale.name if len(touched) == 1 else f"{scale.name} {channel.name}"
            found.append(_in_channel(scale, name, channel, _carriers(scale, samples, channel), observed[scale.name]))
    return found


def _carriers(scale: BinScale, samples: Sequence[Sample], channel: Channel) -> tuple[Sample, ...]:
    mask = scale.strength[channel.bins] > 0
    return tuple(s for s in samples if scale.name in s.scales and s.size[channel.bins][mask].any())


def _in_channel(scale: BinScale, name: str, channel: Channel, carriers: tuple[Sample, ...], observed: Array) -> PerBin:
    size = np.sum([s.size[channel.bins] for s in carriers], axis=0)
    total = np.sum([s.counts[channel.bins] for s in carriers], axis=0)
    mask = (scale.strength[channel.bins] > 0) & (size > 0)
    strength = np.where(mask, scale.strength[channel.bins], 1.0)
    if np.all(total[mask] > 0):
        kind: Literal["staterror", "shapesys", "shapefactor"] = "staterror"
        if scale.constraint == "poisson":
            kind = "shapesys" if len(carriers) == 1 else "shapefactor"
    elif scale.constraint == "poisson":
        kind = "shapefactor"
    else:
        raise ExportLoss(
            "a gaussian factor per bin scales samples whose sum is not positive",
            where=f"{scale.name}, {channel.name}[{int(np.argmax(mask & (total <= 0))) + 1}]",
            given=float(total[mask].min()),
            allowed="pyhf takes the uncertainty relative to their sum",
        )
    return PerBin(name, channel, kind, mask, strength, np.where(mask, observed[channel.bins], 1.0), total, carriers)
