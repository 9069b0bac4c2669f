"""What was measured in the bins of the response, in the form that the declaration names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventfit.analysis.binning import observed_spectrum, residual_spectrum
from eventfit.analysis.counted import counted
from eventfit.analysis.declaration import Declaration
from eventfit.analysis.files import BinsFile, Per
from eventfit.analysis.inputs import Inputs
from eventfit.analysis.own_matrix import own_covariance
from eventfit.analysis.physics import Physics
from eventfit.errors import MissingInput, located
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum

__all__ = ["Measured", "derive_measured", "read_measured"]

#: unit of the residual of a table with provenance
RESIDUAL: Per = "keV kg day"


@dataclass(frozen=True, eq=False)
class Measured:
    """The ``spectrum`` that is fitted, and the given errors of its bins (n_bin,), zero where it holds counts.

    Correlated bins are fitted as independent combinations of them: ``rotation`` (n_bin, n_bin) is orthogonal, times the
    bins it gives these, and the errors are theirs. Nothing is approximated.
    """

    spectrum: Spectrum
    errors: Array
    rotation: Array | None = None

    @classmethod
    def counts(cls, spectrum: Spectrum) -> Measured:
        """Counts, whose errors are those of Poisson."""
        return cls(spectrum, np.zeros(len(spectrum.values())))


def read_measured(declared: Declaration, tables: Inputs) -> Measured | None:
    """Counts, or a residual with errors; None if the declaration names no table of data."""
    data = declared.data
    if data.observed is not None:
        return Measured.counts(observed_spectrum(tables, data.observed, declared.response, declared.exposure))
    if data.residual is not None:
        spectrum, errors = residual_spectrum(
            tables, data.residual, declared.response, declared.exposure, correlated=data.covariance is not None
        )
        return Measured(spectrum, errors) if data.covariance is None else _correlated(declared, tables, spectrum)
    return None


def _correlated(declared: Declaration, tables: Inputs, spectrum: Spectrum) -> Measured:
    """A residual with a covariance, in the combinations of bins that are independent."""
    covariance, residual = declared.data.covariance, declared.data.residual
    assert covariance is not None
    per = residual.per if isinstance(residual, BinsFile) else RESIDUAL
    with located("data.covariance"):
        matrix = own_covariance(tables, covariance, per, spectrum.edges, declared.exposure.internal)
    variance, directions = np.linalg.eigh(matrix)
    content = Spectrum(spectrum.edges, spectrum.values(), np.diagonal(matrix).copy(), spectrum.name)
    return Measured(content, np.sqrt(variance), directions.T)


def derive_measured(
    declared: Declaration, physics: Physics, backgrounds: Mapping[str, Spectrum], tables: Inputs
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
