"""What was measured in the bins of the response, in the form that the declaration names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventfit.analysis.binning import observed_spectrum, residual_spectrum
from eventfit.analysis.declaration import Declaration, RatioDeclared
from eventfit.analysis.physics import Physics
from eventfit.errors import DeclarationError, MissingInput
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum
from eventfit.tables import Tables

__all__ = ["Measured", "derive_measured", "read_measured"]


@dataclass(frozen=True, eq=False)
class Measured:
    """The ``spectrum`` that is fitted, and the given errors of its bins (n_bin,), zero where it holds counts."""

    spectrum: Spectrum
    errors: Array

    @classmethod
    def counts(cls, spectrum: Spectrum) -> Measured:
        """Counts, whose errors are those of Poisson."""
        return cls(spectrum, np.zeros(len(spectrum.values())))


def read_measured(declared: Declaration, tables: Tables) -> Measured | None:
    """Counts, or a residual with errors; None if the declaration names no table of data."""
    data = declared.data
    if data.observed is not None:
        return Measured.counts(observed_spectrum(tables, data.observed, declared.response))
    if data.residual is not None:
        spectrum, errors = residual_spectrum(tables, data.residual, declared.response, declared.exposure)
        return Measured(spectrum, errors)
    return None


def derive_measured(declared: Declaration, physics: Physics, backgrounds: Mapping[str, Spectrum]) -> Measured:
    """A ratio to the weak rate as counts, or what is expected without signal.

    Raises
    ------
    DeclarationError, MissingInput
        A ratio to nothing, an expectation of nothing.
    """
    if declared.data.ratio_to_weak is not None:
        return _ratio(declared.data.ratio_to_weak, declared.response.edges, physics)
    weak = [template.spectrum.values() for template in physics.templates if not template.powers]
    parts = [*weak, *(spectrum.values() for spectrum in backgrounds.values())]
    if not parts:
        raise MissingInput(
            "without signal this declaration expects nothing, so there is no expected result",
            where="data.asimov",
            fix="declare a background, or the weak scattering",
        )
    expected = np.sum(parts, axis=0)
    return Measured.counts(Spectrum(declared.response.edges, expected, expected, "expected without signal"))


def _ratio(declared: RatioDeclared, edges: Array, physics: Physics) -> Measured:
    """The measured rate in the one bin, as counts of the declared exposure."""
    weak = {t.component: float(t.spectrum.values().sum()) for t in physics.templates if not t.powers}
    of = list(weak) if declared.of is None else declared.of
    unknown = [name for name in of if name not in weak]
    if len(edges) != 2 or not weak or unknown:
        raise DeclarationError(
            "a ratio to the weak rate needs one bin, and a weak process for the components that it names",
            where="data.ratio_to_weak",
            given=f"{len(edges) - 1} bins, weak scattering of {', '.join(weak) or 'nothing'}"
            + (f", not of {', '.join(unknown)}" if unknown else ""),
            fix='declare one bin and a process of kind = "standard_model"',
        )
    unit = sum(weak[name] for name in of)
    rest = sum(counts for name, counts in weak.items() if name not in of)
    error = unit * math.hypot(*declared.errors)
    spectrum = Spectrum(edges, np.array([declared.value * unit + rest]), np.array([error**2]), "measured")
    return Measured(spectrum, np.array([error]))
