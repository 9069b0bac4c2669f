"""pyhf workspaces, schema 1.0.0, as strict tables: what a file may say, apart from what it has to mean together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from eventfit.strict import Finite, NonNegative, Pair, Positive, Strict

__all__ = [
    "MODIFIERS",
    "ChannelDeclared",
    "HistoSysDeclared",
    "LumiDeclared",
    "MeasurementDeclared",
    "ModifierDeclared",
    "NormFactorDeclared",
    "NormSysDeclared",
    "ObservationDeclared",
    "ParameterDeclared",
    "SampleDeclared",
    "ShapeFactorDeclared",
    "ShapeSysDeclared",
    "StatErrorDeclared",
    "WorkspaceDeclared",
]

Text = Annotated[str, Field(min_length=1)]
Numbers = Annotated[list[Finite], Field(min_length=1)]
Uncertainties = Annotated[list[NonNegative], Field(min_length=1)]


class NormFactorDeclared(Strict):
    """A free factor."""

    name: Text
    type: Literal["normfactor"]
    data: None


class LumiDeclared(Strict):
    """A factor with a gaussian constraint that the measurement states."""

    name: Literal["lumi"]
    type: Literal["lumi"]
    data: None


class Sides(Strict):
    """Factors at -1 and +1; ``code1`` and ``code4`` take their logarithms."""

    lo: Positive
    hi: Positive


class NormSysDeclared(Strict):
    """A constrained factor, the same in all bins."""

    name: Text
    type: Literal["normsys"]
    data: Sides


class Histograms(Strict):
    """Counts at -1 and +1."""

    lo_data: Numbers
    hi_data: Numbers


class HistoSysDeclared(Strict):
    """A constrained morph."""

    name: Text
    type: Literal["histosys"]
    data: Histograms


class ShapeSysDeclared(Strict):
    """A factor per bin with a Poisson constraint; absolute uncertainties."""

    name: Text
    type: Literal["shapesys"]
    data: Uncertainties


class StatErrorDeclared(Strict):
    """A factor per bin with a gaussian constraint, common to samples; absolute uncertainties."""

    name: Text
    type: Literal["staterror"]
    data: Uncertainties


class ShapeFactorDeclared(Strict):
    """A free factor per bin."""

    name: Text
    type: Literal["shapefactor"]
    data: None


ModifierDeclared = (
    NormFactorDeclared
    | LumiDeclared
    | NormSysDeclared
    | HistoSysDeclared
    | ShapeSysDeclared
    | StatErrorDeclared
    | ShapeFactorDeclared
)
#: what ``type`` may say
MODIFIERS: dict[str, type[ModifierDeclared]] = {
    "normfactor": NormFactorDeclared,
    "lumi": LumiDeclared,
    "normsys": NormSysDeclared,
    "histosys": HistoSysDeclared,
    "shapesys": ShapeSysDeclared,
    "staterror": StatErrorDeclared,
    "shapefactor": ShapeFactorDeclared,
}


class SampleDeclared(Strict):
    """Nominal counts, negative ones included (weights, interference); modifiers are read one by one, by their type."""

    name: Text
    data: Numbers
    modifiers: list[Any]


class ChannelDeclared(Strict):
    """Samples in the same bins."""

    name: Text
    samples: Annotated[list[SampleDeclared], Field(min_length=1)]


class ObservationDeclared(Strict):
    """Observed counts of a channel."""

    name: Text
    data: Annotated[list[NonNegative], Field(min_length=1)]


class ParameterDeclared(Strict):
    """What a measurement says about a parameter; everything else is the default of its kind."""

    name: Text
    inits: Numbers | None = None
    bounds: Annotated[list[Pair], Field(min_length=1)] | None = None
    auxdata: Numbers | None = None
    factors: Numbers | None = None
    sigmas: Numbers | None = None
    fixed: bool | None = None


class Config(Strict):
    """Parameter of interest, empty for none, and settings of parameters."""

    poi: str
    parameters: list[ParameterDeclared]


class MeasurementDeclared(Strict):
    """One choice of parameter of interest and settings."""

    name: Text
    config: Config


class WorkspaceDeclared(Strict):
    """A whole file."""

    channels: Annotated[list[ChannelDeclared], Field(min_length=1)]
    observations: Annotated[list[ObservationDeclared], Field(min_length=1)]
    measurements: Annotated[list[MeasurementDeclared], Field(min_length=1)]
    version: Literal["1.0.0"]
