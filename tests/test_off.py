"""OFF data beside ON data: a pair of counts per bin, or a smooth background of both; expected results."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial.polynomial import polyval
from scipy.integrate import quad
from scipy.special import comb, xlogy

from eventfit.analysis import Analysis, Model
from eventfit.analysis.declaration import Declaration, OffDeclared
from eventfit.analysis.detector import ResponseDeclared
from eventfit.analysis.off import _bernstein, build_off
from eventfit.inference import Profile, discovery_significance, upper_limit_delta_2_71
from eventfit.likelihood import Component, Likelihood, Power
from eventfit.parameters import Parameter
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum
from eventfit.tables import Tables, shipped

ON_OFF = json.loads((Path(__file__).parent / "reference/on_off.json").read_text())["cases"]
TABLES = Tables(shipped("data"))
EDGES = np.array([2.0, 2.5, 3.0, 4.0, 6.0, 9.0])

#: a germanium detector at a reactor in its shortest form; "{data}" and what follows are filled in
SHORT = """
title = "ON and OFF"
cite = ["arXiv:1005.2736"]
poi = "mu_nu"
exposure = {{ value = 100, unit = "kg day" }}
target = {{ material = "germanium", electrons = "stepping" }}
flux = [{{ kind = "reactor", model = "kopeikin1997", flux_per_cm2_s = 2.7e13 }}]
process = [{{ kind = "magnetic_moment" }}]
background = [{{ name = "flat", rate_per_keV_kg_day = 2.0 }}]
data = {{ asimov = true, origin = ["made-up"] }}
{more}

[response]
order = ["resolution"]
edges_keV = {{ start = 3, stop = 23, width = 1 }}
resolution = {{ kind = "constant", fwhm_keV = 1.0 }}
"""


def model(folder: Path, more: str) -> Model:
    path = folder / "mine.toml"
    path.write_text(SHORT.format(more=more), encoding="utf-8")
    return Analysis.load(path).model()


def declared(off: OffDeclared, edges: Array) -> Declaration:
    """GEMMA with other OFF data and other bins."""
    response = {"order": ["resolution"], "edges_keV": edges.tolist(), "resolution": {"kind": "perfect"}}
    return Analysis.load("gemma_2012").default.model_copy(
        update={"off": off, "response": ResponseDeclared.model_validate(response)}
    )


def on_off(signal: Array, on: Array, off: Array, tau: float) -> Likelihood:
    """Pairs of counts (n_bin,) with the ``signal`` at mu = 1; the OFF counts may be no whole numbers."""
    edges = np.arange(1.0, len(on) + 2.0)
    beside = {"known": Spectrum(edges, off / tau)}
    found = build_off(declared(OffDeclared(time_ratio=tau, background="per_bin"), edges), TABLES, beside, "here")
    assert found.scales[0].observed == pytest.approx(off)
    parameters = [Parameter("mu", "", 1.0, 0.0)]
    components = [Component("signal", signal, (Power("mu"),)), *found.components]
    return Likelihood.build(parameters, components, on, scales=found.scales)


def closed_form(mu: float, signal: Array, on: Array, off: Array, tau: float) -> float:
    """-2 ln L of all pairs relative to saturated, every background at its best given mu (a quadratic equation)."""
    s = mu * signal
    linear = on + off - (1.0 + tau) * s
    b = (linear + np.sqrt(linear**2 + 4.0 * (1.0 + tau) * off * s)) / (2.0 * (1.0 + tau))
    n, expected = np.concatenate([on, off]), np.concatenate([s + b, tau * b])
    return 2.0 * float(np.sum(expected - n + xlogy(n, n) - xlogy(n, np.where(n > 0, expected, 1.0))))


# -- invariant --


@given(
    seed=st.integers(0, 10_000),
    tau=st.floats(0.05, 20.0),
    mu=st.floats(0.0, 3.0),
)
def test_a_pair_per_bin_is_the_closed_profile_likelihood(seed: int, tau: float, mu: float) -> None:
    """Cousins, Linnemann and Tucker: one background per bin, eliminated by hand."""
    rng = np.random.default_rng(seed)
    signal, b = rng.uniform(0.5, 20.0, 6), rng.uniform(0.5, 40.0, 6)
    on, off = rng.poisson(b + signal).astype(float), rng.poisson(tau * b).astype(float)
    likelihood = on_off(signal, on, off, tau)
    assert float(likelihood.value(np.array([mu]))) == pytest.approx(
        closed_form(mu, signal, on, off, tau), rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("degree", [0, 1, 3, 7])
def test_bernstein_polynomials_share_out_one(degree: int) -> None:
    """No share is negative, each polynomial sums to one, and all alike are flat."""
    shares = _bernstein(EDGES, degree)
    assert shares.shape == (degree + 1, len(EDGES) - 1)
    assert np.all(shares >= 0)
    assert shares.sum(axis=1) == pytest.approx(1.0, rel=1e-12)
    assert shares.mean(axis=0) == pytest.approx(np.diff(EDGES) / (EDGES[-1] - EDGES[0]), rel=1e-12)


@pytest.mark.parametrize("degree", [1, 4])
def test_bernstein_shares_are_integrals_of_the_polynomials(degree: int) -> None:
    width = EDGES[-1] - EDGES[0]
    for k, row in enumerate(_bernstein(EDGES, degree)):

        def density(energy: float, k: int = k) -> float:
            x = (energy - EDGES[0]) / width
            return float((degree + 1) / width * comb(degree, k) * x**k * (1.0 - x) ** (degree - k))

        found = [quad(density, low, high)[0] for low, high in pairwise(EDGES)]
        assert row == pytest.approx(found, rel=1e-9)


def test_a_polynomial_of_the_degree_is_inside_and_one_of_a_higher_degree_is_not() -> None:
    edges = np.linspace(0.0, 1.0, 31)
    shares = _bernstein(edges, 3)
    for coefficients, inside in (((1.0, 2.0, -1.5, 0.5), True), ((1.0, 0.0, 0.0, 0.0, 4.0), False)):
        primitive = np.concatenate([[0.0], np.array(coefficients) / np.arange(1, len(coefficients) + 1)])
        content = np.diff(polyval(edges, primitive))
        found, residual, *_ = np.linalg.lstsq(shares.T, content, rcond=None)
        assert (float(residual[0]) < 1e-20) == inside
        assert not inside or np.all(found > 0)


@pytest.mark.parametrize("background", ['background = "per_bin"', 'background = "smooth", degree = 2'])
def test_the_limit_falls_to_that_of_a_known_background(tmp_path: Path, background: str) -> None:
    """As the OFF time grows; and with no OFF data at all there would be none below it."""
    known = model(tmp_path, "")
    limit = upper_limit_delta_2_71(Profile(known.likelihood, known.poi)).value
    found = []
    for ratio in (0.25, 1.0, 10.0, 1e3, 1e6):
        with_off = model(tmp_path, f"off = {{ time_ratio = {ratio}, {background} }}")
        found.append(upper_limit_delta_2_71(Profile(with_off.likelihood, with_off.poi)).value)
    assert np.all(np.diff(found) < 0)
    assert found[0] > 1.2 * limit
    assert found[-1] == pytest.approx(limit, rel=1e-4)


def test_less_freedom_is_a_stronger_limit_and_much_freedom_a_pair_per_bin(tmp_path: Path) -> None:
    def limit(background: str) -> float:
        with_off = model(tmp_path, f"off = {{ time_ratio = 0.25, {background} }}")
        return upper_limit_delta_2_71(Profile(with_off.likelihood, with_off.poi)).value

    smooth = [limit(f'background = "smooth", degree = {degree}') for degree in (0, 2, 5, 12)]
    per_bin = limit('background = "per_bin"')
    assert np.all(np.diff([*smooth, per_bin]) > 0)
    assert smooth[-1] == pytest.approx(per_bin, rel=0.02)


@pytest.mark.parametrize("tau", [0.25, 3.0])
def test_degree_zero_is_a_flat_background_with_one_poisson_constraint(tmp_path: Path, tau: float) -> None:
    """The sum of the OFF counts measures the one norm that is left."""
    total = tau * 2.0 * 20 * 100  # per keV, keV, kg day
    smooth = model(tmp_path, f'off = {{ time_ratio = {tau}, background = "smooth", degree = 0 }}')
    nuisance = f'name = "off", kind = "poisson", observed = {total}, tau = {total}, applies_to = ["flat"]'
    flat = model(tmp_path, f"nuisance = [{{ {nuisance} }}]")
    values = np.array([0.0, 5.0, 20.0, 60.0])
    deltas = [Profile(m.likelihood, m.poi).deltas(values) for m in (smooth, flat)]
    assert deltas[0] == pytest.approx(deltas[1], rel=1e-7, abs=1e-9)
    assert deltas[0][-1] > 4.0


def test_off_data_take_the_place_of_the_declared_backgrounds(tmp_path: Path) -> None:
    found = model(tmp_path, 'off = { time_ratio = 0.25, background = "smooth", degree = 1 }')
    assert [c.name for c in found.likelihood.components] == [
        "reactor.magnetic_moment",
        "off_background_0",
        "off_background_1",
    ]
    assert found.likelihood.n_bin == 2 * len(found.observed.values())
    assert found.likelihood.data.counts[20:] == pytest.approx(0.25 * found.observed.values())
    assert found.kind == "expected"


def test_expected_data_are_what_is_expected_without_signal(tmp_path: Path) -> None:
    """Weak scattering is in the ON data and not in the OFF data."""
    weak = (
        'process = [{ kind = "standard_model", order = "tree", sin2_theta_w = 0.2386 }, { kind = "magnetic_moment" }]'
    )
    path = tmp_path / "mine.toml"
    text = SHORT.format(more='off = { time_ratio = 0.25, background = "per_bin" }')
    path.write_text(text.replace('process = [{ kind = "magnetic_moment" }]', weak), encoding="utf-8")
    found = Analysis.load(path).model()
    scattering = next(t.spectrum.values() for t in found.templates if not t.powers)
    assert np.all(scattering > 0)
    assert found.observed.values() == pytest.approx(200.0 + scattering, rel=1e-12)
    assert found.likelihood.scales[0].observed == pytest.approx(50.0)
    profile = Profile(found.likelihood, found.poi)
    assert profile.best.minus_2_ln_l == pytest.approx(0.0, abs=1e-9)
    assert profile.estimate == pytest.approx(0.0, abs=1e-4)


# -- reference --


@pytest.mark.parametrize("case", ON_OFF, ids=[f"NIM-A-595-480-{c['n_on']}-{c['n_off']}-{c['tau']}" for c in ON_OFF])
def test_on_off_significance(case: dict[str, Any]) -> None:
    """Z_PL of Cousins, Linnemann and Tucker (the formula of Li and Ma), through the OFF data of a declaration."""
    on, off = np.array([float(case["n_on"])]), np.array([float(case["n_off"])])
    likelihood = on_off(np.ones(1), on, off, float(case["tau"]))
    found = discovery_significance(Profile(likelihood, "mu")).z
    assert found == pytest.approx(case["Z_PL_LiMa"], rel=1e-6, abs=1e-6)
