"""Sources by name, as a rate asks for them: one function per source, which takes the choices that the source has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import get_args

from eventfit.errors import InputError, MissingInput, OutOfRange, UnknownName, did_you_mean
from eventfit.flux import (
    Flux,
    OscillationParameters,
    flux_per_flavour,
    oscillated_solar_flux,
    solar_flux,
    stopped_pion_flux,
)
from eventfit.flux.oscillation import OscillationSet
from eventfit.flux.reactor import ISOTOPES, Core, FissionSpectra, ReactorModel, SpectraName, TotalFlux, reactor_flux
from eventfit.flux.reactor.spectra import TOTAL
from eventfit.flux.solar import COMPONENTS, SolarModel
from eventfit.flux.stopped_pion import StoppedPionState
from eventfit.tables import Tables
from eventfit.units import m

__all__ = [
    "POWER_REACTOR",
    "SOLAR_SUMS",
    "SOURCES",
    "WITHOUT",
    "Source",
    "choices_of",
    "open_source",
    "reactor_source",
    "solar_source",
    "stopped_pion_source",
]

#: name of no oscillation, and of no continuation of a spectrum
WITHOUT = "none"
#: sums of solar components that have a name of their own
SOLAR_SUMS: Mapping[str, tuple[str, ...]] = {"CNO": ("n13", "o15", "f17")}
#: shares of the fissions in a power reactor, averaged over its cycle (as in hep-ex/0605006), and captures on 238U
POWER_REACTOR: Mapping[str, float] = {"u235": 0.56, "u238": 0.08, "pu239": 0.30, "pu241": 0.06}
CAPTURES = 0.6
#: what continues spectra of fission that do not reach all energies
CONTINUATION = "bestiole"
#: name of spectra that are not told apart by isotope
MIXTURE = "mixture"


@dataclass(frozen=True, eq=False)
class Source:
    """Neutrinos at a detector.

    Attributes
    ----------
    meaning
        What was chosen, for people.
    fluxes
        The components as they arrive.
    unoscillated
        The same components without oscillation, to compare with; empty where nothing oscillates.
    sums
        Name -> components whose sum is quoted under that name.
    """

    name: str
    meaning: str
    fluxes: tuple[Flux, ...]
    unoscillated: tuple[Flux, ...] = ()
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def solar_source(
    tables: Tables,
    *,
    components: Sequence[str] = COMPONENTS,
    model: SolarModel = "b16_gs98",
    oscillation: OscillationSet | str = "nufit60_ic24_normal",
) -> Source:
    """The Sun: ``components`` with the norms of a solar ``model``, oscillated as a global fit says.

    Parameters
    ----------
    oscillation
        A fit of ``data/flux/oscillation``, or ``"none"`` for neutrinos that stay nu_e.

    Raises
    ------
    UnknownName
        A component, model or fit that does not exist.
    OutOfRange
        No component, or one that stands there twice.
    """
    _known("solar model", model, get_args(SolarModel))
    for name in components:
        _known("solar component", name, COMPONENTS)
    _require_once(components, COMPONENTS)
    born = solar_flux(tables, components, model)
    if oscillation == WITHOUT:
        return Source("solar", f"solar neutrinos, {model}, not oscillated", born, sums=SOLAR_SUMS)
    _known("oscillation parameters", oscillation, (*get_args(OscillationSet), WITHOUT))
    parameters = OscillationParameters.load(tables, oscillation)  # type: ignore[arg-type]  # known now
    return Source(
        name="solar",
        meaning=f"solar neutrinos, {model}, oscillated with {oscillation} (day side)",
        fluxes=oscillated_solar_flux(tables, components, model, parameters),
        unoscillated=born,
        sums=SOLAR_SUMS,
    )


def reactor_source(
    tables: Tables,
    *,
    power_GW: float | None = None,
    distance_m: float | None = None,
    flux_per_cm2_s: float | None = None,
    fractions: Mapping[str, float] | None = None,
    captures_per_fission: float | None = None,
    model: SpectraName | str = "huber_mueller",
    low_energy: SpectraName | str | None = None,
    high_energy: SpectraName | str | None = None,
    components: Sequence[str] | None = None,
) -> Source:
    """A reactor near by: one component per isotope, and one for neutron capture on 238U.

    Parameters
    ----------
    power_GW, distance_m, flux_per_cm2_s
        Thermal power and distance, or a published flux of all energies.
    fractions, captures_per_fission
        Shares of the fissions, and captures; by default those of a power reactor (``POWER_REACTOR``, 0.6).
    model, low_energy, high_energy
        The spectra, and those that continue them below and above: by default ``bestiole``, where they do not reach;
        ``"none"`` leaves the rest of the spectrum unknown.
    components
        Some of the components only; the norm is that of all.

    Raises
    ------
    MissingInput, InputError
        No norm, half of one, or two.
    UnknownName, OutOfRange, DeclarationError
        Spectra, fractions or captures that do not exist or do not belong together, a component twice.
    """
    norm = _reactor_norm(power_GW, distance_m, flux_per_cm2_s)
    _known("reactor spectra", model, get_args(SpectraName))
    spectra = FissionSpectra.load(tables, model)  # type: ignore[arg-type]  # known now
    below = _continuation(low_energy, needed=spectra.low > 0.0)
    above = _continuation(high_energy, needed=not spectra.is_complete_above)
    joined = ReactorModel.load(tables, spectra.name, below, above)  # type: ignore[arg-type]
    if fractions is None and (joined.isotopes or isinstance(norm, list)):
        fractions = POWER_REACTOR
    if captures_per_fission is None and joined.needs_captures:
        captures_per_fission = CAPTURES
    whole = reactor_flux(tables, joined, norm, fractions=fractions, captures_per_fission=captures_per_fission)
    parts = {MIXTURE if part == TOTAL else part: part for part in whole.per_fission}
    split = dict(zip(parts, whole.split(), strict=True))
    chosen = list(parts) if components is None else components
    _require_once(chosen, tuple(parts))
    for name in chosen:
        _known("component of the reactor", name, tuple(parts))
    said = "" if fractions is None else ", " + ", ".join(f"{name} {share:g}" for name, share in fractions.items())
    said += f", {captures_per_fission:g} captures per fission" if captures_per_fission else ""
    return Source(
        name="reactor",
        meaning=f"reactor antineutrinos, {joined.name}{said}; {_said_norm(norm)}",
        fluxes=tuple(replace(split[name], name=name) for name in chosen),
        sums={"fission": tuple(name for name in chosen if name in ISOTOPES)} if len(chosen) > 2 else {},
    )


def stopped_pion_source(
    tables: Tables,  # noqa: ARG001  # a source takes tables; this one is known in closed form
    *,
    components: Sequence[str] = get_args(StoppedPionState),
    flux_per_cm2_s: float | None = None,
    protons_per_s: float | None = None,
    pions_per_proton: float | None = None,
    distance_m: float | None = None,
) -> Source:
    """Neutrinos of pi+ and mu+ at rest: nu_mu (prompt), nu_e and nubar_mu (delayed), the same flux of each.

    Parameters
    ----------
    flux_per_cm2_s
        Of each kind; or what it follows from: protons, stopped pi+ per proton, and distance.

    Raises
    ------
    MissingInput, InputError
        No norm, a part of one, or two.
    UnknownName, OutOfRange
        A component that does not exist or stands there twice, a norm that is not positive.
    """
    for name in components:
        _known("component of stopped pions", name, get_args(StoppedPionState))
    _require_once(components, get_args(StoppedPionState))
    parts = {"protons_per_s": protons_per_s, "pions_per_proton": pions_per_proton, "distance_m": distance_m}
    _require_one_norm("a beam stop", {"flux_per_cm2_s": flux_per_cm2_s}, parts)
    if flux_per_cm2_s is not None:
        total, said = flux_per_cm2_s, "flux per flavour given"
    else:
        assert protons_per_s is not None
        assert pions_per_proton is not None
        assert distance_m is not None
        total = flux_per_flavour(protons_per_s, pions_per_proton, distance_m * m)
        said = f"{protons_per_s:g} protons per s, {pions_per_proton:g} stopped pi+ per proton, at {distance_m:g} m"
    return Source(
        name="stopped_pion",
        meaning=f"neutrinos of stopped pions; {said}",
        fluxes=stopped_pion_flux(total, components=components),
        sums={"delayed": ("nu_e", "nubar_mu")} if len(components) > 2 else {},
    )


#: name -> what makes the source; its keywords are the choices that a user has
SOURCES: Mapping[str, Callable[..., Source]] = {
    "solar": solar_source,
    "reactor": reactor_source,
    "stopped_pion": stopped_pion_source,
}


def choices_of(name: str) -> tuple[str, ...]:
    """The choices that the source ``name`` has."""
    return tuple(keyword for keyword in signature(SOURCES[name]).parameters if keyword != "tables")


def open_source(name: str, tables: Tables, choices: Mapping[str, object]) -> Source:
    """The source ``name`` with those of its keywords that are chosen.

    Raises
    ------
    UnknownName
        There is no such source.
    InputError
        A choice that the source does not have.
    """
    _known("source", name, tuple(SOURCES))
    allowed = choices_of(name)
    for choice in choices:
        if choice not in allowed:
            raise InputError(f"the source {name!r} has no such choice", given=choice, allowed=", ".join(allowed))
    return SOURCES[name](tables, **choices)


def _known(what: str, given: str, allowed: Sequence[str]) -> None:
    if given not in allowed:
        near = did_you_mean(given, allowed)
        raise UnknownName(f"unknown {what}", given=given or "nothing", allowed=", ".join(allowed), fix=near)


def _require_once(components: Sequence[str], allowed: Sequence[str]) -> None:
    if not components or len(set(components)) != len(components):
        raise OutOfRange(
            "every component may stand there once, and there has to be one",
            where="components",
            given=", ".join(components) or "none",
            allowed=", ".join(allowed),
        )


def _reactor_norm(power: float | None, distance: float | None, flux: float | None) -> list[Core] | TotalFlux:
    _require_one_norm("a reactor", {"flux_per_cm2_s": flux}, {"power_GW": power, "distance_m": distance})
    if flux is not None:
        return TotalFlux(flux)
    assert power is not None
    assert distance is not None
    return [Core(power, distance)]


def _said_norm(norm: list[Core] | TotalFlux) -> str:
    return "total flux given" if isinstance(norm, TotalFlux) else f"{norm[0].power_GW:g} GW at {norm[0].distance_m:g} m"


def _require_one_norm(what: str, one: Mapping[str, float | None], parts: Mapping[str, float | None]) -> None:
    """``one`` number, or all of ``parts``."""
    given = [name for name, value in {**one, **parts}.items() if value is not None]
    ways = f"{', '.join(one)}, or {' and '.join(parts)}"
    if not given:
        raise MissingInput(f"the norm of {what} is missing", allowed=ways)
    if given != list(one) and given != list(parts):
        both = any(name in one for name in given)
        problem = f"the norm of {what} is given twice" if both else f"a part of the norm of {what} is missing"
        raise InputError(problem, given=", ".join(given), allowed=ways)


def _continuation(name: str | None, *, needed: bool) -> str | None:
    """The spectra that continue others: the default where it is needed, none on request."""
    if name is None:
        return CONTINUATION if needed else None
    if name == WITHOUT:
        return None
    _known("reactor spectra", name, (*get_args(SpectraName), WITHOUT))
    return name
