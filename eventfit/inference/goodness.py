"""Goodness of fit against the saturated model."""

from __future__ import annotations

from scipy.special import gammaincc

from eventfit.inference.card import constraint_names
from eventfit.inference.results import FitResult, GoodnessOfFit, MethodCard

__all__ = ["goodness_of_fit"]

#: expectation below which a bin is no chi-square, and the share of such bins from which on the sum is none
FEW, SHARE = 1.0, 0.2


def goodness_of_fit(result: FitResult) -> GoodnessOfFit:
    """-2 ln L at the minimum relative to the saturated model (Baker and Cousins 1984), auxiliary measurements included.

    Degrees of freedom: bins plus auxiliary measurements minus free parameters; a factor per bin brings one measurement
    and one parameter, so it counts for nothing. The p-value is that of a chi-square; where more than a fifth of the
    bins expect less than one event it would mean nothing, and is NaN.
    """
    likelihood = result.likelihood
    constraints = constraint_names(likelihood)
    free = len(result.names) - len(result.fixed)
    measured = sum(parameter.constraint is not None for parameter in likelihood.parameters)
    ndf = likelihood.n_bin + measured - free
    few = float((likelihood.counted & (likelihood.expected(result.values) < FEW)).mean())
    known = ndf > 0 and few <= SHARE
    p_value = float(gammaincc(0.5 * ndf, 0.5 * result.minus_2_ln_l)) if known else float("nan")
    if known:
        said = f"p = {p_value:.2g}"
    elif ndf > 0:
        said = f"no p-value, {100 * few:.0f} % of the bins expect less than {FEW:g} event"
    else:
        said = "no p-value, nothing is left to test"
    card = MethodCard(
        method=f"goodness of fit, {ndf} d.o.f., {said}",
        statistic="-2 ln L relative to the saturated model",
        reference="baker-cousins1984",
        constraints=constraints,
        model_sha256=likelihood.model_hash,
    )
    return GoodnessOfFit(result.minus_2_ln_l, ndf, p_value, result.status, card)
