"""Counting against a background taken as exactly known: what a quick estimate quotes, and no more than that."""

from __future__ import annotations

import math

from scipy.special import ndtr, pdtrc

from eventfit.errors import OutOfRange
from eventfit.inference.results import MethodCard, Significance, Status

__all__ = ["poisson_likelihood_ratio", "s_over_sqrt_b"]

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
    q0 = 2.0 * (n * math.log(n / b) - n + b) if n > b else 0.0
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


def _require(n: float, b: float) -> None:
    if not (b > 0 and n >= 0 and math.isfinite(n) and math.isfinite(b)):
        raise OutOfRange("counting needs n >= 0 observed and b > 0 expected", given=f"n = {n}, b = {b}")
