"""Declared norms and nuisances: what scales a component, and what is known about it beforehand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from eventfit.strict import Finite, Name, Pair, Strict

__all__ = ["ComponentNorm", "CouplingError", "FluxNorm", "Norm", "Nuisance", "PoissonNuisance", "ScaleNuisance"]


class Norm(Strict):
    """A norm that multiplies what was declared: free, or known to a ``relative`` error around 1."""

    start: Finite
    bounds: Pair
    relative: Annotated[float, Field(ge=1e-6, le=10)] | None = None

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
    relative: Annotated[float, Field(gt=0, le=10)]
    applies_to: Literal["all"] | Annotated[list[str], Field(min_length=1)]


class PoissonNuisance(Strict):
    """A norm measured by ``observed`` OFF counts of exposure ``tau``: observed ~ Pois(tau theta)."""

    name: Name
    kind: Literal["poisson"]
    observed: Annotated[float, Field(ge=0, le=1e9)]
    tau: Annotated[float, Field(ge=1e-6, le=1e6)]
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
    size: Annotated[float, Field(gt=0, le=1e12)]


class FluxNorm(Norm):
    """One norm of source ``components``, which multiplies all of their templates, weak and magnetic, alike."""

    name: Name
    kind: Literal["flux_norm"]
    components: Annotated[list[str], Field(min_length=1)]


Nuisance = Annotated[
    ScaleNuisance | PoissonNuisance | ComponentNorm | CouplingError | FluxNorm, Field(discriminator="kind")
]
