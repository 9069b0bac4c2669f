"""What scatters and how: one mechanism per file, all built on :mod:`eventfit.cross_section.base`."""

from eventfit.cross_section.atom import ElectronTreatment, FreeElectrons, SteppingElectrons
from eventfit.cross_section.base import Coupling, Process, Term, maximum_recoil, minimum_energy
from eventfit.cross_section.capture import SNU, CaptureProcess, GalliumCapture
from eventfit.cross_section.charge_radius import ChargeRadius
from eventfit.cross_section.electron import StandardModelElectron, WeakElectron
from eventfit.cross_section.inverse_beta import InverseBetaDecay
from eventfit.cross_section.millicharge import Millicharge
from eventfit.cross_section.moment import FlavourMoments, MagneticMoment, TransitionMoments
from eventfit.cross_section.photon_exchange import CrossTerms, PhotonExchange
from eventfit.cross_section.radiative import CorrectedElectron

__all__ = [
    "SNU",
    "CaptureProcess",
    "ChargeRadius",
    "CorrectedElectron",
    "Coupling",
    "CrossTerms",
    "ElectronTreatment",
    "FlavourMoments",
    "FreeElectrons",
    "GalliumCapture",
    "InverseBetaDecay",
    "MagneticMoment",
    "Millicharge",
    "PhotonExchange",
    "Process",
    "StandardModelElectron",
    "SteppingElectrons",
    "Term",
    "TransitionMoments",
    "WeakElectron",
    "maximum_recoil",
    "minimum_energy",
]
