"""What scatters and how: one mechanism per file, all built on :mod:`eventfit.cross_section.base`."""

from eventfit.cross_section.atom import ElectronTreatment, FreeElectrons, SteppingElectrons
from eventfit.cross_section.base import Coupling, Process, Recoil, Term, maximum_recoil, minimum_energy
from eventfit.cross_section.capture import SNU, CaptureProcess, GalliumCapture
from eventfit.cross_section.charge_radius import ChargeRadius
from eventfit.cross_section.electron import StandardModelElectron, WeakElectron
from eventfit.cross_section.form_factor import FormFactor, Helm, KleinNystrand, PointLike, form_factor
from eventfit.cross_section.inverse_beta import InverseBetaDecay
from eventfit.cross_section.millicharge import Millicharge
from eventfit.cross_section.moment import FlavourMoments, MagneticMoment, TransitionMoments
from eventfit.cross_section.nucleus import CoherentScattering, MomentOnNucleus
from eventfit.cross_section.photon_exchange import CrossTerms, PhotonExchange
from eventfit.cross_section.radiative import CorrectedElectron

__all__ = [
    "SNU",
    "CaptureProcess",
    "ChargeRadius",
    "CoherentScattering",
    "CorrectedElectron",
    "Coupling",
    "CrossTerms",
    "ElectronTreatment",
    "FlavourMoments",
    "FormFactor",
    "FreeElectrons",
    "GalliumCapture",
    "Helm",
    "InverseBetaDecay",
    "KleinNystrand",
    "MagneticMoment",
    "Millicharge",
    "MomentOnNucleus",
    "PhotonExchange",
    "PointLike",
    "Process",
    "Recoil",
    "StandardModelElectron",
    "SteppingElectrons",
    "Term",
    "TransitionMoments",
    "WeakElectron",
    "form_factor",
    "maximum_recoil",
    "minimum_energy",
]
