"""Targets: atoms per kg and the electrons that an energy transfer can reach."""

from __future__ import annotations

import numpy as np
import pytest

from eventfit.errors import UnknownName
from eventfit.tables import Tables, shipped
from eventfit.target import MATERIALS, Element, Target

XENON = Target.load(Tables(shipped("data")), "xenon")
K_EDGE = 34.561  # keV
AVOGADRO = 6.02214076e23

# -- invariant --------------------------------------------------------------------------------------------------------


def test_xenon_is_neutral() -> None:
    assert XENON.electrons == 54
    assert XENON.electrons_below(np.array([1e6])).tolist() == [54]


def test_electrons_below_rises_from_zero() -> None:
    T = np.concatenate([[0.0, 0.0121], np.geomspace(0.0122, 100, 5000)])
    count = XENON.electrons_below(T)
    assert count[:2].tolist() == [0, 0]
    assert np.all(np.diff(count) >= 0)
    assert set(np.flatnonzero(np.diff(count))) == set(np.searchsorted(T, XENON.shell_energies, side="right") - 1)


def test_an_edge_opens_just_above_its_energy() -> None:
    T = np.array([np.nextafter(K_EDGE, 0), K_EDGE, np.nextafter(K_EDGE, 100)])
    assert XENON.electrons_below(T).tolist() == [52, 52, 54]
    assert XENON.electrons_below(T[:, None]).shape == (3, 1)


def test_a_compound_counts_its_atoms() -> None:
    light = Element("A", 1, mass=2.0, binding_energy=np.array([1.0]), electrons=np.array([1.0]))
    heavy = Element("B", 8, mass=10.0, binding_energy=np.array([1.0, 5.0]), electrons=np.array([6.0, 2.0]))
    compound = Target("A2B", ((light, 2), (heavy, 1)))
    assert compound.units_per_kg == pytest.approx(1 / 14.0)
    assert compound.electrons == 10
    assert compound.electrons_below(np.array([0.5, 2.0, 6.0])).tolist() == [0, 8, 10]
    assert compound.shell_energies.tolist() == [1.0, 5.0]


def test_an_unknown_material_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"unobtainium(.|\n)*xenon"):
        Target.load(Tables(shipped("data")), "unobtainium")


def test_shells_hold_all_electrons_of_every_element() -> None:
    for material in MATERIALS:
        for element, _ in Target.load(Tables(shipped("data")), material).composition:
            assert element.electrons.sum() in (0, element.atomic_number)


def test_stepping_without_shells_is_refused() -> None:
    pseudocumene = Target.load(Tables(shipped("data")), "pseudocumene")
    assert pseudocumene.without_shells == ("C", "H")
    with pytest.raises(UnknownName, match="free"):
        pseudocumene.electrons_below(np.array([1.0]))


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("molar_mass_g", [pytest.param(131.293, id="CIAAW 2021, Xe; CODATA 2022, Avogadro constant")])
def test_atoms_per_kg(molar_mass_g: float) -> None:
    assert XENON.units_per_kg == pytest.approx(1000 * AVOGADRO / molar_mass_g, rel=1e-8)


#: K, L1-L3, M1-M5, N1-N5, O1-O3 in eV
EDGES_EV = "34561 5453 5107 4786 1148.7 1002.1 940.6 689 676.4 213.2 146.7 145.5 69.5 67.5 23.3 13.4 12.1"
#: electrons above each edge; a widely copied public list has 47, 39, 31, 21, 13, 3 in it, which is wrong
STEPS = [54, 52, 50, 48, 44, 42, 40, 36, 32, 26, 24, 22, 18, 14, 8, 6, 4]


@pytest.mark.parametrize(
    ("edges_eV", "steps"), [pytest.param(EDGES_EV, STEPS, id="X-ray Data Booklet 2009, Table 1-1")]
)
def test_steps_of_the_xenon_shells(edges_eV: str, steps: list[int]) -> None:
    edge = np.array([float(value) for value in edges_eV.split()]) / 1000
    assert XENON.electrons_below(edge * (1 + 1e-9)).tolist() == steps
    assert XENON.electrons_below(edge * (1 - 1e-9)).tolist() == [*steps[1:], 0]


#: eV, the valence electrons last, and electrons above each edge
SHELLS = {
    "germanium": (
        "11103.1 1414.6 1248.1 1217.0 180.1 124.9 120.8 29.8 29.2 7.9",
        [32, 30, 28, 26, 22, 20, 18, 14, 10, 4],
    ),
    "caesium_iodide": (
        "35985 33169 5714 5359 5188 5012 4852 4557 1211 1072 1071 1003 931 875 740.5 726.6 630.8 619.3 232.3 186",
        [108, 106, 104, 102, 100, 98, 94, 92, 88, 86, 84, 82, 78, 76, 72, 68, 62, 58, 52, 50],
    ),
}


@pytest.mark.parametrize(
    ("material", "edges_eV", "steps"),
    [pytest.param(name, *found, id=f"X-ray Data Booklet 2009, {name}") for name, found in SHELLS.items()],
)
def test_steps_of_other_shells(material: str, edges_eV: str, steps: list[int]) -> None:
    target = Target.load(Tables(shipped("data")), material)
    edge = np.array([float(value) for value in edges_eV.split()]) / 1000
    assert target.electrons_below(edge * (1 + 1e-9)).tolist() == steps
    assert target.electrons_below(edge[:-1] * (1 - 1e-9)).tolist() == steps[1:]


@pytest.mark.parametrize(
    ("material", "first_eV"),
    [
        pytest.param("germanium", 7.899, id="NIST Atomic Spectra Database, Ge"),
        pytest.param("caesium_iodide", 3.894, id="NIST Atomic Spectra Database, Cs"),
        pytest.param("xenon", 12.130, id="NIST Atomic Spectra Database, Xe"),
    ],
)
def test_nothing_is_set_free_below_the_first_ionisation_energy(material: str, first_eV: float) -> None:
    """In the precision of the tables, a tenth of an eV."""
    shells = Target.load(Tables(shipped("data")), material).shell_energies
    assert 1e3 * shells[0] == pytest.approx(first_eV, abs=0.05)


@pytest.mark.parametrize(
    ("material", "electrons", "molar_mass_g"),
    [
        pytest.param("silicon", 14, 28.085, id="CIAAW 2021, Si"),
        pytest.param("mineral_oil", 8, 14.027, id="CIAAW 2021, CH2"),
        pytest.param("polyvinyltoluene", 64, 118.179, id="CIAAW 2021, C9H10"),
        pytest.param("carbon_tetrafluoride", 42, 88.003, id="CIAAW 2021, CF4"),
        pytest.param("hexafluorobenzene", 90, 186.054, id="CIAAW 2021, C6F6"),
        pytest.param("caesium_iodide", 108, 259.81, id="CIAAW 2021, CsI"),
    ],
)
def test_electrons_and_molar_masses(material: str, electrons: int, molar_mass_g: float) -> None:
    target = Target.load(Tables(shipped("data")), material)
    assert target.electrons == electrons
    assert target.units_per_kg == pytest.approx(1000 * AVOGADRO / molar_mass_g, rel=1e-4)


@pytest.mark.parametrize("electrons_per_100t", [pytest.param(3.307e31, id="arXiv:1707.09279, electrons in 100 t")])
def test_electrons_of_pseudocumene(electrons_per_100t: float) -> None:
    target = Target.load(Tables(shipped("data")), "pseudocumene")
    assert 1e5 * target.units_per_kg * target.electrons == pytest.approx(electrons_per_100t, rel=2e-4)
