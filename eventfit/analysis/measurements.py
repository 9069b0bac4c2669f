"""Declared measurements beside the spectrum: one number with its error, expected from the same parameters."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from eventfit.strict import Name, Plausible, Strict

__all__ = ["GalliumDeclared", "Measurement"]


class GalliumDeclared(Strict):
    """The capture rate of solar neutrinos on 71Ga in SNU, of which the declared source makes R_i per component.

    It constrains sum_i f_i R_i with the flux norms ``norms`` of this declaration; a component that none of them scales
    enters as predicted. ``relative_errors`` of the rate (theory, fiducial volume ...) add in quadrature to
    ``error_SNU``.
    """

    name: Name
    kind: Literal["gallium_capture"]
    rate_SNU: Annotated[float, Field(gt=0, le=1e6), Plausible]
    error_SNU: Annotated[float, Field(ge=1e-6, le=1e6), Plausible]
    relative_errors: list[Annotated[float, Field(ge=0, le=10), Plausible]] = Field(default_factory=list)
    norms: list[str]
    origin: Annotated[list[str], Field(min_length=1)]
    cite: Annotated[list[str], Field(min_length=1)]

    @property
    def error(self) -> float:
        """All errors in quadrature, in SNU."""
        return math.hypot(self.error_SNU, *(self.rate_SNU * relative for relative in self.relative_errors))


Measurement = Annotated[GalliumDeclared, Field()]
