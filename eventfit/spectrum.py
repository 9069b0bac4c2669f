"""Spectra: histograms that follow the UHI protocol, and templates, which say how they scale with couplings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array

__all__ = ["Bend", "Bins", "Spectrum", "Template"]


@dataclass(frozen=True)
class Traits:
    """What UHI wants to know of an axis."""

    circular: bool = False
    discrete: bool = False


@dataclass(frozen=True, eq=False)
class Bins:
    """A UHI axis over ``edges``: indexing gives (low, high)."""

    edges: Array
    traits: Traits = Traits()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bins) and np.array_equal(self.edges, other.edges)

    def __hash__(self) -> int:
        return hash(self.edges.tobytes())

    def __len__(self) -> int:
        return len(self.edges) - 1

    def __getitem__(self, index: int) -> tuple[float, float]:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        return float(self.edges[index]), float(self.edges[index + 1])


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A histogram that follows the UHI protocol: ``edges`` (n + 1,) in keV, ``content`` (n,), ``variance`` (n,).

    ``+`` adds spectra over equal edges, ``*`` scales. Variances are zero for an expectation.
    """

    edges: Array
    content: Array
    variance: Array = field(default_factory=lambda: np.zeros(0))
    name: str = ""

    def __post_init__(self) -> None:
        if self.variance.size == 0:
            object.__setattr__(self, "variance", np.zeros(len(self.content)))
        sizes = (len(self.edges) - 1, len(self.content), len(self.variance))
        if len(set(sizes)) != 1 or np.any(np.diff(self.edges) <= 0):
            raise OutOfRange(
                "edges, contents and variances do not belong together",
                where=f"spectrum {self.name!r}",
                given=f"{sizes[0]} bins, {sizes[1]} contents, {sizes[2]} variances",
                allowed="increasing edges, one content and one variance per bin",
            )

    @property
    def kind(self) -> str:
        return "COUNT"

    @property
    def axes(self) -> tuple[Bins]:
        return (Bins(self.edges),)

    def values(self) -> Array:
        return self.content

    def variances(self) -> Array:
        return self.variance

    def counts(self) -> Array:
        """Effective number of entries: content squared over variance, the content itself where there is no variance."""
        seen = self.variance > 0
        return np.where(seen, self.content**2 / np.where(seen, self.variance, 1.0), self.content)

    def __add__(self, other: Spectrum) -> Spectrum:
        if not np.array_equal(self.edges, other.edges):
            raise OutOfRange("only spectra over the same edges add", where=f"{self.name!r} + {other.name!r}")
        return Spectrum(self.edges, self.content + other.content, self.variance + other.variance, self.name)

    def __mul__(self, factor: float) -> Spectrum:
        return Spectrum(self.edges, factor * self.content, factor**2 * self.variance, self.name)

    __rmul__ = __mul__

    def rebin(self, edges: Array) -> Spectrum:
        """The spectrum over ``edges`` (m + 1,), each of which has to be one of its own edges."""
        index = np.searchsorted(self.edges, edges)
        if len(edges) < 2 or np.any(np.diff(edges) <= 0) or np.any(np.take(self.edges, index, mode="clip") != edges):
            raise OutOfRange("new edges have to be old edges", where=f"spectrum {self.name!r}", given=edges)
        total = np.concatenate([[0.0], np.cumsum(self.content)])
        spread = np.concatenate([[0.0], np.cumsum(self.variance)])
        return Spectrum(np.asarray(edges), np.diff(total[index]), np.diff(spread[index]), self.name)


@dataclass(frozen=True, eq=False)
class Bend:
    """What is added to a template, ``counts`` (n_bin,) times one function of each of the errors that bend it.

    ``orders`` is the error's name -> its function: ``k`` for theta**k, :data:`Bend.EVEN` for ``smooth_even(theta)``.
    """

    orders: Mapping[str, int]
    counts: Array

    EVEN: ClassVar[int] = 0


@dataclass(frozen=True, eq=False)
class Template:
    """Expected counts of one term of one source component at unit couplings.

    ``powers`` say with which power of which coupling it scales; ``numerical_error`` is the largest change of a bin when
    all quadrature nodes are doubled, relative to its content: to the sum of sizes where an interference changes sign
    inside the bin. ``density`` (n_point,) holds counts per unit of the axis at the points that the fold was asked for.
    ``bends`` are the terms of its morph, if the response has errors.
    """

    spectrum: Spectrum
    component: str
    process: str
    term: str
    powers: Mapping[str, int]
    numerical_error: float
    density: Array = field(default_factory=lambda: np.zeros(0))
    bends: tuple[Bend, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.component}.{self.term}"

    def __add__(self, other: Template) -> Template:
        """The template of both together, those of two isotopes of one target: of one component, process and term.

        The numerical error is the larger one, which that of the sum does not exceed. Terms of their morphs that bend
        alike add; each may have some that the other has not.
        """
        if any(getattr(self, name) != getattr(other, name) for name in ("component", "process", "term", "powers")):
            raise OutOfRange("only templates of one term of one process and component add", given=other.name)
        return replace(
            self,
            spectrum=self.spectrum + other.spectrum,
            numerical_error=max(self.numerical_error, other.numerical_error),
            density=self.density + other.density,
            bends=_added(self.bends, other.bends),
        )


def _added(one: tuple[Bend, ...], other: tuple[Bend, ...]) -> tuple[Bend, ...]:
    """The terms of both, those of the same functions together."""
    found: dict[tuple[tuple[str, int], ...], Bend] = {}
    for bend in (*one, *other):
        key = tuple(sorted(bend.orders.items()))
        found[key] = replace(bend, counts=found[key].counts + bend.counts) if key in found else bend
    return tuple(found.values())
