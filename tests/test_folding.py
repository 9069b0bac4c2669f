"""Folds that are kept for other weights, and states of a component that share their work or do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from scipy.integrate import quad

from eventfit.cross_section import (
    CorrectedElectron,
    FlavourMoments,
    FreeElectrons,
    MagneticMoment,
    Process,
    StandardModelElectron,
    Term,
    TransitionMoments,
    maximum_recoil,
    minimum_energy,
)
from eventfit.errors import OutOfRange
from eventfit.flux import Basis, Flux, Measure, Oscillated, OscillationParameters, oscillated_solar_flux, solar_flux
from eventfit.flux.base import FLAVOURS, MASS_STATES
from eventfit.folding import Arriving, CachedFold, fold
from eventfit.quadrature import Array
from eventfit.response import PerfectResolution, Response, SqrtResolution
from eventfit.spectrum import Template
from eventfit.tables import Tables, shipped
from eventfit.target import Target

TABLES = Tables(shipped("data"))
ELECTRONS = FreeElectrons(Target.load(TABLES, "pseudocumene"))
WEAK = StandardModelElectron(ELECTRONS, 0.23857)
MAGNETIC = MagneticMoment(ELECTRONS)
QED = CorrectedElectron(ELECTRONS, 0.23122, True)
FLAVOUR, TRANSITION = FlavourMoments(ELECTRONS), TransitionMoments(ELECTRONS)
PROCESSES: tuple[Process, ...] = (
    WEAK,
    CorrectedElectron(ELECTRONS, 0.23122, False),
    QED,
    MAGNETIC,
    FLAVOUR,
    TRANSITION,
)
BEST = OscillationParameters.load(TABLES, "nufit30_normal")
OTHER = replace(BEST, sin2_theta12=0.28, sin2_theta23=0.61, dm21_eV2=6.0e-5, delta_cp_deg=90.0)
SMEARED = Response(("resolution",), SqrtResolution(1.5, 0.01))
SHARP = Response(("resolution",), PerfectResolution())
EDGES = np.linspace(60.0, 1500.0, 25)


def arriving(parameters: OscillationParameters = BEST) -> list[Oscillated]:
    return list(oscillated_solar_flux(TABLES, ["pp", "be7", "b8"], "b16_gs98", parameters))


def folded(fluxes: Sequence[Flux], processes: Sequence[Process], response: Response = SMEARED) -> tuple[Template, ...]:
    return fold(fluxes, processes, response, EDGES, exposure=3.0, units_per_kg=7.0, tolerance=1.0)


def cached(fluxes: Sequence[Flux], processes: Sequence[Process], response: Response = SMEARED) -> CachedFold:
    return CachedFold.build(fluxes, processes, response, EDGES, exposure=3.0, units_per_kg=7.0)


@dataclass(frozen=True, eq=False)
class MadeUp(Flux):
    """Lines and continua, every state with nodes of its own or shared: name -> (lines, parabola between two ends)."""

    states: Mapping[str, tuple[Sequence[tuple[float, float]], tuple[float, float] | None]]
    panels: int = 60
    factor: Mapping[str, float] = field(default_factory=dict)
    name = "made_up"
    relative_error = None
    cite = ()

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        return {state: self.factor.get(state, 1.0) * self._one(*of, order) for state, of in self.states.items()}

    def _one(self, lines: Sequence[tuple[float, float]], ends: tuple[float, float] | None, order: int) -> Measure:
        found = Measure.lines(*np.reshape(lines, (-1, 2)).T)
        if ends is not None:
            found = found + Measure.from_density(
                np.linspace(*ends, self.panels + 1), lambda E: parabola(E, ends), order
            )
        return found

    def density(self, energy: Array) -> Array:
        raise NotImplementedError


def parabola(E: Array | float, ends: tuple[float, float]) -> Array:
    return np.asarray(1e4 * (E - ends[0]) * (ends[1] - E))


#: nu_e and nubar_mu on the same nodes, the others each on their own
STATES: Mapping[str, tuple[Sequence[tuple[float, float]], tuple[float, float] | None]] = {
    "nu_e": ([(861.3, 4e9)], (200.0, 1500.0)),
    "nu_mu": ([(500.0, 1e9), (1442.0, 2e8)], None),
    "nu_tau": ([], (300.0, 900.0)),
    "nubar_e": ([(861.3, 2e9)], None),
    "nubar_mu": ([(861.3, 1e9)], (200.0, 1500.0)),
}
MADE_UP = MadeUp(STATES)


# -- invariant: a fold that is kept -----------------------------------------------------------------------------------


@pytest.mark.parametrize("response", [SMEARED, SHARP], ids=["smeared", "sharp"])
@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: p.name)
def test_a_kept_fold_is_the_fold(process: Process, response: Response) -> None:
    fluxes = arriving()
    again = cached(fluxes, [process], response).counts(fluxes)
    templates = folded(fluxes, [process], response)
    assert len(again) == len(templates) == len(fluxes) * len(process.terms)
    for counts, template in zip(again, templates, strict=True):
        np.testing.assert_allclose(counts, template.spectrum.values(), rtol=1e-12, atol=1e-12 * counts.max())


@pytest.mark.parametrize("processes", [(QED, MAGNETIC), (FLAVOUR,), (TRANSITION, WEAK)], ids=len)
def test_other_oscillation_parameters_give_what_a_new_fold_gives(processes: tuple[Process, ...]) -> None:
    fluxes = arriving()
    kept = cached(fluxes, processes)
    changed = [replace(flux, parameters=OTHER) for flux in fluxes]
    moved, before = kept.counts(changed), kept.counts(fluxes)
    templates = folded(changed, processes)
    assert len(moved) == len(templates)
    for counts, template in zip(moved, templates, strict=True):
        np.testing.assert_allclose(counts, template.spectrum.values(), rtol=1e-12, atol=1e-12 * counts.max())
    if MAGNETIC not in processes:  # a universal moment does not see the oscillation
        assert any(abs(a.sum() / b.sum() - 1) > 0.01 for a, b in zip(moved, before, strict=True))


def test_a_universal_moment_does_not_see_the_oscillation() -> None:
    fluxes = arriving()
    kept = cached(fluxes, [MAGNETIC])
    moved = kept.counts([replace(flux, parameters=OTHER) for flux in fluxes])
    for a, b in zip(moved, kept.counts(fluxes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_counts_come_in_the_order_of_the_fold() -> None:
    """Two processes, one of them with three terms, and three components: each is told apart by its own fold."""
    fluxes, processes = arriving(), (FLAVOUR, WEAK)
    templates = folded(fluxes, processes)
    names = [(t.process, t.term, t.component) for t in templates]
    terms = [(process.name, term.name) for process in processes for term in process.terms]
    assert names == [(*term, flux.name) for term in terms for flux in fluxes]
    for number, counts in enumerate(cached(fluxes, processes).counts(fluxes)):
        process = next(p for p in processes if p.name == names[number][0])
        flux = next(f for f in fluxes if f.name == names[number][2])
        (alone,) = [t for t in folded([flux], [process]) if t.term == names[number][1]]
        np.testing.assert_allclose(counts, alone.spectrum.values(), rtol=1e-3, atol=1e-6 * counts.max())


def test_a_term_that_takes_no_state_of_the_flux_makes_nothing() -> None:
    nu_e_only = list(solar_flux(TABLES, ["be7"], "b16_gs98"))
    process = FlavourMoments(ELECTRONS, ("mu_e", "mu_mu"))
    mu_e, mu_mu = cached(nu_e_only, [process]).counts(nu_e_only)
    assert mu_e.max() > 0
    assert np.array_equal(mu_mu, np.zeros(len(EDGES) - 1))


@pytest.mark.parametrize("which", ["another", "fewer", "more", "reversed"])
def test_other_fluxes_are_refused(which: Literal["another", "fewer", "more", "reversed"]) -> None:
    fluxes = arriving()
    kept = cached(fluxes, [MAGNETIC])
    pep = list(oscillated_solar_flux(TABLES, ["pep"], "b16_gs98", BEST))
    given = {"another": [*fluxes[:2], *pep], "fewer": fluxes[:2], "more": fluxes + pep, "reversed": fluxes[::-1]}
    with pytest.raises(OutOfRange, match=r"(?s)not the fluxes that were folded.*allowed: pp, be7, b8"):
        kept.counts(given[which])


def test_a_flux_on_other_nodes_or_in_other_states_is_refused() -> None:
    """Same name, but the products would belong to other energies, or leave a state out."""
    kept = cached([MADE_UP], [MAGNETIC])
    moved = MadeUp({**STATES, "nubar_e": ([(800.0, 2e9)], None)})
    finer = MadeUp({**STATES}, panels=61)
    for other, states in ((moved, "given:   nubar_e\n"), (finer, "given:   nu_e, nubar_mu, nu_tau\n")):
        with pytest.raises(OutOfRange, match=f"(?s)other states or on other nodes.*made_up.*{states}"):
            kept.counts([other])
    more = MadeUp({**STATES, "nubar_tau": ([(861.3, 1e9)], None)})
    with pytest.raises(OutOfRange, match="given:   nubar_tau"):
        kept.counts([more])
    fewer = MadeUp({state: of for state, of in STATES.items() if state != "nu_mu"})
    with pytest.raises(OutOfRange, match="given:   nu_mu"):
        kept.counts([fewer])
    with pytest.raises(OutOfRange, match="nu_mu, nu_tau"):
        cached(list(solar_flux(TABLES, ["be7"], "b16_gs98")), [WEAK]).counts(
            list(oscillated_solar_flux(TABLES, ["be7"], "b16_gs98", BEST))
        )


def test_counts_are_linear_in_the_weights_of_every_state() -> None:
    kept = cached([MADE_UP], [WEAK])
    (nominal,), (nothing,) = kept.counts([MADE_UP]), kept.counts([MadeUp(STATES, factor=dict.fromkeys(STATES, 0.0))])
    assert np.array_equal(nothing, np.zeros(len(EDGES) - 1))
    parts = np.zeros_like(nominal)
    for state in STATES:
        (doubled,) = kept.counts([MadeUp(STATES, factor={state: 2.0})])
        parts += doubled - nominal
        (alone,) = folded([MadeUp({state: STATES[state]})], [WEAK])
        np.testing.assert_allclose(doubled - nominal, alone.spectrum.values(), rtol=1e-4, atol=1e-8 * nominal.max())
    np.testing.assert_allclose(parts, nominal, rtol=1e-12, atol=1e-14 * nominal.max())


# -- invariant: states on their own nodes -----------------------------------------------------------------------------


def test_states_on_the_same_nodes_are_kept_together() -> None:
    measures = MADE_UP.measure("flavour", order=2)
    groups = Arriving.of(measures, np.array([100.0]))
    assert [list(group.weight) for group in groups] == [["nu_e", "nubar_mu"], ["nu_mu"], ["nu_tau"], ["nubar_e"]]
    for group in groups:
        for state, weight in group.weight.items():
            np.testing.assert_array_equal(weight, measures[state].weight)
            np.testing.assert_array_equal(group.nodes.energy, measures[state].energy)
    oscillated = arriving()[0].measure("flavour", order=2)
    assert [list(group.weight) for group in Arriving.of(oscillated, np.empty(0))] == [["nu_e", "nu_mu", "nu_tau"]]


@pytest.mark.parametrize("process", [WEAK, QED, MAGNETIC], ids=["weak", "qed", "magnetic"])
def test_every_state_folds_as_if_it_came_alone(process: Process) -> None:
    (together,) = folded([MADE_UP], [process])
    total = np.zeros(len(EDGES) - 1)
    for state, of in STATES.items():
        (alone,) = folded([MadeUp({state: of})], [process])
        total += alone.spectrum.values()
    np.testing.assert_allclose(together.spectrum.values(), total, rtol=1e-4, atol=1e-8 * total.max())


@dataclass(frozen=True)
class Weighted(MagneticMoment):
    """A term that takes states with different weights, and leaves one out."""

    name = "weighted"
    terms = (Term("weighted", {}, {"nu_e": 0.25, "nu_mu": 3.0, "nu_tau": 1.0, "nubar_mu": 0.5}),)


def test_states_enter_with_their_weights() -> None:
    process = Weighted(ELECTRONS)
    (found,) = folded([MADE_UP], [process])
    (kept,) = cached([MADE_UP], [process]).counts([MADE_UP])
    (expected,) = folded([MadeUp(STATES, factor={**process.terms[0].weight, "nubar_e": 0.0})], [MAGNETIC])
    np.testing.assert_allclose(found.spectrum.values(), expected.spectrum.values(), rtol=1e-12)
    np.testing.assert_allclose(kept, expected.spectrum.values(), rtol=1e-12)


def test_a_line_on_the_node_of_a_continuum_is_another_node() -> None:
    """The kinematic edge cuts one at once and the other bit by bit."""
    panel = Measure.from_density(np.array([800.0, 900.0]), lambda E: 0 * E + 1.0, 1)
    line = Measure.lines(panel.energy, panel.weight)
    assert not panel.same_nodes(line)
    assert panel.same_nodes(7.0 * panel)
    assert not line.same_nodes(line + line)
    assert len(Arriving.of({"nu_e": panel, "nu_mu": line, "nu_tau": 2.0 * line}, np.empty(0))) == 2


def test_flavour_terms_take_their_own_states() -> None:
    """Each moment sees its flavour's nodes and weights and no other's."""
    templates = {t.term: t.spectrum.values() for t in folded([MADE_UP], [FLAVOUR])}
    for flavour in ("e", "mu", "tau"):
        own = {state: of for state, of in STATES.items() if state.endswith(f"_{flavour}")}
        (alone,) = folded([MadeUp(own)], [MAGNETIC])
        found, expected = templates[f"mu_{flavour}"], alone.spectrum.values()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8 * expected.max())


def test_a_made_up_flux_equals_brute_force() -> None:
    """Weak scattering of all five states without smearing, integrated by quad over E and T."""

    def continuum(T: float, state: str, ends: tuple[float, float]) -> float:
        low = max(float(minimum_energy(np.array(T), WEAK.mass)), ends[0])
        if low >= ends[1]:
            return 0.0
        kernel = lambda E: float(WEAK.kernel(WEAK.terms[0], np.array(T), np.array(E), state) * parabola(E, ends))  # noqa: E731
        return float(quad(kernel, low, ends[1], epsabs=0, epsrel=1e-9)[0])

    def rate(T: float) -> float:
        total = 0.0
        for state, (lines, ends) in STATES.items():
            for E, n in lines:
                if maximum_recoil(np.array(E), WEAK.mass) >= T:
                    total += n * float(WEAK.kernel(WEAK.terms[0], np.array(T), np.array(E), state))
            total += continuum(T, state, ends) if ends is not None else 0.0
        return total

    (template,) = folded([MADE_UP], [WEAK], SHARP)
    ends = [float(maximum_recoil(np.array(E), WEAK.mass)) for E in (200.0, 300.0, 500.0, 861.3, 900.0, 1442.0, 1500.0)]
    for bin_ in (0, 4, 7, 9, 15, 18, 20, 22):
        low, high = EDGES[bin_], EDGES[bin_ + 1]
        cuts = [low, *(end for end in ends if low < end < high), high]
        expected = sum(quad(rate, a, b, epsabs=0, epsrel=1e-8)[0] for a, b in pairwise(cuts))
        expected *= 3.0 * 7.0 * ELECTRONS.target.electrons
        np.testing.assert_allclose(template.spectrum.values()[bin_], expected, rtol=1e-4)


# -- invariant: sharing of work ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: p.name)
def test_kernels_of_several_states_are_those_of_each(process: Process) -> None:
    T, E = np.array([50.0, 300.0, 640.0])[:, None], np.array([400.0, 861.3, 1442.0, 9000.0])
    for term in process.terms:
        states = [state for state in (*FLAVOURS, *MASS_STATES) if state in term.weight]
        for order in (states, states[::-1], states[1:], states[:1]):
            found = process.kernels(term, T, E, order)
            assert list(found) == order
            for state in order:
                np.testing.assert_array_equal(found[state], process.kernel(term, T, E, state))


def test_kernels_tell_flavours_and_antineutrinos_apart() -> None:
    """Sharing goes by what scatters alike, not further."""
    T, E = np.array([[300.0]]), np.array([861.3])
    for process in (WEAK, QED):
        kernel = {s: float(k[0, 0]) for s, k in process.kernels(process.terms[0], T, E, FLAVOURS).items()}
        assert kernel["nu_mu"] == kernel["nu_tau"]
        assert kernel["nubar_mu"] == kernel["nubar_tau"]
        assert kernel["nu_e"] > 3 * kernel["nu_mu"]
        assert abs(kernel["nu_e"] / kernel["nubar_e"] - 1) > 0.1
        assert abs(kernel["nu_mu"] / kernel["nubar_mu"] - 1) > 0.05


@dataclass(frozen=True)
class Counted(MagneticMoment):
    """A moment that counts how often its kernel is evaluated."""

    calls: list[int] = field(default_factory=list)

    def kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        self.calls.append(T.size * np.size(E))
        return super().kernel(term, T, E, state)


def test_flavours_on_the_same_nodes_cost_one_kernel() -> None:
    process = Counted(ELECTRONS)
    (flux,) = oscillated_solar_flux(TABLES, ["be7"], "b16_gs98", BEST)
    assert len(flux.measure("flavour", order=2)) == 3
    cached([flux], [process])
    assert len(process.calls) == 1
    process.calls.clear()
    cached([MADE_UP], [process])
    assert len(process.calls) == 4  # four groups of nodes
