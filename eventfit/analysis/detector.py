"""Declared detectors: exposure, target and response."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from eventfit.cross_section import ElectronTreatment, FreeElectrons, SteppingElectrons
from eventfit.errors import located
from eventfit.quadrature import Array
from eventfit.response import (
    Axis,
    ConstantQuenching,
    ConstantResolution,
    Efficiency,
    Hits,
    KeV,
    PerfectResolution,
    PolynomialResolution,
    Resolution,
    Response,
    SqrtResolution,
)
from eventfit.strict import Finite, NonNegative, Plausible, Positive, Strict
from eventfit.tables import Tables
from eventfit.target import Material, Target
from eventfit.units import MeV, exposure_units

__all__ = [
    "ConstantQuenchingDeclared",
    "ConstantResolutionDeclared",
    "Exposure",
    "PerfectResolutionDeclared",
    "PolynomialResolutionDeclared",
    "ResponseDeclared",
    "SqrtResolutionDeclared",
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
    """Material, and how its electrons are bound."""

    material: Material
    electrons: Literal["free", "stepping"]


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


class ConstantQuenchingDeclared(Strict):
    """Visible energy = factor * recoil energy."""

    kind: Literal["constant"]
    factor: Annotated[float, Field(gt=0, le=1), Plausible]


Edges = UniformEdges | Annotated[list[Finite], Field(min_length=2)]


class ResponseDeclared(Strict):
    """quenching -> resolution -> efficiency -> bins, in the order given.

    The key of the edges names the axis: ``edges_keV`` or ``edges_n_hits``, whose bins are numbers of hits.
    """

    order: Annotated[list[Literal["quenching", "resolution", "efficiency"]], Field(min_length=1)]
    edges_keV: Edges | None = None
    edges_n_hits: Edges | None = None
    resolution: Annotated[
        SqrtResolutionDeclared | ConstantResolutionDeclared | PolynomialResolutionDeclared | PerfectResolutionDeclared,
        Field(discriminator="kind"),
    ]
    efficiency: str | None = None
    quenching: ConstantQuenchingDeclared | None = None

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


def build_response(declared: ResponseDeclared, tables: Tables) -> Response:
    """The response, its tables read."""
    efficiency = None
    if declared.efficiency is not None:
        with located("response.efficiency"):
            efficiency = efficiency_curve(declared.efficiency, declared, tables)
    resolution: Resolution = PerfectResolution()
    if isinstance(declared.resolution, SqrtResolutionDeclared):
        resolution = SqrtResolution(declared.resolution.a, declared.resolution.b)
    if isinstance(declared.resolution, ConstantResolutionDeclared):
        resolution = ConstantResolution(declared.resolution.fwhm_keV / FWHM)
    if isinstance(declared.resolution, PolynomialResolutionDeclared):
        mean, (noise, stochastic, linear) = tuple(declared.resolution.mean), declared.resolution.sigma
        known_to = declared.resolution.known_to_MeV * MeV
        resolution = PolynomialResolution(mean, noise, stochastic, linear, known_to)
    return Response(
        order=tuple(declared.order),
        resolution=resolution,
        efficiency=efficiency,
        quenching=None if declared.quenching is None else ConstantQuenching(declared.quenching.factor),
        axis=declared.axis,
    )


def efficiency_curve(name: str, declared: ResponseDeclared, tables: Tables) -> Efficiency:
    """The efficiency of a table, after the resolution a function of what was reconstructed."""
    table = tables.read(name)
    axis = declared.axis if declared.order[-1] == "efficiency" else KeV
    return Efficiency(table[axis.points], table["efficiency"], name=table.name, axis=axis)


def build_electrons(declared: TargetDeclared, target: Target) -> ElectronTreatment:
    """How the electrons of the ``target`` take part."""
    return SteppingElectrons(target) if declared.electrons == "stepping" else FreeElectrons(target)
