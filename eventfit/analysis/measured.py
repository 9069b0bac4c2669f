"""What was measured in the bins of the response, in the form that the declaration names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventfit.analysis.binning import observed_spectrum, residual_spectrum
from eventfit.analysis.counted import counted
from eventfit.analysis.declaration import Declaration
from eventfit.analysis.physics import Physics
from eventfit.errors import MissingInput
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


def derive_measured(
    declared: Declaration, physics: Physics, backgrounds: Mapping[str, Spectrum], tables: Tables
) -> Measured:
    """One counted number in units of what is expected weakly, as counts; or what is expected without signal.

    Raises
    ------
    DeclarationError, MissingInput
        A number relative to nothing, an expectation of nothing.
    """
    if declared.data.counted is not None:
        counts, error = counted(declared, physics, tables)
        spectrum = Spectrum(declared.response.edges, np.array([counts]), np.array([error**2]), "measured")
        return Measured(spectrum, np.array([error]))
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
