"""Figures of intervals and limits: CLs with its bands, profile, Feldman-Cousins construction. No pyplot state.

Axes of the parameter of interest are in the quantity that is quoted. What is infinite or NaN is left out or said in
words; no figure fails for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eventfit.inference import Interval, Limit, Profile, Scan
from eventfit.inference.asymptotic import cut_of
from eventfit.inference.feldman_cousins import CriticalValues
from eventfit.inference.hypotest import CLsCurve
from eventfit.parameters import Reported
from eventfit.quadrature import Array
from eventfit.report.figures import BACKGROUND, BEST, DATA, PUBLISHED
from eventfit.report.method_axis import QuotedAxis, canvas, cut_labels, finite, number, percent, visible_range

__all__ = [
    "cls_figure",
    "feldman_cousins_figure",
    "profile_curve_figure",
]

#: one and two standard deviations of a Brazil band, of Okabe and Ito
GREEN, YELLOW = "#009E73", "#F0E442"
#: points of a curve
POINTS = 161
#: steps by which the range of tested values grows at most
GROWTHS = 40
#: upper end of the axis of CLs
CLS_TOP = 1.05
#: bands, and what the legend calls them
BAND_NAMES = {2.0: r"$\pm 2\,\sigma$ expected", 1.0: r"$\pm 1\,\sigma$ expected"}
#: the ratio's name on an axis
RATIO = r"$-2\,\Delta\ln L$"


def cls_figure(curve: CLsCurve, limit: Limit, reported: Reported, title: str) -> Figure:
    """Observed and expected CLs against the tested value (Brazil band), with the limits where they cross 1 - cl."""
    assert limit.card.cl is not None
    level, expected = 1.0 - limit.card.cl, dict(limit.expected)
    high = _tested_range(curve, [limit.value, *expected.values()], level)
    axis = QuotedAxis.reaching(reported, high)
    mu, x = axis.points(0.0, high, POINTS, curve.observed.bounds)
    figure, axes = canvas(title)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 far out, which is left out
        for sigmas, colour in ((2.0, YELLOW), (1.0, GREEN)):
            low_band, high_band = curve.expected_cls(mu, -sigmas), curve.expected_cls(mu, sigmas)
            axes.fill_between(x, low_band, high_band, color=colour, lw=0, label=BAND_NAMES[sigmas])
        axes.plot(x, curve.expected_cls(mu, 0.0), color=DATA, ls="--", lw=1.4, label="median expected")
        axes.plot(x, curve.cls(mu), color=DATA, lw=2.0, label="observed")
    axes.axhline(level, color=BEST, lw=1.0)
    cut_labels(axes, [(f"{percent(limit.card.cl)} C.L., {level:.3g}", level)], CLS_TOP)
    _mark_limit(axes, axis, limit.value, level, "o", "observed limit")
    _mark_limit(axes, axis, expected.get(0.0, math.nan), level, "D", "expected limit")
    axes.set_xlim(0.0, x[-1])
    axes.set_ylim(0.0, CLS_TOP)
    axes.set_xlabel(f"tested {axis.label}")
    axes.set_ylabel(r"$\mathrm{CL}_\mathrm{s}$")
    axes.legend(frameon=False, fontsize="small", loc="upper right")
    return figure


def profile_curve_figure(
    profile: Profile,
    reported: Reported,
    *,
    title: str,
    cuts: Sequence[tuple[str, float]],
    pieces: Sequence[tuple[float, float]] = (),
    raw: Scan | None = None,
) -> Figure:
    """-2 Delta ln L against the quoted parameter, with named cuts and the pieces of an interval (fit parameter)."""
    top = 1.5 * max((height for _, height in cuts), default=4.0)
    low, high = visible_range(profile, top, [end for piece in pieces for end in piece])
    axis = QuotedAxis.reaching(reported, low, high)
    fitted, x = axis.points(low, high, POINTS, profile.bounds)
    figure, axes = canvas(title)
    axes.plot(x, profile.deltas(fitted), color=BACKGROUND, lw=2.0, zorder=3, label="profile, others re-optimised")
    if raw is not None:
        axes.plot(axis.all_x(raw.values), raw.delta, color=PUBLISHED, lw=1.2, ls="--", zorder=4, label="others held")
    _shade(axes, axis, x, pieces, "interval")
    for _, height in cuts:
        axes.axhline(height, color=DATA, lw=0.8, ls=":")
    cut_labels(axes, [(f"{name}, {height:.2f}", height) for name, height in cuts], top)
    _best_fit(axes, axis, profile)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(0.0, top)
    axes.set_xlabel(axis.label)
    axes.set_ylabel(RATIO)
    figure.legend(frameon=False, fontsize="medium", loc="outside lower center", ncols=2)
    return figure


def feldman_cousins_figure(
    profile: Profile, values: CriticalValues, interval: Interval, reported: Reported, title: str
) -> Figure:
    """The observed ratio and its critical values against the tested value: what lies below them is accepted."""
    assert interval.card.cl is not None
    cut = cut_of("tmu", interval.card.cl)
    low, high = visible_range(profile, 1.6 * cut, [end for piece in interval.pieces for end in piece])
    low, high = min(low, *finite(values.tested)), max(high, *finite(values.tested))
    axis = QuotedAxis.reaching(reported, low, high)
    fitted, x = axis.points(low, high, POINTS, profile.bounds)
    figure, axes = canvas(title)
    axes.plot(x, profile.deltas(fitted), color=BACKGROUND, lw=2.0, zorder=3, label="observed ratio")
    at, known = axis.all_x(values.tested), np.isfinite(values.critical)
    top = 1.3 * max(1.6 * cut, *finite(values.critical))
    axes.errorbar(
        at,
        np.where(known, values.critical, np.nan),  # the line breaks where the value is infinite
        yerr=np.where(np.isfinite(values.error), values.error, 0.0),
        fmt="o-",
        ms=4,
        lw=0.9,
        capsize=2,
        color=BEST,
        label="critical value, toys",
        zorder=4,
    )
    if not known.all():
        axes.plot(at[~known], np.full((~known).sum(), 0.97 * top), "^", color=BEST, label="critical value infinite")
    axes.axhline(cut, color=DATA, lw=0.8, ls=":")
    cut_labels(axes, [(f"asymptotic, {cut:.2f}", cut)], top)
    _shade(axes, axis, x, interval.pieces, f"accepted, {percent(interval.card.cl)} C.L.")
    _best_fit(axes, axis, profile)
    margin = 0.02 * (x[-1] - x[0])  # the error bars at the ends are shown whole
    axes.set_xlim(x[0] - margin, x[-1] + margin)
    axes.set_ylim(0.0, top)
    axes.set_xlabel(f"tested {axis.label}")
    axes.set_ylabel(RATIO)
    figure.legend(frameon=False, fontsize="medium", loc="outside lower center", ncols=2)
    return figure


def _tested_range(curve: CLsCurve, limits: Sequence[float], level: float) -> float:
    """Where all of ``limits`` are seen, and the band's upper end, the last of the curves, has reached the level."""
    upper = curve.observed.bounds[1]
    high = min(1.15 * max(finite(limits), default=max(curve.observed.estimate, curve.observed.scale())), upper)
    for _ in range(GROWTHS):
        if high >= upper or not curve.expected_cls(np.array([high]), 2.0)[0] > 0.7 * level:
            break
        high = min(1.15 * high, upper)
    return high


def _mark_limit(axes: Axes, axis: QuotedAxis, value: float, level: float, marker: str, name: str) -> None:
    """A line down from where CLs crosses the level; a limit without a place has only its name in the legend."""
    label = f"{name}: {axis.quote(value)}"
    if math.isfinite(value):
        x = axis.x(value)
        line = "-" if marker == "o" else "--"
        axes.plot([x, x], [0.0, level], color=BEST, lw=1.2, ls=line)
        axes.plot([x], [level], marker, color=BEST, ms=5.5, mec="white", zorder=5, label=label)
    else:
        axes.plot([], [], marker, color=BEST, ms=5.5, label=label)


def _shade(axes: Axes, axis: QuotedAxis, x: Array, pieces: Sequence[tuple[float, float]], name: str) -> None:
    """Pieces as vertical bands with their numbers; an open end is drawn to the edge of ``x``."""
    for low, high in pieces:
        start, end = (axis.x(value) if math.isfinite(value) else value for value in (low, high))
        label = f"{name}: {number(start)} to {axis.quote(high)}"
        axes.axvspan(max(start, x[0]), min(end, x[-1]), color=BEST, alpha=0.13, lw=0, label=label)


def _best_fit(axes: Axes, axis: QuotedAxis, profile: Profile) -> None:
    label = f"best fit: {axis.quote(profile.estimate)}"
    axes.plot([axis.x(profile.estimate)], [0.0], "o", color=DATA, ms=6, clip_on=False, zorder=6, label=label)
