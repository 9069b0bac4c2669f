"""Errors of the response: exact re-folds, the morphs that fits see, and nuisances of HistFactory in declarations."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime, brentq, minimize, minimize_scalar
from typer.testing import CliRunner

from eventfit.analysis import Analysis, Model
from eventfit.cli import app
from eventfit.cross_section import (
    CoherentScattering,
    FreeElectrons,
    Helm,
    MagneticMoment,
    Process,
    StandardModelElectron,
    SteppingElectrons,
)
from eventfit.errors import EventfitError, NumericalError, OutOfRange
from eventfit.flux import Flux, solar_flux
from eventfit.folding import Refold, bent, fold, morph
from eventfit.folding.morph import Morphed
from eventfit.folding.refold import Point, distorted
from eventfit.inference import Profile, upper_limit_qmu_tilde
from eventfit.inference.fitting.batch import fit_batch
from eventfit.inference.fitting.fit import Minimiser, fit
from eventfit.interpolation import smooth_even
from eventfit.likelihood import BinScale, Component, Likelihood, MorphEven, MorphPower, Power
from eventfit.likelihood.plain import from_plain, to_plain
from eventfit.parameters import GaussianConstraint, Parameter
from eventfit.quadrature import Array
from eventfit.report.spectrum_view import expected_parts, signal_names
from eventfit.response import (
    Acceptance,
    ConstantQuenching,
    Distortion,
    Efficiency,
    EfficiencyBand,
    EnergyScale,
    PerfectResolution,
    QuenchingScale,
    ResolutionWidth,
    Response,
    SqrtResolution,
    ThresholdShift,
)
from eventfit.spectrum import Template
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import tonne, year

TABLES = Tables(shipped("data"))
XENON = Target.load(TABLES, "xenon")
MAGNETIC = MagneticMoment(SteppingElectrons(XENON))
COHERENT = CoherentScattering(XENON.nuclei(TABLES)[4], Helm(), 0.2386)
FLUXES = solar_flux(TABLES, ["pp", "be7"], "b16_gs98")
#: enough energy for nuclei of xenon to recoil with 4 keV
HARD = solar_flux(TABLES, ["b8"], "b16_gs98")
SCALE = 0.65 * tonne * year * XENON.units_per_kg
EDGES = np.arange(1.0, 31.0)
NUCLEAR_EDGES = (1.0, 1.25, 1.5, 2.0)
VALID = Path(__file__).parent / "broken" / "valid.toml"
XENON1T = "experiments/xenon1t_2020"


def curve(name: str) -> Efficiency:
    table = TABLES.read(f"{XENON1T}/{name}")
    return Efficiency(table["energy_keV"], table["efficiency"], name)


SMEARED = Response(("resolution", "efficiency"), SqrtResolution(0.3171, 0.0015), curve("efficiency"))
QUENCHED = replace(SMEARED, order=("quenching", "resolution", "efficiency"), quenching=ConstantQuenching(0.5))
BARE = Response(("resolution",), SqrtResolution(0.3171, 0.0015))
PERFECT = Response(("resolution",), PerfectResolution())
BAND = EfficiencyBand(curve("efficiency"), curve("efficiency_down"), curve("efficiency_up"))
ELECTRONS, NUCLEI = (MAGNETIC, tuple(EDGES)), (COHERENT, NUCLEAR_EDGES)
#: each with the response that it is an error of, and recoils that are seen so
EVERY: Mapping[str, tuple[Response, Distortion, tuple[Process, tuple[float, ...]]]] = {
    "energy_scale": (SMEARED, EnergyScale(0.02), ELECTRONS),
    "offset": (SMEARED, EnergyScale(offset=0.05), ELECTRONS),
    "resolution": (SMEARED, ResolutionWidth(0.1), ELECTRONS),
    "threshold": (SMEARED, ThresholdShift(0.05), ELECTRONS),
    "quenching": (QUENCHED, QuenchingScale(0.02), NUCLEI),
    "efficiency": (SMEARED, BAND, ELECTRONS),
}
EACH = pytest.mark.parametrize("name", EVERY)


@cache
def counts(response: Response, process: Process = MAGNETIC, edges: tuple[float, ...] = tuple(EDGES)) -> Array:
    """Counts (n_template, n_bin) of a plain fold."""
    return np.array([t.spectrum.values() for t in folded(response, process, edges)])


def folded(response: Response, process: Process, edges: tuple[float, ...] = tuple(EDGES)) -> tuple[Template, ...]:
    bins = np.array(edges)
    return fold(sources(process), [process], response, bins, exposure=SCALE, units_per_kg=1.0)


def sources(process: Process) -> Sequence[Flux]:
    return HARD if process.recoil == "nucleus" else FLUXES


def morphed(
    response: Response,
    distortions: Mapping[str, Distortion],
    process: Process = MAGNETIC,
    edges: tuple[float, ...] = tuple(EDGES),
    tolerance: float = 1e-3,
) -> Morphed:
    allowed = dict.fromkeys(distortions, tolerance)
    templates = folded(response, process, edges)
    return morph(templates, sources(process), [process], response, distortions, allowed, scale=SCALE)


@cache
def alone(name: str) -> Morphed:
    response, distortion, seen = EVERY[name]
    return morphed(response, {name: distortion}, *seen)


def by_morph(found: Morphed, point: Point) -> Array:
    return np.array([bent(template, point) for template in found.templates])


def distance(ours: Array, exact: Array) -> float:
    """The largest, relative to a bin, or to a thousandth of the largest bin."""
    return float(np.max(np.abs(ours - exact) / np.maximum(exact, 1e-3 * exact.max(axis=1, keepdims=True))))


# -- invariant: exact re-folds ----------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("theta", [-3.0, -1.0, 0.0, 2.0])
def test_a_refold_is_the_fold_of_that_response(name: str, theta: float) -> None:
    response, distortion, (process, edges) = EVERY[name]
    point: Point = ((name, theta),)
    bins = np.array(edges)
    refold = Refold.build(sources(process), [process], response, bins, {name: distortion}, [point], scale=SCALE)
    np.testing.assert_allclose(refold.at(point)[0], counts(distortion.at(response, theta), process, edges), rtol=2e-5)


@pytest.mark.parametrize("theta", [-2.0, 1.0, 3.0])
def test_a_scale_is_a_relabelled_axis(theta: float) -> None:
    """x (1 + d) + o lies between the edges where x lies between the edges moved the other way."""
    relative, offset = 0.02, 0.03
    moved = (EDGES - offset * theta) / (1 + relative * theta)
    expected = counts(BARE, edges=tuple(moved))
    np.testing.assert_allclose(counts(EnergyScale(relative, offset).at(BARE, theta)), expected, rtol=2e-5)


def test_a_scale_moves_the_axis_under_an_efficiency_behind_the_resolution() -> None:
    """There the efficiency is taken at the wrong value: as if its energies had moved the other way."""
    stretched = replace(SMEARED, efficiency=Acceptance(curve("efficiency").energy / 1.02, curve("efficiency").value))
    expected = counts(stretched, edges=tuple(EDGES / 1.02))
    np.testing.assert_allclose(counts(EnergyScale(0.02).at(SMEARED, 1.0)), expected, rtol=2e-5)


def test_a_scale_leaves_an_efficiency_before_the_resolution() -> None:
    first = replace(SMEARED, order=("efficiency", "resolution"))
    expected = counts(first, edges=tuple(EDGES / 1.02))
    np.testing.assert_allclose(counts(EnergyScale(0.02).at(first, 1.0)), expected, rtol=2e-5)


def test_a_wider_resolution_is_that_resolution() -> None:
    wider = replace(SMEARED, resolution=SqrtResolution(1.2 * 0.3171, 1.2 * 0.0015))
    np.testing.assert_allclose(counts(ResolutionWidth(0.1).at(SMEARED, 2.0)), counts(wider), rtol=1e-9)


def test_quenching_scales_the_factor() -> None:
    more = replace(QUENCHED, quenching=ConstantQuenching(0.55))
    ours = counts(QuenchingScale(0.05).at(QUENCHED, 2.0), *NUCLEI)
    np.testing.assert_allclose(ours, counts(more, *NUCLEI), rtol=1e-9)


def test_without_smearing_quenching_is_a_scale() -> None:
    sharp = Response(("quenching", "resolution"), PerfectResolution(), quenching=ConstantQuenching(0.5))
    low = (COHERENT, (0.3, 0.6, 1.0))
    ours, scaled = QuenchingScale(0.02).at(sharp, 1.0), EnergyScale(0.02).at(sharp, 1.0)
    np.testing.assert_allclose(counts(ours, *low), counts(scaled, *low), rtol=1e-9)


@pytest.mark.parametrize("by", [-0.4, 0.1, 0.7])
def test_a_moved_threshold_is_the_curve_moved(by: float) -> None:
    step = Efficiency(np.array([0.0, 2.0, 3.0, 60.0]), np.array([0.0, 0.0, 0.9, 0.8]))
    moved = ThresholdShift(0.1).at(replace(SMEARED, efficiency=step), 10 * by).efficiency
    assert moved is not None
    x = np.linspace(0.0, 60.0, 997)
    np.testing.assert_allclose(moved(x), np.interp(x - by, step.energy, step.value), atol=1e-12)
    assert moved.energy[[0, -1]].tolist() == [0.0, 60.0]  # known where it was known


def test_a_band_has_its_tables_at_its_edges() -> None:
    for theta, name in ((-1.0, "efficiency_down"), (0.0, "efficiency"), (1.0, "efficiency_up")):
        at = BAND.at(SMEARED, theta).efficiency
        assert at is not None
        np.testing.assert_allclose(at.value, curve(name).value, atol=1e-14)
        np.testing.assert_allclose(
            counts(BAND.at(SMEARED, theta)), counts(replace(SMEARED, efficiency=curve(name))), rtol=1e-9
        )


def test_a_band_moves_with_the_threshold_whatever_is_declared_first() -> None:
    both: Mapping[str, Distortion] = {"t": ThresholdShift(0.1), "b": BAND}
    one, other = (distorted(SMEARED, both, point) for point in ((("t", 1.0), ("b", 2.0)), (("b", 2.0), ("t", 1.0))))
    np.testing.assert_array_equal(counts(one), counts(other))
    assert one.efficiency is not None
    expected = curve("efficiency").value + (curve("efficiency_up").value - curve("efficiency_down").value)
    odd = 0.5 * (curve("efficiency_up").value + curve("efficiency_down").value) - curve("efficiency").value
    at_two = np.interp(4.9, curve("efficiency").energy, expected + 2.0 * odd)  # beyond +-1 the even part is |theta|
    assert one.efficiency(np.array([5.0]))[0] == pytest.approx(at_two, rel=1e-9)


@pytest.mark.parametrize("distortion", [EnergyScale(0.002, 0.2), ResolutionWidth(0.1)], ids=["scale", "width"])
def test_a_wide_window_keeps_its_sum(distortion: Distortion) -> None:
    """Where everything is seen, nothing is gained or lost."""
    be7, weak = FLUXES[1:], StandardModelElectron(FreeElectrons(XENON), 0.2386)
    edges = np.array([-60.0, *np.arange(10.0, 700.0, 30.0), 900.0])
    templates = fold(be7, [weak], BARE, edges, exposure=SCALE, units_per_kg=1.0)
    found = morph(templates, be7, [weak], BARE, {"error": distortion}, {"error": 1e-2}, scale=SCALE)
    total = templates[0].spectrum.values().sum()
    for theta in (-3.0, 3.0):
        (exact,) = fold(be7, [weak], distortion.at(BARE, theta), edges, exposure=SCALE, units_per_kg=1.0)
        assert exact.spectrum.values().sum() == pytest.approx(total, rel=1e-6)
        assert np.abs(exact.spectrum.values() - templates[0].spectrum.values()).max() > 1e-3 * total
    for bend in found.templates[0].bends:
        assert abs(bend.counts.sum()) < 1e-4 * np.abs(bend.counts).sum()


@pytest.mark.parametrize(
    ("distortion", "what"),
    [
        (ResolutionWidth(0.1), "width"),
        (ThresholdShift(0.1), "threshold"),
        (QuenchingScale(0.1), "quenching"),
        (BAND, "band"),
    ],
    ids=["resolution", "threshold", "quenching", "efficiency"],
)
def test_what_is_not_there_cannot_be_wrong(distortion: Distortion, what: str) -> None:
    with pytest.raises(OutOfRange, match=what):
        distortion.at(PERFECT, 1.0)


def test_a_band_needs_its_own_energies_and_a_width() -> None:
    short = Efficiency(np.array([0.0, 60.0]), np.array([0.8, 0.9]))
    with pytest.raises(OutOfRange, match=r"2 points from 0 to 60 keV(.|\n)*1000 points"):
        EfficiencyBand(curve("efficiency"), short, curve("efficiency_up"))
    with pytest.raises(OutOfRange, match="no width"):
        EfficiencyBand(curve("efficiency"), curve("efficiency"), curve("efficiency"))


def test_quenching_without_an_efficiency_folds() -> None:
    sharp = Response(("quenching", "resolution"), BARE.resolution, quenching=ConstantQuenching(1.0))
    np.testing.assert_allclose(counts(sharp, *NUCLEI), counts(BARE, *NUCLEI), rtol=1e-12)


# -- invariant: morphs ------------------------------------------------------------------------------------------------


@EACH
def test_at_zero_a_morph_is_the_template(name: str) -> None:
    found = alone(name)
    response, _, seen = EVERY[name]
    np.testing.assert_array_equal(by_morph(found, ()), counts(response, *seen))
    np.testing.assert_array_equal(by_morph(found, ((name, 0.0),)), counts(response, *seen))


@EACH
def test_a_morph_is_as_exact_as_it_says(name: str) -> None:
    response, distortion, seen = EVERY[name]
    found = alone(name)
    (stated,) = found.errors
    assert stated.names == (name,)
    assert stated.error <= 1e-3
    for theta in (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0):
        exact = counts(distortion.at(response, theta), *seen)
        moved = distance(counts(response, *seen), exact)
        assert moved > 20 * stated.error  # it bends by far more than it is wrong
        assert distance(by_morph(found, ((name, theta),)), exact) <= stated.error + 1e-5
    between = (-2.7, -0.3, 0.8, 1.7)  # where it was not measured
    worst = max(distance(by_morph(found, ((name, x),)), counts(distortion.at(response, x), *seen)) for x in between)
    assert worst <= 1.5 * stated.error + 1e-5


def test_a_band_is_linear_to_rounding() -> None:
    assert alone("efficiency").errors[0].error < 1e-6
    for template in alone("efficiency").templates:
        assert [dict(bend.orders) for bend in template.bends] == [{"efficiency": 1}, {"efficiency": 0}]


def test_errors_together_are_as_exact_as_they_say() -> None:
    errors: Mapping[str, Distortion] = {"scale": EnergyScale(0.02), "width": ResolutionWidth(0.1), "band": BAND}
    found = morphed(SMEARED, errors)
    stated = {error.names: error for error in found.errors}
    assert set(stated) == {n for k in (1, 2, 3) for n in itertools.combinations(errors, k)}
    assert all(error.error <= error.tolerance == 1e-3 for error in found.errors)
    for names in itertools.combinations(errors, 2):
        for signs in itertools.product((-3.0, 3.0), repeat=2):
            point: Point = tuple(zip(names, signs, strict=True))
            exact = counts(distorted(SMEARED, errors, point))
            assert distance(by_morph(found, point), exact) <= stated[names].error + 1e-5
    for signs in itertools.product((-math.sqrt(3), math.sqrt(3)), repeat=3):
        point = tuple(zip(errors, signs, strict=True))
        exact = counts(distorted(SMEARED, errors, point))
        assert distance(by_morph(found, point), exact) <= stated["scale", "width", "band"].error + 1e-5


def test_pairs_have_terms_only_where_they_need_them() -> None:
    apart: Mapping[str, Distortion] = {"scale": EnergyScale(1e-3), "width": ResolutionWidth(1e-3)}
    assert [error.terms for error in morphed(SMEARED, apart).errors][2] == ()
    wide: Mapping[str, Distortion] = {"scale": EnergyScale(0.02), "width": ResolutionWidth(0.1)}
    found = morphed(SMEARED, wide)
    assert (1, 1) in found.errors[2].terms
    without = tuple(
        replace(template, bends=tuple(bend for bend in template.bends if len(bend.orders) == 1))
        for template in found.templates
    )
    corner: Point = (("scale", 3.0), ("width", 3.0))
    exact = counts(distorted(SMEARED, wide, corner))
    assert distance(np.array([bent(template, corner) for template in without]), exact) > 1e-3


def test_four_errors_are_measured_together() -> None:
    errors: Mapping[str, Distortion] = {
        "scale": EnergyScale(0.005),
        "offset": EnergyScale(offset=0.01),
        "width": ResolutionWidth(0.03),
        "band": BAND,
    }
    found = morphed(SMEARED, errors)
    assert found.errors[-1].names == tuple(errors)
    point: Point = tuple((name, -1.5) for name in errors)
    exact = counts(distorted(SMEARED, errors, point))
    assert distance(by_morph(found, point), exact) <= found.errors[-1].error + 1e-5


def test_a_kink_at_a_sharp_edge_is_refused() -> None:
    """The edge of the 7Be line at 230.9 keV crosses a bin edge within the error: no polynomial does that."""
    weak = StandardModelElectron(FreeElectrons(XENON), 0.2386)
    with pytest.raises(NumericalError, match=r"morph of scale(.|\n)*be7.standard_model, 2[23]\d to"):
        morphed(PERFECT, {"scale": EnergyScale(0.01)}, weak, tuple(np.arange(200.0, 260.0, 10.0)))


def test_a_sharp_spectrum_without_kinks_bends_exactly() -> None:
    """In the window between the lines' edges a perfect resolution is no reason to refuse."""
    weak, window = StandardModelElectron(FreeElectrons(XENON), 0.2386), tuple(np.arange(300.0, 400.0, 10.0))
    found = morphed(PERFECT, {"scale": EnergyScale(0.01)}, weak, window)
    exact = counts(EnergyScale(0.01).at(PERFECT, 3.0), weak, window)[1]
    np.testing.assert_allclose(by_morph(found, (("scale", 3.0),))[1], exact, rtol=1e-4)


def test_what_is_too_wide_for_a_polynomial_is_refused() -> None:
    with pytest.raises(NumericalError, match=r"morph of scale x width(.|\n)*scale = .*, width = (.|\n)*tolerance"):
        morphed(SMEARED, {"scale": EnergyScale(0.1), "width": ResolutionWidth(0.19)})
    with pytest.raises(NumericalError, match="1e-07, its tolerance"):
        morphed(SMEARED, {"scale": EnergyScale(0.02)}, tolerance=1e-7)


def test_a_morph_below_zero_is_refused() -> None:
    """Four times as much efficiency error as there is efficiency: linear, so exact, but negative beyond 1 / 0.25."""
    nominal = curve("efficiency")
    down, up = (Acceptance(nominal.energy, (1 + sign * 0.25) * nominal.value) for sign in (-1, 1))
    with pytest.raises(NumericalError, match=r"negative within \+-5(.|\n)*band = -[45]"):
        morphed(SMEARED, {"band": EfficiencyBand(nominal, down, up)})


# -- invariant: the likelihood of a morph -----------------------------------------------------------------------------


def declared(folder: Path, nuisances: str, *, poi: str = "mu_nu", **changes: str) -> Model:
    """The shortest declaration with other nuisances."""
    text = VALID.read_text(encoding="utf-8")
    text = text.replace(
        '{ name = "b0_scale", kind = "gaussian_scale", relative = 0.026, applies_to = ["b0"] }', nuisances
    )
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "mine.toml"
    path.write_text(text.replace('poi = "mu_nu"', f'poi = "{poi}"'), encoding="utf-8")
    return Analysis.load(path).model()


MINIMISERS: tuple[Minimiser, ...] = ("newton", "migrad")
B0 = '{ name = "b0_scale", kind = "gaussian_scale", relative = 0.026, applies_to = ["b0"] }'
SHIFT = '{ name = "scale", kind = "energy_scale", relative = 0.02, backgrounds = "fixed", tolerance = 2e-4 }'
#: one that moves a limit: relative changes alone hardly bend 1 / T
OFFSET = SHIFT.replace("relative = 0.02", "relative = 0.02, offset_keV = 0.15").replace("2e-4", "5e-4")
WIDTH = '{ name = "width", kind = "resolution", relative = 0.1, backgrounds = "fixed", tolerance = 2e-4 }'
EFFICIENCY_BAND = (
    f'{{ name = "band", kind = "efficiency", down = "{XENON1T}/efficiency_down", up = "{XENON1T}/efficiency_up", '
    f'backgrounds = {{ b0 = {{ down = "{XENON1T}/background_b0_efficiency_down", '
    f'up = "{XENON1T}/background_b0_efficiency_up" }} }} }}'
)
ALL = f"{B0}, {SHIFT}, {WIDTH}, {EFFICIENCY_BAND}"


@pytest.fixture
def whole(tmp_path: Path) -> Model:
    return declared(tmp_path, ALL)


def test_the_likelihood_expects_the_morph(whole: Model) -> None:
    likelihood = whole.likelihood
    theta = np.array([3.0, 0.5, 1.5, -2.0, 0.7])
    assert likelihood.names == ("mu2", "mine.b0_scale", "mine.scale", "mine.width", "mine.band")
    (template,) = whole.templates
    point: Point = (("scale", 1.5), ("width", -2.0), ("band", 0.7))
    b0, down, up = (
        TABLES.read(f"{XENON1T}/background_b0{edge}")["expected_counts"]
        for edge in ("", "_efficiency_down", "_efficiency_up")
    )
    even = float(smooth_even(np.array(0.7))[0])
    background = (1 + 0.026 * 0.5) * (b0 + 0.7 * 0.5 * (up - down) + even * 0.5 * (up + down - 2 * b0))
    np.testing.assert_allclose(likelihood.expected(theta), 3.0 * bent(template, point) + background, rtol=1e-12)


def test_shown_components_are_whole(whole: Model) -> None:
    theta = np.array([3.0, 0.5, 1.5, -2.0, 0.7])
    parts = whole.likelihood.expected_by_component(theta)
    assert set(parts) == {"be7.magnetic_moment", "b0"}
    np.testing.assert_allclose(sum(parts.values()), whole.likelihood.expected(theta), rtol=1e-12)
    (template,) = whole.templates
    signal = 3.0 * bent(template, (("scale", 1.5), ("width", -2.0), ("band", 0.7)))
    np.testing.assert_allclose(parts["be7.magnetic_moment"], signal, rtol=1e-12)


def test_figures_show_components_whole(whole: Model) -> None:
    theta = np.array([3.0, 0.5, 1.5, -2.0, 0.7])
    assert signal_names(whole.likelihood, "mu2") == {"be7.magnetic_moment"}
    assert whole.likelihood.whole_components == ("be7.magnetic_moment", "b0")
    parts = expected_parts(whole.likelihood, theta, whole)
    assert set(parts) == set(whole.likelihood.whole_components)
    np.testing.assert_allclose(sum(parts.values()), whole.likelihood.expected(theta), rtol=1e-12)


def test_derivatives_are_those_of_the_value(whole: Model) -> None:
    likelihood = whole.likelihood
    for theta in (np.array([3.0, 0.5, 1.5, -2.0, 0.7]), np.array([8.0, -0.5, -0.4, 2.5, -1.6])):
        value, gradient, hessian = likelihood.derivatives(theta)
        assert value == pytest.approx(likelihood.value(theta), rel=1e-12)
        numerical = approx_fprime(theta, likelihood.value, 1e-6)
        np.testing.assert_allclose(gradient, numerical, rtol=1e-4, atol=1e-3)
        step = 1e-5 * np.eye(5)
        second = [(likelihood.gradient(theta + s) - likelihood.gradient(theta - s)) / 2e-5 for s in step]
        np.testing.assert_allclose(hessian, np.array(second), rtol=1e-5, atol=1e-4)


def test_information_is_that_of_exact_refolds(tmp_path: Path) -> None:
    """Fisher information of (mu2, scale), with derivatives of the expectation from folds on either side."""
    model = declared(tmp_path, OFFSET)
    theta = np.array([300.0, 0.0])
    be7 = (solar_flux(TABLES, ["be7"], "b16_gs98")[0],)
    free, exposure = MagneticMoment(FreeElectrons(XENON)), 0.647309514 * tonne * year

    def signal(x: float) -> Array:
        response = EnergyScale(0.02, 0.15).at(SMEARED, x)
        (template,) = fold(be7, [free], response, EDGES, exposure=exposure, units_per_kg=XENON.units_per_kg)
        return template.spectrum.values()

    expected = 300.0 * signal(0.0) + TABLES.read(f"{XENON1T}/background_b0")["expected_counts"]
    slopes = np.array([signal(0.0), 300.0 * (signal(0.3) - signal(-0.3)) / 0.6])
    information = (slopes / expected) @ slopes.T + np.diag([0.0, 1.0])
    np.testing.assert_allclose(model.likelihood.fisher(theta), 2.0 * information, rtol=5e-3)


def test_batch_fits_are_single_fits(whole: Model) -> None:
    likelihood = whole.likelihood
    theta = np.array([4.0, 0.0, 1.0, -1.0, 0.5])
    thrown = likelihood.toys(theta, 64, np.random.default_rng(5))
    batch = likelihood.with_data(thrown)
    found = fit_batch(batch, np.tile(theta, (64, 1)))
    assert not found.failed.any()
    for row in range(0, 64, 8):
        for minimiser in MINIMISERS:
            one = fit(batch.rows(row), minimiser=minimiser)
            assert found.minus_2_ln_l[row] == pytest.approx(one.minus_2_ln_l, abs=1e-5)
            np.testing.assert_allclose(found.values[row], one.values, atol=5e-3)


def test_toys_fluctuate_what_constrains_an_error(whole: Model) -> None:
    theta = np.array([4.0, 0.3, 1.0, -1.0, 0.5])
    thrown = whole.likelihood.toys(theta, 20000, np.random.default_rng(7))
    np.testing.assert_allclose(thrown.auxiliary.mean(axis=0), theta[1:], atol=5 / math.sqrt(20000))
    np.testing.assert_allclose(thrown.auxiliary.std(axis=0), 1.0, atol=5 / math.sqrt(40000))
    expected = whole.likelihood.expected(theta)
    np.testing.assert_allclose(thrown.counts.mean(axis=0), expected, atol=5 * np.sqrt(expected.max() / 20000))


def test_an_error_is_no_mirrored_coupling(whole: Model) -> None:
    likelihood = whole.likelihood
    powers = {f.exponent for c in likelihood.components for f in c.factors if isinstance(f, MorphPower)}
    assert max(powers) >= 2
    assert not likelihood.mirrored.any()
    assert not likelihood.kinks.any()
    lower, upper = likelihood.bounds
    assert lower[2:].tolist() == [-5, -5, -5]
    assert upper[2:].tolist() == [5, 5, 5]


def test_a_worker_gets_the_same_morph(whole: Model) -> None:
    again = from_plain(to_plain(whole.likelihood))
    assert again.model_hash == whole.likelihood.model_hash
    theta = np.array([3.0, 0.5, 1.5, -2.0, 0.7])
    assert set(again.expected_by_component(theta)) == {"be7.magnetic_moment", "b0"}


def test_a_morph_that_folds_back_has_both_minima() -> None:
    """A bin that rises on both sides of zero: the excess is described at either, the lower one is found."""
    odd, even = np.array([0.0, 15.0]), np.array([60.0, 5.0])
    parts = [
        Component("b", np.array([100.0, 100.0])),
        Component("b odd", odd, (Power("x"),), of="b"),
        Component("b even", even, (MorphPower("x", 2),), of="b"),
        Component("signal", np.array([0.0, 1.0]), (Power("mu"),)),
    ]
    parameters = [
        Parameter("mu", lower=0.0, upper=1e-6),
        Parameter("x", lower=-5.0, upper=5.0, constraint=GaussianConstraint(0.0, 1.0)),
    ]
    for sign in (-1.0, 1.0):
        data = (np.array([100.0, 100.0]) + sign * odd + even).round()
        likelihood = Likelihood.build(parameters, parts, data)
        scan = np.linspace(-4, 4, 801)
        values = [float(likelihood.value(np.array([0.0, x]))) for x in scan]
        best = fit(likelihood)
        assert best.minus_2_ln_l <= min(values) + 1e-6
        assert np.sign(best["x"]) == sign
        batch = fit_batch(likelihood, np.array([[0.0, -sign]]))
        assert batch.minus_2_ln_l[0] == pytest.approx(best.minus_2_ln_l, abs=1e-6)


def test_a_limit_is_that_of_a_profile_with_exact_refolds(tmp_path: Path) -> None:
    """Brute force: at every theta a fold of its own, minimised without derivatives; no morph, none of our fits."""
    model = declared(tmp_path, f"{B0}, {OFFSET}")
    found = upper_limit_qmu_tilde(Profile(model.likelihood, "mu2"), cl=0.90)
    be7 = (solar_flux(TABLES, ["be7"], "b16_gs98")[0],)
    free, exposure = MagneticMoment(FreeElectrons(XENON)), 0.647309514 * tonne * year
    n, b0 = (
        TABLES.read(f"{XENON1T}/{name}")[c]
        for name, c in (("counts", "observed_counts"), ("background_b0", "expected_counts"))
    )

    @cache
    def signal(x: float) -> Array:
        response = EnergyScale(0.02, 0.15).at(SMEARED, x)
        (template,) = fold(be7, [free], response, EDGES, exposure=exposure, units_per_kg=XENON.units_per_kg)
        return template.spectrum.values()

    def value(mu2: float, scale: float, norm: float) -> float:
        expected = mu2 * signal(scale) + (1 + 0.026 * norm) * b0
        return 2 * float(np.sum(expected - n + n * np.log(n / expected))) + scale**2 + norm**2

    def norm_profiled(mu2: float, scale: float) -> float:
        return float(minimize_scalar(lambda norm: value(mu2, scale, norm), (-1.0, 0.0), tol=1e-10).fun)

    def profiled(mu2: float) -> float:
        return float(
            minimize_scalar(
                lambda x: norm_profiled(mu2, x), bounds=(-3, 3), method="bounded", options={"xatol": 1e-5}
            ).fun
        )

    best = minimize_scalar(profiled, bounds=(0.0, 200.0), method="bounded", options={"xatol": 1e-4})
    limit = brentq(lambda mu2: profiled(mu2) - best.fun - 1.6423744151498, best.x, 300.0, xtol=1e-4)
    assert found.value == pytest.approx(limit, rel=3e-4)
    fixed = declared(tmp_path, B0)
    assert abs(upper_limit_qmu_tilde(Profile(fixed.likelihood, "mu2"), cl=0.90).value / limit - 1) > 3e-3  # it matters


# -- invariant: declarations ------------------------------------------------------------------------------------------


def test_backgrounds_do_what_is_said(tmp_path: Path) -> None:
    at = np.array([0.0, 1.0])
    b0, up = (TABLES.read(f"{XENON1T}/background_b0{e}")["expected_counts"] for e in ("", "_efficiency_up"))
    fixed = declared(tmp_path, EFFICIENCY_BAND[: EFFICIENCY_BAND.index("backgrounds")] + 'backgrounds = "fixed" }')
    np.testing.assert_allclose(fixed.likelihood.expected(at), b0, rtol=1e-12)
    np.testing.assert_allclose(declared(tmp_path, EFFICIENCY_BAND).likelihood.expected(at), up, rtol=1e-12)
    relative = '{ name = "eps", kind = "efficiency", relative = 0.03, backgrounds = { b0 = "scaled" } }'
    np.testing.assert_allclose(declared(tmp_path, relative).likelihood.expected(at), 1.03 * b0, rtol=1e-12)


def test_a_relative_efficiency_is_a_gaussian_scale_of_everything(tmp_path: Path) -> None:
    ours = declared(tmp_path, '{ name = "e", kind = "efficiency", relative = 0.03, backgrounds = { b0 = "scaled" } }')
    theirs = declared(tmp_path, '{ name = "e", kind = "gaussian_scale", relative = 0.03, applies_to = "all" }')
    for theta in (np.array([2.0, 1.3]), np.array([0.5, -2.0])):
        assert ours.likelihood.value(theta) == pytest.approx(float(theirs.likelihood.value(theta)), rel=1e-12)
    assert ours.bending == ()


def test_other_norms_scale_the_bent_part_too(tmp_path: Path) -> None:
    """Flux norms, scales and errors of the coupling multiply all of a template."""
    more = (
        '{ name = "be7_norm", kind = "flux_norm", components = ["be7"], start = 1, bounds = [0, 3] }, '
        '{ name = "eps", kind = "gaussian_scale", relative = 0.1, applies_to = ["signal"] }, '
        f'{{ name = "theory", kind = "coupling_error", size = 2.0 }}, {SHIFT}'
    )
    likelihood = declared(tmp_path, more).likelihood
    b0 = TABLES.read(f"{XENON1T}/background_b0")["expected_counts"]
    (template,) = declared(tmp_path, SHIFT).templates
    signal = bent(template, (("scale", 2.0),))
    at = {"mu2": 3.0, "mine.be7_norm": 1.4, "mine.eps": 0.5, "mine.theory": -0.7, "mine.scale": 2.0}
    theta = np.array([at[name] for name in likelihood.names])
    np.testing.assert_allclose(likelihood.expected(theta) - b0, (3.0 - 2.0 * 0.7) * 1.4 * 1.05 * signal, rtol=1e-10)


def test_all_folded_templates_move_with_one_error(tmp_path: Path) -> None:
    weak = "{ kind = 'standard_model', order = 'tree', sin2_theta_w = 0.2386 }"
    model = declared(
        tmp_path,
        SHIFT,
        **{'process = [{ kind = "magnetic_moment" }]': f"process = [{{ kind = 'magnetic_moment' }}, {weak}]"},
    )
    assert {t.term for t in model.templates} == {"magnetic_moment", "standard_model"}
    parts = model.likelihood.expected_by_component(np.array([2.0, 3.0]))
    for template, mu2 in zip(model.templates, (2.0, 1.0), strict=True):
        assert template.bends
        np.testing.assert_allclose(parts[template.name], mu2 * bent(template, (("scale", 3.0),)), rtol=1e-12)
    assert [error.label for error in model.bending] == ["scale"]  # the worst of both processes


def test_shared_parameters_have_global_names(tmp_path: Path) -> None:
    model = declared(tmp_path, f"{B0}, {SHIFT}", **{"result = [": 'shared = ["scale"]\nresult = ['})
    assert model.likelihood.names == ("mu2", "mine.b0_scale", "scale")
    local = declared(tmp_path, f"{B0}, {SHIFT}")
    theta = np.array([2.0, 0.4, -1.0])
    assert float(model.likelihood.value(theta)) == float(local.likelihood.value(theta))


def test_the_accuracy_is_told(tmp_path: Path) -> None:
    declared(tmp_path, f"{SHIFT}, {WIDTH}")
    run = CliRunner().invoke(app, ["validate", str(tmp_path / "mine.toml")])
    assert run.exit_code == 0, run.output
    for name in ("scale", "width", "scale x width"):
        assert f"morph of {name}: error " in run.stdout
    assert '"morph_errors"' in CliRunner().invoke(app, ["validate", str(tmp_path / "mine.toml"), "--json"]).stdout
    assert "morph error" in CliRunner().invoke(app, ["reproduce", str(tmp_path / "mine.toml")]).stdout


def test_a_model_without_such_errors_says_nothing_of_morphs(tmp_path: Path) -> None:
    model = declared(tmp_path, B0)
    assert model.morph_error is None
    assert "morph" not in CliRunner().invoke(app, ["validate", str(tmp_path / "mine.toml"), "--json"]).stdout


def test_a_morph_beyond_its_tolerance_ends_with_code_3(tmp_path: Path) -> None:
    text = VALID.read_text(encoding="utf-8").replace(B0, SHIFT.replace("2e-4", "1e-9"))
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    run = CliRunner().invoke(app, ["validate", str(tmp_path / "mine.toml")])
    assert run.exit_code == 3
    assert run.stderr.startswith("NumericalError: the morph of scale")
    assert "1e-09, its tolerance" in run.stderr


def test_a_background_that_turns_negative_is_refused(tmp_path: Path) -> None:
    """Tables at 0 and twice the background: at five standard deviations there is less than nothing."""
    name = written(tmp_path, "empty", np.zeros(29))
    tables = f'{{ down = "{name}", up = "{XENON1T}/background_b0" }}'
    moved = SHIFT.replace('backgrounds = "fixed"', f"backgrounds = {{ b0 = {tables} }}")
    with pytest.raises(NumericalError, match=r"negative within \+-5(.|\n)*nuisance\[scale\], bin 1"):
        declared(tmp_path, moved)


def test_an_offset_in_kev_means_nothing_in_hits(tmp_path: Path) -> None:
    text = (shipped("analyses") / "borexino_2017" / "analysis.toml").read_text(encoding="utf-8")
    error = '\n[[nuisance]]\nname = "offset"\nkind = "energy_scale"\noffset_keV = 1.0\nbackgrounds = "fixed"\n'
    (tmp_path / "mine.toml").write_text(
        text.replace("\n[[measurement]]", f"{error}\n[[measurement]]", 1), encoding="utf-8"
    )
    with pytest.raises(EventfitError, match=r"offset_keV(.|\n)*n_hits(.|\n)*relative alone"):
        Analysis.load(tmp_path / "mine.toml").model()


def test_off_data_measure_the_backgrounds(tmp_path: Path) -> None:
    """They do not follow the response, and errors of them mean nothing."""
    off = {
        "result = [": 'off = { time_ratio = 2.0, background = "per_bin" }\nresult = [',
        f'observed = "{XENON1T}/counts"': "asimov = true",
    }
    model = declared(tmp_path, SHIFT, **off)
    assert model.likelihood.names == ("mu2", "mine.scale")
    assert [scale.name for scale in model.likelihood.scales] == ["mine.off"]
    for wrong in (EFFICIENCY_BAND, HISTOSYS):
        with pytest.raises(EventfitError, match="OFF data measure"):
            declared(tmp_path, wrong, **off)


# -- invariant: HistFactory's errors in declarations ------------------------------------------------------------------

HISTOSYS = (
    f'{{ name = "shape", kind = "histosys", tables = {{ b0 = {{ down = "{XENON1T}/background_b0_efficiency_down", '
    f'up = "{XENON1T}/background_b0_efficiency_up" }} }} }}'
)
PROVENANCE = """title = "made up for a test"
cite = ["arXiv:2006.09721"]
where = "nowhere"
status = "computed"
obtained = "by the test"
licence = "none"
sha256 = "{sha256}"
[columns]
energy_low_keV = {{ unit = "keV", meaning = "low edge" }}
energy_high_keV = {{ unit = "keV", meaning = "high edge" }}
{column} = {{ unit = "counts", meaning = "made up" }}
[[check]]
kind = "sum"
column = "{column}"
value = {total}
tolerance = 1e-3
note = "as written"
"""


def written(folder: Path, name: str, values: Array, column: str = "expected_counts") -> str:
    """A table beside the declaration."""
    rows = [f"{low:g},{low + 1:g},{float(value)!r}" for low, value in zip(EDGES, values, strict=False)]
    text = "\n".join([f"energy_low_keV,energy_high_keV,{column}", *rows]) + "\n"
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    about = PROVENANCE.format(sha256=sha256, column=column, total=float(values.sum()))
    (folder / f"{name}.toml").write_text(about, encoding="utf-8")
    return name


def b0_tables() -> tuple[Array, Array, Array]:
    names = ("background_b0", "background_b0_efficiency_down", "background_b0_efficiency_up")
    b0, down, up = (TABLES.read(f"{XENON1T}/{name}")["expected_counts"] for name in names)
    return b0, down, up


@pytest.mark.parametrize("code", ["code0", "code4p"])
def test_histosys_joins_its_tables(tmp_path: Path, code: str) -> None:
    likelihood = declared(tmp_path, HISTOSYS.replace("} } }", f'}} }}, code = "{code}" }}')).likelihood
    b0, down, up = b0_tables()
    for theta, expected in (
        (-1.0, down),
        (0.0, b0),
        (1.0, up),
        (2.0, b0 + 2 * (up - b0)),
        (-3.0, b0 + 3 * (down - b0)),
    ):
        np.testing.assert_allclose(likelihood.expected(np.array([0.0, theta])), expected, rtol=1e-9)
    half = b0 + 0.5 * (up - b0)
    smooth = abs(likelihood.expected(np.array([0.0, 0.5])) / half - 1).max() > 1e-6
    assert smooth == (code == "code4p")
    assert {f.code for c in likelihood.components for f in c.factors if isinstance(f, MorphEven)} == {code[4:]}


@pytest.mark.parametrize("code", ["code1", "code4"])
def test_normsys_is_lo_and_hi(tmp_path: Path, code: str) -> None:
    error = f'{{ name = "rate", kind = "normsys", lo = 0.9, hi = 1.2, code = "{code}", applies_to = ["b0"] }}'
    likelihood = declared(tmp_path, error).likelihood
    b0 = b0_tables()[0]
    for theta, factor in ((-1.0, 0.9), (0.0, 1.0), (1.0, 1.2), (2.0, 1.44)):
        np.testing.assert_allclose(likelihood.expected(np.array([0.0, theta])), factor * b0, rtol=1e-12)
    at_half = likelihood.expected(np.array([0.0, 0.5])) / b0
    assert (abs(at_half[0] - math.sqrt(1.2)) < 1e-12) == (code == "code1")


@pytest.mark.parametrize("kind", ["shapesys", "staterror"])
def test_a_factor_per_bin_is_profiled(tmp_path: Path, kind: str) -> None:
    """Against a brute-force minimum over every gamma of its own bin."""
    b0 = b0_tables()[0]
    errors = 0.1 * b0
    errors[3] = 0.0
    name = written(tmp_path, "errors", errors, "error_counts")
    what = f'background = "b0", table = "{name}"' if kind == "shapesys" else f'tables = {{ b0 = "{name}" }}'
    model = declared(tmp_path, f'{{ name = "stat", kind = "{kind}", {what} }}')
    likelihood, n = model.likelihood, model.observed.values()
    assert likelihood.names == ("mu2",)
    (scale,) = likelihood.scales
    assert np.flatnonzero(scale.strength == 0).tolist() == [3]
    signal = 4.0 * model.templates[0].spectrum.values()
    total = 0.0
    for i in range(29):

        def deviance(gamma: float, i: int = i) -> float:
            expected = signal[i] + gamma * b0[i]
            pull = 2 * 100 * (gamma - 1 - math.log(gamma)) if kind == "shapesys" else ((gamma - 1) / 0.1) ** 2
            return float(2 * (expected - n[i] + n[i] * math.log(n[i] / expected)) + (0.0 if i == 3 else pull))

        total += (
            deviance(1.0)
            if i == 3
            else minimize_scalar(deviance, bounds=(0.3, 2), method="bounded", options={"xatol": 1e-9}).fun
        )
    assert float(likelihood.value(np.array([4.0]))) == pytest.approx(total, abs=1e-6)


def test_two_factors_in_one_bin(tmp_path: Path) -> None:
    """One is eliminated, the other becomes parameters; the minimum is that over all of them."""
    b0 = b0_tables()[0]
    first, second = np.zeros(29), np.zeros(29)
    first[:3], second[1:4] = 0.1 * b0[:3], 0.2 * b0[1:4]
    a, b = written(tmp_path, "a", first, "error_counts"), written(tmp_path, "b", second, "error_counts")
    model = declared(
        tmp_path,
        f'{{ name = "one", kind = "staterror", tables = {{ b0 = "{a}" }} }}, '
        f'{{ name = "two", kind = "shapesys", background = "b0", table = "{b}" }}',
    )
    likelihood, n = model.likelihood, model.observed.values()
    assert likelihood.names == ("mu2", "mine.two[1]", "mine.two[2]")
    assert set(likelihood.expected_by_component(likelihood.start)) == {"be7.magnetic_moment", "b0"}
    signal = 4.0 * model.templates[0].spectrum.values()

    def value(gammas: Array) -> float:
        one, two = np.ones(29), np.ones(29)
        one[:3], two[1:4] = gammas[:3], gammas[3:]
        expected = signal + one * two * b0
        pulls = ((gammas[:3] - 1) / 0.1) ** 2
        counted = 2 * 25 * (gammas[3:] - 1 - np.log(gammas[3:]))
        return float(2 * np.sum(expected - n + n * np.log(n / expected)) + pulls.sum() + counted.sum())

    best = minimize(value, np.ones(6), method="L-BFGS-B", bounds=[(0.2, 3)] * 6, options={"ftol": 1e-14, "gtol": 1e-9})
    assert fit(likelihood, fixed={"mu2": 4.0}).minus_2_ln_l == pytest.approx(best.fun, abs=1e-5)


def test_errors_of_bins_act_on_what_is_bent(tmp_path: Path) -> None:
    """A gamma multiplies the background where its shape has gone."""
    b0, _, up = b0_tables()
    name = written(tmp_path, "errors", 0.1 * b0, "error_counts")
    both = f'{HISTOSYS}, {{ name = "stat", kind = "staterror", tables = {{ b0 = "{name}" }} }}'
    likelihood = declared(tmp_path, both).likelihood
    theta = np.array([0.0, 1.0])
    gamma = likelihood.bin_scales(theta)["mine.stat"]
    assert np.ptp(gamma) > 0.01
    np.testing.assert_allclose(likelihood.expected(theta), gamma * up, rtol=1e-9)
    assert isinstance(likelihood.scales[0], BinScale)
