"""Declared norms and nuisances: what scales a component, and what is known about it beforehand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from eventfit.analysis.files import BackgroundSource, CurveSource
from eventfit.strict import Finite, Name, Pair, Plausible, Positive, Strict

__all__ = [
    "BentNuisance",
    "ComponentNorm",
    "CouplingError",
    "EdgeTables",
    "EfficiencyNuisance",
    "EnergyScaleNuisance",
    "FluxNorm",
    "HistoSysNuisance",
    "Norm",
    "NormSysNuisance",
    "Nuisance",
    "PerBinNuisance",
    "PoissonNuisance",
    "QuenchingNuisance",
    "ResolutionNuisance",
    "ResponseNuisance",
    "ScaleNuisance",
    "ShapeSysNuisance",
    "StatErrorNuisance",
    "ThresholdNuisance",
]

#: a relative error that leaves a factor positive at minus five standard deviations
Relative = Annotated[float, Field(gt=0, lt=0.2), Plausible]


class Norm(Strict):
    """A norm that multiplies what was declared: free, or known to a ``relative`` error around 1."""

    start: Finite
    bounds: Pair
    relative: Annotated[float, Field(ge=1e-6, le=10), Plausible] | None = None

    @model_validator(mode="after")
    def _start_inside(self) -> Norm:
        low, high = self.bounds
        if not low <= self.start <= high or low >= high or low < 0:
            raise ValueError(f"start {self.start} has to lie inside bounds [{low}, {high}] with 0 <= low < high")
        return self


class ScaleNuisance(Strict):
    """A relative error: ``gaussian_scale`` multiplies by 1 + relative theta, ``lognormal`` by (1 + relative)^theta."""

    name: Name
    kind: Literal["gaussian_scale", "lognormal"]
    relative: Annotated[float, Field(gt=0, le=10), Plausible]
    applies_to: Literal["all"] | Annotated[list[str], Field(min_length=1)]


class PoissonNuisance(Strict):
    """A norm measured by ``observed`` OFF counts of exposure ``tau``: observed ~ Pois(tau theta)."""

    name: Name
    kind: Literal["poisson"]
    observed: Annotated[float, Field(ge=0, le=1e9), Plausible]
    tau: Annotated[float, Field(ge=1e-6, le=1e6), Plausible]
    applies_to: Literal["all"] | Annotated[list[str], Field(min_length=1)]


class ComponentNorm(Norm):
    """One norm of components, e.g. of a source's weak scattering; it may be the parameter of interest."""

    name: Name
    kind: Literal["norm"]
    applies_to: Annotated[list[str], Field(min_length=1)]


class CouplingError(Strict):
    """A published systematic error of the parameter of interest: it adds ``size`` times theta ~ N(0, 1) to it.

    ``size`` has the unit of the fit parameter, for a magnetic moment (1e-11 mu_B)^2, for a norm none.
    """

    name: Name
    kind: Literal["coupling_error"]
    size: Annotated[float, Field(gt=0, le=1e12), Plausible]


class FluxNorm(Norm):
    """One norm of source ``components``, which multiplies all of their templates, weak and magnetic, alike."""

    name: Name
    kind: Literal["flux_norm"]
    components: Annotated[list[str], Field(min_length=1)]


class NormSysNuisance(Strict):
    """HistFactory's ``normsys``: a factor ``lo`` at theta = -1 and ``hi`` at +1, theta ~ N(0, 1).

    ``code4`` is a polynomial inside +-1 and exponential beyond (pyhf's default), ``code1`` exponential on either side.
    """

    name: Name
    kind: Literal["normsys"]
    lo: Positive
    hi: Positive
    code: Literal["code1", "code4"] = "code4"
    applies_to: Literal["all"] | Annotated[list[str], Field(min_length=1)]


class EdgeTables(Strict):
    """Tables of a background one standard deviation down and up, in the form and with the column of its own table.

    Or files, each with the names of its own.
    """

    down: BackgroundSource
    up: BackgroundSource


class HistoSysNuisance(Strict):
    """HistFactory's ``histosys``: shapes of backgrounds at theta = -1 and +1, moved together by one theta ~ N(0, 1).

    ``tables`` holds the edges of every background that moves. ``code4p`` joins them smoothly (pyhf's default),
    ``code0`` by two straight lines.
    """

    name: Name
    kind: Literal["histosys"]
    tables: Annotated[dict[str, EdgeTables], Field(min_length=1)]
    code: Literal["code0", "code4p"] = "code4p"


class ShapeSysNuisance(Strict):
    """HistFactory's ``shapesys``: every bin of one ``background`` has its own factor, measured as by counts.

    The ``column`` of ``table`` holds the errors of the bins in counts, of which tau = (counts / error)^2; of a file its
    ``value`` does.
    """

    name: Name
    kind: Literal["shapesys"]
    background: str
    table: BackgroundSource
    column: str = "error_counts"


class StatErrorNuisance(Strict):
    """HistFactory's ``staterror``: every bin has one Gaussian factor, common to the backgrounds of ``tables``.

    The ``column`` of each table, or the ``value`` of a file, holds the errors of that background in counts; they add in
    quadrature.
    """

    name: Name
    kind: Literal["staterror"]
    tables: Annotated[dict[str, BackgroundSource], Field(min_length=1)]
    column: str = "error_counts"


class ResponseNuisance(Strict):
    """An error of the response, theta ~ N(0, 1), bounded by +-5: it moves everything that is folded, together.

    What is not folded follows only where it is said: ``backgrounds`` is "fixed" for all of them, or says for each
    "fixed" or its tables at theta = -1 and +1. Fits see a polynomial morph, which may differ from the exact re-fold by
    ``tolerance`` of a bin's content anywhere within +-3.
    """

    name: Name
    kind: str
    backgrounds: Literal["fixed"] | dict[str, Literal["fixed", "scaled"] | EdgeTables] | None = None
    tolerance: Annotated[float, Field(gt=0, le=0.05), Plausible] = 1e-3

    @field_validator("backgrounds", mode="before")
    @classmethod
    def _said(cls, said: object) -> object:
        each = said.values() if isinstance(said, dict) else ["fixed" if said is None else said]
        words = ("fixed", "scaled") if isinstance(said, dict) else ("fixed",)
        if not all(how in words if isinstance(how, str) else isinstance(how, dict | EdgeTables) for how in each):
            raise ValueError('"fixed", or for each background "fixed" or { down = "table", up = "table" }')
        return said


class EnergyScaleNuisance(ResponseNuisance):
    """A wrong calibration: what is reconstructed as x is taken as (1 + relative theta) x + offset_keV theta."""

    kind: Literal["energy_scale"]
    relative: Relative | None = None
    offset_keV: Positive | None = None

    @model_validator(mode="after")
    def _something(self) -> EnergyScaleNuisance:
        if self.relative is None and self.offset_keV is None:
            raise ValueError("relative or offset_keV has to be given, or both, which then move together")
        return self


class ResolutionNuisance(ResponseNuisance):
    """The width of the resolution is (1 + relative theta) times as large."""

    kind: Literal["resolution"]
    relative: Relative


class ThresholdNuisance(ResponseNuisance):
    """The efficiency curve moves by shift_keV theta to higher energies."""

    kind: Literal["threshold"]
    shift_keV: Positive


class QuenchingNuisance(ResponseNuisance):
    """An error of nuclear recoils alone: the visible energy is (1 + relative theta) times as large at all of them.

    Or Lindhard's k is larger by ``k`` theta.
    """

    kind: Literal["quenching"]
    relative: Relative | None = None
    k: Positive | None = None

    @model_validator(mode="after")
    def _one_form(self) -> QuenchingNuisance:
        if (self.relative is None) == (self.k is None):
            raise ValueError("either relative has to be given, or k; two errors are two nuisances")
        return self


class EfficiencyNuisance(ResponseNuisance):
    """The efficiency at the tables or files ``down`` and ``up`` at theta = -1 and +1, or 1 + relative theta times it.

    With ``relative`` backgrounds may be "scaled", by the same factor.
    """

    kind: Literal["efficiency"]
    down: CurveSource | None = None
    up: CurveSource | None = None
    relative: Relative | None = None

    @model_validator(mode="after")
    def _one_form(self) -> EfficiencyNuisance:
        if (self.down is None) != (self.up is None) or (self.up is None) == (self.relative is None):
            raise ValueError("either the tables down and up have to be given, or relative")
        return self


#: what has a factor of its own in every bin
PerBinNuisance = ShapeSysNuisance | StatErrorNuisance
#: what adds terms to a component
BentNuisance = ResponseNuisance | HistoSysNuisance
Nuisance = Annotated[
    ScaleNuisance
    | PoissonNuisance
    | ComponentNorm
    | CouplingError
    | FluxNorm
    | NormSysNuisance
    | HistoSysNuisance
    | ShapeSysNuisance
    | StatErrorNuisance
    | EnergyScaleNuisance
    | ResolutionNuisance
    | ThresholdNuisance
    | QuenchingNuisance
    | EfficiencyNuisance,
    Field(discriminator="kind"),
]
