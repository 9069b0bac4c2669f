"""Errors of the response where electrons and nuclei recoil on one axis: those of the quenching move nuclei alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from eventfit.analysis import Analysis, Model
from eventfit.cross_section import (
    CoherentScattering,
    Helm,
    MagneticMoment,
    MomentOnNucleus,
    Process,
    SteppingElectrons,
)
from eventfit.errors import OutOfRange
from eventfit.flux import Flux, solar_flux
from eventfit.folding import Refold, bent, fold, morph
from eventfit.folding.refold import Point, distorted
from eventfit.quadrature import Array
from eventfit.response import (
    ConstantQuenching,
    ConstantResolution,
    Distortion,
    EnergyScale,
    FanoResolution,
    LindhardK,
    LindhardQuenching,
    Quenching,
    QuenchingScale,
    ResolutionWidth,
    Response,
    TabulatedQuenching,
)
from eventfit.spectrum import Bend, Spectrum, Template
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import day

FOLDER = Path(__file__).parent / "nuclear_recoils"
TABLES = Tables(FOLDER, shipped("data"))
GERMANIUM = Target.load(TABLES, "germanium")
GE74 = GERMANIUM.nuclei(TABLES)[3]
ON_ELECTRONS = MagneticMoment(SteppingElectrons(GERMANIUM))
COHERENT = CoherentScattering(GE74, Helm(), 0.2386)
MIXED: tuple[Process, ...] = (ON_ELECTRONS, COHERENT, MomentOnNucleus(GE74, Helm(), ON_ELECTRONS))
#: what recoils in the templates of MIXED
RECOILS = ("electron", "nucleus", "nucleus")
HARD: Sequence[Flux] = solar_flux(TABLES, ["b8"], "b16_gs98")
SCALE = 1e5 * day * GERMANIUM.units_per_kg
EDGES = np.array([0.25, 0.35, 0.5, 0.7, 1.0])
LINDHARD = LindhardQuenching(0.162, 32)
ROWS = np.linspace(0.0, 12.0, 49)
CURVE = TabulatedQuenching(ROWS, 0.15 + 0.05 * np.sin(ROWS), name="curve")
CUT = FanoResolution(0.0685, 0.11, 0.00296, positive=True)
SEEN = Response(("quenching", "resolution"), CUT, quenching=LINDHARD)
ERRORS: Mapping[str, Distortion] = {
    "light": QuenchingScale(0.02),
    "scale": EnergyScale(0.01, 0.002),
    "width": ResolutionWidth(0.03),
}


def folded(response: Response, processes: Sequence[Process] = MIXED, edges: Array = EDGES) -> tuple[Template, ...]:
    return fold(HARD, processes, response, edges, exposure=SCALE, units_per_kg=1.0)


def counts(response: Response, edges: Array = EDGES) -> Array:
    """Counts (n_template, n_bin) of a plain fold of electrons and nuclei."""
    return np.array([t.spectrum.values() for t in folded(response, edges=edges)])


def refolded(response: Response, errors: Mapping[str, Distortion], point: Point) -> Array:
    return Refold.build(HARD, MIXED, response, EDGES, errors, [point], scale=SCALE).at(point)[0]


@cache
def morphed() -> tuple[tuple[Template, ...], Mapping[tuple[str, ...], float]]:
    """The templates of MIXED with their bends, and the error that is stated of every combination."""
    found = morph(folded(SEEN), HARD, MIXED, SEEN, ERRORS, dict.fromkeys(ERRORS, 2e-3), scale=SCALE)
    return found.templates, {error.names: error.error for error in found.errors}


def distance(ours: Array, exact: Array) -> float:
    return float(np.max(np.abs(ours - exact) / np.maximum(exact, 1e-3 * exact.max(axis=1, keepdims=True))))


def model(nuisance: str, variant: str = "default", *, folder: Path) -> Model:
    """The example with another nuisance."""
    copy = folder / "nuclear_recoils"
    shutil.copytree(FOLDER, copy)
    text = (FOLDER / "analysis.toml").read_text(encoding="utf-8")
    path = copy / "analysis.toml"
    path.write_text(text.replace("[[result]]", f"[[nuisance]]\n{nuisance}\n\n[[result]]"), encoding="utf-8")
    return Analysis.load(copy).model(variant)


LIGHT = 'name = "light"\nkind = "quenching"\nrelative = 0.02\nbackgrounds = "fixed"'
OF_K = 'name = "light"\nkind = "quenching"\nk = 0.004\nbackgrounds = "fixed"'

# -- invariant: exact re-folds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("theta", [-3.0, 1.0, 2.5])
@pytest.mark.parametrize(
    ("quenching", "distortion"),
    [
        (ConstantQuenching(0.2), QuenchingScale(0.05)),
        (LINDHARD, QuenchingScale(0.05)),
        (CURVE, QuenchingScale(0.05)),
        (LINDHARD, LindhardK(0.01)),
    ],
    ids=["constant", "lindhard", "table", "k"],
)
def test_an_error_of_the_quenching_is_another_quenching(
    quenching: Quenching, distortion: Distortion, theta: float
) -> None:
    """Re-folded exactly: nuclei are those of a quenching written by hand, electrons are what they were."""
    factor = 1.0 + 0.05 * theta
    by_hand: Quenching
    if isinstance(distortion, LindhardK):
        by_hand = LindhardQuenching(0.162 + 0.01 * theta, 32)
    elif isinstance(quenching, ConstantQuenching):
        by_hand = ConstantQuenching(0.2 * factor)
    else:
        by_hand = TabulatedQuenching(ROWS, factor * CURVE.value)
    if quenching is LINDHARD and isinstance(distortion, QuenchingScale):
        fine = np.concatenate([[0.0], np.geomspace(1e-4, 12.0, 20000)])
        by_hand = TabulatedQuenching(fine, factor * LINDHARD.visible(fine), is_energy=True)
    nominal = replace(SEEN, quenching=quenching)
    ours, plain = refolded(nominal, {"light": distortion}, (("light", theta),)), counts(nominal)
    np.testing.assert_allclose(ours, counts(replace(SEEN, quenching=by_hand)), rtol=1e-4)
    np.testing.assert_allclose(ours[0], plain[0], rtol=1e-13)
    assert np.all(np.sign(ours[1:, 0] - plain[1:, 0]) == np.sign(theta))
    assert np.all(np.abs(ours[1:] / plain[1:] - 1.0).max(axis=1) > 0.02)  # far more than the tolerance above


def test_k_and_the_visible_energy_are_wrong_together_whatever_comes_first() -> None:
    errors: Mapping[str, Distortion] = {"k": LindhardK(0.01), "light": QuenchingScale(0.1)}
    T = np.geomspace(0.01, 10.0, 50)
    expected = 1.2 * LindhardQuenching(0.152, 32).visible(T)
    for point in ((("k", -1.0), ("light", 2.0)), (("light", 2.0), ("k", -1.0))):
        np.testing.assert_allclose(distorted(SEEN, errors, point).visible(T), expected, rtol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 0.03])
def test_a_scale_is_a_relabelled_axis_where_a_gaussian_is_cut_and_a_pair_is_needed(offset: float) -> None:
    """The cut at zero moves with the axis; the smallest visible energy does not."""
    moved = EnergyScale(0.02, offset).at(SEEN, 1.0)
    np.testing.assert_allclose(counts(moved), counts(SEEN, (EDGES - offset) / 1.02), rtol=2e-5)
    T = np.array([0.001, 0.1, 1.0, 5.0])
    wide = np.array([-5.0, offset, 50.0])
    expected = np.where(LINDHARD.visible(T) < CUT.smallest, 0.0, 1.0)
    np.testing.assert_allclose(moved.matrix(T, wide), [np.zeros(4), expected], atol=1e-12)


def test_a_wider_cut_resolution_is_that_resolution() -> None:
    wider = FanoResolution(1.2 * 0.0685, 1.44 * 0.11, 0.00296, positive=True)
    ours = counts(ResolutionWidth(0.1).at(SEEN, 2.0))
    np.testing.assert_allclose(ours, counts(replace(SEEN, resolution=wider)), rtol=2e-5)


def test_what_is_known_of_a_quenching_stays_known() -> None:
    scaled = QuenchingScale(0.1).at(replace(SEEN, quenching=CURVE), 1.0).quenching
    assert scaled is not None
    assert scaled.known == (0.0, 12.0)
    assert np.array_equal(scaled.bends, CURVE.bends)
    assert len(scaled.bends) > 10
    assert "lindhard1963" in QuenchingScale(0.1).at(SEEN, 1.0).cite
    assert "fano1947" in EnergyScale(0.1).at(SEEN, 1.0).cite


def test_an_error_of_k_needs_a_k_that_stays_positive() -> None:
    with pytest.raises(OutOfRange, match="no k"):
        LindhardK(0.01).at(replace(SEEN, quenching=CURVE), 1.0)
    with pytest.raises(OutOfRange, match=r"0.162 \+- 0.04(.|\n)*below 0.0324"):
        LindhardK(0.04).at(SEEN, 1.0)
    with pytest.raises(OutOfRange, match="no quenching"):
        LindhardK(0.01).at(Response(("resolution",), ConstantResolution(0.1)), 1.0)


# -- invariant: morphs ------------------------------------------------------------------------------------------------


def test_a_mixed_morph_is_as_exact_as_it_says() -> None:
    templates, stated = morphed()
    points: list[Point] = [((name, x),) for name in ERRORS for x in (-3.0, -1.3, 0.7, 3.0)]
    points += [
        ((a, x), (b, y)) for a, b in (("light", "scale"), ("light", "width")) for x in (-3.0, 3.0) for y in (3.0,)
    ]
    points.append(tuple((name, 1.7) for name in ERRORS))
    for point in points:
        exact = counts(distorted(SEEN, ERRORS, point))
        ours = np.array([bent(template, point) for template in templates])
        allowed = max(error for names, error in stated.items() if set(names) <= {name for name, _ in point})
        assert distance(ours, exact) <= 1.5 * allowed + 5e-5
    assert max(stated.values()) <= 2e-3


def test_electrons_have_no_terms_of_the_quenching() -> None:
    templates, _ = morphed()
    for template, recoil in zip(templates, RECOILS, strict=True):
        errors = {name for bend in template.bends for name in bend.orders}
        assert errors == (set(ERRORS) if recoil == "nucleus" else {"scale", "width"})
        moved = np.abs(bent(template, (("light", 2.0),)) / template.spectrum.values() - 1.0)
        assert moved.max() > 0.05 if recoil == "nucleus" else not moved.any()


def test_terms_of_isotopes_add() -> None:
    """Those alike together; one isotope may need terms that another does not."""

    def isotope(*bends: tuple[Mapping[str, int], float]) -> Template:
        terms = tuple(Bend(orders, np.array([size])) for orders, size in bends)
        return Template(
            Spectrum(np.array([0.0, 1.0]), np.array([5.0])), "sun", "coherent", "coherent", {}, 0.0, bends=terms
        )

    both = isotope(({"a": 1}, 2.0), ({"a": 1, "b": 2}, 0.5)) + isotope(({"b": 2, "a": 1}, 0.25), ({"a": 0}, 3.0))
    assert [(dict(b.orders), b.counts.tolist()) for b in both.bends] == [
        ({"a": 1}, [2.0]),
        ({"a": 1, "b": 2}, [0.75]),
        ({"a": 0}, [3.0]),
    ]
    assert both.spectrum.values() == [10.0]


# -- invariant: declarations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nuisance", "variant"), [(LIGHT, "default"), (LIGHT, "fef"), (OF_K, "lindhard")], ids=["ybe", "fef", "k"]
)
def test_a_declared_error_of_the_quenching_moves_nuclei_alone(tmp_path: Path, nuisance: str, variant: str) -> None:
    found = model(nuisance, variant, folder=tmp_path)
    (flux,), edges = found.fluxes, found.observed.edges
    table = TABLES.read("quenching")
    quenching: Quenching = LINDHARD
    distortion: Distortion = LindhardK(0.004)
    if variant != "lindhard":
        column = "ybe" if variant == "default" else "fef"
        quenching, distortion = TabulatedQuenching(table["energy_keV"], table[column]), QuenchingScale(0.02)
    nominal = Response(("quenching", "resolution"), CUT, quenching=quenching)
    (stated,) = found.bending
    for template in found.templates:
        nuclear = template.term in ("coherent", "magnetic_moment_on_nuclei")
        assert bool(template.bends) == nuclear
        if not nuclear:
            continue
        processes = [process for process in found.processes if process.name == template.process]
        assert len(processes) == 5  # isotopes
        for theta in (-3.0, 1.5):
            rows = [
                one.spectrum.values()
                for process in processes
                for one in fold(
                    [flux],
                    [process],
                    distortion.at(nominal, theta),
                    edges,
                    exposure=281.9 * day,
                    units_per_kg=GERMANIUM.units_per_kg,
                )
                if one.term == template.term
            ]
            exact = np.sum(rows, axis=0)
            ours = bent(template, (("light", theta),))
            assert distance(ours[None], exact[None]) <= 1.5 * stated.error + 1e-4
            assert distance(template.spectrum.values()[None], exact[None]) > 0.02


def test_the_likelihood_bends_nuclear_components_alone(tmp_path: Path) -> None:
    likelihood = model(LIGHT, folder=tmp_path).likelihood
    (name,) = (n for n in likelihood.names if n.endswith("light"))
    theta = likelihood.start.copy()
    theta[likelihood.index("mu2")] = 30.0
    before = likelihood.expected_by_component(theta)
    theta[likelihood.index(name)] = 2.0
    after = likelihood.expected_by_component(theta)
    changed = {c for c in before if not np.array_equal(before[c], after[c])}
    assert changed == {"reactor.coherent", "reactor.magnetic_moment_on_nuclei"}
