"""What a likelihood is made of: components, and the data it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eventfit.likelihood.factor import Factor
from eventfit.quadrature import Array

__all__ = ["Component", "Data"]


@dataclass(frozen=True, eq=False)
class Component:
    """One template ``counts`` (n_bin,) with the factors of its coefficient; ``name`` for people and plots.

    ``of`` names the component that this is a part of, a term of its morph: what is shown of both is their sum.
    """

    name: str
    counts: Array
    factors: tuple[Factor, ...] = ()
    of: str = ""

    @property
    def whole(self) -> str:
        """Name of what it is shown as."""
        return self.of or self.name

    def labelled(self, label: str, counts: Array) -> Component:
        """The same component among others, over their bins: all of its names begin with ``label``."""
        of = f"{label}.{self.of}" if self.of else ""
        return replace(self, name=f"{label}.{self.name}", counts=counts, of=of)


@dataclass(frozen=True, eq=False)
class Data:
    """One data set or many: ``counts`` (..., n_bin) and the auxiliary measurements ``auxiliary`` (..., n_constraint).

    Auxiliary measurements stand in the order of the constrained parameters.
    """

    counts: Array
    auxiliary: Array
