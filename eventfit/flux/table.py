"""A source known as a table: spectra of one or more flavours at the detector, straight lines between their rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventfit.errors import OutOfRange, UnknownName, did_you_mean
from eventfit.flux.base import FLAVOURS, Basis, Flux, Measure
from eventfit.quadrature import Array

__all__ = ["TableFlux"]

#: panels that a spectrum has at least, however few its rows: of equal width, and of equal ratio towards low energies
#: down to this share of its end, where cross sections in 1 / E bend
PANELS, RATIOS, LOWEST = 64, 128, 1e-4


@dataclass(frozen=True, eq=False)
class TableFlux(Flux):
    """Spectra as they arrive: ``spectra`` of a flavour (n,) in 1/(cm^2 s keV) at the energies ``nodes`` (n,) in keV.

    They are one component, which one norm scales. Outside the table the flux is not known: a window that needs it is
    refused, except where the table ends with zeros in all flavours, or if it is ``complete``: then there is none.

    Raises
    ------
    UnknownName
        A flavour that does not exist.
    OutOfRange
        Energies that do not increase from zero or above, a negative density, no flux at all.
    """

    name: str
    nodes: Array
    spectra: Mapping[str, Array]
    complete: bool = False
    relative_error: float | None = None
    cite: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for flavour, density in self.spectra.items():
            if flavour not in FLAVOURS:
                raise UnknownName(
                    "there is no such flavour",
                    where=f"flux {self.name!r}",
                    given=flavour,
                    allowed=", ".join(FLAVOURS),
                    fix=did_you_mean(flavour, FLAVOURS),
                )
            if density.shape != self.nodes.shape or np.any(~(density >= 0.0)):
                row = int(np.argmax(~(density >= 0.0))) if density.shape == self.nodes.shape else 0
                raise OutOfRange(
                    "a flux is negative, or has not one value per energy",
                    where=f"flux {self.name!r}, {flavour}, row {row + 1}",
                    given=float(density[row]),
                    allowed=f"{len(self.nodes)} densities of zero and more",
                )
        if len(self.nodes) < 2 or self.nodes[0] < 0.0 or np.any(np.diff(self.nodes) <= 0.0):
            raise OutOfRange(
                "the energies of a flux do not increase, or begin below zero",
                where=f"flux {self.name!r}",
                given=f"{len(self.nodes)} from {self.nodes[0]:g} keV",
                allowed="two or more, increasing, from 0 keV or above",
            )
        if not self.total > 0.0:
            raise OutOfRange("a flux is zero everywhere", where=f"flux {self.name!r}", given="zeros only")

    @property
    def total(self) -> float:
        """Integral over the table, all flavours, in 1/(cm^2 s)."""
        return float(sum(np.trapezoid(density, self.nodes) for density in self.spectra.values()))

    @property
    def known(self) -> tuple[float, float]:
        if self.complete:
            return 0.0, math.inf
        ends = [sum(density[end] for density in self.spectra.values()) for end in (0, -1)]
        return 0.0 if ends[0] == 0.0 else float(self.nodes[0]), math.inf if ends[1] == 0.0 else float(self.nodes[-1])

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        if basis != "flavour":
            raise OutOfRange(
                f"the flux {self.name!r} is a table of flavours: its mass content is unknown",
                given=basis,
                allowed="flavour",
                fix="moments between mass states need a source with an oscillation model",
            )
        first, last = float(self.nodes[0]), float(self.nodes[-1])
        ratios = np.geomspace(max(first, LOWEST * last), last, RATIOS + 1)
        panels = np.unique(np.concatenate([self.nodes, np.linspace(first, last, PANELS + 1), ratios[1:-1]]))

        def spectrum(flavour: str) -> Measure:
            return Measure.from_density(panels, lambda E: np.interp(E, self.nodes, self.spectra[flavour]), order)

        return {flavour: spectrum(flavour) for flavour in self.spectra}

    def density(self, energy: Array) -> Array:
        found = [np.interp(energy, self.nodes, density, left=0.0, right=0.0) for density in self.spectra.values()]
        return np.asarray(np.sum(found, axis=0))
