"""Published results: what the issue of each analysis promised, and the accepted results of ours."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from eventfit.analysis import Analysis, shipped_analyses
from eventfit.errors import DeclarationError, InputError
from eventfit.inference import Toys
from eventfit.published import Reproduction, Row, reproduce
from eventfit.report import store
from eventfit.report.json import document
from eventfit.report.store import accepted_pages
from eventfit.report.summary import markdown_table

ROOT = Path(__file__).parents[1]


@cache
def reproduced(name: str) -> Reproduction:
    """The analysis ``name``, rerun once."""
    return reproduce(Analysis.load(name))


@pytest.fixture(scope="module")
def xenon1t() -> Reproduction:
    return reproduced("xenon1t_2020")


@pytest.fixture(scope="module")
def xenonnt() -> Reproduction:
    return reproduced("xenonnt_2022")


@pytest.fixture(scope="module")
def rovno() -> Reproduction:
    return reproduce(Analysis.load("rovno_1993"))


@pytest.fixture(scope="module")
def krasnoyarsk() -> Reproduction:
    return reproduce(Analysis.load("krasnoyarsk_1992"))


@pytest.fixture(scope="module")
def munu() -> Reproduction:
    return reproduce(Analysis.load("munu_2005"))


@pytest.fixture(scope="module")
def lampf() -> Reproduction:
    return reproduce(Analysis.load("lampf_1993"))


@pytest.fixture(scope="module")
def lsnd() -> Reproduction:
    return reproduce(Analysis.load("lsnd_2001"))


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


@pytest.mark.parametrize("variant", ["default", "unbinned"])
def test_limit_of_xenonnt(xenonnt: Reproduction, variant: str) -> None:
    """arXiv:2207.11330: 6.4e-12, by a construction that is not known here: both conventions come within 20 %."""
    two_sided = row(xenonnt, "interval", variant).value
    assert isinstance(two_sided, tuple)
    assert two_sided[0] == 0.0
    assert two_sided[1] == pytest.approx(6.4e-12, rel=0.20)
    assert row(xenonnt, "upper_limit", variant).value == pytest.approx(6.4e-12, rel=0.20)


def test_events_of_xenonnt(xenonnt: Reproduction) -> None:
    """arXiv:2207.11330: 433 events in the release, (15.8 +- 1.3) per t yr keV before the efficiency of about 0.8."""
    assert row(xenonnt, "observed_counts", kind="counting").value == 433.0
    expected = row(xenonnt, "expected_counts", kind="counting").value
    assert expected == pytest.approx(0.80 * 15.8 * 29 * 1.16, rel=1.3 / 15.8)


# -- invariant --


def high(reproduction: Reproduction, variant: str) -> float:
    value = row(reproduction, "interval", variant).value
    assert isinstance(value, tuple)
    return value[1]


def test_limits_by_flavour_and_by_mass_follow_from_the_universal_one(xenonnt: Reproduction) -> None:
    """The shapes are nearly one, so 1/mu^2 goes like a share of the flux: they add to 1, by transitions to 2."""
    universal = high(xenonnt, "default")
    flavours = [(universal / high(xenonnt, name)) ** 2 for name in ("mu_e", "mu_mu", "mu_tau")]
    assert sum(flavours) == pytest.approx(1.0, abs=2e-3)
    assert flavours[0] == pytest.approx(0.54, abs=0.02)
    transitions = [(universal / high(xenonnt, name)) ** 2 for name in ("mu_12", "mu_13", "mu_23")]
    assert sum(transitions) == pytest.approx(2.0, abs=4e-3)


def test_single_events_have_no_goodness_of_fit_and_say_more_than_bins(xenonnt: Reproduction) -> None:
    assert not [r for r in xenonnt.rows if r.variant == "unbinned" and r.quantity.startswith("gof")]
    assert 0.93 * high(xenonnt, "default") < high(xenonnt, "unbinned") < high(xenonnt, "default")


def test_no_signal_choice_moves_the_background_only_fit(xenon1t: Reproduction) -> None:
    default = row(xenon1t, "gof").value
    for variant in ("free_electrons", "efficiency_first", "all_components"):
        assert row(xenon1t, "gof", variant).value == pytest.approx(default, abs=1e-8)


def test_variants_move_the_moment_the_way_physics_says(xenon1t: Reproduction) -> None:
    default = high(xenon1t, "default")
    assert high(xenon1t, "free_electrons") < default  # more electrons, more signal, smaller moment
    assert high(xenon1t, "all_components") < default
    assert high(xenon1t, "b0_scale_halved") < default < high(xenon1t, "b0_scale_doubled")
    assert row(xenon1t, "interval", "tritium_free").pieces[0][0] == 0.0


def test_limit_lies_inside_the_interval_and_estimates_inside_both(xenon1t: Reproduction) -> None:
    for variant in xenon1t.analysis.variants:
        interval, limit = (row(xenon1t, q, variant).value for q in ("interval", "upper_limit"))
        estimate = row(xenon1t, "best_fit", variant).value
        assert isinstance(interval, tuple)
        assert isinstance(limit, float)
        assert isinstance(estimate, float)
        assert interval[0] < estimate < limit < interval[1]


@pytest.mark.parametrize("name", shipped_analyses())
def test_every_published_value_is_shown_and_every_status_is_good(name: str) -> None:
    found = reproduced(name)
    shown = {id(r.published) for r in found.rows if r.published is not None}
    assert len(shown) == len(found.analysis.default.published)
    assert {r.status for r in found.rows} <= {"ok", "at_bound"}
    assert not found.failed


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


def by_toys(entry: Any) -> bool:
    return bool(entry["method"]["calibration"] == "toys")


@pytest.mark.parametrize("name", shipped_analyses())
def test_result_equals_the_accepted_one(name: str) -> None:
    """Rows by toys are thrown again only by ``--accept --toys``: :func:`test_accepted_toys_belong_to_the_result`."""
    stored = json.loads((ROOT / "analyses" / name / "result.json").read_text(encoding="utf-8"))
    ours = json.loads(json.dumps(document(reproduced(name))))
    assert ours["tables"] == stored["tables"]
    kept = [entry for entry in stored["results"] if not by_toys(entry)]
    assert len(ours["results"]) == len(kept)
    for mine, theirs in zip(ours["results"], kept, strict=True):
        for key in ("quantity", "variant", "kind", "unit", "cl", "sided", "published", "status"):
            assert mine[key] == theirs[key]
        for key in ("value", "pieces", "error"):
            assert close(mine[key], theirs[key]), (mine["quantity"], mine["variant"], key)


def test_accepted_toys_belong_to_the_result() -> None:
    """Of the same model, beside an asymptotic row of the same quantity and published value, and near it."""
    for name in shipped_analyses():
        rows = json.loads((ROOT / "analyses" / name / "result.json").read_text(encoding="utf-8"))["results"]
        for toys in filter(by_toys, rows):
            same = ("quantity", "variant", "kind", "unit", "parameter", "cl", "sided", "published", "status")
            (beside,) = (e for e in rows if not by_toys(e) and all(e[key] == toys[key] for key in same))
            assert toys["method"]["model_sha256"] == beside["method"]["model_sha256"]
            assert toys["method"]["toys"] >= 10_000
            assert toys["method"]["ensemble"]
            assert toys["value"] == pytest.approx(beside["value"], rel=0.1)
            assert toys["error"] is not None or len(toys["errors"]) == len(toys["pieces"])


def test_toys_calibrate_interval_and_significance(tmp_path: Path) -> None:
    text = (ROOT / "tests/broken/valid.toml").read_text(encoding="utf-8")
    wanted = 'result = [{ quantity = "interval", cl = 0.90 }, { quantity = "significance" }, { quantity = "best_fit" }]'
    (tmp_path / "mine.toml").write_text(text.replace(ONE_LEVEL, wanted), encoding="utf-8")
    rows = reproduce(Analysis.load(tmp_path / "mine.toml"), toys=Toys(1000, 3, run=tmp_path / "run")).rows
    assert [(r.quantity, r.card.calibration) for r in rows] == [
        ("interval", "asymptotic"),
        ("significance", "asymptotic"),
        ("best_fit", "asymptotic"),
        ("interval", "toys"),
        ("significance", "toys"),
    ]
    assert rows[3].card.method == "Feldman-Cousins"
    assert all(0 < error < 1e-12 for error in rows[3].errors[0])
    assert rows[3].value == pytest.approx(rows[0].value, rel=0.1)
    assert rows[4].error is not None
    assert sorted(path.parent.name for path in (tmp_path / "run").glob("*/toys.sqlite")) == [
        "interval_1",
        "significance_2",
    ]


def test_toys_without_anything_to_calibrate_are_refused(tmp_path: Path) -> None:
    text = (ROOT / "tests/broken/valid.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(ONE_LEVEL, 'result = [{ quantity = "best_fit" }]'), encoding="utf-8")
    with pytest.raises(InputError, match="no declared result is calibrated by toys"):
        reproduce(Analysis.load(path), toys=Toys(10, 1))


def test_accepted_toys_stay_until_model_or_versions_change(
    xenon1t: Reproduction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = document(xenon1t)
    default = next(entry for entry in content["results"] if entry["quantity"] == "significance")
    toys = {**default, "error": 0.1, "method": {**default["method"], "calibration": "toys", "toys": 10, "seed": 1}}
    monkeypatch.setattr(store, "shipped", lambda name: tmp_path / name)
    target = tmp_path / "analyses" / "xenon1t_2020" / "result.json"
    target.parent.mkdir(parents=True)

    def kept(entry: dict[str, Any], versions: dict[str, str] | None = None) -> tuple[list[Any], str]:
        stored = {**content, "results": [*content["results"], entry]}
        target.write_text(json.dumps({**stored, "versions": {**content["versions"], **(versions or {})}}))
        found, said = store.with_stored_toys("xenon1t_2020", content)
        return found["results"], said

    assert store.with_stored_toys("xenon1t_2020", content) == (content, "")  # nothing accepted yet
    rows, said = kept(toys)
    (place,) = (i for i, entry in enumerate(rows) if by_toys(entry))
    assert {entry["variant"] for entry in rows[: place + 1]} == {"default"}
    assert rows[place + 1]["variant"] != "default"
    assert "1 accepted rows by toys kept" in said
    assert "10" in markdown_table({**content, "results": rows})
    rows, said = kept(toys, {"python": "3.0"})
    assert len(rows) == len(content["results"]) + 1
    rows, said = kept(toys, {"scipy": "1.0"})
    assert rows == content["results"]
    assert "the version of scipy" in said
    rows, said = kept({**toys, "method": {**toys["method"], "model_sha256": "0"}})
    assert rows == content["results"]
    assert "the model" in said
    again = {**content, "results": [*content["results"], {**toys, "error": 0.2}]}
    assert store.with_stored_toys("xenon1t_2020", again) == (again, "")  # new ones take the place of old ones


def test_result_tables_in_the_text_are_the_accepted_results() -> None:
    """Not stale, whichever way: ``eventfit reproduce --all --accept`` writes them."""
    pages = accepted_pages(ROOT / "analyses")
    assert set(pages) == {ROOT / "README.md", ROOT / "analyses" / "README.md"}
    for page, text in pages.items():
        assert page.read_text(encoding="utf-8") == text, f"{page} is stale: eventfit reproduce --all --accept"
        for name in shipped_analyses():
            assert f"[{name}](" in text
