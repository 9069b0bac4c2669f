"""Declared forms of one counted number in one bin: a ratio to the weak rate, or a cross section to hold against it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from eventfit.strict import Finite, Positive, Strict
from eventfit.units import MeV

__all__ = ["CountedDeclared", "OverEnergyDeclared", "PerFissionDeclared", "RatioDeclared"]

Errors = Annotated[list[Positive], Field(min_length=1)]


def _once(names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        raise ValueError("each name may stand there once")
    return names


class CountedDeclared(Strict):
    """What a counting experiment measured in one bin, backgrounds subtracted, with errors that add in quadrature.

    ``table`` holds one row with the number, its errors in columns that begin with ``error``, and the window of recoil
    energies where the publication states one; ``error_columns`` takes some of the errors only. Without a table the
    number and its errors are given here. ``of`` names the source components whose weak scattering was measured, all of
    them if it is left out; that of the others was subtracted as expected.
    """

    table: str | None = None
    error_columns: Annotated[list[str], Field(min_length=1), AfterValidator(_once)] | None = None
    of: Annotated[list[str], Field(min_length=1), AfterValidator(_once)] | None = None
    #: column of the number in a table
    column: ClassVar[str]
    #: keys of the number and its errors where they are given here
    keys: ClassVar[tuple[str, str]]

    @model_validator(mode="after")
    def _table_or_numbers(self) -> CountedDeclared:
        given = [key for key in self.keys if getattr(self, key) is not None]
        if (self.table is None and len(given) < 2) or (self.table is not None and given):
            raise ValueError(f"either table, or {' and '.join(self.keys)} has to be given, and not both")
        if self.table is None and self.error_columns is not None:
            raise ValueError("error_columns belong to a table")
        return self

    @property
    @abstractmethod
    def numbers(self) -> tuple[float, list[float]]:
        """The number and its errors as they are given here, in internal units."""

    def _given(self) -> tuple[float, list[float]]:
        value, errors = (getattr(self, key) for key in self.keys)
        return value, errors


class RatioDeclared(CountedDeclared):
    """A measured rate in units of the weak one in the same window."""

    value: Finite | None = None
    errors: Errors | None = None
    column = "ratio_to_weak"
    keys = ("value", "errors")

    @property
    def numbers(self) -> tuple[float, list[float]]:
        return self._given()


class PerFissionDeclared(CountedDeclared):
    """A cross section in cm^2 per electron and fission of a reactor, for recoils in the window, unfolded."""

    value_cm2: Finite | None = None
    errors_cm2: Errors | None = None
    column = "cross_section_cm2"
    keys = ("value_cm2", "errors_cm2")

    @property
    def numbers(self) -> tuple[float, list[float]]:
        return self._given()


class OverEnergyDeclared(CountedDeclared):
    """A cross section over the neutrino energy, int flux sigma dE / int flux E dE, of all recoils on one electron.

    Where E is far above the electron mass, as at a beam stop, the weak cross section grows with E: this is its slope.
    """

    value_cm2_per_MeV: Finite | None = None
    errors_cm2_per_MeV: Errors | None = None
    column = "cross_section_over_energy_cm2_per_keV"
    keys = ("value_cm2_per_MeV", "errors_cm2_per_MeV")

    @property
    def numbers(self) -> tuple[float, list[float]]:
        value, errors = self._given()
        return value / MeV, [error / MeV for error in errors]
