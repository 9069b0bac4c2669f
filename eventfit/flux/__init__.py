"""Neutrino sources as quadrature nodes: one file per kind of source, all built on :mod:`eventfit.flux.base`."""

from eventfit.flux.base import Basis, Flux, Measure
from eventfit.flux.oscillation import Oscillated, OscillationParameters, oscillated_solar_flux
from eventfit.flux.reactor import Core, ReactorFlux, ReactorModel, TotalFlux, reactor_flux
from eventfit.flux.solar import SolarComponent, solar_flux
from eventfit.flux.stopped_pion import StoppedPionComponent, flux_per_flavour, stopped_pion_flux

__all__ = [
    "Basis",
    "Core",
    "Flux",
    "Measure",
    "Oscillated",
    "OscillationParameters",
    "ReactorFlux",
    "ReactorModel",
    "SolarComponent",
    "TotalFlux",
    "StoppedPionComponent",
    "flux_per_flavour",
    "oscillated_solar_flux",
    "reactor_flux",
    "solar_flux",
    "stopped_pion_flux",
]
