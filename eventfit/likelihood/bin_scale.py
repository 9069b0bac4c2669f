"""One nuisance per bin, each with its own auxiliary measurement: HistFactory's shapesys and staterror, OFF counts.

Every bin's gamma is eliminated in closed form, so that a thousand of them cost no Newton column (Barlow and Beeston,
Comput. Phys. Commun. 77 (1993) 219; Conway, arXiv:1103.0354, for the gaussian case).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.likelihood.poisson import poisson_deviance
from eventfit.quadrature import Array, Mask

__all__ = ["BinScale", "best_gamma", "penalty"]

#: keeps divisions finite; its square does not underflow
TINY = 1e-150


@dataclass(frozen=True, eq=False)
class BinScale:
    """A factor gamma_b per bin, common to ``components``.

    Attributes
    ----------
    constraint
        ``"poisson"``: a_b ~ Pois(tau_b gamma_b) (shapesys, OFF counts); ``"gaussian"``: a_b ~ N(gamma_b, width_b)
        (staterror).
    strength
        (n_bin,): tau_b or width_b; a bin with 0 is not scaled.
    observed
        (n_bin,): the auxiliary measurements a_b.

    Raises
    ------
    OutOfRange
        A negative or infinite strength, a negative count.
    """

    name: str
    components: tuple[str, ...]
    constraint: Literal["poisson", "gaussian"]
    strength: Array
    observed: Array

    def __post_init__(self) -> None:
        good = np.all(np.isfinite(self.strength)) and np.all(self.strength >= 0) and np.all(np.isfinite(self.observed))
        if not good or (self.constraint == "poisson" and np.any(self.observed < 0)):
            raise OutOfRange(
                "a factor per bin needs finite auxiliary measurements and strengths that are not negative",
                where=self.name,
                given=f"strength {self.strength}, observed {self.observed}",
                fix="strength 0 leaves a bin as it is",
            )


def best_gamma(rho: Array, sigma: Array, n: Array, a: Array, strength: Array, gaussian: Mask) -> Array:
    """The gamma >= 0 that maximises the likelihood of one bin expecting ``rho + gamma sigma``, all shapes (..., n_bin).

    Both constraints give a quadratic equation with one admissible root: in gamma for the Poisson constraint, in the
    expectation for the gaussian one. ``rho`` or ``sigma`` may be negative (a signal below zero): the root keeps the
    expectation positive, or at zero if nothing was observed. Gamma is zero where both are.
    """
    some = np.where(sigma == 0, 1.0, sigma)
    width = np.where(gaussian, strength, 1.0)
    variance = (width * sigma) ** 2
    shift = rho + a * sigma - variance
    root = np.sqrt(shift**2 + 4.0 * n * variance)
    expected = np.where(shift > 0, 0.5 * (shift + root), 2.0 * n * variance / np.maximum(root - shift, TINY))
    pulled = a + width**2 * sigma * (n / np.maximum(expected, TINY) - 1.0)
    # the same without cancellation where the constraint is weak, and where nothing was observed
    weak = (variance > expected + np.abs(rho)) | ((n == 0) & (shift < 0) & (sigma != 0))
    pulled = np.where(weak, (expected - rho) / some, pulled)
    tau = np.where(gaussian, 1.0, strength)
    square, linear, constant = (sigma + tau) * sigma, (sigma + tau) * rho - (n + a) * sigma, np.maximum(a, 0.0) * rho
    root = np.sqrt(np.maximum(linear**2 + 4.0 * square * constant, 0.0))
    falling = 0.5 * (root - linear) / np.maximum(square, TINY)
    counted = np.where(linear < 0, falling, 2.0 * constant / np.maximum(root + linear, TINY))
    counted = np.where(sigma == 0, a / tau, counted)
    gamma = np.where(gaussian, pulled, counted)
    return np.asarray(np.where((rho <= 0) & (sigma < 0), 0.0, np.maximum(gamma, 0.0)))


def penalty(gamma: Array, a: Array, strength: Array, gaussian: Mask) -> tuple[Array, Array, Array]:
    """-2 ln L of the auxiliary measurements with two derivatives in gamma, shapes (..., n_bin)."""
    counted, slope, curve = poisson_deviance(np.where(gaussian, 1.0, a), np.where(gaussian, 1.0, strength * gamma))
    width = np.where(gaussian, strength, 1.0)
    pulled = np.where(gaussian, (gamma - a) / width, 0.0)
    slope = np.where(gaussian, 2.0 * pulled / width, strength * slope)
    return counted + pulled**2, slope, np.where(gaussian, 2.0 / width**2, strength**2 * curve)
