"""What the figures of the methods show: the numbers of the results, in the quoted quantity."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle, StepPatch
from models import counting, on_off
from scipy.stats import chi2

import eventfit
from eventfit.inference import (
    Contour,
    Hypothesis,
    Impact,
    Interval,
    Limit,
    Profile,
    Toys,
    contour,
    profile_interval,
    upper_limit_cls,
)
from eventfit.inference.feldman_cousins import CriticalValues, critical_values, interval_of
from eventfit.inference.hypotest import CLsCurve
from eventfit.parameters import Reported
from eventfit.report.diagnostic_figures import contour_figure, impact_figure, toys_figure
from eventfit.report.method_axis import QuotedAxis
from eventfit.report.method_figures import cls_figure, feldman_cousins_figure, profile_curve_figure

EVENTS = Reported("mu", "events")
#: as a magnetic moment is quoted: the square root of the fit parameter
MOMENT = Reported("mu_nu", "mu_B", power=2, scale=1e-11)
MOMENT_LABEL = r"$\mu_\nu$ [$10^{-11}$ $\mu_\mathrm{B}$]"
INF, NAN = math.inf, math.nan


@cache
def profile() -> Profile:
    return Profile(on_off(9.0, 12.0, 3.0), "mu")


@cache
def cls() -> tuple[CLsCurve, Limit]:
    return CLsCurve.of(profile(), "qmu_tilde"), upper_limit_cls(profile())


@cache
def feldman_cousins() -> tuple[CriticalValues, Interval]:
    toys = Toys(200, 7)
    hypotheses = [Hypothesis(profile().at(mu).values, mu) for mu in (0.5, 2.0, 9.0, 12.0)]
    values = critical_values(toys.samples(profile().likelihood, "mu", hypotheses), cl=0.9)
    return values, interval_of(profile(), values, toys, cl=0.9)


@cache
def grid() -> Contour:
    return contour(profile().likelihood, "mu", "b", points=21)


def drawn(figure: Figure) -> Axes:
    """The axes, after the figure has been drawn: warnings are errors here."""
    figure.draw_without_rendering()
    return figure.axes[0]


def line(axes: Axes, start: str) -> Line2D:
    """The first line whose name begins with ``start``."""
    return next(artist for artist in axes.lines if str(artist.get_label()).startswith(start))


def xy(artist: Line2D) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(artist.get_xdata(), float), np.asarray(artist.get_ydata(), float)


def assert_at(artist: Line2D, x: object, y: object) -> None:
    assert xy(artist)[0] == pytest.approx(x, abs=1e-4)
    assert xy(artist)[1] == pytest.approx(y, abs=1e-4)


def legend(figure: Figure) -> list[str]:
    found = figure.legends[0] if figure.legends else figure.axes[0].get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def shaded(axes: Axes) -> list[tuple[float, float]]:
    """Ends of the vertical bands."""
    return [(p.get_x(), p.get_x() + p.get_width()) for p in axes.patches if isinstance(p, Rectangle)]


# -- the axis ---------------------------------------------------------------------------------------------------------


def test_axis_quotes_the_root_in_its_power_of_ten() -> None:
    axis = QuotedAxis.reaching(MOMENT, 0.0, 9.0)
    assert axis.x(9.0) == pytest.approx(3.0)
    assert axis.label == MOMENT_LABEL
    assert axis.quote(4.0) == r"2.00 $\times$ $10^{-11}$ $\mu_\mathrm{B}$"
    assert axis.quote(0.0) == r"0 $\mu_\mathrm{B}$"
    fitted, x = axis.points(0.0, 9.0, 4, (0.0, 9.0))
    assert fitted == pytest.approx([0.0, 1.0, 4.0, 9.0])
    assert x == pytest.approx([0.0, 1.0, 2.0, 3.0])


def test_axis_leaves_plain_numbers_alone_and_says_what_has_no_place() -> None:
    axis = QuotedAxis.reaching(EVENTS, 250.0, INF, NAN)
    assert (axis.x(250.0), axis.label) == (250.0, r"$\mu$ [events]")
    assert (axis.quote(INF), axis.quote(NAN), axis.quote(0.0)) == ("unbounded", "none", "0 events")
    assert QuotedAxis.reaching(Reported("a_$b", "cm^2"), 1.0).label == r"a_\$b [cm$^{2}$]"
    assert QuotedAxis.reaching(Reported("mu", ""), 0.02).label == r"$\mu$ [$10^{-2}$]"


# -- CLs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reported", "scale"), [(EVENTS, 1.0), (MOMENT, 1e-11)])
def test_cls_curves_are_those_of_the_curve(reported: Reported, scale: float) -> None:
    curve, limit = cls()
    axes = drawn(cls_figure(curve, limit, reported, "title"))
    mu = np.array([reported.fitted(x * scale) for x in xy(line(axes, "observed"))[0]])
    assert xy(line(axes, "observed"))[1] == pytest.approx(curve.cls(mu), abs=1e-6)
    assert xy(line(axes, "median"))[1] == pytest.approx(curve.expected_cls(mu, 0.0), abs=1e-6)
    assert axes.get_xlabel() == f"tested {MOMENT_LABEL}" if scale < 1 else r"tested $\mu$ [events]"


def test_cls_limits_stand_where_the_curves_cross_the_level() -> None:
    curve, limit = cls()
    figure = cls_figure(curve, limit, EVENTS, "title")
    axes = drawn(figure)
    for name, value, along in (
        ("observed limit", limit.value, "observed"),
        ("expected limit", dict(limit.expected)[0.0], "median"),
    ):
        x, y = xy(line(axes, name))
        assert (x[0], y[0]) == pytest.approx((value, 0.1))
        curve_x, curve_y = xy(line(axes, along))
        assert np.interp(value, curve_x, curve_y) == pytest.approx(0.1, abs=1e-3)
        assert f"{name}: {value:.3g} events" in legend(figure)
    assert max(limit.value, *dict(limit.expected).values()) < axes.get_xlim()[1] < 2.0 * limit.value


def test_cls_bands_lie_within_each_other() -> None:
    curve, limit = cls()
    axes = drawn(cls_figure(curve, limit, EVENTS, "title"))
    bands = [band for band in axes.collections if isinstance(band, FillBetweenPolyCollection)]
    assert [band.get_label() for band in bands] == [r"$\pm 2\,\sigma$ expected", r"$\pm 1\,\sigma$ expected"]
    x, median = xy(line(axes, "median"))
    for k in (20, 60, 100):
        ends = []
        for band in bands:
            vertices = band.get_paths()[0].vertices
            at = np.asarray(vertices)[np.isclose(np.asarray(vertices)[:, 0], x[k])][:, 1]
            ends.append((at.min(), at.max()))
        (low_2, high_2), (low_1, high_1) = ends
        assert low_2 < low_1 < median[k] < high_1 < high_2
        assert high_2 == pytest.approx(curve.expected_cls(x[[k]], 2.0)[0], abs=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"expected": tuple((float(n), NAN) for n in range(-2, 3))},
        {"expected": ((0.0, NAN), (2.0, INF))},
        {"expected": ()},
        {"expected": (), "value": INF},
    ],
)
def test_cls_without_bands(change: dict[str, object]) -> None:
    curve, limit = cls()
    figure = cls_figure(curve, replace(limit, **change), EVENTS, "title")  # type: ignore[arg-type]
    axes = drawn(figure)
    assert "expected limit: none" in legend(figure)
    assert ("observed limit: unbounded" in legend(figure)) == ("value" in change)
    x = axes.get_xlim()[1]
    assert curve.expected_cls(np.array([x]), 2.0)[0] < 0.1, "the band has come down to the level"
    assert x < 3.0 * limit.value


# -- profile ----------------------------------------------------------------------------------------------------------


def test_profile_curve_cuts_and_pieces() -> None:
    interval = profile_interval(profile())
    raw = profile().raw_scan(np.linspace(1.0, 10.0, 9))
    cuts = [("68 %", 1.0), ("90 % two-sided", 2.7055)]
    figure = profile_curve_figure(profile(), MOMENT, title="title", cuts=cuts, pieces=interval.pieces, raw=raw)
    axes = drawn(figure)
    x, delta = xy(line(axes, "profile"))
    assert delta == pytest.approx(profile().deltas(np.clip(x**2, 0.0, None)), abs=1e-6)
    assert delta[-1] > 2.7055, "the right end of the interval is seen"
    assert_at(line(axes, "others held"), np.sqrt(raw.values), raw.delta)
    assert shaded(axes) == [pytest.approx(tuple(np.sqrt(interval.pieces[0])))]
    assert xy(line(axes, "best fit"))[0] == pytest.approx([math.sqrt(profile().estimate)])
    assert [text.get_text() for text in axes.texts] == ["68 %, 1.00", "90 % two-sided, 2.71"]
    assert {float(one.get_ydata()[0]) for one in axes.lines if one.get_linestyle() == ":"} == {1.0, 2.7055}  # type: ignore[index, arg-type]
    assert axes.get_xlabel() == MOMENT_LABEL


def test_profile_shows_all_pieces_and_open_ends() -> None:
    free = Profile(profile().likelihood.bounded("mu", -30.0, 500.0), "mu")
    pieces = [(-INF, -2.0), (2.0, 30.0)]
    figure = profile_curve_figure(free, EVENTS, title="title", cuts=[("a", 2.0), ("b", 2.01)], pieces=pieces)
    axes = drawn(figure)
    low, high = axes.get_xlim()
    assert low < -2.0
    assert high > 30.0
    assert shaded(axes) == [pytest.approx((low, -2.0)), pytest.approx((2.0, 30.0))]
    assert "interval: −∞ to −2.00 events" in legend(figure)
    near = [text.get_position()[1] for text in axes.texts]
    assert near[1] - near[0] > 0.04, "names of close lines do not touch"


def test_quoted_square_root_begins_at_zero() -> None:
    free = Profile(profile().likelihood.bounded("mu", -3.0, 500.0), "mu")
    axes = drawn(profile_curve_figure(free, MOMENT, title="title", cuts=[("90 %", 5.0)]))
    assert axes.get_xlim()[0] == 0.0


# -- Feldman-Cousins --------------------------------------------------------------------------------------------------


def test_feldman_cousins_accepts_what_lies_below_the_critical_values() -> None:
    values, interval = feldman_cousins()
    axes = drawn(feldman_cousins_figure(profile(), values, interval, EVENTS, "title"))
    x, observed = xy(line(axes, "observed ratio"))
    assert observed == pytest.approx(profile().deltas(x), abs=1e-6)
    (bars,) = axes.containers
    data = bars.lines[0]  # type: ignore[attr-defined]
    assert_at(data, values.tested, values.critical)
    segments = bars.lines[2][0].get_segments()  # type: ignore[attr-defined]
    assert [s[1][1] - s[0][1] for s in segments] == pytest.approx(2.0 * values.error)
    assert shaded(axes) == [pytest.approx(piece) for piece in interval.pieces]
    inside = (x > interval.pieces[0][0]) & (x < interval.pieces[-1][1])
    assert np.all((observed <= np.interp(x, values.tested, values.critical) + 0.05)[inside])
    assert [text.get_text() for text in axes.texts] == ["asymptotic, 2.71"]
    assert axes.get_xlabel() == r"tested $\mu$ [events]"


def test_feldman_cousins_infinite_critical_values_are_named() -> None:
    values, interval = feldman_cousins()
    broken = replace(values, critical=np.array([1.0, INF, 2.5, INF]), error=np.array([0.1, NAN, INF, NAN]))
    axes = drawn(feldman_cousins_figure(profile(), broken, interval, EVENTS, "title"))
    assert xy(line(axes, "critical value infinite"))[0] == pytest.approx([2.0, 12.0])
    assert math.isfinite(axes.get_ylim()[1])


# -- contours ---------------------------------------------------------------------------------------------------------


def outlines(axes: Axes) -> list[ContourSet]:
    return [one for one in axes.collections if isinstance(one, ContourSet) and not one.filled]


def test_contours_stand_at_their_heights() -> None:
    figure = contour_figure(grid(), ("signal [events]", "background [events]"), "title")
    axes = drawn(figure)
    assert [float(np.asarray(one.levels)[0]) for one in outlines(axes)] == pytest.approx(
        [2.2789, 4.6052, 5.9915], abs=1e-4
    )
    assert legend(figure)[:3] == ["68 % C.L., 2.28", "90 % C.L., 4.61", "95 % C.L., 5.99"]
    both = Profile(profile().likelihood, "b")
    for x, y in np.asarray(outlines(axes)[1].get_paths()[0].vertices)[::25]:
        held = both.likelihood.value(np.array([[x, y]]))[0] - both.best.minus_2_ln_l
        assert held == pytest.approx(4.6052, abs=0.15), "no parameter is left to optimise"
    (cross,) = [one for one in axes.lines if one.get_marker() == "P"]
    assert_at(cross, [5.0], [4.0])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("signal [events]", "background [events]")


def test_contour_knows_a_bound_from_the_end_of_the_grid() -> None:
    assert grid().x[0] == 0.0
    names = legend(contour_figure(grid(), ("x", "y"), "title"))
    assert "bound of the parameter" in names
    assert not [name for name in names if "leaves" in name]
    narrow = contour(profile().likelihood, "mu", "b", points=11, x_range=(3.0, 7.0), y_range=(2.0, 6.5))
    names = legend(contour_figure(narrow, ("x", "y"), "title"))
    assert "95 % C.L., 5.99 (leaves the range)" in names
    assert "bound of the parameter" not in names


def test_contour_with_infinities() -> None:
    delta = grid().delta.copy()
    delta[grid().y < 3.0] = INF
    delta[-1, -1] = NAN
    figure = contour_figure(replace(grid(), delta=delta, levels=(*grid().levels, (0.999999, 27.6))), ("x", "y"), "t")
    axes = drawn(figure)
    heights = [float(np.asarray(one.levels)[0]) for one in outlines(axes)]
    assert heights == pytest.approx([2.2789, 4.6052, 5.9915, 27.6], abs=1e-4), "infinite is above every level"
    lowest = min(np.asarray(one.get_paths()[0].vertices)[:, 1].min() for one in outlines(axes))
    step = grid().y[1] - grid().y[0]
    assert 3.0 - step < lowest < 3.0 + step, "the contour runs along the forbidden region"


def test_contour_level_that_the_grid_does_not_reach() -> None:
    figure = contour_figure(replace(grid(), levels=((0.68, 2.28), (0.9999999, 1e3))), ("x", "y"), "title")
    assert len(outlines(drawn(figure))) == 1
    assert legend(figure)[1] == "100 % C.L., 1000.00 (outside the range)"


# -- toys -------------------------------------------------------------------------------------------------------------


def histogram(axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Shares and edges of all toys: the first patch."""
    values, edges, _ = next(patch for patch in axes.patches if isinstance(patch, StepPatch)).get_data()
    return np.asarray(values), np.asarray(edges)


def half_zero(n: int = 4000) -> np.ndarray:
    values = np.random.default_rng(5).chisquare(1, n)
    values[: n // 2] = 0.0
    return values


def test_toys_shares_sum_to_one_and_zeros_have_their_bin() -> None:
    values = half_zero()
    shares, edges = histogram(drawn(toys_figure(values, 4.0, "q0", "title")))
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] == pytest.approx(0.5)
    assert edges[1] < 0.0, "the bin of the zeros lies apart"
    assert edges[2] == 0.0
    assert shares[2:] == pytest.approx(np.histogram(values[2000:], edges[2:])[0] / 4000)


def test_toys_failed_and_far_ones() -> None:
    values = half_zero()
    values[-40:-30], values[-30:-20], values[-20:] = NAN, INF, 1e4
    figure = toys_figure(values, 4.0, "q0", "title")
    shares, edges = histogram(drawn(figure))
    assert shares.sum() == pytest.approx(1.0 - 20 / 4000)
    assert edges[-1] < 100.0
    assert shares[-1] >= 20 / 4000, "what lies beyond is in the last bin"
    assert figure.axes[0].get_xlabel().endswith("(last bin: and all above)")
    assert "4000 toys, 20 failed or infinite" in legend(figure)
    above = int((values[np.isfinite(values)] >= 4.0).sum()) + 20
    assert f"observed 4.00, p = {(above + 1) / 4001:.2g}" in legend(figure)


@pytest.mark.parametrize(("statistic", "part"), [("q0", 0.5), ("qmu_tilde", 0.5), ("tmu", 1.0), ("t0", 1.0)])
def test_toys_asymptotic_share_of_each_bin(statistic: str, part: float) -> None:
    values = half_zero() if part == 0.5 else np.random.default_rng(5).chisquare(1, 4000)
    axes = drawn(toys_figure(values, None, statistic, "title"))
    _, edges = histogram(axes)
    width = edges[-1] - edges[-2]
    x, share = xy(line(axes, "asymptotic"))
    exact = part * (chi2.cdf(x + width / 2, 1) - chi2.cdf(x - width / 2, 1))
    assert share == pytest.approx(exact, rel=1e-6, abs=1e-12)
    assert (edges[0] < 0.0) == (part == 0.5)


def test_toys_tail_begins_at_the_observed_value() -> None:
    axes = drawn(toys_figure(half_zero(), 2.3, "q0", "title"))
    assert xy(line(axes, "observed"))[0] == pytest.approx([2.3, 2.3])
    (tail,) = [p for p in axes.patches if isinstance(p, StepPatch) and p.get_label() == "at or above"]
    assert np.asarray(tail.get_data()[1])[0] == 2.3
    at_zero = drawn(toys_figure(half_zero(), 0.0, "q0", "title"))
    assert xy(line(at_zero, "observed 0, p = 1"))[0][0] < 0.0, "zero is the bin of the zeros"


@pytest.mark.parametrize(
    ("values", "observed"),
    [([], None), ([], 70.0), ([NAN], 70.0), ([0.0, 0.0], 0.0), ([0.0, 0.0], INF), ([1.0], 0.0), ([1.0, INF], 70.0)],
)
def test_toys_few_and_odd(values: list[float], observed: float | None) -> None:
    shares, _ = histogram(drawn(toys_figure(values, observed, "qmu", "title")))
    assert shares.sum() == pytest.approx(float(np.isfinite(values).sum()) / max(len(values), 1))


def test_toys_of_a_statistic_without_asymptotic_distribution() -> None:
    figure = toys_figure(np.random.default_rng(1).chisquare(30, 500), 40.0, "dev_$", "title")
    axes = drawn(figure)
    assert axes.get_xlabel() == "dev_$"
    assert not [name for name in legend(figure) if "asymptotic" in name]


# -- impacts ----------------------------------------------------------------------------------------------------------

IMPACTS = [
    Impact("bin 1", "bin", -0.5, 0.7),
    Impact("measurement of b", "auxiliary", 1.5, -2.0),
    Impact("gone", "nuisance", NAN, 1.0),
    Impact("small", "nuisance", 0.01, -0.01),
]


def bars(axes: Axes) -> list[float]:
    """Lengths from the top, with their sign."""
    return [p.get_width() for p in axes.patches if isinstance(p, Rectangle) and not isinstance(p, Polygon)]


def test_impacts_are_those_of_the_quoted_limit_and_sorted() -> None:
    limit = replace(cls()[1], value=9.0)
    axes = drawn(impact_figure(IMPACTS, limit, MOMENT, "title"))
    assert [t.get_text() for t in axes.get_yticklabels()] == ["measurement of b", "gone", "bin 1", "small"]
    moves = [1.5, -2.0, 1.0, -0.5, 0.7, 0.01, -0.01]
    assert bars(axes) == pytest.approx([10.0 * (math.sqrt(9.0 + move) - 3.0) for move in moves])
    assert axes.get_xlabel() == "change of the limit on " + MOMENT_LABEL.replace("-11", "-12")
    assert [t.get_text().strip() for t in axes.texts] == ["no limit"]
    colours = [p.get_facecolor()[:3] for p in axes.patches]
    assert colours[0] == colours[1], "one kind, one colour"
    assert len(set(colours)) == 3


def test_impacts_largest_only_and_long_names() -> None:
    many = [Impact(f"{'a' * 40}_{k}", "bin", -0.1 * k, 0.1 * k) for k in range(30)]
    figure = impact_figure(many, cls()[1], EVENTS, "title", n=5)
    labels = [t.get_text() for t in drawn(figure).get_yticklabels()]
    assert len(bars(figure.axes[0])) == 10
    assert [label[-3:] for label in labels] == ["_29", "_28", "_27", "_26", "_25"]
    assert max(map(len, labels)) <= 36
    assert figure.legends[0].get_title().get_text() == "the 5 largest of 30"


@pytest.mark.parametrize("value", [9.0, INF])
def test_impacts_without_numbers(value: float) -> None:
    for impacts in ([], [Impact("x", "bin", NAN, INF)]):
        assert bars(drawn(impact_figure(impacts, replace(cls()[1], value=value), EVENTS, "title"))) == []


# -- a shipped analysis -----------------------------------------------------------------------------------------------


def test_shipped_analysis() -> None:
    model = eventfit.Analysis.load("xenon1t_2020").model("default")
    shipped = Profile(model.likelihood, model.poi)
    limit = upper_limit_cls(shipped)
    axes = drawn(cls_figure(CLsCurve.of(shipped, "qmu_tilde"), limit, model.reported, "title"))
    assert axes.get_xlabel() == f"tested {MOMENT_LABEL}"
    assert xy(line(axes, "observed limit"))[0][0] == pytest.approx(math.sqrt(limit.value))


def test_long_titles_and_odd_names_stay_inside() -> None:
    one = Profile(counting(5.0, 2.0), "mu")
    title = "a title with $ and _ that does not end " * 5
    figure = profile_curve_figure(one, Reported("p_$", "10^-40 cm^2"), title=title, cuts=[("90 % $", 2.7)])
    drawn(figure)
    suptitle = figure.texts[0]
    assert suptitle.get_window_extent().x1 < figure.bbox.x1
    assert figure.axes[0].get_tightbbox().x1 < figure.bbox.x1  # type: ignore[union-attr]
