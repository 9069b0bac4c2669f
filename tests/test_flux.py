"""Solar fluxes, and the measure that every source is made of."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventfit.errors import OutOfRange, UnknownName
from eventfit.flux import Measure, SolarComponent, solar_flux
from eventfit.flux.solar import COMPONENTS, LINE_COMPONENTS, SolarModel
from eventfit.quadrature import Array
from eventfit.tables import Tables, shipped

TABLES = Tables(shipped("data"))
MODELS = get_args(SolarModel)


def solar(name: str, model: SolarModel = "b16_gs98") -> SolarComponent:
    return solar_flux(TABLES, [name], model)[0]


def nodes(flux: SolarComponent, order: int = 2) -> Measure:
    return flux.measure("flavour", order=order)["nu_e"]


def ramp(edges: list[float], order: int) -> Measure:
    """A continuum of density E in the panels between ``edges``."""
    return Measure.from_density(np.array(edges), lambda E: E, order)


# -- invariant --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[(name, model) for name in COMPONENTS for model in MODELS], ids="-".join)
def component(request: pytest.FixtureRequest) -> SolarComponent:
    name, model = request.param
    return solar(name, model)


def test_measure_integrates_to_the_flux_of_the_model(component: SolarComponent) -> None:
    states = component.measure("flavour", order=2)
    assert set(states) == {"nu_e"}
    row = TABLES.read("flux/solar/fluxes").text["component"].index(component.name)
    published = TABLES.read("flux/solar/fluxes")[f"{component.model}_per_cm2_s"][row]
    assert states["nu_e"].total == pytest.approx(published, rel=1e-12)


def test_density_integrates_to_the_total_and_is_zero_for_lines(component: SolarComponent) -> None:
    # every fourth of a panel: the trapezoid rule is exact, although the sample is not the table
    edges = np.concatenate([[0.0], component.nodes_keV, [component.nodes_keV[-1] + 1.0]])
    E = np.unique(np.concatenate([edges[:-1] + share * np.diff(edges) for share in (0.0, 0.25, 0.5, 0.75)]))
    total = 0.0 if component.name in LINE_COMPONENTS else component.total
    assert np.trapezoid(component.density(E), E) == pytest.approx(total, rel=1e-10)
    assert np.all(component.density(np.array([-1.0, component.nodes_keV[-1] + 1.0])) == 0.0)


def test_weights_and_energies_are_physical(component: SolarComponent) -> None:
    measure = nodes(component)
    assert np.all(measure.weight >= 0)
    assert np.all((measure.low <= measure.energy) & (measure.energy <= measure.high))
    assert measure.high.max() < 20_001  # keV: a table left in MeV or eV would not fit between these two
    assert measure.high.max() > 400


@pytest.mark.parametrize("power", [1, 2])
def test_doubling_the_nodes_moves_no_energy_moment(component: SolarComponent, power: int) -> None:
    coarse, fine = (nodes(component, order).integral(lambda E: E**power) for order in (2, 4))
    assert coarse == pytest.approx(fine, rel=1e-10)


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_two_solar_models_differ_by_less_than_40_percent(name: str) -> None:
    totals = [nodes(solar(name, model)).total for model in MODELS]
    assert 0 < max(totals) - min(totals) < 0.4 * max(totals)


def test_a_mass_content_is_refused(component: SolarComponent) -> None:
    with pytest.raises(OutOfRange, match="mass content"):
        component.measure("mass", order=2)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"unknown solar component(.|\n)*be7"):
        solar_flux(TABLES, ["pp", "be8"], "b16_gs98")
    with pytest.raises(UnknownName, match=r"unknown solar model(.|\n)*b16_gs98"):
        solar_flux(TABLES, ["pp"], "b17")  # type: ignore[arg-type]


def test_measures_add_and_scale() -> None:
    line = Measure.lines(np.array([2.0]), np.array([3.0]))
    continuum = ramp([1.0, 2.0, 4.0], order=3)  # total 7.5, integral of E 21
    both = continuum + 2 * line
    assert both.total == pytest.approx(7.5 + 6.0, rel=1e-14)
    assert both.integral(lambda E: E) == pytest.approx(21.0 + 12.0, rel=1e-14)
    assert (both * 0.5).integral(lambda E: E) == pytest.approx(16.5, rel=1e-14)
    assert both.share_above(np.array([1.5])) @ both.weight == pytest.approx([8 - 1.125 + 6.0], rel=1e-14)


def test_a_sum_is_cut_like_its_parts() -> None:
    first, second = ramp([0.0, 1.0], order=3), ramp([0.0, 1.0, 2.0], order=3)
    cut = np.array([0.3])
    parts = sum(m.share_above(cut) @ m.weight for m in (first, second))
    both = first + second
    assert both.share_above(cut) @ both.weight == pytest.approx(parts, rel=1e-12)


@pytest.mark.parametrize(
    ("energy", "weight"), [(0.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, np.nan), (1.0, np.inf)], ids=str
)
def test_unphysical_measures_are_refused(energy: float, weight: float) -> None:
    with pytest.raises(OutOfRange):
        Measure.lines(np.array([energy]), np.array([weight]))


def test_share_is_one_below_and_zero_above_all_panels() -> None:
    measure = ramp([1.0, 2.0, 5.0], order=4)
    share = measure.share_above(np.array([0.5, 1.0, 5.0, 6.0]))
    assert share.shape == (4, 8)
    assert np.all(share[:2] == 1.0)
    assert np.all(share[2:] == 0.0)


@given(
    order=st.integers(2, 6),
    inside=st.floats(0.0, 1.0),
    panel=st.integers(0, 2),
    coefficients=st.lists(st.floats(0.1, 3.0), min_size=6, max_size=6),
)
def test_share_cuts_polynomials_exactly(order: int, inside: float, panel: int, coefficients: list[float]) -> None:
    edges = np.array([1.0, 1.5, 4.0, 4.2])
    f = np.polynomial.Polynomial(coefficients[: order - 1])  # times the density E: degree order - 1
    measure = Measure.from_density(edges, lambda E: E, order)
    cut = edges[panel] + inside * (edges[panel + 1] - edges[panel])
    primitive = (f * np.polynomial.Polynomial([0.0, 1.0])).integ()
    found = (measure.share_above(np.array([cut])) * measure.weight) @ f(measure.energy)
    assert found[0] == pytest.approx(primitive(edges[-1]) - primitive(cut), rel=1e-11, abs=1e-11)


def test_a_line_counts_up_to_its_own_energy() -> None:
    line = Measure.lines(np.array([3.0, 5.0]), np.ones(2))
    share = line.share_above(np.array([2.9, 3.0, np.nextafter(3.0, 4.0), 5.1]))
    assert share.tolist() == [[1, 1], [1, 1], [0, 1], [0, 0]]


# -- reference --------------------------------------------------------------------------------------------------------

#: 1/(cm^2 s): GS98, AGSS09met
B16_FLUXES = {
    "pp": (5.98e10, 6.03e10),
    "pep": (1.44e8, 1.46e8),
    "hep": (7.98e3, 8.25e3),
    "be7": (4.93e9, 4.50e9),
    "b8": (5.46e6, 4.50e6),
    "n13": (2.78e8, 2.04e8),
    "o15": (2.05e8, 1.44e8),
    "f17": (5.29e6, 3.26e6),
}


@pytest.mark.parametrize("name", [pytest.param(name, id=f"arXiv:1611.09867, {name}") for name in B16_FLUXES])
def test_published_fluxes(name: str) -> None:
    found = [nodes(solar(name, model)).total for model in ("b16_gs98", "b16_agss09met")]
    assert found == pytest.approx(B16_FLUXES[name], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "mean_keV"),
    [  # means of the full tables of the publications; some of ours are thinned
        pytest.param("pp", 266.7, id="hep-ph/9710491, Table IV"),
        pytest.param("b8", 6770.0, id="nucl-ex/0406019"),
        pytest.param("n13", 706.7, id="Rev. Mod. Phys. 60, 297 (1988), 13N"),
        pytest.param("o15", 996.5, id="Rev. Mod. Phys. 60, 297 (1988), 15O"),
        pytest.param("f17", 999.6, id="Rev. Mod. Phys. 60, 297 (1988), 17F"),
        pytest.param("hep", 9630.0, id="Rev. Mod. Phys. 60, 297 (1988), hep"),
    ],
)
def test_mean_energy(name: str, mean_keV: float) -> None:
    measure = nodes(solar(name))
    assert measure.integral(lambda E: E) / measure.total == pytest.approx(mean_keV, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "energy_keV", "branching"),
    [
        pytest.param("be7", [384.3, 861.8], [0.103, 0.897], id="astro-ph/9401024, 7Be"),
        pytest.param("pep", [1442.0], [1.0], id="hep-ph/9710491, pep"),
    ],
)
def test_lines(name: str, energy_keV: list[float], branching: list[float]) -> None:
    measure: Measure = nodes(solar(name))
    shares: Array = measure.weight / measure.total
    assert measure.energy == pytest.approx(energy_keV, abs=1.0)  # thermal shift and rounding
    assert shares == pytest.approx(branching, abs=0.002)
