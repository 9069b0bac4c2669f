"""Neutrinos of pi+ that stop and decay, and of the mu+ that stop and decay after them: three spectra in closed form.

pi+ -> mu+ nu_mu gives a line, mu+ -> e+ nu_e nubar_mu two spectra up to half the muon mass. One stopped pion makes one
neutrino of each kind, so all three have the same flux. They are components of their own, like those of the Sun: they
differ in flavour, and prompt (nu_mu) and delayed (nu_e, nubar_mu) in time, so an experiment may see some of them and
quote them apart. What is uncertain is the number of pions: one error common to all three.

Left out: decays in flight, pi- and mu- (of the order of 1e-3 of nubar_e), the electron mass and radiative corrections
in the muon decay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, pi
from typing import Final, Literal, get_args

import numpy as np

from eventfit.errors import OutOfRange, UnknownName
from eventfit.flux.base import Basis, Flux, Measure
from eventfit.quadrature import Array
from eventfit.units import charged_pion_mass, muon_mass

__all__ = [
    "END_POINT",
    "LINE",
    "StoppedPionComponent",
    "StoppedPionState",
    "flux_per_flavour",
    "stopped_pion_flux",
]

StoppedPionState = Literal["nu_mu", "nu_e", "nubar_mu"]
#: energy in keV of the nu_mu, from two-body decay: 29.79 MeV
LINE: Final = (charged_pion_mass**2 - muon_mass**2) / (2.0 * charged_pion_mass)
#: largest energy in keV of a neutrino from muon decay: 52.83 MeV
END_POINT: Final = 0.5 * muon_mass
#: panels of the continua, narrower towards the end point, where few neutrinos are left above a kinematic edge
PANELS: Final = 48


@dataclass(frozen=True, eq=False)
class StoppedPionComponent(Flux):
    """The neutrinos of one kind; ``name`` is their state.

    Attributes
    ----------
    total
        Flux at the detector in 1/(cm^2 s).
    """

    name: StoppedPionState
    total: float
    relative_error: float | None = None
    cite: tuple[str, ...] = ("pdg2024", "michel1950")

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        if basis != "flavour":
            raise OutOfRange(
                "neutrinos of a beam stop come as flavours: over its short distance nothing oscillates",
                given=basis,
                allowed="flavour",
                fix="mass states need an oscillation model",
            )
        if self.name == "nu_mu":
            return {"nu_mu": Measure.lines(np.array([LINE]), np.array([self.total]))}
        panels = END_POINT * (1.0 - np.linspace(1.0, 0.0, PANELS + 1) ** 2)
        return {self.name: Measure.from_density(panels, self.density, order)}

    def density(self, energy: Array) -> Array:
        """Michel spectra in x = 2 E / m_mu: 12 x^2 (1 - x) for nu_e, 2 x^2 (3 - 2 x) for nubar_mu; zero beyond x = 1.

        Their means are 3/10 and 7/20 of the muon mass.
        """
        x = np.asarray(energy, dtype=float) / END_POINT
        shape = {"nu_mu": 0.0 * x, "nu_e": 12.0 * x**2 * (1.0 - x), "nubar_mu": 2.0 * x**2 * (3.0 - 2.0 * x)}
        return np.where((x >= 0.0) & (x <= 1.0), self.total / END_POINT * shape[self.name], 0.0)


def stopped_pion_flux(
    total: float,
    *,
    components: Sequence[str] = get_args(StoppedPionState),
    relative_error: float | None = None,
) -> tuple[StoppedPionComponent, ...]:
    """The ``components`` of a stopped-pion source, each with the flux ``total`` at the detector in 1/(cm^2 s).

    ``relative_error`` is that of the number of pions, common to all.

    Raises
    ------
    UnknownName
        A neutrino that such a source does not make.
    OutOfRange
        A flux that is not positive.
    """
    for name in components:
        if name not in get_args(StoppedPionState):
            raise UnknownName(
                "a stopped pion makes no such neutrino", given=name, allowed=", ".join(get_args(StoppedPionState))
            )
    _require_positive("the flux per flavour", total, "1/(cm^2 s)")
    return tuple(StoppedPionComponent(name, total, relative_error) for name in components)  # type: ignore[arg-type]


def flux_per_flavour(protons_per_s: float, pions_per_proton: float, distance: float) -> float:
    """Flux of each of the three neutrinos at ``distance`` (cm), in 1/(cm^2 s): isotropic, from a point.

    ``pions_per_proton`` counts the pi+ that decay at rest, for each proton on the target.
    """
    _require_positive("the protons on target", protons_per_s, "1/s")
    _require_positive("the stopped pions per proton", pions_per_proton, "1")
    _require_positive("the distance from the source", distance, "cm")
    return protons_per_s * pions_per_proton / (4.0 * pi * distance**2)


def _require_positive(what: str, value: float, unit: str) -> None:
    if not 0.0 < value < inf:
        raise OutOfRange(
            f"{what} has to be positive", where="stopped pion", given=f"{value:g} {unit}", allowed="above 0 and finite"
        )
