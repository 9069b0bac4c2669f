"""What every method card shares: constraints, boundary and the hash of the model."""

from __future__ import annotations

from typing import Any

from eventfit.inference.fitting.profile import Profile
from eventfit.inference.results import MethodCard
from eventfit.likelihood import Likelihood

__all__ = ["bounded_at", "constraint_names", "profile_card"]


def constraint_names(likelihood: Likelihood) -> tuple[str, ...]:
    """Names of the constrained parameters and of the constrained factors per bin; measured numbers beside counts."""
    stated = [p.name for p in likelihood.parameters if p.constraint is not None]
    beside = int((~likelihood.counted).sum()) if likelihood.counted.any() else 0
    said = (f"{beside} measured number{'s' if beside > 1 else ''} beside the counts",) if beside else ()
    return (*stated, *(scale.name for scale in likelihood.scales), *said)


def bounded_at(profile: Profile, *ends: float) -> tuple[str, ...]:
    """Doubts about the ``ends`` of an asymptotic result: other parameters that its profile has pushed to a bound there.

    Then the statistic at this value is no chi-square: toys of such a value run into the bound half of the time.
    """
    lower, upper = profile.likelihood.bounds
    points = [profile.point(end) for end in dict.fromkeys(ends)]
    found = {
        name
        for point in points
        for i, name in enumerate(profile.likelihood.names)
        if i != profile.index and (point[i] <= lower[i] or point[i] >= upper[i])
    }
    return (f"at the end of the result {', '.join(sorted(found))} is at a bound",) if found else ()


def profile_card(profile: Profile, **entries: Any) -> MethodCard:
    """A card for a result made from ``profile``; ``entries`` are what the method adds."""
    lower, upper = profile.bounds
    return MethodCard(
        fitted_in=profile.parameter,
        boundary=f"{profile.parameter} in [{lower:g}, {upper:g}]",
        constraints=constraint_names(profile.likelihood),
        model_sha256=profile.likelihood.model_hash,
        **entries,
    )
