"""What every source is: nodes and weights in neutrino energy, so a line and a continuum are the same thing."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array, Index, gauss_legendre, share_above

__all__ = ["FLAVOURS", "MASS_STATES", "Basis", "Flux", "Measure"]

Basis = Literal["flavour", "mass"]
#: states of the flavour basis, neutrinos and antineutrinos apart
FLAVOURS = ("nu_e", "nu_mu", "nu_tau", "nubar_e", "nubar_mu", "nubar_tau")
#: states of the mass basis
MASS_STATES = ("nu_1", "nu_2", "nu_3")


@dataclass(frozen=True, eq=False)
class Measure:
    """An integral over neutrino energy: ``weight @ f(energy)``.

    Attributes
    ----------
    energy, weight
        Nodes in keV and weights (density times quadrature weight), shape (n,).
    low, high, position
        The panel a node belongs to and its place in it, shape (n,); a line has ``low == high == energy``. All nodes of
        a panel are Gauss-Legendre points and stand together, from position 0.
    """

    energy: Array
    weight: Array
    low: Array
    high: Array
    position: Index

    def __post_init__(self) -> None:
        if not (np.all(np.isfinite(self.weight)) and np.all(self.weight >= 0) and np.all(self.energy > 0)):
            raise OutOfRange("a measure needs positive energies and finite, non-negative weights", where="Measure")

    @classmethod
    def lines(cls, energy: Array, intensity: Array) -> Measure:
        """Monochromatic lines: one node each."""
        energy = np.asarray(energy, dtype=float)
        position = np.zeros(len(energy), dtype=np.intp)
        return cls(energy, np.asarray(intensity, dtype=float), energy, energy, position)

    @classmethod
    def from_density(cls, edges: Array, density: Callable[[Array], Array], order: int) -> Measure:
        """A continuum: ``order`` Gauss-Legendre nodes in each panel between ``edges`` (keV)."""
        energy, width = gauss_legendre(edges, order)
        low, high = np.repeat(edges[:-1], order), np.repeat(edges[1:], order)
        return cls(energy, width * density(energy), low, high, np.tile(np.arange(order), len(edges) - 1))

    def __add__(self, other: Measure) -> Measure:
        names = ("energy", "weight", "low", "high", "position")
        return Measure(**{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names})

    def __mul__(self, factor: float) -> Measure:
        return replace(self, weight=factor * self.weight)

    __rmul__ = __mul__

    def same_nodes(self, other: Measure) -> bool:
        """Whether both integrate over the same nodes, whatever their weights."""
        return all(
            getattr(self, name) is getattr(other, name) or np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("energy", "low", "high")
        )

    @property
    def total(self) -> float:
        """The integral of 1: the total flux."""
        return float(self.weight.sum())

    def integral(self, f: Callable[[Array], Array]) -> float:
        """The integral of ``f`` over the measure."""
        return float(self.weight @ f(self.energy))

    def share_above(self, threshold: Array) -> Array:
        """Share of every node's weight that lies above ``threshold``, shape (len(threshold), n).

        One inside the integration range, zero outside, and the exact partial weights of the panel that the threshold
        cuts; so ``(weight * share) @ f`` keeps the accuracy of the rule although f stops at a kinematic edge.
        """
        threshold = np.asarray(threshold, dtype=float)[:, None]
        share = (self.low >= threshold).astype(float)
        row, node = np.nonzero((self.low < threshold) & (threshold < self.high))
        if len(row):
            starts = np.flatnonzero(self.position == 0)
            sizes = np.diff(np.append(starts, len(self.energy)))
            order, position = np.repeat(sizes, sizes)[node], self.position[node]
            x0 = 2.0 * (threshold[row, 0] - self.low[node]) / (self.high[node] - self.low[node]) - 1.0
            for k in np.unique(order):
                sel = np.flatnonzero(order == k)
                share[row[sel], node[sel]] = share_above(x0[sel], int(k))[np.arange(len(sel)), position[sel]]
        return share


class Flux(ABC):
    """One source component at the detector, e.g. pp neutrinos or one reactor; its norm is one parameter."""

    #: short name, used in templates and parameters
    name: str
    #: relative 1 sigma error of the norm, None where the source states none
    relative_error: float | None
    #: bibliography keys
    cite: tuple[str, ...]

    @property
    def known(self) -> tuple[float, float]:
        """Energies in keV between which the source is known; beyond them its spectrum is unknown rather than zero."""
        return 0.0, math.inf

    @abstractmethod
    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        """Nodes and weights per state of ``basis`` in 1/(cm^2 s), with ``order`` nodes in each panel.

        Raises
        ------
        OutOfRange
            The source is not known in this basis (a mass content needs an oscillation model).
        """

    @abstractmethod
    def density(self, energy: Array) -> Array:
        """Continuous spectrum at ``energy`` (n,) in 1/(cm^2 s keV), all states together, without lines."""
