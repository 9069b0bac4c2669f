"""Declared stages of a response: resolutions and quenchings."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from eventfit.analysis.files import CurveFile, CurveSource, MatrixFile
from eventfit.analysis.inputs import Inputs
from eventfit.analysis.own import own_curve
from eventfit.analysis.own_matrix import own_migration
from eventfit.errors import DeclarationError, located
from eventfit.quadrature import Array
from eventfit.response import (
    Axis,
    ConstantQuenching,
    ConstantResolution,
    FanoResolution,
    KeV,
    LindhardQuenching,
    MigrationMatrix,
    PerfectResolution,
    PolynomialResolution,
    Quenching,
    Resolution,
    SqrtResolution,
    TabulatedQuenching,
    TabulatedResolution,
)
from eventfit.strict import Finite, NonNegative, Plausible, Positive, Strict
from eventfit.target import Target
from eventfit.units import MeV, eV

__all__ = [
    "ConstantQuenchingDeclared",
    "ConstantResolutionDeclared",
    "FanoResolutionDeclared",
    "LindhardQuenchingDeclared",
    "MatrixResolutionDeclared",
    "PerfectResolutionDeclared",
    "PolynomialResolutionDeclared",
    "QuenchingDeclared",
    "ResolutionDeclared",
    "SqrtResolutionDeclared",
    "TableQuenchingDeclared",
    "TableResolutionDeclared",
    "build_quenching",
    "build_resolution",
]

#: full width at half maximum of a Gaussian over its standard deviation
FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))


class SqrtResolutionDeclared(Strict):
    """sigma = a sqrt(E) + b E, E in keV."""

    kind: Literal["sqrt"]
    a: NonNegative
    b: NonNegative


class ConstantResolutionDeclared(Strict):
    """One full width at half maximum at all energies, in keV."""

    kind: Literal["constant"]
    fwhm_keV: Positive


class PolynomialResolutionDeclared(Strict):
    """A number of hits N: mean = sum_k mean[k] T^k with T in MeV, sigma = sigma[0] + sigma[1] sqrt(N) + sigma[2] N.

    ``known_to_MeV`` is the largest recoil for which the polynomials were made.
    """

    kind: Literal["polynomial"]
    mean: Annotated[list[Finite], Field(min_length=2, max_length=8)]
    sigma: Annotated[list[Finite], Field(min_length=3, max_length=3)]
    known_to_MeV: Positive


class PerfectResolutionDeclared(Strict):
    """No smearing."""

    kind: Literal["perfect"]


class TableResolutionDeclared(CurveFile):
    """Widths of the user in keV, over the visible energy: standard deviations, or full widths at half maximum.

    Nothing is known beyond the table, unless ``beyond = "hold"`` holds its first and last width there.
    """

    kind: Literal["table"]
    gives: Literal["sigma", "fwhm"]
    beyond: Literal["refuse", "hold"] = "refuse"


class MatrixResolutionDeclared(MatrixFile):
    """A migration matrix of the user in place of mean and width: probabilities of the bins per bin of visible energy.

    Nothing is known beyond its true energies, unless ``beyond = "unseen"``: then nothing of them is seen.
    """

    kind: Literal["matrix"]
    beyond: Literal["refuse", "unseen"] = "refuse"


class FanoResolutionDeclared(Strict):
    """sigma^2 = noise^2 + fano_factor * pair * E; below one pair there is no signal.

    ``negative`` says what becomes of energies that noise would reconstruct below zero: ``kept`` leaves them below the
    window, ``cut`` takes them out and normalises the rest of the Gaussian to one.
    """

    kind: Literal["fano"]
    noise_eV: Positive
    fano_factor: NonNegative
    pair_eV: Positive
    negative: Literal["kept", "cut"]


class ConstantQuenchingDeclared(Strict):
    """Visible energy = factor * nuclear recoil energy."""

    kind: Literal["constant"]
    factor: Annotated[float, Field(gt=0, le=1), Plausible]


class LindhardQuenchingDeclared(Strict):
    """Lindhard's model with the parameter ``k``, for a target of one element."""

    kind: Literal["lindhard"]
    k: Positive


class TableQuenchingDeclared(Strict):
    """A ``table`` over nuclear recoils ``energy_keV``; its ``column`` is a visible energy if in keV, else a factor.

    Of a file the column ``y`` is, by the same rule of its name.
    """

    kind: Literal["table"]
    table: CurveSource
    column: str = "factor"

    @model_validator(mode="after")
    def _column(self) -> TableQuenchingDeclared:
        if not isinstance(self.table, str) and "column" in self.model_fields_set:
            raise ValueError("column belongs to a table by its name: of a file it is y")
        return self


ResolutionDeclared = Annotated[
    SqrtResolutionDeclared
    | ConstantResolutionDeclared
    | FanoResolutionDeclared
    | PolynomialResolutionDeclared
    | PerfectResolutionDeclared
    | TableResolutionDeclared
    | MatrixResolutionDeclared,
    Field(discriminator="kind"),
]
QuenchingDeclared = Annotated[
    ConstantQuenchingDeclared | LindhardQuenchingDeclared | TableQuenchingDeclared, Field(discriminator="kind")
]


def build_resolution(declared: ResolutionDeclared, tables: Inputs, axis: Axis, edges: Array) -> Resolution:
    """The declared resolution; a migration matrix is one over the bins between ``edges`` (n + 1,) of ``axis``."""
    if isinstance(declared, SqrtResolutionDeclared):
        return SqrtResolution(declared.a, declared.b)
    if isinstance(declared, ConstantResolutionDeclared):
        return ConstantResolution(declared.fwhm_keV / FWHM)
    if isinstance(declared, FanoResolutionDeclared):
        noise, pair = declared.noise_eV * eV, declared.pair_eV * eV
        return FanoResolution(noise, declared.fano_factor, pair, positive=declared.negative == "cut")
    if isinstance(declared, PolynomialResolutionDeclared):
        mean, (noise, stochastic, linear) = tuple(declared.mean), declared.sigma
        return PolynomialResolution(mean, noise, stochastic, linear, declared.known_to_MeV * MeV)
    if isinstance(declared, TableResolutionDeclared):
        return _table_resolution(declared, tables)
    if isinstance(declared, MatrixResolutionDeclared):
        with located("response.resolution"):
            true, seen = own_migration(tables, declared, axis, edges)
            return MigrationMatrix(true, edges, seen, declared.beyond, tables.place(declared))
    return PerfectResolution()


def build_quenching(declared: QuenchingDeclared, tables: Inputs, target: Target | None) -> Quenching:
    """The declared quenching; Lindhard's model needs to know the ``target``.

    Raises
    ------
    DeclarationError
        Lindhard's model for a target that is not one element.
    """
    if isinstance(declared, ConstantQuenchingDeclared):
        return ConstantQuenching(declared.factor)
    if isinstance(declared, TableQuenchingDeclared):
        with located("response.quenching"):
            return _table_quenching(declared, tables)
    if target is None or len(target.composition) != 1:
        raise DeclarationError(
            "Lindhard's model is one of a nucleus that recoils in its own element",
            where="response.quenching.kind",
            given=f"lindhard, for {'no target' if target is None else target.name}",
            allowed="constant, table",
            fix="give the measured quenching of a compound as a table",
        )
    return LindhardQuenching(declared.k, target.composition[0][0].atomic_number)


def _table_quenching(declared: TableQuenchingDeclared, tables: Inputs) -> TabulatedQuenching:
    if isinstance(declared.table, str):
        table, column = tables.read(declared.table), declared.column
    else:
        column = "visible_keV" if (declared.table.y or "").endswith("_keV") else "factor"
        table = own_curve(tables, declared.table, KeV, column)
    return TabulatedQuenching(table["energy_keV"], table[column], column.endswith("_keV"), name=table.name)


def _table_resolution(declared: TableResolutionDeclared, tables: Inputs) -> TabulatedResolution:
    with located("response.resolution"):
        table, held = own_curve(tables, declared, KeV, "width_keV"), declared.beyond == "hold"
        energy, width = table[KeV.points], table["width_keV"] / (FWHM if declared.gives == "fwhm" else 1.0)
        known_to = math.inf if held else float(energy[-1])
        return TabulatedResolution(energy, width, known_to, held, tables.place(declared))
