"""Spectra, and the fold that makes them: ``N = exposure * R @ (w_T * (S @ w_E))``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from eventfit.cross_section.base import Process, Term, maximum_recoil, minimum_energy
from eventfit.cross_section.edge import log_share_above
from eventfit.errors import NumericalError, OutOfRange
from eventfit.flux.base import Flux, Measure
from eventfit.quadrature import Array, gauss_legendre
from eventfit.response import Response

__all__ = ["Bins", "Folding", "Spectrum", "Template", "fold"]

#: nodes per panel in neutrino energy and in recoil energy; doubled to measure the numerical error
ORDER_E, ORDER_T = 2, 4
#: largest recoil-panel width in units of the resolution and of T itself (the 1/T rise)
STEP_SIGMA, STEP_T = 1.0, 0.5
MOST_PANELS = 5000
#: distances from the recoil edge of a line, relative to it, where panels are cut if the edge is a logarithm
GRADED = 4.0 ** -np.arange(1, 11)


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
class Template:
    """Expected counts of one term of one source component at unit couplings.

    ``powers`` say with which power of which coupling it scales; ``numerical_error`` is the largest change of a bin when
    all quadrature nodes are doubled, relative to its content: to the sum of sizes where an interference changes sign
    inside the bin. ``density`` (n_point,) holds counts per unit of the
    axis at the points that the fold was asked for.
    """

    spectrum: Spectrum
    component: str
    process: str
    term: str
    powers: Mapping[str, int]
    numerical_error: float
    density: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def name(self) -> str:
        return f"{self.component}.{self.term}"


@dataclass(frozen=True, eq=False)
class Folding:
    """The detector side of a fold, made once: recoil nodes ``T`` (n_T,) and ``detector`` = R * w_T.

    ``detector`` is (n_bin + n_point, n_T): counts in bins, then densities at points for unbinned fits.
    """

    edges: Array
    T: Array
    detector: Array

    @classmethod
    def build(
        cls,
        response: Response,
        edges: Array,
        *,
        limit: float,
        breakpoints: Array,
        order: int = ORDER_T,
        points: Array | None = None,
    ) -> Folding:
        """Recoil panels no wider than the resolution, cut at all ``breakpoints``; recoils end at ``limit`` (keV)."""
        panels = _recoil_panels(response, edges, limit, breakpoints)
        T, weight = gauss_legendre(panels, order)
        rows = response.matrix(T, edges)
        if points is not None:
            rows = np.concatenate([rows, response.density(T, points)])
        return cls(edges, T, rows * weight)

    def cross_section(self, process: Process, term: Term, measure: Measure, state: str) -> Array:
        """S[T, E] of one struck particle with the kinematic edge cut exactly, (n_T, n_E) in cm^2/keV."""
        E_min = minimum_energy(self.T, process.mass)
        at = self.T[:, None], measure.energy
        sigma = process.kernel(term, *at, state) * measure.share_above(E_min)
        if process.soft_edge:
            sigma = sigma + process.edge_kernel(term, *at, state) * log_share_above(measure, E_min)
        return np.asarray(sigma)

    def counts(self, process: Process, term: Term, measures: Mapping[str, Measure]) -> Array:
        """Counts per bin (and densities at points), per formula unit and per second."""
        return self.counts_and_sizes(process, term, measures)[0]

    def counts_and_sizes(self, process: Process, term: Term, measures: Mapping[str, Measure]) -> tuple[Array, Array]:
        """:meth:`counts`, and what they would be if no recoil or state of an interference cancelled another."""
        rate, size = np.zeros(len(self.T)), np.zeros(len(self.T))
        for state, measure in measures.items():
            if state in term.weight:
                part = self.cross_section(process, term, measure, state) @ (term.weight[state] * measure.weight)
                rate += part
                size += np.abs(part)
        struck = process.struck(self.T)
        return np.asarray(self.detector @ (struck * rate)), np.asarray(self.detector @ (struck * size))


def fold(
    fluxes: Sequence[Flux],
    processes: Sequence[Process],
    response: Response,
    edges: Array,
    *,
    exposure: float,
    units_per_kg: float,
    points: Array | None = None,
    tolerance: float = 1e-3,
) -> tuple[Template, ...]:
    """Templates of every term of every process for every source component.

    Parameters
    ----------
    edges
        Bin edges (n_bin + 1,) on the reconstructed axis.
    exposure
        In kg s.
    units_per_kg
        Formula units of the target per kg.
    points
        Values (n_point,) on the reconstructed axis where densities are wanted as well.
    tolerance
        Largest accepted change of a bin when all quadrature nodes are doubled, as :class:`Template` measures it.

    Raises
    ------
    NumericalError
        Doubling the nodes changes a bin by more than ``tolerance``.
    """
    scale, n_bin = exposure * units_per_kg, len(edges) - 1
    templates = []
    for process in processes:
        coarse, fine = (_templates(fluxes, process, response, edges, factor, points) for factor in (1, 2))
        for (flux, term, counts, _), (_, _, better, size) in zip(coarse, fine, strict=True):
            error, bin_ = _largest_change(counts[:n_bin], better[:n_bin], size[:n_bin])
            at = f"bin {bin_ + 1} ({edges[bin_]:g} to {edges[bin_ + 1]:g} {response.axis.unit})"
            if points is not None:
                worse, point = _largest_change(counts[n_bin:], better[n_bin:], size[n_bin:])
                error, at = (worse, f"{points[point]:g} {response.axis.unit}") if worse > error else (error, at)
            if not error <= tolerance:
                raise NumericalError(
                    "the fold has not converged: doubling its nodes changes a bin too much",
                    where=f"{flux.name} through {process.name}, {at}",
                    given=f"relative change {error:.2g}",
                    allowed=f"{tolerance:.2g}",
                    fix="narrow the bins there; what diverges at T = 0 (a magnetic term as 1 / T, a millicharge as "
                    "1 / T^2) needs a window away from it, or bound electrons",
                )
            spectrum = Spectrum(edges, scale * counts[:n_bin], name=f"{flux.name}.{term.name}")
            density = scale * counts[n_bin:]
            templates.append(Template(spectrum, flux.name, process.name, term.name, term.powers, error, density))
    return tuple(templates)


def _templates(
    fluxes: Sequence[Flux],
    process: Process,
    response: Response,
    edges: Array,
    factor: int,
    points: Array | None = None,
) -> list[tuple[Flux, Term, Array, Array]]:
    bases = {term.basis for term in process.terms}
    measures = {(flux, basis): flux.measure(basis, order=factor * ORDER_E) for flux in fluxes for basis in bases}
    every = [measure for states in measures.values() for measure in states.values()]
    ends = maximum_recoil(np.concatenate([_kinks(m, response) for m in every]), process.mass)
    folding = Folding.build(
        response,
        edges,
        limit=float(ends.max()),
        breakpoints=np.concatenate([process.breakpoints, ends, *_graded(process, every)]),
        order=factor * ORDER_T,
        points=points,
    )
    return [
        (flux, term, *folding.counts_and_sizes(process, term, measures[flux, term.basis]))
        for flux in fluxes
        for term in process.terms
    ]


def _kinks(measure: Measure, response: Response) -> Array:
    """Neutrino energies whose recoil edges are kinks of the rate: lines and end points; without smearing all panels."""
    if response.is_sharp:
        return np.unique(measure.high)
    return np.append(measure.energy[measure.low == measure.high], measure.high.max())


def _graded(process: Process, measures: Sequence[Measure]) -> list[Array]:
    """Recoils that close in on the edge of every line, where the rate of a process with a soft edge is a logarithm."""
    lines = np.unique(np.concatenate([m.energy[m.low == m.high] for m in measures]))
    return [end * (1.0 - GRADED) for end in maximum_recoil(lines, process.mass) if process.soft_edge]


def _recoil_panels(response: Response, edges: Array, limit: float, breakpoints: Array) -> Array:
    low, high = response.support(edges, limit)
    fixed = np.concatenate([breakpoints, response.breakpoints(edges, limit)])
    fixed = np.unique(np.concatenate([[low], fixed[(fixed > low) & (fixed < high)], [high]]))
    panels = [low]
    for stop in fixed[1:]:
        while panels[-1] < stop:
            T = panels[-1]
            sigma = float(response.moments(np.array([T]))[1][0])
            if len(panels) > MOST_PANELS:
                raise OutOfRange(
                    "the resolution is so narrow that the recoils cannot be resolved",
                    where="response.resolution",
                    given=f"sigma = {sigma:.2g} at T = {T:.3g} keV",
                    allowed=f"widths that need at most {MOST_PANELS} recoil panels",
                    fix='declare kind = "perfect" for no smearing',
                )
            step = min(STEP_SIGMA * sigma if sigma > 0 else stop - T, max(STEP_T * T, 1e-3))
            panels.append(stop if T + 1.5 * step >= stop else T + step)
    return np.array(panels)


def _largest_change(counts: Array, better: Array, size: Array) -> tuple[float, int]:
    """Largest |counts - better| of a bin relative to its ``size``, and the bin; the size of a content is itself.

    A bin that holds less than a millionth of the total is measured against that millionth: at a spectrum's end point
    the content falls to nothing and no rule keeps a relative error.
    """
    floor = max(1e-6 * float(size.sum()), 1e-300)
    change = np.abs(counts - better) / np.maximum(size, floor)
    worst = int(np.argmax(change))
    return float(change[worst]), worst
