"""Neutrino capture: no recoil is seen, only that it happened, so a flux folds to one number."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.flux.base import Flux
from eventfit.quadrature import Array

__all__ = ["CaptureProcess"]


class CaptureProcess(ABC):
    """A reaction that is counted, per target particle."""

    name: str
    #: lowest neutrino energy in keV that is captured
    threshold: float
    #: bibliography keys
    cite: tuple[str, ...]

    @abstractmethod
    def sigma(self, E: Array, state: str) -> Array:
        """Cross section in cm^2 at neutrino energies ``E`` (n,) in keV; zero below threshold and for other states."""

    def rate(self, flux: Flux, *, order: int = 8) -> float:
        """Captures per target particle and second of ``flux``, which has to know its flavours.

        Raises
        ------
        OutOfRange
            The flux is not known at all energies from the threshold on.
        """
        low, high = flux.known
        if low > self.threshold or np.isfinite(high):
            raise OutOfRange(
                f"the flux is not known at all energies that {self.name} needs",
                where=f"flux {flux.name!r}",
                given=f"known from {low:g} to {high:g} keV",
                allowed=f"known from {self.threshold:.5g} keV on",
                fix="continue its spectrum: a spectrum is never extrapolated",
            )
        measures = flux.measure("flavour", order=order)
        return float(sum(measure.weight @ self.sigma(measure.energy, state) for state, measure in measures.items()))
