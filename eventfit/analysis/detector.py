"""Declared detectors: exposure, target and response."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from eventfit.analysis.files import CurveSource
from eventfit.analysis.inputs import Inputs
from eventfit.analysis.own import own_curve
from eventfit.analysis.stages import (
    MatrixResolutionDeclared,
    PolynomialResolutionDeclared,
    QuenchingDeclared,
    ResolutionDeclared,
    build_quenching,
    build_resolution,
)
from eventfit.cross_section import ElectronTreatment, FreeElectrons, SteppingElectrons
from eventfit.errors import located
from eventfit.quadrature import Array
from eventfit.response import (
    Axis,
    Efficiency,
    Hits,
    KeV,
    Response,
)
from eventfit.strict import Finite, Plausible, Positive, Strict
from eventfit.target import Material, Target
from eventfit.units import exposure_units

__all__ = [
    "Exposure",
    "ResponseDeclared",
    "TargetDeclared",
    "build_electrons",
    "build_response",
    "efficiency_curve",
]

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


Edges = UniformEdges | Annotated[list[Finite], Field(min_length=2)]


class ResponseDeclared(Strict):
    """quenching -> resolution -> efficiency -> bins, in the order given; quenching is that of nuclear recoils.

    The key of the edges names the axis: ``edges_keV`` or ``edges_n_hits``, whose bins are numbers of hits.
    """

    order: Annotated[list[Literal["quenching", "resolution", "efficiency"]], Field(min_length=1)]
    edges_keV: Edges | None = None
    edges_n_hits: Edges | None = None
    resolution: ResolutionDeclared
    efficiency: CurveSource | None = None
    quenching: QuenchingDeclared | None = None

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
        hits = isinstance(self.resolution, PolynomialResolutionDeclared)
        if (self.edges_n_hits is not None) != hits and not isinstance(self.resolution, MatrixResolutionDeclared):
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


def build_response(declared: ResponseDeclared, tables: Inputs, target: Target | None = None) -> Response:
    """The response, its tables and files read; ``target`` is what Lindhard's model needs to know.

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
        resolution=build_resolution(declared.resolution, tables, declared.axis, declared.edges),
        efficiency=efficiency,
        quenching=None if declared.quenching is None else build_quenching(declared.quenching, tables, target),
        axis=declared.axis,
    )


def efficiency_curve(name: CurveSource, declared: ResponseDeclared, tables: Inputs) -> Efficiency:
    """The efficiency of a table or file, after the resolution a function of what was reconstructed."""
    axis = declared.axis if declared.order[-1] == "efficiency" else KeV
    table = tables.read(name) if isinstance(name, str) else own_curve(tables, name, axis, "efficiency")
    return Efficiency(table[axis.points], table["efficiency"], name=table.name, axis=axis)


def build_electrons(declared: TargetDeclared, target: Target) -> ElectronTreatment:
    """How the electrons of the ``target`` take part; free where nothing scatters on them and nothing is said."""
    return SteppingElectrons(target) if declared.electrons == "stepping" else FreeElectrons(target)
