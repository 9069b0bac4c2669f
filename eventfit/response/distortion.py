"""Errors of a response: what it is if one of its numbers lies some standard deviations away from the nominal one.

A distortion is a family of responses of one number ``theta``, the nominal response at zero. It acts on the chain and
not on a spectrum: everything that is folded through the response moves together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.interpolation import smooth_even
from eventfit.quadrature import Array
from eventfit.response.axis import KeV
from eventfit.response.efficiency import Acceptance
from eventfit.response.matrix import Response
from eventfit.response.quenching import LindhardQuenching, Quenching
from eventfit.response.resolution import Resolution

__all__ = [
    "Distortion",
    "EfficiencyBand",
    "EnergyScale",
    "LindhardK",
    "QuenchingScale",
    "ResolutionWidth",
    "ThresholdShift",
]

#: standard deviations over which an error of the response is used: its numbers have to make sense up to there
FURTHEST: Final = 5.0


class Distortion(ABC):
    """A response that depends on ``theta``, in standard deviations.

    ``linear`` says that the response is linear in theta and ``smooth_even(theta)``, so that a fold is as well;
    otherwise a fold is a smooth function that powers of theta approach. ``of_nuclei`` says that it is an error of
    nuclear recoils and leaves those of electrons as they are.
    """

    linear: bool = False
    of_nuclei: bool = False

    @abstractmethod
    def at(self, response: Response, theta: float) -> Response:
        """The ``response`` with this number ``theta`` standard deviations away.

        Raises
        ------
        OutOfRange
            The response has not what this is an error of.
        """


@dataclass(frozen=True)
class EnergyScale(Distortion):
    """A wrong calibration: what is reconstructed as x becomes (1 + relative theta) x + offset theta.

    Mean and width change alike, as those of a histogram do when its axis is relabelled. An efficiency that acts after
    the resolution is taken at the wrong value, one before it at the true one. ``offset`` in units of the axis.
    """

    relative: float = 0.0
    offset: float = 0.0

    def at(self, response: Response, theta: float) -> Response:
        scale = 1.0 + self.relative * theta
        return replace(response, resolution=_Changed(response.resolution, scale, scale, self.offset * theta))


@dataclass(frozen=True)
class ResolutionWidth(Distortion):
    """The width of the resolution, (1 + relative theta) times as large at all energies."""

    relative: float

    def at(self, response: Response, theta: float) -> Response:
        if response.is_sharp:
            raise OutOfRange(
                "a perfect resolution has no width that could be wrong",
                where="response.resolution",
                fix="declare a resolution, or remove the error of its width",
            )
        return replace(response, resolution=_Changed(response.resolution, 1.0, 1.0 + self.relative * theta, 0.0))


@dataclass(frozen=True)
class ThresholdShift(Distortion):
    """The efficiency curve moved by ``shift`` theta (keV) to higher energies, constant beyond its ends."""

    shift: float

    def at(self, response: Response, theta: float) -> Response:
        curve, by = _efficiency(response, "a threshold that could move"), self.shift * theta
        if curve.axis != KeV:
            raise OutOfRange(
                "a threshold in keV is not that of this efficiency",
                where="response.efficiency",
                given=f"a function of {curve.axis.name}",
                fix="declare a band of the efficiency instead",
            )
        low, high = curve.energy[[0, -1]]
        inside = curve.energy + by
        energy = np.concatenate([[low], inside[(inside > low) & (inside < high)], [high]])
        value = np.interp(energy - by, curve.energy, curve.value)
        return replace(response, efficiency=Acceptance(energy, value, curve.name, curve.axis))


@dataclass(frozen=True)
class QuenchingScale(Distortion):
    """The visible energy of nuclear recoils, (1 + relative theta) times as large at all of them."""

    relative: float
    of_nuclei = True

    def at(self, response: Response, theta: float) -> Response:
        return replace(response, quenching=_Quenched(_quenching(response), 1.0 + self.relative * theta))


@dataclass(frozen=True)
class LindhardK(Distortion):
    """The parameter of Lindhard's model of quenching, k + sigma theta. It acts before the visible energy is scaled."""

    sigma: float
    of_nuclei = True

    def at(self, response: Response, theta: float) -> Response:
        quenching = _quenching(response)
        if isinstance(quenching, _Quenched):
            return replace(response, quenching=replace(quenching, nominal=self._of(quenching.nominal, theta)))
        return replace(response, quenching=self._of(quenching, theta))

    def _of(self, quenching: Quenching, theta: float) -> Quenching:
        if not isinstance(quenching, LindhardQuenching):
            raise OutOfRange(
                "the quenching has no k that could be wrong: it is not Lindhard's model",
                where="response.quenching",
                fix='declare kind = "lindhard", or a relative error of the visible energy',
            )
        if not FURTHEST * self.sigma < quenching.k:
            raise OutOfRange(
                f"the error of k is so large that {FURTHEST:g} standard deviations reach zero",
                where="response.quenching.k",
                given=f"{quenching.k:g} +- {self.sigma:g}",
                allowed=f"errors below {quenching.k / FURTHEST:.3g}",
            )
        return replace(quenching, k=quenching.k + self.sigma * theta)


@dataclass(frozen=True, eq=False)
class EfficiencyBand(Distortion):
    """The efficiency at the edges of its band, ``down`` at theta = -1 and ``up`` at +1, all energies together.

    In between and beyond it is nominal + theta (up - down) / 2 + smooth_even(theta) (up + down - 2 nominal) / 2. Far
    outside the band this line leaves [0, 1]: it is a linear error, not cut off. It acts before a threshold moves.

    Raises
    ------
    OutOfRange
        The three curves have different energies, or the edges are the nominal curve.
    """

    nominal: Acceptance
    down: Acceptance
    up: Acceptance
    linear = True

    def __post_init__(self) -> None:
        for edge in (self.down, self.up):
            if not np.array_equal(edge.energy, self.nominal.energy):
                raise OutOfRange(
                    "the edge of an efficiency's band is given at other energies than the efficiency",
                    where=edge.name,
                    given=_span(edge),
                    allowed=f"{_span(self.nominal)}, those of {self.nominal.name}",
                    fix="write all three on one grid",
                )
        if np.array_equal(self.down.value, self.nominal.value) and np.array_equal(self.up.value, self.nominal.value):
            raise OutOfRange("the band of an efficiency has no width", where=self.up.name, fix="name its edges")

    def at(self, response: Response, theta: float) -> Response:
        curve = _efficiency(response, "a band around it")
        odd = 0.5 * (self.up.value - self.down.value)
        even = 0.5 * (self.up.value + self.down.value) - self.nominal.value
        value = curve.value + theta * odd + float(smooth_even(np.array(theta))[0]) * even
        return replace(response, efficiency=Acceptance(curve.energy, value, curve.name, curve.axis))


@dataclass(frozen=True)
class _Changed(Resolution):
    """Mean ``scale * mean + offset`` and width ``width * sigma`` of another resolution."""

    nominal: Resolution
    scale: float
    width: float
    offset: float

    def __post_init__(self) -> None:
        for name in ("known_to", "smallest", "cite"):
            object.__setattr__(self, name, getattr(self.nominal, name))
        object.__setattr__(self, "lowest", self.scale * self.nominal.lowest + self.offset)

    @property
    def is_sharp(self) -> bool:
        return self.nominal.is_sharp

    def mean(self, visible: Array) -> Array:
        return self.scale * self.nominal.mean(visible) + self.offset

    def sigma(self, visible: Array) -> Array:
        return self.width * self.nominal.sigma(visible)


@dataclass(frozen=True)
class _Quenched(Quenching):
    """``factor`` times the visible energy of another quenching."""

    nominal: Quenching
    factor: float

    def __post_init__(self) -> None:
        for name in ("known", "cite"):
            object.__setattr__(self, name, getattr(self.nominal, name))

    @property
    def bends(self) -> Array:
        return self.nominal.bends

    def visible(self, T: Array) -> Array:
        return self.factor * self.nominal.visible(T)


def _quenching(response: Response) -> Quenching:
    if response.quenching is None:
        raise OutOfRange(
            "the response has no quenching that could be wrong", where="response.quenching", fix="declare it"
        )
    return response.quenching


def _efficiency(response: Response, what: str) -> Acceptance:
    if response.efficiency is None:
        raise OutOfRange(
            f"the response has no efficiency, and so not {what}", where="response.efficiency", fix="name its table"
        )
    return response.efficiency


def _span(curve: Acceptance) -> str:
    return f"{len(curve.energy)} points from {curve.axis.range(curve.energy[0], curve.energy[-1])}"
