"""Millicharges of neutrinos: a shift of g_V that rises as 1/T."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar, Final

import numpy as np

from eventfit.cross_section.photon_exchange import PhotonExchange
from eventfit.quadrature import Array
from eventfit.units import electron_mass, fermi_constant, fine_structure

__all__ = ["MILLICHARGE_SCALE", "Millicharge"]

#: charges are fitted in 1e-12 e, where reactor limits are of order one
MILLICHARGE_SCALE: Final = 1e-12


@dataclass(frozen=True)
class Millicharge(PhotonExchange):
    """Neutrinos of charge q, in units of the elementary charge e > 0 (the electron has -1).

    F = q in :class:`PhotonExchange` with q^2 = -2 m T (the momentum transfer), so

        g_V -> g_V - sqrt2 pi alpha q / (G_F m T).

    The term in q^2 alone is d sigma/dT = (pi alpha^2 / (m T^2)) q^2 [1 + (1 - T/E)^2 - m T/E^2], at low recoils
    2 pi alpha^2 q^2 / (m T^2), arXiv:1302.1168, where q is bounded without the interference: at 2.8 keV that is half as
    large as the square when q = 2e-12. A positive charge attracts electrons, so it takes from g_V.

    It rises as 1/T^2 towards zero, which no free electron cuts off: a window whose response reaches down there needs
    bound electrons. The stepping approximation holds for T far above the binding energies; near them atoms respond
    more strongly than free electrons (arXiv:1405.7168: limits of sub-keV germanium data become stronger).

    With a weak process that has QED corrections, the same corrections multiply the interference and the square. For
    them that is an estimate: with a photon in the final state the momentum transfer is not 2 m T.
    """

    names: tuple[str, ...] = ("q_nu",)
    name = "millicharge"
    diverges = True
    formula = (*PhotonExchange.formula, "arXiv:1302.1168", "arXiv:1405.7168")
    symbol: ClassVar[str] = "q"
    scale: ClassVar[float] = MILLICHARGE_SCALE
    reported_unit: ClassVar[str] = "e"
    meaning: ClassVar[str] = "electric charge"

    def shift(self, T: Array) -> Array:
        return np.asarray(-sqrt(2.0) * pi * fine_structure * self.scale / (fermi_constant * electron_mass * T))
