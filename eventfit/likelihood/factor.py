"""Factors of a component's coefficient: each a function of one parameter, with two derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.interpolation import smooth_even
from eventfit.quadrature import Array

__all__ = [
    "Factor",
    "GaussianScale",
    "LogNormalScale",
    "MorphEven",
    "MorphPower",
    "NormSys",
    "Power",
    "evaluator",
    "kinked",
]


@dataclass(frozen=True)
class Power:
    """Factor ``theta**exponent``."""

    parameter: str
    exponent: int = 1


@dataclass(frozen=True)
class GaussianScale:
    """Factor ``1 + relative * theta`` for a parameter constrained to N(0, 1); linear, as GAMBIT uses it."""

    parameter: str
    relative: float


@dataclass(frozen=True)
class LogNormalScale:
    """Factor ``(1 + relative)**theta`` for a parameter constrained to N(0, 1)."""

    parameter: str
    relative: float


@dataclass(frozen=True)
class NormSys:
    """HistFactory's ``normsys``: ``hi`` at theta = 1, ``lo`` at -1, interpolated by ``code`` (CERN-OPEN-2012-016).

    code 0 is piecewise linear, 1 piecewise exponential, 4 a polynomial of degree six inside +-1 and exponential beyond.

    Raises
    ------
    OutOfRange
        A ``lo`` or ``hi`` that is not positive, with an exponential code.
    """

    parameter: str
    lo: float
    hi: float
    code: Literal[0, 1, 4]

    def __post_init__(self) -> None:
        if self.code != 0 and not (self.lo > 0 and self.hi > 0):
            raise OutOfRange(
                f"normsys with code{self.code} needs positive factors",
                where=self.parameter,
                given=f"lo = {self.lo}, hi = {self.hi}",
                fix="give factors (0.9 and 1.1), not differences; code 0 takes any",
            )


@dataclass(frozen=True)
class MorphEven:
    """The even part of HistFactory's ``histosys``, worth 1 at theta = +-1: ``|theta|`` (0), or smooth inside +-1 (4p).

    The morph is ``nominal + theta (hi - lo) / 2 + even(theta) (hi + lo - 2 nominal) / 2``; its odd part is ``Power``.
    """

    parameter: str
    code: Literal["0", "4p"]


@dataclass(frozen=True)
class MorphPower:
    """Factor ``theta**exponent`` of a nuisance that bends a template, a term of its morph.

    It is a :class:`Power` with another meaning: the coefficients of the powers belong to one smooth curve, which has no
    mirror point as a coupling that enters squared has.
    """

    parameter: str
    exponent: int


Factor = Power | GaussianScale | LogNormalScale | NormSys | MorphEven | MorphPower
#: value, first and second derivative at ``x`` (..., n)
Evaluator = Callable[[Array], tuple[Array, ...]]


def kinked(factor: Factor) -> bool:
    """Whether the slope jumps at zero; there the sign bit of zero says which side is meant."""
    return (isinstance(factor, NormSys) and factor.code in (0, 1)) or (
        isinstance(factor, MorphEven) and factor.code == "0"
    )


def evaluator(kind: tuple[type, object], factors: list[Factor]) -> Evaluator:
    """The vectorised function of all ``factors`` of one kind (type, code)."""
    if kind[0] is NormSys:
        sides = np.array([(f.lo, f.hi) for f in factors if isinstance(f, NormSys)]).T
        return {0: _linear_sides, 1: _exponential_sides, 4: _smooth_sides}[int(str(kind[1]))](*sides)
    if kind[0] is MorphEven:
        return _absolute if kind[1] == "0" else smooth_even
    if kind[0] in (Power, MorphPower):
        return _powers(np.array([f.exponent for f in factors if isinstance(f, Power | MorphPower)]))
    relative = np.array([f.relative for f in factors if isinstance(f, GaussianScale | LogNormalScale)])
    return _linear(relative) if kind[0] is GaussianScale else _exponential(np.log1p(relative))


def _powers(exponent: Array) -> Evaluator:
    linear = bool(np.all(exponent == 1))

    def evaluate(x: Array) -> tuple[Array, ...]:
        if linear:
            return x, np.ones_like(x), np.zeros_like(x)
        out, falling = [], np.ones(len(exponent))
        for d in range(3):
            out.append(falling * x ** np.maximum(exponent - d, 0))
            falling = falling * (exponent - d)
        return tuple(out)

    return evaluate


def _linear(slope: Array) -> Evaluator:
    return lambda x: (1.0 + slope * x, slope + np.zeros_like(x), np.zeros_like(x))


def _exponential(rate: Array) -> Evaluator:
    def evaluate(x: Array) -> tuple[Array, ...]:
        value = np.exp(rate * x)
        return value, rate * value, rate**2 * value

    return evaluate


def _linear_sides(lo: Array, hi: Array) -> Evaluator:
    def evaluate(x: Array) -> tuple[Array, ...]:
        slope = np.where(np.signbit(x), 1.0 - lo, hi - 1.0)
        return 1.0 + slope * x, slope, np.zeros_like(x)

    return evaluate


def _exponential_sides(lo: Array, hi: Array) -> Evaluator:
    def evaluate(x: Array) -> tuple[Array, ...]:
        rate = np.where(np.signbit(x), -np.log(lo), np.log(hi))
        value = np.exp(rate * x)
        return value, rate * value, rate**2 * value

    return evaluate


def _smooth_sides(lo: Array, hi: Array) -> Evaluator:
    """Degree six inside +-1 with value, slope and curvature of the exponentials at +-1 (HistFactory's code 4)."""
    plus, minus = np.ones(6), (-1.0) ** np.arange(1, 7)
    k = np.arange(1, 7)
    conditions = np.array([plus, minus, k * plus, -k * minus, k * (k - 1) * plus, k * (k - 1) * minus])
    up, down = np.log(hi), np.log(lo)
    values = np.array([hi - 1.0, lo - 1.0, hi * up, -lo * down, hi * up**2, lo * down**2])
    rows = np.linalg.solve(conditions, values)  # (6, n): the coefficients of x, x**2 ... x**6
    outside = _exponential_sides(lo, hi)

    def evaluate(x: Array) -> tuple[Array, ...]:
        value, first, second = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
        for row in rows[::-1]:  # Horner, with its derivatives
            second = second * x + 2.0 * first
            first = first * x + value
            value = value * x + row
        second, first, value = second * x + 2.0 * first, first * x + value, value * x + 1.0
        inside = np.abs(x) < 1.0
        return tuple(np.where(inside, a, b) for a, b in zip((value, first, second), outside(x), strict=True))

    return evaluate


def _absolute(x: Array) -> tuple[Array, ...]:
    return np.abs(x), np.where(np.signbit(x), -1.0, 1.0), np.zeros_like(x)
