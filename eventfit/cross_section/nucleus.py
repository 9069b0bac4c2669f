"""Scattering on nuclei that recoil as a whole: the weak interaction, and magnetic moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from typing import Final

import numpy as np

from eventfit.cross_section.base import Process, Term
from eventfit.cross_section.electron import ALL_FLAVOURS
from eventfit.cross_section.form_factor import FormFactor
from eventfit.cross_section.moment import Magnetic
from eventfit.errors import OutOfRange
from eventfit.quadrature import Array
from eventfit.target import Nucleus
from eventfit.units import fermi_constant, hbar_c

__all__ = ["ON_NUCLEI", "CoherentScattering", "MomentOnNucleus", "OnNucleus"]

#: how the name of a mechanism of electrons ends on nuclei
ON_NUCLEI: Final = "_on_nuclei"

#: G_F^2 / (4 pi) in cm^2/keV^2
COHERENT_SCALE: Final = (fermi_constant * hbar_c) ** 2 / (4.0 * pi)


@dataclass(frozen=True)
class OnNucleus(Process):
    """What scatters on the nuclei of one isotope; a target has one such process per isotope.

    They share their name and the names of their terms, so that their templates add to one.
    """

    nucleus: Nucleus
    form_factor: FormFactor
    recoil = "nucleus"

    def __post_init__(self) -> None:
        object.__setattr__(self, "mass", self.nucleus.mass)

    def struck(self, T: Array) -> Array:
        return np.full(np.shape(T), self.nucleus.number)

    @property
    def breakpoints(self) -> Array:
        return np.empty(0)

    def suppression(self, T: Array) -> Array:
        """F^2 at the momentum transfer of the recoil ``T`` (any shape, keV): q^2 = 2 M T."""
        q = np.sqrt(2.0 * self.nucleus.mass * np.asarray(T))
        return self.form_factor(q, self.nucleus.mass_number) ** 2

    def kernels(self, term: Term, T: Array, E: Array, states: Sequence[str]) -> dict[str, Array]:
        return dict.fromkeys(states, self.kernel(term, T, E, states[0]))


@dataclass(frozen=True)
class CoherentScattering(OnNucleus):
    """Coherent elastic neutrino-nucleus scattering at tree level, alike for all flavours and for antineutrinos.

    d sigma/dT = G_F^2 M / (4 pi) Q_w^2 [1 - T/E - M T / (2 E^2)] F^2(q),  Q_w = N - (1 - 4 sin^2 theta_W) Z,

    Freedman, Phys. Rev. D 9 (1974) 1389; hep-ex/0511042, eq. 1, which leaves out T/E. The bracket is exact for a
    nucleus without spin: it is zero at the kinematic edge, and its integral is half of it.

    ``sin2_theta_w`` is what the analysis declares; a tree level is best served by the low-energy value. Left out are

    - radiative corrections: about 1 %, and different between flavours by their charge radii (arXiv:2011.05960);
    - the axial current of nuclei with spin, smaller by about 1/N^2, and their term T^2 / (2 E^2), at most 2 E^2 / M^2;
    - the difference between protons and neutrons in the form factor, and scattering that excites the nucleus.

    Raises
    ------
    OutOfRange
        A mixing angle outside 0 to 1.
    """

    sin2_theta_w: float
    name = "coherent"
    terms = (Term("coherent", {}, ALL_FLAVOURS),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.sin2_theta_w < 1.0:
            raise OutOfRange(
                "sin^2 theta_W is not a mixing angle", given=self.sin2_theta_w, allowed="between 0 and 1, e.g. 0.23857"
            )

    @property
    def weak_charge(self) -> float:
        """Q_w: about the number of neutrons, with the sign that makes it positive."""
        return self.nucleus.neutrons - (1.0 - 4.0 * self.sin2_theta_w) * self.nucleus.atomic_number

    def kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        M = self.nucleus.mass
        bracket = 1.0 - T / E - M * T / (2.0 * E**2)
        return np.asarray(COHERENT_SCALE * M * self.weak_charge**2 * self.suppression(T) * bracket)

    @property
    def cite(self) -> tuple[str, ...]:
        return ("freedman1974", "hep-ex/0511042", *self.form_factor.cite)


@dataclass(frozen=True)
class MomentOnNucleus(OnNucleus):
    """Scattering of magnetic moments off the charge of a nucleus: that off Z^2 electrons, times F^2.

    d sigma/dT = (pi alpha^2 Z^2 / m^2) (1/T - 1/E) F^2(q) (mu / mu_B)^2 with the electron's mass m, Vogel and Engel,
    Phys. Rev. D 39 (1989) 3378; their T / (4 E^2) for a nucleus without spin, at most E^2 / M^2 of the rest, is left
    out. ``mechanism`` is that on electrons: its moments, couplings and units are shared, its electrons unused.
    """

    mechanism: Magnetic
    diverges = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "name", f"{self.mechanism.name}{ON_NUCLEI}")
        terms = (Term(f"{t.name}{ON_NUCLEI}", t.powers, t.weight, t.basis) for t in self.mechanism.terms)
        object.__setattr__(self, "terms", tuple(terms))
        object.__setattr__(self, "couplings", self.mechanism.couplings)

    def kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        charge = float(self.nucleus.atomic_number) ** 2
        return np.asarray(charge * self.suppression(T) * self.mechanism.kernel(term, T, E, state))

    @property
    def cite(self) -> tuple[str, ...]:
        return (*self.mechanism.formula, *self.form_factor.cite)
