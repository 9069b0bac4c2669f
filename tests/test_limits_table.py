"""The table of published limits, held against the listings of the Particle Data Group, and the figure drawn from it."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from eventfit.errors import BadTable
from eventfit.provenance import worst
from eventfit.published import PublishedLimit, published_limits
from eventfit.report.label_placement import placed_labels
from eventfit.report.limits_figure import NOT_DRAWN, SMALL, SOURCES, drawn_limits, limits_figure, our_limits
from eventfit.report.number_key import KeyLine, key_columns
from eventfit.tables import Table, Tables

DATA = Path(__file__).parents[1] / "data"
LIMITS = published_limits(Tables(DATA))
#: rows whose value the Particle Data Group listed, edition 2026, when this was written
LISTED = 46
#: kind -> identifier of its listing
LISTINGS = {"magnetic_moment": "S066MGM", "millicharge": "S066CHR", "charge_radius": "S066CRD"}


def by_key(key: str) -> PublishedLimit:
    (found,) = (limit for limit in LIMITS if limit.key == key)
    return found


# -- reference --


@cache
def listed(kind: str) -> dict[str, list[tuple[tuple[float, float], float | None]]]:
    """Document -> the ends of each of its values, an upper limit from zero, with their level; in the unit of PDG."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its database library, with which this has nothing to do
        import pdg

        database = pdg.connect()
        found: dict[str, list[tuple[tuple[float, float], float | None]]] = {}
        for measurement in database.get(LISTINGS[kind]).get_measurements():
            level = measurement.confidence_level
            for value in measurement.values():
                ends = _ends(value)
                if ends is not None:
                    entry = ends, None if level is None else level / 100.0
                    found.setdefault(measurement.reference.document_id.strip(), []).append(entry)
        database.engine.dispose()  # it would leave its file open
    return found


def _ends(value: Any) -> tuple[float, float] | None:
    if value.is_upper_limit and value.value is not None:
        return 0.0, float(value.value)
    both = re.fullmatch(r"\s*(-?[\d.]+)\s*(?:-|to)\s*(-?[\d.]+)\s*", value.display_value_text or "")
    if both is None:
        return None
    scale = f"e{value.display_power_of_ten}"
    return float(both[1] + scale), float(both[2] + scale)


@pytest.mark.parametrize(
    "limit", [pytest.param(limit, id=f"PDG-{limit.pdg}-{limit.key}") for limit in LIMITS if limit.pdg is not None]
)
def test_value_is_the_one_that_the_particle_data_group_lists(limit: PublishedLimit) -> None:
    assert limit.pdg is not None
    theirs = listed(limit.kind)
    assert limit.pdg in theirs, "the document is in the listing of this kind"
    ours = pytest.approx((limit.low, limit.high), rel=1e-12, abs=0)  # radii are of the order of 1e-32
    same = [level for ends, level in theirs[limit.pdg] if ends == ours]
    assert same, f"listed: {theirs[limit.pdg]}"
    assert limit.cl is None or limit.cl in same


def test_so_many_rows_are_checked() -> None:
    checked = [limit for limit in LIMITS if limit.pdg is not None]
    print(f"{len(checked)} of {len(LIMITS)} rows are held against the listings of the Particle Data Group")
    assert len(checked) >= LISTED
    assert {limit.kind for limit in checked} == set(LISTINGS)


def test_a_document_is_not_counted_twice() -> None:
    """Two rows of one document are two values of it."""
    ours = Counter((limit.kind, limit.pdg, limit.low, limit.high) for limit in LIMITS if limit.pdg is not None)
    assert max(ours.values()) == 1


@pytest.mark.parametrize(
    ("key", "paper"),
    [
        pytest.param("krasnoyarsk_1992_mu_nue", 2.4e-10, id="Krasnoyarsk-1992"),
        pytest.param("munu_2005_mu_nue", 9e-11, id="hep-ex/0502037"),
        pytest.param("texono_2010_mu_nue", 2.2e-10, id="arXiv:0911.1597"),
        pytest.param("conus_2022_mu_nue", 7.5e-11, id="arXiv:2201.12257"),
    ],
)
def test_a_talk_does_not_replace_the_paper(key: str, paper: float) -> None:
    assert by_key(key).high == paper
    talk = by_key(f"{key}_talk")
    assert talk.category == "talk"
    assert talk.high != paper


# -- invariant --


def test_the_status_of_the_table_is_the_worst_of_its_rows() -> None:
    assert Tables(DATA).read("published/limits").status == worst(limit.status for limit in LIMITS)


def test_kinds_sources_and_experiments_are_there() -> None:
    assert len(LIMITS) >= 73
    assert {limit.source for limit in LIMITS if limit.kind == "magnetic_moment"} == set(SOURCES)
    analyses = "krasnoyarsk_1992 rovno_1993 munu_2005 texono_2010 gemma_2012 conus_2022 lampf_1993 lsnd_2001"
    for name in (*analyses.split(), "borexino_2017", "xenon1t_2020", "xenonnt_2022"):
        assert any(limit.key.startswith(f"{name}_mu") for limit in LIMITS), "the name of an analysis begins its key"


def test_limits_are_positive_and_intervals_ordered() -> None:
    for limit in LIMITS:
        assert limit.low < limit.high
        assert limit.high > 0.0
        assert (limit.low == 0.0) == (limit.form == "limit")
        assert limit.cl is None or 0.5 < limit.cl < 1.0
    assert {limit.key for limit in LIMITS if limit.low < 0.0} == {
        limit.key for limit in LIMITS if limit.kind == "charge_radius"
    }


def changed(column: str, cell: str) -> Tables:
    """The tables with a cell of the first row replaced; text or number."""

    class Changed(Tables):
        def read(self, name: str) -> Table:
            table = super().read(name)
            if column in table.columns:
                numbers = np.array(table[column])
                numbers[0] = float(cell)
                return replace(table, columns={**table.columns, column: numbers})
            return replace(table, text={**table.text, column: (cell, *table.text[column][1:])})

    return Changed(DATA)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("kind", "dipole"),
        ("source", "sun"),
        ("form", "bound"),
        ("category", "rumour"),
        ("row_status", "certain"),
        ("year", "89"),
        ("cl", "90"),
        ("unit", "e"),
        ("low", "1"),
    ],
)
def test_a_wrong_cell_is_refused_by_name(column: str, cell: str) -> None:
    with pytest.raises(BadTable, match="row savannah_river_1989_mu_nue"):
        published_limits(changed(column, cell))


# -- the figure -------------------------------------------------------------------------------------------------------


def test_what_is_drawn() -> None:
    shown = drawn_limits(LIMITS)
    keys = {limit.key for limit in shown}
    assert not {limit.category for limit in shown} & set(NOT_DRAWN)
    assert {limit.kind for limit in shown} == {"magnetic_moment"}
    assert keys & {"borexino_2017_mu_eff", "borexino_2017_mu_12", "borexino_2017_mu_nue"} == {"borexino_2017_mu_eff"}
    assert {"lsnd_2001_mu_nue", "lsnd_2001_mu_numu"} <= keys, "an effective moment is not there to stand for them"
    years = [(list(SOURCES).index(limit.source), limit.year or 0) for limit in shown]
    assert years == sorted(years)


def ours(analysis: str, value: Any, kind: str = "observed", **changes: Any) -> dict[str, Any]:
    quantity = "interval" if isinstance(value, list) else "upper_limit"
    row = {"variant": "default", "unit": "mu_B", "kind": kind, "quantity": quantity, "value": value} | changes
    return {"analysis": analysis, "results": [row]}


DOCUMENTS = [
    ours("xenon1t_2020", [1.6e-11, 3.0e-11]),
    ours("xenonnt_2022", 6.1e-12),
    ours("gemma_2012", 3.3e-11, "expected"),
    ours("texono_2010", 2.1e-10),
    ours("rovno_1993", 2.2e-10, "counting"),
    ours("lampf_1993", 9e-10, "counting"),
    ours("conus_2022", 6e-11, "expected"),
]


@pytest.fixture(scope="module")
def figure() -> Figure:
    return rendered(limits_figure(LIMITS, DOCUMENTS))


def rendered(figure: Figure) -> Figure:
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return figure


def written(figure: Figure) -> dict[Text, Bbox]:
    """Every text that is seen, with its box; ticks beyond the ends of an axis are not."""
    (axes,) = figure.axes
    hidden = {
        label
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for at, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
        if not low <= at <= high
    }
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return {text: text.get_window_extent() for text in texts if text.get_text().strip() and text not in hidden}


def places(figure: Figure) -> list[tuple[Line2D, float, float]]:
    """Every marker of the frame, with the end of its line that it stands at."""
    (axes,) = figure.axes
    marked = [(line, np.asarray(line.get_xydata())) for line in axes.lines if line.get_marker() != "None"]
    return [(line, float(at[0, 0]), float(at[0, 1])) for line, at in marked]


def test_type_is_large_enough_and_covers_no_other(figure: Figure) -> None:
    boxes = written(figure)
    assert len(boxes) > 100
    assert min(float(text.get_fontsize()) for text in boxes) >= SMALL >= 7.0
    for (a, box_a), (b, box_b) in combinations(boxes.items(), 2):
        shared = Bbox.intersection(box_a, box_b)
        depth = 0.0 if shared is None else min(shared.width, shared.height) * 72.0 / figure.dpi
        assert depth < 0.75, f"{a.get_text()!r} covers {b.get_text()!r} by {depth:.2f} points"


def test_nothing_is_cut_off(figure: Figure) -> None:
    for text, box in written(figure).items():
        assert box.x0 >= 0.0, text
        assert box.y0 >= 0.0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text


def test_every_limit_has_its_number_and_its_line_in_the_key(figure: Figure) -> None:
    shown = drawn_limits(LIMITS)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == [str(n) for n in range(1, len(shown) + 1)]
    below = [text.get_text() for text in figure.texts]
    for number, limit in enumerate(shown, 1):
        assert below.count(str(number)) == 1
        assert any(text.startswith(limit.experiment) for text in below)
    filled = [y for line, _, y in places(figure) if line.get_markerfacecolor() != "none"]
    assert filled == [limit.high for limit in shown]


def test_ours_are_open_and_their_marker_tells_the_kind(figure: Figure) -> None:
    seen = {(y, str(line.get_marker())) for line, _, y in places(figure) if line.get_markerfacecolor() == "none"}
    observed, expected, counting = (6.1e-12, 3.0e-11, 2.1e-10), (3.3e-11, 6e-11), (2.2e-10, 9e-10)
    assert seen == {(y, "o") for y in observed} | {(y, "*") for y in expected} | {(y, "s") for y in counting}
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[-3:] == ["ours, observed", "ours, expected", "ours, counting"]
    assert legend[:5] == [name for name, _, _ in SOURCES.values()]


def test_ours_stand_at_the_limit_that_they_reproduce(figure: Figure) -> None:
    at = {y: x for _, x, y in places(figure)}
    assert at[3.0e-11] == at[by_key("xenon1t_2020_mu_eff").high]
    assert at[6.1e-12] == at[by_key("xenonnt_2022_mu_eff").high] == 2022.0
    assert at[9e-10] == at[by_key("lampf_1993_mu_nue").high]


def test_which_of_ours_is_drawn() -> None:
    """The first limit of the default variant of each kind, if it has a value and is a moment."""
    rows = [
        ours("a_2001", 1e-12, variant="other"),
        ours("a_2001", None),
        ours("a_2001", 1e-12, unit="e"),
        ours("a_2001", 1e-12, kind="naive"),
        ours("a_2001", [1e-12, 2e-12]),
        ours("a_2001", 3e-12),
        ours("a_2001", 4e-12, "expected"),
    ]
    document = {"analysis": "a_2001", "results": [row for part in rows for row in part["results"]]}
    found = our_limits([document, ours("own", 5e-12)])
    assert [(limit.kind, limit.low, limit.high, limit.year) for limit in found] == [
        ("observed", 1e-12, 2e-12, 2001),
        ("expected", 0.0, 4e-12, 2001),
        ("observed", 0.0, 5e-12, None),
    ]


def test_without_ours_and_with_few_limits() -> None:
    few = rendered(limits_figure([by_key("gemma_2012_mu_nue"), by_key("lz_2023_mu_eff")], []))
    assert len(few.axes[0].texts) == 2
    assert not any("ours" in text.get_text() for text in few.legends[0].get_texts())


def test_labels_keep_apart_where_points_are_crowded() -> None:
    points = np.random.default_rng(1).uniform(20.0, 80.0, (14, 2))
    radius, sizes = np.full(14, 2.5), np.full((14, 2), (9.0, 6.0))
    markers = np.concatenate([points - 2.5, points + 2.5], axis=1)
    frame = np.array([0.0, 0.0, 100.0, 100.0])
    centres = placed_labels(points, radius, sizes, markers, frame)
    for i, j in combinations(range(14), 2):
        assert np.any(np.abs(centres[i] - centres[j]) >= sizes[0] - 1e-9), "two labels share no area"
    for centre in centres:
        assert np.all(np.any(np.abs(centre - points) >= 0.5 * sizes[0] + 2.5 - 1e-9, axis=1)), "nor with a marker"
    assert np.all((centres - 0.5 * sizes >= 0.0) & (centres + 0.5 * sizes <= 100.0))
    assert np.array_equal(centres, placed_labels(points, radius, sizes, markers, frame))


def test_a_heading_stands_above_its_lines() -> None:
    lines = [KeyLine("", f"heading {i}") if i % 4 == 0 else KeyLine(str(i), f"line {i}") for i in range(23)]
    for width in (1.0, 2.0, 4.0, 8.0):
        columns = key_columns(lines, width=width, size=7.0)
        assert [line for column in columns for line in column] == lines
        assert all(column[-1].number for column in columns)
    assert len(key_columns(lines, width=8.0, size=7.0)) == 4
