"""What scatters and how: one mechanism per file, all built on :mod:`eventfit.cross_section.base`."""

from eventfit.cross_section.atom import ElectronTreatment, FreeElectrons, SteppingElectrons
from eventfit.cross_section.base import Coupling, Process, Term, maximum_recoil, minimum_energy
from eventfit.cross_section.capture import SNU, CaptureProcess, GalliumCapture
from eventfit.cross_section.electron import StandardModelElectron
from eventfit.cross_section.inverse_beta import InverseBetaDecay
from eventfit.cross_section.moment import FlavourMoments, MagneticMoment, TransitionMoments
from eventfit.cross_section.radiative import CorrectedElectron

__all__ = [
    "SNU",
    "CaptureProcess",
    "CorrectedElectron",
    "Coupling",
    "ElectronTreatment",
    "FlavourMoments",
    "FreeElectrons",
    "GalliumCapture",
    "InverseBetaDecay",
    "MagneticMoment",
    "Process",
    "StandardModelElectron",
    "SteppingElectrons",
    "Term",
    "TransitionMoments",
    "maximum_recoil",
    "minimum_energy",
]
