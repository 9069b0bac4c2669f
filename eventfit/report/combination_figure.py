"""The profiles of the parts of a combination and of the whole in one figure: who says what, and do they agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure

from eventfit.analysis.problem import Problem
from eventfit.errors import StatisticsError
from eventfit.inference import Profile
from eventfit.report.figures import BEST, DATA, OTHERS, STYLES
from eventfit.report.method_axis import QuotedAxis, canvas, cut_labels, visible_range

__all__ = ["combination_figure"]

#: points of a curve
POINTS = 121
#: a part is shown as far as this many times what the combination needs
REACH = 4.0


def combination_figure(problem: Problem, profile: Profile, cuts: Sequence[tuple[str, float]]) -> Figure:
    """-2 Delta ln L of every part of ``problem`` and of the whole, each above its own minimum, with named cuts."""
    profiles = {part.name: found for part in problem.parts if (found := _profile(part)) is not None}
    top = 1.5 * max((height for _, height in cuts), default=4.0)
    low, high = visible_range(profile, top, [])
    ends = [visible_range(found, top, []) for found in profiles.values()]
    low = min([low, *(end[0] for end in ends if math.isfinite(end[0]))])
    furthest = max([high, *(end[1] for end in ends if math.isfinite(end[1]))])
    high = min(furthest, problem.reported.fitted(REACH * problem.reported.value(high))) if high > 0 else furthest
    axis = QuotedAxis.reaching(problem.reported, low, high)
    fitted, x = axis.points(low, high, POINTS, profile.bounds)
    figure, axes = canvas(problem.title)
    for (name, found), colour, line in zip(profiles.items(), cycle(OTHERS), cycle(STYLES[1:])):
        label = f"{name}, best fit: {axis.quote(found.estimate)}"
        axes.plot(x, found.deltas(fitted), color=colour, lw=1.4, ls=line, label=label)
    whole = f"combined, best fit: {axis.quote(profile.estimate)}"
    axes.plot(x, profile.deltas(fitted), color=BEST, lw=2.2, zorder=4, label=whole)
    for _, height in cuts:
        axes.axhline(height, color=DATA, lw=0.8, ls=":")
    cut_labels(axes, [(f"{name}, {height:.2f}", height) for name, height in cuts], top)
    if (apart := _apart(problem, profile, profiles)) is not None:
        axes.plot([], [], " ", label=f"the parts at their own best fits: {apart:.1f} lower")
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(0.0, top)
    axes.set_xlabel(axis.label)
    axes.set_ylabel(r"$-2\,\Delta\ln L$")
    figure.legend(frameon=False, fontsize="medium", loc="outside lower center", ncols=1)
    return figure


def _profile(part: Problem) -> Profile | None:
    """The profile of a part; none where its fit fails, as it may alone: the combination knows more."""
    try:
        return Profile(part.likelihood, part.poi)
    except StatisticsError:
        return None


def _apart(problem: Problem, profile: Profile, profiles: dict[str, Profile]) -> float | None:
    """By how much the parts fit better alone, if they share nothing but the parameter of interest."""
    names = [name for part in problem.parts for name in part.likelihood.names]
    shared = {name for name in names if names.count(name) > 1}
    if shared != {problem.poi} or len(profiles) < len(problem.parts) or problem.likelihood.unbinned:
        return None
    apart = profile.best.minus_2_ln_l - float(np.sum([found.best.minus_2_ln_l for found in profiles.values()]))
    return max(apart, 0.0)
