"""Questions on a terminal, for the flags of 'eventfit init' that are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from eventfit.analysis.recognise import named_bins, named_curve, named_flux, spoken
from eventfit.analysis.starter import POIS, SourceKind
from eventfit.cli.asked import Asked, exposure_of, resolution_of, source_of, uniform_edges
from eventfit.cli.progress import console
from eventfit.errors import InputError
from eventfit.target import Material
from eventfit.units import exposure_units

__all__ = ["completed"]

#: endings of files that are offered
ENDINGS = (".csv", ".txt", ".dat", ".tsv", ".root", ".parquet")


def completed(asked: Asked, folder: Path) -> Asked:
    """``asked`` with every missing flag asked for; an answer that cannot be used is asked for again."""
    out = console(stderr=True)
    files = sorted(p.name for p in folder.glob("*") if p.suffix.lower() in ENDINGS) if folder.is_dir() else []
    if files:
        out.print(f"files here: {', '.join(files)}", markup=False)
    if asked.source is None:
        asked = replace(asked, source=_choice(out, "source of the neutrinos", get_args(SourceKind)))
        asked = replace(asked, poi=_choice(out, "parameter of interest", tuple(POIS), asked.poi))
    if asked.flux is None and asked.source != "solar":
        asked = _flux(out, asked, folder)
    if asked.target is None:
        asked = replace(asked, target=_choice(out, "target material", get_args(Material)))
    if asked.exposure is None:
        said = f"exposure, e.g. '200 kg day' ({', '.join(exposure_units)})"
        asked = replace(asked, exposure=_until(out, said, exposure_of))
    if asked.data is None and not asked.asimov:
        asked = _data(out, asked, folder)
    if asked.backgrounds is None:
        asked = replace(asked, backgrounds=_backgrounds(out, asked, folder))
    if asked.efficiency is None:
        said = "efficiency, FILE[:X,Y] (empty: none)"
        found = _until(out, said, lambda text: text == "" or named_curve(spoken(text, folder), unit=asked.unit), "")
        asked = replace(asked, efficiency=found or None)
    if asked.resolution is None:
        said = "resolution: perfect, fwhm=KEV, sqrt=A,B, sigma=FILE[:X,Y] or fwhm=FILE[:X,Y]"
        asked = replace(
            asked, resolution=_until(out, said, lambda text: resolution_of(replace(asked, resolution=text), folder))
        )
    return asked


def _flux(out: Any, asked: Asked, folder: Path) -> Asked:
    if asked.source == "table":
        said = "flux, FILE:ENERGY,nubar_e=COLUMN,..."
        found = _until(out, said, lambda text: named_flux(spoken(text, folder), unit=asked.unit))
        per = asked.flux_per or _until(out, "its columns are per 'cm2 s keV' or 'cm2 s MeV', or their total flux", str)
        return replace(asked, flux=found, flux_per=per)
    said = "flux per flavour in 1/(cm^2 s)"
    if asked.source == "reactor":
        said = "flux in 1/(cm^2 s), or 'POWER GW DISTANCE m'"
    return replace(asked, flux=_until(out, said, lambda text: source_of(replace(asked, flux=text), folder)))


def _data(out: Any, asked: Asked, folder: Path) -> Asked:
    found = _until(
        out,
        "data, FILE[:NAMES] (empty: none, expected results)",
        lambda text: text == "" or named_bins(spoken(text, folder), "data", per=asked.per, unit=asked.unit),
        "",
    )
    keys = named_bins(spoken(found, folder), "data", per=asked.per, unit=asked.unit) if found else {"events": ""}
    asked = replace(asked, data=found or None, asimov=not found)
    if "events" not in keys or asked.bins is not None:
        return asked
    text = _until(out, "bins in keV: START STOP WIDTH", lambda text: uniform_edges(*_three(text)))
    return replace(asked, bins=_three(text))


def _three(text: str) -> tuple[float, float, float]:
    try:
        low, high, width = (float(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise InputError("these are no three numbers", given=text, allowed="START STOP WIDTH") from None
    return low, high, width


def _backgrounds(out: Any, asked: Asked, folder: Path) -> tuple[str, ...]:
    found: list[str] = []

    def known(text: str) -> object:
        return text == "" or named_bins(spoken(text, folder), "background", per=asked.background_per, unit=asked.unit)

    while text := _until(out, f"{'another ' if found else ''}background, FILE[:NAMES] (empty: no more)", known, ""):
        found.append(text)
    return tuple(found)


def _choice(out: Any, said: str, choices: Sequence[str], default: str | None = None) -> str:
    from rich.prompt import Prompt

    more: dict[str, Any] = {} if default is None else {"default": default}
    return str(Prompt.ask(said, choices=list(choices), console=out, **more))


def _until(out: Any, said: str, check: Callable[[str], object], default: str | None = None) -> str:
    """Ask until ``check`` accepts the answer; its complaint is printed, with what there is."""
    from rich.markup import escape
    from rich.prompt import Prompt

    while True:
        more: dict[str, Any] = {} if default is None else {"default": default, "show_default": False}
        text = str(Prompt.ask(escape(said), console=out, **more)).strip()
        try:
            check(text)
        except InputError as error:
            out.print(str(error), markup=False)
        else:
            return text
