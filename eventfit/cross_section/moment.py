"""Magnetic moments: one for all neutrinos, one per flavour, or one per transition between mass states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventfit.cross_section.base import Coupling, Term
from eventfit.cross_section.electron import ALL_FLAVOURS, OnElectrons
from eventfit.errors import UnknownName
from eventfit.quadrature import Array
from eventfit.units import magnetic_cross_section

__all__ = ["FlavourMoments", "Magnetic", "MagneticMoment", "TransitionMoments"]

#: magnetic moments are fitted in (1e-11 mu_B)^2, where published limits are of order one
MOMENT_SCALE = 1e-11


def _squared(name: str, reported: str, meaning: str) -> Coupling:
    """The square of the moment ``reported`` as a fit parameter: regular at zero, where the moment is not."""
    return Coupling(
        name=name,
        unit="(1e-11 mu_B)^2",
        start=1.0,
        lower=0.0,
        reported=reported,
        reported_unit="mu_B",
        power=2,
        scale=MOMENT_SCALE,
        meaning=meaning,
    )


@dataclass(frozen=True)
class Magnetic(OnElectrons):
    """Scattering off magnetic moments, incoherent with the weak amplitude because it flips the helicity.

    d sigma/dT = (pi alpha^2 / m^2) (1/T - 1/E) (mu / mu_B)^2, Vogel and Engel, Phys. Rev. D 39 (1989) 3378;
    review: arXiv:1403.6344. The kernel is that of mu = 1e-11 mu_B and the same for every state; what tells the
    families apart is which states a term weighs.
    """

    formula: ClassVar[tuple[str, ...]] = ("vogel-engel1989", "arXiv:1403.6344")
    diverges = True

    def kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        return np.asarray(MOMENT_SCALE**2 * magnetic_cross_section * (1.0 / T - 1.0 / E))

    def kernels(self, term: Term, T: Array, E: Array, states: Sequence[str]) -> dict[str, Array]:
        return dict.fromkeys(states, self.kernel(term, T, E, states[0]))


@dataclass(frozen=True)
class MagneticMoment(Magnetic):
    """A flavour-universal effective moment: one coupling for all states, so the flavour content drops out."""

    name = "magnetic_moment"
    terms = (Term("magnetic_moment", {"mu2": 1}, ALL_FLAVOURS),)
    couplings = (_squared("mu2", "mu_nu", "squared flavour-universal effective magnetic moment"),)


@dataclass(frozen=True)
class _Family(Magnetic):
    """Several moments, one term and one coupling each; ``moments`` names those that are not zero.

    Raises
    ------
    UnknownName
        A moment that the family does not have.
    """

    moments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [term.name for term in self.terms]
        for name in self.moments:
            if name not in names:
                raise UnknownName("there is no such moment", where=self.name, given=name, allowed=", ".join(names))
        object.__setattr__(self, "terms", tuple(term for term in self.terms if term.name in self.moments))
        object.__setattr__(self, "couplings", tuple(c for c in self.couplings if c.reported in self.moments))


@dataclass(frozen=True)
class FlavourMoments(_Family):
    """One effective moment per flavour, alike for neutrino and antineutrino: one term each.

    mu_eff^2 = P_e mu_e^2 + P_mu mu_mu^2 + P_tau mu_tau^2 at the detector, where mu_f^2 sums over all final states
    (arXiv:1403.6344); interference between the mass states is lost on the way from the Sun. It depends on energy
    through the flavour content of the flux, so moments of different sources are different observables.
    """

    moments: tuple[str, ...] = ("mu_e", "mu_mu", "mu_tau")
    name = "flavour_moments"
    terms = tuple(Term(f"mu_{f}", {f"mu_{f}2": 1}, {f"nu_{f}": 1.0, f"nubar_{f}": 1.0}) for f in ("e", "mu", "tau"))
    couplings = tuple(
        _squared(f"mu_{f}2", f"mu_{f}", f"squared effective magnetic moment of nu_{f}") for f in ("e", "mu", "tau")
    )


@dataclass(frozen=True)
class TransitionMoments(_Family):
    """Majorana transition moments between mass states, for neutrinos that arrive as decohered mass states.

    mu_eff^2 = sum_k P_k sum_j |mu_jk|^2. A Majorana mu_jk is antisymmetric: no diagonal, |mu_jk| = |mu_kj|; so
    mu_eff^2 = |mu_12|^2 (P_1 + P_2) + |mu_13|^2 (P_1 + P_3) + |mu_23|^2 (P_2 + P_3) without any phase
    (arXiv:1510.01684, where |Lambda_3| = |mu_12|, |Lambda_2| = |mu_13|, |Lambda_1| = |mu_23|). Three equal moments mu
    give 2 mu^2 at every energy: P_1 + P_2 + P_3 = 1 and each state goes over into two others.
    """

    moments: tuple[str, ...] = ("mu_12", "mu_13", "mu_23")
    name = "transition_moments"
    formula = (*Magnetic.formula, "arXiv:1510.01684")
    terms = tuple(
        Term(f"mu_{j}{k}", {f"mu_{j}{k}_2": 1}, {f"nu_{j}": 1.0, f"nu_{k}": 1.0}, basis="mass")
        for j, k in ((1, 2), (1, 3), (2, 3))
    )
    couplings = tuple(
        _squared(f"mu_{j}{k}_2", f"mu_{j}{k}", f"squared Majorana transition moment between nu_{j} and nu_{k}")
        for j, k in ((1, 2), (1, 3), (2, 3))
    )
