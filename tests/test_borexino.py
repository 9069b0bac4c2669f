"""Borexino Phase-II: the fit without signal against the collaboration's, and against a likelihood written by hand."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping

import numpy as np
import pytest
from scipy import optimize
from scipy.special import xlogy
from scipy.stats import norm, poisson

from eventfit.analysis import Analysis
from eventfit.analysis.model import Model
from eventfit.analysis.wanted import CountsWanted
from eventfit.inference import FitResult, Profile, Status, fit
from eventfit.published.compute import rows_of
from eventfit.quadrature import Array
from eventfit.tables import shipped

VARIANTS = ("default", "no_gallium")
BACKGROUNDS = ("c14", "pileup", "po210", "kr85", "bi210", "c11", "external")
FLUXES = {"pp": ("pp",), "be7": ("be7",), "pep": ("pep",), "cno": ("n13", "o15", "f17")}
#: relative errors of the constrained norms, and the capture rate in SNU with its error
KNOWN = {"c14": 0.05, "pileup": 0.02, "cno": 0.1138}
GALLIUM, GALLIUM_ERROR = 66.1, math.hypot(3.1, 0.04 * 66.1, 0.01 * 66.1)
BINS = 851
DAY = 86400.0


@pytest.fixture(scope="module")
def models() -> Mapping[str, Model]:
    analysis = Analysis.load("borexino_2017")
    return {variant: analysis.model(variant) for variant in VARIANTS}


@pytest.fixture(scope="module")
def without_signal(models: Mapping[str, Model]) -> Mapping[str, FitResult]:
    return {variant: fit(model.likelihood, fixed={"mu2": 0.0}) for variant, model in models.items()}


def column(table: str, name: str) -> Array:
    with (shipped("data") / "experiments" / "borexino_2017" / f"{table}.csv").open() as file:
        return np.array([float(row[name]) for row in csv.DictReader(file)])


def deviance(n: Array, expected: Array) -> float:
    return float(2.0 * np.sum(expected - n + xlogy(n, n / expected)))


class ByHand:
    """The same likelihood from the tables and the templates, with nothing of ours between them."""

    def __init__(self, model: Model) -> None:
        self.n = column("counts", "observed_counts")
        self.backgrounds = {name: column("components", f"{name}_counts") for name in BACKGROUNDS}
        self.templates = {(t.component, t.term): t.spectrum.values() for t in model.templates}
        expected = model.likelihood.expected_by_component(model.likelihood.start)
        self.gallium = {name.removesuffix(".gallium"): c[BINS] for name, c in expected.items() if "gallium" in name}

    def value(self, norms: Mapping[str, float], mu2: float = 0.0) -> float:
        spectrum = np.sum([norms[name] * counts for name, counts in self.backgrounds.items()], axis=0)
        captures = 0.0
        scaled = {component: norm for norm, components in FLUXES.items() for component in components}
        for component in ("pp", "pep", "hep", "be7", "b8", "n13", "o15", "f17"):
            f = norms[scaled[component]] if component in scaled else 1.0
            weak, magnetic = (self.templates[component, term] for term in ("standard_model", "magnetic_moment"))
            spectrum = spectrum + f * (weak + mu2 * magnetic)
            captures += f * self.gallium.get(component, 0.0)
        total = deviance(self.n, spectrum) + sum(((norms[name] - 1.0) / error) ** 2 for name, error in KNOWN.items())
        return total + (((captures - GALLIUM) / GALLIUM_ERROR) ** 2 if self.gallium else 0.0)


def local(result: FitResult) -> dict[str, float]:
    """Best-fit norms by their short names."""
    return {name.rpartition(".")[2]: float(value) for name, value in zip(result.names, result.values, strict=True)}


# -- invariant --


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_likelihood_written_by_hand_has_the_same_value(
    models: Mapping[str, Model], without_signal: Mapping[str, FitResult], variant: str
) -> None:
    by_hand, best = ByHand(models[variant]), without_signal[variant]
    assert len(by_hand.n) == BINS
    assert by_hand.value(local(best)) == pytest.approx(best.minus_2_ln_l, abs=1e-6)
    likelihood = models[variant].likelihood
    moved = best.values * np.linspace(0.9, 1.1, len(best.values))
    moved[likelihood.index("mu2")] = 9.0
    names = (name.rpartition(".")[2] for name in likelihood.names)
    norms = dict(zip(names, moved, strict=True))
    assert by_hand.value(norms, mu2=9.0) == pytest.approx(float(likelihood.value(moved)), rel=1e-10)


@pytest.mark.parametrize("variant", VARIANTS)
def test_other_minimisers_find_no_lower_value(
    models: Mapping[str, Model], without_signal: Mapping[str, FitResult], variant: str
) -> None:
    best, likelihood = without_signal[variant], models[variant].likelihood
    assert best.status is Status.OK
    referee = fit(likelihood, fixed={"mu2": 0.0}, minimiser="migrad")
    assert referee.minus_2_ln_l == pytest.approx(best.minus_2_ln_l, abs=1e-6)
    assert referee.values == pytest.approx(best.values, rel=1e-4)
    by_hand, names = ByHand(models[variant]), (*BACKGROUNDS, *FLUXES)

    def goal(x: Array) -> float:
        return by_hand.value(dict(zip(names, x, strict=True)))

    start = np.array([1.03 * local(best)[name] for name in names])
    found = optimize.minimize(goal, start, method="L-BFGS-B", bounds=[(1e-6, 5.0)] * len(names))
    assert best.minus_2_ln_l - 1e-6 < found.fun < best.minus_2_ln_l + 0.05


def test_a_magnetic_template_is_flux_times_electrons_times_exposure_times_response(models: Mapping[str, Model]) -> None:
    """7Be lines by a fine rule of the test's own; a universal moment does not see the oscillation."""
    edges = np.arange(99.5, 951.0)
    M, scale = 510.99895069, math.pi * (1e-11 * 7.2973525643e-3 * 1.973269804e-8 / 510.99895069) ** 2
    expected = np.zeros(BINS)
    for E, flux in ((384.3, 0.1044 * 4.93e9), (861.3, 0.8956 * 4.93e9)):
        panels = np.linspace(50.0, 2 * E**2 / (M + 2 * E), 200)
        x, w = np.polynomial.legendre.leggauss(8)
        T = (panels[:-1, None] + 0.5 * np.diff(panels)[:, None] * (x + 1)).ravel()
        dT = (0.5 * np.diff(panels)[:, None] * w).ravel()
        N = -8.065244 + 493.2560 * (T / 1e3) - 64.09629 * (T / 1e3) ** 2 + 4.146102 * (T / 1e3) ** 3
        seen = np.diff(norm.cdf(edges[:, None], N, 1.21974 + 1.31394 * np.sqrt(N) - 0.0148585 * N), axis=0)
        expected += seen @ (dT * flux * scale * (1 / T - 1 / E))
    electrons_days = 3.307e31 * 582.326 * DAY  # of 100 t
    (template,) = (t for t in models["default"].templates if t.name == "be7.magnetic_moment")
    enough = expected > 1e-6 * expected.max()
    assert template.spectrum.values()[enough] == pytest.approx(electrons_days * expected[enough], rel=3e-4)


def test_the_fold_has_converged(models: Mapping[str, Model]) -> None:
    assert models["default"].numerical_error < 1e-4


def test_windows_are_given_in_hits(models: Mapping[str, Model]) -> None:
    model = models["default"]
    (wanted,) = [wanted for wanted in model.declaration.result if isinstance(wanted, CountsWanted)]
    (row,) = rows_of(model, Profile(model.likelihood, "mu2"), wanted)
    assert row.value == column("counts", "observed_counts").sum()
    assert "n_hits 100-950" in row.card.method


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_run_of_bins_stands_out(
    models: Mapping[str, Model], without_signal: Mapping[str, FitResult], variant: str
) -> None:
    """Counts of every window of up to 200 bins against their Poisson probability; some 150 000 of them overlap."""
    model, best = models[variant], without_signal[variant]
    expected = np.append(0.0, np.cumsum(model.spectrum_of(model.likelihood.expected(best.values))))
    n = np.append(0.0, np.cumsum(column("counts", "observed_counts")))
    for width in range(1, 201):
        seen, mean = n[width:] - n[:-width], expected[width:] - expected[:-width]
        assert norm.isf(poisson.sf(seen - 1, mean)).max() < 5.0
        assert norm.isf(poisson.cdf(seen, mean)).max() < 5.0


# -- reference --


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "highest", [pytest.param(885.0, id="arXiv:1707.09279, Fig. 6a: its curve has 882 for 851 bins")]
)
def test_deviance_of_the_fit_without_signal(
    without_signal: Mapping[str, FitResult], variant: str, highest: float
) -> None:
    assert without_signal[variant].minus_2_ln_l < highest


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("flux", "predicted", "measured", "statistical", "up", "down"),
    [
        pytest.param("pp", 131.1, 134.0, 10.0, 6.0, 10.0, id="arXiv:1707.09279, pp"),
        pytest.param("be7", 47.9, 48.3, 1.1, 0.4, 0.7, id="arXiv:1707.09279, 7Be"),
        pytest.param("pep", 2.74, 2.43, 0.36, 0.15, 0.22, id="arXiv:1707.09279, pep"),
    ],
)
def test_rates_of_the_fit_without_signal(
    without_signal: Mapping[str, FitResult],
    variant: str,
    flux: str,
    predicted: float,
    measured: float,
    statistical: float,
    up: float,
    down: float,
) -> None:
    """In cpd/100t, within one and a half published total errors on the side where it lies."""
    rate = predicted * local(without_signal[variant])[flux]
    error = math.hypot(statistical, up if rate > measured else down)
    assert abs(rate - measured) < 1.5 * error


@pytest.mark.parametrize(
    ("days", "tonnes", "share"), [pytest.param(1291.51, 71.3, 0.6325, id="arXiv:1707.09279, live days, mass, untagged")]
)
def test_exposure(models: Mapping[str, Model], days: float, tonnes: float, share: float) -> None:
    exposure = models["default"].declaration.exposure.internal / (1000.0 * DAY)
    assert exposure == pytest.approx(100.0 * 582.326, rel=1e-6)
    assert exposure == pytest.approx(days * tonnes * share, rel=5e-4)
