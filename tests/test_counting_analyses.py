"""One counted number: what its form means, the rules for its limit, and the five experiments that measured one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.integrate import quad
from scipy.special import ndtr, ndtri
from typer.testing import CliRunner

from eventfit.analysis import Analysis, Model
from eventfit.analysis.counted import weak_over_energy, weak_per_fission
from eventfit.analysis.physics import Physics, build_physics
from eventfit.cli import app
from eventfit.flux.reactor import ReactorFlux
from eventfit.inference import (
    Profile,
    feldman_cousins_gaussian,
    profile_interval,
    upper_limit_cls,
    upper_limit_feldman_cousins_gaussian,
    upper_limit_flat_prior,
    upper_limit_qmu_tilde,
)
from eventfit.published import Reproduction, Row, reproduce
from eventfit.report.counting_figure import counting_figures
from eventfit.tables import Tables, shipped

TABLES = Tables(shipped("data"))
EXPERIMENTS = ("rovno_1993", "krasnoyarsk_1992", "munu_2005", "lampf_1993", "lsnd_2001")
# the test's own constants: keV, cm
M, G_FERMI, HBAR_C, M_MU = 510.99895069, 1.1663788e-17, 1.973269804e-8, 105658.3755
SIN2 = 0.2386

TREE = f'{{ kind = "standard_model", order = "tree", sin2_theta_w = {SIN2} }}'
REACTOR = """{ kind = "reactor", model = "bestiole", fractions = { u235 = 1.0 }, captures_per_fission = 0.0, NORM }"""
STOPPED = '{ kind = "stopped_pion", components = COMPONENTS, flux_per_flavour_per_cm2_s = 1e7 }'


def declared(
    folder: Path,
    data: str,
    *,
    flux: str = REACTOR,
    norm: str = "flux_per_cm2_s = 1e13",
    components: str = '["nu_mu", "nu_e", "nubar_mu"]',
    moment: str = '{ kind = "magnetic_moment" }',
    poi: str = "mu_nu",
    edges: str = "[600, 2000]",
    exposure: str = '{ value = 1, unit = "kg day" }',
    material: str = "silicon",
    more: str = "",
) -> Model:
    """The shortest declaration of one counted number."""
    path = folder / "mine.toml"
    path.write_text(f"""
title = "one number"
cite = ["arXiv:1007.1727"]
poi = "{poi}"
exposure = {exposure}
target = {{ material = "{material}", electrons = "free" }}
flux = [{flux.replace("NORM", norm).replace("COMPONENTS", components)}]
process = [{TREE}, {moment}]
response = {{ order = ["resolution"], edges_keV = {edges}, resolution = {{ kind = "perfect" }} }}
data = {{ {data}, origin = ["nowhere"] }}
{more}
""")
    return Analysis.load(path).model()


def estimate(model: Model) -> tuple[float, float]:
    """The estimate without its bound, and its error."""
    free = Profile(model.likelihood.bounded(model.poi, -math.inf, math.inf), model.poi)
    return free.estimate, float(free.best.errors[free.index])


def limit(model: Model) -> float:
    return upper_limit_feldman_cousins_gaussian(Profile(model.likelihood, model.poi)).value


def physics(model: Model) -> Physics:
    return build_physics(model.declaration, TABLES)


@cache
def reproduced(name: str) -> Reproduction:
    return reproduce(Analysis.load(name))


def ends(name: str, variant: str | None = None) -> list[float]:
    """All upper limits of an experiment, or of one variant, the default rule first; intervals by their upper end."""
    rows = [row for row in reproduced(name).rows if row.quantity in ("upper_limit", "interval")]
    return [end(row) for row in rows if variant in (None, row.variant)]


def end(row: Row) -> float:
    assert row.value is not None
    return row.value[1] if isinstance(row.value, tuple) else row.value


def total(E: float, low: float, high: float, g_1: float, g_2: float) -> float:
    """Tree-level cross section in cm^2 for recoils in the window: the integral in closed form."""
    stop = min(high, 2 * E**2 / (M + 2 * E))

    def primitive(T: float) -> float:
        return g_1**2 * T - g_2**2 * E / 3 * (1 - T / E) ** 3 - g_1 * g_2 * M * T**2 / (2 * E**2)

    scale = 2 * (G_FERMI * HBAR_C) ** 2 * M / math.pi
    return scale * (primitive(stop) - primitive(low)) if stop > low else 0.0


# -- invariant: the forms ---------------------------------------------------------------------------------------------

RATIO = "ratio_to_weak = { value = 1.4, errors = [0.3] }"


def test_a_ratio_of_one_is_no_moment(tmp_path: Path) -> None:
    value, error = estimate(declared(tmp_path, "ratio_to_weak = { value = 1.0, errors = [0.3] }"))
    assert abs(value) < 1e-9 * error


def test_a_ratio_is_the_weak_rate_and_the_moment(tmp_path: Path) -> None:
    """mu2 = (r - 1) weak / magnetic, its error that of r times weak / magnetic."""
    model = declared(tmp_path, RATIO)
    weak, magnetic = (float(t.spectrum.values()[0]) for t in model.templates)
    assert estimate(model) == pytest.approx((0.4 * weak / magnetic, 0.3 * weak / magnetic))
    assert model.kind == "counting"


@pytest.mark.parametrize(
    "change",
    [
        {"exposure": '{ value = 731, unit = "kg day" }'},
        {"material": "carbon_tetrafluoride"},
        {"norm": "flux_per_cm2_s = 3.3e9"},
        {"norm": "power_GW = 2.0, distance_m = 15.0"},
    ],
    ids=["exposure", "target", "flux", "power"],
)
@pytest.mark.parametrize(
    "data",
    [RATIO, "cross_section_per_fission = { value_cm2 = 1.2e-44, errors_cm2 = [4e-45] }"],
    ids=["ratio", "fission"],
)
def test_only_the_spectrum_matters(tmp_path: Path, data: str, change: Mapping[str, str]) -> None:
    expected = estimate(declared(tmp_path, data))
    assert estimate(declared(tmp_path, data, **change)) == pytest.approx(expected, rel=1e-9)


def test_errors_add_in_quadrature(tmp_path: Path) -> None:
    three = estimate(declared(tmp_path, "ratio_to_weak = { value = 1.4, errors = [0.2, 0.3, 0.6] }"))
    assert three == pytest.approx(estimate(declared(tmp_path, "ratio_to_weak = { value = 1.4, errors = [0.7] }")))


@pytest.mark.parametrize("form", ["ratio_to_weak", "cross_section_over_energy"])
def test_what_was_subtracted_cancels(tmp_path: Path, form: str) -> None:
    """The moment of nu_e from nu_e alone, or with the weak scattering of the others, which ``of`` leaves out."""
    numbers = "value = 1.1, errors = [0.2]"
    if form == "cross_section_over_energy":
        numbers = "value_cm2_per_MeV = 1e-44, errors_cm2_per_MeV = [1.7e-45]"
    beam = {"flux": STOPPED, "moment": '{ kind = "flavour_moments", couplings = ["mu_e"] }', "poi": "mu_e"}
    beam |= {"edges": "[18_000, 50_000]", "material": "mineral_oil"}
    alone = estimate(declared(tmp_path, f"{form} = {{ {numbers} }}", components='["nu_e"]', **beam))
    with_others = estimate(declared(tmp_path, f'{form} = {{ {numbers}, of = ["nu_e"] }}', **beam))
    assert with_others == pytest.approx(alone, rel=1e-6)
    of_all = estimate(declared(tmp_path, f"{form} = {{ {numbers} }}", **beam))
    assert abs(of_all[0] / alone[0] - 1.0) > 0.01


@pytest.mark.parametrize("window", [(600.0, 2000.0), (3150.0, 5175.0)])
def test_a_cross_section_per_fission_against_a_plain_sum(tmp_path: Path, window: tuple[float, float]) -> None:
    """Antineutrinos per fission and keV times the closed cross section, by the trapezium rule over 60000 energies."""
    data = "cross_section_per_fission = { value_cm2 = 1e-44, errors_cm2 = [5e-45] }"
    whole = physics(declared(tmp_path, data, edges=str(list(window))))
    (flux,) = whole.fluxes
    assert isinstance(flux, ReactorFlux)
    E = np.linspace(0.5 * (window[0] + math.sqrt(window[0] * (window[0] + 2 * M))), 12400.0, 60001)
    sigma = np.array([total(e, *window, SIN2, SIN2 + 0.5) for e in E])
    plain = float(np.trapezoid(flux.density(E) / flux.fission_rate * sigma, E))
    found = weak_per_fission(whole, [flux], np.array(window))
    assert found == pytest.approx(plain, rel=2e-4, abs=0)
    same = f"cross_section_per_fission = {{ value_cm2 = {found!r}, errors_cm2 = [{0.3 * found!r}] }}"
    as_ratio = declared(tmp_path, "ratio_to_weak = { value = 1.0, errors = [0.3] }", edges=str(list(window)))
    assert limit(declared(tmp_path, same, edges=str(list(window)))) == pytest.approx(limit(as_ratio), rel=1e-6)


def test_a_cross_section_over_the_energy_against_scipy(tmp_path: Path) -> None:
    """The Michel spectrum of nu_e, 96 E^2/m^3 (1 - 2E/m), of mean 3m/10, times the closed cross section."""
    data = 'cross_section_over_energy = { value_cm2_per_MeV = 1e-44, errors_cm2_per_MeV = [1e-45], of = ["nu_e"] }'
    whole = physics(declared(tmp_path, data, flux=STOPPED, edges="[18_000, 50_000]"))
    (nu_e,) = (flux for flux in whole.fluxes if flux.name == "nu_e")

    def integrand(E: float) -> float:
        return 96 * E**2 / M_MU**3 * (1 - 2 * E / M_MU) * total(E, 0.0, math.inf, SIN2 + 0.5, SIN2)

    slope = float(quad(integrand, 0.0, M_MU / 2, epsrel=1e-10)[0]) / (0.3 * M_MU)
    assert weak_over_energy(whole, [nu_e]) == pytest.approx(slope, rel=1e-5, abs=0)


def test_a_table_is_what_it_holds(tmp_path: Path) -> None:
    """Rovno's ratio typed, and the one error of MUNU's that is named."""
    typed = "ratio_to_weak = { value = 1.28, errors = [0.63] }"
    table = 'ratio_to_weak = { table = "experiments/rovno_1993/ratio" }'
    assert estimate(declared(tmp_path, table)) == estimate(declared(tmp_path, typed))
    munu = 'ratio_to_weak = { table = "experiments/munu_2005/ratio", error_columns = ["error_measured"] }'
    assert estimate(declared(tmp_path, munu)) == estimate(
        declared(tmp_path, "ratio_to_weak = { value = 1.0490, errors = [0.3333] }")
    )


def test_another_form_of_data_takes_the_place_of_the_first() -> None:
    analysis = Analysis.load("rovno_1993")
    ratio, cross = (analysis.variants[name][1].data for name in ("default", "cross_section"))
    assert ratio.ratio_to_weak is not None
    assert (cross.ratio_to_weak, cross.origin) == (None, ratio.origin)
    assert cross.cross_section_per_fission is not None


def test_an_expected_result_stands_beside_counts(tmp_path: Path) -> None:
    """``asimov`` in a variant replaces counts, and single events with them."""
    text = (Path(__file__).parent / "broken/valid.toml").read_text()
    text += '\n[variant.default]\nmeaning = "counts"\n\n[variant.expected]\nmeaning = "none"\ndata.asimov = true\n'
    (tmp_path / "mine.toml").write_text(text)
    kinds = {name: d.data.kind for name, (_, d) in Analysis.load(tmp_path / "mine.toml").variants.items()}
    assert kinds == {"default": "observed", "expected": "expected"}


# -- invariant: the rules ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.4, 0.9, 1.0, 1.2, 1.9])
def test_limits_of_one_gaussian_number(tmp_path: Path, value: float) -> None:
    """Each rule in closed form, x the estimate in standard deviations, and CLs equal to the flat prior."""
    model = declared(tmp_path, f"ratio_to_weak = {{ value = {value}, errors = [0.3] }}")
    profile, (centre, error) = Profile(model.likelihood, model.poi), estimate(model)
    x = centre / error
    one = upper_limit_qmu_tilde(profile, cl=0.90).value / error
    # -2 Delta ln L is measured from the bounded minimum
    assert one == pytest.approx(x + math.sqrt(1.6424 + min(x, 0.0) ** 2), abs=1e-4)
    two = profile_interval(profile, cl=0.90).pieces[-1][1] / error
    assert two == pytest.approx(x + math.sqrt(2.7055 + min(x, 0.0) ** 2), abs=1e-4)
    flat = x + float(ndtri(1.0 - 0.1 * ndtr(x)))
    assert upper_limit_flat_prior(profile, cl=0.90).value / error == pytest.approx(flat, abs=1e-6)
    assert upper_limit_cls(profile, cl=0.90, expected=False).value / error == pytest.approx(flat, abs=1e-4)
    exact = upper_limit_feldman_cousins_gaussian(profile, cl=0.90).value / error
    assert exact == pytest.approx(feldman_cousins_gaussian(x, 0.90)[1], abs=1e-6)
    assert exact <= two + 1e-6
    if x > 0:
        assert exact == pytest.approx(two, abs=1e-4)


@pytest.mark.parametrize(("x", "cl"), list(product([-1.5, -0.3, 0.0, 0.7, 2.4], [0.90, 0.95])))
def test_feldman_cousins_against_a_grid(x: float, cl: float) -> None:
    """The construction by adding up the likeliest observations on a grid of 1e-3 standard deviations."""
    step = 1e-3
    grid = np.arange(-9.0, 12.0, step)

    def accepts(mu: float) -> bool:
        best = np.maximum(grid, 0.0)
        ratio = np.exp(-0.5 * (grid - mu) ** 2 + 0.5 * (grid - best) ** 2)
        chance = np.exp(-0.5 * (grid - mu) ** 2) * step / math.sqrt(2 * math.pi)
        order = np.argsort(-ratio, kind="stable")
        kept = order[: int(np.searchsorted(np.cumsum(chance[order]), cl)) + 1]
        return bool(grid[kept].min() <= x <= grid[kept].max() + step)

    low, high = feldman_cousins_gaussian(x, cl)
    assert accepts(high - 0.01)
    assert not accepts(high + 0.01)
    if low > 0.0:
        assert accepts(low + 0.01)
        assert not accepts(low - 0.01)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_rules_stand_beside_each_other_in_every_variant(name: str) -> None:
    """Feldman-Cousins first, as decided; the one-sided profile is below it, at the level of the paper."""
    found = reproduced(name)
    for variant in found.analysis.variants:
        rows = [r for r in found.rows if r.variant == variant and r.quantity in ("upper_limit", "interval")]
        methods = [row.card.method for row in rows]
        assert methods[:4] == ["Feldman-Cousins, Gaussian", "profile likelihood", "flat prior", "profile likelihood"]
        assert {row.card.cl for row in rows[:4]} == {0.95 if name == "rovno_1993" else 0.90}
        assert end(rows[1]) < end(rows[0])
        assert {row.kind for row in rows} == {"counting"}
        assert not found.failed


# -- invariant: what the numbers rest on ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "variant", "recalled"),
    [
        ("rovno_1993", "default", False),
        ("rovno_1993", "cross_section", True),
        *((name, "default", True) for name in EXPERIMENTS[1:]),
    ],
)
def test_the_status_of_a_measured_number_travels(name: str, variant: str, recalled: bool) -> None:
    tables = reproduced(name).runs[variant].model.tables
    assert any(table.name.startswith(f"experiments/{name}/") for table in tables)
    assert any(table.status == "recalled-unverified" for table in tables) == recalled


def test_the_measured_numbers_are_those_of_the_papers() -> None:
    """Ratios to our weak scattering: of Rovno and MUNU as published, of the others as they follow."""
    found = {}
    for name in EXPERIMENTS:
        model = reproduced(name).runs["default"].model
        weak = {t.component: float(t.spectrum.values()[0]) for t in model.templates if not t.powers}
        unit = weak.get("nu_e", sum(weak.values()))
        rest = sum(weak.values()) - unit
        value, variance = float(model.observed.values()[0]), float(model.observed.variances()[0])
        found[name] = ((value - rest) / unit, math.sqrt(variance) / unit)
    assert found["rovno_1993"] == pytest.approx((1.28, 0.63))
    assert found["munu_2005"] == pytest.approx((1.07 / 1.02, math.hypot(0.3333, 0.1028)), abs=1e-4)
    ratios = {name: value / error for name, (value, error) in found.items()}
    assert ratios["krasnoyarsk_1992"] == pytest.approx(4.5 / 2.4)
    assert ratios["lampf_1993"] == pytest.approx(10.0 / math.hypot(1.5, 0.9))
    assert ratios["lsnd_2001"] == pytest.approx(10.1 / math.hypot(1.1, 1.0))


def test_one_number_knows_less_than_the_spectrum() -> None:
    """MUNU's published limit, of the recoil spectrum, is stronger than every one of ours."""
    assert min(ends("munu_2005")) > 9e-11


def test_a_lower_threshold_makes_the_limit_of_lampf_stronger() -> None:
    """So the default, the highest one, claims least."""
    for first in ("default", "mu_e"):
        prefix = "" if first == "default" else "mu_e_"
        limits = [ends("lampf_1993", name)[0] for name in (first, f"{prefix}from_15_MeV", f"{prefix}from_7_MeV")]
        assert all(high > low for high, low in pairwise(limits))
        assert limits[0] / limits[2] > 1.7


# -- invariant: figures -----------------------------------------------------------------------------------------------


def figure(name: str, key: str = "counting") -> Figure:
    drawn = counting_figures(reproduced(name))[key]
    drawn.draw_without_rendering()
    return drawn


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_limits_drawn_are_the_rows(name: str) -> None:
    bottom = figure(name).axes[1]
    scale = 10.0 ** math.floor(math.log10(max(ends(name, "default"))))
    markers = [line for line in bottom.get_lines() if line.get_marker() != "None"]
    drawn = sorted(np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in markers]))
    poi = reproduced(name).analysis.default.poi
    rows = [row for row in reproduced(name).rows if row.quantity in ("upper_limit", "interval")]
    assert drawn == pytest.approx(sorted(end(row) / scale for row in rows if row.parameter == poi))


def test_the_rate_drawn_meets_the_measured_one_at_the_estimate() -> None:
    top = figure("lsnd_2001").axes[0]
    (curve,) = (line for line in top.get_lines() if line.get_label() == "expected")
    x, y = (np.asarray(part, dtype=float) for part in curve.get_data())
    profile = reproduced("lsnd_2001").runs["default"].profile
    assert profile is not None
    assert y[0] == pytest.approx(1.0)
    assert np.interp(0.1 * math.sqrt(profile.estimate), x, y) == pytest.approx(1.104, abs=1e-3)


def test_figures_of_other_parameters() -> None:
    assert set(counting_figures(reproduced("lampf_1993"))) == {"counting", "counting_mu_e"}
    assert "nu_e" in figure("lampf_1993", "counting_mu_e").axes[1].get_xlabel()


def test_reproduce_draws_no_spectrum_of_one_bin(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["reproduce", "rovno_1993", "-o", str(tmp_path)])
    assert result.exit_code == 0, repr(result.exception)
    assert {path.name for path in tmp_path.glob("*.png")} == {"rovno_1993_counting.png", "rovno_1993_profile.png"}


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variant", "rel"),
    [
        pytest.param("default", 0.05, id="JETP Lett. 57, 768 (1993), converted spectra"),
        pytest.param("bestiole", 0.05, id="JETP Lett. 57, 768 (1993), summation spectra"),
    ],
)
def test_weak_cross_section_per_fission_of_rovno(variant: str, rel: float) -> None:
    """Its cross section, 1.26e-44, and its ratio, 1.28, imply 0.98e-44 cm^2 per fission in 0.6-2.0 MeV."""
    model = reproduced("rovno_1993").runs[variant].model
    whole = physics(model)
    reactors = [flux for flux in whole.fluxes if isinstance(flux, ReactorFlux)]
    assert weak_per_fission(whole, reactors, model.observed.edges) == pytest.approx(1.26e-44 / 1.28, rel=rel, abs=0)


@pytest.mark.parametrize(
    ("name", "variants", "k", "tolerance"),
    [
        pytest.param("lsnd_2001", ("mu_e", "default"), 2.13, 0.006, id="hep-ex/0101039, spectra in 18-50 MeV"),
        pytest.param(
            "lampf_1993",
            ("mu_e_from_7_MeV", "from_7_MeV"),
            2.15,
            0.006,
            id="Phys. Rev. D 47, 11 (1993), spectra in 7-60 MeV",
        ),
        pytest.param("lampf_1993", ("mu_e", "default"), 2.1, 0.1, id="Phys. Rev. D 47, 11 (1993), published weight"),
        pytest.param(
            "lsnd_2001", ("mu_e", "default"), 2.4, 0.32, id="hep-ex/0101039, published weight, with acceptance"
        ),
    ],
)
def test_weight_of_the_muon_flavour(name: str, variants: tuple[str, str], k: float, tolerance: float) -> None:
    """mu_e^2 + k mu_mu^2 < bound: k is the square of the ratio of both limits."""
    of_e, of_mu = (ends(name, variant)[0] for variant in variants)
    assert (of_e / of_mu) ** 2 == pytest.approx(k, abs=tolerance)


@pytest.mark.parametrize(
    ("name", "variant", "slope", "rel"),
    [
        pytest.param("lsnd_2001", "default", 9.3e-45, 0.02, id="hep-ex/0101039, Standard Model"),
        pytest.param("lsnd_2001", "tree", 9.73e-45, 0.012, id="tree level, sin2 0.2386, far above the electron mass"),
    ],
)
def test_weak_cross_section_over_the_energy(name: str, variant: str, slope: float, rel: float) -> None:
    """In cm^2/MeV; over the spectrum of the muon decay it is 1 % below the slope at high energies."""
    whole = physics(reproduced(name).runs[variant].model)
    nu_e = [flux for flux in whole.fluxes if flux.name == "nu_e"]
    assert 1e3 * weak_over_energy(whole, nu_e) == pytest.approx(slope, rel=rel, abs=0)


@pytest.mark.parametrize(
    ("name", "variant", "ratio", "tolerance"),
    [
        pytest.param("lsnd_2001", "tree", 2.13 * 0.285, 0.003, id="hep-ex/0101039, 18-50 MeV, mu_mu"),
        pytest.param("lampf_1993", "tree", 2.1 * 0.244, 0.006, id="Phys. Rev. D 47, 11 (1993), 20-60 MeV, mu_mu"),
    ],
)
def test_magnetic_over_weak_rate(name: str, variant: str, ratio: float, tolerance: float) -> None:
    """At a moment of 1e-9 mu_B, over the weak rate of nu_e."""
    model = reproduced(name).runs[variant].model
    magnetic = sum(float(t.spectrum.values()[0]) for t in model.templates if t.powers)
    (weak,) = (float(t.spectrum.values()[0]) for t in model.templates if not t.powers and t.component == "nu_e")
    assert 1e4 * magnetic / weak == pytest.approx(ratio, abs=tolerance)


@pytest.mark.parametrize(
    ("name", "parameter", "published"),
    [
        pytest.param("rovno_1993", "mu_nu", 1.9e-10, id="JETP Lett. 57, 768 (1993)"),
        pytest.param("krasnoyarsk_1992", "mu_nu", 2.4e-10, id="JETP Lett. 55, 206 (1992)"),
        pytest.param("lampf_1993", "mu_mu", 7.4e-10, id="Phys. Rev. D 47, 11 (1993), mu_mu"),
        pytest.param("lampf_1993", "mu_e", 10.8e-10, id="Phys. Rev. D 47, 11 (1993), mu_e"),
        pytest.param("lsnd_2001", "mu_mu", 6.8e-10, id="hep-ex/0101039, mu_mu"),
    ],
)
def test_published_limits_lie_among_the_rules_and_variants(name: str, parameter: str, published: float) -> None:
    rows = [r for r in reproduced(name).rows if r.quantity == "upper_limit" and r.parameter == parameter]
    limits = [end(row) for row in rows if row.card.cl == reproduced(name).analysis.default.published[0].cl]
    assert min(limits) < published < max(limits)
