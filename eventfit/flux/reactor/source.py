"""Antineutrinos of a reactor at a detector near by: power and distance, or a published flux, times a spectrum.

A reactor of thermal power P undergoes P / <E_f> fissions per second, <E_f> the mean thermal energy per fission of its
fuel; at the distance L the flux is that times the antineutrinos per fission over 4 pi L^2. A published total flux
stands instead of power, distance and energies, so that only the shape is left to the model: published fluxes agree
with BESTIOLE below 2 MeV, while the other spectra there are 5 to 7 % lower at equal power.

All fissions and captures are one component: power, distance and a published flux scale them together, and no recoil
spectrum tells the isotopes apart. ``split`` gives the parts to those who want a norm for each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from eventfit.errors import DeclarationError, OutOfRange, UnknownName, did_you_mean
from eventfit.flux.base import Basis, Flux, Measure
from eventfit.flux.reactor.model import CAPTURE, ReactorModel, require_captures
from eventfit.flux.reactor.spectra import ISOTOPES, TOTAL
from eventfit.quadrature import Array
from eventfit.tables import Tables
from eventfit.units import GW, m

__all__ = ["FARTHEST", "Core", "EnergySet", "ReactorFlux", "TotalFlux", "mean_fission_energy", "reactor_flux"]

#: thermal energies per fission, and the publication they are cited from
EnergySet = Literal["kopeikin2004", "ma2013"]
ENERGY_CITE: Mapping[EnergySet, str] = {"kopeikin2004": "kopeikin2004", "ma2013": "arXiv:1212.6625"}
#: fission fractions are published with three digits; they still have to add to one as they stand
SUM_TOLERANCE = 1e-6
#: farthest core in m. Oscillation is left out: on the way from there 2.3 % of all antineutrinos, and 0.07 % of those
#: that inverse beta decay sees, turn into other flavours; at 28 m 0.5 % and 0.005 %
FARTHEST = 100.0


@dataclass(frozen=True)
class Core:
    """A reactor core: thermal power in GW and distance to the detector in m.

    Raises
    ------
    OutOfRange
        A power or distance that no experiment of this kind has; oscillation is left out, so a core is near.
    """

    power_GW: float
    distance_m: float

    def __post_init__(self) -> None:
        if not 0.0 < self.power_GW <= 10.0:
            raise OutOfRange(
                "thermal power of a core", given=f"{self.power_GW:g} GW", allowed="above 0, up to 10 GW", fix="give GW"
            )
        if not 1.0 <= self.distance_m <= FARTHEST:
            raise OutOfRange(
                "distance to a core",
                given=f"{self.distance_m:g} m",
                allowed=f"1 to {FARTHEST:g} m: farther away antineutrinos oscillate, which is not modelled here",
                fix="give metres",
            )

    @property
    def power_per_area(self) -> float:
        """P / (4 pi L^2) in keV/(cm^2 s)."""
        return self.power_GW * GW / (4.0 * math.pi * (self.distance_m * m) ** 2)


@dataclass(frozen=True)
class TotalFlux:
    """A published flux in 1/(cm^2 s), of all energies from zero."""

    per_cm2_s: float

    def __post_init__(self) -> None:
        if not (self.per_cm2_s > 0.0 and math.isfinite(self.per_cm2_s)):
            raise OutOfRange("a flux has to be positive", given=self.per_cm2_s, allowed="1/(cm^2 s), e.g. 6.4e12")


@dataclass(frozen=True, eq=False)
class ReactorFlux(Flux):
    """Electron antineutrinos of one reactor or several alike, not oscillated.

    Attributes
    ----------
    fission_rate
        Fissions per area and time as seen from the detector, P / (4 pi L^2 <E_f>) in 1/(cm^2 s).
    per_fission
        Part -> how often it happens per fission: shares of the isotopes, 1 for spectra of the mixture, and captures.
    """

    name: str
    model: ReactorModel
    fission_rate: float
    per_fission: Mapping[str, float]
    relative_error: float | None
    cite: tuple[str, ...]

    @property
    def known(self) -> tuple[float, float]:
        return self.model.known

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        if basis != "flavour":
            raise OutOfRange(
                f"the reactor flux {self.name!r} is not propagated: its mass content is unknown",
                given=basis,
                allowed="flavour",
                fix="moments between mass states need a source with an oscillation model",
            )
        return {"nubar_e": Measure.from_density(self.model.edges, self.density, order)}

    def density(self, energy: Array) -> Array:
        """Spectrum at ``energy`` (n,) in 1/(cm^2 s keV).

        Raises
        ------
        OutOfRange
            An energy at which the spectrum is not known.
        """
        found = self.model.parts(energy)
        return np.asarray(self.fission_rate * sum(number * found[part] for part, number in self.per_fission.items()))

    def split(self) -> tuple[ReactorFlux, ...]:
        """One flux per part, named after it; they add to this one."""
        parts = self.per_fission.items()
        return tuple(replace(self, name=f"{self.name}_{part}", per_fission={part: number}) for part, number in parts)


def reactor_flux(
    tables: Tables,
    model: ReactorModel,
    norm: Sequence[Core] | TotalFlux,
    *,
    fractions: Mapping[str, float] | None = None,
    captures_per_fission: float | None = None,
    energies: EnergySet = "kopeikin2004",
    name: str = "reactor",
    relative_error: float | None = None,
) -> ReactorFlux:
    """The flux of one or several cores with the same fuel, or of a published total.

    Parameters
    ----------
    fractions
        Isotope -> share of the fissions; those left out are zero, and all add to one.
    captures_per_fission
        Neutron captures on 238U per fission, where the spectra do not have them already.
    energies
        Thermal energies per fission, for cores.
    relative_error
        Relative 1 sigma error of the norm, where it is known.

    Raises
    ------
    UnknownName
        An isotope without a spectrum, or unknown energies.
    OutOfRange
        Fractions that do not add to one; a published flux for a spectrum that does not start at zero.
    DeclarationError
        No core; fractions or captures missing, or given where nothing depends on them.
    """
    captures = require_captures(model, captures_per_fission)
    by_power = not isinstance(norm, TotalFlux)
    shares = _fractions(model, fractions, needed=by_power or bool(model.isotopes))
    per_fission = {part: shares[part] for part in model.isotopes if part in shares}
    if any(TOTAL in piece.spectra.curves for piece in model.pieces):
        per_fission[TOTAL] = 1.0
    if captures > 0:
        per_fission[CAPTURE] = captures
    cite = (*model.cite, *(key for key in model.capture.cite if captures > 0))
    unit = ReactorFlux(name, model, 1.0, per_fission, relative_error, tuple(dict.fromkeys(cite)))
    if isinstance(norm, TotalFlux):
        return replace(unit, fission_rate=norm.per_cm2_s / _antineutrinos(unit))
    if not norm:
        raise DeclarationError("a reactor without a core", where=name, fix="give power and distance, or a flux")
    rate = sum(core.power_per_area for core in norm) / mean_fission_energy(tables, shares, energies)
    return replace(unit, fission_rate=rate, cite=(*unit.cite, ENERGY_CITE[energies]))


def mean_fission_energy(tables: Tables, fractions: Mapping[str, float], energies: EnergySet) -> float:
    """Mean thermal energy per fission in keV, weighted by ``fractions``.

    Raises
    ------
    UnknownName
        Energies that do not exist.
    """
    if energies not in get_args(EnergySet):
        raise UnknownName("unknown energies per fission", given=energies, allowed=", ".join(get_args(EnergySet)))
    table = tables.read("flux/reactor/fission_energy")
    found = dict(zip(table.text["isotope"], table[f"{energies}_keV"], strict=True))
    return float(sum(share * found[isotope] for isotope, share in fractions.items()))


def _fractions(model: ReactorModel, given: Mapping[str, float] | None, *, needed: bool) -> Mapping[str, float]:
    where = f"reactor model {model.name}, fractions"
    if given is None and needed:
        raise DeclarationError(
            "the fission fractions are missing",
            where=where,
            allowed=", ".join(ISOTOPES),
            fix="e.g. u235 = 0.56, u238 = 0.08, pu239 = 0.30, pu241 = 0.06 for a power reactor, or u235 = 1.0",
        )
    if given is None:
        return {}
    if not needed:
        raise DeclarationError(
            "nothing depends on the fission fractions", where=where, fix="leave them out: the spectrum is of a mixture"
        )
    for isotope, share in given.items():
        if isotope not in ISOTOPES:
            fix = did_you_mean(isotope, ISOTOPES) or "its fissions have to be left out"
            raise UnknownName(
                "an isotope has no antineutrino spectrum",
                where=where,
                given=isotope,
                allowed=", ".join(ISOTOPES),
                fix=fix,
            )
        if not 0.0 <= share <= 1.0:
            raise OutOfRange("a fission fraction", where=where, given=f"{isotope} = {share:g}", allowed="0 to 1")
    total = sum(given.values())
    if not abs(total - 1.0) <= SUM_TOLERANCE:
        raise OutOfRange(
            "the fission fractions do not add to one",
            where=where,
            given=f"{' + '.join(f'{share:g}' for share in given.values())} = {total:g}",
            allowed="a sum of 1",
            fix="divide them by their sum if that is what is meant",
        )
    return dict(given)


def _antineutrinos(unit: ReactorFlux) -> float:
    """Antineutrinos per fission at all energies, of a flux of one fission."""
    if unit.model.low > 0.0:
        raise OutOfRange(
            "a published flux counts all antineutrinos, and the spectrum does not start at zero",
            where=f"reactor model {unit.model.name}",
            given=f"a spectrum from {unit.model.low:g} keV",
            allowed="a spectrum from 0",
            fix="continue it with low_energy, or give power and distance",
        )
    return unit.measure("flavour", order=4)["nubar_e"].total
