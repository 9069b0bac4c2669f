"""Efficiency: the probability that a recoil is kept, as a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array
from eventfit.response.axis import Axis, KeV

__all__ = ["Acceptance", "Efficiency"]

#: a change of an efficiency that is worth a recoil panel
BEND = 1e-4


@dataclass(frozen=True, eq=False)
class Acceptance:
    """Piecewise linear: ``energy`` (n,) on ``axis``, increasing, and ``value`` (n,), which an error may carry anywhere.

    Raises
    ------
    OutOfRange
        An energy outside the table (when used).
    """

    energy: Array
    value: Array
    name: str = "efficiency"
    axis: Axis = KeV

    def __post_init__(self) -> None:
        if np.any(np.diff(self.energy) <= 0):
            raise OutOfRange("the energies of an efficiency have to increase strictly", where=self.name)

    def __call__(self, energy: Array) -> Array:
        self.require(float(np.min(energy)), float(np.max(energy)))
        return np.asarray(np.interp(energy, self.energy, self.value))

    @property
    def bends(self) -> Array:
        """Knots whose straightening would change the efficiency by more than ``BEND``."""
        slope = np.diff(self.value) / np.diff(self.energy)
        spacing = 0.5 * (self.energy[2:] - self.energy[:-2])
        return np.asarray(self.energy[1:-1][np.abs(np.diff(slope)) * spacing > BEND])

    def require(self, low: float, high: float) -> None:
        """Refuse energies that the table does not reach: nothing is extrapolated."""
        if low < self.energy[0] or high > self.energy[-1]:
            raise OutOfRange(
                "the efficiency is not known over the whole range it is used in",
                where=self.name,
                given=self.axis.range(low, high),
                allowed=self.axis.range(self.energy[0], self.energy[-1]),
                fix="narrow the window or extend the table",
            )


@dataclass(frozen=True, eq=False)
class Efficiency(Acceptance):
    """An acceptance that is a probability.

    Raises
    ------
    OutOfRange
        A value outside [0, 1].
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        bad = ~((self.value >= 0.0) & (self.value <= 1.0))
        if bad.any():
            row = int(np.argmax(bad))
            raise OutOfRange(
                "an efficiency is a probability",
                where=f"{self.name}, row {row + 1} (at {self.axis.at(self.energy[row])})",
                given=float(self.value[row]),
                allowed="0 to 1",
                fix="divide percentages by 100; put a live-time or mass factor into the exposure",
            )
