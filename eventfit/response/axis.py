"""The reconstructed quantity, its unit and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Axis", "Hits", "KeV"]


@dataclass(frozen=True)
class Axis:
    """The reconstructed quantity: an energy in keV, or a number without unit (hits, photo-electrons)."""

    name: str = "energy"
    unit: str = "keV"

    def at(self, value: float) -> str:
        """``value`` with its unit, for people."""
        return f"{value:g} {self.unit}" if self.unit else f"{self.name} {value:g}"

    def range(self, low: float, high: float) -> str:
        """From ``low`` to ``high``, for people."""
        return f"{low:g} to {high:g} {self.unit or self.name}"

    def span(self, low: float, high: float) -> str:
        """A bin or a window, for people: ``1-2 keV``; bins around whole numbers as the numbers they hold."""
        if not self.unit:
            first, last = low + 0.5, high - 0.5
            return f"{self.name} {first:g}" if first == last else f"{self.name} {first:g}-{last:g}"
        return f"{low:g}-{high:g} {self.unit}"

    @property
    def points(self) -> str:
        """Name of the column of a table with values: of single events, or those where a curve is known."""
        return self.name + (f"_{self.unit}" if self.unit else "")

    @property
    def density(self) -> str:
        """Name of the column of a table with expected counts per unit."""
        return f"expected_per_{self.unit or self.name}"

    def column(self, side: str) -> str:
        """Name of the column of a table with the ``low`` or ``high`` edges of bins."""
        return f"{self.name}_{side}" + (f"_{self.unit}" if self.unit else "")


#: reconstructed energy
KeV: Final = Axis()
#: number of hits, N_h
Hits: Final = Axis("n_hits", "")
