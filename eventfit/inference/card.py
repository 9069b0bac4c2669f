"""What every method card shares: constraints, boundary and the hash of the model."""

from __future__ import annotations

from typing import Any

from eventfit.inference.fitting.profile import Profile
from eventfit.inference.results import MethodCard
from eventfit.likelihood import Likelihood

__all__ = ["constraint_names", "profile_card"]


def constraint_names(likelihood: Likelihood) -> tuple[str, ...]:
    """Names of the constrained parameters, and of the constrained factors per bin."""
    stated = [p.name for p in likelihood.parameters if p.constraint is not None]
    return (*stated, *(scale.name for scale in likelihood.scales))


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
