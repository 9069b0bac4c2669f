"""What scatters and how: one mechanism per file, all built on :mod:`eventfit.cross_section.base`."""

from eventfit.cross_section.atom import ElectronTreatment, FreeElectrons, SteppingElectrons
from eventfit.cross_section.base import Coupling, Process, Term, maximum_recoil, minimum_energy
from eventfit.cross_section.electron import MagneticMoment, StandardModelElectron

__all__ = [
    "Coupling",
    "ElectronTreatment",
    "FreeElectrons",
    "MagneticMoment",
    "Process",
    "StandardModelElectron",
    "SteppingElectrons",
    "Term",
    "maximum_recoil",
    "minimum_energy",
]
