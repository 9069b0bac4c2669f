"""Errors that tables state: the edges of backgrounds, errors of their bins, and distortions of the response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.analysis.binning import tabulated
from eventfit.analysis.declaration import Declaration
from eventfit.analysis.detector import efficiency_curve
from eventfit.analysis.inputs import Inputs
from eventfit.analysis.nuisances import (
    EdgeTables,
    EfficiencyNuisance,
    EnergyScaleNuisance,
    HistoSysNuisance,
    PerBinNuisance,
    QuenchingNuisance,
    ResolutionNuisance,
    ResponseNuisance,
    ThresholdNuisance,
)
from eventfit.errors import DeclarationError, MissingInput, OutOfRange, did_you_mean, located
from eventfit.quadrature import Array
from eventfit.response import (
    Distortion,
    EfficiencyBand,
    EnergyScale,
    KeV,
    LindhardK,
    QuenchingScale,
    ResolutionWidth,
    Response,
    ThresholdShift,
)

__all__ = ["Systematics", "build_distortions", "read_systematics"]


@dataclass(frozen=True, eq=False)
class Systematics:
    """What is known of backgrounds besides their nominal counts.

    Attributes
    ----------
    edges
        Nuisance -> background -> counts (n_bin,) at theta = -1 and +1.
    scaled
        Nuisance -> backgrounds with its factor.
    errors
        Nuisance -> background -> errors (n_bin,) of the counts.
    """

    edges: Mapping[str, Mapping[str, tuple[Array, Array]]]
    scaled: Mapping[str, Sequence[str]]
    errors: Mapping[str, Mapping[str, Array]]


def read_systematics(declared: Declaration, tables: Inputs) -> Systematics:
    """Read the tables of errors of backgrounds, each in the form of the background's own.

    Raises
    ------
    DeclarationError
        A background that nobody declared, or of which an error of the response says nothing.
    OutOfRange
        Other bins than those of the response, an error below zero.
    """
    edges: dict[str, dict[str, tuple[Array, Array]]] = {}
    scaled: dict[str, list[str]] = {}
    errors: dict[str, dict[str, Array]] = {}
    for nuisance in declared.nuisance:
        with located(f"nuisance[{nuisance.name}]"):
            if isinstance(nuisance, ResponseNuisance):
                said = _followed(nuisance, declared)
                scaled[nuisance.name] = [name for name, how in said.items() if how == "scaled"]
                moved = {name: how for name, how in said.items() if isinstance(how, EdgeTables)}
                edges[nuisance.name] = _edges(moved, declared, tables, "backgrounds")
            elif isinstance(nuisance, HistoSysNuisance):
                _known(nuisance.tables, declared, "tables")
                edges[nuisance.name] = _edges(nuisance.tables, declared, tables, "tables")
            elif isinstance(nuisance, PerBinNuisance):
                errors[nuisance.name] = _errors(nuisance, declared, tables)
    return Systematics(edges, scaled, errors)


def build_distortions(declared: Declaration, response: Response, tables: Inputs) -> dict[str, Distortion]:
    """Nuisance -> what it does to the response; a relative error of the efficiency is a factor and not among them.

    Raises
    ------
    DeclarationError, OutOfRange
        The response has not what should be wrong with it.
    """
    found: dict[str, Distortion] = {}
    for nuisance in declared.nuisance:
        with located(f"nuisance[{nuisance.name}]"):
            if not isinstance(nuisance, ResponseNuisance):
                continue
            distortion = _distortion(nuisance, declared, response, tables)
            if distortion is not None:
                distortion.at(response, 1.0).moments(np.ones(1))  # says what the response lacks
                found[nuisance.name] = distortion
    return found


def _distortion(
    declared: ResponseNuisance, whole: Declaration, response: Response, tables: Inputs
) -> Distortion | None:
    if isinstance(declared, EnergyScaleNuisance):
        if declared.offset_keV is not None and response.axis != KeV:
            raise DeclarationError(
                "an offset in keV has no meaning on this axis",
                where="offset_keV",
                given=f"{declared.offset_keV:g} keV on an axis of {response.axis.name}",
                allowed="relative alone",
            )
        return EnergyScale(declared.relative or 0.0, declared.offset_keV or 0.0)
    if isinstance(declared, ResolutionNuisance):
        return ResolutionWidth(declared.relative)
    if isinstance(declared, ThresholdNuisance):
        return ThresholdShift(declared.shift_keV)
    if isinstance(declared, QuenchingNuisance) and declared.k is not None:
        return LindhardK(declared.k)
    if isinstance(declared, QuenchingNuisance) and declared.relative is not None:
        return QuenchingScale(declared.relative)
    assert isinstance(declared, EfficiencyNuisance)
    if declared.down is None or declared.up is None:
        return None
    if response.efficiency is None:
        raise MissingInput(
            "a band belongs to an efficiency, and the response has none", where="response.efficiency", fix="declare it"
        )
    return EfficiencyBand(
        response.efficiency, *(efficiency_curve(name, whole.response, tables) for name in (declared.down, declared.up))
    )


def _followed(declared: ResponseNuisance, whole: Declaration) -> Mapping[str, EdgeTables | str]:
    """What every background does when the response is wrong; silence is refused."""
    names, said = [b.name for b in whole.background], declared.backgrounds
    flat = isinstance(declared, EfficiencyNuisance) and declared.relative is not None
    allowed = '"fixed"' + (', "scaled"' if flat else "") + ' or { down = "table", up = "table" }'
    if isinstance(said, str) or (said is None and not names):
        return dict.fromkeys(names, "fixed")
    silent = [name for name in names if said is None or name not in said]
    if silent or said is None:
        raise DeclarationError(
            "an error of the response does not say what the backgrounds do, which are not folded",
            where="backgrounds",
            given=None if said is None else f"nothing about {', '.join(silent)}",
            allowed=f'"fixed", or for each of {", ".join(names)}: {allowed}',
            fix='backgrounds = "fixed" if they were measured with this very response',
        )
    _known(said, whole, "backgrounds")
    for name, how in said.items():
        if (how == "scaled" and not flat) or (whole.off is not None and how != "fixed"):
            raise DeclarationError(
                "a background cannot follow this error of the response so",
                where=f"backgrounds.{name}",
                given=how if isinstance(how, str) else "tables",
                allowed='"fixed": OFF data measure it' if whole.off is not None else allowed,
            )
    return said


def _known(names: Mapping[str, object] | Sequence[str], whole: Declaration, key: str) -> None:
    """Refuse names that are no backgrounds of the fit."""
    known = [] if whole.off is not None and key != "backgrounds" else [b.name for b in whole.background]
    for name in names:
        if name not in known:
            none = "none: OFF data measure them" if whole.off is not None else "none: no background is declared"
            raise DeclarationError(
                "an error is declared of a background that nobody declared",
                where=key,
                given=name,
                allowed=", ".join(known) or none,
                fix=did_you_mean(name, known),
            )


def _edges(
    moved: Mapping[str, EdgeTables], declared: Declaration, tables: Inputs, key: str
) -> dict[str, tuple[Array, Array]]:
    found = {}
    for name, edges in moved.items():
        with located(f"{key}.{name}"):
            column = next(b.column for b in declared.background if b.name == name)
            down, up = (
                tabulated(table, column, tables, declared, (side, side))
                for side, table in (("down", edges.down), ("up", edges.up))
            )
            found[name] = (down, up)
    return found


def _errors(declared: PerBinNuisance, whole: Declaration, tables: Inputs) -> dict[str, Array]:
    per_background = {declared.background: declared.table} if declared.kind == "shapesys" else dict(declared.tables)
    _known(per_background, whole, "background" if declared.kind == "shapesys" else "tables")
    found = {}
    for name, table in per_background.items():
        key = "table" if declared.kind == "shapesys" else f"tables.{name}"
        errors = tabulated(table, declared.column, tables, whole, (key, "column"))
        if np.any(errors < 0) or not errors.any():
            raise OutOfRange(
                "errors of bins are negative, or all of them are zero",
                where=f"{table}: {declared.column}" if isinstance(table, str) else tables.place(table),
                given=float(errors.min()),
                allowed="errors in counts; a bin with 0 has no factor",
            )
        found[name] = errors
    return found
