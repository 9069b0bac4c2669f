"""Reactor antineutrinos: spectra, joints, norms, and the inverse beta decay that they are known by.

Antineutrinos per fission (0.56, 0.08, 0.30, 0.06 of 235U, 238U, 239Pu, 241Pu; 0.6 captures; BESTIOLE above 8 MeV) and
the fluxes that follow from power and distance, over those the experiments state; ``BESIDE`` below holds them:

| above 2 MeV | below | per fission | GEMMA 2.7e13 | TEXONO 6.4e12 | CONUS 2.3e13 |
| --- | --- | --- | --- | --- | --- |
| Huber, Mueller | BESTIOLE | 7.26 | 1.010 | 1.015 | 1.018 |
| Kurchatov | BESTIOLE | 7.21 | 1.003 | 1.008 | 1.011 |
| Mueller | BESTIOLE | 7.25 | 1.009 | 1.014 | 1.018 |
| BESTIOLE | BESTIOLE | 7.19 | 1.000 | 1.005 | 1.008 |
| Huber, Mueller | Vogel-Engel | 6.83 | 0.950 | 0.955 | 0.958 |
| Huber, Mueller | Kopeikin 1997 | 6.69 | 0.931 | 0.935 | 0.938 |
| Kopeikin 1997 | Kopeikin 1997 | 6.67 | 0.928 | 0.932 | 0.935 |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventfit.analysis.sources import ReactorDeclared, build_reactor
from eventfit.cross_section import FreeElectrons, InverseBetaDecay, MagneticMoment, SteppingElectrons
from eventfit.errors import DeclarationError, EventfitError, OutOfRange, UnknownName
from eventfit.flux import Core, Flux, ReactorFlux, ReactorModel, TotalFlux, reactor_flux, solar_flux
from eventfit.flux.reactor import ISOTOPES, CaptureName, CaptureSpectrum, FissionSpectra, SpectraName
from eventfit.flux.reactor.model import WIDEST
from eventfit.flux.reactor.spectra import SOURCES, Curve
from eventfit.folding import fold
from eventfit.quadrature import Array
from eventfit.response import PerfectResolution, Response, SqrtResolution
from eventfit.strict import validated
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import MeV, day

TABLES = Tables(shipped("data"))
#: of a power reactor
FRACTIONS = {"u235": 0.56, "u238": 0.08, "pu239": 0.30, "pu241": 0.06}
CAPTURES = 0.6
IBD = InverseBetaDecay()
#: main spectra, what continues them below and above
Choice = tuple[SpectraName, SpectraName | None, SpectraName | None]
DEFAULT: Choice = ("huber_mueller", "bestiole", "bestiole")
#: from zero to an end point
COMPLETE: list[Choice] = [
    DEFAULT,
    ("kurchatov", "bestiole", "bestiole"),
    ("mueller", "bestiole", "bestiole"),
    ("bestiole", None, None),
    ("silaeva_sinev", "bestiole", None),
    ("huber_mueller", "vogel_engel", "bestiole"),
    ("huber_mueller", "kopeikin1997", "silaeva_sinev"),
    ("kopeikin1997", None, None),
]


def model_of(choice: Choice) -> ReactorModel:
    return ReactorModel.load(TABLES, *choice)


def reactor(
    choice: Choice = DEFAULT,
    norm: list[Core] | TotalFlux | None = None,
    fractions: Mapping[str, float] | None = None,
    captures: float = CAPTURES,
) -> ReactorFlux:
    """A flux with what its model needs, by default of GEMMA's power and distance."""
    model = model_of(choice)
    norm = [Core(3.0, 13.9)] if norm is None else norm
    wanted = FRACTIONS if model.isotopes or not isinstance(norm, TotalFlux) else None
    fractions = wanted if fractions is None else fractions
    captures_given = captures if model.needs_captures else None
    return reactor_flux(TABLES, model, norm, fractions=fractions, captures_per_fission=captures_given)


def total(flux: Flux, order: int = 2) -> float:
    return flux.measure("flavour", order=order)["nubar_e"].total


def name_of(choice: Choice) -> str:
    return "-".join(part or "none" for part in choice)


@pytest.fixture(params=COMPLETE, ids=name_of)
def complete(request: pytest.FixtureRequest) -> ReactorFlux:
    return reactor(request.param)


@pytest.fixture(params=get_args(SpectraName))
def spectra(request: pytest.FixtureRequest) -> FissionSpectra:
    return FissionSpectra.load(TABLES, request.param)


# -- invariant --------------------------------------------------------------------------------------------------------


def test_curves_pass_through_their_rows(spectra: FissionSpectra) -> None:
    for isotope, source in SOURCES[spectra.name].items():
        table = TABLES.read(f"flux/reactor/{source}")
        found = spectra.curves[isotope](table["energy_keV"])
        assert found == pytest.approx(table[f"{isotope}_per_keV"], rel=1e-12, abs=0.0)


def test_a_curve_is_straight_in_the_logarithm_and_linear_where_a_row_is_zero() -> None:
    curve = Curve(np.array([1000.0, 1100.0, 1200.0, 1300.0]), np.array([8.0, 2.0, 0.0, 0.0]), logarithmic=True)
    assert curve(np.array([1050.0, 1150.0, 1250.0])) == pytest.approx([4.0, 1.0, 0.0], rel=1e-12)
    assert curve(np.array([999.9, 1300.1])).tolist() == [0.0, 0.0]
    linear = Curve(curve.energy, curve.value, logarithmic=False)
    assert linear(np.array([1050.0])) == pytest.approx([5.0], rel=1e-12)


def test_a_curve_that_starts_near_zero_goes_on_as_phase_space() -> None:
    curve = Curve(np.array([10.0, 20.0]), np.array([4.0, 1.0]), logarithmic=True)
    assert curve.low == 0.0
    assert curve(np.array([0.0, 1.0, 5.0, 10.0])) == pytest.approx([0.0, 0.04, 1.0, 4.0], rel=1e-12)


@given(energy=st.floats(0.0, 12_500.0))
def test_spectra_are_finite_and_not_negative(energy: float) -> None:
    for name in get_args(SpectraName):
        for curve in FissionSpectra.load(TABLES, name).curves.values():
            value = float(curve(np.array([energy]))[0])
            assert 0.0 <= value < 1e-2  # per keV and fission: a table left per MeV would not fit


def test_what_lies_below_the_first_row_is_a_thousandth(spectra: FissionSpectra) -> None:
    for curve in spectra.curves.values():
        if curve.low == 0.0:
            below = curve.value[0] * curve.energy[0] / 3.0
            assert below < 1.5e-3 * np.trapezoid(curve.value, curve.energy)


@pytest.mark.parametrize("name", get_args(CaptureName))
def test_a_capture_gives_two_antineutrinos(name: CaptureName) -> None:
    capture = CaptureSpectrum.load(TABLES, name)
    E = np.linspace(0.0, capture.high, 200_001)
    assert np.trapezoid(capture(E), E) == pytest.approx(2.0, rel=1e-4)
    assert np.all(capture(E) >= 0.0)
    assert capture(np.array([capture.high + 1.0])).tolist() == [0.0]


def test_the_measure_is_of_electron_antineutrinos_and_integrates_the_density(complete: ReactorFlux) -> None:
    states = complete.measure("flavour", order=2)
    assert set(states) == {"nubar_e"}
    E = np.unique(np.concatenate([complete.model.edges, np.linspace(0.0, complete.model.high, 60_001)]))
    assert np.all(complete.density(E) >= 0.0)
    assert states["nubar_e"].total == pytest.approx(np.trapezoid(complete.density(E), E), rel=1e-3)
    assert np.all(states["nubar_e"].weight >= 0.0)


def test_panels_end_at_joints_and_rows_and_none_is_wide(complete: ReactorFlux) -> None:
    """A kinematic edge inside a wide panel, where the spectrum falls by a factor, is not integrated well."""
    edges = complete.model.edges
    assert np.all(np.diff(edges) > 0)
    assert np.diff(edges).max() <= WIDEST
    for piece in complete.model.pieces:
        knots = piece.spectra.knots
        rows = knots[(knots >= piece.low) & (knots <= piece.high)]
        assert np.isin([piece.low, piece.high, *rows], edges).all()


@pytest.mark.parametrize("power", [0, 1, 2])
def test_doubling_the_nodes_moves_no_moment(complete: ReactorFlux, power: int) -> None:
    coarse, fine = (
        complete.measure("flavour", order=order)["nubar_e"].integral(lambda E: E**power) for order in (2, 4)
    )
    assert coarse == pytest.approx(fine, rel=1e-4)


def test_parts_add_to_the_whole(complete: ReactorFlux) -> None:
    parts = complete.split()
    assert len({part.name for part in parts}) == len(parts) >= 1
    assert sum(total(part) for part in parts) == pytest.approx(total(complete), rel=1e-12)


@pytest.mark.parametrize("choice", COMPLETE, ids=name_of)
def test_pieces_add_to_the_whole(choice: Choice) -> None:
    """Between its joints the model is each of its spectra, and nothing else."""
    model = model_of(choice)
    assert [piece.high for piece in model.pieces[:-1]] == [piece.low for piece in model.pieces[1:]]
    for piece in model.pieces:
        E = np.linspace(piece.low, piece.high, 101)[:-1]
        found = model.parts(E)
        for part, curve in piece.spectra.curves.items():
            assert found[part] == pytest.approx(curve(E), rel=1e-12, abs=0.0)
        assert all(np.all(found[part] == 0.0) for part in set(found) - set(piece.spectra.curves) - {"capture"})


@given(power=st.floats(0.1, 8.0), distance=st.floats(5.0, 45.0), factor=st.floats(0.2, 1.2))
def test_the_norm_is_linear_in_power_and_falls_as_the_square_of_the_distance(
    power: float, distance: float, factor: float
) -> None:
    base = reactor(norm=[Core(power, distance)]).fission_rate
    assert reactor(norm=[Core(factor * power, distance)]).fission_rate == pytest.approx(factor * base, rel=1e-12)
    assert reactor(norm=[Core(power, 2.0 * distance)]).fission_rate == pytest.approx(0.25 * base, rel=1e-12)


def test_cores_add() -> None:
    near, far = [Core(2.9, 28.0)], [Core(2.9, 76.0)]
    assert total(reactor(norm=[*near, *far])) == pytest.approx(total(reactor(norm=near)) + total(reactor(norm=far)))


@given(share=st.floats(0.0, 1.0))
def test_fissions_mix_linearly(share: float) -> None:
    """At equal fission rate: at equal power the energy per fission changes as well."""

    def per_fission(fractions: Mapping[str, float]) -> Array:
        flux = reactor(fractions=fractions)
        return flux.measure("flavour", order=2)["nubar_e"].weight / flux.fission_rate

    mixed = per_fission({"u235": share, "pu239": 1.0 - share})
    assert mixed == pytest.approx(share * per_fission({"u235": 1.0}) + (1.0 - share) * per_fission({"pu239": 1.0}))


def test_captures_are_linear_and_below_their_end_point() -> None:
    none, some, twice = (reactor(captures=n) for n in (0.0, 0.6, 1.2))
    assert total(some) - total(none) == pytest.approx(1.2 * none.fission_rate, rel=1e-4)
    assert total(twice) - total(some) == pytest.approx(total(some) - total(none), rel=1e-10)
    E = np.linspace(1300.0, 8000.0, 1000)
    assert np.array_equal(some.density(E), none.density(E))


def test_a_published_flux_is_the_total(complete: ReactorFlux) -> None:
    choice = COMPLETE[[model_of(choice).name for choice in COMPLETE].index(complete.model.name)]
    published = reactor(choice, TotalFlux(6.4e12))
    assert total(published) == pytest.approx(6.4e12, rel=1e-5)
    E = np.linspace(50.0, 9000.0, 500)
    assert published.density(E) / total(published) == pytest.approx(
        complete.density(E) / total(complete), rel=1e-6, abs=0.0
    )


def test_a_mass_content_is_refused() -> None:
    with pytest.raises(OutOfRange, match="mass content"):
        reactor().measure("mass", order=2)


#: spectra over Huber and Mueller, 2 to 6 MeV, any isotope: smallest and largest ratio, and change of the integral
AGREE: Mapping[SpectraName, tuple[float, float, float]] = {
    "kurchatov": (0.85, 1.05, 0.06),
    "mueller": (0.87, 1.05, 0.01),
    "bestiole": (0.90, 1.20, 0.07),
    "silaeva_sinev": (0.90, 1.30, 0.07),
}


@pytest.mark.parametrize("isotope", ISOTOPES)
@pytest.mark.parametrize("name", AGREE)
def test_models_agree(name: SpectraName, isotope: str) -> None:
    """Within what the publications disagree by: a table in another unit, or of another isotope, would not."""
    E = np.linspace(2000.0, 6000.0, 2001)
    ours, theirs = (FissionSpectra.load(TABLES, n).curves[isotope](E) for n in ("huber_mueller", name))
    low, high, integral = AGREE[name]
    assert low < (theirs / ours).min() <= (theirs / ours).max() < high
    assert theirs.sum() == pytest.approx(ours.sum(), rel=integral)


@pytest.mark.parametrize("isotope", ISOTOPES)
def test_low_energy_models_agree(isotope: str) -> None:
    """0.5 to 2 MeV within 15 % everywhere; below that Vogel-Engel is far lower, as is known."""
    E = np.linspace(500.0, 2000.0, 2001)
    modern, old = (FissionSpectra.load(TABLES, n).curves[isotope] for n in ("bestiole", "vogel_engel"))
    assert np.abs(old(E) / modern(E) - 1.0).max() < 0.15
    below = np.linspace(50.0, 500.0, 2001)
    assert 0.65 < old(below).sum() / modern(below).sum() < 0.75


def test_the_mixture_of_1997_agrees_with_its_isotopes() -> None:
    """Kopeikin's total against Huber and Mueller with a fuel of the middle of a cycle, 2 to 6 MeV."""
    E = np.linspace(2000.0, 6000.0, 2001)
    mixture = FissionSpectra.load(TABLES, "kopeikin1997").curves["total"](E)
    isotopes = FissionSpectra.load(TABLES, "huber_mueller").curves
    ratio = mixture / sum(share * isotopes[isotope](E) for isotope, share in FRACTIONS.items())
    assert 0.90 < ratio.min() <= ratio.max() < 1.06


def test_capture_spectra_agree() -> None:
    modern, drawn = (CaptureSpectrum.load(TABLES, name) for name in get_args(CaptureName))
    means = [np.average(E := np.linspace(1.0, 1300.0, 5000), weights=capture(E)) for capture in (modern, drawn)]
    assert means[1] == pytest.approx(means[0], rel=0.15)


def test_inverse_beta_decay_has_a_threshold_and_takes_electron_antineutrinos_only() -> None:
    E = np.array([10.0, 1000.0, 1806.0, 1806.1, 1900.0, 5000.0])
    sigma = IBD.sigma(E, "nubar_e")
    assert sigma[:3].tolist() == [0.0, 0.0, 0.0]
    assert np.all(np.diff(sigma[2:]) > 0.0)
    assert not any(IBD.sigma(E, state).any() for state in ("nu_e", "nubar_mu", "nubar_tau", "nu_mu"))


def test_a_positron_has_an_energy_inside_its_range() -> None:
    """The differential cross section integrates to the total one by a rule that is not the one used inside."""
    E = 5000.0
    positron = np.linspace(E - 1293.3 - 150.0, E - 1293.3 + 50.0, 400_001)
    s = 938_272.089 * (938_272.089 + 2.0 * E)
    beta = E / (E + 938_272.089)  # of the centre of mass
    energy = (s - 939_565.422**2 + 510.999**2) / (2.0 * np.sqrt(s))
    momentum, gamma = np.sqrt(energy**2 - 510.999**2), 1.0 / np.sqrt(1.0 - beta**2)
    inside = (gamma * (energy - beta * momentum) < positron) & (positron < gamma * (energy + beta * momentum))
    integral = np.trapezoid(np.where(inside, IBD.dsigma_dpositron(np.array([E]), positron), 0.0), positron)
    assert integral / IBD.sigma(np.array([E]), "nubar_e")[0] == pytest.approx(1.0, rel=1e-4)


# -- invariant: what is not known --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "outside_keV"),
    [
        (("huber_mueller", None, None), (1999.0, 8001.0)),
        (("silaeva_sinev", None, None), (999.0,)),
        (("huber_mueller", "bestiole", None), (8001.0,)),
        (("huber_mueller", None, "bestiole"), (1999.0,)),
        (DEFAULT, (-1.0,)),
    ],
)
def test_no_spectrum_is_extrapolated(choice: Choice, outside_keV: tuple[float, ...]) -> None:
    flux = reactor(choice)
    for energy in outside_keV:
        with pytest.raises(OutOfRange, match=r"not known(.|\n)*low_energy or high_energy"):
            flux.density(np.array([4000.0, energy]))


def test_beyond_the_end_point_there_is_nothing() -> None:
    assert reactor().density(np.array([12_488.0, 20_000.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "choice",
    [
        ("bestiole", "vogel_engel", None),  # starts at zero: nothing to continue
        ("huber_mueller", "mueller", None),  # starts at 2 MeV as well
        ("huber_mueller", None, "vogel_engel"),  # ends at 2 MeV
        ("huber_mueller", None, "kurchatov"),  # ends at 8 MeV as well
        ("bestiole", None, "silaeva_sinev"),  # ends before it
    ],
    ids=name_of,
)
def test_continuations_have_to_be_valid_at_the_joint(choice: Choice) -> None:
    with pytest.raises(OutOfRange, match=r"cannot continue(.|\n)*valid from"):
        model_of(choice)


@pytest.mark.parametrize(
    ("choice", "known_keV"),
    [
        (DEFAULT, (0.0, np.inf)),
        (("huber_mueller", None, None), (2000.0, 8000.0)),
        (("huber_mueller", "silaeva_sinev", None), (1000.0, 8000.0)),
        (("vogel_engel", None, "kurchatov"), (0.0, 8000.0)),
        (("silaeva_sinev", None, None), (1000.0, np.inf)),
    ],
)
def test_a_model_says_where_it_is_known(choice: Choice, known_keV: tuple[float, float]) -> None:
    assert reactor(choice).known == known_keV


def germanium_fold(flux: ReactorFlux, edges: Array, sigma: float = 0.0) -> float:
    target = Target.load(TABLES, "germanium")
    process = MagneticMoment(FreeElectrons(target))
    resolution = SqrtResolution(sigma, 0.0) if sigma else PerfectResolution()
    response = Response(order=("resolution",), resolution=resolution)
    templates = fold([flux], [process], response, edges, exposure=day, units_per_kg=target.units_per_kg)
    return float(templates[0].spectrum.content.sum())


def test_a_window_that_needs_unknown_antineutrinos_is_refused() -> None:
    above: Choice = ("huber_mueller", None, "bestiole")
    with pytest.raises(OutOfRange, match=r"not known(.|\n)*2000 to inf keV"):
        germanium_fold(reactor(above), np.array([3.0, 10.0]))
    edges = np.array([3.0, 5.0, 8.0]) * MeV
    whole, upper = (germanium_fold(reactor(choice), edges, sigma=1.0) for choice in (DEFAULT, above))
    assert upper == pytest.approx(whole, rel=1e-9)
    for window in (edges, edges - 1.0 * MeV):  # antineutrinos above 8 MeV strike recoils of all energies below
        with pytest.raises(OutOfRange, match=r"not known(.|\n)*0 to 8000 keV"):
            germanium_fold(reactor(("huber_mueller", "bestiole", None)), window, sigma=1.0)


def test_inverse_beta_decay_needs_all_energies_that_it_sees() -> None:
    with pytest.raises(OutOfRange, match=r"2000(.|\n)*1806"):
        IBD.rate(reactor(("huber_mueller", None, "bestiole")))
    with pytest.raises(OutOfRange, match="8000"):
        IBD.rate(reactor(("huber_mueller", "bestiole", None)))
    assert IBD.rate(solar_flux(TABLES, ["b8"], "b16_gs98")[0]) == 0.0


# -- invariant: what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "fractions", "match"),
    [
        (OutOfRange, {"u235": 0.56, "u238": 0.08, "pu239": 0.30}, r"do not add to one(.|\n)*0.94"),
        (OutOfRange, {"u235": 56.0, "u238": 8.0, "pu239": 30.0, "pu241": 6.0}, r"fraction(.|\n)*u235 = 56"),
        (OutOfRange, {"u235": 1.2, "pu239": -0.2}, "fraction"),
        (OutOfRange, {"u235": float("nan")}, "fraction"),
        (UnknownName, {"u235": 0.9, "pu240": 0.1}, r"pu240(.|\n)*u235, u238, pu239, pu241"),
        (UnknownName, {"U235": 1.0}, r"did you mean 'u235'"),
        (OutOfRange, {}, "do not add to one"),
    ],
    ids=str,
)
def test_fractions_are_shares_of_known_isotopes(
    error: type[EventfitError], fractions: Mapping[str, float], match: str
) -> None:
    with pytest.raises(error, match=match):
        reactor(fractions=fractions)


@pytest.mark.parametrize(
    ("error", "choice", "captures", "match"),
    [
        (DeclarationError, DEFAULT, None, r"missing(.|\n)*0\.6 is usual"),
        (DeclarationError, ("kopeikin1997", None, None), 0.6, "counted twice"),
        (DeclarationError, ("huber_mueller", "kopeikin1997", None), 0.6, "counted twice"),
        (DeclarationError, ("huber_mueller", None, None), 0.6, "no effect"),
        (OutOfRange, ("silaeva_sinev", "kopeikin1997", None), 0.6, "in a part of the spectrum only"),
        (OutOfRange, DEFAULT, -0.1, "0 to 2"),
        (OutOfRange, DEFAULT, float("nan"), "0 to 2"),
    ],
)
def test_captures_are_never_counted_twice_nor_forgotten(
    error: type[EventfitError], choice: Choice, captures: float | None, match: str
) -> None:
    with pytest.raises(error, match=match):
        reactor_flux(TABLES, model_of(choice), [Core(3.0, 13.9)], fractions=FRACTIONS, captures_per_fission=captures)


def test_fractions_are_asked_for_only_where_they_matter() -> None:
    mixture = model_of(("kopeikin1997", None, None))
    assert total(reactor_flux(TABLES, mixture, TotalFlux(1e13))) == pytest.approx(1e13, rel=1e-5)
    with pytest.raises(DeclarationError, match="nothing depends"):
        reactor_flux(TABLES, mixture, TotalFlux(1e13), fractions=FRACTIONS)
    for model, norm in ((mixture, [Core(3.0, 13.9)]), (model_of(DEFAULT), TotalFlux(1e13))):
        captures = CAPTURES if model.needs_captures else None
        with pytest.raises(DeclarationError, match=r"fractions are missing(.|\n)*u235 = "):
            reactor_flux(TABLES, model, norm, captures_per_fission=captures)


def test_norms_without_meaning_are_refused() -> None:
    for power, distance in ((0.0, 10.0), (-1.0, 10.0), (3000.0, 10.0), (3.0, 0.0), (3.0, 1390.0), (3.0, float("nan"))):
        with pytest.raises(OutOfRange):
            Core(power, distance)
    for flux in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(OutOfRange):
            TotalFlux(flux)
    with pytest.raises(DeclarationError, match="without a core"):
        reactor(norm=[])
    with pytest.raises(OutOfRange, match=r"does not start at zero(.|\n)*low_energy"):
        reactor(("huber_mueller", None, None), TotalFlux(2.7e13))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"huber_muller(.|\n)*did you mean 'huber_mueller'"):
        ReactorModel.load(TABLES, "huber_muller")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="capture"):
        ReactorModel.load(TABLES, "bestiole", capture="none")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="kopeikin2004, ma2013"):
        reactor_flux(
            TABLES,
            model_of(DEFAULT),
            [Core(3.0, 13.9)],
            fractions=FRACTIONS,
            captures_per_fission=0.6,
            energies="mine",  # type: ignore[arg-type]
        )


DECLARED: dict[str, Any] = {
    "kind": "reactor",
    "model": "huber_mueller",
    "low_energy": "bestiole",
    "high_energy": "bestiole",
    "fractions": FRACTIONS,
    "captures_per_fission": 0.6,
    "power_GW": 3.0,
    "distance_m": 13.9,
}


def declared(*left_out: str, **changed: Any) -> ReactorDeclared:
    raw = {key: value for key, value in (DECLARED | changed).items() if key not in left_out}
    return validated(ReactorDeclared, raw, where="flux[1].", error=DeclarationError)


def test_a_declared_reactor_is_the_same_flux() -> None:
    flux = build_reactor(declared(), TABLES)
    assert flux.name == "reactor"
    assert total(flux) == total(reactor())
    cores = [{"power_GW": 3.0, "distance_m": 13.9}, {"power_GW": 3.0, "distance_m": 60.0}]
    both = build_reactor(declared("power_GW", "distance_m", core=cores, name="two_cores"), TABLES)
    assert both.name == "two_cores"
    assert total(both) == pytest.approx(total(flux) * (1.0 + (13.9 / 60.0) ** 2), rel=1e-12)
    assert total(build_reactor(declared("power_GW", "distance_m", flux_per_cm2_s=2.7e13), TABLES)) == pytest.approx(
        2.7e13, rel=1e-5
    )
    other = build_reactor(declared(fission_energy="ma2013"), TABLES)
    assert "arXiv:1212.6625" in other.cite
    assert 0.993 < total(other) / total(flux) < 0.999


@pytest.mark.parametrize(
    ("left_out", "changed", "match"),
    [
        ((), {"flux_per_cm2_s": 2.7e13}, r"power_GW and distance_m and flux_per_cm2_s both norm the flux"),
        (("distance_m",), {"flux_per_cm2_s": 2.7e13}, r"power_GW and flux_per_cm2_s both norm"),
        ((), {"core": [{"power_GW": 1.0, "distance_m": 20.0}]}, r"and core both norm"),
        (("distance_m",), {}, r"power_GW alone is no norm"),
        (("power_GW", "distance_m"), {}, r"the norm is missing"),
        (("distance_m",), {"distance_km": 0.0139}, r"unknown key(.|\n)*distance_km(.|\n)*did you mean 'distance_m'"),
        ((), {"fractions": {"u235": 0.9, "pu240": 0.1}}, r"unknown key(.|\n)*fractions.pu240(.|\n)*pu241"),
        ((), {"power_GW": "3"}, r"power_GW(.|\n)*valid number"),
        ((), {"model": "huber"}, r"flux\[1\].model(.|\n)*huber_mueller"),
        (("model",), {}, r"missing key(.|\n)*model"),
        (
            ("power_GW", "distance_m"),
            {"flux_per_cm2_s": 1e13, "fission_energy": "ma2013"},
            "fission_energy has no effect",
        ),
        (("power_GW", "distance_m"), {"core": []}, "core"),
    ],
    ids=str,
)
def test_contradictions_in_a_declaration_are_named(
    left_out: tuple[str, ...], changed: dict[str, Any], match: str
) -> None:
    with pytest.raises(DeclarationError, match=match):
        declared(*left_out, **changed)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"fractions": {"u235": 0.5}}, "do not add to one"),
        ({"distance_m": 1390.0}, "give metres"),
        ({"low_energy": "kopeikin1997"}, "counted twice"),
        ({"low_energy": "mueller"}, "cannot continue"),
    ],
    ids=str,
)
def test_a_declared_reactor_without_meaning_is_refused(changed: dict[str, Any], match: str) -> None:
    with pytest.raises(EventfitError, match=match) as caught:
        build_reactor(declared(**changed), TABLES)
    assert caught.value.exit_code == 2


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("energy_MeV", "sigma_1e41"),
    [
        pytest.param(E, sigma, id=f"astro-ph/0302055, Table 1, {E} MeV")
        for E, sigma in (
            (3.12, 0.0304),
            (3.89, 0.0619),
            (4.84, 0.116),
            (6.02, 0.205),
            (7.49, 0.349),
            (8.83, 0.511),
            (9.85, 0.654),
        )
    ],
)
def test_inverse_beta_decay(energy_MeV: float, sigma_1e41: float) -> None:
    """The table prints energies and cross sections with three digits."""
    found = IBD.sigma(np.array([energy_MeV * MeV]), "nubar_e")[0]
    assert found / 1e-41 == pytest.approx(sigma_1e41, rel=5e-3)


@pytest.mark.parametrize(
    "E", [pytest.param(E, id=f"astro-ph/0302055, eq. 25, {E} MeV") for E in (2.5, 4.0, 8.0, 12.0, 50.0)]
)
def test_inverse_beta_decay_against_its_approximation(E: float) -> None:
    """The approximation is said to be good to a few per mille."""
    positron = E - 1.293332
    momentum, ln = np.sqrt(positron**2 - 0.510999**2), np.log(E)
    expected = 1e-43 * momentum * positron * E ** (-0.07056 + 0.02018 * ln - 0.001953 * ln**3)
    assert IBD.sigma(np.array([E * MeV]), "nubar_e")[0] / expected == pytest.approx(1.0, rel=6e-3)


def ibd_yield(isotope: str, choice: Choice = DEFAULT) -> float:
    """Cross section per fission in 1e-43 cm^2."""
    flux = reactor(choice, fractions={isotope: 1.0})
    return IBD.rate(flux) / flux.fission_rate / 1e-43


@pytest.mark.parametrize(
    ("isotope", "per_fission"),
    [
        pytest.param(isotope, value, id=f"arXiv:1702.04139, {isotope}")
        for isotope, value in (("u235", 6.69), ("u238", 10.10), ("pu239", 4.36), ("pu241", 6.05))
    ],
)
def test_yields_of_huber_and_mueller(isotope: str, per_fission: float) -> None:
    assert ibd_yield(isotope) == pytest.approx(per_fission, rel=0.02)


@pytest.mark.parametrize(("ratio", "error"), [pytest.param(1.45, 0.03, id="arXiv:2103.01684, abstract")])
def test_ratio_of_yields_after_the_kurchatov_correction(ratio: float, error: float) -> None:
    found = ibd_yield("u235", COMPLETE[1]) / ibd_yield("pu239", COMPLETE[1])
    assert found == pytest.approx(ratio, abs=error)
    assert ibd_yield("u235") / ibd_yield("pu239") - found > 2 * error  # it is the correction that brings it there


@pytest.mark.parametrize(
    ("power_GW", "distance_m", "published"),
    [
        pytest.param(3.0, 13.9, 2.7e13, id="GEMMA, arXiv:1005.2736"),
        pytest.param(2.9, 28.0, 6.4e12, id="TEXONO, hep-ex/0605006"),
        pytest.param(3.9, 17.1, 2.3e13, id="CONUS, arXiv:2401.07684"),
    ],
)
def test_published_fluxes_follow_from_power_and_distance(power_GW: float, distance_m: float, published: float) -> None:
    for choice in COMPLETE[:4]:  # BESTIOLE below 2 MeV
        assert total(reactor(choice, [Core(power_GW, distance_m)])) == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize("per_fission", [pytest.param(6.67, id="Phys. Atom. Nucl. 60, 172 (1997)")])
def test_antineutrinos_per_fission_of_the_mixture(per_fission: float) -> None:
    flux = reactor(("kopeikin1997", None, None))
    assert total(flux) / flux.fission_rate == pytest.approx(per_fission, abs=0.01)


@pytest.mark.parametrize(
    ("decay", "q_keV"),
    [
        pytest.param("u239", 1261.7, id="Chinese Phys. C 45, 030003 (2021), 239U"),
        pytest.param("np239", 722.8, id="Chinese Phys. C 45, 030003 (2021), 239Np"),
    ],
)
def test_decays_after_capture_end_at_their_energy(decay: str, q_keV: float) -> None:
    """The last bin of 25 keV that holds antineutrinos is the one with the decay energy in it."""
    table = TABLES.read("flux/reactor/bestiole2023")
    last = table["energy_keV"][np.flatnonzero(table[f"{decay}_per_keV"])[-1]]
    assert abs(last - q_keV) < 12.5


@pytest.mark.parametrize(
    ("T_keV", "rate"), [pytest.param(2.8, 0.00512, id="independent calculation, germanium, 30 electrons, 2.7e13")]
)
def test_magnetic_rate_in_germanium(T_keV: float, rate: float) -> None:
    """Per keV, kg and day at mu = 1e-11 mu_B."""
    target = Target.load(TABLES, "germanium")
    process = MagneticMoment(SteppingElectrons(target))
    flux = reactor(("bestiole", None, None), TotalFlux(2.7e13)).measure("flavour", order=4)["nubar_e"]
    sigma = process.dsigma_dT(process.terms[0], np.array([T_keV]), flux.energy, "nubar_e")[0]
    assert process.struck(np.array([T_keV]))[0] == 30
    assert target.units_per_kg * day * float(sigma @ flux.weight) == pytest.approx(rate, rel=0.01)


# -- regression -------------------------------------------------------------------------------------------------------

#: antineutrinos per fission, and the flux over the published one of GEMMA, TEXONO and CONUS
BESIDE: Mapping[Choice, tuple[float, float, float, float]] = {
    DEFAULT: (7.259, 1.0097, 1.0148, 1.0182),
    ("kurchatov", "bestiole", "bestiole"): (7.209, 1.0028, 1.0079, 1.0112),
    ("mueller", "bestiole", "bestiole"): (7.254, 1.0091, 1.0142, 1.0176),
    ("bestiole", None, None): (7.190, 1.0002, 1.0053, 1.0086),
    ("huber_mueller", "vogel_engel", "bestiole"): (6.830, 0.9501, 0.9549, 0.9581),
    ("huber_mueller", "kopeikin1997", "bestiole"): (6.690, 0.9306, 0.9352, 0.9384),
    ("kopeikin1997", None, None): (6.669, 0.9278, 0.9324, 0.9355),
}


@pytest.mark.parametrize("choice", BESIDE, ids=name_of)
def test_other_models_beside_the_published_fluxes(choice: Choice) -> None:
    experiments = ((3.0, 13.9, 2.7e13), (2.9, 28.0, 6.4e12), (3.9, 17.1, 2.3e13))
    ratios = [total(reactor(choice, [Core(power, at)])) / published for power, at, published in experiments]
    flux = reactor(choice)
    assert [total(flux) / flux.fission_rate, *ratios] == pytest.approx(BESIDE[choice], rel=2e-4)


def test_a_published_flux_takes_the_model_out_of_a_rate_at_keV() -> None:
    """3 to 10 keV in germanium: 8 % between the models at equal power, 1.2 % at equal flux."""
    edges = np.array([3.0, 10.0])
    choices = [
        DEFAULT,
        ("bestiole", None, None),
        ("huber_mueller", "vogel_engel", "bestiole"),
        ("kopeikin1997", None, None),
    ]
    for norm, spread in (([Core(3.0, 13.9)], 0.085), (TotalFlux(2.7e13), 0.012)):
        rates = [germanium_fold(reactor(choice, norm), edges) for choice in choices]
        assert 0.5 * spread < max(rates) / min(rates) - 1.0 < spread
