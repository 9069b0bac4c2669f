"""Quenching: the visible energy of a recoil."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array

__all__ = ["ConstantQuenching", "Quenching"]


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
