"""What a likelihood is made of: components, and the data it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eventfit.likelihood.factor import Factor
from eventfit.quadrature import Array

__all__ = ["Component", "Data"]


@dataclass(frozen=True, eq=False)
class Component:
    """One template ``counts`` (n_bin,) with the factors of its coefficient; ``name`` for people and plots."""

    name: str
    counts: Array
    factors: tuple[Factor, ...] = ()

    def labelled(self, label: str, counts: Array) -> Component:
        """The same component among others, over their bins: all of its names begin with ``label``."""
        return replace(self, name=f"{label}.{self.name}", counts=counts)


@dataclass(frozen=True, eq=False)
class Data:
    """One data set or many: ``counts`` (..., n_bin) and the auxiliary measurements ``auxiliary`` (..., n_constraint).

    Auxiliary measurements stand in the order of the constrained parameters.
    """

    counts: Array
    auxiliary: Array
