"""Background-subtracted spectra with given errors: their estimate, and published systematic errors of a coupling."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

from eventfit.analysis import Analysis, Model
from eventfit.inference import Profile, upper_limit_delta_2_71
from eventfit.published import Reproduction, Row, reproduce
from eventfit.quadrature import Array

RATE, ERROR = (0.004, 0.003, -0.001, 0.002), (0.002, 0.0015, 0.0012, 0.001)
EXPOSURE = 50.0

TABLE = """title = "A residual"
cite = ["arXiv:0911.1597"]
where = "made up"
status = "computed"
obtained = "written for a test"
licence = "none needed"
sha256 = "{sha}"

[columns]
energy_low_keV = {{ unit = "keV", meaning = "made up" }}
energy_high_keV = {{ unit = "keV", meaning = "made up" }}
residual_per_keV_kg_day = {{ unit = "1/(keV kg day)", meaning = "made up" }}
error_per_keV_kg_day = {{ unit = "1/(keV kg day)", meaning = "made up" }}

[[check]]
kind = "end_point"
column = "energy_high_keV"
value = 14
tolerance = 0
note = "made up"
"""

DECLARED = """
title = "A residual"
cite = ["arXiv:0911.1597"]
poi = "mu_nu"
exposure = {{ value = 50, unit = "kg day" }}
target = {{ material = "germanium", electrons = "free" }}
flux = [{{ kind = "reactor", model = "kopeikin1997", flux_per_cm2_s = 2.7e13 }}]
data = {{ residual = "residual", origin = ["made-up"] }}
result = [{{ quantity = "estimate" }}]
process = [{process}]
nuisance = [{nuisance}]

[response]
order = ["resolution"]
edges_keV = [4, 5, 7, 10, 14]
resolution = {{ kind = "perfect" }}
"""
MOMENT = '{ kind = "magnetic_moment" }'
WEAK = '{ kind = "standard_model", order = "tree", sin2_theta_w = 0.2386 }'
RADIUS = '{ kind = "charge_radius", couplings = ["r2_nu"] }'
XI = '{ name = "xi", kind = "norm", applies_to = ["reactor.standard_model"], start = 1, bounds = [0, 1000] }'


def analysis(folder: Path, process: str = MOMENT, nuisance: str = "", poi: str = "mu_nu") -> Analysis:
    rows = zip((4, 5, 7, 10), (5, 7, 10, 14), RATE, ERROR, strict=True)
    head = "energy_low_keV,energy_high_keV,residual_per_keV_kg_day,error_per_keV_kg_day"
    (folder / "residual.csv").write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    sha = hashlib.sha256((folder / "residual.csv").read_bytes()).hexdigest()
    (folder / "residual.toml").write_text(TABLE.format(sha=sha))
    path = folder / "mine.toml"
    path.write_text(DECLARED.format(process=process, nuisance=nuisance).replace('"mu_nu"', f'"{poi}"'))
    return Analysis.load(path)


def estimate(found: Reproduction) -> tuple[float, float]:
    row: Row = next(r for r in found.rows if r.quantity == "estimate")
    assert isinstance(row.value, float)
    assert row.error is not None
    return row.value, row.error


def in_counts(rate: tuple[float, ...]) -> Array:
    return np.asarray(np.array(rate) * np.array([1.0, 2.0, 3.0, 4.0]) * EXPOSURE)


def coupling_error(size: float) -> str:
    return f'{{ name = "systematic", kind = "coupling_error", size = {size} }}'


# -- invariant --


def test_a_residual_is_its_rate_times_width_and_exposure(tmp_path: Path) -> None:
    model = analysis(tmp_path).model()
    assert model.observed.values() == pytest.approx(in_counts(RATE), rel=1e-12)
    assert model.likelihood.errors == pytest.approx(in_counts(ERROR), rel=1e-12)
    assert model.observed.variances() == pytest.approx(in_counts(ERROR) ** 2, rel=1e-12)
    assert model.kind == "observed"
    chi2 = np.sum((in_counts(RATE) / in_counts(ERROR)) ** 2)
    assert float(model.likelihood.value(np.array([0.0]))) == pytest.approx(chi2, rel=1e-12)


def weighted_mean(model: Model, of: str = "magnetic_moment") -> tuple[float, float]:
    """Linear least squares of the data with one template, the others subtracted, by hand."""
    signal = next(t.spectrum.values() for t in model.templates if t.process == of)
    others = sum((t.spectrum.values() for t in model.templates if t.process != of), start=np.zeros(4))
    weight = signal / in_counts(ERROR) ** 2
    return float(weight @ (in_counts(RATE) - others) / (weight @ signal)), float((weight @ signal) ** -0.5)


@pytest.mark.parametrize("process", [MOMENT, f"{WEAK}, {MOMENT}"], ids=["alone", "weak-subtracted"])
def test_the_estimate_is_the_weighted_mean_whatever_its_sign(tmp_path: Path, process: str) -> None:
    found = analysis(tmp_path, process)
    assert estimate(reproduce(found)) == pytest.approx(weighted_mean(found.model()), rel=1e-6)


@pytest.mark.parametrize("size", [0.5, 8.0, 300.0])
def test_a_coupling_error_adds_in_quadrature(tmp_path: Path, size: float) -> None:
    found = analysis(tmp_path, nuisance=coupling_error(size))
    value, error = weighted_mean(found.model())
    assert estimate(reproduce(found)) == pytest.approx((value, math.hypot(error, size)), rel=1e-6)
    profile = Profile(found.model().likelihood, "mu2")
    assert value > 0
    assert upper_limit_delta_2_71(profile).value == pytest.approx(value + 1.6448536 * math.hypot(error, size), rel=1e-6)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["norm-first", "error-first"])
def test_a_coupling_error_of_a_norm_adds_in_quadrature(tmp_path: Path, order: tuple[int, int]) -> None:
    """In whatever order they are declared."""
    both = (XI, coupling_error(0.7))
    found = analysis(tmp_path, WEAK, ", ".join(both[i] for i in order), poi="xi")
    value, error = weighted_mean(found.model(), "standard_model")
    assert estimate(reproduce(found)) == pytest.approx((value, math.hypot(error, 0.7)), rel=1e-6)


def test_a_coupling_error_moves_a_coupling_that_enters_squared_as_well(tmp_path: Path) -> None:
    """Interference and square both: what is expected at (r2, theta) is what is expected at r2 + size theta."""
    process = f"{WEAK}, {RADIUS}"
    with_error = analysis(tmp_path, process, coupling_error(2.5), poi="r2_nu").model().likelihood
    without = analysis(tmp_path, process, poi="r2_nu").model().likelihood
    for r2, theta in ((0.0, 1.0), (3.0, -0.4), (-20.0, 2.0)):
        moved = without.expected(np.array([r2 + 2.5 * theta]))
        assert with_error.expected(np.array([r2, theta])) == pytest.approx(moved, rel=1e-12)


def test_a_scale_of_the_signal_scales_what_a_coupling_error_adds(tmp_path: Path) -> None:
    scale = '{ name = "efficiency", kind = "gaussian_scale", relative = 0.1, applies_to = ["signal"] }'
    found = analysis(tmp_path, nuisance=f"{coupling_error(5.0)}, {scale}").model().likelihood
    place = {name.rpartition(".")[2]: i for i, name in enumerate(found.names)}
    theta = np.zeros(3)
    theta[place["mu2"]], theta[place["systematic"]] = 10.0, 1.0
    plain = found.expected(theta)
    theta[place["efficiency"]] = 2.0
    assert found.expected(theta) == pytest.approx(1.2 * plain, rel=1e-12)
    theta[place["mu2"]], theta[place["systematic"]], theta[place["efficiency"]] = 15.0, 0.0, 0.0
    assert found.expected(theta) == pytest.approx(plain, rel=1e-12)
