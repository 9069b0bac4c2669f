"""Options that choose a source of neutrinos, and numbers with their unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

import typer

__all__ = [
    "DISTANCES",
    "OPTIONS",
    "POWERS",
    "Captures",
    "Components",
    "Distance",
    "Flux",
    "Fractions",
    "HighEnergy",
    "LowEnergy",
    "Model",
    "Oscillation",
    "Pions",
    "Power",
    "Protons",
    "fractions_of",
    "names",
    "quantity",
]

#: choice of a source -> its option
OPTIONS: Mapping[str, str] = {
    "components": "--components",
    "model": "--model",
    "oscillation": "--oscillation",
    "power_GW": "--power",
    "distance_m": "--distance",
    "flux_per_cm2_s": "--flux",
    "fractions": "--fractions",
    "captures_per_fission": "--captures",
    "low_energy": "--low-energy",
    "high_energy": "--high-energy",
    "protons_per_s": "--protons",
    "pions_per_proton": "--pions-per-proton",
}
#: units of powers and distances, in GW and m
POWERS: Mapping[str, float] = {"GW": 1.0, "MW": 1e-3}
DISTANCES: Mapping[str, float] = {"m": 1.0, "cm": 0.01, "km": 1000.0}

Components = Annotated[
    str | None,
    typer.Option(
        "--components",
        metavar="A,B,...",
        help="Some of the source only. Sun: pp,pep,hep,be7,b8,n13,o15,f17; reactor: u235,u238,pu239,pu241,capture; "
        "stopped_pion: nu_mu,nu_e,nubar_mu.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Sun: b16_gs98 (default), b16_agss09met. Reactor spectra: huber_mueller (default), kurchatov, mueller, "
        "bestiole, silaeva_sinev, vogel_engel, kopeikin1997.",
    ),
]
Oscillation = Annotated[
    str | None,
    typer.Option(
        "--oscillation", metavar="FIT", help="Sun: global fit, nufit60_ic24_normal by default; none to leave it out."
    ),
]
Power = Annotated[
    str | None, typer.Option("--power", metavar="'N UNIT'", help="Reactor: thermal power in GW or MW, with --distance.")
]
Distance = Annotated[
    str | None,
    typer.Option("--distance", metavar="'N UNIT'", help="Reactor, stopped_pion: in m, cm or km."),
]
Flux = Annotated[
    float | None,
    typer.Option(
        "--flux",
        metavar="X",
        help="In 1/(cm^2 s), instead of what it follows from. Reactor: published, of all energies; "
        "stopped_pion: of each kind.",
    ),
]
Fractions = Annotated[
    str | None,
    typer.Option(
        "--fractions",
        metavar="ISO=X,...",
        help="Reactor: shares of the fissions, u235=0.56,u238=0.08,pu239=0.30,pu241=0.06 by default.",
    ),
]
Captures = Annotated[
    float | None,
    typer.Option("--captures", metavar="N", help="Reactor: neutron captures on 238U per fission, 0.6 by default."),
]
LowEnergy = Annotated[
    str | None,
    typer.Option(
        "--low-energy",
        metavar="NAME",
        help="Reactor: spectra below those of --model, bestiole by default; none leaves them unknown.",
    ),
]
HighEnergy = Annotated[
    str | None, typer.Option("--high-energy", metavar="NAME", help="Reactor: the same above those of --model.")
]
Protons = Annotated[
    float | None, typer.Option("--protons", metavar="N", help="Stopped_pion: protons on target per second.")
]
Pions = Annotated[
    float | None, typer.Option("--pions-per-proton", metavar="X", help="Stopped_pion: pi+ that stop and decay.")
]


def names(text: str | None) -> list[str] | None:
    """``a,b`` as a list."""
    return None if text is None else [name.strip() for name in text.split(",")]


def fractions_of(text: str | None) -> dict[str, float] | None:
    """``u235=0.6,pu239=0.4`` as shares.

    Raises
    ------
    OutOfRange
        A piece that is no isotope with its share, or an isotope twice.
    """
    from eventfit.errors import OutOfRange

    if text is None:
        return None
    found: dict[str, float] = {}
    for piece in text.split(","):
        isotope, _, share = (part.strip() for part in piece.partition("="))
        value = _number(share)
        if not isotope or isotope in found or math.isnan(value):
            raise OutOfRange(
                "shares of the fissions are isotopes with a number, each once",
                where="--fractions",
                given=repr(text),
                allowed="e.g. u235=0.56,u238=0.08,pu239=0.30,pu241=0.06",
            )
        found[isotope] = value
    return found


def quantity(text: str | None, option: str, units: Mapping[str, float], example: str, most: float) -> float | None:
    """``100 tonne day`` as a number in the unit that has the factor one in ``units``.

    Raises
    ------
    OutOfRange
        No positive number, or one above ``most``.
    UnknownName
        Another unit, or none.
    """
    from eventfit.errors import OutOfRange, UnknownName, did_you_mean

    if text is None:
        return None
    number, _, unit = " ".join(text.split()).partition(" ")
    value, known = _number(number), ", ".join(units)
    if not 0.0 < value <= most:
        raise OutOfRange(
            "a quantity is a positive number with its unit",
            where=option,
            given=repr(text),
            allowed=f"a number up to {most:g} and one of {known}",
            fix=f"e.g. {option} '{example}'",
        )
    if unit not in units:
        raise UnknownName(
            "unknown unit",
            where=option,
            given=repr(unit),
            allowed=known,
            fix=did_you_mean(unit, list(units)) or f"e.g. {option} '{example}'",
        )
    return value * units[unit]


def _number(text: str) -> float:
    """A number as people write it, NaN for anything else."""
    try:
        return float(text if "_" not in text else "not a number")
    except ValueError:
        return math.nan
