"""The global picture: every published limit on a magnetic moment by year and source, ours among them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from eventfit.analysis.reading import DEFAULT
from eventfit.published import PublishedLimit
from eventfit.quadrature import Array
from eventfit.report.label_placement import placed_labels
from eventfit.report.number_key import LINE, KeyLine, draw_key, key_columns

__all__ = ["Ours", "drawn_limits", "limits_figure", "our_limits"]

#: source -> its name, colour (Okabe and Ito) and marker; in the order of the key
SOURCES = {
    "reactor": ("reactors", "#D55E00", "o"),
    "accelerator": ("accelerators", "#0072B2", "s"),
    "solar": ("solar", "#E69F00", "^"),
    "dark-matter": ("dark-matter detectors", "#009E73", "D"),
    "astrophysics": ("astrophysics", "#AA4499", "v"),
}
#: kind of ours -> marker and its size in points
OURS = {"observed": ("o", 9.5), "expected": ("*", 12.0), "counting": ("s", 9.0)}
#: what is no limit on a moment that data set, and is left out
NOT_DRAWN = ("talk", "projection", "withdrawn")
#: sizes in points of type when printed; nothing is smaller than SMALL
SMALL, MEDIUM, LARGE = 7.0, 8.0, 9.0
#: in inches: the figure's width, what is left beside and above the frame, its height, what is left below it
WIDTH, LEFT, RIGHT, TOP, HEIGHT, BELOW = 7.2, 0.62, 0.08, 0.5, 3.9, 0.42
#: and what is left beside the key, and for the remark below it
EDGE, FOOT = 0.08, 0.38
REMARK = (
    "Upper limits, or upper ends of intervals (with a bar), at the level of their source, mostly 90 % C.L. Moments of "
    "different sources\nare different combinations. Projections are left out. * recalled, not confirmed in the "
    "publication."
)
#: sizes of markers in points: of collaborations, and of others' analyses of their data
OWN, OTHERS = 5.5, 4.0
#: decades within which points of a year stand side by side, and how many years apart
CLOSE, ASIDE = 0.16, 0.5
#: what the sources measure if nothing else is said, and how other moments are written
USUAL = {"reactor": "mu_nue", "solar": "mu_eff", "dark-matter": "mu_eff", "astrophysics": "mu_nu"}
FLAVOURS = {"mu_nue": r"$\nu_e$", "mu_numu": r"$\nu_\mu$", "mu_nutau": r"$\nu_\tau$"}


@dataclass(frozen=True)
class Ours:
    """A limit of ours, or the interval whose upper end is one."""

    analysis: str
    kind: str
    low: float
    high: float

    @property
    def year(self) -> int | None:
        """From the id, which ends with it."""
        found = re.search(r"_((?:19|20)\d\d)$", self.analysis)
        return None if found is None else int(found[1])


def drawn_limits(limits: Sequence[PublishedLimit]) -> list[PublishedLimit]:
    """Limits on magnetic moments from data; of an analysis that has an effective moment that one alone.

    In the order of the key: by source, then by year.
    """
    moments = [
        limit
        for limit in limits
        if limit.kind == "magnetic_moment"
        and limit.source in SOURCES
        and limit.category not in NOT_DRAWN
        and limit.year
    ]
    effective: dict[tuple[str, int | None], str] = {}
    for limit in moments:  # the first one where there are several
        if limit.observable == "mu_eff":
            effective.setdefault((limit.experiment, limit.year), limit.key)
    shown = [limit for limit in moments if effective.get((limit.experiment, limit.year), limit.key) == limit.key]
    order = list(SOURCES)
    return sorted(shown, key=lambda limit: (order.index(limit.source), limit.year, limit.key))


def our_limits(documents: Sequence[Mapping[str, Any]]) -> list[Ours]:
    """The limit on a magnetic moment of the default variant of every analysis that has one.

    The first interval or upper limit that the declaration asks for, per kind: the choice made beforehand.
    """
    found: dict[tuple[str, str], Ours] = {}
    for document in documents:
        for row in document["results"]:
            good = row["variant"] == DEFAULT and row["unit"] == "mu_B" and row["value"] is not None
            if not good or row["kind"] not in OURS or row["quantity"] not in ("interval", "upper_limit"):
                continue
            low, high = row["value"] if row["quantity"] == "interval" else (0.0, row["value"])
            if low is not None and high is not None:
                key = document["analysis"], row["kind"]
                found.setdefault(key, Ours(*key, float(low), float(high)))
    return list(found.values())


def limits_figure(limits: Sequence[PublishedLimit], documents: Sequence[Mapping[str, Any]]) -> Figure:
    """Published limits as filled markers, numbered, with a key below; ours as open ones.

    Parameters
    ----------
    limits
        Of any kind; :func:`drawn_limits` says which are shown.
    documents
        Results of ours, as JSON documents.
    """
    shown = drawn_limits(limits)
    columns = key_columns(_key(shown), width=WIDTH - EDGE, size=SMALL)
    height = TOP + HEIGHT + BELOW + LINE * max(map(len, columns)) + FOOT
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((LEFT / WIDTH, 1.0 - (TOP + HEIGHT) / height, 1.0 - (LEFT + RIGHT) / WIDTH, HEIGHT / height))
    ours = [(limit, _beside(limit, shown)) for limit in our_limits(documents)]
    x = _positions(shown)
    _frame(axes, shown, [limit for limit, _ in ours])
    _draw_published(axes, shown, x)
    places = _draw_ours(axes, ours, shown, x)
    _draw_numbers(figure, axes, shown, x, places)
    _draw_legend(figure, {limit.kind for limit, _ in ours})
    draw_key(figure, columns, left=EDGE, below=TOP + HEIGHT + BELOW, size=SMALL)
    figure.text(EDGE / WIDTH, 0.05 / height, REMARK, fontsize=SMALL, color="0.25", va="bottom", linespacing=1.25)
    return figure


# -- where things stand -----------------------------------------------------------------------------------------------


def _positions(shown: Sequence[PublishedLimit]) -> Array:
    """Years (n,), those of points of one year that are close in value moved to the left and right of it."""
    years = [limit.year or 0 for limit in shown]
    x = np.array(years, dtype=float)
    groups: list[list[int]] = []
    for i in sorted(range(len(shown)), key=lambda i: (years[i], shown[i].high)):
        last = groups[-1][-1] if groups else None
        if last is None or years[last] != years[i] or math.log10(shown[i].high / shown[last].high) > CLOSE:
            groups.append([])
        groups[-1].append(i)
    for group in groups:
        x[group] += ASIDE * (np.arange(len(group)) - 0.5 * (len(group) - 1))
    return x


def _beside(ours: Ours, shown: Sequence[PublishedLimit]) -> int | None:
    """The published limit that an analysis of ours reproduces, by its name: the one nearest to it in value."""
    same = [i for i, limit in enumerate(shown) if limit.key.startswith(f"{ours.analysis}_")]
    return min(same, key=lambda i: abs(math.log(shown[i].high / ours.high)), default=None)


def _frame(axes: Axes, shown: Sequence[PublishedLimit], ours: Sequence[Ours]) -> None:
    drawn: list[PublishedLimit | Ours] = [*shown, *ours]
    years = [limit.year for limit in drawn if limit.year is not None]
    values = [value for limit in drawn for value in (limit.low, limit.high) if value > 0.0]
    axes.set_xlim(min(years) - 1.5, max(years) + 1.5)
    axes.set_yscale("log")
    axes.set_ylim(min(values) / 3.0, max(values) * 3.0)
    axes.set_ylabel(r"magnetic moment $\mu_\nu$ [$\mu_\mathrm{B}$]", fontsize=LARGE)
    axes.set_xlabel("year", fontsize=LARGE, labelpad=1.0)
    axes.tick_params(labelsize=MEDIUM, which="both", direction="in", top=True, right=True)
    axes.grid(axis="y", color="0.92", lw=0.6)
    axes.set_axisbelow(True)


# -- drawing ----------------------------------------------------------------------------------------------------------


def _size(limit: PublishedLimit) -> float:
    return OTHERS if limit.category == "external" else OWN


def _draw_published(axes: Axes, shown: Sequence[PublishedLimit], x: Array) -> None:
    for limit, year in zip(shown, x, strict=True):
        _, colour, marker = SOURCES[limit.source]
        if limit.low > 0.0:
            axes.plot([year, year], [limit.low, limit.high], color=colour, lw=1.2, solid_capstyle="butt", zorder=2)
        axes.plot(year, limit.high, marker, ms=_size(limit), mfc=colour, mec="white", mew=0.4, zorder=3)


def _draw_ours(
    axes: Axes, ours: Sequence[tuple[Ours, int | None]], shown: Sequence[PublishedLimit], x: Array
) -> list[tuple[float, float, float]]:
    """Open markers at the year of the published limit; year, value and size of each."""
    places = []
    for limit, beside in ours:
        year = limit.year if beside is None else float(x[beside])
        if year is None:
            continue
        marker, size = OURS[limit.kind]
        if limit.low > 0.0:
            axes.plot([year + 0.12] * 2, [limit.low, limit.high], color="black", lw=0.9, ls=(0, (2, 1)), zorder=4)
        if beside is not None:
            axes.plot([year, year], [shown[beside].high, limit.high], color="black", lw=0.5, ls=":", zorder=2)
        axes.plot(year, limit.high, marker, ms=size, mfc="none", mec="black", mew=1.1, zorder=5)
        places.append((float(year), limit.high, size))
    return places


def _draw_numbers(
    figure: Figure,
    axes: Axes,
    shown: Sequence[PublishedLimit],
    x: Array,
    ours: Sequence[tuple[float, float, float]],
) -> None:
    """The number of every published limit beside its marker, with a line to it where it stands far away."""
    scale = 72.0 / figure.dpi
    spots = np.array([*zip(x, (limit.high for limit in shown), strict=True)])
    points = axes.transData.transform(spots) * scale
    radius = np.array([0.5 * _size(limit) for limit in shown])
    texts = [str(number) for number in range(1, len(shown) + 1)]
    sizes = np.array([_extent(text) for text in texts])
    obstacles = [np.concatenate([points - radius[:, None], points + radius[:, None]], axis=1)]
    for year, high, size in ours:
        centre = axes.transData.transform((year, high)) * scale
        obstacles.append(np.array([[*(centre - 0.5 * size), *(centre + 0.5 * size)]]))
    for limit, year in zip(shown, x, strict=True):
        if limit.low > 0.0:
            ends = axes.transData.transform([(year, limit.low), (year, limit.high)]) * scale
            obstacles.append(np.array([[ends[0, 0] - 0.8, ends[0, 1], ends[0, 0] + 0.8, ends[1, 1]]]))
    frame = axes.get_window_extent().get_points().ravel() * scale + np.array([2.0, 2.0, -2.0, -2.0])
    centres = placed_labels(points, radius, sizes, np.concatenate(obstacles), frame)
    back = axes.transData.inverted()
    for i, (limit, text) in enumerate(zip(shown, texts, strict=True)):
        colour = SOURCES[limit.source][1]
        at = back.transform(centres[i] / scale)
        if np.hypot(*(centres[i] - points[i])) > radius[i] + 10.0:
            axes.plot([spots[i, 0], at[0]], [spots[i, 1], at[1]], color=colour, lw=0.4, zorder=1)
        axes.text(at[0], at[1], text, fontsize=SMALL, color="black", ha="center", va="center_baseline", zorder=6)


def _extent(text: str) -> Array:
    """Width and height of ``text`` in small type, with some air."""
    box = TextPath((0, 0), text, size=SMALL).get_extents()
    return np.array([box.width + 1.6, box.height + 1.6])


def _draw_legend(figure: Figure, kinds: set[str]) -> None:
    handles = [
        Line2D([], [], ls="", marker=marker, ms=OWN, mfc=colour, mec="white", mew=0.4, label=name)
        for name, colour, marker in SOURCES.values()
    ]
    handles.append(
        Line2D([], [], ls="", marker="o", ms=OTHERS, mfc="0.4", mec="none", label="others' analysis of data")
    )
    handles += [
        Line2D([], [], ls="", marker=OURS[kind][0], ms=OURS[kind][1], mfc="none", mec="black", label=f"ours, {kind}")
        for kind in OURS
        if kind in kinds
    ]
    figure.legend(
        handles=handles,
        fontsize=MEDIUM,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(LEFT / WIDTH - 0.02, 1.0),
        borderaxespad=0.1,
        ncols=-(-len(handles) // 3),
        handletextpad=0.2,
        columnspacing=1.2,
        labelspacing=0.3,
    )


# -- the key ----------------------------------------------------------------------------------------------------------


def _key(shown: Sequence[PublishedLimit]) -> list[KeyLine]:
    """Sources as headings, the numbered limits below."""
    lines, number = [], 0
    for source, (name, colour, _) in SOURCES.items():
        inside = [limit for limit in shown if limit.source == source]
        if inside:
            lines.append(KeyLine("", name, colour))
        for limit in inside:
            number += 1
            lines.append(KeyLine(str(number), _named(limit)))
    return lines


def _named(limit: PublishedLimit) -> str:
    other = (
        "" if limit.observable == USUAL.get(limit.source) else f", {FLAVOURS.get(limit.observable, limit.observable)}"
    )
    return limit.experiment + other + ("*" if limit.status == "recalled-unverified" else "")
