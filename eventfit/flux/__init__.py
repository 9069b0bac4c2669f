"""Neutrino sources as quadrature nodes: one file per kind of source, all built on :mod:`eventfit.flux.base`."""

from eventfit.flux.base import Basis, Flux, Measure
from eventfit.flux.oscillation import Oscillated, OscillationParameters, oscillated_solar_flux
from eventfit.flux.solar import SolarComponent, solar_flux

__all__ = [
    "Basis",
    "Flux",
    "Measure",
    "Oscillated",
    "OscillationParameters",
    "SolarComponent",
    "oscillated_solar_flux",
    "solar_flux",
]
