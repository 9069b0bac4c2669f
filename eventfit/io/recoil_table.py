"""The recoil spectrum of a new signal in a table: rates, or cross sections per electron, with units in column names."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eventfit import units
from eventfit.errors import OutOfRange, UnknownName
from eventfit.io.measured import Curve
from eventfit.io.measured.axis_unit import ENERGY
from eventfit.io.reading import read_columns
from eventfit.io.source import Source, listed
from eventfit.quadrature import Array

__all__ = ["RecoilTable", "intensity_of", "read_recoils"]

MASS = {"kg": units.kg, "tonne": units.tonne}
TIME = {"s": units.s, "day": units.day, "year": units.year}
#: what a column, or a unit that is stated, may be called
_RATE = re.compile(rf"(?:rate_)?per_({'|'.join(ENERGY)})_({'|'.join(MASS)})_({'|'.join(TIME)})")
_SIGMA = re.compile(rf"(?:sigma_)?cm2_per_({'|'.join(ENERGY)})")
_RECOIL = re.compile(rf"T_({'|'.join(ENERGY)})")
NAMES = "T_keV, and rate_per_keV_kg_day or sigma_cm2_per_keV (eV, keV, MeV, GeV; kg, tonne; s, day, year)"


@dataclass(frozen=True, eq=False)
class RecoilTable:
    """A recoil spectrum at points ``T`` (n,) in keV, and where it comes from.

    ``value`` (n,) is in 1/(keV kg s), or ``per_electron`` in cm^2/keV.
    """

    T: Array
    value: Array
    per_electron: bool
    where: str
    sha256: str

    @classmethod
    def of(cls, T: Array, value: Array, unit: str, where: str, sha256: str = "") -> RecoilTable:
        """Points in keV and values in ``unit``.

        Raises
        ------
        OutOfRange
            Points that do not increase or are negative, values that are negative or not finite.
        UnknownName
            A unit that is not known.
        """
        factor, per_electron = intensity_of(unit, where)
        curve = Curve(np.asarray(T, dtype=float), np.asarray(value, dtype=float), where=where)
        for what, numbers in (("a recoil energy", curve.x), ("the spectrum", curve.y)):
            if np.any(numbers < 0):
                row = int(np.argmax(numbers < 0))
                raise OutOfRange(
                    f"{what} is negative",
                    where=f"{where}, row {row + 1} (T = {curve.x[row]:g} keV)",
                    given=float(numbers[row]),
                    allowed="zero or more",
                    fix="a signal adds events; of an interference give the square alone, or declare the process",
                )
        digest = hashlib.sha256(curve.x.tobytes() + curve.y.tobytes() + unit.encode()).hexdigest()
        return cls(curve.x, factor * curve.y, per_electron, where, sha256 or digest)


def intensity_of(unit: str, where: str) -> tuple[float, bool]:
    """What numbers in ``unit`` are multiplied with, and whether they are cross sections per electron.

    Refuses (:class:`UnknownName`) anything but ``per_keV_kg_day`` and ``cm2_per_keV`` with their variations.
    """
    if found := _RATE.fullmatch(unit):
        return 1.0 / (ENERGY[found[1]] * MASS[found[2]] * TIME[found[3]]), False
    if found := _SIGMA.fullmatch(unit):
        return units.cm**2 / ENERGY[found[1]], True
    raise UnknownName(
        "the unit of a recoil spectrum is not stated" if not unit else "a recoil spectrum has no such unit",
        where=where,
        given=unit or None,
        allowed="per_keV_kg_day, cm2_per_keV, and so on (eV, keV, MeV, GeV; kg, tonne; s, day, year)",
        fix="pass unit=",
    )


def read_recoils(source: str | Path) -> RecoilTable:
    """The recoil spectrum in a text table, a Parquet file or a ROOT tree: a column ``T_keV`` and one of values.

    Raises
    ------
    MissingInput, BadFile
        The file is missing, damaged, or no table.
    UnknownName
        Its columns do not say their units, or say them twice.
    OutOfRange
        Values that are negative or not finite, energies that do not increase.
    """
    place = Source.of(source)
    table = read_columns(source)
    recoil = [name for name in table.names if _RECOIL.fullmatch(name)]
    values = [name for name in table.names if _named(name)]
    if len(recoil) != 1 or len(values) != 1:
        raise UnknownName(
            "a recoil spectrum needs one column of recoil energies and one of values, named with their units",
            where=place.where,
            given=listed(list(table.names)),
            allowed=NAMES,
            fix="rename the columns in the header"
            if not (recoil and values) or max(len(recoil), len(values)) == 1
            else "keep one of " + ", ".join(recoil if len(recoil) > 1 else values),
        )
    scale = ENERGY[recoil[0].removeprefix("T_")]
    return RecoilTable.of(scale * table[recoil[0]], table[values[0]], values[0], place.where, place.sha256)


def _named(column: str) -> bool:
    """Whether a column is one of rates or cross sections; in a table the word in front is not left out."""
    return bool(
        (column.startswith("rate_") and _RATE.fullmatch(column))
        or (column.startswith("sigma_") and _SIGMA.fullmatch(column))
    )
