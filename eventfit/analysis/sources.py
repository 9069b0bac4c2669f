"""Declared sources: the Sun with its oscillation, reactors near by, stopped pions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from eventfit.errors import located
from eventfit.flux import Flux, OscillationParameters, oscillated_solar_flux, solar_flux, stopped_pion_flux
from eventfit.flux.oscillation import OscillationSet
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
from eventfit.flux.solar import SolarModel
from eventfit.flux.stopped_pion import StoppedPionState, flux_per_flavour
from eventfit.strict import Finite, Name, Positive, Strict
from eventfit.tables import Tables
from eventfit.units import m

__all__ = [
    "CoreDeclared",
    "FractionsDeclared",
    "OscillationDeclared",
    "ReactorDeclared",
    "SolarDeclared",
    "Source",
    "StoppedPionDeclared",
    "build_fluxes",
    "build_reactor",
]


def _once(names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        raise ValueError("each component may stand there once")
    return names


class SolarDeclared(Strict):
    """Solar components with the norms of a standard solar model."""

    kind: Literal["solar"]
    model: SolarModel
    components: Annotated[
        list[Literal["pp", "pep", "hep", "be7", "b8", "n13", "o15", "f17"]], Field(min_length=1), AfterValidator(_once)
    ]


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


class OscillationDeclared(Strict):
    """The matter effect in the Sun and decoherence on the way; without this table a nu_e stays one.

    ``parameters`` names a global fit; any of its values may be replaced.
    """

    parameters: OscillationSet
    sin2_theta12: Finite | None = None
    sin2_theta13: Finite | None = None
    sin2_theta23: Finite | None = None
    dm21_eV2: Finite | None = None
    dm31_eV2: Finite | None = None
    delta_cp_deg: Finite | None = None


class StoppedPionDeclared(Strict):
    """Neutrinos of pi+ and mu+ that decay at rest; the same flux of each kind.

    The norm is the published flux per flavour, or follows from protons, stopped pi+ per proton and distance.
    """

    kind: Literal["stopped_pion"]
    components: Annotated[list[StoppedPionState], Field(min_length=1), AfterValidator(_once)]
    flux_per_flavour_per_cm2_s: Positive | None = None
    protons_per_s: Positive | None = None
    pions_per_proton: Positive | None = None
    distance_m: Positive | None = None

    @model_validator(mode="after")
    def _one_norm(self) -> StoppedPionDeclared:
        source = {name: getattr(self, name) for name in ("protons_per_s", "pions_per_proton", "distance_m")}
        given = [name for name, value in source.items() if value is not None]
        if self.flux_per_flavour_per_cm2_s is not None and given:
            raise ValueError(f"flux_per_flavour_per_cm2_s or {', '.join(source)}; here is the flux and {given[0]}")
        if self.flux_per_flavour_per_cm2_s is None and len(given) < len(source):
            missing = [name for name in source if name not in given]
            raise ValueError(f"flux_per_flavour_per_cm2_s or all of {', '.join(source)}; missing {', '.join(missing)}")
        return self

    @property
    def per_flavour(self) -> float:
        """Flux of each kind at the detector in 1/(cm^2 s)."""
        if self.flux_per_flavour_per_cm2_s is not None:
            return self.flux_per_flavour_per_cm2_s
        assert self.protons_per_s is not None
        assert self.pions_per_proton is not None
        assert self.distance_m is not None
        return flux_per_flavour(self.protons_per_s, self.pions_per_proton, self.distance_m * m)


Source = Annotated[SolarDeclared | ReactorDeclared | StoppedPionDeclared, Field(discriminator="kind")]


def build_fluxes(
    declared: Sequence[SolarDeclared | ReactorDeclared | StoppedPionDeclared],
    oscillation: OscillationDeclared | None,
    tables: Tables,
) -> list[Flux]:
    """The components of all sources; ``oscillation`` is that of solar neutrinos."""
    fluxes: list[Flux] = []
    for number, source in enumerate(declared, 1):
        with located(f"flux[{number}]"):
            if isinstance(source, SolarDeclared):
                fluxes += _solar(source, oscillation, tables)
            elif isinstance(source, ReactorDeclared):
                fluxes.append(build_reactor(source, tables))
            else:
                fluxes += stopped_pion_flux(source.per_flavour, components=source.components)
    return fluxes


def _solar(source: SolarDeclared, oscillation: OscillationDeclared | None, tables: Tables) -> Sequence[Flux]:
    if oscillation is None:
        return solar_flux(tables, source.components, source.model)
    changed = oscillation.model_dump(exclude={"parameters"}, exclude_none=True)
    with located("oscillation"):
        parameters = replace(OscillationParameters.load(tables, oscillation.parameters), **changed)
    return oscillated_solar_flux(tables, source.components, source.model, parameters)


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
