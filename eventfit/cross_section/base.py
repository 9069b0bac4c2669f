"""Two-body kinematics, and what every process is: terms, each a coupling coefficient times a fixed cross section."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventfit.cross_section.edge import edge_logarithm
from eventfit.errors import OutOfRange
from eventfit.flux.base import Basis
from eventfit.quadrature import Array

__all__ = ["Coupling", "Process", "Recoil", "Term", "maximum_recoil", "minimum_energy"]

#: what moves after the scattering: a detector sees less of a nucleus than of an electron of the same energy
Recoil = Literal["electron", "nucleus"]


def maximum_recoil(E: Array, mass: float) -> Array:
    """Largest recoil energy T of a particle of ``mass`` at rest hit by a neutrino of energy ``E``; all in keV."""
    return np.asarray(2.0 * E**2 / (mass + 2.0 * E))


def minimum_energy(T: Array, mass: float) -> Array:
    """Smallest neutrino energy that gives the recoil ``T``; the inverse of :func:`maximum_recoil`."""
    return np.asarray(0.5 * (T + np.sqrt(T * (T + 2.0 * mass))))


@dataclass(frozen=True)
class Coupling:
    """A free parameter of a process as the fit sees it and as a paper reports it.

    The fit parameter is ``name``; the paper's is ``reported`` = scale * name**(1 / power) in ``reported_unit``.
    A magnetic moment enters a rate as its square, so it is fitted as ``mu2`` (regular at zero) and reported as mu.
    """

    name: str
    unit: str
    start: float
    lower: float
    reported: str
    reported_unit: str
    power: int
    scale: float
    meaning: str
    #: what a reader has to know to compare the number with another one
    convention: str = ""


@dataclass(frozen=True)
class Term:
    """One piece of a differential cross section.

    Attributes
    ----------
    powers
        Coupling -> exponent; the coefficient of the term is the product of powers. Empty: coefficient 1 (the
        Standard Model).
    weight
        State -> weight with which the state's flux enters.
    """

    name: str
    powers: Mapping[str, int]
    weight: Mapping[str, float]
    basis: Basis = "flavour"


class Process(ABC):
    """Something a neutrino scatters on, with the terms of its cross section per formula unit of the target."""

    name: str
    #: mass of the struck particle in keV
    mass: float
    terms: tuple[Term, ...]
    couplings: tuple[Coupling, ...] = ()
    #: what recoils
    recoil: Recoil = "electron"
    #: whether the cross section grows without bound towards zero recoil, so that a rate needs a threshold
    diverges: bool = False

    @property
    def soft_edge(self) -> bool:
        """Whether the cross section has a logarithm at the kinematic edge, see :meth:`edge_kernel`."""
        return False

    @abstractmethod
    def kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        """d sigma / dT in cm^2/keV of one struck particle at unit couplings, shape broadcast of ``T`` and ``E``.

        Smooth through the kinematic edge: folding cuts the integral there, see :meth:`Measure.share_above`.
        """

    def kernels(self, term: Term, T: Array, E: Array, states: Sequence[str]) -> dict[str, Array]:
        """:meth:`kernel` of several states; those that scatter alike share one array."""
        return {state: self.kernel(term, T, E, state) for state in states}

    def edge_kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        """The coefficient of ln(1 - E_min(T)/E), which adds to the kernel; smooth and shaped like it.

        Soft photons make such a logarithm. It is kept apart because no polynomial rule integrates it well.
        """
        return np.zeros(np.broadcast_shapes(np.shape(T), np.shape(E)))

    @property
    @abstractmethod
    def cite(self) -> tuple[str, ...]:
        """Bibliography keys of the formulas."""

    @abstractmethod
    def struck(self, T: Array) -> Array:
        """Number of particles per formula unit that a recoil ``T`` (n_T,) in keV can strike."""

    @property
    @abstractmethod
    def breakpoints(self) -> Array:
        """Recoil energies in keV where :meth:`struck` jumps."""

    def dsigma_dT(self, term: Term, T: Array, E: Array, state: str) -> Array:
        """d sigma / dT of ``term`` per formula unit, (n_T, n_E) in cm^2/keV, zero beyond the kinematic edge.

        Parameters
        ----------
        T, E
            Recoil (n_T,) and neutrino energies (n_E,) in keV.

        Raises
        ------
        OutOfRange
            A recoil that is not positive: a magnetic term diverges there.
        """
        if np.any(np.asarray(T) <= 0):
            raise OutOfRange("recoil energies have to be positive", where=f"{self.name}.dsigma_dT")
        T, E = np.asarray(T, dtype=float)[:, None], np.asarray(E, dtype=float)[None, :]
        allowed = maximum_recoil(E, self.mass) >= T
        sigma = self.kernel(term, T, E, state)
        if self.soft_edge:
            sigma = sigma + self.edge_kernel(term, T, E, state) * edge_logarithm(minimum_energy(T, self.mass), E)
        return np.where(allowed, sigma * self.struck(T), 0.0)
