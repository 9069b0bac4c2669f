"""What the detector makes of a recoil: quenching -> resolution -> efficiency -> bins, as one matrix.

A true nuclear recoil (keV_nr) is quenched to a visible energy (keV_ee); electron recoils have that energy themselves.
The order is explicit. An efficiency declared after the resolution is a function of the reconstructed energy and is
integrated inside each bin together with the smearing; before it, of the visible energy if quenching has acted, else of
the true recoil.
"""

from eventfit.response.axis import Axis, Hits, KeV
from eventfit.response.distortion import (
    Distortion,
    EfficiencyBand,
    EnergyScale,
    LindhardK,
    QuenchingScale,
    ResolutionWidth,
    ThresholdShift,
)
from eventfit.response.efficiency import Acceptance, Efficiency
from eventfit.response.matrix import Response, Stage
from eventfit.response.migration import Beyond, MigrationMatrix
from eventfit.response.quenching import ConstantQuenching, LindhardQuenching, Quenching, TabulatedQuenching
from eventfit.response.resolution import (
    ConstantResolution,
    FanoResolution,
    PerfectResolution,
    PolynomialResolution,
    Resolution,
    SqrtResolution,
)
from eventfit.response.tabulated import TabulatedResolution

__all__ = [
    "Acceptance",
    "Axis",
    "Beyond",
    "ConstantQuenching",
    "ConstantResolution",
    "Distortion",
    "Efficiency",
    "EfficiencyBand",
    "EnergyScale",
    "FanoResolution",
    "Hits",
    "KeV",
    "LindhardK",
    "LindhardQuenching",
    "MigrationMatrix",
    "PerfectResolution",
    "PolynomialResolution",
    "Quenching",
    "QuenchingScale",
    "Resolution",
    "ResolutionWidth",
    "Response",
    "SqrtResolution",
    "Stage",
    "TabulatedQuenching",
    "TabulatedResolution",
    "ThresholdShift",
]
