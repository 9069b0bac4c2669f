"""Sources by name, as a rate asks for them: one function per source, which takes the choices that the source has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import get_args

from eventfit.errors import InputError, OutOfRange, UnknownName, did_you_mean
from eventfit.flux import Flux, OscillationParameters, oscillated_solar_flux, solar_flux
from eventfit.flux.oscillation import OscillationSet
from eventfit.flux.solar import COMPONENTS, SolarModel
from eventfit.tables import Tables

__all__ = ["SOLAR_SUMS", "SOURCES", "WITHOUT", "Source", "open_source", "solar_source"]

#: name of no oscillation
WITHOUT = "none"
#: sums of solar components that have a name of their own
SOLAR_SUMS: Mapping[str, tuple[str, ...]] = {"CNO": ("n13", "o15", "f17")}


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
    if not components or len(set(components)) != len(components):
        raise OutOfRange(
            "every component may stand there once, and there has to be one",
            where="components",
            given=", ".join(components) or "none",
            allowed=", ".join(COMPONENTS),
        )
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


#: name -> what makes the source; its keywords are the choices that a user has
SOURCES: Mapping[str, Callable[..., Source]] = {"solar": solar_source}


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
    allowed = [keyword for keyword in signature(SOURCES[name]).parameters if keyword != "tables"]
    for choice in choices:
        if choice not in allowed:
            raise InputError(f"the source {name!r} has no such choice", given=choice, allowed=", ".join(allowed))
    return SOURCES[name](tables, **choices)


def _known(what: str, given: str, allowed: Sequence[str]) -> None:
    if given not in allowed:
        near = did_you_mean(given, allowed)
        raise UnknownName(f"unknown {what}", given=given or "nothing", allowed=", ".join(allowed), fix=near)
