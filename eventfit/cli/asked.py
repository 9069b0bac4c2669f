"""The flags of 'eventfit init', and what the words in them mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eventfit.analysis.recognise import named_curve, named_flux, spoken
from eventfit.errors import InputError, OutOfRange, UnknownName, did_you_mean
from eventfit.io.source import listed
from eventfit.quadrature import Array
from eventfit.units import exposure_units

__all__ = ["Asked", "exposure_of", "known_name", "resolution_of", "slug", "source_of", "uniform_edges", "word_of"]

#: fission fractions and captures of TEXONO, arXiv:0911.1597
FUEL: Mapping[str, Any] = {
    "fractions": {"u235": 0.55, "u238": 0.07, "pu239": 0.32, "pu241": 0.06},
    "captures_per_fission": 0.6,
}
SOLAR: Mapping[str, Any] = {
    "kind": "solar",
    "model": "b16_gs98",
    "components": ["pp", "pep", "hep", "be7", "b8", "n13", "o15", "f17"],
    "oscillation": "nufit60_ic24_normal",
}
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


@dataclass(frozen=True)
class Asked:
    """The flags of 'eventfit init', None where one is missing."""

    source: str | None
    flux: str | None
    flux_per: str | None
    target: str | None
    exposure: str | None
    data: str | None
    asimov: bool
    backgrounds: tuple[str, ...] | None
    background_error: float | None
    efficiency: str | None
    efficiency_first: bool
    resolution: str | None
    poi: str
    bins: tuple[float, float, float] | None
    window: tuple[float, float] | None
    per: str | None
    background_per: str | None
    unit: str | None
    title: str | None


def source_of(asked: Asked, folder: Path) -> dict[str, Any]:
    """The keys of the source."""
    if asked.source == "solar":
        return dict(SOLAR)
    said = (asked.flux or "").strip()
    if asked.source == "table":
        return _table(asked, folder, said)
    if asked.source == "stopped_pion":
        flux = {"flux_per_flavour_per_cm2_s": number_of("--flux", said, "1/(cm^2 s) per flavour, e.g. 4.3e7")}
        return {"kind": "stopped_pion", "components": ["nu_mu", "nu_e", "nubar_mu"], **flux}
    placed = re.fullmatch(rf"({NUMBER})\s*GW\s+({NUMBER})\s*m", said)
    if placed:
        norm = {"power_GW": float(placed[1]), "distance_m": float(placed[2])}
    else:
        norm = {"flux_per_cm2_s": number_of("--flux", said, "1/(cm^2 s), e.g. 6.4e12, or '2.9 GW 28 m'")}
    return {"kind": "reactor", "model": "bestiole", **FUEL, **norm}


def _table(asked: Asked, folder: Path, said: str) -> dict[str, Any]:
    keys = named_flux(spoken(said, folder), unit=asked.unit)
    per = asked.flux_per or ""
    norm: dict[str, Any] = {"per": per}
    if per not in ("cm2 s keV", "cm2 s MeV"):
        allowed = "'cm2 s keV', 'cm2 s MeV', or the total flux in 1/(cm^2 s) if the columns are a shape"
        norm = {"total_per_cm2_s": number_of("--flux-per", per, allowed)}
    return {"kind": "table", "name": word_of(Path(str(keys["file"])).stem, "source"), **keys, **norm, "beyond": "zero"}


def resolution_of(asked: Asked, folder: Path) -> dict[str, Any]:
    """The keys of the resolution."""
    kind, _, said = (asked.resolution or "").partition("=")
    numbers = [float(word) for word in re.split(r"[ ,]+", said) if re.fullmatch(NUMBER, word)]
    if kind == "perfect" and not said:
        return {"kind": "perfect"}
    if kind == "fwhm" and len(numbers) == 1:
        return {"kind": "constant", "fwhm_keV": numbers[0]}
    if kind == "sqrt" and len(numbers) == 2:
        return {"kind": "sqrt", "a": numbers[0], "b": numbers[1]}
    if kind in ("sigma", "fwhm") and said and not numbers:
        return {"kind": "table", **named_curve(spoken(said, folder), unit=asked.unit), "gives": kind, "beyond": "hold"}
    raise InputError(
        "this is no resolution",
        given=f"--resolution {asked.resolution}",
        allowed="perfect, fwhm=0.2 (keV), sqrt=A,B, sigma=FILE[:X,Y], fwhm=FILE[:X,Y]",
    )


def exposure_of(said: str) -> tuple[float, str]:
    """Value and unit of an exposure."""
    value, _, unit = said.strip().partition(" ")
    known = tuple(exposure_units)
    if not re.fullmatch(NUMBER, value) or unit.strip() not in known:
        raise InputError(
            "this is no exposure", given=f"--exposure {said!r}", allowed=f"'VALUE UNIT' with {', '.join(known)}"
        )
    return float(value), unit.strip()


def uniform_edges(low: float, high: float, width: float) -> Array:
    """Edges (n + 1,) of bins of equal width."""
    n = round((high - low) / width) if width > 0 and high > low else 0
    if not 0 < n <= 100_000 or abs(n * width - (high - low)) > 1e-9 * (high - low):
        raise OutOfRange(
            "these are no bins", given=f"--bins {low:g} {high:g} {width:g}", allowed="a whole number of widths"
        )
    return np.asarray(low + width * np.arange(n + 1))


def number_of(flag: str, said: str, allowed: str) -> float:
    if not re.fullmatch(NUMBER, said):
        raise InputError("this is no number", given=f"{flag} {said}".rstrip(), allowed=allowed)
    return float(said)


def known_name(flag: str, name: str, known: Sequence[str]) -> str:
    """``name``, if it is one of the ``known`` ones."""
    if name not in known:
        raise UnknownName(
            "this is not known here", given=f"{flag} {name}", allowed=listed(list(known)), fix=did_you_mean(name, known)
        )
    return name


def slug(folder: Path) -> str:
    """What to call an analysis in ``folder``."""
    return word_of(folder.resolve().name, "my_detector")


def word_of(text: str, otherwise: str) -> str:
    """A name that a declaration accepts."""
    found = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return found if re.match(r"[a-z]", found) else (f"{otherwise}_{found}" if found else otherwise)
