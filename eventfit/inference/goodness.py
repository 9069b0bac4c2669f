"""Goodness of fit against the saturated model."""

from __future__ import annotations

from scipy.special import gammaincc

from eventfit.inference.card import constraint_names
from eventfit.inference.results import FitResult, GoodnessOfFit, MethodCard

__all__ = ["goodness_of_fit"]


def goodness_of_fit(result: FitResult) -> GoodnessOfFit:
    """-2 ln L at the minimum relative to the saturated model (Baker and Cousins 1984), auxiliary measurements included.

    Degrees of freedom: bins plus auxiliary measurements minus free parameters; a factor per bin brings one measurement
    and one parameter, so it counts for nothing. The p-value is that of a chi-square, good when the expectations are not
    small.
    """
    likelihood = result.likelihood
    constraints = constraint_names(likelihood)
    free = len(result.names) - len(result.fixed)
    measured = sum(parameter.constraint is not None for parameter in likelihood.parameters)
    ndf = likelihood.n_bin + measured - free
    p_value = float(gammaincc(0.5 * ndf, 0.5 * result.minus_2_ln_l)) if ndf > 0 else float("nan")
    card = MethodCard(
        method=f"goodness of fit, {ndf} d.o.f., p = {p_value:.2g}",
        statistic="-2 ln L relative to the saturated model",
        reference="baker-cousins1984",
        constraints=constraints,
        model_sha256=likelihood.model_hash,
    )
    return GoodnessOfFit(result.minus_2_ln_l, ndf, p_value, result.status, card)
