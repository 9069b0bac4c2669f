"""The recoil spectrum of a new signal: a table, arrays or a function, with its units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eventfit.analysis.declaration import Declaration
from eventfit.errors import InputError, OutOfRange
from eventfit.io.recoil_table import RecoilTable, intensity_of, read_recoils
from eventfit.quadrature import Array

__all__ = ["Rate", "RecoilSpectrum", "on_off", "recoil_spectrum"]

Rate = Callable[[Array], Array]

#: a table that ends with less than this, relative to its largest value, ends with nothing
NEGLIGIBLE = 1e-9


@dataclass(frozen=True, eq=False)
class RecoilSpectrum:
    """The recoil spectrum of a new signal at strength 1.

    Attributes
    ----------
    rate
        Of recoils in keV, in 1/(keV kg s), or with ``flux`` in cm^2/keV per electron.
    table
        Its points; None for a function of Python.
    end
        The largest recoil in keV; infinite for a function without one.
    flux
        In 1/(cm^2 s), what a cross section per electron is multiplied with.
    """

    name: str
    rate: Rate
    table: RecoilTable | None
    end: float
    flux: float | None

    @property
    def per_electron(self) -> bool:
        """Whether it is a cross section, which means the same in every material."""
        return self.flux is not None

    @property
    def sha256(self) -> str:
        """Of the file or the points; empty for a function."""
        return "" if self.table is None else self.table.sha256

    @property
    def thinned(self) -> Rate | None:
        """The spectrum from every second row of its table, both ends kept."""
        if self.table is None or len(self.table.T) < 3:
            return None
        last = len(self.table.T) - 1
        rows = np.unique(np.append(np.arange(0, last, 2), last))
        return _interpolated(self.table.T[rows], self.table.value[rows])

    def notes(self, declared: Declaration, numerical_error: float) -> tuple[str, ...]:
        """What belongs beside a number of a recast."""
        material = declared.target.material
        where = self.name if self.table is None else Path(self.table.where).name
        if self.flux is None:
            meaning = f"recoils per kg of {material}, taken as given"
        else:
            meaning = f"cross section per electron times {self.flux:g} per cm^2 and s"
        found = (
            f"recast: {where} in the place of the declared signal ({meaning}); response, backgrounds and errors as "
            f"declared; numerical error {numerical_error:.1g}"
        )
        cancels = "the signal is taken as absent from what is subtracted (OFF data): one that is always there cancels"
        return (found, cancels) if on_off(declared) else (found,)

    def require(self, low: float, high: float) -> None:
        """Refuse a table that ends where recoils are seen, ``low`` to ``high`` keV, unless it ends with zero."""
        if self.table is None:
            return
        T, value = self.table.T, self.table.value
        first, last = value[[0, -1]] > NEGLIGIBLE * value.max()
        if (T[0] > low and first) or (T[-1] < high and last):
            raise OutOfRange(
                "the spectrum ends where this experiment sees recoils",
                where=self.table.where,
                given=f"{T[0]:g} to {T[-1]:g} keV",
                allowed=f"at least {low:.3g} to {high:.4g} keV, or a value of zero where the recoils end",
                fix="add rows; nothing is extrapolated",
            )


def recoil_spectrum(
    source: object, *, flux: float | None = None, unit: str = "", end_keV: float = np.inf
) -> RecoilSpectrum:
    """The spectrum that ``source`` gives.

    Parameters
    ----------
    source
        A file with a column ``T_keV`` and one such as ``rate_per_keV_kg_day`` or ``sigma_cm2_per_keV``; arrays
        ``(T, values)``; or a function of an array of recoil energies in keV. A spectrum is returned as it is.
    flux
        In 1/(cm^2 s): needed for a cross section per electron, and by nothing else.
    unit
        Of arrays and functions, which have no column to say it: ``per_keV_kg_day``, ``cm2_per_keV`` ...
    end_keV
        The largest recoil of a function.

    Raises
    ------
    InputError
        A flux without a cross section or the other way round, a unit that is missing; and what reading raises.
    """
    if isinstance(source, RecoilSpectrum):
        return source
    if callable(source):
        factor, per_electron = intensity_of(unit, "spectrum")
        name = getattr(source, "__name__", "function").strip("<>")
        given: Rate = source
        found = RecoilSpectrum(name, lambda T: factor * np.asarray(given(T)), None, end_keV, flux)
    else:
        if isinstance(source, str | Path):
            table = read_recoils(source)
            name = Path(source).stem
        elif isinstance(source, tuple) and len(source) == 2:
            table, name = RecoilTable.of(source[0], source[1], unit, "spectrum"), "spectrum"
        else:
            raise InputError(
                "this is no recoil spectrum",
                given=type(source).__name__,
                allowed="a file, a pair of arrays (T, values), or a function of T in keV",
            )
        per_electron = table.per_electron
        found = RecoilSpectrum(name, _interpolated(table.T, table.value), table, float(table.T[-1]), flux)
    _require_flux(flux, per_electron)
    return found


def on_off(declared: Declaration) -> bool:
    """Whether data without the source are subtracted, or measure the background."""
    return declared.off is not None or declared.data.residual is not None


def _interpolated(T: Array, value: Array) -> Rate:
    return lambda at: np.interp(at, T, value, right=0.0)


def _require_flux(flux: float | None, per_electron: bool) -> None:
    if per_electron != (flux is not None):
        raise InputError(
            "a cross section needs the flux that it is averaged over" if per_electron else "a rate needs no flux",
            where="spectrum",
            given="no flux" if flux is None else f"a flux of {flux:g} per cm^2 and s",
            fix="add --flux in 1/(cm^2 s)" if per_electron else "leave --flux out, or give sigma_cm2_per_keV",
        )
    if flux is not None and not 0.0 < flux < np.inf:
        raise OutOfRange("a flux is a positive number", given=flux, allowed="1/(cm^2 s)")
