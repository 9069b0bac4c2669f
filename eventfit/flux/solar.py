"""Solar neutrinos: one component per reaction, normalised by a B16 standard solar model (arXiv:1611.09867)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from eventfit.errors import OutOfRange, UnknownName
from eventfit.flux.base import Basis, Flux, Measure
from eventfit.quadrature import Array
from eventfit.tables import Tables

__all__ = ["COMPONENTS", "LINE_COMPONENTS", "SolarComponent", "SolarModel", "solar_flux"]

SolarModel = Literal["b16_gs98", "b16_agss09met"]
#: components with their names in the tables; be7 holds both lines
COMPONENTS = ("pp", "pep", "hep", "be7", "b8", "n13", "o15", "f17")
LINE_COMPONENTS = ("pep", "be7")


@dataclass(frozen=True, eq=False)
class SolarComponent(Flux):
    """One solar component, born as nu_e and not oscillated.

    Attributes
    ----------
    total
        Flux at 1 au in 1/(cm^2 s).
    nodes_keV, shape
        Continuum: energies (n,) and the piecewise linear probability density (n,) in 1/keV, normalised to 1.
        Lines: energies and branching fractions.
    """

    name: str
    model: str
    total: float
    relative_error: float | None
    nodes_keV: Array
    shape: Array
    is_line: bool
    cite: tuple[str, ...]

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        if basis != "flavour":
            raise OutOfRange(
                f"the solar component {self.name!r} is not propagated: its mass content is unknown",
                given=basis,
                allowed="flavour",
                fix="put an oscillation model between the Sun and the detector",
            )
        if self.is_line:
            return {"nu_e": Measure.lines(self.nodes_keV, self.total * self.shape)}
        return {"nu_e": Measure.from_density(self.nodes_keV, self.density, order)}

    def density(self, energy: Array) -> Array:
        if self.is_line:
            return np.zeros(np.shape(energy))
        return np.asarray(self.total * np.interp(energy, self.nodes_keV, self.shape, left=0.0, right=0.0))


def solar_flux(tables: Tables, components: Sequence[str], model: SolarModel) -> tuple[SolarComponent, ...]:
    """The solar ``components`` (of :data:`COMPONENTS`) with the norms of ``model``.

    Spectra are piecewise linear between the rows of their table, fall to zero at E = 0, and are divided by their own
    integral, so that each is normalised to 1 exactly (the tables miss it by up to 3e-4 where they were thinned).

    Raises
    ------
    UnknownName
        A component or model that does not exist.
    """
    if model not in get_args(SolarModel):
        raise UnknownName("unknown solar model", given=model, allowed=", ".join(get_args(SolarModel)))
    return tuple(_component(tables, name, model) for name in components)


def _component(tables: Tables, name: str, model: SolarModel) -> SolarComponent:
    fluxes = tables.read("flux/solar/fluxes")
    if name not in COMPONENTS:
        raise UnknownName("unknown solar component", given=name, allowed=", ".join(COMPONENTS))
    row = fluxes.text["component"].index(name)
    is_line = name in LINE_COMPONENTS
    if is_line:
        table = tables.read(f"flux/solar/lines_{name}")
        nodes, shape = table["energy_keV"], table["branching"]
    else:
        table = tables.read(f"flux/solar/spectrum_{name}")
        nodes, shape = table["energy_keV"], table["density_per_keV"]
        if nodes[0] > 0:
            nodes, shape = np.append(0.0, nodes), np.append(0.0, shape)
        shape = shape / np.trapezoid(shape, nodes)
    return SolarComponent(
        name=name,
        model=model,
        total=float(fluxes[f"{model}_per_cm2_s"][row]),
        relative_error=float(fluxes[f"{model}_relative_error"][row]),
        nodes_keV=nodes,
        shape=shape,
        is_line=is_line,
        cite=(*fluxes.cite, *table.cite),
    )
