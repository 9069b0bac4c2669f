"""Units of axes and columns as other programs write them, and the factors between those of energy."""

from __future__ import annotations

import re

from eventfit import units
from eventfit.errors import OutOfRange

__all__ = ["ENERGY", "factor_between", "unit_in"]

#: keV per unit
ENERGY = {"eV": units.eV, "keV": units.keV, "MeV": units.MeV, "GeV": units.GeV}
#: electron or nuclear recoil: another scale and not another unit, so a factor never leads from one to the other
_SCALED = re.compile(r"(eV|keV|MeV|GeV)(?:_?(ee|nr))?")
#: ``Energy [keV]``, ``Energy (keV)``, ``Energy / keV``
_IN_TITLE = re.compile(r".*?(?:\[\s*([^\[\]]+?)\s*\]|\(\s*([^()]+?)\s*\)|\s/\s*(\S+))\s*")
#: ``energy_low_keV``
_IN_COLUMN = re.compile(r".*_((?:eV|keV|MeV|GeV)(?:_?(?:ee|nr))?)")


def unit_in(title: str) -> str:
    """The unit that the title of an axis or the name of a column states, empty if none."""
    found = _IN_TITLE.fullmatch(title) or _IN_COLUMN.fullmatch(title)
    return next((part for part in found.groups() if part), "") if found else ""


def factor_between(given: str, wanted: str, where: str) -> float:
    """What numbers in the unit ``given`` are multiplied with to be in ``wanted``.

    Raises
    ------
    OutOfRange
        A unit is missing or none of energy, or one is of electron recoils (ee) and the other of nuclear ones (nr).
    """
    if given == wanted and given:
        return 1.0
    old, new = _SCALED.fullmatch(given), _SCALED.fullmatch(wanted)
    if old is None or new is None:
        raise OutOfRange(
            "the file does not say the unit of its axis" if not given else "a unit cannot be converted",
            where=where,
            given=None if not given else f"{given} to {wanted}",
            allowed=", ".join(ENERGY) + ", with ee or nr behind it",
            fix="declare the unit" if not given else "",
        )
    if old[2] and new[2] and old[2] != new[2]:
        raise OutOfRange(
            "electron and nuclear recoil energies differ by quenching, not by a unit",
            where=where,
            given=f"{given} to {wanted}",
            fix="declare the quenching",
        )
    return ENERGY[old[1]] / ENERGY[new[1]]
