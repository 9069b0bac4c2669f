"""Upper limits with a flat prior: what older reactor papers call a limit at a confidence level."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.interpolate import PchipInterpolator

from eventfit.errors import OutOfRange
from eventfit.inference.card import profile_card
from eventfit.inference.profile import Profile
from eventfit.inference.results import Limit, Status
from eventfit.inference.statistic import require_bounded
from eventfit.quadrature import Array, gauss_legendre

__all__ = ["upper_limit_flat_prior"]

#: the posterior is integrated until -2 Delta ln L has risen by this much, in panels of about a third of a deviation
FAR = 60.0
PANELS_PER_DEVIATION, ORDER = 3.0, 4
#: points drawn per value to integrate over the nuisances, and the seed of the draws
DRAWS, SEED = 4096, 20_260_101


def upper_limit_flat_prior(
    profile: Profile, *, cl: float = 0.90, nuisances: Literal["profiled", "marginalised"] = "profiled"
) -> Limit:
    """The value below which a posterior with a flat prior in the fit parameter, zero below 0, has the probability cl.

    ``"profiled"`` integrates the profile likelihood, as the papers did; ``"marginalised"`` integrates over the nuisance
    parameters, flat prior times their constraints, by importance sampling around the profiled point (Geweke,
    Econometrica 57 (1989) 1317) with common random numbers; the limit's error is that of the sampling.

    Raises
    ------
    OutOfRange
        The parameter may be negative.
    """
    require_bounded(profile.bounds[0] == 0.0)
    if not 0.0 < cl < 1.0:
        raise OutOfRange("a credibility lies between 0 and 1", given=cl)
    upper = profile.crossing(FAR, +1)
    end = profile.bounds[1] if upper is None else upper
    panels = 2 + int(PANELS_PER_DEVIATION * end / profile.scale())
    edges = np.linspace(0.0, end, panels + 1)
    nodes, weights = gauss_legendre(edges, ORDER)
    log = -0.5 * profile.deltas(nodes)
    error = None
    if nuisances == "marginalised":
        shifts = _log_volume(profile, nodes)
        log = log + shifts.mean(axis=0)
        values = [_quantile(edges, weights * np.exp(s), cl) for s in -0.5 * profile.deltas(nodes) + shifts]
        error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    density = weights * np.exp(log - log.max())
    value = _quantile(edges, density, cl)
    card = profile_card(
        profile,
        method="flat prior",
        statistic=f"posterior flat in {profile.parameter} >= 0, nuisances {nuisances}",
        reference="PDG Statistics, Bayesian limits",
        sided="one",
        cl=cl,
        calibration="none",
        seed=SEED if nuisances == "marginalised" else None,
        note="a credibility, not a coverage; it depends on the parameter in which the prior is flat",
    )
    status = Status.OPEN_RANGE if upper is None and np.isinf(end) else profile.best.status
    return Limit(profile.parameter, value, (), status, card, error)


def _quantile(edges: Array, density: Array, cl: float) -> float:
    """Where the integral of ``density`` (weights included, ORDER nodes per panel) reaches the share ``cl``."""
    steps = density.reshape(-1, ORDER).sum(axis=1)
    total = np.concatenate([[0.0], np.cumsum(steps)])
    # a monotone cubic through the cumulative sums: exact at the edges of panels
    rising = PchipInterpolator(edges, total / total[-1])
    i = int(np.searchsorted(total / total[-1], cl)) - 1
    fine = np.linspace(edges[i], edges[i + 1], 2001)
    return float(np.interp(cl, rising(fine), fine))


def _log_volume(profile: Profile, nodes: Array) -> Array:
    """ln of the likelihood's integral over the nuisances, relative to its value at the profiled point: (batch, n)."""
    likelihood = profile.likelihood
    moving = np.array([i for i in range(len(likelihood.names)) if i != profile.index], dtype=int)
    batches = 8
    if not len(moving):
        return np.zeros((batches, len(nodes)))
    draws = np.random.default_rng(SEED).standard_normal((DRAWS, len(moving)))
    lower, upper = likelihood.bounds
    found = np.empty((batches, len(nodes)))
    for j, node in enumerate(nodes):
        centre = profile.at(float(node))
        information = 0.5 * likelihood.fisher(centre.values)[np.ix_(moving, moving)]
        root = np.linalg.cholesky(np.linalg.inv(information))
        points = np.tile(centre.values, (DRAWS, 1))
        points[:, moving] += draws @ root.T
        inside = np.all((points >= lower) & (points <= upper), axis=1)
        value = likelihood.value(np.clip(points, lower, upper)) - centre.minus_2_ln_l
        weight = np.where(inside, np.exp(-0.5 * value + 0.5 * (draws**2).sum(axis=1)), 0.0)
        found[:, j] = np.log(weight.reshape(batches, -1).mean(axis=1)) + np.log(np.diagonal(root)).sum()
    return found - found[:, :1]
