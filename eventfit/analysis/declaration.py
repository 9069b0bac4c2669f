"""The declaration of an analysis: closed, strictly typed, without code. JSON Schema comes from these classes."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from eventfit.analysis.mechanisms import OscillationDeclared, ProcessDeclared
from eventfit.analysis.wanted import Published, Wanted
from eventfit.flux.solar import SolarModel
from eventfit.quadrature import Array
from eventfit.strict import Finite, Name, NonNegative, Pair, Positive, Strict
from eventfit.target import Material
from eventfit.units import exposure_units

__all__ = [
    "Background",
    "ConstantQuenchingDeclared",
    "Declaration",
    "FreeNorm",
    "Nuisance",
    "PoissonNuisance",
    "ResponseDeclared",
    "ScaleNuisance",
    "SolarDeclared",
    "SqrtResolutionDeclared",
    "TargetDeclared",
]


#: more bins than this are a slip of the pen
MOST_BINS = 100_000


class Exposure(Strict):
    """Live time times mass; the unit is never implied. A year is 365.25 days."""

    value: Annotated[float, Field(gt=0, le=1e12)]
    unit: Literal["tonne year", "tonne day", "kg year", "kg day", "kg s"]

    @property
    def internal(self) -> float:
        """In kg s."""
        return self.value * exposure_units[self.unit]


class TargetDeclared(Strict):
    """Material, and how its electrons are bound."""

    material: Material
    electrons: Literal["free", "stepping"]


class SolarDeclared(Strict):
    """Solar components with the norms of a standard solar model."""

    kind: Literal["solar"]
    model: SolarModel
    components: Annotated[list[Literal["pp", "pep", "hep", "be7", "b8", "n13", "o15", "f17"]], Field(min_length=1)]

    @field_validator("components")
    @classmethod
    def _once(cls, components: list[str]) -> list[str]:
        if len(set(components)) != len(components):
            raise ValueError("each component may stand there once")
        return components


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


class PerfectResolutionDeclared(Strict):
    """No smearing."""

    kind: Literal["perfect"]


class ConstantQuenchingDeclared(Strict):
    """Visible energy = factor * recoil energy."""

    kind: Literal["constant"]
    factor: Annotated[float, Field(gt=0, le=1)]


class ResponseDeclared(Strict):
    """quenching -> resolution -> efficiency -> bins, in the order given."""

    order: Annotated[list[Literal["quenching", "resolution", "efficiency"]], Field(min_length=1)]
    edges_keV: UniformEdges | Annotated[list[Finite], Field(min_length=2)]
    resolution: Annotated[SqrtResolutionDeclared | PerfectResolutionDeclared, Field(discriminator="kind")]
    efficiency: str | None = None
    quenching: ConstantQuenchingDeclared | None = None

    @field_validator("edges_keV")
    @classmethod
    def _increasing(cls, edges: UniformEdges | list[float]) -> UniformEdges | list[float]:
        if isinstance(edges, list) and any(high <= low for low, high in pairwise(edges)):
            raise ValueError("edges have to increase strictly")
        return edges

    @property
    def edges(self) -> Array:
        """Bin edges (n + 1,) in keV."""
        if isinstance(self.edges_keV, list):
            return np.array(self.edges_keV, dtype=float)
        uniform = self.edges_keV
        steps = np.arange(round((uniform.stop - uniform.start) / uniform.width) + 1, dtype=np.float64)
        return np.asarray(uniform.start + uniform.width * steps)


class DataDeclared(Strict):
    """Observed counts, and the data set they come from (equal origins never combine).

    With ``events`` the fit is that of the single events in this table, which are those of the counts; it needs the
    ``density`` of every background.
    """

    observed: str
    events: str | None = None
    origin: Annotated[list[str], Field(min_length=1)]


class FreeNorm(Strict):
    """A norm that floats without constraint; it multiplies the table."""

    start: Finite
    bounds: Pair

    @model_validator(mode="after")
    def _start_inside(self) -> FreeNorm:
        low, high = self.bounds
        if not low <= self.start <= high or low >= high or low < 0:
            raise ValueError(f"start {self.start} has to lie inside bounds [{low}, {high}] with 0 <= low < high")
        return self


class Background(Strict):
    """A background template; its norm is fixed unless ``norm`` frees it or a nuisance scales it.

    ``density`` is the table of the same background as a curve, for fits of single events.
    """

    name: Name
    table: str
    density: str | None = None
    norm: FreeNorm | None = None


class ScaleNuisance(Strict):
    """A relative error: ``gaussian_scale`` multiplies by 1 + relative theta, ``lognormal`` by (1 + relative)^theta."""

    name: Name
    kind: Literal["gaussian_scale", "lognormal"]
    relative: Annotated[float, Field(gt=0, le=10)]
    applies_to: Literal["all"] | Annotated[list[str], Field(min_length=1)]


class PoissonNuisance(Strict):
    """A norm measured by ``observed`` OFF counts of exposure ``tau``: observed ~ Pois(tau theta)."""

    name: Name
    kind: Literal["poisson"]
    observed: Annotated[float, Field(ge=0, le=1e9)]
    tau: Annotated[float, Field(ge=1e-6, le=1e6)]
    applies_to: Literal["all"] | Annotated[list[str], Field(min_length=1)]


Nuisance = Annotated[ScaleNuisance | PoissonNuisance, Field(discriminator="kind")]


class Declaration(Strict):
    """One analysis, or one variant of it."""

    title: str
    cite: Annotated[list[str], Field(min_length=1)]
    poi: str
    exposure: Exposure
    target: TargetDeclared
    flux: Annotated[list[SolarDeclared], Field(min_length=1)]
    oscillation: OscillationDeclared | None = None
    process: Annotated[list[ProcessDeclared], Field(min_length=1)]
    response: ResponseDeclared
    data: DataDeclared
    background: list[Background] = Field(default_factory=list)
    nuisance: list[Nuisance] = Field(default_factory=list)
    result: list[Wanted] = Field(default_factory=list)
    published: list[Published] = Field(default_factory=list)
