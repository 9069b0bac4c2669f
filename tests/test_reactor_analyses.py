"""TEXONO 2010, GEMMA 2007 to 2012, CONUS 2022: what comes out against the publications, and what has to hold."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from eventfit.analysis import Analysis, Model
from eventfit.inference import Profile
from eventfit.published import Reproduction, Row, reproduce
from eventfit.tables import Tables, shipped
from eventfit.units import fermi_constant, fine_structure, hbar_c

ROOT = Path(__file__).parents[1]
GEMMA = ("gemma_2007", "gemma_2010", "gemma_2012")
EXPECTED = (*GEMMA, "conus_2022")
#: change of g_V by a squared charge radius of 1e-32 cm^2; half of it is one of sin^2 theta_W
PER_RADIUS = math.sqrt(2.0) * math.pi * fine_structure * 1e-32 / (3.0 * fermi_constant * hbar_c**2)
#: 90 % of a Gaussian that is cut at its maximum
CUT = 1.6448536


@cache
def reproduced(name: str) -> Reproduction:
    return reproduce(Analysis.load(name))


def rows(name: str, quantity: str, variant: str = "default", method: str = "") -> list[Row]:
    return [
        row
        for row in reproduced(name).rows
        if (row.quantity, row.variant) == (quantity, variant) and row.card.method.startswith(method)
    ]


def number(name: str, quantity: str, variant: str = "default", method: str = "") -> float:
    (row,) = rows(name, quantity, variant, method)
    assert isinstance(row.value, float)
    return row.value


def pair(name: str, quantity: str, variant: str = "default", method: str = "") -> tuple[float, float]:
    (row,) = rows(name, quantity, variant, method)
    assert isinstance(row.value, tuple)
    return row.value


def error(name: str, variant: str) -> float:
    (row,) = rows(name, "estimate", variant)
    assert row.error is not None
    return row.error


def template(model: Model, process: str) -> np.ndarray:
    return next(t.spectrum.values() for t in model.templates if t.process == process)


# -- invariant --


def test_texono_errors_add_in_quadrature() -> None:
    """The published systematic errors stand beside our statistical ones, and move no estimate."""
    for variant, alone, size in (("default", "statistical_only", 149.0), ("xi", "xi_statistical_only", 0.16)):
        assert error("texono_2010", variant) == pytest.approx(math.hypot(error("texono_2010", alone), size), rel=1e-6)
        assert number("texono_2010", "estimate", variant) == pytest.approx(
            number("texono_2010", "estimate", alone), rel=1e-6
        )


def test_texono_xi_follows_from_its_residual() -> None:
    """The norm of one template with given errors is a weighted mean."""
    model = reproduced("texono_2010").runs["xi"].model
    weak, data, errors = template(model, "standard_model"), model.observed.values(), model.likelihood.errors
    weight = weak / errors**2
    assert number("texono_2010", "estimate", "xi") == pytest.approx(weight @ data / (weight @ weak), rel=1e-6)


def test_texono_variants_move_the_estimate_the_way_physics_says() -> None:
    """The less weak scattering is predicted, the more is left for a moment."""
    weak = {
        name: template(run.model, "standard_model").sum()
        for name, run in reproduced("texono_2010").runs.items()
        if "mu2" in run.model.likelihood.names and name not in ("weak_free", "up_to_7_MeV")
    }
    order = sorted(weak, key=lambda name: weak[name])
    estimates = [number("texono_2010", "estimate", name) for name in order]
    assert len(order) > 8
    assert np.all(np.diff(estimates) < 1.0)
    assert number("texono_2010", "estimate", "weak_corrected") > 1.5 * number("texono_2010", "estimate")


def test_texono_the_rules_stand_in_their_order() -> None:
    one, flat, unified = (
        number("texono_2010", "upper_limit", method=m) for m in ("profile", "flat prior", "Feldman-Cousins")
    )
    assert one < flat < unified
    assert unified == pytest.approx(pair("texono_2010", "interval")[1], rel=1e-6, abs=0)  # the estimate is not negative


@pytest.mark.parametrize("name", EXPECTED)
def test_expected_results_are_called_so_and_say_what_the_published_value_is(name: str) -> None:
    found = reproduced(name)
    assert {row.kind for row in found.rows} == {"expected"}
    assert found.analysis.default.data.kind == "expected"
    for theirs in found.analysis.default.published:
        assert theirs.kind == "expected"
        assert "observed" in theirs.note


@pytest.mark.parametrize("name", EXPECTED)
def test_the_band_is_that_of_its_variants(name: str) -> None:
    wanted = next(w for w in reproduced(name).analysis.default.result if w.quantity == "band")
    low, high = pair(name, "band")
    ends = [
        pair(name, "interval", variant)[1]
        if wanted.rule == "delta_2_71"
        else number(name, "upper_limit", variant, "flat prior")
        for variant in wanted.variants
    ]
    assert (low, high) == pytest.approx((min(ends), max(ends)), rel=1e-6, abs=0)
    default = "interval" if wanted.rule == "delta_2_71" else "upper_limit"
    middle = pair(name, default)[1] if default == "interval" else number(name, default, method="flat prior")
    assert low < middle < high


@pytest.mark.parametrize("name", GEMMA)
def test_a_pair_per_bin_has_a_closed_form(name: str) -> None:
    """The error of mu^2 is [sum S^2 / (B (1 + 1/tau))]^-1/2 with B all that is in the ON data of it.

    Up to the third moment of Poisson, some per cent here; and a flat prior cuts a Gaussian at its maximum.
    """
    for variant in ("default", "low_sharp_per_bin", "high_broad_per_bin", "background_known"):
        model = reproduced(name).runs[variant].model
        signal, on = template(model, "magnetic_moment"), model.observed.values()
        off = model.backgrounds[0].values()
        assert model.declaration.off is not None
        sigma = float(np.sum(signal**2 / (on + off / model.declaration.off.time_ratio))) ** -0.5
        limit = number(name, "upper_limit", variant, "flat prior")
        assert limit == pytest.approx(1e-11 * math.sqrt(CUT * sigma), rel=0.01, abs=0)
        assert pair(name, "interval", variant)[1] == pytest.approx(limit, rel=0.01, abs=0)
        assert number(name, "upper_limit", variant, "profile") == pytest.approx(
            1e-11 * math.sqrt(1.28155 * sigma), rel=0.01, abs=0
        )


def test_a_limit_goes_like_the_fourth_root_of_background_over_exposure() -> None:
    """GEMMA's three analyses gain a little more than exposure and OFF time say, from a lower threshold."""
    for variant in ("sharp_per_bin", "broad_per_bin", "sharp_smooth", "broad_smooth"):
        low, high = (number("gemma_2012", "upper_limit", f"{b}_{variant}", "flat prior") for b in ("low", "high"))
        assert high / low == pytest.approx(2.0**0.25, rel=0.01)
    per_year = [number(name, "upper_limit", method="flat prior") for name in GEMMA]
    exposure = []
    for name in GEMMA:
        declared = Analysis.load(name).default
        assert declared.off is not None
        exposure.append(declared.exposure.value / (1.0 + 1.0 / declared.off.time_ratio))
    assert per_year[0] > per_year[1] > per_year[2]
    gain = (exposure[0] / exposure[2]) ** 0.25
    assert 0.97 * gain < per_year[2] / per_year[0] < gain


@pytest.mark.parametrize("name", GEMMA)
def test_what_is_known_of_the_background_orders_the_limits(name: str) -> None:
    known, smooth, per_bin = (
        number(name, "upper_limit", variant, "flat prior") for variant in ("background_known", "smooth", "default")
    )
    assert known < smooth < per_bin


def test_gemma_at_a_fixed_flux_the_reactor_model_does_not_matter() -> None:
    default = number("gemma_2012", "upper_limit", method="flat prior")
    for variant in ("flux_vogel_engel", "flux_kopeikin1997"):
        assert number("gemma_2012", "upper_limit", variant, "flat prior") == pytest.approx(default, rel=0.006, abs=0)


@pytest.mark.parametrize("name", ["gemma_2012", "conus_2022"])
def test_millicharges_of_either_sign(name: str) -> None:
    """Zero, which the data expect, lies inside; a positive charge first lowers the weak rate, so it may be larger."""
    for variant in (v for v in reproduced(name).runs if v.startswith("millicharge")):
        (row,) = rows(name, "interval", variant)
        ((low, high),) = row.pieces
        assert low < 0.0 < high
        assert 1.1 < high / -low < 2.0
        assert not rows(name, "upper_limit", variant)  # those are rules for what cannot be negative
    assert "gemma" not in name or {r.parameter for r in rows(name, "interval", "millicharge")} == {"q_nu"}


# -- reference --


@pytest.mark.parametrize(
    ("variant", "published", "one_error"),
    [
        pytest.param("xi", 1.08, 0.21, id="arXiv:0911.1597-xi"),
        pytest.param("default", 42.0, 179.0, id="arXiv:0911.1597-mu2"),
    ],
)
def test_texono_estimates_within_one_published_error(variant: str, published: float, one_error: float) -> None:
    """The statistical one alone."""
    assert number("texono_2010", "estimate", variant) == pytest.approx(published, abs=one_error)


@pytest.mark.parametrize(
    ("variant", "published"),
    [
        pytest.param("xi_statistical_only", 0.21, id="arXiv:0911.1597-xi"),
        pytest.param("statistical_only", 179.0, id="arXiv:0911.1597-mu2"),
    ],
)
def test_texono_statistical_errors(variant: str, published: float) -> None:
    assert error("texono_2010", variant) == pytest.approx(published, rel=0.06)


@pytest.mark.parametrize("published", [pytest.param(2.2e-10, id="arXiv:0911.1597")])
def test_texono_limit(published: float) -> None:
    assert number("texono_2010", "upper_limit", method="Feldman-Cousins") == pytest.approx(published, rel=0.15, abs=0)


@pytest.mark.parametrize(
    ("bin_", "per_kg_day_MeV"),
    [
        pytest.param(i, rate, id=f"arXiv:0911.1597-weak-curve-{i}")
        for i, rate in enumerate((0.012439, 0.006646, 0.003476, 0.001707, 0.000854, 0.000427))
    ],
)
def test_texono_weak_spectrum(bin_: int, per_kg_day_MeV: float) -> None:
    """The curve drawn with the data, as others digitised it; steps of 6e-5, and nothing left above 7 MeV."""
    weak = template(reproduced("texono_2010").runs["default"].model, "standard_model")
    assert weak[bin_] / 29882 / 0.5 == pytest.approx(per_kg_day_MeV, rel=0.10, abs=3e-5)


@pytest.mark.parametrize("published", [pytest.param((-4.2e-32, 6.6e-32), id="arXiv:0911.1597-times-2")])
def test_texono_charge_radius(published: tuple[float, float]) -> None:
    """The piece around zero, in the convention of twice the published one; ends to half a standard error, 1.65e-32."""
    (row,) = rows("texono_2010", "interval", "charge_radius")
    far, near = row.pieces
    assert far[1] < -30e-32 < near[0]
    assert near == pytest.approx(published, abs=1.65e-32)


@pytest.mark.parametrize(("published", "one_error"), [pytest.param(0.251, 0.031, id="arXiv:0911.1597")])
def test_texono_mixing_angle(published: float, one_error: float) -> None:
    """sin^2 theta_W moves g_V twice as much as itself, and so does the near solution for the charge radius."""
    likelihood = reproduced("texono_2010").runs["charge_radius"].model.likelihood.bounded("r2_nu", -15.0, 15.0)
    profile = Profile(likelihood, "r2_nu")
    assert 0.23857 + 0.5 * PER_RADIUS * profile.estimate == pytest.approx(published, abs=one_error)
    assert 0.5 * PER_RADIUS * float(profile.best.errors[profile.index]) == pytest.approx(
        math.hypot(0.031, 0.024), rel=0.1
    )


@pytest.mark.parametrize(
    ("name", "published", "where"),
    [
        pytest.param("gemma_2007", 5.8e-11, "inside", id="arXiv:0705.4576"),
        pytest.param("gemma_2010", 3.2e-11, "outside", id="arXiv:1005.2736"),
        pytest.param("gemma_2012", 2.9e-11, "outside", id="AHEP-2012-350150"),
        pytest.param("conus_2022", 7.5e-11, "inside", id="arXiv:2201.12257"),
    ],
)
def test_where_the_published_limit_lies_against_the_band(name: str, published: float, where: str) -> None:
    """Not a test of agreement: it holds that notes and numbers say the same about what was not tuned."""
    low, high = pair(name, "band")
    (row,) = rows(name, "band")
    assert row.published is not None
    assert row.published.value == published
    assert row.ratio == pytest.approx((low / published, high / published))
    assert (low <= published <= high) == (where == "inside")
    notes = (ROOT / "analyses" / name / "notes.md").read_text(encoding="utf-8")
    assert f"lies **{where}** the band" in notes
    if where == "outside":  # and then only a background that is known better than by its OFF data comes near
        assert published < low
        known = number(name, "upper_limit", "background_known", "flat prior")
        assert known == pytest.approx(published, rel=0.05, abs=0)


@pytest.mark.parametrize(
    ("name", "published"),
    [pytest.param("gemma_2012", 2.7e-12, id="arXiv:1411.2279"), pytest.param("conus_2022", 3.3e-12, id="2201.12257")],
)
def test_published_millicharges_lie_between_the_two_signs(name: str, published: float) -> None:
    """A bound on |q| beside one for each sign, expected."""
    low, high = pair(name, "interval", "millicharge")
    assert -low < published < high


@pytest.mark.parametrize(
    ("power_GW", "distance_m", "name"),
    [
        pytest.param(3.0, 13.9, "gemma_2012", id="arXiv:1005.2736"),
        pytest.param(3.9, 17.1, "conus_2022", id="arXiv:2011.00210"),
        pytest.param(2.9, 28.0, "texono_2010", id="hep-ex/0605006"),
    ],
)
def test_power_and_distance_give_the_published_flux(power_GW: float, distance_m: float, name: str) -> None:
    run = reproduced(name).runs["power_and_distance"].model
    (source,) = run.declaration.flux
    assert (source.power_GW, source.distance_m) == (power_GW, distance_m)  # type: ignore[union-attr]
    signal, fixed = (template(m, "magnetic_moment").sum() for m in (run, reproduced(name).runs["default"].model))
    assert signal == pytest.approx(fixed, rel=0.03)


# -- regression --


def test_texono_tables_are_one_spectrum() -> None:
    """The shorter table is the beginning of the longer one."""
    tables = Tables(shipped("data"))
    whole, part = (tables.read(f"experiments/texono_2010/{name}") for name in ("residual", "residual_3_7_MeV"))
    for column in ("energy_low_keV", "residual_per_keV_kg_day", "error_per_keV_kg_day"):
        assert part[column].tolist() == whole[column][:8].tolist()
