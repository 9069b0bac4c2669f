"""Targets: atoms per kg, the electron shells that a recoil can open, and the nuclei that recoil whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from eventfit.errors import UnknownName
from eventfit.quadrature import Array
from eventfit.tables import Tables
from eventfit.units import atomic_mass_energy, atomic_mass_unit, electron_mass

__all__ = ["MATERIALS", "Element", "Material", "Nucleus", "Target"]

Material = Literal[
    "xenon",
    "germanium",
    "silicon",
    "argon",
    "caesium_iodide",
    "sodium_iodide",
    "pseudocumene",
    "mineral_oil",
    "polyvinyltoluene",
    "carbon_tetrafluoride",
    "hexafluorobenzene",
]
#: material -> chemical composition {element symbol: atoms per formula unit}
MATERIALS: Mapping[str, Mapping[str, int]] = {
    "xenon": {"Xe": 1},
    "germanium": {"Ge": 1},
    "silicon": {"Si": 1},
    "argon": {"Ar": 1},
    "caesium_iodide": {"Cs": 1, "I": 1},
    "sodium_iodide": {"Na": 1, "I": 1},
    "pseudocumene": {"C": 9, "H": 12},
    "mineral_oil": {"C": 1, "H": 2},  # of chains CH2 without their ends
    "polyvinyltoluene": {"C": 9, "H": 10},  # plastic scintillator
    "carbon_tetrafluoride": {"C": 1, "F": 4},
    "hexafluorobenzene": {"C": 6, "F": 6},
}
#: elements whose shells are known, for the stepping approximation
SHELL_TABLES = {
    "Xe": "target/xenon_shells",
    "Ge": "target/germanium_shells",
    "Cs": "target/caesium_shells",
    "I": "target/iodine_shells",
}


@dataclass(frozen=True)
class Nucleus:
    """One isotope of a target.

    ``mass`` in keV, that of the neutral atom without its electrons: their binding, 2e-6 of it in xenon, is left out.
    ``number`` of these nuclei per formula unit of the target: atoms times natural abundance.
    """

    symbol: str
    atomic_number: int
    mass_number: int
    mass: float
    number: float

    @property
    def name(self) -> str:
        """Symbol and mass number, ``Ge74``."""
        return f"{self.symbol}{self.mass_number}"

    @property
    def neutrons(self) -> int:
        """N = A - Z."""
        return self.mass_number - self.atomic_number


@dataclass(frozen=True, eq=False)
class Element:
    """A chemical element of natural isotopic composition.

    ``mass`` in kg per atom; ``binding_energy`` (n_shell,) in keV, increasing, and ``electrons`` (n_shell,) per orbital:
    empty where no shells are known here.
    """

    symbol: str
    atomic_number: int
    mass: float
    binding_energy: Array = field(default_factory=lambda: np.empty(0))
    electrons: Array = field(default_factory=lambda: np.empty(0))

    @classmethod
    def load(cls, tables: Tables, symbol: str) -> Element:
        """Read the element's weight, and its shells if there are any, from ``target/``."""
        elements = tables.read("target/elements")
        row = elements.text["element"].index(symbol)
        number, weight = int(elements["atomic_number"][row]), float(elements["atomic_weight_u"][row])
        bare = cls(symbol, number, weight * atomic_mass_unit)
        if symbol not in SHELL_TABLES:
            return bare
        shells = tables.read(SHELL_TABLES[symbol])
        return replace(bare, binding_energy=shells["binding_energy_keV"], electrons=shells["electrons"])


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
            The material is not known here yet.
        """
        if material not in MATERIALS:
            raise UnknownName(
                "unknown target material", given=material, allowed=", ".join(MATERIALS), fix="see eventfit/target.py"
            )
        parts = MATERIALS[material].items()
        return cls(material, tuple((Element.load(tables, symbol), number) for symbol, number in parts))

    def nuclei(self, tables: Tables) -> tuple[Nucleus, ...]:
        """Every isotope with its number per formula unit, in natural abundances.

        Raises
        ------
        UnknownName
            The isotopes of an element are not known here.
        """
        table = tables.read("target/isotopes")
        of = np.array(table.text["element"])
        known = list(dict.fromkeys(table.text["element"]))
        if without := [element.symbol for element, _ in self.composition if element.symbol not in known]:
            raise UnknownName(
                "the isotopes of an element are not known here",
                where=self.name,
                given=", ".join(without),
                allowed=", ".join(known),
                fix="take a target of these elements, or add the isotopes to data/target/isotopes",
            )
        return tuple(
            Nucleus(
                symbol=element.symbol,
                atomic_number=element.atomic_number,
                mass_number=int(table["mass_number"][row]),
                mass=float(table["atomic_mass_u"][row]) * atomic_mass_energy - element.atomic_number * electron_mass,
                number=number * float(table["abundance"][row]),
            )
            for element, number in self.composition
            for row in np.flatnonzero(of == element.symbol)
        )

    @property
    def units_per_kg(self) -> float:
        """Formula units (atoms, for an element) per kg."""
        return 1.0 / sum(element.mass * number for element, number in self.composition)

    @property
    def electrons(self) -> float:
        """Electrons per formula unit."""
        return float(sum(element.atomic_number * number for element, number in self.composition))

    @property
    def without_shells(self) -> tuple[str, ...]:
        """Symbols of the elements whose shells are not known here."""
        return tuple(element.symbol for element, _ in self.composition if not len(element.electrons))

    @property
    def shell_energies(self) -> Array:
        """All binding energies in keV, increasing."""
        return np.unique(np.concatenate([element.binding_energy for element, _ in self.composition]))

    def electrons_below(self, T: Array) -> Array:
        """Electrons per formula unit whose binding energy is below the energy transfer ``T`` (n_T,) in keV.

        Raises
        ------
        UnknownName
            The shells of an element are not known here.
        """
        if self.without_shells:
            raise UnknownName(
                "the electron shells of an element are not known here",
                where=self.name,
                given=", ".join(self.without_shells),
                allowed=", ".join(SHELL_TABLES),
                fix='take the electrons as free (electrons = "free"), which is right far above the K edge',
            )
        total = np.zeros(np.shape(T))
        for element, number in self.composition:
            steps = np.concatenate([[0.0], np.cumsum(element.electrons)])
            total += number * steps[np.searchsorted(element.binding_energy, T, side="left")]
        return total
