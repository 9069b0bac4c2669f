"""Templates that bend with errors of the response: polynomials fitted to exact re-folds, with a measured error.

A template is ``N(0) + sum_i sum_a b_a(theta_i) N_ia + sum_i<j sum_ab b_a(theta_i) b_b(theta_j) N_ijab``, where ``b_a``
is a power of theta, or for a response that is linear in theta the function by which it is. The orders are the smallest
that suffice; two errors, and three, have terms of their own only if they are needed. How exact it is, is measured
against re-folds with doubled nodes, at other points than those of the fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product

import numpy as np

from eventfit.cross_section.base import Process
from eventfit.errors import NumericalError
from eventfit.flux.base import Flux
from eventfit.folding.refold import Point, Refold, acts_on
from eventfit.interpolation import smooth_even
from eventfit.quadrature import Array
from eventfit.response import Axis, Distortion, Response
from eventfit.spectrum import Bend, Template

__all__ = ["FLOOR", "POSITIVE", "REACH", "BendingError", "Morphed", "bent", "morph", "morph_of", "refold_points"]

#: standard deviations up to which the error of a morph is measured and bounded, and up to which it has to stay positive
REACH = 3.0
POSITIVE = 5.0
#: a bin that holds less than this share of the template's largest one is measured against that share
FLOOR = 1e-3
#: functions of an error by their orders, see :class:`Bend`: of any response, and of one that is linear in it
ORDERS, LINEAR_ORDERS = (1, 2, 3, 4), (1, Bend.EVEN)
#: several errors have products of their first, second ... functions up to a sum of places: the sums that are tried,
#: for two errors and for three; -1 is no term
PLACES = {2: (-1, 0, 1, 2, 3), 3: (-1, 0, 1)}
#: share of the tolerance at which the orders suffice: the rest is left to what errors do together
ENOUGH = 0.5
#: where a morph is fitted, and where it is measured
NODES = {k: REACH * np.cos(np.pi * (np.arange(n) + 0.5) / n) for k, n in ((1, 8), (2, 6), (3, 4))}
TESTS = {
    1: np.delete(np.linspace(-REACH, REACH, 13), 6),
    2: REACH * np.array([-1.0, -0.5, 0.5, 1.0]),
    3: REACH / np.sqrt(3.0) * np.array([-1.0, 1.0]),
}

#: (error of the response, order) of every factor of a term
Orders = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class BendingError:
    """How far a morph is from exact re-folds while ``names`` move over +-3 standard deviations, relative to a bin.

    ``terms`` are the orders of the functions they have; none if errors that act together need none of their own. Two
    errors are taken to +-3 each; three, and all if they are more, together to 3.
    ``where`` says at which template, bin and point the error is the largest.
    """

    names: tuple[str, ...]
    terms: tuple[tuple[int, ...], ...]
    error: float
    tolerance: float
    where: str

    @property
    def label(self) -> str:
        """``energy_scale x resolution``."""
        return " x ".join(self.names)


@dataclass(frozen=True, eq=False)
class Morphed:
    """Templates with their bends, and how exact they are."""

    templates: tuple[Template, ...]
    errors: tuple[BendingError, ...]


def morph(
    templates: Sequence[Template],
    fluxes: Sequence[Flux],
    processes: Sequence[Process],
    response: Response,
    distortions: Mapping[str, Distortion],
    tolerance: Mapping[str, float],
    *,
    scale: float,
) -> Morphed:
    """Bend the ``templates``, which are those of the fold of these fluxes and processes.

    Parameters
    ----------
    tolerance
        Name of every error of the response -> largest accepted error of the morph in any bin; for several together the
        largest of theirs.
    scale
        Exposure times formula units per kg.

    Raises
    ------
    NumericalError
        The morph is further from an exact re-fold than its tolerance, or expects less than nothing.
    OutOfRange
        The response has not what should be wrong with it, or is not known where it is needed.
    """
    names, edges = tuple(distortions), templates[0].spectrum.edges
    coarse, fine = (
        Refold.build(fluxes, processes, response, edges, distortions, refold_points(names), scale=scale, factor=factor)
        for factor in (1, 2)
    )
    return morph_of(templates, coarse, fine, tolerance)


def morph_of(templates: Sequence[Template], coarse: Refold, fine: Refold, tolerance: Mapping[str, float]) -> Morphed:
    """:func:`morph` from re-folds of the ``templates`` at all :func:`refold_points`; ``fine`` has doubled nodes."""
    distortions, axis = coarse.distortions, coarse.response.axis
    names = tuple(distortions)
    fit = _Fit(tuple(templates), axis, coarse, fine, distortions, tolerance)
    errors = [fit.single(name) for name in names]
    errors += [fit.joint(some) for n in (2, 3) for some in combinations(names, n)]
    if len(names) > 3:
        errors.append(fit.measured(names, (), _together(names)))
    _refuse_inexact(errors)
    result = fit.result()
    for template in result:
        _refuse_negative(template, tolerance, axis)
    return Morphed(result, tuple(errors))


def bent(template: Template, point: Point) -> Array:
    """The counts (n_bin,) of a template at a point, by its morph."""
    at = dict(point)
    counts = template.spectrum.values().copy()
    for bend in template.bends:
        counts += bend.counts * _function(tuple(bend.orders.items()), at)
    return counts


@dataclass(eq=False)
class _Fit:
    """The terms of the morph of all templates, (n_template, n_bin) each, in the making."""

    templates: tuple[Template, ...]
    axis: Axis
    coarse: Refold
    fine: Refold
    distortions: Mapping[str, Distortion]
    tolerance: Mapping[str, float]
    terms: dict[Orders, Array] = field(default_factory=dict)

    def single(self, name: str) -> BendingError:
        """Terms of one error: as few as suffice."""
        orders = self._orders(name)
        return self._fitted((name,), [[(order,) for order in orders[:n]] for n in range(1, len(orders) + 1)])

    def joint(self, names: tuple[str, ...]) -> BendingError:
        """Terms of two or three errors together: as few as suffice, none if each acts as if alone."""
        orders = [list(enumerate(self._orders(name))) for name in names]
        return self._fitted(
            names,
            [
                [tuple(order for _, order in some) for some in product(*orders) if sum(i for i, _ in some) <= most]
                for most in PLACES[len(names)]
            ],
        )

    def _fitted(self, names: tuple[str, ...], trials: Sequence[Sequence[tuple[int, ...]]]) -> BendingError:
        """The first of the ``trials``, sets of orders of ``names``, that suffices, or the last."""
        nodes, tests = (_grid(names, at[len(names)]) for at in (NODES, TESTS))
        change, found = np.empty(0), None
        for orders in trials:
            if orders and not change.size:
                change = np.array([self._change(point) for point in nodes])
            self._solve([tuple(zip(names, some, strict=True)) for some in orders], nodes, change)
            found = self.measured(names, tuple(orders), tests)
            if found.error <= ENOUGH * found.tolerance:
                break
        assert found is not None
        return found

    def measured(self, names: tuple[str, ...], terms: tuple[tuple[int, ...], ...], tests: list[Point]) -> BendingError:
        """The largest distance from exact re-folds with doubled nodes at ``tests``."""
        worst, where = -1.0, ""
        for point in tests:
            counts, size = self.fine.at(point)
            floor = np.maximum(size, FLOOR * size.max(axis=1, keepdims=True))
            error = np.abs(self._predicted(point) - counts) / np.maximum(floor, 1e-300)
            if not error.max() <= worst:
                k, i = np.unravel_index(int(np.argmax(error)), error.shape)
                edges = self.templates[k].spectrum.edges
                worst, at = float(error[k, i]), ", ".join(f"{name} = {x:+.3g}" for name, x in point)
                where = f"{self.templates[k].name}, {self.axis.range(edges[i], edges[i + 1])}, at {at}"
        return BendingError(names, terms, worst, max(self.tolerance[name] for name in names), where)

    def result(self) -> tuple[Template, ...]:
        """The templates with their terms, those of nuclear recoils alone if an error is one of these."""
        found = []
        for k, (template, recoil) in enumerate(zip(self.templates, self.coarse.recoils, strict=True)):
            acting = {name for name, error in self.distortions.items() if acts_on(error, recoil)}
            terms = ((orders, counts) for orders, counts in self.terms.items() if acting.issuperset(dict(orders)))
            found.append(replace(template, bends=tuple(Bend(dict(orders), counts[k]) for orders, counts in terms)))
        return tuple(found)

    def _orders(self, name: str) -> tuple[int, ...]:
        return LINEAR_ORDERS if self.distortions[name].linear else ORDERS

    def _change(self, point: Point) -> Array:
        """What all errors of a point do together beyond what fewer of them do."""
        subsets = [some for n in range(len(point) + 1) for some in combinations(point, n)]
        parts = [(-1.0) ** (len(point) - len(some)) * self.coarse.at(some)[0] for some in subsets]
        return np.asarray(np.sum(parts, axis=0))

    def _solve(self, terms: Sequence[Orders], points: Sequence[Point], change: Array) -> None:
        """The least-squares coefficients of ``terms`` for ``change`` (n_point, n_template, n_bin)."""
        if not terms:
            return
        columns = np.array([[_function(term, dict(point)) for term in terms] for point in points])
        scale = np.abs(columns).max(axis=0)
        found = np.linalg.lstsq(columns / scale, change.reshape(len(points), -1), rcond=None)[0]
        for term, counts, by in zip(terms, found, scale, strict=True):
            self.terms[term] = (counts / by).reshape(change.shape[1:])

    def _predicted(self, point: Point) -> Array:
        at = dict(point)
        counts = np.array([template.spectrum.values() for template in self.templates])
        for term, change in self.terms.items():
            counts += change * _function(term, at)
        return counts


def _function(term: Orders, at: Mapping[str, float]) -> float:
    """The product of the functions of a term at a point."""
    value = 1.0
    for name, order in term:
        theta = at.get(name, 0.0)
        value *= float(smooth_even(np.array(theta))[0]) if order == Bend.EVEN else theta**order
    return value


def refold_points(names: Sequence[str]) -> list[Point]:
    """Every point at which the exact re-fold is asked for."""
    found = dict.fromkeys(_together(names))
    for n in range(1, min(len(names), 3) + 1):
        for some in combinations(names, n):
            found |= dict.fromkeys(_grid(some, TESTS[n]))
            for k in range(1, n + 1):  # subsets of the nodes too
                found |= dict.fromkeys(point for few in combinations(some, k) for point in _grid(few, NODES[n]))
    return list(found)


def _grid(names: Sequence[str], values: Array) -> list[Point]:
    """All combinations of ``values`` of the errors ``names``."""
    return [tuple(zip(names, map(float, some), strict=True)) for some in product(values, repeat=len(names))]


def _together(names: Sequence[str]) -> list[Point]:
    """All errors at once, together :data:`REACH` standard deviations away: up to 32 combinations of signs."""
    each = REACH / np.sqrt(len(names))
    signs = [(*some, *(1.0 for _ in names[5:])) for some in product((-1.0, 1.0), repeat=min(len(names), 5))]
    return [tuple((name, float(sign * each)) for name, sign in zip(names, some, strict=True)) for some in signs]


def _refuse_inexact(errors: Sequence[BendingError]) -> None:
    worst = max(errors, key=lambda one: one.error / one.tolerance if np.isfinite(one.error) else np.inf)
    if not worst.error <= worst.tolerance:
        raise NumericalError(
            f"the morph of {worst.label} is too far from the exact re-fold",
            where=worst.where,
            given=f"{worst.error:.2g} of the bin's content, or of {FLOOR:g} of the largest bin",
            allowed=f"{worst.tolerance:g}, its tolerance",
            fix="a narrower error, a resolution that smears what jumps at a bin edge, or a larger tolerance",
        )


def _refuse_negative(template: Template, tolerance: Mapping[str, float], axis: Axis) -> None:
    """Refuse a template without interference that falls below zero within +-5 standard deviations.

    A tail that holds nearly nothing may swing: what it is part of has to stay positive, not it.
    """
    nominal = template.spectrum.values()
    if np.any(nominal < 0):
        return
    grid, corner = np.linspace(-POSITIVE, POSITIVE, 21), np.array([-1.0, 1.0]) * POSITIVE / np.sqrt(2.0)
    points: list[Point] = [((name, x),) for name in tolerance for x in grid]
    points += [((a, x), (b, y)) for a, b in combinations(tolerance, 2) for x, y in product(corner, corner)]
    lowest = -FLOOR * nominal.max()
    for point in points:
        counts = bent(template, point)
        if np.any(counts < lowest):
            i, edges = int(np.argmin(counts)), template.spectrum.edges
            raise NumericalError(
                f"errors of the response make a template negative within +-{POSITIVE:g} standard deviations",
                where=f"{template.name}, {axis.range(edges[i], edges[i + 1])}, at "
                + ", ".join(f"{name} = {x:+.3g}" for name, x in point),
                given=f"{counts[i]:.3g} expected, nominal {nominal[i]:.3g}",
                allowed="counts above zero",
                fix="a narrower error, or a window without this bin",
            )
