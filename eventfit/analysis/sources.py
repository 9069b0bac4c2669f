"""Declared sources other than the Sun: a reactor near the detector."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from eventfit.flux.reactor import (
    CaptureName,
    Core,
    EnergySet,
    ReactorFlux,
    ReactorModel,
    SpectraName,
    TotalFlux,
    reactor_flux,
)
from eventfit.strict import Finite, Name, Positive, Strict
from eventfit.tables import Tables

__all__ = ["CoreDeclared", "FractionsDeclared", "ReactorDeclared", "build_reactor"]


class FractionsDeclared(Strict):
    """Shares of the fissions; they add to one, and those left out are zero."""

    u235: Finite = 0.0
    u238: Finite = 0.0
    pu239: Finite = 0.0
    pu241: Finite = 0.0


class CoreDeclared(Strict):
    """One of several cores with the same fuel: thermal power, and distance to the detector in metres."""

    power_GW: Positive
    distance_m: Positive


class ReactorDeclared(Strict):
    """Reactor antineutrinos, normalised by ``power_GW`` and ``distance_m``, by ``core``, or by a published total flux.

    ``model`` names the spectra, ``low_energy`` and ``high_energy`` those that continue them below and above.
    """

    kind: Literal["reactor"]
    name: Name = "reactor"
    model: SpectraName
    low_energy: SpectraName | None = None
    high_energy: SpectraName | None = None
    fractions: FractionsDeclared | None = None
    captures_per_fission: Finite | None = None
    capture_spectrum: CaptureName = "bestiole"
    power_GW: Positive | None = None
    distance_m: Positive | None = None
    core: Annotated[list[CoreDeclared], Field(min_length=1)] | None = None
    flux_per_cm2_s: Positive | None = None
    fission_energy: EnergySet = "kopeikin2004"

    @model_validator(mode="after")
    def _one_norm(self) -> ReactorDeclared:
        single = [key for key in ("power_GW", "distance_m") if getattr(self, key) is not None]
        ways = [*single, *(key for key in ("core", "flux_per_cm2_s") if getattr(self, key) is not None)]
        if not ways:
            raise ValueError("the norm is missing: power_GW and distance_m, or core, or flux_per_cm2_s")
        if len(single) == 1 and len(ways) == 1:
            raise ValueError(f"{single[0]} alone is no norm: power_GW and distance_m belong together")
        if ways not in (["power_GW", "distance_m"], ["core"], ["flux_per_cm2_s"]):
            given = " and ".join(ways)
            raise ValueError(f"{given} both norm the flux: power_GW and distance_m, or core, or flux_per_cm2_s")
        if self.flux_per_cm2_s is not None and "fission_energy" in self.model_fields_set:
            raise ValueError("fission_energy has no effect on a published flux: leave it out")
        return self

    @property
    def norm(self) -> list[Core] | TotalFlux:
        """Cores, or a published flux."""
        if self.flux_per_cm2_s is not None:
            return TotalFlux(self.flux_per_cm2_s)
        if self.core is not None:
            return [Core(core.power_GW, core.distance_m) for core in self.core]
        assert self.power_GW is not None
        assert self.distance_m is not None
        return [Core(self.power_GW, self.distance_m)]


def build_reactor(declared: ReactorDeclared, tables: Tables) -> ReactorFlux:
    """The declared reactor as a flux.

    Raises
    ------
    OutOfRange
        Spectra where they are not valid, fractions that do not add to one, a distance at which oscillation matters.
    DeclarationError
        Captures or fractions missing, counted twice or without effect.
    """
    model = ReactorModel.load(
        tables, declared.model, declared.low_energy, declared.high_energy, declared.capture_spectrum
    )
    fractions = None if declared.fractions is None else declared.fractions.model_dump(exclude_unset=True)
    return reactor_flux(
        tables,
        model,
        declared.norm,
        fractions=fractions,
        captures_per_fission=declared.captures_per_fission,
        energies=declared.fission_energy,
        name=declared.name,
    )
