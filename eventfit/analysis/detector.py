"""Declared detectors: exposure, target and response."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from eventfit.cross_section import ElectronTreatment, FreeElectrons, SteppingElectrons
from eventfit.errors import DeclarationError, located
from eventfit.quadrature import Array
from eventfit.response import (
    Axis,
    ConstantQuenching,
    ConstantResolution,
    Efficiency,
    FanoResolution,
    Hits,
    KeV,
    LindhardQuenching,
    PerfectResolution,
    PolynomialResolution,
    Quenching,
    Resolution,
    Response,
    SqrtResolution,
    TabulatedQuenching,
)
from eventfit.strict import Finite, NonNegative, Plausible, Positive, Strict
from eventfit.tables import Tables
from eventfit.target import Material, Target
from eventfit.units import MeV, eV, exposure_units

__all__ = [
    "ConstantQuenchingDeclared",
    "ConstantResolutionDeclared",
    "Exposure",
    "FanoResolutionDeclared",
    "LindhardQuenchingDeclared",
    "PerfectResolutionDeclared",
    "PolynomialResolutionDeclared",
    "ResponseDeclared",
    "SqrtResolutionDeclared",
    "TableQuenchingDeclared",
    "TargetDeclared",
    "build_electrons",
    "build_response",
    "efficiency_curve",
]

#: full width at half maximum of a Gaussian over its standard deviation
FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
#: more bins than this are a slip of the pen
MOST_BINS = 100_000


class Exposure(Strict):
    """Live time times mass; the unit is never implied. A year is 365.25 days."""

    value: Annotated[float, Field(gt=0, le=1e12), Plausible]
    unit: Literal["tonne year", "tonne day", "kg year", "kg day", "kg s"]

    @property
    def internal(self) -> float:
        """In kg s."""
        return self.value * exposure_units[self.unit]


class TargetDeclared(Strict):
    """Material, and how its electrons are bound, which only what scatters on nuclei alone may leave out."""

    material: Material
    electrons: Literal["free", "stepping"] | None = None


class UniformEdges(Strict):
    """Bins of equal width."""

    start: Finite
    stop: Finite
    width: Positive

    @model_validator(mode="after")
    def _whole(self) -> UniformEdges:
        bins = (self.stop - self.start) / self.width
        if not 0.5 < bins < MOST_BINS or abs(bins - round(bins)) > 1e-9:
            raise ValueError(f"stop - start has to be a positive whole number of widths, at most {MOST_BINS}")
        return self


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
    """A ``table`` over nuclear recoils ``energy_keV``; its ``column`` is a visible energy if in keV, else a factor."""

    kind: Literal["table"]
    table: str
    column: str = "factor"


Edges = UniformEdges | Annotated[list[Finite], Field(min_length=2)]


class ResponseDeclared(Strict):
    """quenching -> resolution -> efficiency -> bins, in the order given; quenching is that of nuclear recoils.

    The key of the edges names the axis: ``edges_keV`` or ``edges_n_hits``, whose bins are numbers of hits.
    """

    order: Annotated[list[Literal["quenching", "resolution", "efficiency"]], Field(min_length=1)]
    edges_keV: Edges | None = None
    edges_n_hits: Edges | None = None
    resolution: Annotated[
        SqrtResolutionDeclared
        | ConstantResolutionDeclared
        | FanoResolutionDeclared
        | PolynomialResolutionDeclared
        | PerfectResolutionDeclared,
        Field(discriminator="kind"),
    ]
    efficiency: str | None = None
    quenching: (
        Annotated[
            ConstantQuenchingDeclared | LindhardQuenchingDeclared | TableQuenchingDeclared, Field(discriminator="kind")
        ]
        | None
    ) = None

    @field_validator("edges_keV", "edges_n_hits")
    @classmethod
    def _increasing(cls, edges: UniformEdges | list[float] | None) -> UniformEdges | list[float] | None:
        if isinstance(edges, list) and any(high <= low for low, high in pairwise(edges)):
            raise ValueError("edges have to increase strictly")
        return edges

    @model_validator(mode="after")
    def _one_axis(self) -> ResponseDeclared:
        if (self.edges_keV is None) == (self.edges_n_hits is None):
            raise ValueError("either edges_keV or edges_n_hits has to be given, and not both")
        if (self.edges_n_hits is not None) != isinstance(self.resolution, PolynomialResolutionDeclared):
            raise ValueError("edges_n_hits and a resolution of kind polynomial belong together")
        return self

    @property
    def axis(self) -> Axis:
        """What is reconstructed."""
        return KeV if self.edges_n_hits is None else Hits

    @property
    def edges_key(self) -> str:
        """The key of the edges."""
        return "edges_keV" if self.edges_n_hits is None else "edges_n_hits"

    @property
    def edges(self) -> Array:
        """Bin edges (n + 1,) on the reconstructed axis."""
        edges = self.edges_keV if self.edges_n_hits is None else self.edges_n_hits
        if isinstance(edges, list):
            return np.array(edges, dtype=float)
        assert edges is not None
        steps = np.arange(round((edges.stop - edges.start) / edges.width) + 1, dtype=np.float64)
        return np.asarray(edges.start + edges.width * steps)


def build_response(declared: ResponseDeclared, tables: Tables, target: Target | None = None) -> Response:
    """The response, its tables read; ``target`` is what Lindhard's model needs to know.

    Raises
    ------
    DeclarationError
        Lindhard's model for a target that is not one element.
    OutOfRange
        A number or table that no efficiency, resolution or quenching has.
    """
    efficiency = None
    if declared.efficiency is not None:
        with located("response.efficiency"):
            efficiency = efficiency_curve(declared.efficiency, declared, tables)
    return Response(
        order=tuple(declared.order),
        resolution=_resolution(declared),
        efficiency=efficiency,
        quenching=_quenching(declared, tables, target),
        axis=declared.axis,
    )


def _resolution(whole: ResponseDeclared) -> Resolution:
    declared = whole.resolution
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
    return PerfectResolution()


def _quenching(whole: ResponseDeclared, tables: Tables, target: Target | None) -> Quenching | None:
    declared = whole.quenching
    if isinstance(declared, ConstantQuenchingDeclared):
        return ConstantQuenching(declared.factor)
    if isinstance(declared, TableQuenchingDeclared):
        with located("response.quenching"):
            table = tables.read(declared.table)
            is_energy = declared.column.endswith("_keV")
            return TabulatedQuenching(table["energy_keV"], table[declared.column], is_energy, name=table.name)
    if isinstance(declared, LindhardQuenchingDeclared):
        if target is None or len(target.composition) != 1:
            raise DeclarationError(
                "Lindhard's model is one of a nucleus that recoils in its own element",
                where="response.quenching.kind",
                given=f"lindhard, for {'no target' if target is None else target.name}",
                allowed="constant, table",
                fix="give the measured quenching of a compound as a table",
            )
        return LindhardQuenching(declared.k, target.composition[0][0].atomic_number)
    return None


def efficiency_curve(name: str, declared: ResponseDeclared, tables: Tables) -> Efficiency:
    """The efficiency of a table, after the resolution a function of what was reconstructed."""
    table = tables.read(name)
    axis = declared.axis if declared.order[-1] == "efficiency" else KeV
    return Efficiency(table[axis.points], table["efficiency"], name=table.name, axis=axis)


def build_electrons(declared: TargetDeclared, target: Target) -> ElectronTreatment:
    """How the electrons of the ``target`` take part; free where nothing scatters on them and nothing is said."""
    return SteppingElectrons(target) if declared.electrons == "stepping" else FreeElectrons(target)
