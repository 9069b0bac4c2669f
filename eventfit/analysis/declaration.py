"""The declaration of an analysis: closed, strictly typed, without code. JSON Schema comes from these classes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from eventfit.analysis.detector import Exposure, ResponseDeclared, TargetDeclared
from eventfit.analysis.measurements import Measurement
from eventfit.analysis.mechanisms import OscillationDeclared, ProcessDeclared
from eventfit.analysis.nuisances import Norm, Nuisance
from eventfit.analysis.wanted import Published, Wanted
from eventfit.flux.solar import SolarModel
from eventfit.strict import Name, Strict

__all__ = ["Background", "DataDeclared", "Declaration", "SolarDeclared"]


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


class DataDeclared(Strict):
    """Observed counts, and the data set they come from (equal origins never combine).

    ``observed`` is a table of counts in the bins of the response, or of single events, which are then counted. With
    ``events`` the fit is that of the single events in this table, which are those of the counts; it needs the
    ``density`` of every background.
    """

    observed: str
    events: str | None = None
    origin: Annotated[list[str], Field(min_length=1)]


class Background(Strict):
    """A background template; its norm is fixed unless ``norm`` frees it or a nuisance scales it.

    ``table`` holds expected counts in the bins of the response in its ``column`` (``expected_counts`` if none is
    chosen), or a curve of ``expected_per_keV``, which is then integrated. ``density`` is the table of the same
    background as a curve, for fits of single events.
    """

    name: Name
    table: str
    column: str | None = None
    density: str | None = None
    norm: Norm | None = None


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
    measurement: list[Measurement] = Field(default_factory=list)
    result: list[Wanted] = Field(default_factory=list)
    published: list[Published] = Field(default_factory=list)
