"""Targets: atoms per kg and the electron shells that a recoil can open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventfit.errors import UnknownName
from eventfit.quadrature import Array
from eventfit.tables import Tables
from eventfit.units import atomic_mass_unit

__all__ = ["MATERIALS", "Element", "Target"]

#: material -> chemical composition {element symbol: atoms per formula unit}
MATERIALS = {"xenon": {"Xe": 1}}
SHELL_TABLES = {"Xe": "target/xenon_shells"}


@dataclass(frozen=True, eq=False)
class Element:
    """A chemical element of natural isotopic composition.

    ``mass`` in kg per atom; ``binding_energy`` (n_shell,) in keV, increasing; ``electrons`` (n_shell,) per orbital.
    """

    symbol: str
    mass: float
    binding_energy: Array
    electrons: Array

    @classmethod
    def load(cls, tables: Tables, symbol: str) -> Element:
        """Read the element's weight and shells from ``target/``."""
        elements = tables.read("target/elements")
        row = elements.text["element"].index(symbol)
        shells = tables.read(SHELL_TABLES[symbol])
        return cls(
            symbol=symbol,
            mass=float(elements["atomic_weight_u"][row]) * atomic_mass_unit,
            binding_energy=shells["binding_energy_keV"],
            electrons=shells["electrons"],
        )


@dataclass(frozen=True, eq=False)
class Target:
    """A detector material as ``composition``: elements with their number of atoms per formula unit.

    Rates and cross sections are per formula unit; for an element that is the atom.
    """

    name: str
    composition: tuple[tuple[Element, int], ...]

    @classmethod
    def load(cls, tables: Tables, material: str) -> Target:
        """The target ``material``.

        Raises
        ------
        UnknownName
            The material has no shells here yet.
        """
        if material not in MATERIALS:
            raise UnknownName(
                "unknown target material", given=material, allowed=", ".join(MATERIALS), fix="see eventfit/target.py"
            )
        parts = MATERIALS[material].items()
        return cls(material, tuple((Element.load(tables, symbol), number) for symbol, number in parts))

    @property
    def units_per_kg(self) -> float:
        """Formula units (atoms, for an element) per kg."""
        return 1.0 / sum(element.mass * number for element, number in self.composition)

    @property
    def electrons(self) -> float:
        """Electrons per formula unit."""
        return float(sum(element.electrons.sum() * number for element, number in self.composition))

    @property
    def shell_energies(self) -> Array:
        """All binding energies in keV, increasing."""
        return np.unique(np.concatenate([element.binding_energy for element, _ in self.composition]))

    def electrons_below(self, T: Array) -> Array:
        """Electrons per formula unit whose binding energy is below the energy transfer ``T`` (n_T,) in keV."""
        total = np.zeros(np.shape(T))
        for element, number in self.composition:
            steps = np.concatenate([[0.0], np.cumsum(element.electrons)])
            total += number * steps[np.searchsorted(element.binding_energy, T, side="left")]
        return total
