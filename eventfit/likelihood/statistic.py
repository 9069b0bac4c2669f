"""What is measured in a bin: counts (Poisson), or a number with a given error (Gaussian)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.likelihood.poisson import FLOOR, poisson_deviance
from eventfit.quadrature import Array, Index, Mask

__all__ = ["LARGEST", "Statistic"]

#: largest measured number and error, and one over the smallest error: their squares are numbers too
LARGEST = 1e50


@dataclass(frozen=True, eq=False)
class Statistic:
    """The statistic of every bin.

    Attributes
    ----------
    counted
        (n_bin,): which bins hold counts.
    measured, error
        (n_measured,): the other bins, and the standard deviations of what was measured there.
    """

    counted: Mask
    measured: Index
    error: Array

    @classmethod
    def compile(cls, n_bin: int, errors: Array) -> Statistic:
        """From ``errors`` (n_bin,), 0 for counts, or (0,) for counts everywhere.

        Raises
        ------
        OutOfRange
            An error that is negative, not finite or beyond :data:`LARGEST`, or a wrong number of them.
        """
        if not errors.size:
            return cls(np.ones(n_bin, dtype=bool), np.zeros(0, dtype=np.intp), np.zeros(0))
        some = errors[errors != 0]
        if errors.shape != (n_bin,) or not (np.all(some >= 1.0 / LARGEST) and np.all(some <= LARGEST)):
            raise OutOfRange(
                "every bin needs an error that is finite and not negative",
                where="errors",
                given=errors,
                allowed=f"{n_bin} standard deviations from {1.0 / LARGEST:g} to {LARGEST:g}, "
                "0 for a bin that holds counts",
            )
        measured = np.flatnonzero(errors > 0)
        return cls(errors == 0, measured, errors[measured])

    def terms(self, n: Array, expected: Array) -> tuple[Array, Array, Array]:
        """-2 ln L of every bin relative to saturated, with two derivatives in ``expected``; shapes broadcast."""
        if not len(self.measured):
            return poisson_deviance(n, expected)
        with np.errstate(over="ignore", invalid="ignore"):  # what it makes of a measured number means nothing
            value, slope, curve = poisson_deviance(n, expected)
        at = self.measured
        pull = (expected[..., at] - n[..., at]) / self.error
        value[..., at], slope[..., at], curve[..., at] = pull**2, 2.0 * pull / self.error, 2.0 / self.error**2
        return value, slope, curve

    def information(self, expected: Array) -> Array:
        """Expected second derivative of every bin, shaped like ``expected``."""
        found = 2.0 / np.maximum(expected, FLOOR)
        found[..., self.measured] = 2.0 / self.error**2
        return np.asarray(found)

    def spread(self, expected: Array) -> Array:
        """Standard deviation of every bin, shaped like ``expected``."""
        found = np.sqrt(np.maximum(expected, 0.0))
        found[..., self.measured] = self.error
        return np.asarray(found)

    def throw(self, expected: Array, n: int, rng: np.random.Generator) -> Array:
        """``n`` fluctuated measurements, (n, n_bin), for ``expected`` (n_bin,)."""
        counts = np.where(self.counted, np.maximum(expected, 0.0), 0.0)
        thrown = rng.poisson(counts, size=(n, len(expected))).astype(float)
        if len(self.measured):
            at = expected[self.measured]
            thrown[:, self.measured] = at + self.error * rng.standard_normal((n, len(self.measured)))
        return thrown
