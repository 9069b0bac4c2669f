"""CLs and limits of HistFactory models: published numbers, and pyhf run in the same test at equal codes.

``2bin_2channel_coupledhistosys`` has two minima in its nuisance, at either side of zero. Its published CLs, and the
"brute force" ones of the reference file, belong to the branch above zero: with mu held at 1 the other branch is deeper
by 0.50 in -2 ln L, so that the CLs of the likelihood ratio is 0.138 and not 0.080. Both are tested.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyhf  # type: ignore[import-untyped]
import pytest
from test_pyhf import CODES, Codes, Peer, published

from eventfit.inference import Profile, discovery_significance, hypotest, upper_limit_cls
from eventfit.inference.hypotest import BANDS
from eventfit.inference.statistic import StatisticName
from eventfit.io import read_workspace

# pyhf 0.7 asks jsonschema for a class that jsonschema has moved
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")

REFERENCE = Path(__file__).parent / "reference"
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in json.loads((REFERENCE / "histfactory_cases.json").read_text(encoding="utf-8"))["cases"]
}
OLD: Codes = ("code1", "code0")
CLS = [name for name in CASES if "CLs_obs" in CASES[name]["expected"]]
TWO_MINIMA, NUISANCE = "2bin_2channel_coupledhistosys", "coupled_histosys"


@cache
def profile_of(name: str, codes: Codes, lower: float, everywhere: bool = False) -> Profile:
    """The parameter of interest from ``lower`` to 20, as pyhf was asked; of two branches the published one."""
    workspace = read_workspace(published(CASES[name]), poi_bounds=(lower, 20.0), normsys=codes[0], histosys=codes[1])
    likelihood = workspace.likelihood
    if name == TWO_MINIMA and not everywhere:
        likelihood = likelihood.bounded(NUISANCE, 0.0, 5.0)
    return Profile(likelihood, workspace.poi)


def asked(name: str) -> tuple[StatisticName, float]:
    """The statistic of a published CLs and the lower bound that belongs to it."""
    return ("qmu", -20.0) if CASES[name].get("test_stat") == "q" else ("qmu_tilde", 0.0)


def tight(peer: Peer, statistic: StatisticName, mu: float) -> tuple[float, list[float]]:
    """Observed and expected CLs of pyhf at a tight tolerance."""
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-10, maxiter=100_000))
    bounds = peer.model.config.suggested_bounds()
    bounds[peer.model.config.poi_index] = (-20.0, 20.0) if statistic == "qmu" else (0.0, 20.0)
    start = peer.model.config.suggested_init()
    if NUISANCE in peer.model.config.par_names:
        at = peer.model.config.par_names.index(NUISANCE)
        start[at], bounds[at] = 0.3, (0.0, 5.0)
    observed, expected = pyhf.infer.hypotest(
        mu,
        peer.data,
        peer.model,
        init_pars=start,
        par_bounds=bounds,
        test_stat="q" if statistic == "qmu" else "qtilde",
        return_expected_set=True,
    )
    return float(observed), [float(x) for x in expected]


# -- reference --


@pytest.mark.parametrize("name", CLS, ids=lambda name: f"pyhf-test_validation-{name}")
def test_published_cls(name: str) -> None:
    case = CASES[name]
    statistic, lower = asked(name)
    found = hypotest(profile_of(name, OLD, lower), case["mu_test"], statistic=statistic)
    assert found.cls == pytest.approx(case["expected"]["CLs_obs"], abs=1e-4)
    assert [found.expected[n] for n in BANDS] == pytest.approx(case["expected"]["CLs_exp"], abs=2e-4)
    if name != TWO_MINIMA:  # this one is MIGRAD's, from the wrong minimum
        either = hypotest(profile_of(name, OLD, -20.0), case["mu_test"], statistic="qmu")
        assert either.value == pytest.approx(case["pyhf_0_7_6"]["qmu"], abs=1e-4)
    if "CLs_sb" in case["expected"]:
        assert found.p_value == pytest.approx(case["expected"]["CLs_sb"], abs=1e-4)
        assert found.p_value_background == pytest.approx(case["expected"]["CLs_b"], abs=1e-4)


def test_two_minima_of_both_branches() -> None:
    """pyhf-test_validation-2bin_2channel_coupledhistosys: MIGRAD from the nominal point stops at mu = 0.613."""
    trap = CASES[TWO_MINIMA]["trap"]
    branch = profile_of(TWO_MINIMA, OLD, -20.0)
    published_one = hypotest(branch, 1.0, statistic="qmu")
    assert published_one.cls == pytest.approx(trap["brute_force_CLs_obs"], rel=1e-5)
    assert [published_one.expected[n] for n in BANDS] == pytest.approx(trap["brute_force_CLs_exp"], rel=1e-5)
    profile = profile_of(TWO_MINIMA, OLD, -20.0, everywhere=True)
    assert profile.estimate == pytest.approx(trap["global_minimum"]["mu"], abs=1e-5)
    assert profile.best[NUISANCE] == pytest.approx(trap["global_minimum"]["alpha"], abs=1e-5)
    likelihood, grid = profile.likelihood, np.linspace(-5.0, 5.0, 100_001)
    points = np.zeros((len(grid), 2))
    points[:, likelihood.index(NUISANCE)] = grid
    for mu in (0.0, 0.3, 0.6, 1.0, 1.5):
        points[:, likelihood.index("mu")] = mu
        scanned = likelihood.value(points)
        assert profile.delta(mu) == pytest.approx(scanned.min() - profile.best.minus_2_ln_l, abs=1e-6)
    peer = Peer(published(CASES[TWO_MINIMA]), OLD)
    held = profile.at(1.0)
    order = [held.names.index(name) for name in peer.model.config.par_names]
    deeper = peer.value(list(held.values[order])) - trap["global_minimum"]["twice_nll"]
    assert held[NUISANCE] < 0.0
    assert deeper == pytest.approx(profile.delta(1.0), abs=1e-5)  # by pyhf's own likelihood
    assert deeper < branch.delta(1.0) - 0.5
    found = hypotest(profile, 1.0, statistic="qmu")
    assert found.cls == pytest.approx(0.138305, abs=1e-5)


def test_published_limit_and_cls_of_cabinetry() -> None:
    """cabinetry-test_limit."""
    expected = CASES["cabinetry_limit_staterror"]["expected"]
    profile = profile_of("cabinetry_limit_staterror", CODES[0], 0.0)
    limit = upper_limit_cls(profile, cl=0.95)
    assert limit.value == pytest.approx(expected["limit_obs"], abs=0.0015)
    assert [found for _, found in limit.expected] == pytest.approx(expected["limit_exp"], rel=1e-2)  # cabinetry's own
    found_cls = hypotest(profile, 0.1)
    assert found_cls.cls == pytest.approx(expected["CLs_obs_at_mu_0p1"], abs=1e-4)
    assert [found_cls.expected[n] for n in BANDS] == pytest.approx(expected["CLs_exp_at_mu_0p1"], abs=2e-4)


@pytest.mark.parametrize("codes", CODES, ids="-".join)
@pytest.mark.parametrize("name", CASES, ids=lambda name: f"pyhf-0.7-{name}")
def test_pyhf_gives_the_same_cls(name: str, codes: Codes) -> None:
    peer = Peer(published(CASES[name]), codes)
    statistics: tuple[tuple[StatisticName, float], ...] = (("qmu", -20.0), ("qmu_tilde", 0.0))
    for statistic, lower in statistics:
        profile = profile_of(name, codes, lower)
        for mu in (0.5, 1.0):
            found = hypotest(profile, mu, statistic=statistic)
            observed, expected = tight(peer, statistic, mu)
            assert found.cls == pytest.approx(observed, abs=1e-4), (statistic, mu)
            assert [found.expected[n] for n in BANDS] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "name", ["1bin_shapesys", "1bin_normsys", "2bin_histosys", "readme_2bin_51_48", "cabinetry_limit_staterror"]
)
def test_pyhf_gives_the_same_discovery_p_value_and_limit(name: str) -> None:
    """pyhf-0.7: q0 with mu >= 0, and CLs = 0.05 at our limit."""
    peer = Peer(published(CASES[name]), CODES[0])
    profile = profile_of(name, CODES[0], 0.0)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-10, maxiter=100_000))
    bounds = peer.model.config.suggested_bounds()
    bounds[peer.model.config.poi_index] = (0.0, 20.0)
    p = float(pyhf.infer.hypotest(0.0, peer.data, peer.model, par_bounds=bounds, test_stat="q0"))
    assert discovery_significance(profile).p_value == pytest.approx(p, abs=1e-4)
    limit = upper_limit_cls(profile, cl=0.95)
    assert tight(peer, "qmu_tilde", limit.value)[0] == pytest.approx(0.05, abs=1e-4)
    for i, (_, value) in enumerate(limit.expected):
        assert tight(peer, "qmu_tilde", value)[1][i] == pytest.approx(0.05, abs=1e-4)
