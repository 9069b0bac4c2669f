"""Resolution: Gaussian smearing on the reconstructed axis."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array
from eventfit.units import MeV

__all__ = [
    "ConstantResolution",
    "FanoResolution",
    "PerfectResolution",
    "PolynomialResolution",
    "Resolution",
    "SqrtResolution",
]


class Resolution(ABC):
    """Gaussian smearing on the reconstructed axis: its mean and width for a visible energy.

    ``known_to`` is the largest visible energy in keV at which they are known, ``smallest`` that below which a recoil
    leaves no signal at all. Noise may reconstruct less than zero, unless ``lowest`` says that nothing smaller is there:
    then the Gaussian is cut at it and normalised to one.
    """

    known_to: float = math.inf
    smallest: float = 0.0
    lowest: float = -math.inf
    #: bibliography keys
    cite: tuple[str, ...] = ()

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
class ConstantResolution(Resolution):
    """One width at all energies, in keV."""

    width: float
    is_sharp = False

    def __post_init__(self) -> None:
        if not self.width > 0.0:
            raise OutOfRange("a constant resolution needs a positive width", where="resolution", given=self.width)

    def sigma(self, visible: Array) -> Array:
        return np.full(np.shape(visible), self.width)


@dataclass(frozen=True)
class FanoResolution(Resolution):
    """Electronic noise, and the fluctuation of the number of electron-hole pairs: sigma^2 = noise^2 + F eps E.

    ``noise`` and the energy per pair ``pair_energy`` (eps) in keV; ``fano`` is F, the variance of the number of pairs
    over its mean (Fano, Phys. Rev. 72 (1947) 26). Below one pair there is no signal; the noise alone is a background
    and not part of the response. So the 1/T of a magnetic moment ends there, and what stands within three widths of the
    noise depends on it. Analyses of Dresden-II (arXiv:2202.10829) take 68.5 eV, 0.11, 2.96 eV and a Gaussian that is
    cut at zero (``positive``).
    """

    noise: float
    fano: float
    pair_energy: float
    positive: bool = False
    is_sharp = False
    cite = ("fano1947",)

    def __post_init__(self) -> None:
        if not (self.noise > 0.0 and self.fano >= 0.0 and self.pair_energy > 0.0):
            raise OutOfRange(
                "noise and energy per pair have to be positive, and a Fano factor not negative",
                where="resolution",
                given=f"noise {self.noise:g} keV, Fano factor {self.fano:g}, {self.pair_energy:g} keV per pair",
            )
        object.__setattr__(self, "smallest", self.pair_energy)
        object.__setattr__(self, "lowest", 0.0 if self.positive else -math.inf)

    def sigma(self, visible: Array) -> Array:
        return np.asarray(np.sqrt(self.noise**2 + self.fano * self.pair_energy * np.asarray(visible)))


@dataclass(frozen=True)
class PolynomialResolution(Resolution):
    """A reconstructed quantity other than energy, e.g. a number of hits N: a polynomial of the visible energy.

    Mean N(T) = sum_k ``coefficients[k]`` T^k with T in MeV, cut off at zero from below;
    width = ``noise`` + ``stochastic`` sqrt(N) + ``linear`` N (arXiv:2204.03011 uses both forms for Borexino).
    A polynomial fitted to a calibration means nothing far above it: hence ``known_to``, in keV.

    Raises
    ------
    OutOfRange
        A mean that falls, or a width that is not positive where hits are expected, at the energies where it is used.
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
                allowed=f"a polynomial that rises over all recoils of the source up to {self.known_to:g} keV",
                fix="lower the energy up to which it is known, if it was made for lower ones",
            )
        return np.asarray(np.maximum(polyval(T, self.coefficients), 0.0))

    def sigma(self, visible: Array) -> Array:
        N = self.mean(visible)
        width = self.noise + self.stochastic * np.sqrt(N) + self.linear * N
        bad = (width < 0.0) | ((width == 0.0) & (N > 0.0))  # no hits may be certain
        if np.any(bad):
            worst = int(np.argmin(np.where(bad, width, np.inf)))
            raise OutOfRange(
                "the width of the reconstructed quantity is not positive",
                where="response.resolution",
                given=f"{float(width.flat[worst]):.3g} at a mean of {float(N.flat[worst]):.4g}",
                allowed=f"a width above zero over all recoils of the source up to {self.known_to:g} keV",
                fix="lower the energy up to which it is known, if it was made for lower ones",
            )
        return np.asarray(width)
