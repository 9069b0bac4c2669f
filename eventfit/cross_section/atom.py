"""Electrons bound in atoms: how many of them a given energy transfer can set free."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from eventfit.quadrature import Array
from eventfit.target import Target

__all__ = ["ElectronTreatment", "FreeElectrons", "SteppingElectrons"]


class ElectronTreatment(ABC):
    """Number of electrons per formula unit that take part at the energy transfer T."""

    name: str
    #: bibliography keys
    cite: tuple[str, ...] = ()

    @abstractmethod
    def count(self, T: Array) -> Array:
        """Electrons per formula unit at energy transfer ``T`` (any shape) in keV."""

    @property
    @abstractmethod
    def breakpoints(self) -> Array:
        """Energies in keV where the count jumps."""


@dataclass(frozen=True)
class FreeElectrons(ElectronTreatment):
    """All electrons take part at every energy: right far above the K edge, too many below it."""

    target: Target
    name = "free"

    def count(self, T: Array) -> Array:
        return np.full(np.shape(T), self.target.electrons)

    @property
    def breakpoints(self) -> Array:
        return np.empty(0)


@dataclass(frozen=True)
class SteppingElectrons(ElectronTreatment):
    """Stepping approximation: an electron takes part, as if free, once T exceeds its binding energy.

    Introduced for reactor neutrinos by Kopeikin et al. (1997); arXiv:1610.04177 compares it with relativistic many-body
    theory for xenon. The energy deposited is T: the binding energy is released again in the same event.
    """

    target: Target
    name = "stepping"
    cite = ("arXiv:1610.04177",)

    def count(self, T: Array) -> Array:
        return self.target.electrons_below(T)

    @property
    def breakpoints(self) -> Array:
        return self.target.shell_energies
