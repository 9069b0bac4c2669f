"""Declared beams: neutrinos of accelerators."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from eventfit.flux.stopped_pion import StoppedPionState, flux_per_flavour
from eventfit.strict import Positive, Strict
from eventfit.units import m

__all__ = ["StoppedPionDeclared"]


def _once(names: list[StoppedPionState]) -> list[StoppedPionState]:
    if len(set(names)) != len(names):
        raise ValueError("each component may stand there once")
    return names


class StoppedPionDeclared(Strict):
    """Neutrinos of pi+ and mu+ that decay at rest; the same flux of each kind.

    The norm is the published flux per flavour, or follows from protons, stopped pi+ per proton and distance.
    """

    kind: Literal["stopped_pion"]
    components: Annotated[list[StoppedPionState], Field(min_length=1), AfterValidator(_once)]
    flux_per_flavour_per_cm2_s: Positive | None = None
    protons_per_s: Positive | None = None
    pions_per_proton: Positive | None = None
    distance_m: Positive | None = None

    @model_validator(mode="after")
    def _one_norm(self) -> StoppedPionDeclared:
        source = {name: getattr(self, name) for name in ("protons_per_s", "pions_per_proton", "distance_m")}
        given = [name for name, value in source.items() if value is not None]
        if self.flux_per_flavour_per_cm2_s is not None and given:
            raise ValueError(f"flux_per_flavour_per_cm2_s or {', '.join(source)}; here is the flux and {given[0]}")
        if self.flux_per_flavour_per_cm2_s is None and len(given) < len(source):
            missing = [name for name in source if name not in given]
            raise ValueError(f"flux_per_flavour_per_cm2_s or all of {', '.join(source)}; missing {', '.join(missing)}")
        return self

    @property
    def per_flavour(self) -> float:
        """Flux of each kind at the detector in 1/(cm^2 s)."""
        if self.flux_per_flavour_per_cm2_s is not None:
            return self.flux_per_flavour_per_cm2_s
        assert self.protons_per_s is not None
        assert self.pions_per_proton is not None
        assert self.distance_m is not None
        return flux_per_flavour(self.protons_per_s, self.pions_per_proton, self.distance_m * m)
