"""Published results: what the issue of each analysis promised, and the accepted results of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eventfit.analysis import Analysis, shipped_analyses
from eventfit.errors import DeclarationError
from eventfit.published import Reproduction, Row, reproduce
from eventfit.report.json import document
from eventfit.report.store import results_page
from eventfit.report.text import markdown_table

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def xenon1t() -> Reproduction:
    return reproduce(Analysis.load("xenon1t_2020"))


def row(reproduction: Reproduction, quantity: str, variant: str = "default", kind: str = "observed") -> Row:
    (found,) = (r for r in reproduction.rows if (r.quantity, r.variant, r.kind) == (quantity, variant, kind))
    return found


# -- reference --


@pytest.mark.parametrize(
    ("variant", "published"), [("default", 44.0), ("tritium_free", 34.5)], ids=["arXiv:2007.05517-B0", "B0+tritium"]
)
def test_goodness_of_fit_without_signal(xenon1t: Reproduction, variant: str, published: float) -> None:
    assert row(xenon1t, "gof", variant).value == pytest.approx(published, abs=0.1)


@pytest.mark.parametrize(
    ("variant", "published"), [("default", 3.2), ("tritium_free", 0.9)], ids=["arXiv:2006.09721-B0", "free-tritium"]
)
def test_significance(xenon1t: Reproduction, variant: str, published: float) -> None:
    assert row(xenon1t, "significance", variant).value == pytest.approx(published, abs=0.2)


@pytest.mark.parametrize(("end", "published"), [(0, 1.4e-11), (1, 2.9e-11)], ids=["arXiv:2006.09721-low", "high"])
def test_interval(xenon1t: Reproduction, end: int, published: float) -> None:
    value = row(xenon1t, "interval").value
    assert isinstance(value, tuple)
    assert value[end] == pytest.approx(published, rel=0.20)


def test_counts_in_1_7_keV(xenon1t: Reproduction) -> None:
    """arXiv:2006.09721, text: 285 observed, 232 +- 15 expected."""
    assert row(xenon1t, "observed_counts", kind="counting").value == 285.0
    assert row(xenon1t, "expected_counts", kind="counting").value == pytest.approx(232.0, abs=0.5)


# -- invariant --


def test_no_signal_choice_moves_the_background_only_fit(xenon1t: Reproduction) -> None:
    default = row(xenon1t, "gof").value
    for variant in ("free_electrons", "efficiency_first", "all_components"):
        assert row(xenon1t, "gof", variant).value == pytest.approx(default, abs=1e-8)


def test_variants_move_the_moment_the_way_physics_says(xenon1t: Reproduction) -> None:
    def high(variant: str) -> float:
        value = row(xenon1t, "interval", variant).value
        assert isinstance(value, tuple)
        return value[1]

    assert high("free_electrons") < high("default")  # more electrons, more signal, smaller moment
    assert high("all_components") < high("default")
    assert high("b0_scale_halved") < high("default") < high("b0_scale_doubled")
    assert row(xenon1t, "interval", "tritium_free").pieces[0][0] == 0.0


def test_limit_lies_inside_the_interval_and_estimates_inside_both(xenon1t: Reproduction) -> None:
    for variant in xenon1t.analysis.variants:
        interval, limit = (row(xenon1t, q, variant).value for q in ("interval", "upper_limit"))
        estimate = row(xenon1t, "best_fit", variant).value
        assert isinstance(interval, tuple)
        assert isinstance(limit, float)
        assert isinstance(estimate, float)
        assert interval[0] < estimate < limit < interval[1]


def test_every_published_value_is_shown_and_every_status_is_good(xenon1t: Reproduction) -> None:
    shown = {id(r.published) for r in xenon1t.rows if r.published is not None}
    assert len(shown) == len(xenon1t.analysis.default.published)
    assert {r.status for r in xenon1t.rows} <= {"ok", "at_bound"}
    assert not xenon1t.failed


ONE_LEVEL = 'result = [{ quantity = "interval", cl = 0.90 }]'
LEVELS = 'result = [{ quantity = "interval", cl = 0.90 }, { quantity = "interval", cl = 0.6827 }]'


def with_levels(tmp_path: Path, theirs: str) -> Analysis:
    """The shortest declaration with intervals at two levels and the published values ``theirs``."""
    text = (ROOT / "tests/broken/valid.toml").read_text(encoding="utf-8")
    assert ONE_LEVEL in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(ONE_LEVEL, LEVELS) + theirs, encoding="utf-8")
    return Analysis.load(path)


def test_published_values_are_matched_by_level(tmp_path: Path) -> None:
    theirs = "".join(
        f"\n[[published]]\nquantity = 'interval'\ncl = {cl}\nvalue = [1e-11, {high}]\nwhere = 'text'\n"
        for cl, high in ((0.6827, "2e-11"), (0.9, "3e-11"))
    )
    rows = reproduce(with_levels(tmp_path, theirs)).rows
    assert [(r.card.cl, r.published.value[1]) for r in rows if r.published and isinstance(r.published.value, list)] == [
        (0.9, 3e-11),
        (0.6827, 2e-11),
    ]


@pytest.mark.parametrize(
    "theirs",
    [
        "value = [1e-11, 2e-11]\n",
        "value = 1e-11\n",
        "value = [1e-11, 2e-11]\ncl = 0.95\n",
        "value = 1\nkind = 'naive'\n",
    ],
    ids=["twice", "scalar for an interval", "another level", "another kind"],
)
def test_published_values_that_match_nothing_or_twice_are_refused(tmp_path: Path, theirs: str) -> None:
    row = "\n[[published]]\nquantity = 'interval'\nwhere = 'text'\n"
    with pytest.raises(DeclarationError, match=r"published\[2\]"):
        reproduce(with_levels(tmp_path, f"{row}value = [1e-11, 2e-11]\n{row}{theirs}"))


# -- regression --


def close(ours: Any, stored: Any) -> bool:
    if isinstance(ours, list):
        return len(ours) == len(stored) and all(close(a, b) for a, b in zip(ours, stored, strict=True))
    return ours is stored is None or bool(ours == pytest.approx(stored, rel=1e-6, abs=1e-18))


def test_result_equals_the_accepted_one(xenon1t: Reproduction) -> None:
    stored = json.loads((ROOT / "analyses/xenon1t_2020/result.json").read_text(encoding="utf-8"))
    ours = json.loads(json.dumps(document(xenon1t)))
    assert ours["tables"] == stored["tables"]
    assert len(ours["results"]) == len(stored["results"])
    for mine, theirs in zip(ours["results"], stored["results"], strict=True):
        for key in ("quantity", "variant", "kind", "unit", "cl", "sided", "published", "status"):
            assert mine[key] == theirs[key]
        for key in ("value", "pieces", "error"):
            assert close(mine[key], theirs[key]), (mine["quantity"], mine["variant"], key)


def test_result_tables_in_the_text_are_the_accepted_results() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in shipped_analyses():
        stored = json.loads((ROOT / "analyses" / name / "result.json").read_text(encoding="utf-8"))
        assert markdown_table(stored) in readme, "copy the table of analyses/README.md into README.md"
    assert (ROOT / "analyses/README.md").read_text(encoding="utf-8") == results_page()
