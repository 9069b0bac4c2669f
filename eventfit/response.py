"""What the detector makes of a recoil: quenching -> resolution -> efficiency -> bins, as one matrix.

The order is explicit. An efficiency declared after the resolution is a function of the reconstructed energy and is
integrated inside each bin together with the smearing; before it, of the visible energy if quenching has acted, else of
the true recoil.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval
from scipy.special import ndtr

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array
from eventfit.units import MeV

__all__ = ["Axis", "ConstantQuenching", "Efficiency", "PerfectResolution", "Quenching", "Resolution", "Response"]
__all__ += ["PolynomialResolution", "SqrtResolution"]

Stage = Literal["quenching", "resolution", "efficiency"]
#: Gaussian tails are followed to this many standard deviations
REACH = 9.0
#: a change of an efficiency that is worth a recoil panel
BEND = 1e-4


@dataclass(frozen=True)
class Axis:
    """The reconstructed quantity: keV, or later N_h, photo-electrons ..."""

    name: str = "energy"
    unit: str = "keV"


class Quenching(ABC):
    """Visible energy as a function of the true recoil energy."""

    @abstractmethod
    def visible(self, T: Array) -> Array:
        """Mean visible energy, increasing in ``T``; same shape and unit (keV)."""


@dataclass(frozen=True)
class ConstantQuenching(Quenching):
    """``visible = factor * T``; electron recoils calibrated with electrons have factor 1."""

    factor: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.factor <= 1.0:
            raise OutOfRange("a quenching factor lies between 0 and 1", where="quenching.factor", given=self.factor)

    def visible(self, T: Array) -> Array:
        return np.asarray(self.factor * T)


class Resolution(ABC):
    """Gaussian smearing on the reconstructed axis: its mean and width for a visible energy.

    ``known_to`` is the largest visible energy in keV at which they are known.
    """

    known_to: float = math.inf

    def mean(self, visible: Array) -> Array:
        """Mean reconstructed value for the ``visible`` energy (any shape)."""
        return visible

    @abstractmethod
    def sigma(self, visible: Array) -> Array:
        """Standard deviation of the reconstructed value; zero means no smearing."""

    @property
    @abstractmethod
    def is_sharp(self) -> bool:
        """Whether sigma is zero everywhere."""


@dataclass(frozen=True)
class PerfectResolution(Resolution):
    """No smearing."""

    is_sharp = True

    def sigma(self, visible: Array) -> Array:
        return np.zeros(np.shape(visible))


@dataclass(frozen=True)
class SqrtResolution(Resolution):
    """``sigma = a sqrt(E) + b E`` with E in keV, the form of arXiv:2003.03825; ``a`` in sqrt(keV), ``b`` pure."""

    a: float
    b: float

    def __post_init__(self) -> None:
        if not (self.a >= 0.0 and self.b >= 0.0):
            raise OutOfRange("a resolution cannot be negative", where="resolution", given=f"a={self.a}, b={self.b}")

    @property
    def is_sharp(self) -> bool:
        return self.a == 0.0 and self.b == 0.0

    def sigma(self, visible: Array) -> Array:
        return np.asarray(self.a * np.sqrt(visible) + self.b * visible)


@dataclass(frozen=True)
class PolynomialResolution(Resolution):
    """A reconstructed quantity other than energy, e.g. a number of hits N: a polynomial of the visible energy.

    Mean N(T) = sum_k ``coefficients[k]`` T^k with T in MeV, cut off at zero from below;
    width = ``noise`` + ``stochastic`` sqrt(N) + ``linear`` N (arXiv:2204.03011 uses both forms for Borexino).
    A polynomial fitted to a calibration means nothing far above it: hence ``known_to``, in keV.

    Raises
    ------
    OutOfRange
        A mean that falls or a width that is not positive, at the energies where it is used.
    """

    coefficients: tuple[float, ...]
    noise: float
    stochastic: float
    linear: float
    known_to: float
    is_sharp = False

    def mean(self, visible: Array) -> Array:
        T = np.asarray(visible) / MeV
        slope = polyval(T, polyder(self.coefficients))
        if np.any(slope <= 0.0):
            raise OutOfRange(
                "the mean of the reconstructed quantity does not rise with the energy",
                where="response.resolution",
                given=f"slope {float(np.min(slope)):.3g} per MeV",
                allowed="a polynomial that rises over all recoils of the source",
            )
        return np.asarray(np.maximum(polyval(T, self.coefficients), 0.0))

    def sigma(self, visible: Array) -> Array:
        N = self.mean(visible)
        width = self.noise + self.stochastic * np.sqrt(N) + self.linear * N
        if np.any(width <= 0.0):
            raise OutOfRange(
                "the width of the reconstructed quantity is not positive",
                where="response.resolution",
                given=f"{float(np.min(width)):.3g} at a mean of {float(N.flat[int(np.argmin(width))]):.4g}",
                allowed="a width above zero over all recoils of the source",
            )
        return np.asarray(width)


@dataclass(frozen=True, eq=False)
class Efficiency:
    """Piecewise linear efficiency: ``energy`` (n,) in keV, increasing, and ``value`` (n,) in [0, 1].

    Raises
    ------
    OutOfRange
        A value outside [0, 1] (here), an energy outside the table (when used).
    """

    energy: Array
    value: Array
    name: str = "efficiency"

    def __post_init__(self) -> None:
        if np.any(np.diff(self.energy) <= 0):
            raise OutOfRange("the energies of an efficiency have to increase strictly", where=self.name)
        bad = ~((self.value >= 0.0) & (self.value <= 1.0))
        if bad.any():
            row = int(np.argmax(bad))
            raise OutOfRange(
                "an efficiency is a probability",
                where=f"{self.name}, row {row + 1} (at {self.energy[row]:g} keV)",
                given=float(self.value[row]),
                allowed="0 to 1",
                fix="divide percentages by 100; put a live-time or mass factor into the exposure",
            )

    def __call__(self, energy: Array) -> Array:
        self.require(float(np.min(energy)), float(np.max(energy)))
        return np.asarray(np.interp(energy, self.energy, self.value))

    @property
    def bends(self) -> Array:
        """Knots in keV whose straightening would change the efficiency by more than ``BEND``."""
        slope = np.diff(self.value) / np.diff(self.energy)
        spacing = 0.5 * (self.energy[2:] - self.energy[:-2])
        return np.asarray(self.energy[1:-1][np.abs(np.diff(slope)) * spacing > BEND])

    def require(self, low: float, high: float) -> None:
        """Refuse energies that the table does not reach: nothing is extrapolated."""
        if low < self.energy[0] or high > self.energy[-1]:
            raise OutOfRange(
                "the efficiency is not known over the whole range it is used in",
                where=self.name,
                given=f"{low:g} to {high:g} keV",
                allowed=f"{self.energy[0]:g} to {self.energy[-1]:g} keV",
                fix="narrow the window or extend the table",
            )


@dataclass(frozen=True, eq=False)
class Response:
    """Probability that a recoil T is seen in a bin of the reconstructed axis.

    Attributes
    ----------
    order
        Stages in the order in which they act. An efficiency is a function of what has come out by then: the true recoil
        energy, the visible energy after ``"quenching"``, the reconstructed value after ``"resolution"``.
    """

    order: tuple[Stage, ...]
    resolution: Resolution
    efficiency: Efficiency | None = None
    quenching: Quenching | None = None
    axis: Axis = field(default_factory=Axis)

    def __post_init__(self) -> None:
        present = {
            "quenching": self.quenching is not None,
            "resolution": True,
            "efficiency": self.efficiency is not None,
        }
        declared = {stage for stage, there in present.items() if there}
        wrong = set(self.order) != declared or len(self.order) != len(declared)
        if wrong or ("quenching" in declared and self._place("quenching") > self._place("resolution")):
            raise OutOfRange(
                "the order does not list each declared stage once, with quenching before resolution",
                where="response.order",
                given=list(self.order),
                allowed=f"an order of {sorted(declared)}",
            )

    @property
    def efficiency_is_reconstructed(self) -> bool:
        """Whether the efficiency acts on the reconstructed axis."""
        return self.efficiency is not None and self._place("efficiency") > self._place("resolution")

    def _place(self, stage: Stage) -> int:
        return self.order.index(stage)

    def _accepted(self, T: Array) -> Array:
        """Efficiency before smearing, at the visible energy if quenching has acted, else at the true recoil."""
        assert self.efficiency is not None
        quenched = self.quenching is not None and self._place("efficiency") > self._place("quenching")
        return self.efficiency(self.quenching.visible(T) if quenched and self.quenching is not None else T)

    @property
    def is_sharp(self) -> bool:
        """Whether nothing is smeared."""
        return self.resolution.is_sharp

    def moments(self, T: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the reconstructed value for true recoils ``T``."""
        visible = T if self.quenching is None else self.quenching.visible(T)
        return self.resolution.mean(visible), self.resolution.sigma(visible)

    def matrix(self, T: Array, edges: Array) -> Array:
        """P(bin | T), shape (n_bin, n_T): columns sum to at most 1, never renormalised to the window.

        Parameters
        ----------
        T
            True recoil energies (n_T,) in keV.
        edges
            Increasing bin edges (n_bin + 1,) on the reconstructed axis.
        """
        mean, sigma = self.moments(T)
        if not self.efficiency_is_reconstructed:
            columns = np.diff(_smeared(edges, mean, sigma)[0], axis=0)
            return columns if self.efficiency is None else columns * self._accepted(T)
        assert self.efficiency is not None
        self.efficiency.require(edges[0], edges[-1])
        knots = self.efficiency.energy
        fine = np.unique(np.concatenate([edges, knots[(knots > edges[0]) & (knots < edges[-1])]]))
        value = self.efficiency(fine)
        slope = np.diff(value) / np.diff(fine)
        offset = value[:-1] - slope * fine[:-1]
        cdf, first = _smeared(fine, mean, sigma)
        # int (offset + slope x) N(x; mean, sigma) dx over each sub-bin, exact for the piecewise linear efficiency
        parts = offset[:, None] * np.diff(cdf, axis=0) + slope[:, None] * np.diff(first, axis=0)
        return np.asarray(np.add.reduceat(parts, np.searchsorted(fine, edges[:-1]), axis=0))

    def density(self, T: Array, points: Array) -> Array:
        """d P / d x at ``points`` (n_point,) for recoils ``T``, shape (n_point, n_T), for unbinned fits.

        Raises
        ------
        OutOfRange
            The resolution is zero, so that the density is not a function.
        """
        mean, sigma = self.moments(T)
        if np.any(sigma <= 0):
            raise OutOfRange("a perfect resolution has no density", where="response", fix="use bins, or a resolution")
        z = (np.asarray(points)[:, None] - mean) / sigma
        shape = np.exp(-0.5 * z**2) / (np.sqrt(2.0 * np.pi) * sigma)
        if self.efficiency is None:
            return np.asarray(shape)
        if self.efficiency_is_reconstructed:
            return np.asarray(shape * self.efficiency(points)[:, None])
        return np.asarray(shape * self._accepted(T))

    def support(self, edges: Array, limit: float) -> tuple[float, float]:
        """Range of true recoils (keV) up to ``limit`` that can be reconstructed between the outer ``edges``."""
        T = self._recoils(limit)
        mean, sigma = self.moments(T)
        below, above = mean + REACH * sigma < edges[0], mean - REACH * sigma > edges[-1]
        if below[-1]:
            raise OutOfRange(
                "no recoil that the source can produce is reconstructed inside the window",
                where="response.edges",
                given=f"{edges[0]:g} to {edges[-1]:g} {self.axis.unit}",
                allowed=f"recoils up to {limit:g} keV",
            )
        if T[-1] < limit and not above.any():
            raise OutOfRange(
                "the resolution is not known for all recoils that can be reconstructed inside the window",
                where="response.resolution",
                given=f"recoils up to {limit:g} keV, the resolution up to {self.resolution.known_to:g} keV",
                allowed=f"a window that ends {REACH:g} standard deviations below what {T[-1]:.4g} keV gives",
                fix="lower the end of the window, or know the resolution further up",
            )
        first = int(np.argmin(below)) - 1
        last = int(np.argmax(above)) if above.any() else -1
        return float(T[max(first, 0)]), float(T[last])

    def breakpoints(self, edges: Array, limit: float) -> Array:
        """True recoils (keV) where :meth:`matrix` jumps or bends: efficiency knots, and bin edges if nothing smears."""
        efficiency = np.empty(0)
        if self.efficiency is not None:
            efficiency = self.efficiency.energy if self.is_sharp else self.efficiency.bends
        at_recoil = self.efficiency is not None and not self.efficiency_is_reconstructed
        quenched = self.quenching is not None and self._place("efficiency") > self._place("quenching")
        T = self._recoils(limit)
        mean = self.moments(T)[0]
        knots = efficiency if at_recoil and not quenched else np.empty(0)
        if self.is_sharp:
            knots = np.concatenate([knots, np.interp(np.concatenate([edges, efficiency]), mean, T)])
        elif at_recoil and quenched:
            knots = np.interp(efficiency, mean, T)
        return np.unique(knots)

    def _recoils(self, limit: float) -> Array:
        """Recoils (keV) from 0 to ``limit``, as far as known: the range and the inverse of the mean are sought here."""
        T = np.concatenate([[0.0], limit * np.geomspace(1e-6, 1.0, 4000)])
        visible = T if self.quenching is None else self.quenching.visible(T)
        return T[visible <= self.resolution.known_to]


def _smeared(x: Array, mean: Array, sigma: Array) -> tuple[Array, Array]:
    """Integrals of N(t; mean, sigma) and t N(t; mean, sigma) up to ``x``, each (n_x, n_T); steps where sigma is 0."""
    smooth = sigma > 0
    safe = np.where(smooth, sigma, 1.0)
    z = (x[:, None] - mean) / safe
    cdf = np.where(smooth, ndtr(z), (z >= 0.0).astype(float))
    tail = np.where(smooth, safe * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi), 0.0)
    return cdf, mean * cdf - tail
