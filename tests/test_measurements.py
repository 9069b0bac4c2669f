"""Flux norms, a capture rate beside the spectrum, tables binned on reading, and folds that variants share."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from eventfit.analysis import Analysis
from eventfit.analysis.model import Model
from eventfit.analysis.problem import open_problem
from eventfit.cross_section import SNU, GalliumCapture
from eventfit.errors import DeclarationError
from eventfit.inference import Profile, fit, goodness_of_fit, impacts_on_limit
from eventfit.quadrature import Array
from eventfit.tables import Tables, shipped

#: seven bins of the spectrum of XENON1T, the whole Sun, three norms, and its capture rate on gallium
DECLARED = """
title = "Capture beside a spectrum"
cite = ["arXiv:2006.09721"]
poi = "mu_nu"
exposure = { value = 0.647309514, unit = "tonne year" }
target = { material = "xenon", electrons = "free" }
flux = [{ kind = "solar", model = "b16_gs98", components = ["pp", "pep", "hep", "be7", "b8", "n13", "o15", "f17"] }]
oscillation = { parameters = "nufit30_normal" }
process = [{ kind = "standard_model", order = "tree", sin2_theta_w = 0.23857 }, { kind = "magnetic_moment" }]
background = [{ name = "b0", table = "experiments/xenon1t_2020/background_b0", norm = { start = 1, bounds = [0, 5] } }]
data = { observed = "experiments/xenon1t_2020/counts", origin = ["xenon1t-sr1"] }

[response]
order = ["resolution", "efficiency"]
edges_keV = { start = 1, stop = 30, width = 1 }
resolution = { kind = "sqrt", a = 0.3171, b = 0.0015 }
efficiency = "experiments/xenon1t_2020/efficiency"

[[nuisance]]
name = "slow"
kind = "flux_norm"
components = ["pp"]
start = 1
bounds = [0, 5]

[[nuisance]]
name = "be7"
kind = "flux_norm"
components = ["be7"]
start = 1
bounds = [0, 5]

[[nuisance]]
name = "cno"
kind = "flux_norm"
components = ["n13", "o15", "f17"]
start = 0.5
bounds = [0, 5]
relative = 0.2

[[nuisance]]
name = "scale"
kind = "gaussian_scale"
relative = 0.1
applies_to = "all"

[[measurement]]
name = "gallium"
kind = "gallium_capture"
rate_SNU = 66.1
error_SNU = 3.1
relative_errors = [0.04, 0.01]
norms = ["slow", "cno"]
origin = ["sage"]
cite = ["arXiv:0901.2200"]

[variant.default]
meaning = "all of it"

[variant.alone]
meaning = "the spectrum alone"
measurement = []

[variant.all_shared]
meaning = "all norms enter the capture rate"
measurement.gallium.norms = ["slow", "be7", "cno"]

[variant.doubled]
meaning = "twice the error"
measurement.gallium.error_SNU = 6.2
measurement.gallium.relative_errors = []

[variant.stepping]
meaning = "bound electrons"
target.electrons = "stepping"
"""
BINS = 29
#: norms scaled by a flux norm, and by none
NORMS = {"slow": ("pp",), "be7": ("be7",), "cno": ("n13", "o15", "f17")}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    path = tmp_path_factory.mktemp("declared") / "capture.toml"
    path.write_text(DECLARED)
    return Analysis.load(path)


@pytest.fixture(scope="module")
def model(analysis: Analysis) -> Model:
    return analysis.model()


def at(model: Model, **values: float) -> Array:
    """The start with some parameters put in, by their local names."""
    likelihood = model.likelihood
    theta = likelihood.start.copy()
    for name, value in values.items():
        theta[likelihood.index(name if name == "mu2" else f"capture.{name}")] = value
    return theta


def rates(model: Model) -> dict[str, float]:
    """What each component makes of gallium, in SNU, from the capture process itself."""
    gallium = GalliumCapture.load(Tables(shipped("data")))
    return {flux.name: gallium.rate(flux) / SNU for flux in model.fluxes}


# -- invariant: flux norms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", NORMS)
def test_a_flux_norm_scales_the_weak_and_the_magnetic_part_of_its_components(model: Model, norm: str) -> None:
    mu2 = 7.0
    parts = {t.name: t.spectrum.values() for t in model.templates}
    own = sum(parts[f"{c}.standard_model"] + mu2 * parts[f"{c}.magnetic_moment"] for c in NORMS[norm])
    expected = [model.likelihood.expected(at(model, mu2=mu2, **{norm: f})) for f in (0.0, 1.0, 2.5)]
    np.testing.assert_allclose((expected[1] - expected[0])[:BINS], own, rtol=1e-9)
    np.testing.assert_allclose(expected[2] - expected[0], 2.5 * (expected[1] - expected[0]), rtol=1e-9, atol=1e-12)
    shared = norm in model.declaration.measurement[0].norms
    assert (expected[1][BINS] > expected[0][BINS]) == shared


def test_the_last_bin_expects_the_capture_rate_of_all_components(analysis: Analysis, model: Model) -> None:
    rate = rates(model)
    found = model.likelihood.expected(at(model, slow=1.3, be7=0.7, cno=0.4))[BINS]
    cno, rest = sum(rate[c] for c in NORMS["cno"]), rate["pep"] + rate["hep"] + rate["b8"]
    assert found == pytest.approx(1.3 * rate["pp"] + rate["be7"] + 0.4 * cno + rest, rel=1e-12)
    other = analysis.model("all_shared")
    found = other.likelihood.expected(at(other, slow=1.3, be7=0.7, cno=0.4))[BINS]
    assert found == pytest.approx(1.3 * rate["pp"] + 0.7 * rate["be7"] + 0.4 * cno + rest, rel=1e-12)
    assert model.likelihood.n_bin == BINS + 1
    assert 60.0 < sum(rate.values()) < 72.0  # LMA-MSW, as the measurement


def test_the_capture_rate_knows_nothing_of_the_detector(model: Model) -> None:
    nominal = model.likelihood.expected(at(model))
    changed = model.likelihood.expected(at(model, mu2=50.0, b0=0.5, scale=1.5))
    assert changed[BINS] == nominal[BINS]
    assert not np.any(changed[:BINS] == nominal[:BINS])


def test_a_norm_that_is_known_is_constrained_around_one(model: Model) -> None:
    """Whatever its start."""
    likelihood = model.likelihood
    cno = likelihood.parameters[likelihood.index("capture.cno")]
    assert (cno.start, cno.lower, cno.upper) == (0.5, 0.0, 5.0)
    asimov = likelihood.with_data(likelihood.asimov(at(model, cno=1.0)))
    values = [float(asimov.value(at(model, cno=f))) for f in (1.0, 1.4)]
    free = likelihood.expected(at(model, cno=1.4)) - likelihood.expected(at(model, cno=1.0))
    main = asimov.value(at(model, cno=1.4)) - 4.0
    assert values[0] == pytest.approx(0.0, abs=1e-9)
    assert main == pytest.approx(float(free[BINS] ** 2 / likelihood.errors[BINS] ** 2), abs=0.05)
    assert goodness_of_fit(fit(likelihood)).degrees_of_freedom == BINS + 1 + 2 - 6


@pytest.mark.parametrize(
    ("old", "new", "given"),
    [
        ('components = ["pp"]', 'components = ["pp", "pp"]', "pp, which slow scales already"),
        ('components = ["be7"]', 'components = ["pep", "pp"]', "pp, which slow scales already"),
    ],
    ids=["one norm twice", "two norms"],
)
def test_a_component_is_scaled_once(tmp_path: Path, old: str, new: str, given: str) -> None:
    """A factor that stands twice would be its square."""
    path = tmp_path / "capture.toml"
    path.write_text(DECLARED.replace(old, new, 1))
    with pytest.raises(DeclarationError, match=given):
        Analysis.load(path).model("alone")


# -- invariant: the measurement ---------------------------------------------------------------------------------------


def test_without_the_measurement_the_spectrum_expects_the_same(analysis: Analysis, model: Model) -> None:
    alone = analysis.model("alone")
    values = {"mu2": 3.0, "slow": 1.2, "be7": 0.8, "cno": 1.1, "b0": 0.9, "scale": -0.4}
    assert alone.likelihood.n_bin == BINS
    assert not len(alone.likelihood.errors)
    np.testing.assert_array_equal(
        alone.likelihood.expected(at(alone, **values)), model.likelihood.expected(at(model, **values))[:BINS]
    )
    expected = model.likelihood.expected(at(model, **values))
    np.testing.assert_array_equal(model.spectrum_of(expected), expected[:BINS])
    assert alone.likelihood.names == model.likelihood.names


@pytest.mark.parametrize(
    ("variant", "error"),
    [("default", math.sqrt(3.1**2 + (0.04 * 66.1) ** 2 + (0.01 * 66.1) ** 2)), ("doubled", 6.2)],
)
def test_it_adds_one_squared_pull(analysis: Analysis, variant: str, error: float) -> None:
    with_it, alone = analysis.model(variant), analysis.model("alone")
    for values in ({}, {"slow": 0.5, "mu2": 4.0}, {"slow": 1.6, "cno": 2.0}):
        expected = with_it.likelihood.expected(at(with_it, **values))[BINS]
        rise = with_it.likelihood.value(at(with_it, **values)) - alone.likelihood.value(at(alone, **values))
        assert rise == pytest.approx(((expected - 66.1) / error) ** 2, rel=1e-9)


def test_toys_fluctuate_it_by_its_error(model: Model) -> None:
    theta = at(model, slow=1.1)
    toys = model.likelihood.toys(theta, 20_000, np.random.default_rng(4)).counts[:, BINS]
    expected = model.likelihood.expected(theta)[BINS]
    assert stats.kstest((toys - expected) / model.declaration.measurement[0].error, "norm").pvalue > 1e-3


def test_its_bin_has_its_name_and_its_paper_is_cited(analysis: Analysis, model: Model) -> None:
    problem = open_problem(str(analysis.path))
    assert problem.bins[-2:] == ("29-30 keV", "gallium")
    assert {"arXiv:0901.2200", "hep-ph/9710491"} <= set(model.cite)
    assert "cross_section/gallium_capture" in model.likelihood.input_hashes
    assert "cross_section/gallium_capture" not in analysis.model("alone").likelihood.input_hashes


def test_it_drives_the_limit_by_its_error(model: Model) -> None:
    """A higher capture rate leaves more flux to weak scattering, and so less to the moment."""
    impact = {i.name: i for i in impacts_on_limit(Profile(model.likelihood, "mu2"))}[f"bin {BINS + 1}"]
    assert impact.up < 0 < impact.down


# -- invariant: tables binned on reading ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def xenonnt() -> Analysis:
    return Analysis.load("xenonnt_2022")


def test_events_are_counted_in_the_bins_of_the_response(xenonnt: Analysis, tmp_path: Path) -> None:
    """The 433 events as they are and as counts make one likelihood, up to the hash of the table."""
    counted = xenonnt.model()
    text = xenonnt.path.read_text()
    old = 'observed = "experiments/xenonnt_2022/counts"'
    assert text.count(old) == 1
    path = tmp_path / "xenonnt_2022.toml"
    path.write_text(text.replace(old, 'observed = "experiments/xenonnt_2022/events"'))
    own = Analysis.load(path).model()
    np.testing.assert_array_equal(own.likelihood.data.counts, counted.likelihood.data.counts)
    assert own.observed.values().sum() == 433
    theta = counted.likelihood.start
    assert own.likelihood.value(theta) == counted.likelihood.value(theta)


def test_a_curve_is_integrated_over_every_bin(xenonnt: Analysis) -> None:
    """Trapezoids by hand, over bins that begin and end between the points of the curve."""
    (fine,), (coarse,) = xenonnt.model("fine_bins").backgrounds, xenonnt.model().backgrounds
    curve = Tables(shipped("data")).read("experiments/xenonnt_2022/background_b0_density")
    for bin_ in (0, 137, 500, 999):
        expected = integral(curve["energy_keV"], curve["expected_per_keV"], *fine.edges[bin_ : bin_ + 2])
        assert fine.values()[bin_] == pytest.approx(expected, rel=1e-9)
    whole = integral(curve["energy_keV"], curve["expected_per_keV"], 1.0, 30.0)
    assert fine.values().sum() == pytest.approx(whole, rel=1e-12)
    assert fine.values().sum() == pytest.approx(coarse.values().sum(), rel=5e-3)


def integral(x: Array, y: Array, low: float, high: float) -> float:
    """By trapezoids between the points of a curve."""
    knots = np.unique(np.concatenate([[low, high], np.clip(x, low, high)]))
    return float(np.trapezoid(np.interp(knots, x, y), knots))


def test_fine_bins_have_the_profile_of_single_events(xenonnt: Analysis) -> None:
    mu2 = np.array([0.0, 0.1, 0.3, 0.5, 1.0])
    single, fine, coarse = (
        Profile(xenonnt.model(variant).likelihood, "mu2").deltas(mu2)
        for variant in ("unbinned", "fine_bins", "default")
    )
    assert 2.5 < single[3] < 2.706 < single[4]
    assert fine[:4] == pytest.approx(single[:4], abs=1e-2)
    assert fine == pytest.approx(single, rel=5e-3)
    assert np.abs(coarse - single)[:4].max() > 5e-2  # so the test can tell


# -- invariant: shared folds ------------------------------------------------------------------------------------------


def test_shared_folds_are_the_folds(analysis: Analysis) -> None:
    for variant in analysis.variants:
        shared = analysis.model(variant)
        alone = Analysis.load(analysis.path).model(variant)
        for ours, theirs in zip(shared.templates, alone.templates, strict=True):
            assert ours.name == theirs.name
            np.testing.assert_array_equal(ours.spectrum.values(), theirs.spectrum.values())
        assert shared.likelihood.model_hash == alone.likelihood.model_hash


def test_variants_share_what_is_the_same_and_nothing_else(analysis: Analysis, xenonnt: Analysis) -> None:
    model = analysis.model()
    for variant in ("alone", "all_shared", "doubled"):
        assert all(a is b for a, b in zip(model.templates, analysis.model(variant).templates, strict=True))
    for ours, theirs in zip(model.templates, analysis.model("stepping").templates, strict=True):
        assert ours.spectrum.values()[0] > theirs.spectrum.values()[0]
    default = xenonnt.model()
    for variant in ("efficiency_first", "free_electrons", "fine_bins", "unbinned"):
        assert not any(a is b for a, b in zip(default.templates, xenonnt.model(variant).templates, strict=True))
    assert not len(default.templates[0].density)
    assert len(xenonnt.model("unbinned").templates[0].density) == 433


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [pytest.param(4.1, id="arXiv:1707.09355, 66.1 +- 4.1 SNU in total")])
def test_total_error_of_the_capture_rate(model: Model, error: float) -> None:
    assert model.declaration.measurement[0].error == pytest.approx(error, abs=0.05)
