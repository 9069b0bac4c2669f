"""Feldman-Cousins intervals for one Poisson bin with known background, by enumeration: no toys and no grid in mu.

G. J. Feldman and R. D. Cousins, Phys. Rev. D 57 (1998) 3873 (arXiv:physics/9711021), Sec. IV, the part on a Poisson
process with background. Counts n are ranked at a signal mean mu >= 0 by the likelihood ratio of Eq. (4.1),

    R = P(n | mu + b) / P(n | max(n, b)),    ln R = n ln(mu + b) - (mu + b) - g(n),
    g(n) = n ln max(n, b) - max(n, b),

and accepted from the highest R down until their probability reaches the confidence level. Two facts make the ends of
an interval exact:

* g is convex, so ln R is concave in n: the counts that outrank a given n are consecutive, on one side of it;
* the counts n and k tie at the mean mu + b = exp[(g(k) - g(n)) / (k - n)], in closed form and increasing with k.

Between consecutive ties the counts that outrank n are therefore fixed. Their probability first rises and then falls
with the mean, so it is below the confidence level somewhere between two ties only if it is so at one of them, and the
end of the interval is either a tie or the one root next to it.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, pdtr, pdtrc, xlogy

from eventfit.errors import OutOfRange
from eventfit.inference.results import Interval, MethodCard, Status
from eventfit.quadrature import Array

__all__ = ["LARGEST", "acceptance", "feldman_cousins_poisson", "feldman_cousins_poisson_monotone"]

#: counts and means beyond this are refused: g loses the digits that ends good to 1e-6 need
LARGEST = 10_000.0
RANGE = f"0 to {LARGEST:g}"

REFERENCE = "arXiv:physics/9711021"
#: ln R closer than this is a tie; at mu = 0 all counts up to b tie exactly
TIE = 1e-11


def acceptance(mu: float, b: float, *, cl: float = 0.90) -> tuple[int, int]:
    """Lowest and highest count accepted at the signal mean ``mu``; all counts between them are accepted too.

    A count is accepted if the counts ranked strictly above it by Eq. (4.1) have a total probability below ``cl``.
    So the accepted probability is at least ``cl``, and of counts that tie all are accepted or none. The exact coverage
    of the construction at ``mu`` is the Poisson probability of this range.

    Parameters
    ----------
    mu, b
        Signal mean and known background mean, in counts.

    Raises
    ------
    OutOfRange
        If ``mu`` or ``b`` is negative, not finite or above ``LARGEST``, or ``cl`` is not between 0 and 1.
    """
    _, b, cl = _checked(0.0, b, cl)
    if not 0.0 <= mu <= LARGEST:
        raise OutOfRange("a signal mean is a finite number of counts >= 0", given=f"mu = {mu}", allowed=RANGE)
    mean = mu + b
    n = np.arange(_count_above(mean, cl) + 1.0)
    best = np.maximum(n, b)
    log_ratio = (xlogy(n, mean) - mean) - (xlogy(n, best) - best)
    order = np.argsort(-log_ratio, kind="stable")
    probability = np.exp(xlogy(n, mean) - mean - gammaln(n + 1.0))
    total = np.concatenate([[0.0], np.cumsum(probability[order])])
    n_above = np.searchsorted(-log_ratio[order], -log_ratio - TIE)
    accepted = np.flatnonzero(total[n_above] < cl)
    return int(accepted[0]), int(accepted[-1])


def feldman_cousins_poisson(n: float, b: float, *, cl: float = 0.90) -> Interval:
    """The plain construction: every signal mean whose acceptance set contains ``n``, and what lies between them.

    The means that accept ``n`` need not be connected: with n = 0 and b = 2.1 at 68.27 % they are [0, 0.12] and
    [0.34, 0.39]. Such a second piece can be narrow, and a scan in steps of mu misses it: with n = 4 and b = 15 at 90 %
    it is 0.001 wide, beyond a gap of 0.27. The interval is the hull of all pieces, from the smallest mean to the
    largest, so it covers at least as often as the acceptance sets do, which is at least ``cl`` at every mean. The upper
    end jumps up where a new piece appears as b increases (at b = 2.03 in the first example); the monotone construction
    removes these jumps.

    Parameters
    ----------
    n
        Observed count, a whole number.
    b
        Background mean in counts, taken as exactly known.
    cl
        Confidence level, 0.90 unless told.

    Returns
    -------
    Interval
        One piece, in counts of signal; the estimate max(0, n - b) is always inside. Ends are good to 1e-6.

    Raises
    ------
    OutOfRange
        If ``n`` is not a whole number >= 0, ``b`` is negative or not finite, either is above ``LARGEST``, or ``cl`` is
        not between 0 and 1.
    """
    n, b, cl = _checked(n, b, cl)
    lower, upper = _lowest_mean(n, b, cl) - b, _highest_mean(n, b, cl) - b
    return _interval(n, b, lower, upper, "Feldman-Cousins, plain", cl, "hull of the accepted signal means")


def feldman_cousins_poisson_monotone(n: float, b: float, *, cl: float = 0.90) -> Interval:
    """The plain construction with the upper end made a non-increasing function of b: what the paper tabulates.

    The upper end is the maximum of the plain one over all backgrounds b' >= b (Sec. IV): where the plain upper end
    would grow with the background, it is raised to what the larger background gives. The lower end is the plain one.
    So the interval contains the plain one and covers at least as often. The note of its card has the b' at which the
    maximum is taken.

    Arguments, result and errors are those of ``feldman_cousins_poisson``.
    """
    n, b, cl = _checked(n, b, cl)
    lower, upper, at = _lowest_mean(n, b, cl) - b, _highest_mean(n, b, cl) - b, b
    jump = _next_jump(n, b, cl)
    if jump and jump[1] > upper:
        at, upper = jump
    note = f"hull of the accepted signal means; upper end taken at b = {at:.4g}"
    return _interval(n, b, lower, upper, "Feldman-Cousins, monotone in b", cl, note)


def _interval(n: float, b: float, lower: float, upper: float, method: str, cl: float, note: str) -> Interval:
    card = MethodCard(
        method,
        "likelihood ratio ordering",
        REFERENCE,
        sided="two",
        cl=cl,
        boundary="signal mean in [0, inf]",
        calibration="exact",
        note=f"background taken as known; {note}",
    )
    estimate = max(0.0, n - b)
    piece = (min(max(lower, 0.0), estimate), max(upper, estimate))  # a tie at the estimate may round to its other side
    return Interval("signal mean", (piece,), estimate, Status.OK, card)


# -- the ends: means, signal and background together --


def _highest_mean(n: float, b: float, cl: float) -> float:
    """The largest mean that accepts ``n``: counts n + 1 ... k outrank it from the tie with k to the tie with k + 1."""
    k = np.arange(n, _count_above(_mean_above(max(n, b), cl), cl))
    ties = _tie(n, k + 1.0, b)
    inner = np.concatenate([[max(n, b)], ties[:-1]])
    return _outermost(ties[::-1], inner[::-1], n + 1.0, k[::-1], cl)


def _lowest_mean(n: float, b: float, cl: float) -> float:
    """The smallest mean that accepts ``n``: counts k ... n - 1 outrank it from the tie with k - 1 to the tie with k."""
    if n <= b:
        return b
    k = np.arange(n + 1.0)
    ties = _tie(n, k[:-1], b)
    outer, inner = np.concatenate([[b], ties]), np.concatenate([ties, [n]])
    return _outermost(outer, inner, k, n - 1.0, cl)


def _outermost(outer: Array, inner: Array, low: Array | float, high: Array | float, cl: float) -> float:
    """The outermost mean that is accepted, in stretches [outer, inner] listed from the outside in.

    In each stretch counts ``low`` to ``high`` outrank the observed one. The last stretch, where none does, is accepted.
    """
    at_outer, at_inner = (_probability_outside(low, high, mean) > 1.0 - cl for mean in (outer, inner))
    first = int(np.flatnonzero(at_outer | at_inner)[0])
    if at_outer[first]:
        return float(outer[first])
    low, high = (float(np.broadcast_to(edge, outer.shape)[first]) for edge in (low, high))
    return _root(low, high, outer[first], inner[first], cl)


def _next_jump(n: float, b: float, cl: float) -> tuple[float, float] | None:
    """The first background above ``b`` at which the plain upper end jumps up, and the end (a signal mean) after it.

    Counts n + 1 ... k keep n out between two means, the roots of P(n + 1 <= N <= k) = cl, as long as no k + 1 joins
    them. The tie with k + 1 grows with the background, but more slowly than b does. So the upper end falls with b, but
    for a jump up to the upper root of some k when the tie with k + 1 reaches it. Later jumps end lower (found for
    0.3 <= cl <= 0.999999 and n <= 200, and tested), so the first is all that the maximum over larger backgrounds needs.
    """
    start = max(n, b)  # below n the upper end is a constant less b
    for k in itertools.count(max(n + 1.0, math.floor(b))):
        most_probable_at = math.exp((gammaln(k + 1.0) - gammaln(n + 1.0)) / (k - n))
        if _margin(n + 1.0, k, most_probable_at, cl) > 0.0:
            continue  # these counts never keep n out
        if _margin(n + 1.0, k, k + 1.0, cl) <= 0.0:
            return None  # P(n < N <= k | k + 1) grows with k: no later root comes before its tie (only for cl < 0.5)
        root = _root(n + 1.0, k, most_probable_at, k + 1.0, cl)
        if _tie(n, k + 1.0, start) < root:
            at = float(brentq(lambda x, k=k, root=root: float(_tie(n, k + 1.0, x)) - root, start, k + 1.0))
            return at, root - at
    return None


def _tie(n: float, k: Array | float, b: float) -> Array:
    """Mean mu + b at which the counts ``n`` and ``k`` have the same R; it is b if neither is above b."""
    scale = max(b, 1.0)  # makes g equal for all counts up to b, so that the tie there is exact

    def g(count: Array | float) -> Array:
        best = np.maximum(count, b)
        return np.asarray(xlogy(count, best / scale) - best)

    return np.asarray(scale * np.exp((g(k) - g(n)) / (k - n)))


def _root(low: float, high: float, start: float, end: float, cl: float) -> float:
    """The mean between ``start`` and ``end`` where P(low <= N <= high) = cl."""
    return float(brentq(lambda mean: _margin(low, high, mean, cl), start, end))


def _margin(low: float, high: float, mean: float, cl: float) -> float:
    """What P(low <= N <= high | mean) leaves to reach ``cl``: positive if the next count is still accepted."""
    return float(_probability_outside(low, high, mean)) - (1.0 - cl)


def _probability_outside(low: Array | float, high: Array | float, mean: Array | float) -> Array:
    """P(N < low | mean) + P(N > high | mean): the small numbers, which keep their digits as cl approaches 1."""
    low = np.asarray(low)
    below = np.where(low > 0.0, pdtr(np.maximum(low - 1.0, 0.0), mean), 0.0)
    return np.asarray(below + pdtrc(high, mean))


# -- how far to look: a count whose R is below (1 - cl) / 2 is rejected --
#
# Chernoff's bound on either tail is R with an unbounded mu_best, which is no more than R. So if R(n) <= (1 - cl) / 2,
# the counts that do not outrank n have at most 1 - cl together, and n is rejected.


def _count_above(mean: float, cl: float) -> int:
    """A count that is rejected at ``mean``, as are all above; from -ln R >= t^2 / [2 (mean + t / 3)], t above it."""
    enough = -math.log((1.0 - cl) / 2.0)
    return math.ceil(mean + enough / 3.0 + math.sqrt(enough**2 / 9.0 + 2.0 * enough * mean)) + 1


def _mean_above(n: float, cl: float) -> float:
    """A mean that rejects ``n``, as do all above; from -ln R >= (mean - n)^2 / (2 mean)."""
    enough = -math.log((1.0 - cl) / 2.0)
    return (math.sqrt(enough / 2.0) + math.sqrt(enough / 2.0 + n)) ** 2


# -- input --


def _checked(n: float, b: float, cl: float) -> tuple[float, float, float]:
    """The three as plain floats."""
    if not (0.0 <= n <= LARGEST and float(n).is_integer()):
        raise OutOfRange(
            "an observed count is a whole number >= 0",
            given=f"n = {n}",
            allowed=RANGE,
            fix="pass the number of events, not a rate or a background-subtracted excess; for more, profile_interval",
        )
    if not 0.0 <= b <= LARGEST:
        raise OutOfRange("a background mean is a finite number of counts >= 0", given=f"b = {b}", allowed=RANGE)
    if not 0.0 < cl < 1.0:
        raise OutOfRange(
            "a confidence level is a fraction", given=f"cl = {cl}", allowed="0 < cl < 1", fix="write 0.9 for 90 %"
        )
    return float(n), float(b), float(cl)
