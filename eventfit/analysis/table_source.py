"""A declared source that is a table of the user: a flux per flavour over the neutrino energy."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from eventfit.analysis.files import FileDeclared
from eventfit.analysis.inputs import Inputs
from eventfit.errors import OutOfRange
from eventfit.flux import TableFlux
from eventfit.io.measured.axis_unit import ENERGY, factor_between, unit_in
from eventfit.quadrature import Array
from eventfit.strict import Name, Positive

__all__ = ["TableSourceDeclared", "build_table_source"]

Flavour = Literal["nu_e", "nu_mu", "nu_tau", "nubar_e", "nubar_mu", "nubar_tau"]


class TableSourceDeclared(FileDeclared):
    """A flux at the detector: columns ``energy`` and, per flavour, a density, straight lines between the rows.

    A density is ``per`` area, time and energy; or it is a shape, and ``total_per_cm2_s`` is the flux of all ``columns``
    together. Beyond its first and last row the flux is not known, unless it is zero there or ``beyond = "zero"``.
    """

    kind: Literal["table"]
    name: Name
    energy: Annotated[str, Field(min_length=1)]
    columns: Annotated[dict[Flavour, Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    tree: str | None = None
    per: Literal["cm2 s keV", "cm2 s MeV"] | None = None
    total_per_cm2_s: Positive | None = None
    beyond: Literal["refuse", "zero"] = "refuse"

    @model_validator(mode="after")
    def _one_norm(self) -> TableSourceDeclared:
        if (self.per is None) == (self.total_per_cm2_s is None):
            raise ValueError("either per (what the densities are per) or total_per_cm2_s has to be given, and not both")
        return self


def build_table_source(declared: TableSourceDeclared, inputs: Inputs) -> TableFlux:
    """The declared table as a flux.

    Raises
    ------
    InputError
        The file cannot be read or lacks a column, its unit is not known, energies do not increase, a flux is negative.
    """
    table = inputs.columns(declared, declared.tree)
    said, stated = unit_in(declared.energy), declared.unit or ""
    if said and stated and said != stated:
        raise OutOfRange("the column says another unit", where=table.where, given=stated, allowed=said)
    energy = table[declared.energy] * factor_between(said or stated, "keV", table.where)
    density: dict[str, Array] = {str(flavour): np.array(table[column]) for flavour, column in declared.columns.items()}
    inputs.remember(declared, declared.tree, {"energy_keV": energy, **density})
    factor = 1.0 if declared.per is None else 1.0 / ENERGY[declared.per.split()[-1]]
    spectra = {flavour: factor * values for flavour, values in density.items()}
    flux = TableFlux(declared.name, energy, spectra, complete=declared.beyond == "zero")
    if declared.total_per_cm2_s is None:
        return flux
    norm = declared.total_per_cm2_s / flux.total
    return TableFlux(declared.name, energy, {f: norm * values for f, values in spectra.items()}, complete=flux.complete)
