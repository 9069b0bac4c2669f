"""Which figures belong to a result: name of the file's ending -> figure, the main one without a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from eventfit.analysis.problem import Problem
from eventfit.inference import Contour, Impact, Interval, Limit, Profile, Scan, Significance, Toys, ToySample
from eventfit.inference.asymptotic import cut_of
from eventfit.inference.feldman_cousins import critical_values, interval_of
from eventfit.inference.hypotest import CLsCurve
from eventfit.inference.statistic import StatisticName
from eventfit.inference.toys.tails import statistic_of
from eventfit.report.combination_figure import combination_figure
from eventfit.report.diagnostic_figures import contour_figure, impact_figure, toys_figure
from eventfit.report.figures import save
from eventfit.report.method_figures import cls_figure, feldman_cousins_figure, profile_curve_figure

__all__ = [
    "contour_figures",
    "interval_figures",
    "limit_figures",
    "save_figures",
    "scan_figures",
    "significance_figures",
    "toys_figures",
]

Figures = dict[str, Figure]


def limit_figures(
    problem: Problem, profile: Profile, limit: Limit, method: str, taken: Sequence[ToySample], impacts: Sequence[Impact]
) -> Figures:
    """The curve that a limit is read from, and the impacts if they were asked for.

    ``method`` is ``profile``, ``cls``, ``feldman-cousins``, ``bayes-flat`` or ``delta-2.71``; ``taken`` are its toys.
    """
    title, reported, cl = problem.title, problem.reported, limit.card.cl
    assert cl is not None
    if method == "cls":
        curve = CLsCurve.of(profile, "qmu_tilde" if profile.bounds[0] == 0.0 else "qmu")
        figures = {"": cls_figure(curve, limit, reported, title)}
    elif method == "feldman-cousins":
        whole = interval_of(
            profile, critical_values(list(taken), cl=cl), Toys(len(taken[0].failed), limit.card.seed or 0), cl=cl
        )
        figures = interval_figures(problem, profile, whole, taken)
    else:
        two_sided = method == "delta-2.71"
        name = f"{100 * cl:g} % C.L., {'two' if two_sided else 'one'}-sided"
        cuts = [(name, cut_of("tmu" if two_sided else "qmu", cl))]
        figures = {"": profile_curve_figure(profile, reported, title=title, cuts=cuts)} | _parts(problem, profile, cuts)
    return {**figures, "impacts": impact_figure(impacts, limit, reported, title)} if impacts else figures


def interval_figures(problem: Problem, profile: Profile, interval: Interval, taken: Sequence[ToySample]) -> Figures:
    """The profile with its cut, or with the critical values of the toys in ``taken``."""
    cl = interval.card.cl
    assert cl is not None
    if taken:
        values = critical_values(list(taken), cl=cl)
        return {"": feldman_cousins_figure(profile, values, interval, problem.reported, problem.title)}
    cuts = [(f"{100 * cl:g} % C.L., two-sided", cut_of("tmu", cl))]
    figure = profile_curve_figure(profile, problem.reported, title=problem.title, cuts=cuts, pieces=interval.pieces)
    return {"": figure} | _parts(problem, profile, cuts)


def significance_figures(
    problem: Problem, profile: Profile, found: Significance, statistic: StatisticName, sample: ToySample | None
) -> Figures:
    """The distribution of the statistic over the toys, or without toys the profile with its height at zero."""
    if sample is not None:
        return toys_figures(problem, [sample], [statistic], [found.q0])
    cuts = [(f"{statistic}: Z = {found.z:.2f}", found.q0)] if found.q0 > 0 else []
    return {"": profile_curve_figure(profile, problem.reported, title=problem.title, cuts=cuts)}


def scan_figures(problem: Problem, profile: Profile, raw: Scan | None) -> Figures:
    """The profile with the usual cuts."""
    cuts = [(f"{100 * cl:g} %", cut_of("tmu", cl)) for cl in (0.6827, 0.90, 0.95)]
    figure = profile_curve_figure(profile, problem.reported, title=problem.title, cuts=cuts, raw=raw)
    return {"": figure} | _parts(problem, profile, cuts)


def _parts(problem: Problem, profile: Profile, cuts: Sequence[tuple[str, float]]) -> Figures:
    """The profiles of a combination's parts beside its own."""
    return {"parts": combination_figure(problem, profile, cuts)} if len(problem.parts) > 1 else {}


def contour_figures(problem: Problem, contour: Contour, labels: tuple[str, str]) -> Figures:
    """The contours with the best fit."""
    return {"": contour_figure(contour, labels, problem.title)}


def toys_figures(
    problem: Problem, samples: Sequence[ToySample], statistics: Sequence[StatisticName], observed: Sequence[float]
) -> Figures:
    """The distribution of the statistic, one figure per sample, numbered where there are several."""
    keys = [""] if len(samples) == 1 else [str(i + 1) for i in range(len(samples))]
    rows = zip(keys, samples, statistics, observed, strict=True)
    return {key: toys_figure(statistic_of(s, name), value, name, problem.title) for key, s, name, value in rows}


def save_figures(figures: Mapping[str, Figure], folder: Path, stem: str) -> list[Path]:
    """Every figure as PNG and PDF; the files written."""
    return [
        path for name, figure in figures.items() for path in save(figure, folder / "_".join(filter(None, (stem, name))))
    ]
