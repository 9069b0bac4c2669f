"""What the detector makes of a recoil: quenching -> resolution -> efficiency -> bins, as one matrix.

The order is explicit. An efficiency declared after the resolution is a function of the reconstructed energy and is
integrated inside each bin together with the smearing; before it, of the visible energy if quenching has acted, else of
the true recoil.
"""

from eventfit.response.axis import Axis, Hits, KeV
from eventfit.response.distortion import (
    Distortion,
    EfficiencyBand,
    EnergyScale,
    QuenchingScale,
    ResolutionWidth,
    ThresholdShift,
)
from eventfit.response.efficiency import Acceptance, Efficiency
from eventfit.response.matrix import Response, Stage
from eventfit.response.quenching import ConstantQuenching, Quenching
from eventfit.response.resolution import (
    ConstantResolution,
    PerfectResolution,
    PolynomialResolution,
    Resolution,
    SqrtResolution,
)

__all__ = [
    "Acceptance",
    "Axis",
    "ConstantQuenching",
    "ConstantResolution",
    "Distortion",
    "Efficiency",
    "EfficiencyBand",
    "EnergyScale",
    "Hits",
    "KeV",
    "PerfectResolution",
    "PolynomialResolution",
    "Quenching",
    "QuenchingScale",
    "Resolution",
    "ResolutionWidth",
    "Response",
    "SqrtResolution",
    "Stage",
    "ThresholdShift",
]
