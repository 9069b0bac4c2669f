"""Bands of limits over variants, results for one parameter only, and how they and published errors are shown."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from eventfit.analysis import Analysis
from eventfit.analysis.wanted import BandWanted
from eventfit.errors import DeclarationError, StatisticsError
from eventfit.published import Reproduction, nearest, ratios, reproduce
from eventfit.published.band import band_row
from eventfit.report.figures import coupling_figure, couplings_beside, other_parameters, profile_figure
from eventfit.report.json import document
from eventfit.report.spectrum_figures import reproduced_spectrum
from eventfit.report.summary import markdown_table

DECLARED = """
title = "A band"
cite = ["arXiv:1005.2736"]
poi = "mu_nu"
exposure = { value = 100, unit = "kg day" }
target = { material = "germanium", electrons = "stepping" }
flux = [{ kind = "reactor", model = "kopeikin1997", flux_per_cm2_s = 2.7e13 }]
process = [{ kind = "magnetic_moment" }]
background = [{ name = "flat", rate_per_keV_kg_day = 2.0 }]
data = { asimov = true, origin = ["made-up"] }

[response]
order = ["resolution"]
edges_keV = { start = 3, stop = 23, width = 1 }
resolution = { kind = "constant", fwhm_keV = 1.0 }

[[result]]
quantity = "band"
cl = 0.90
rule = "qmu_tilde"
variants = ["half", "default", "twice"]

[[result]]
quantity = "upper_limit"
poi = "mu_nu"
cl = 0.90
rule = "qmu_tilde"

[[result]]
quantity = "interval"
poi = "q_nu"
cl = 0.90

[[published]]
quantity = "band"
kind = "expected"
value = 6e-11
where = "made up"

[variant.default]
meaning = "as declared"

[variant.half]
meaning = "half of the background"
background.flat.rate_per_keV_kg_day = 1.0

[variant.twice]
meaning = "twice the background"
background.flat.rate_per_keV_kg_day = 4.0

[variant.charge]
meaning = "a charge"
poi = "q_nu"
process = [
    { kind = "standard_model", order = "tree", sin2_theta_w = 0.2386 },
    { kind = "millicharge", couplings = ["q_nu"] },
]
"""


def analysis(folder: Path, old: str = "", new: str = "") -> Analysis:
    path = folder / "mine.toml"
    assert DECLARED.count(old) >= 1
    path.write_text(DECLARED.replace(old, new) if old else DECLARED, encoding="utf-8")
    return Analysis.load(path)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Reproduction:
    return reproduce(analysis(tmp_path_factory.mktemp("band")))


# -- invariant --


def test_a_band_holds_the_smallest_and_the_largest_limit(found: Reproduction) -> None:
    limits = {row.variant: row.value for row in found.rows if row.quantity == "upper_limit"}
    (band,) = (row for row in found.rows if row.quantity == "band")
    assert band.value == pytest.approx((limits["half"], limits["twice"]), rel=1e-9, abs=0)
    assert band.variant == "default"
    assert band.kind == "expected"
    assert band.card.note.startswith("smallest in half, largest in twice")
    ends = limits["half"] / 6e-11, limits["twice"] / 6e-11  # type: ignore[operator]
    assert band.ratio == pytest.approx(ends, rel=1e-9)


def test_results_of_one_parameter_are_rows_of_its_variants_only(found: Reproduction) -> None:
    assert {row.variant for row in found.rows if row.quantity == "upper_limit"} == {"default", "half", "twice"}
    assert {row.variant for row in found.rows if row.quantity == "interval"} == {"charge"}


def test_a_band_without_one_of_its_fits_has_no_value_and_says_which(found: Reproduction) -> None:
    (wanted,) = (w for w in found.analysis.default.result if isinstance(w, BandWanted))
    fitted = {name: run.profile for name, run in found.runs.items() if run.profile is not None}
    band = band_row(found.runs["default"].model, {**fitted, "twice": StatisticsError("no minimum")}, wanted)
    assert band.value is None
    assert band.status == "failed"
    assert "variant twice" in band.remedy
    assert "no minimum" in band.remedy
    assert band_row(found.runs["default"].model, fitted, wanted).value is not None


def test_a_band_is_of_one_parameter(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="q_nu in charge"):
        reproduce(analysis(tmp_path, '"default", "twice"]', '"charge", "twice"]'))


def test_a_published_value_needs_a_result_of_its_variant(tmp_path: Path) -> None:
    """The limit of a moment is no row of the variant with a charge."""
    theirs = (
        '[[published]]\nquantity = "upper_limit"\nvariant = "charge"\nkind = "expected"\nvalue = 1\nwhere = "text"\n'
    )
    with pytest.raises(DeclarationError, match=r"published\[2\]"):
        reproduce(analysis(tmp_path, "[variant.default]", f"{theirs}\n[variant.default]"))


def test_a_published_interval_is_compared_with_the_nearest_piece() -> None:
    pieces = ((-48.0, -38.0), (-3.0, 6.0))
    assert nearest((-48.0, 6.0), pieces, [-4.0, 6.0]) == pieces[1]
    assert nearest((-48.0, 6.0), pieces, [-50.0, -39.0]) == pieces[0]
    assert nearest((-3.0, 6.0), pieces[1:], [-4.0, 6.0]) == (-3.0, 6.0)
    assert nearest(2.0, (), 3.0) == 2.0


def test_ratios_are_end_by_end() -> None:
    assert ratios((1.0, 3.0), [2.0, 3.0]) == (0.5, 1.0)
    assert ratios((1.0, 3.0), 2.0) == (0.5, 1.5)
    assert ratios(1.0, 2.0) == (0.5,)
    assert ratios(1.0, [2.0, 3.0]) == ratios(None, 2.0) == ratios(1.0, None) == ()
    assert math.isnan(ratios((0.0, 3.0), [0.0, 3.0])[0])


def test_published_errors_and_pieces_are_shown(tmp_path: Path) -> None:
    more = """[[result]]
quantity = "estimate"

[[published]]
quantity = "estimate"
kind = "expected"
value = 42
errors = [179, 149]
where = "text"

[variant.default]"""
    content = document(reproduce(analysis(tmp_path, "[variant.default]", more)))
    (row,) = (r for r in content["results"] if r["published"] and r["quantity"] == "estimate")
    assert row["published"] == {"value": 42, "where": "text", "errors": [179, 149]}
    assert "errors" not in next(r for r in content["results"] if r["quantity"] == "band")["published"]
    table = markdown_table(content)
    assert "| 42.00 +- 179 +- 149 |" in table
    row["published"], row["value"], row["pieces"] = {"value": [-4.0, 6.0]}, [-48.0, 6.0], [[-48.0, -38.0], [-3.0, 6.0]]
    row["error"] = None
    table = markdown_table(content)
    assert "| (-4.00, 6.00) | (-48.00, -38.00) and (-3.00, 6.00) | 0.75, 1.00 |" in table


def test_parameters_in_other_units_have_figures_of_their_own(found: Reproduction) -> None:
    """Both signs, and nothing of them on an axis in mu_B."""
    assert couplings_beside(found) == {"q_nu": ["charge"]}
    assert other_parameters(found) == []
    names = {str(line.get_label()) for line in profile_figure(found).axes[0].lines}
    assert {"default", "half", "twice"} <= names
    assert "charge" not in names
    axes = coupling_figure(found, "q_nu").axes[0]
    low, high = axes.get_xlim()
    assert low < 0.0 < high
    curve = next(line for line in axes.lines if line.get_label() == "charge")
    assert np.min(np.asarray(curve.get_ydata(), dtype=float)) == pytest.approx(0.0, abs=1e-6)
    assert axes.get_xlabel().endswith("e}$]")


def test_expected_data_are_not_called_data_and_show_the_signal_at_the_limit(tmp_path: Path) -> None:
    with_interval = analysis(tmp_path, 'quantity = "interval"\npoi = "q_nu"', 'quantity = "interval"')
    figure = reproduced_spectrum(reproduce(with_interval))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "expected without signal" in labels
    assert "data" not in labels
    assert any(label.startswith("magnetic moment, at ") for label in labels)
