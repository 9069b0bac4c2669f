"""Feldman-Cousins intervals of general models: the likelihood ratio's critical values by toys, nuisances profiled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.inference.asymptotic import cut_of, few_events
from eventfit.inference.card import profile_card
from eventfit.inference.fitting.profile import Profile
from eventfit.inference.results import Interval, Status
from eventfit.inference.toys.tails import TIE
from eventfit.inference.toys.throw import ENSEMBLE, Hypothesis, Toys, ToySample
from eventfit.quadrature import Array, Mask

__all__ = ["CriticalValues", "critical_values", "feldman_cousins_interval", "feldman_cousins_points"]

#: points where toys are thrown: near each end of the asymptotic interval, in its standard deviations
OFFSETS = (-0.8, -0.4, 0.0, 0.4, 0.8)
#: points of the fine scan between two ends
FINE = 400
#: where an interval from few counts may reach further
BEYOND = (1.2, 1.6, 2.0, 2.5)
#: share of the toys at one value above which data count as discrete
SHARED = 0.005


@dataclass(frozen=True, eq=False)
class CriticalValues:
    """Quantile ``cl`` of the statistic at tested values (n,), with its statistical error, from toys.

    A failed toy counts as one with an infinite statistic, which widens the interval; ``failed`` is their number.
    Where data are discrete many toys share the critical value, and it jumps somewhere between the tested values:
    ``jumps`` (n,) says where.
    """

    tested: Array
    critical: Array
    error: Array
    failed: int
    jumps: Mask | None = None


def feldman_cousins_points(profile: Profile, *, cl: float) -> Array:
    """Where toys tell most: around the ends of the asymptotic interval, its estimate and the bound."""
    cut = cut_of("tmu", cl)
    scale, (lower, upper) = profile.scale(), profile.bounds
    low, high = profile.crossing(cut, -1), profile.crossing(cut, +1)
    ends = [lower if low is None else low, upper if high is None else high]
    if not np.all(np.isfinite(ends)):
        raise OutOfRange(
            "a Feldman-Cousins scan needs a closed asymptotic interval", where=profile.parameter, given=ends
        )
    around = [end + offset * scale for end in ends for offset in OFFSETS]
    if few_events(profile.likelihood, profile.best.values):
        around += [ends[1] + offset * scale for offset in BEYOND]
    middle = np.linspace(ends[0], ends[1], 5)
    bound = [lower] if lower > ends[0] - 2.0 * scale else []
    points = np.unique(np.clip(np.concatenate([around, middle, bound]), lower, upper))
    return np.asarray(points[np.isfinite(profile.deltas(points))])  # events and none expected: excluded without toys


def critical_values(samples: list[ToySample], *, cl: float) -> CriticalValues:
    """The order statistic that ``cl`` of the toys do not exceed, and half the distance of its binomial neighbours."""
    tested, critical, error, jumps, failed = [], [], [], [], 0
    for sample in samples:
        n = len(sample.delta)
        ordered = np.sort(np.where(sample.failed, np.inf, sample.delta))
        spread = math.sqrt(n * cl * (1.0 - cl))
        rank = [min(max(math.ceil(n * cl + k * spread) - 1, 0), n - 1) for k in (-1.0, 0.0, 1.0)]
        tested.append(sample.tested_at)
        critical.append(float(ordered[rank[1]]))
        reach = float(ordered[rank[2]])
        error.append(0.5 * (reach - float(ordered[rank[0]])) if np.isfinite(reach) else math.inf)
        shared = int((np.abs(ordered - critical[-1]) < TIE).sum()) if reach < math.inf else 0
        jumps.append(shared > max(3, SHARED * n))
        failed += int(sample.failed.sum())
    return CriticalValues(np.array(tested), np.array(critical), np.array(error), failed, np.array(jumps))


def feldman_cousins_interval(
    profile: Profile, toys: Toys, *, cl: float = 0.90, points: Array | None = None
) -> Interval:
    """All values that the likelihood-ratio ordering accepts: Feldman and Cousins (arXiv:physics/9711021).

    The statistic is tmu, or tmu_tilde for a parameter bounded at zero; its quantile at each of ``points`` (n,) comes
    from toys thrown there with nuisances profiled on the data (the construction of Sec. V.B with profiled nuisances:
    Cranmer, arXiv:physics/0511028). Between the points the quantile is interpolated linearly, and beyond them it is
    that of the last one. The error of an end is that of the quantile over the slope of the ratio there; for discrete
    data, whose quantile jumps somewhere between the points, half the distance of these is added in quadrature.

    Raises
    ------
    OutOfRange
        The asymptotic interval is not closed, so that it is not known where to throw.
    """
    grid = feldman_cousins_points(profile, cl=cl) if points is None else np.unique(points)
    hypotheses = [Hypothesis(profile.at(float(mu)).values, float(mu)) for mu in grid]
    samples = toys.samples(profile.likelihood, profile.parameter, hypotheses)
    return interval_of(profile, critical_values(samples, cl=cl), toys, cl=cl)


def interval_of(profile: Profile, values: CriticalValues, toys: Toys, *, cl: float) -> Interval:
    """The interval with critical values that are there already."""
    lower, upper = profile.bounds
    reach = 2.0 * profile.scale()
    fine = np.unique(
        np.concatenate(
            [
                np.linspace(max(lower, values.tested[0] - reach), min(upper, values.tested[-1] + reach), FINE),
                values.tested,
                [profile.estimate],
            ]
        )
    )
    excess = profile.deltas(fine) - np.interp(fine, values.tested, values.critical) - TIE
    pieces, errors = _pieces(fine, excess, np.interp(fine, values.tested, values.error))
    errors = tuple(
        tuple(_with_jumps(values, end, error) for end, error in zip(piece, pair, strict=True))
        for piece, pair in zip(pieces, errors, strict=True)
    )
    open_ended = excess[-1] <= 0.0 or (excess[0] <= 0.0 and fine[0] != 0.0)
    status = Status.OPEN_RANGE if open_ended else profile.best.status
    statistic = "tmu_tilde" if lower == 0.0 else "tmu"
    outside = [end for piece in pieces for end in piece if not values.tested[0] <= end <= values.tested[-1]]
    note = f"critical values at {len(values.tested)} points"
    note += f", {values.failed} failed toys counted as infinite" if values.failed else ", no fit failed"
    note += "; an end lies beyond the points: give points that reach further" if outside else ""
    card = profile_card(
        profile,
        method="Feldman-Cousins",
        statistic=statistic,
        reference="arXiv:physics/9711021",
        sided="two",
        cl=cl,
        calibration="toys",
        toys=toys.n * len(values.tested),
        seed=toys.seed,
        ensemble=ENSEMBLE,
        note=note,
    )
    return Interval(profile.parameter, pieces, profile.estimate, status, card, errors)


def _with_jumps(values: CriticalValues, end: float, error: float) -> float:
    """The error of an end with half the distance of the points around it, if critical values jump between them."""
    i = int(np.searchsorted(values.tested, end))
    around = slice(max(i - 1, 0), i + 2)
    if values.jumps is None or not values.jumps[around].any() or end == values.tested[0] == 0.0:
        return error
    return math.hypot(error, 0.5 * float(np.diff(values.tested[around]).max(initial=0.0)))


def _pieces(x: Array, excess: Array, error: Array) -> tuple[Any, Any]:
    """Pieces where ``excess`` is not positive, by linear interpolation, and the errors of their ends."""
    inside = excess <= 0.0
    ends, errors = ([float(x[0])], [0.0]) if inside[0] else ([], [])
    for i in np.flatnonzero(inside[1:] != inside[:-1]):
        slope = (excess[i + 1] - excess[i]) / (x[i + 1] - x[i])
        finite = bool(np.isfinite(slope))
        ends.append(float(x[i] - excess[i] / slope) if finite else float(x[i] if inside[i] else x[i + 1]))
        errors.append(float(abs(error[i] / slope)) if finite else 0.0)
    if inside[-1]:
        ends.append(float(x[-1]))
        errors.append(0.0)
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    return tuple(pairs), tuple(zip(errors[::2], errors[1::2], strict=True))
