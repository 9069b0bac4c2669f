"""What drives the limit: how far it moves if a bin, an auxiliary measurement or a nuisance parameter moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from eventfit.errors import StatisticsError
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.limit import upper_limit_qmu_tilde
from eventfit.inference.results import Impact, Limit
from eventfit.likelihood import Data, Likelihood
from eventfit.parameters import GaussianConstraint

__all__ = ["impacts_on_limit"]

Rule = Callable[[Profile], Limit]


def impacts_on_limit(
    profile: Profile, *, rule: Rule = upper_limit_qmu_tilde, progress: Callable[[int], None] | None = None
) -> list[Impact]:
    """The change of the upper limit of ``rule`` for each measurement and nuisance, the largest first.

    A bin moves by the square root of its fitted expectation (not below zero counts) or by its given error, an auxiliary
    measurement by its standard deviation, a nuisance parameter is held one standard deviation from its best fit, as in
    the usual impacts on an estimate; one that stands at its bound has no standard deviation and is left out. A move
    that leaves no limit is NaN.
    """
    likelihood, nominal = profile.likelihood, rule(profile).value
    found: list[Impact] = []

    def add(name: str, kind: str, moved: tuple[Likelihood, Likelihood]) -> None:
        down, up = (_change(one, profile.parameter, rule, nominal) for one in moved)
        found.append(Impact(name, kind, down, up))  # type: ignore[arg-type]
        if progress is not None:
            progress(1)

    counts, auxiliary = likelihood.data.counts, likelihood.data.auxiliary
    spread = likelihood.spread(profile.best.values)
    for b in range(likelihood.n_bin):
        step = spread[b] * np.eye(likelihood.n_bin)[b]
        lowest = 0.0 if likelihood.counted[b] else -np.inf
        moved = [Data(np.maximum(counts + sign * step, lowest), auxiliary) for sign in (-1.0, 1.0)]
        add(f"bin {b + 1}", "bin", (likelihood.with_data(moved[0]), likelihood.with_data(moved[1])))
    for slot, (name, width, counted) in enumerate(_measurements(likelihood)):
        step = width * np.eye(len(auxiliary))[slot]
        shifted = [auxiliary + sign * step for sign in (-1.0, 1.0)]
        if counted:
            shifted = [np.maximum(a, 0.0) for a in shifted]
        add(
            f"measurement of {name}",
            "auxiliary",
            (likelihood.with_data(Data(counts, shifted[0])), likelihood.with_data(Data(counts, shifted[1]))),
        )
    for parameter in likelihood.parameters:
        error = float(profile.best.errors[likelihood.index(parameter.name)])
        if parameter.name != profile.parameter and np.isfinite(error):
            at = profile.best[parameter.name]
            held = [min(max(at + sign * error, parameter.lower), parameter.upper) for sign in (-1.0, 1.0)]
            add(
                parameter.name,
                "nuisance",
                (_held(likelihood, parameter.name, held[0]), _held(likelihood, parameter.name, held[1])),
            )
    return sorted(found, key=lambda impact: -np.nanmax([abs(impact.down), abs(impact.up), 0.0]))


def _measurements(likelihood: Likelihood) -> Iterator[tuple[str, float, bool]]:
    """What each auxiliary measurement is of, its standard deviation, and whether it is a count."""
    auxiliary = likelihood.data.auxiliary
    constrained = [(p.name, p.constraint) for p in likelihood.parameters if p.constraint is not None]
    for slot, (name, constraint) in enumerate(constrained):
        if isinstance(constraint, GaussianConstraint):
            yield name, constraint.width, False
        else:
            yield name, float(np.sqrt(max(auxiliary[slot], 1.0))), True
    slot = len(constrained)
    for scale in likelihood.scales:
        for b in np.flatnonzero(scale.strength > 0):
            gaussian = scale.constraint == "gaussian"
            width = scale.strength[b] if gaussian else np.sqrt(max(auxiliary[slot], 1.0))
            yield f"{scale.name}, bin {b + 1}", float(width), not gaussian
            slot += 1


def _held(likelihood: Likelihood, name: str, value: float) -> Likelihood:
    """Bounds that leave room for one number."""
    return likelihood.bounded(name, value, float(np.nextafter(value, np.inf)))


def _change(likelihood: Likelihood, parameter: str, rule: Rule, nominal: float) -> float:
    try:
        return rule(Profile(likelihood, parameter)).value - nominal
    except StatisticsError:
        return float("nan")
