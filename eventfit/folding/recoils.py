"""Recoils that are given, not computed, through a detector: the second half of a fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from eventfit.errors import NumericalError, OutOfRange
from eventfit.folding.detector import Folding
from eventfit.folding.fold import SEEN, largest_change
from eventfit.folding.morph import REACH as MORPHED
from eventfit.folding.morph import Morphed, morph_of, refold_points
from eventfit.folding.panels import recoil_order
from eventfit.folding.refold import Refold, distorted
from eventfit.quadrature import Array
from eventfit.response import Distortion, Response
from eventfit.response.matrix import REACH
from eventfit.spectrum import Template

__all__ = ["fold_recoils", "morph_recoils", "seen_recoils"]

#: recoil energies double from the first to the last when the end of what is seen is sought
FIRST, DOUBLINGS = 1.0, 40

Rate = Callable[[Array], Array]


def seen_recoils(
    response: Response, edges: Array, distortions: Mapping[str, Distortion] | None = None
) -> tuple[float, float]:
    """The recoils (keV) that are seen between the outer ``edges``, also if one error of the response is 3 sigma away.

    Others are less likely than a millionth of the likeliest.
    """
    distortions = distortions or {}
    errors = [((name, theta),) for name in distortions for theta in (-MORPHED, MORPHED)]
    each = [_seen(distorted(response, distortions, point), edges) for point in ((), *errors)]
    return min(low for low, _ in each), max(high for _, high in each)


def _seen(response: Response, edges: Array) -> tuple[float, float]:
    known_to = response.resolution.known_to
    if response.quenching is not None:
        known_to = min(known_to, response.quenching.known[1])
    limit = min(FIRST, known_to)
    for _ in range(DOUBLINGS):
        mean, sigma = (float(part[0]) for part in response.moments(np.array([limit])))
        if mean - REACH * sigma > edges[-1] or limit >= known_to:
            break
        limit = min(2.0 * limit, known_to)
    folding = Folding.build(response, edges, limit=limit, breakpoints=np.empty(0))
    seen = response.matrix(folding.T, edges).sum(axis=0)
    inside = folding.T[seen > SEEN * seen.max()]
    return float(inside[0]), float(inside[-1])


def fold_recoils(
    rate: Rate,
    response: Response,
    edges: Array,
    *,
    exposure: float,
    end: float,
    knots: Array,
    thinned: Rate | None = None,
    points: Array | None = None,
    tolerance: float = 1e-3,
    coarseness: float = 1e-2,
) -> tuple[Array, Array, float]:
    """Counts per bin (n_bin,) of recoils ``rate``, their density at ``points`` (n_point,), and the numerical error.

    Parameters
    ----------
    rate
        dR/dT in 1/(keV kg s) at recoils in keV.
    exposure
        In kg s.
    end
        The largest recoil in keV.
    knots
        Recoils in keV where the rate jumps or bends.
    thinned
        The same rate from every second row of its table: what a bin changes by says how coarse the table is.
    tolerance, coarseness
        Largest accepted change of a bin when all nodes are doubled, and when every second row is left out.

    Raises
    ------
    NumericalError
        A change is larger.
    OutOfRange
        The rate is negative or not finite where it is needed, or makes no event in the window.
    """
    coarse, fine = (
        Folding.build(response, edges, limit=end, breakpoints=knots, order=factor * _order(response), points=points)
        for factor in (1, 2)
    )
    counts, better = (folding.detector @ _checked(rate, folding.T) for folding in (coarse, fine))
    n_bin = len(edges) - 1
    if not better[:n_bin].sum() > 0:
        raise OutOfRange(
            "the spectrum makes no event inside the window",
            where="spectrum",
            given=f"recoils up to {end:g} keV",
            allowed=f"recoils that are seen in {response.axis.range(edges[0], edges[-1])}",
        )
    comparisons = [(counts, tolerance, "doubling the nodes", "give the recoils where it jumps, or a table")]
    if thinned is not None:
        without = fine.detector @ _checked(thinned, fine.T)
        comparisons.append(
            (without, coarseness, "leaving out every second row", "sample the spectrum more finely there")
        )
    errors = []
    for other, allowed, what, fix in comparisons:
        error, bin_ = largest_change(other[:n_bin], better[:n_bin], better[:n_bin])
        if not error <= allowed:
            raise NumericalError(
                "the spectrum is too coarse or too rough for its bins",
                where=f"spectrum, bin {bin_ + 1} ({response.axis.range(edges[bin_], edges[bin_ + 1])})",
                given=f"{what} changes the bin by {error:.2g} of its content",
                allowed=f"{allowed:g}",
                fix=fix,
            )
        errors.append(error)
    return exposure * better[:n_bin], exposure * better[n_bin:], max(errors)


def morph_recoils(
    template: Template,
    rate: Rate,
    response: Response,
    distortions: Mapping[str, Distortion],
    tolerance: Mapping[str, float],
    *,
    exposure: float,
    end: float,
    knots: Array,
) -> Morphed:
    """Bend the ``template`` of recoils ``rate`` with errors of the response, as :func:`morph` does what is folded."""
    edges = template.spectrum.edges
    points = refold_points(tuple(distortions))
    others = [distorted(response, distortions, point) for point in points]
    refolds = []
    for factor in (1, 2):
        folding = Folding.build(
            response, edges, limit=end, breakpoints=knots, order=factor * _order(response), others=others
        )
        rates = exposure * _checked(rate, folding.T)[None, :]
        refolds.append(Refold(response, distortions, (("nucleus", folding, rates, rates),)))
    return morph_of((template,), refolds[0], refolds[1], tolerance)


def _order(response: Response) -> int:
    """Nodes per panel: recoils that are given are those of the response, nuclei if it quenches."""
    return recoil_order("electron" if response.quenching is None else "nucleus")


def _checked(rate: Rate, T: Array) -> Array:
    values = np.asarray(rate(T), dtype=float)
    if values.shape != T.shape:
        raise OutOfRange(
            "a spectrum has to give one value per recoil energy",
            where="spectrum",
            given=values.shape,
            allowed=str(T.shape),
            fix="a function of an array of T in keV",
        )
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        at = int(np.argmax(bad))
        raise OutOfRange(
            "the spectrum is negative or not a number where it is needed",
            where=f"spectrum at T = {T[at]:g} keV",
            given=float(values[at]),
            allowed="zero or more",
        )
    return values
