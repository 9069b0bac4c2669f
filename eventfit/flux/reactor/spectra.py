"""Published antineutrino spectra of fission and of neutron capture, each with the range in which it is valid.

Every spectrum is a table; the polynomials that some publications give beside their tables are never used. Between rows
a spectrum is a straight line in the logarithm of its density where it falls (conversion and summation spectra), and a
straight line in the density itself in the tables that are made of steps and bumps (``LINEAR``) and wherever a row is
zero. A table whose first row stands near zero energy goes on to E = 0 as E^2, the phase space of every beta decay
there; the rows of Vogel-Engel and of Kopeikin 1997 follow it themselves. What lies below is 1e-3 of the antineutrinos.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from eventfit.errors import UnknownName, did_you_mean
from eventfit.quadrature import Array
from eventfit.tables import Tables

__all__ = [
    "ISOTOPES",
    "LINEAR",
    "SOURCES",
    "TOTAL",
    "CaptureName",
    "CaptureSpectrum",
    "Curve",
    "FissionSpectra",
    "Isotope",
    "SpectraName",
]

Isotope = Literal["u235", "u238", "pu239", "pu241"]
#: fissile isotopes that have spectra
ISOTOPES: tuple[Isotope, ...] = get_args(Isotope)
#: column of a spectrum that is not told apart by isotope
TOTAL = "total"

SpectraName = Literal[
    "huber_mueller", "kurchatov", "mueller", "bestiole", "silaeva_sinev", "vogel_engel", "kopeikin1997"
]
#: spectra -> isotope -> table below flux/reactor/
SOURCES: Mapping[SpectraName, Mapping[str, str]] = {
    "huber_mueller": {"u235": "huber2011", "u238": "mueller2011", "pu239": "huber2011", "pu241": "huber2011"},
    "kurchatov": {"u235": "kopeikin2021", "u238": "kopeikin2021", "pu239": "huber2011", "pu241": "huber2011"},
    "mueller": dict.fromkeys(ISOTOPES, "mueller2011"),
    "bestiole": dict.fromkeys(ISOTOPES, "bestiole2023"),
    "silaeva_sinev": dict.fromkeys(ISOTOPES, "silaeva_sinev2020"),
    "vogel_engel": dict.fromkeys(ISOTOPES, "vogel_engel1989"),
    "kopeikin1997": {TOTAL: "kopeikin1997"},
}
#: spectra that are straight lines in the density between rows
LINEAR = ("vogel_engel", "kopeikin1997")
#: spectra whose last row is the end of the spectrum and not of what is known: 1e-4 of the maximum or less is left
COMPLETE_ABOVE = ("bestiole", "silaeva_sinev", "kopeikin1997")
#: a table that starts below this energy in keV goes on to zero
NEAR_ZERO = 100.0

CaptureName = Literal["bestiole", "texono"]
#: antineutrinos per neutron capture on 238U: one from 239U, one from 239Np in equilibrium (half-lives 23 min, 2.4 d)
PER_CAPTURE = 2.0


@dataclass(frozen=True, eq=False)
class Curve:
    """A density through rows: ``energy`` (n,) in keV, increasing, and ``value`` (n,) in 1/keV, not negative."""

    energy: Array
    value: Array
    logarithmic: bool

    @property
    def low(self) -> float:
        """Where the curve begins in keV: zero, or its first row."""
        return 0.0 if self.energy[0] < NEAR_ZERO else float(self.energy[0])

    @property
    def high(self) -> float:
        """The last row in keV."""
        return float(self.energy[-1])

    @property
    def knots(self) -> Array:
        """Energies in keV between which the curve is smooth."""
        return self.energy if self.low > 0 else np.append(0.0, self.energy)

    def __call__(self, energy: Array) -> Array:
        """The density at ``energy`` (any shape) in 1/keV, zero outside ``low`` to ``high``."""
        E = np.asarray(energy, dtype=float)
        row = np.clip(np.searchsorted(self.energy, E, side="right") - 1, 0, len(self.energy) - 2)
        first, second = self.value[row], self.value[row + 1]
        x = (E - self.energy[row]) / (self.energy[row + 1] - self.energy[row])
        density = first + x * (second - first)
        if self.logarithmic:
            both = (first > 0) & (second > 0)
            ratio = np.where(both, second, 1.0) / np.where(both, first, 1.0)
            density = np.where(both, first * ratio ** np.clip(x, 0.0, 1.0), density)
        density = np.where(self.energy[0] > E, self.value[0] * (E / self.energy[0]) ** 2, density)
        return np.where((self.low <= E) & (self.high >= E), density, 0.0)


@dataclass(frozen=True, eq=False)
class FissionSpectra:
    """Antineutrinos per fission and keV: one curve per isotope, or one for the fuel mixture (``TOTAL``)."""

    name: SpectraName
    curves: Mapping[str, Curve]
    cite: tuple[str, ...]

    @classmethod
    def load(cls, tables: Tables, name: SpectraName) -> FissionSpectra:
        """The spectra ``name``.

        Raises
        ------
        UnknownName
            Spectra that do not exist.
        """
        if name not in SOURCES:
            raise UnknownName(
                "unknown reactor spectra", given=name, allowed=", ".join(SOURCES), fix=did_you_mean(name, list(SOURCES))
            )
        curves: dict[str, Curve] = {}
        cite: list[str] = []
        for isotope, source in SOURCES[name].items():
            table = tables.read(f"flux/reactor/{source}")
            curves[isotope] = Curve(table["energy_keV"], table[f"{isotope}_per_keV"], name not in LINEAR)
            cite.extend(table.cite)
        return cls(name, curves, tuple(dict.fromkeys(cite)))

    @property
    def low(self) -> float:
        """Lower end of the validity in keV."""
        return max(curve.low for curve in self.curves.values())

    @property
    def high(self) -> float:
        """Upper end of the validity in keV."""
        return min(curve.high for curve in self.curves.values())

    @property
    def is_complete_above(self) -> bool:
        """Whether the spectrum ends where its table ends, and not only what is known of it."""
        return self.name in COMPLETE_ABOVE

    @property
    def has_captures(self) -> bool:
        """Whether the decays after neutron capture on 238U are in the spectrum already."""
        return TOTAL in self.curves

    @property
    def knots(self) -> Array:
        """Energies in keV between which all curves are smooth."""
        return np.unique(np.concatenate([curve.knots for curve in self.curves.values()]))


@dataclass(frozen=True, eq=False)
class CaptureSpectrum:
    """Antineutrinos per keV and neutron capture on 238U: 238U(n, gamma)239U -> 239Np -> 239Pu in equilibrium.

    ``curves`` are shapes (one per decay, or one for both) that are normalised here to the antineutrinos they stand for.
    """

    name: CaptureName
    curves: tuple[Curve, ...]
    cite: tuple[str, ...]

    @classmethod
    def load(cls, tables: Tables, name: CaptureName) -> CaptureSpectrum:
        """``bestiole``: the two computed decays; ``texono``: their sum as read from the figure of that experiment.

        Raises
        ------
        UnknownName
            A spectrum that does not exist.
        """
        if name == "bestiole":
            table = tables.read("flux/reactor/bestiole2023")
            energy = table["energy_keV"]
            curves = tuple(_until_zero(energy, table[f"{decay}_per_keV"]) for decay in ("u239", "np239"))
        elif name == "texono":
            table = tables.read("flux/reactor/capture_texono2007")
            curves = (Curve(table["energy_keV"], 10.0 ** table["log10_shape"], logarithmic=False),)
        else:
            raise UnknownName(
                "unknown spectrum of neutron capture", given=name, allowed=", ".join(get_args(CaptureName))
            )
        return cls(name, tuple(_normalised(curve, PER_CAPTURE / len(curves)) for curve in curves), table.cite)

    @property
    def high(self) -> float:
        """End point in keV."""
        return max(curve.high for curve in self.curves)

    @property
    def knots(self) -> Array:
        """Energies in keV between which the spectrum is smooth."""
        return np.unique(np.concatenate([curve.knots for curve in self.curves]))

    def __call__(self, energy: Array) -> Array:
        """Density at ``energy`` in 1/keV per capture, zero beyond the end point."""
        return np.asarray(np.sum([curve(energy) for curve in self.curves], axis=0))


def _until_zero(energy: Array, value: Array) -> Curve:
    """The rows up to the first zero after the last decay; rows beyond would only cost nodes."""
    stop = int(np.flatnonzero(value)[-1]) + 2
    return Curve(energy[:stop], value[:stop], logarithmic=False)


def _normalised(curve: Curve, integral: float) -> Curve:
    """``curve`` scaled to ``integral``; exact, since it is a straight line between rows and E^2 below the first."""
    found = np.trapezoid(curve.value, curve.energy) + (0.0 if curve.low > 0 else curve.value[0] * curve.energy[0] / 3)
    return Curve(curve.energy, curve.value * (integral / float(found)), curve.logarithmic)
