"""What all processes on atomic electrons share, weak scattering as a form in its couplings, and that at tree level."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import numpy as np

from eventfit.cross_section.atom import ElectronTreatment
from eventfit.cross_section.base import Process, Term
from eventfit.errors import OutOfRange
from eventfit.flux.base import FLAVOURS
from eventfit.quadrature import Array
from eventfit.units import electron_mass, weak_cross_section

__all__ = [
    "ALL_FLAVOURS",
    "SIN2_THETA_W_LOW",
    "Chiral",
    "OnElectrons",
    "Shapes",
    "StandardModelElectron",
    "WeakElectron",
    "chiral_form",
    "tree_shapes",
]

ALL_FLAVOURS: Mapping[str, float] = dict.fromkeys(FLAVOURS, 1.0)
#: sin^2 theta_W at zero momentum transfer in the MS-bar scheme, PDG 2020: what a tree-level formula takes at low energy
SIN2_THETA_W_LOW: Final = 0.23857


@dataclass(frozen=True)
class OnElectrons(Process):
    """What all processes on atomic electrons share."""

    electrons: ElectronTreatment
    mass = electron_mass
    formula: ClassVar[tuple[str, ...]] = ()

    @property
    def cite(self) -> tuple[str, ...]:
        return (*self.formula, *self.electrons.cite)

    def struck(self, T: Array) -> Array:
        return self.electrons.count(T)

    @property
    def breakpoints(self) -> Array:
        return self.electrons.breakpoints


class Chiral(NamedTuple):
    """Couplings of the electron's two chiralities: g_L = (g_V + g_A) / 2, g_R = (g_V - g_A) / 2."""

    left: Array | float
    right: Array | float


class Shapes(NamedTuple):
    """What g_L^2, g_R^2 and -g_L g_R stand with, arrays over T and E."""

    minus: Array | float
    plus: Array
    mixed: Array


class WeakElectron(OnElectrons):
    """Weak scattering off electrons: d sigma/dT is a quadratic form in g_L and g_R.

    In L = -(G_F/sqrt2) [nu-bar gamma^mu (1 - gamma_5) nu] [e-bar gamma_mu (g_V - g_A gamma_5) e], with g_V = 2 sin^2
    theta_W +- 1/2 and g_A = +- 1/2 at tree level (+ for nu_e, - for nu_mu and nu_tau), what else couples to the
    electron's vector current adds to g_V. :meth:`product` gives its square, and its interference with the weak
    couplings.
    """

    @abstractmethod
    def chiral_couplings(self, T: Array, state: str) -> Chiral:
        """The couplings of ``state`` at the recoil ``T`` (any shape, keV), already exchanged for antineutrinos."""

    @abstractmethod
    def shapes(self, T: Array, E: Array) -> Shapes:
        """What the products of the couplings stand with, for all states alike."""

    def product(self, first: Chiral, second: Chiral, T: Array, E: Array) -> Array:
        """The symmetric bilinear form behind d sigma/dT, in cm^2/keV: ``product(g, g)`` is the cross section of g.

        Shape of the broadcast of ``T`` and ``E``. The couplings are those of the scattered state, see
        :meth:`chiral_couplings`; a shift of g_V by d is ``Chiral(d / 2, d / 2)`` for neutrinos and antineutrinos.
        """
        return chiral_form(first, second, self.shapes(T, E))

    def edge_product(self, first: Chiral, second: Chiral, T: Array, E: Array) -> Array:
        """The same form for the coefficient of the logarithm at the edge, see :meth:`Process.edge_kernel`."""
        return np.zeros(np.broadcast_shapes(np.shape(T), np.shape(E)))

    def kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        return self.kernels(term, T, E, [state])[state]

    def kernels(self, term: Term, T: Array, E: Array, states: Sequence[str]) -> dict[str, Array]:
        shapes, found = self.shapes(T, E), dict[str, Array]()
        for state in states:
            twin = state.replace("_tau", "_mu")  # the neutral current of both is the same
            couplings = self.chiral_couplings(T, state)
            found[state] = found[twin] if twin in found else chiral_form(couplings, couplings, shapes)
        return found

    def edge_kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        couplings = self.chiral_couplings(T, state)
        return self.edge_product(couplings, couplings, T, E)


def chiral_form(first: Chiral, second: Chiral, shapes: Shapes) -> Array:
    """(2 G_F^2 m / pi) [L L' minus + R R' plus - (L R' + R L') mixed / 2], for shapes in T and E."""
    across = 0.5 * (first.left * second.right + first.right * second.left)
    parts = first.left * second.left * shapes.minus + first.right * second.right * shapes.plus - across * shapes.mixed
    return np.asarray(weak_cross_section * parts)


def tree_shapes(T: Array, E: Array) -> Shapes:
    """At tree level 1, (1 - T/E)^2 and m T / E^2."""
    return Shapes(1.0, (1.0 - T / E) ** 2, np.asarray(electron_mass * T / E**2))


@dataclass(frozen=True)
class StandardModelElectron(WeakElectron):
    """Weak scattering at tree level.

    d sigma/dT = (2 G_F^2 m / pi) [g_L^2 + g_R^2 (1 - T/E)^2 - g_L g_R m T / E^2], the tree-level part of
    hep-ph/0403168; g_L = sin^2 theta_W +- 1/2 (+ for nu_e, - for nu_mu and nu_tau), g_R = sin^2 theta_W; g_L and g_R
    change places for antineutrinos. ``sin2_theta_w`` is what the analysis declares: at tree level the low-energy value
    0.23857 absorbs part of the corrections; the corrected cross section of nu_e at 10 MeV is 5 % lower.
    """

    sin2_theta_w: float
    name = "standard_model"
    formula = ("hep-ph/0403168",)
    terms = (Term("standard_model", {}, ALL_FLAVOURS),)
    couplings = ()

    def __post_init__(self) -> None:
        if not 0.0 < self.sin2_theta_w < 1.0:
            raise OutOfRange(
                "sin^2 theta_W is not a mixing angle", given=self.sin2_theta_w, allowed="between 0 and 1, e.g. 0.23857"
            )

    def chiral_couplings(self, T: Array, state: str) -> Chiral:
        left = self.sin2_theta_w + (0.5 if state.endswith("_e") else -0.5)
        right = self.sin2_theta_w
        return Chiral(right, left) if state.startswith("nubar") else Chiral(left, right)

    def shapes(self, T: Array, E: Array) -> Shapes:
        return tree_shapes(T, E)
