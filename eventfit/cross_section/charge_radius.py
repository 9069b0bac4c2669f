"""Charge radii of neutrinos: a constant shift of g_V."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar, Final

import numpy as np

from eventfit.cross_section.photon_exchange import PhotonExchange
from eventfit.quadrature import Array
from eventfit.units import fermi_constant, fine_structure, hbar_c

__all__ = ["CHARGE_RADIUS_SCALE", "HALF_CONVENTION", "ChargeRadius"]

#: radii are fitted in 1e-32 cm^2, where published limits and the Standard Model's own are of order one
CHARGE_RADIUS_SCALE: Final = 1e-32
#: a squared radius published in the other convention, times this, is one of ours
HALF_CONVENTION: Final = 2.0


@dataclass(frozen=True)
class ChargeRadius(PhotonExchange):
    """Neutrinos with a squared charge radius <r^2>, of either sign: the slope of their charge form factor.

    F = q^2 <r^2> / 6 in :class:`PhotonExchange`, so the momentum transfer cancels and

        g_V -> g_V + sqrt2 pi alpha <r^2> / (3 G_F),    0.0238 for 1e-32 cm^2.

    **The parameter is the deviation from the Standard Model.** That has radii of its own, -(G_F / (2 sqrt2 pi^2))
    [3 - 2 ln(m_l^2 / m_W^2)]: -0.83, -0.48 and -0.30 in 1e-32 cm^2 for e, mu, tau, a shift of -0.0198 for nu_e
    (arXiv:1810.05606). They are part of the radiative corrections: the kappas of
    :class:`eventfit.cross_section.radiative.CorrectedElectron` differ between flavours by just that. At tree level they
    are missing, and what is fitted then holds them too.

    **Conventions differ by a factor 2.** Where <r^2> is defined by sin^2 theta_W -> sin^2 theta_W + sqrt2 pi alpha
    <r^2> / (3 G_F), g_V moves by twice as much for the same number: multiply such a value by :data:`HALF_CONVENTION`
    = 2 to compare it with ours. The tables of the Particle Data Group are in that convention, and so are the limits
    as published by LSND (-2.97 to 4.14 becomes -5.94 to 8.28, in 1e-32 cm^2), TEXONO (-2.1 to 3.3 becomes -4.2 to
    6.6) and CHARM-II (0.6 becomes 1.2). Some papers also have the other sign.

    A left-handed neutrino cannot tell a charge radius from an anapole moment a, which acts like <r^2> = -6 a: what is
    measured is their sum, for a Majorana neutrino the anapole alone.
    """

    names: tuple[str, ...] = ("r2_nu",)
    name = "charge_radius"
    formula = (*PhotonExchange.formula, "arXiv:1810.05606")
    symbol: ClassVar[str] = "r2"
    scale: ClassVar[float] = CHARGE_RADIUS_SCALE
    reported_unit: ClassVar[str] = "cm^2"
    meaning: ClassVar[str] = "squared charge radius, beyond the Standard Model's,"
    convention: ClassVar[str] = (
        "g_V -> g_V + sqrt2 pi alpha <r^2> / (3 G_F), beyond the Standard Model's own radius; "
        "values in the convention of PDG tables are half of these"
    )

    def shift(self, T: Array) -> Array:
        shift = sqrt(2.0) * pi * fine_structure * self.scale / (3.0 * fermi_constant * hbar_c**2)
        return np.full(np.shape(T), shift)
