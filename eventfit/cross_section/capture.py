"""Neutrino capture: no recoil is seen, only that it happened, so a flux folds to one number."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.flux.base import Flux, Measure
from eventfit.quadrature import Array
from eventfit.tables import Tables

__all__ = ["SNU", "CaptureProcess", "GalliumCapture"]

#: solar neutrino unit: captures per target nucleus and second
SNU = 1e-36


class CaptureProcess(ABC):
    """A reaction that is counted, per target nucleus or proton."""

    name: str
    #: bibliography keys
    cite: tuple[str, ...]

    @property
    @abstractmethod
    def threshold(self) -> float:
        """Lowest neutrino energy in keV that is captured."""

    @abstractmethod
    def sigma(self, E: Array, state: str) -> Array:
        """Cross section in cm^2 at neutrino energies ``E`` (n,) in keV; zero below threshold and for other states."""

    def rate(self, flux: Flux, *, order: int = 8) -> float:
        """Captures per nucleus and second of ``flux``, which has to know its flavours.

        The integral begins exactly at the threshold: there the cross section may jump.

        Raises
        ------
        OutOfRange
            The flux is not known at all energies from the threshold on.
        """
        low, high = flux.known
        if low > self.threshold or math.isfinite(high):
            raise OutOfRange(
                f"the flux is not known at all energies that {self.name} needs",
                where=f"flux {flux.name!r}",
                given=f"known from {low:g} to {high:g} keV",
                allowed=f"known from {self.threshold:.5g} keV on",
                fix="continue its spectrum: a spectrum is never extrapolated",
            )
        measures: Mapping[str, Measure] = flux.measure("flavour", order=order)
        found = 0.0
        for state, measure in measures.items():
            above = measure.weight * measure.share_above(np.array([self.threshold]))[0]
            found += float(above @ self.sigma(np.maximum(measure.energy, self.threshold), state))
        return found


@dataclass(frozen=True, eq=False)
class GalliumCapture(CaptureProcess):
    """nu_e + 71Ga -> 71Ge + e-, the best values of Bahcall, Phys. Rev. C 56 (1997) 3391.

    ``energy`` (n,) in keV, from the threshold on, and ``cross_section`` (n,) in cm^2, interpolated linearly in ln sigma
    and ln E.

    Raises
    ------
    OutOfRange
        An energy above the last row, 30 MeV.
    """

    energy: Array
    cross_section: Array
    cite: tuple[str, ...]
    name = "gallium_capture"

    @property
    def threshold(self) -> float:
        return float(self.energy[0])

    @classmethod
    def load(cls, tables: Tables) -> GalliumCapture:
        """Read ``cross_section/gallium_capture``."""
        table = tables.read("cross_section/gallium_capture")
        return cls(table["energy_keV"], table["sigma_cm2"], table.cite)

    def sigma(self, E: Array, state: str) -> Array:
        if state != "nu_e":
            return np.zeros(np.shape(E))
        if np.max(E) > self.energy[-1]:
            raise OutOfRange(
                "the cross section is not known at this energy",
                where=self.name,
                given=f"{np.max(E):g} keV",
                allowed=f"at most {self.energy[-1]:g} keV",
            )
        inside = np.exp(np.interp(np.log(E), np.log(self.energy), np.log(self.cross_section)))
        return np.where(np.asarray(E) >= self.energy[0], inside, 0.0)
