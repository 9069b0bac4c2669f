"""Reactor antineutrinos: published spectra, joined where each is valid, times the rate of fissions."""

from eventfit.flux.reactor.model import CAPTURE, ReactorModel
from eventfit.flux.reactor.source import Core, EnergySet, ReactorFlux, TotalFlux, mean_fission_energy, reactor_flux
from eventfit.flux.reactor.spectra import ISOTOPES, CaptureName, CaptureSpectrum, FissionSpectra, SpectraName

__all__ = [
    "CAPTURE",
    "ISOTOPES",
    "CaptureName",
    "CaptureSpectrum",
    "Core",
    "EnergySet",
    "FissionSpectra",
    "ReactorFlux",
    "ReactorModel",
    "SpectraName",
    "TotalFlux",
    "mean_fission_energy",
    "reactor_flux",
]
