"""From a TOML file to one checked declaration per variant, with messages that name the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eventfit.analysis.declaration import FORMS, Background, Declaration
from eventfit.analysis.measurements import GalliumDeclared
from eventfit.analysis.mechanisms import FlavourMomentsDeclared, MagneticMomentDeclared, TransitionMomentsDeclared
from eventfit.analysis.nuisances import BentNuisance, EfficiencyNuisance, Nuisance, PerBinNuisance
from eventfit.analysis.recoils import require_consistent_recoils
from eventfit.analysis.sources import SolarDeclared
from eventfit.analysis.wanted import CountsWanted, NaiveWanted
from eventfit.errors import DeclarationError, NotIndependent, did_you_mean
from eventfit.strict import read_toml, validated

__all__ = ["DEFAULT", "declared_variants", "variants_of"]

DEFAULT = "default"
#: lists of tables whose items a variant addresses by name
NAMED = ("background", "nuisance", "measurement")
#: keys that say what kind of thing a table describes; a variant with another one replaces the whole table
KINDS = ("kind", "background")
#: what belongs to the analysis as a whole
SHARED = ("title", "cite", "result", "published", "variant")


def declared_variants(path: Path) -> dict[str, tuple[str, Declaration]]:
    """Variant name -> (meaning, declaration); the default first.

    A variant is an overlay on the rest of the file: tables merge key by key unless their kind changes, backgrounds and
    nuisances are addressed by their name (``[variant.x.nuisance.b0_scale]``), another form of data takes the place of
    the old one, all else is replaced. It has to change something.

    Raises
    ------
    MissingInput, DeclarationError
        The file cannot be read, or breaks a rule; the message names the key path, what was given and what is allowed.
    """
    return variants_of(read_toml(path, DeclarationError), path)


def variants_of(declared: Mapping[str, Any], path: Path) -> dict[str, tuple[str, Declaration]]:
    """As :func:`declared_variants`, of what stands in a file, or would; ``path`` is what messages call it."""
    base = {str(key): _plain(value) for key, value in declared.items()}
    patches = base.pop("variant", {DEFAULT: {"meaning": "as declared"}})
    if not isinstance(patches, dict) or DEFAULT not in patches:
        raise DeclarationError(
            "variants are declared, but none of them is the default",
            where=f"{path}: variant",
            given=", ".join(patches) if isinstance(patches, dict) else patches,
            fix="add [variant.default] with its meaning",
        )
    order = sorted(patches, key=lambda name: name != DEFAULT)
    return {name: _variant(path, base, name, patches[name]) for name in order}


def _plain(value: Any) -> Any:
    """``value`` as TOML has it: lists for tuples and arrays, numbers of Python for those of numpy."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _variant(path: Path, base: Mapping[str, Any], name: str, patch: object) -> tuple[str, Declaration]:
    where = f"{path}: variant.{name}"
    if not isinstance(patch, dict) or not isinstance(patch.get("meaning"), str):
        raise DeclarationError("a variant needs a meaning", where=where, fix='meaning = "what it changes and why"')
    changes = {key: value for key, value in patch.items() if key != "meaning"}
    if name == DEFAULT and changes:
        raise DeclarationError(
            "the default is the file itself and changes nothing", where=where, given=", ".join(changes)
        )
    if shared := [key for key in changes if key in SHARED]:
        raise DeclarationError("a variant may not change this", where=f"{where}.{shared[0]}", given=shared[0])
    merged = _overlay(_without_other_form(base, changes), changes)
    if name != DEFAULT and merged == base:
        raise DeclarationError("a variant changes nothing", where=where, fix="remove it, or say what it changes")
    prefix = f"{path}: " if name == DEFAULT else f"{path}: variant.{name}: "
    declared = validated(Declaration, merged, where=prefix, error=DeclarationError)
    _consistent(declared, prefix)
    return patch["meaning"], declared


def _consistent(declared: Declaration, where: str) -> None:
    """What no single table of the declaration can know: names differ, windows lie on bin edges."""
    names: set[str] = set()
    named: tuple[tuple[str, Sequence[Background | Nuisance | GalliumDeclared]], ...] = (
        ("background", declared.background),
        ("nuisance", declared.nuisance),
        ("measurement", declared.measurement),
    )
    for kind, items in named:
        for item in items:
            if item.name in names:
                raise DeclarationError(
                    "names of backgrounds, nuisances and measurements have to differ",
                    where=f"{where}{kind}[{item.name}].name",
                    given=item.name,
                    fix="rename one of the two",
                )
            names.add(item.name)
    _independent(declared, where)
    _nuisances(declared, where)
    _possible_moments(declared, where)
    _densities(declared, where)
    require_consistent_recoils(declared, where)
    edges = declared.response.edges
    for number, wanted in enumerate(declared.result, 1):
        if isinstance(wanted, CountsWanted | NaiveWanted):
            (low, high), axis = wanted.window, declared.response.axis
            if not (wanted.axis == axis and low < high and np.isin([low, high], edges).all()):
                raise DeclarationError(
                    "a window has to begin and end on bin edges",
                    where=f"{where}result[{number}].{wanted.key}",
                    given=f"[{low:g}, {high:g}] in {wanted.axis.unit or wanted.axis.name}",
                    allowed=f"two increasing edges in {axis.range(edges[0], edges[-1])}",
                )


def _independent(declared: Declaration, where: str) -> None:
    """Data sets of one origin are one measurement, and would count twice."""
    seen = dict.fromkeys(declared.data.origin, "data")
    for measurement in declared.measurement:
        for origin in measurement.origin:
            if origin in seen:
                raise NotIndependent(
                    "two data sets of one origin do not combine: they would count twice",
                    where=f"{where}measurement[{measurement.name}].origin",
                    given=f"{origin}, as in {seen[origin]}",
                    fix="leave one of the two out",
                )
        seen |= dict.fromkeys(measurement.origin, f"measurement[{measurement.name}]")
    events = declared.data.events
    if declared.measurement and events is not None:
        raise DeclarationError(
            "single events and measurements beside them are not fitted together yet",
            where=f"{where}data.events",
            given=events if isinstance(events, str) else events.file or events.object,
            fix="use bins, or leave the measurements out",
        )


def _nuisances(declared: Declaration, where: str) -> None:
    """Only nuisances are shared, and single events have no bins that could bend or have factors of their own."""
    names = [nuisance.name for nuisance in declared.nuisance]
    for name in declared.shared:
        if name not in names or declared.shared.count(name) > 1:
            raise DeclarationError(
                "what is shared is no nuisance of this analysis, or stands there twice",
                where=f"{where}shared",
                given=name,
                allowed=", ".join(names) or "none: no nuisance is declared",
                fix=did_you_mean(name, names),
            )
    for nuisance in declared.nuisance if declared.data.events is not None else ():
        factor = isinstance(nuisance, EfficiencyNuisance) and nuisance.relative is not None
        if isinstance(nuisance, BentNuisance | PerBinNuisance) and not factor:
            raise DeclarationError(
                "a fit of single events has no errors that bend spectra",
                where=f"{where}nuisance[{nuisance.name}].kind",
                given=f"{nuisance.kind}, with data.events",
                allowed="gaussian_scale, lognormal, normsys and norms",
                fix="use bins no wider than a tenth of the resolution: the likelihood is the same",
            )


def _densities(declared: Declaration, where: str) -> None:
    """Single events need the density of every background, and nothing else does."""
    for item in declared.background:
        if (item.density is None) == (declared.data.events is None):
            continue
        raise DeclarationError(
            "a fit of single events needs every background as a curve"
            if item.density is None
            else "a background has a curve that no fit of single events reads",
            where=f"{where}background[{item.name}].density",
            given=item.density,
            fix="declare its density" if item.density is None else "declare data.events, or remove it",
        )


def _possible_moments(declared: Declaration, where: str) -> None:
    """One description of the magnetic moments, in states that arrive: without oscillation the Sun sends nu_e only.

    Oscillation is that of solar neutrinos, so it needs the Sun.
    """
    solar = [source for source in declared.flux if isinstance(source, SolarDeclared)]
    if declared.oscillation is not None and not solar:
        raise DeclarationError(
            "oscillation is declared, but none of the sources is the Sun",
            where=f"{where}oscillation",
            given=", ".join(source.kind for source in declared.flux),
            fix="remove it: reactors and beams are taken as near by",
        )
    kinds = MagneticMomentDeclared | FlavourMomentsDeclared | TransitionMomentsDeclared
    magnetic = [(number, process) for number, process in enumerate(declared.process, 1) if isinstance(process, kinds)]
    if len(magnetic) > 1:
        raise DeclarationError(
            "magnetic scattering is described twice: the effective moment is made of the others",
            where=f"{where}process[{magnetic[1][0]}].kind",
            given=", ".join(process.kind for _, process in magnetic),
            allowed="one of magnetic_moment, flavour_moments, transition_moments",
        )
    for number, process in magnetic if solar and declared.oscillation is None else ():
        if isinstance(process, MagneticMomentDeclared):
            continue
        absent = [name for name in process.couplings if name != "mu_e"]
        if absent:
            raise DeclarationError(
                "without oscillation the Sun sends nu_e only, and no mass states are known",
                where=f"{where}process[{number}].couplings",
                given=", ".join(absent),
                allowed="mu_e, or a moment of kind magnetic_moment",
                fix='add [oscillation] with parameters = "nufit60_ic24_normal"',
            )


def _without_other_form(base: Mapping[str, Any], patch: Mapping[str, Any]) -> Mapping[str, Any]:
    """``base`` without its form of data if ``patch`` names another one, which takes its place."""
    old, new = base.get("data"), patch.get("data")
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return base
    named = [form for form in FORMS if form in new]
    if not named or any(form in old for form in named):
        return base
    return {**base, "data": {key: value for key, value in old.items() if key not in (*FORMS, "events")}}


def _overlay(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in patch.items():
        old = merged.get(key, [] if key in NAMED else None)
        if isinstance(value, dict) and isinstance(old, list) and key in NAMED:
            merged[key] = _overlay_named(old, value)
        elif isinstance(value, dict) and isinstance(old, dict) and _alike(old, value):
            merged[key] = _overlay(old, value)
        else:
            merged[key] = value
    return merged


def _alike(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether ``new`` leaves what kind of thing the table ``old`` describes: another kind has other keys."""
    return all(new.get(key, old.get(key)) == old.get(key) for key in KINDS)


def _overlay_named(items: Sequence[Any], patch: Mapping[str, Any]) -> list[Any]:
    merged, left = [], dict(patch)
    for item in items:
        change = left.pop(str(item.get("name")), None) if isinstance(item, dict) else None
        merged.append(_overlay(item, change) if isinstance(change, dict) else item)
    return merged + [{"name": name, **value} if isinstance(value, dict) else value for name, value in left.items()]
