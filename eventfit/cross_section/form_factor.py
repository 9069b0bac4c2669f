"""Form factors: how far a nucleus answers as a whole to a momentum transfer q; 1 at q = 0."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar, Final, Literal

import numpy as np

from eventfit.errors import UnknownName
from eventfit.quadrature import Array
from eventfit.units import fm, hbar_c

__all__ = ["FORM_FACTORS", "FormFactor", "FormFactorName", "Helm", "KleinNystrand", "PointLike", "form_factor"]

#: below this q R the series of 3 j_1(x) / x stands for the difference of two nearly equal numbers
SMALL: Final = 0.1


class FormFactor(ABC):
    """One form factor for protons and neutrons alike: their radii differ by 1 to 4 %, which is left out.

    Instances with equal parameters are equal, so that processes built on them can be compared.
    """

    name: ClassVar[str]
    #: bibliography keys
    cite: ClassVar[tuple[str, ...]]

    @abstractmethod
    def __call__(self, q: Array, mass_number: int) -> Array:
        """F at momentum transfers ``q`` (any shape, keV) for ``mass_number`` nucleons; it changes sign at large q."""

    @abstractmethod
    def mean_square_radius(self, mass_number: int) -> float:
        """<r^2> in cm^2 of the density behind it: F = 1 - q^2 <r^2> / 6 at small q."""


@dataclass(frozen=True)
class Helm(FormFactor):
    """A sphere with a Gaussian skin, in the parameters of Lewin and Smith, Astropart. Phys. 6 (1996) 87.

    F = 3 j_1(q r_n) / (q r_n) exp(-(q s)^2 / 2), eq. 4.7, with r_n^2 = c^2 + (7/3) pi^2 a^2 - 5 s^2, eq. 4.11;
    c = 1.23 A^(1/3) - 0.60 fm, a = 0.52 fm, s = 0.9 fm.
    """

    name = "helm"
    cite = ("lewin-smith1996",)
    skin: float = 0.9 * fm

    def _radius_squared(self, mass_number: int) -> float:
        half_density = (1.23 * np.cbrt(mass_number) - 0.60) * fm
        return float(half_density**2 + 7.0 / 3.0 * pi**2 * (0.52 * fm) ** 2 - 5.0 * self.skin**2)

    def __call__(self, q: Array, mass_number: int) -> Array:
        k = np.asarray(q) / hbar_c
        return sphere(k * sqrt(self._radius_squared(mass_number))) * np.exp(-0.5 * (k * self.skin) ** 2)

    def mean_square_radius(self, mass_number: int) -> float:
        return 0.6 * self._radius_squared(mass_number) + 3.0 * self.skin**2


@dataclass(frozen=True)
class KleinNystrand(FormFactor):
    """A sphere of radius R_A = 1.2 A^(1/3) fm folded with a Yukawa potential of range a = 0.7 fm, hep-ph/9902259.

    F = 3 j_1(q R_A) / (q R_A) / (1 + a^2 q^2); the form that COHERENT takes. Its radii are 5 % above those of charge.
    """

    name = "klein_nystrand"
    cite = ("hep-ph/9902259",)
    span: float = 0.7 * fm

    def __call__(self, q: Array, mass_number: int) -> Array:
        k = np.asarray(q) / hbar_c
        return sphere(k * 1.2 * fm * np.cbrt(mass_number)) / (1.0 + (k * self.span) ** 2)

    def mean_square_radius(self, mass_number: int) -> float:
        return float(0.6 * (1.2 * fm * np.cbrt(mass_number)) ** 2 + 6.0 * self.span**2)


@dataclass(frozen=True)
class PointLike(FormFactor):
    """No form factor: F = 1."""

    name = "none"
    cite = ()

    def __call__(self, q: Array, mass_number: int) -> Array:
        return np.ones(np.shape(q))

    def mean_square_radius(self, mass_number: int) -> float:
        return 0.0


FormFactorName = Literal["helm", "klein_nystrand", "none"]
#: what a declaration may name
FORM_FACTORS: Final = (Helm, KleinNystrand, PointLike)


def form_factor(name: FormFactorName) -> FormFactor:
    """The form factor of this name, with its published parameters.

    Raises
    ------
    UnknownName
        There is none.
    """
    for kind in FORM_FACTORS:
        if kind.name == name:
            return kind()
    known = ", ".join(kind.name for kind in FORM_FACTORS)
    raise UnknownName("unknown form factor", given=name, allowed=known)


def sphere(x: Array) -> Array:
    """3 j_1(x) / x = 3 (sin x - x cos x) / x^3, that of a homogeneous sphere; accurate at small ``x`` too."""
    x = np.asarray(x, dtype=float)
    safe = np.where(x < SMALL, 1.0, x)
    series = 1.0 - x**2 / 10.0 + x**4 / 280.0 - x**6 / 15120.0
    return np.where(x < SMALL, series, 3.0 * (np.sin(safe) - safe * np.cos(safe)) / safe**3)
