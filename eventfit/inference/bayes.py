"""Upper limits with a flat prior: what older reactor papers call a limit at a confidence level."""

from __future__ import annotations

from typing import Literal

import numpy as np

from eventfit.errors import OutOfRange, StatisticsError
from eventfit.inference.card import profile_card
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.results import Limit, Status
from eventfit.inference.statistic import require_bounded
from eventfit.quadrature import Array, Index, gauss_legendre, share_above

__all__ = ["upper_limit_flat_prior"]

#: the posterior is integrated until -2 Delta ln L has risen by this much, in panels of about a third of a deviation
FAR = 60.0
PANELS_PER_DEVIATION, ORDER = 3.0, 4
#: points drawn per value to integrate over the nuisances, and the seed of the draws
DRAWS, SEED = 4096, 20_260_101
#: effective draws below which the integral is refused; height of -2 Delta ln L at a bound that cuts nothing off
FEWEST, NEGLIGIBLE = 100.0, 20.0
#: batches of draws that give the error, degrees of freedom of their Student's t, and steps to find its widths
BATCHES, FREEDOM, WIDENINGS = 8, 6, 60


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
    StatisticsError
        Too many nuisances to integrate over by sampling.
    """
    require_bounded(profile.bounds[0] == 0.0)
    if not 0.0 < cl < 1.0:
        raise OutOfRange("a credibility lies between 0 and 1", given=cl)
    upper = profile.crossing(FAR, +1)
    end = profile.bounds[1] if upper is None else upper
    panels = 2 + int(PANELS_PER_DEVIATION * end / profile.scale())
    edges = np.linspace(0.0, end, panels + 1)
    nodes, weights = gauss_legendre(edges, ORDER)
    height = np.exp(-0.5 * profile.deltas(nodes))
    error = None
    if nuisances == "marginalised":
        parts = weights * height * _volume(profile, nodes)
        values = [_quantile(edges, part, cl) for part in parts]
        error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
        value = _quantile(edges, parts.mean(axis=0), cl)
    else:
        value = _quantile(edges, weights * height, cl)
    per_bin = ", factors per bin profiled" if profile.likelihood.scales and nuisances == "marginalised" else ""
    card = profile_card(
        profile,
        method="flat prior",
        statistic=f"posterior flat in {profile.parameter} >= 0, nuisances {nuisances}{per_bin}",
        reference="PDG Statistics, Bayesian limits",
        sided="one",
        cl=cl,
        calibration="none",
        seed=SEED if nuisances == "marginalised" else None,
        note="a credibility, not a coverage; it depends on the parameter in which the prior is flat",
    )
    cut_off = upper is None and profile.delta(end) < NEGLIGIBLE
    status = Status.OPEN_RANGE if cut_off else profile.best.status
    return Limit(profile.parameter, value, (), status, card, error)


def _quantile(edges: Array, density: Array, cl: float) -> float:
    """Where the integral of ``density`` (weights included, ORDER nodes per panel) reaches the share ``cl``."""
    parts = density.reshape(-1, ORDER)
    total = np.cumsum(parts.sum(axis=1))
    i = min(int(np.searchsorted(total, cl * total[-1])), len(parts) - 1)
    missing = cl * total[-1] - (total[i - 1] if i else 0.0)
    fine = np.linspace(-1.0, 1.0, 2001)
    rising = (1.0 - share_above(fine, ORDER)) @ parts[i]
    at = float(np.interp(missing, np.maximum.accumulate(rising), fine))
    return float(edges[i] + 0.5 * (1.0 + at) * (edges[i + 1] - edges[i]))


def _volume(profile: Profile, nodes: Array) -> Array:
    """The likelihood's integral over the nuisances over its value at the profiled point, (batch, n), to a factor.

    Draws are Student's t, so that no tail of the likelihood is heavier than theirs.
    """
    likelihood = profile.likelihood
    moving = np.array([i for i in range(len(likelihood.names)) if i != profile.index], dtype=int)
    if not len(moving):
        return np.ones((BATCHES, len(nodes)))
    rng = np.random.default_rng(SEED)
    draws = rng.standard_normal((DRAWS, len(moving))) / np.sqrt(rng.chisquare(FREEDOM, (DRAWS, 1)) / FREEDOM)
    log_density = -0.5 * (FREEDOM + len(moving)) * np.log1p((draws**2).sum(axis=1) / FREEDOM)
    lower, upper = likelihood.bounds
    log = np.empty((DRAWS, len(nodes)))
    for j, node in enumerate(nodes):
        centre = profile.at(float(node))
        root = _widths(profile, centre.values, moving)
        points = np.tile(centre.values, (DRAWS, 1))
        points[:, moving] += draws @ root.T
        inside = np.all((points >= lower) & (points <= upper), axis=1)
        rise = likelihood.value(np.clip(points, lower, upper)) - centre.minus_2_ln_l
        log[:, j] = np.where(inside, -0.5 * rise - log_density, -np.inf) + np.linalg.slogdet(root)[1]
    weights = np.exp(log - log.max(axis=0))
    effective = weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0)
    if effective.min() < FEWEST:
        raise StatisticsError(
            "the integral over the nuisances rests on too few draws",
            where=profile.parameter,
            given=f"{effective.min():.0f} effective draws of {DRAWS}, {len(moving)} nuisances",
            fix="profile the nuisances instead",
        )
    return np.asarray(np.exp(log - log.max()).reshape(BATCHES, -1, len(nodes)).mean(axis=1))


def _widths(profile: Profile, centre: Array, moving: Index) -> Array:
    """Principal axes of the nuisances around ``centre``, columns half as long as -2 ln L needs to rise by about four.

    The Fisher information is that of the point alone: where nothing was counted it says nothing of the width.
    """
    likelihood = profile.likelihood
    information = 0.5 * likelihood.fisher(centre)[np.ix_(moving, moving)]
    scale = 1.0 / np.sqrt(np.diagonal(information))
    values, vectors = np.linalg.eigh(information * scale[:, None] * scale)
    axes = scale[:, None] * vectors / np.sqrt(np.maximum(values, 1e-9))
    lower, upper = likelihood.bounds
    least = likelihood.value(centre)
    for _ in range(WIDENINGS):
        points = np.tile(centre, (2, len(moving), 1))
        points[:, :, moving] += 2.0 * np.stack([axes.T, -axes.T])
        inside = np.all((points >= lower) & (points <= upper), axis=-1)
        rise = np.where(inside, likelihood.value(np.clip(points, lower, upper)) - least, 0.0)
        narrow = inside.any(axis=0) & (rise.max(axis=0) < 3.0)
        if not narrow.any():
            break
        axes = np.where(narrow, 1.5 * axes, axes)
    return np.asarray(axes)
