"""Counting against a background taken as exactly known: what a quick estimate quotes, and no more than that."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, pdtrc

from eventfit.errors import OutOfRange
from eventfit.inference.results import MethodCard, Significance, Status
from eventfit.likelihood import poisson_deviance

__all__ = ["asimov_significance", "poisson_likelihood_ratio", "s_over_sqrt_b"]

NOTE = "background taken as known: no shape, no background error, no choice of the window accounted for"


def s_over_sqrt_b(n: float, b: float) -> Significance:
    """Z = (n - b) / sqrt(b): the Gaussian limit of a counting experiment."""
    _require(n, b)
    z = (n - b) / math.sqrt(b)
    card = MethodCard("s / sqrt(b)", "(n - b) / sqrt(b)", "arXiv:1007.1727", sided="one", calibration="none", note=NOTE)
    return Significance(max(z, 0.0) ** 2, float(ndtr(-z)), z, None, Status.OK, card)


def poisson_likelihood_ratio(n: float, b: float) -> Significance:
    """Z = sqrt(2 (n ln(n / b) - n + b)) for n > b, else 0; q0 of one Poisson bin, cf. Eq. (97) of arXiv:1007.1727.

    The note of its card carries the exact tail probability P(N >= n | b).
    """
    _require(n, b)
    q0 = float(poisson_deviance(np.array(n), np.array(b))[0]) if n > b else 0.0
    z = math.sqrt(q0)
    exact = float(pdtrc(n - 1.0, b)) if n >= 1.0 else 1.0
    card = MethodCard(
        "Poisson likelihood ratio",
        "q0 of one bin",
        "arXiv:1007.1727",
        sided="one",
        note=f"{NOTE}; exact tail P(N >= {n:g} | {b:.4g}) = {exact:.3g}",
    )
    return Significance(q0, float(ndtr(-z)), z, None, Status.OK, card)


def asimov_significance(s: float, b: float, sigma_b: float = 0.0) -> Significance:
    """Median significance of ``s`` expected signal events on a background of ``b`` +- ``sigma_b``.

    Z_A of Eq. (97) of arXiv:1007.1727; with an uncertain background that of an on/off measurement with
    tau = b / sigma_b**2 (Cowan 2012, Linnemann 2003), rearranged so that no digits cancel for small s / b.
    """
    if not (s >= 0 and b > 0 and sigma_b >= 0 and math.isfinite(s + b + sigma_b)):
        raise OutOfRange("a median significance needs s >= 0, b > 0 and sigma_b >= 0", given=f"{s}, {b}, {sigma_b}")
    variance = sigma_b**2
    total = b**2 + (s + b) * variance
    u, v, weight = s * b / total, variance * s / (b * (b + variance)), b**2 / variance if variance > 0 else 0.0
    if s > b:
        half = (s + b) * math.log1p(u) - (weight * math.log1p(v) if variance > 0 else s)
    else:  # the linear terms of both logarithms, taken together
        half = (s * b) ** 2 / (total * (b + variance)) - (s + b) * _beyond_linear(u) + weight * _beyond_linear(v)
    z = math.sqrt(2.0 * half)
    note = f"expected, b +- {sigma_b:g}"
    card = MethodCard("median significance", "q0 of the Asimov data", "arXiv:1007.1727", sided="one", note=note)
    return Significance(2.0 * half, float(ndtr(-z)), z, None, Status.OK, card)


def _beyond_linear(x: float) -> float:
    """``x - ln(1 + x)``, by its series where that would cancel."""
    if x > 1e-2:
        return x - math.log1p(x)
    return math.fsum((-1.0) ** k * x**k / k for k in range(2, 10))


def _require(n: float, b: float) -> None:
    if not (b > 0 and n >= 0 and math.isfinite(n) and math.isfinite(b)):
        raise OutOfRange("counting needs n >= 0 observed and b > 0 expected", given=f"n = {n}, b = {b}")
