"""From a TOML file to one checked declaration per variant, with messages that name the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eventfit.analysis.declaration import Declaration
from eventfit.errors import DeclarationError
from eventfit.strict import read_toml, validated

__all__ = ["DEFAULT", "declared_variants"]

DEFAULT = "default"
#: lists of tables whose items a variant addresses by name
NAMED = ("background", "nuisance")
#: what belongs to the analysis as a whole
SHARED = ("title", "cite", "result", "published", "variant")


def declared_variants(path: Path) -> dict[str, tuple[str, Declaration]]:
    """Variant name -> (meaning, declaration); the default first.

    A variant is an overlay on the rest of the file: tables merge key by key, backgrounds and nuisances are addressed by
    their name (``[variant.x.nuisance.b0_scale]``), all else is replaced. It has to change something.

    Raises
    ------
    MissingInput, DeclarationError
        The file cannot be read, or breaks a rule; the message names the key path, what was given and what is allowed.
    """
    base = read_toml(path, DeclarationError)
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
    merged = _overlay(base, changes)
    if name != DEFAULT and merged == base:
        raise DeclarationError("a variant changes nothing", where=where, fix="remove it, or say what it changes")
    prefix = f"{path}: " if name == DEFAULT else f"{path}: variant.{name}: "
    return patch["meaning"], validated(Declaration, merged, where=prefix, error=DeclarationError)


def _overlay(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in patch.items():
        old = merged.get(key, [] if key in NAMED else None)
        if isinstance(value, dict) and isinstance(old, list) and key in NAMED:
            merged[key] = _overlay_named(old, value)
        elif (
            isinstance(value, dict) and isinstance(old, dict) and value.get("kind", old.get("kind")) == old.get("kind")
        ):
            merged[key] = _overlay(old, value)
        else:
            merged[key] = value
    return merged


def _overlay_named(items: Sequence[Any], patch: Mapping[str, Any]) -> list[Any]:
    merged, left = [], dict(patch)
    for item in items:
        change = left.pop(str(item.get("name")), None) if isinstance(item, dict) else None
        merged.append(_overlay(item, change) if isinstance(change, dict) else item)
    return merged + [{"name": name, **value} if isinstance(value, dict) else value for name, value in left.items()]
