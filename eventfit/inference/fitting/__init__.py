"""Fits: Newton steps for one data set or thousands, certificates, iminuit as referee, and profiles made of them."""

from eventfit.inference.fitting.batch import BatchFit, fit_batch
from eventfit.inference.fitting.fit import fit, require_good
from eventfit.inference.fitting.migrad import minos_interval
from eventfit.inference.fitting.profile import Profile

__all__ = ["BatchFit", "Profile", "fit", "fit_batch", "minos_interval", "require_good"]
