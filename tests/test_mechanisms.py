"""Declared mechanisms reach the templates: oscillation, moments by flavour and mass, orders of weak scattering."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eventfit.analysis import Analysis, Model
from eventfit.cross_section import FlavourMoments, FreeElectrons
from eventfit.errors import UnknownName
from eventfit.quadrature import Array
from eventfit.tables import Tables, shipped
from eventfit.target import Target

VALID = Path(__file__).parent / "broken" / "valid.toml"
OSCILLATION = 'oscillation = { parameters = "nufit60_ic24_normal" }'
MOMENT = '{ kind = "magnetic_moment" }'


def model(folder: Path, process: str = MOMENT, *, poi: str = "mu_nu", oscillation: str = "") -> Model:
    """The shortest declaration with other mechanisms."""
    text = VALID.read_text(encoding="utf-8")
    text = text.replace('poi = "mu_nu"', f'poi = "{poi}"\n{oscillation}').replace(MOMENT, process)
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return Analysis.load(path).model()


def signal(model: Model) -> Array:
    return np.asarray(sum(t.spectrum.values() for t in model.templates if model.poi in t.powers))


def moments(folder: Path, family: str, *names: str) -> dict[str, Array]:
    """The template of every moment of the family, each from a declaration of its own."""
    found = {}
    for name in names:
        process = f'{{ kind = "{family}", couplings = ["{name}"] }}'
        found[name] = signal(model(folder, process, poi=name, oscillation=OSCILLATION))
    return found


def test_a_universal_moment_does_not_see_the_oscillation(tmp_path: Path) -> None:
    plain, oscillated = model(tmp_path), model(tmp_path, oscillation=OSCILLATION)
    np.testing.assert_allclose(signal(oscillated), signal(plain), rtol=1e-12)


def test_flavours_add_to_the_universal_moment(tmp_path: Path) -> None:
    parts = moments(tmp_path, "flavour_moments", "mu_e", "mu_mu", "mu_tau")
    np.testing.assert_allclose(sum(parts.values()), signal(model(tmp_path)), rtol=1e-12)
    # 7Be at 862 keV: P_ee about 0.53
    assert parts["mu_e"][0] / signal(model(tmp_path))[0] == pytest.approx(0.53, abs=0.02)


def test_transitions_add_to_twice_the_universal_moment(tmp_path: Path) -> None:
    parts = moments(tmp_path, "transition_moments", "mu_12", "mu_13", "mu_23")
    np.testing.assert_allclose(sum(parts.values()), 2 * signal(model(tmp_path)), rtol=1e-12)
    assert parts["mu_12"][0] > parts["mu_13"][0] > parts["mu_23"][0]  # P_1 > P_2 > P_3 at 0.86 MeV


def test_a_listed_moment_floats_and_others_are_zero(tmp_path: Path) -> None:
    process = '{ kind = "flavour_moments", couplings = ["mu_e", "mu_tau"] }'
    both = model(tmp_path, process, poi="mu_tau", oscillation=OSCILLATION)
    assert both.poi == "mu_tau2"
    assert both.likelihood.names[:2] == ("mu_e2", "mu_tau2")
    assert [t.name for t in both.templates] == ["be7.mu_e", "be7.mu_tau"]


def test_a_replaced_value_moves_the_content(tmp_path: Path) -> None:
    process = '{ kind = "flavour_moments", couplings = ["mu_e"] }'
    declared = OSCILLATION.replace(" }", ", sin2_theta12 = 0.33 }")
    moved = signal(model(tmp_path, process, poi="mu_e", oscillation=declared))
    usual = signal(model(tmp_path, process, poi="mu_e", oscillation=OSCILLATION))
    assert np.all(moved < usual)  # less nu_1, which holds most nu_e


def test_weak_scattering_by_order_and_flavour(tmp_path: Path) -> None:
    def weak(order: str, oscillation: str = "") -> Array:
        whole = model(tmp_path, f"{MOMENT}, {{ kind = 'standard_model', {order} }}", oscillation=oscillation)
        (template,) = (t for t in whole.templates if t.process == "standard_model")
        return template.spectrum.values()

    tree = weak("order = 'tree', sin2_theta_w = 0.23122")
    corrected = weak("order = 'corrected', sin2_theta_w_mz = 0.23122, qed = false")
    with_qed = weak("order = 'corrected', sin2_theta_w_mz = 0.23122, qed = true")
    np.testing.assert_allclose(corrected / tree, 0.978, atol=0.003)  # astro-ph/9502003
    assert np.all(with_qed < corrected)
    assert np.all(with_qed > 0.995 * corrected)
    # part of the nu_e arrives as nu_mu and nu_tau, which have no charged current
    assert np.all(weak("order = 'tree', sin2_theta_w = 0.23122", OSCILLATION) < 0.75 * tree)


def test_what_oscillation_rests_on_is_cited(tmp_path: Path) -> None:
    plain, oscillated = model(tmp_path), model(tmp_path, oscillation=OSCILLATION)
    added = set(oscillated.cite) - set(plain.cite)
    assert {"parke1986", "arXiv:1604.08167", "arXiv:2410.05380"} <= added
    assert {"flux/oscillation/nufit", "flux/solar/production_b16_gs98"} == {
        table.name for table in oscillated.tables
    } - {table.name for table in plain.tables}


def test_a_family_refuses_the_moment_of_another() -> None:
    free = FreeElectrons(Target.load(Tables(shipped("data")), "xenon"))
    with pytest.raises(UnknownName, match="mu_12"):
        FlavourMoments(free, ("mu_12",))
