"""A resolution known as a table of widths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array
from eventfit.response.resolution import Resolution

__all__ = ["TabulatedResolution"]


@dataclass(frozen=True, eq=False)
class TabulatedResolution(Resolution):
    """Standard deviation ``width`` (n,) in keV, a straight line between the visible energies ``energy`` (n,) in keV.

    Attributes
    ----------
    known_to
        The last energy, or infinity if the first and the last width are ``held`` beyond them.

    Raises
    ------
    OutOfRange
        A width that is negative, or zero everywhere (here); an energy below the first one that is not held (when used).
    """

    energy: Array
    width: Array
    known_to: float
    held: bool = False
    name: str = "resolution"
    is_sharp = False

    def __post_init__(self) -> None:
        bad = ~(self.width >= 0.0)
        if bad.any() or not self.width.any():
            row = int(np.argmax(bad))
            raise OutOfRange(
                "a width is negative" if bad.any() else "all widths are zero",
                where=f"{self.name}, point {row + 1} (at {self.energy[row]:g} keV)",
                given=float(self.width[row]),
                allowed="widths of zero and more, not all zero",
                fix="" if bad.any() else 'declare kind = "perfect" for no smearing',
            )

    def sigma(self, visible: Array) -> Array:
        if not self.held and np.min(visible) < self.energy[0]:
            raise OutOfRange(
                "the resolution is not known for all recoils",
                where=self.name,
                given=f"from {self.energy[0]:g} keV on; recoils begin at zero",
                allowed="a table that begins at 0 keV",
                fix='add a row, or hold the first and the last width beyond them: beyond = "hold"',
            )
        return np.asarray(np.interp(visible, self.energy, self.width))
