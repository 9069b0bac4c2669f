"""What all processes on atomic electrons share, and weak scattering at tree level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventfit.cross_section.atom import ElectronTreatment
from eventfit.cross_section.base import Process, Term
from eventfit.errors import OutOfRange
from eventfit.flux.base import FLAVOURS
from eventfit.quadrature import Array
from eventfit.units import electron_mass, weak_cross_section

__all__ = ["ALL_FLAVOURS", "OnElectrons", "StandardModelElectron"]

ALL_FLAVOURS: Mapping[str, float] = dict.fromkeys(FLAVOURS, 1.0)


@dataclass(frozen=True)
class OnElectrons(Process):
    """What all processes on atomic electrons share."""

    electrons: ElectronTreatment
    mass = electron_mass
    formula: ClassVar[tuple[str, ...]] = ()

    @property
    def cite(self) -> tuple[str, ...]:
        return (*self.formula, *self.electrons.cite)

    def struck(self, T: Array) -> Array:
        return self.electrons.count(T)

    @property
    def breakpoints(self) -> Array:
        return self.electrons.breakpoints


@dataclass(frozen=True)
class StandardModelElectron(OnElectrons):
    """Weak scattering at tree level.

    d sigma/dT = (2 G_F^2 m / pi) [g_L^2 + g_R^2 (1 - T/E)^2 - g_L g_R m T / E^2], the tree-level part of
    hep-ph/0403168; g_L = sin^2 theta_W +- 1/2 (+ for nu_e, - for nu_mu and nu_tau), g_R = sin^2 theta_W; g_L and g_R
    change places for antineutrinos. ``sin2_theta_w`` is what the analysis declares: at tree level the low-energy value
    0.23857 absorbs part of the corrections; the corrected cross section of nu_e at 10 MeV is 5 % lower.
    """

    sin2_theta_w: float
    name = "standard_model"
    formula = ("hep-ph/0403168",)
    terms = (Term("standard_model", {}, ALL_FLAVOURS),)
    couplings = ()

    def __post_init__(self) -> None:
        if not 0.0 < self.sin2_theta_w < 1.0:
            raise OutOfRange(
                "sin^2 theta_W is not a mixing angle", given=self.sin2_theta_w, allowed="between 0 and 1, e.g. 0.23857"
            )

    def chiral_couplings(self, state: str) -> tuple[float, float]:
        """(g_L, g_R) of ``state``, already exchanged for antineutrinos."""
        left = self.sin2_theta_w + (0.5 if state.endswith("_e") else -0.5)
        right = self.sin2_theta_w
        return (right, left) if state.startswith("nubar") else (left, right)

    def kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        g_L, g_R = self.chiral_couplings(state)
        shape = g_L**2 + (g_R * (1.0 - T / E)) ** 2 - g_L * g_R * electron_mass * T / E**2
        return np.asarray(weak_cross_section * shape)
