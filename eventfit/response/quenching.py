"""Quenching: the visible energy of a nuclear recoil.

A nuclear recoil of true energy T (keV_nr) is as visible as an electron of energy ``visible(T)`` (keV_ee). Electron
recoils are what the visible energy is calibrated with, and are not quenched.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array

__all__ = ["ConstantQuenching", "LindhardQuenching", "Quenching", "TabulatedQuenching"]

#: a change of the visible energy, relative to it, that is worth a recoil panel
BEND: Final = 1e-4


class Quenching(ABC):
    """Visible energy as a function of the true recoil energy."""

    #: recoil energies in keV between which it is known
    known: tuple[float, float] = (0.0, math.inf)
    #: bibliography keys
    cite: tuple[str, ...] = ()

    @abstractmethod
    def visible(self, T: Array) -> Array:
        """Mean visible energy of recoils ``T`` (any shape, keV), in keV."""

    @property
    def bends(self) -> Array:
        """Recoil energies in keV where the slope of the visible energy jumps."""
        return np.empty(0)


@dataclass(frozen=True)
class ConstantQuenching(Quenching):
    """``visible = factor * T``."""

    factor: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.factor <= 1.0:
            raise OutOfRange("a quenching factor lies between 0 and 1", where="quenching.factor", given=self.factor)

    def visible(self, T: Array) -> Array:
        return np.asarray(self.factor * T)


@dataclass(frozen=True)
class LindhardQuenching(Quenching):
    """Lindhard's model of a nucleus of charge ``atomic_number`` that recoils in its own element.

    visible = T k g / (1 + k g),  g = 3 eps^0.15 + 0.7 eps^0.6 + eps,  eps = 11.5 Z^(-7/3) T / keV: Lindhard et al.,
    Mat. Fys. Medd. Dan. Vid. Selsk. 33, no. 10 (1963) in the parametrisation of Lewin and Smith, Astropart. Phys. 6
    (1996) 87. In the theory k = 0.133 Z^(2/3) A^(-1/2), see :meth:`theory`; experiments fit it. The binding of atoms is
    neglected, so that below some 0.1 keV the model says more than it knows.
    """

    k: float
    atomic_number: int
    cite = ("lindhard1963", "lewin-smith1996")

    def __post_init__(self) -> None:
        if not (0.0 < self.k < math.inf):
            raise OutOfRange(
                "k of Lindhard's model is positive", where="quenching.k", given=self.k, allowed="about 0.16"
            )
        if not 1 <= self.atomic_number <= 118:
            raise OutOfRange("no element has this charge", where="quenching", given=f"Z = {self.atomic_number}")

    @classmethod
    def theory(cls, atomic_number: int, mass_number: float) -> LindhardQuenching:
        """With the k of the theory, 0.133 Z^(2/3) A^(-1/2): 0.157 for germanium."""
        return cls(0.133 * atomic_number ** (2.0 / 3.0) / math.sqrt(mass_number), atomic_number)

    def visible(self, T: Array) -> Array:
        T = np.asarray(T, dtype=float)
        eps = 11.5 * self.atomic_number ** (-7.0 / 3.0) * T
        kg = self.k * (3.0 * eps**0.15 + 0.7 * eps**0.6 + eps)
        return np.asarray(T * kg / (1.0 + kg))


@dataclass(frozen=True, eq=False)
class TabulatedQuenching(Quenching):
    """A measured curve: rows of recoil ``energy`` (n,) in keV, and of the visible energy or its share of the recoil.

    ``value`` (n,) is the visible energy in keV if ``is_energy``, else the factor; either is a straight line between
    rows. Nothing is known outside the rows: the table has to cover all recoils that can be seen. The visible energy may
    fall: that of germanium after iron-filtered neutrons (arXiv:2102.10089) does so by 3 % from 1.14 to 1.35 keV.

    Raises
    ------
    OutOfRange
        Rows that do not increase, or a factor outside 0 to 1.
    """

    energy: Array
    value: Array
    is_energy: bool = False
    name: str = "quenching"

    def __post_init__(self) -> None:
        if len(self.energy) < 2 or np.any(np.diff(self.energy) <= 0) or self.energy[0] < 0:
            raise OutOfRange("the recoil energies of a quenching have to increase from zero or more", where=self.name)
        bad = ~((self.value >= 0.0) & (self._at_rows <= self.energy * (1.0 + 1e-12)))
        if bad.any():
            row = int(np.argmax(bad))
            raise OutOfRange(
                "a nuclear recoil cannot be more visible than an electron of the same energy",
                where=f"{self.name}, row {row + 1} (at {self.energy[row]:g} keV)",
                given=f"{'visible energy' if self.is_energy else 'factor'} {self.value[row]:g}",
                allowed=f"0 to {self.energy[row]:g} keV" if self.is_energy else "0 to 1",
                fix="divide percentages by 100; name a column of visible energies with its unit, _keV",
            )
        object.__setattr__(self, "known", (float(self.energy[0]), float(self.energy[-1])))

    @property
    def _at_rows(self) -> Array:
        """Visible energy at the rows in keV."""
        return self.value if self.is_energy else self.value * self.energy

    @property
    def _slopes(self) -> Array:
        """Slopes of the visible energy at the lower and upper end of every interval, (2, n - 1)."""
        slope = np.diff(self.value) / np.diff(self.energy)
        if self.is_energy:
            return np.array([slope, slope])
        return np.array([self.value[:-1] + self.energy[:-1] * slope, self.value[1:] + self.energy[1:] * slope])

    @property
    def bends(self) -> Array:
        jump = np.abs(self._slopes[0, 1:] - self._slopes[1, :-1])
        spacing = 0.5 * (self.energy[2:] - self.energy[:-2])
        return np.asarray(self.energy[1:-1][jump * spacing > BEND * self._at_rows[1:-1]])

    def visible(self, T: Array) -> Array:
        T = np.asarray(T, dtype=float)
        low, high = self.known
        outside = T[(low > T) | (high < T)]
        if outside.size:
            raise OutOfRange(
                "the quenching is not known at a recoil energy",
                where=self.name,
                given=f"{outside.flat[0]:g} keV",
                allowed=f"{low:g} to {high:g} keV",
                fix="extend the table; it is never extrapolated",
            )
        at = np.interp(T, self.energy, self.value)
        return np.asarray(at if self.is_energy else T * at)
