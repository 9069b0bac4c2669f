"""What files of measured numbers hold, whatever their format; all arrays are finite and read-only."""

from eventfit.io.measured.curve import Curve
from eventfit.io.measured.events import Events
from eventfit.io.measured.histogram import Flow, Histogram
from eventfit.io.measured.matrix import Matrix

__all__ = ["Curve", "Events", "Flow", "Histogram", "Matrix"]
