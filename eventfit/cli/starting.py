"""From what was asked for to a declaration: files are looked at, what is missing is asked on a terminal or named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from eventfit.analysis import Analysis
from eventfit.analysis.files import BackgroundFile, BinsFile
from eventfit.analysis.inputs import Inputs
from eventfit.analysis.own import own_counts, own_histogram
from eventfit.analysis.recognise import named_bins, named_curve, spoken
from eventfit.analysis.starter import Choices, declaration_text
from eventfit.cli.asked import Asked, exposure_of, known_name, resolution_of, slug, source_of, uniform_edges, word_of
from eventfit.errors import DeclarationError, InputError, MissingInput, OutOfRange
from eventfit.quadrature import Array
from eventfit.report.store import prepare, write_text
from eventfit.response import KeV
from eventfit.strict import validated
from eventfit.tables import Tables, shipped
from eventfit.target import Material, Target
from eventfit.units import exposure_units

__all__ = ["new_path", "start"]

NAME = "analysis.toml"


def new_path(folder: Path, *, force: bool) -> Path:
    """The file to write; :class:`InputError` if it is there already, unless ``force``."""
    path = folder / NAME
    if path.exists() and not force:
        raise InputError(
            "there is a declaration already", where=str(path), fix="take another folder, or overwrite it with --force"
        )
    return path


def start(path: Path, asked: Asked) -> None:
    """Write the declaration to ``path``; nothing is written if it would not be valid.

    Raises
    ------
    InputError
        A flag is missing or wrong, a file does not hold what is needed.
    """
    _require(asked)
    folder = path.parent
    text = declaration_text(_understood(asked, folder))
    Analysis.from_dict(tomllib.loads(text), name=slug(folder), folder=folder).model()
    prepare(folder)
    write_text(path, text)


def _require(asked: Asked) -> None:
    """Refuse what is missing, all at once."""
    needed = {
        "--source": (asked.source, "solar, reactor, stopped_pion or table"),
        "--target": (asked.target, ", ".join(get_args(Material))),
        "--exposure": (asked.exposure, f"'VALUE UNIT' with one of {', '.join(exposure_units)}"),
        "--resolution": (asked.resolution, "perfect, fwhm=0.2, sqrt=0.3,0.004, sigma=FILE, fwhm=FILE"),
        "--data": (asked.data or asked.asimov or None, "a file, or --asimov for none"),
    }
    if asked.source in ("reactor", "stopped_pion", "table"):
        needed["--flux"] = asked.flux, "1/(cm^2 s), 'POWER GW DISTANCE m', or FILE:NAMES of a table"
    if missing := {flag: allowed for flag, (given, allowed) in needed.items() if given is None}:
        raise MissingInput(
            "flags are missing, and there is no terminal to ask on",
            given=", ".join(missing),
            allowed="; ".join(f"{flag}: {allowed}" for flag, allowed in missing.items()),
            fix="add them; 'eventfit init --help' shows an example",
        )


def _understood(asked: Asked, folder: Path) -> Choices:
    """The choices behind the flags, files looked at.

    Raises
    ------
    InputError
        A flag says nothing that is known, a file does not hold what is needed.
    """
    data, edges = _data(asked, folder)
    backgrounds: dict[str, Mapping[str, Any]] = {}
    for text in asked.backgrounds or ():
        found = named_bins(spoken(text, folder), "background", per=asked.background_per, unit=asked.unit)
        found = _fitting(found, folder, edges, BackgroundFile)
        backgrounds[_unused(_background_name(found), backgrounds)] = found
    efficiency = None
    if asked.efficiency is not None:
        efficiency = named_curve(spoken(asked.efficiency, folder), unit=asked.unit)
    material = known_name("--target", asked.target or "", get_args(Material))
    origin = slug(folder)
    return Choices(
        title=asked.title or f"{origin}: {(asked.source or '').replace('_', ' ')} neutrinos on {material}",
        origin=origin,
        poi=asked.poi,
        exposure=exposure_of(asked.exposure or ""),
        material=material,
        electrons="free" if Target.load(Tables(shipped("data")), material).without_shells else "stepping",
        source=source_of(asked, folder),
        edges=edges,
        resolution=resolution_of(asked, folder),
        data=data,
        efficiency=efficiency,
        efficiency_first=asked.efficiency_first,
        backgrounds=backgrounds,
        background_error=asked.background_error,
    )


# -- files ------------------------------------------------------------------------------------------------------------


def _data(asked: Asked, folder: Path) -> tuple[dict[str, Any], Array]:
    """The keys of the data, and the bins: those that were asked for, else those of the file, in the window."""
    wanted = None if asked.bins is None else uniform_edges(*asked.bins)
    if asked.data is None:
        if wanted is None:
            raise MissingInput(
                "without data the bins are not known", given="--asimov", fix="add --bins START STOP WIDTH"
            )
        return {"asimov": True}, wanted
    keys = named_bins(spoken(asked.data, folder), "data", per=asked.per, unit=asked.unit)
    if "events" in keys:
        if wanted is None:
            raise MissingInput("single events have no bins", given=asked.data, fix="add --bins START STOP WIDTH")
        return {"observed": _with_flow(keys, folder, wanted)}, wanted
    keys = _with_flow(keys, folder, None)
    own = _own_edges(keys, folder, BinsFile)
    edges = own if wanted is None else wanted
    if asked.window is not None:
        low, high = asked.window
        edges = edges[(edges >= low - 1e-9 * abs(low)) & (edges <= high + 1e-9 * abs(high))]
        if len(edges) < 2:
            raise OutOfRange(
                "the window holds no bin", given=f"--window {low:g} {high:g}", allowed=KeV.range(own[0], own[-1])
            )
    kind = "residual" if "error" in keys else "observed"
    return {kind: _fitting(keys, folder, edges, BinsFile)}, edges


def _own_edges(keys: Mapping[str, Any], folder: Path, form: type[BinsFile]) -> Array:
    """The bins of a file in keV."""
    declared = validated(form, keys, where="", error=DeclarationError)
    try:
        return own_histogram(Inputs(folder=folder), declared, KeV).edges
    except OutOfRange as error:
        if "unit" in error.fix:
            error.fix = "say it: --unit keV"
        raise


def _with_flow(keys: dict[str, Any], folder: Path, edges: Array | None) -> dict[str, Any]:
    """``keys`` with what becomes of entries outside, if there are any: they are left out, which the file then says."""
    if "histogram" not in keys and "events" not in keys:
        return keys
    declared = validated(BinsFile, keys, where="", error=DeclarationError)
    try:
        if edges is None:
            own_histogram(Inputs(folder=folder), declared, KeV)
        else:
            own_counts(Inputs(folder=folder), declared, KeV, edges, 1.0)
    except OutOfRange as error:
        if "outside the axis" in error.problem:
            return {**keys, "overflow": "drop"}
        if "unit" not in error.fix:
            raise
    return keys


def _fitting(keys: dict[str, Any], folder: Path, edges: Array, form: type[BinsFile]) -> dict[str, Any]:
    """``keys``, saying ``rebin`` if the bins of the file are finer than ``edges``, or go on outside."""
    keys = _with_flow(keys, folder, None)
    own = _own_edges(keys, folder, form)
    same = len(own) == len(edges) and np.allclose(own, edges, rtol=0.0, atol=1e-6 * float(np.diff(edges).min()))
    nearest = own[np.abs(own[:, None] - edges).argmin(axis=0)]
    finer = np.allclose(nearest, edges, rtol=0.0, atol=1e-6 * float(np.diff(own).min()))
    return {**keys, "rebin": True} if finer and not same else keys


def _background_name(keys: Mapping[str, Any]) -> str:
    """What to call a background: its histogram or column if that says more than the file."""
    said = str(keys.get("histogram") or keys.get("value") or "")
    plain = re.sub(r"_?per_.*|_counts$|^(expected|counts|events|rate|background|bkg|value)$", "", said, flags=re.I)
    return word_of(plain or Path(str(keys["file"])).stem, "background")


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    return next(n for n in (name, *(f"{name}_{i}" for i in range(2, 1000))) if n not in taken)
