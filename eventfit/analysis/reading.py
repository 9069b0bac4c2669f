"""From a TOML file to one checked declaration per variant, with messages that name the key."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from eventfit.analysis.declaration import Declaration
from eventfit.errors import DeclarationError, MissingInput

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
    base = _toml(path)
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


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingInput("the declaration cannot be read", where=str(path), given=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError("the file is not TOML", where=str(path), given=error) from error


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
    return patch["meaning"], _validated(path, merged, "" if name == DEFAULT else f"variant.{name}: ")


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


def _validated(path: Path, raw: Mapping[str, Any], prefix: str) -> Declaration:
    try:
        return Declaration.model_validate(raw)
    except ValidationError as error:
        raise _explained(path, raw, prefix, error) from None


def _explained(path: Path, raw: Mapping[str, Any], prefix: str, error: ValidationError) -> DeclarationError:
    """The first complaint of pydantic as our own error; the others are counted."""
    first, *others = error.errors(include_url=False)
    keys, model = _locate(first["loc"])
    allowed, given, fix = "", first.get("input"), ""
    if first["type"] == "extra_forbidden":
        problem, allowed, given = "unknown key", ", ".join(model.model_fields), keys[-1]
        close = difflib.get_close_matches(str(keys[-1]), list(model.model_fields), 1)
        fix = f"did you mean {close[0]!r}?" if close else ""
    elif first["type"] in ("missing", "union_tag_not_found"):
        problem, given = "missing key", None
        if first["type"] == "union_tag_not_found":
            keys.append(str(first["ctx"]["discriminator"]).strip("'"))
        field = model.model_fields.get(str(keys[-1]))
        allowed = _choices(field.annotation) if field is not None else ""
        fix = f"add it, with its unit: {allowed}" if keys[-1] == "unit" else "add it"
    else:
        message = first["msg"].removeprefix("Value error, ")
        problem, allowed = "a value is not accepted", message[0].lower() + message[1:]
    if others:
        fix = f"{fix + '; ' if fix else ''}{len(others)} more complaint{'s' if len(others) > 1 else ''} after this one"
    if isinstance(given, dict | list) and len(str(given)) > 100:
        given = str(given)[:100] + " ..."
    return DeclarationError(
        problem, where=f"{path}: {prefix}{_dotted(keys, raw)}", given=given, allowed=allowed, fix=fix
    )


def _locate(loc: Sequence[str | int]) -> tuple[list[str | int], type[BaseModel]]:
    """Keys as they stand in the file (pydantic adds union tags) and the model that holds the last of them."""
    keys: list[str | int] = []
    model: type[BaseModel] = Declaration
    candidates: list[type[BaseModel]] = [Declaration]
    for part in loc:
        named = [m for m in candidates if m.__name__ == part]
        tagged = [m for m in candidates if part in _tags(m)]
        if isinstance(part, str) and (named or tagged) and part not in model.model_fields:
            candidates = named or tagged
            continue
        if isinstance(part, str):
            holders = [m for m in candidates if part in m.model_fields]
            model = (holders or candidates or [model])[0]
            candidates = _models(model.model_fields[part].annotation) if holders else []
            if not holders and keys and part != loc[-1]:
                continue
        keys.append(part)
    return keys, model


def _tags(model: type[BaseModel]) -> tuple[object, ...]:
    found: tuple[object, ...] = ()
    for key in ("kind", "quantity"):
        if key in model.model_fields:
            found += get_args(model.model_fields[key].annotation)
    return found


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for arg in get_args(annotation) for model in _models(arg)]


def _choices(annotation: object) -> str:
    literals = [str(arg) for arg in get_args(annotation) if isinstance(arg, str)]
    return ", ".join(literals)


def _dotted(keys: Sequence[str | int], raw: Mapping[str, Any]) -> str:
    """``background[b0].table``: items of lists by their name where they have one, else by number from 1."""
    text, here = "", raw
    for key in keys:
        try:
            here = here[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            here = {}
        if isinstance(key, int):
            text += f"[{here.get('name', key + 1) if isinstance(here, dict) else key + 1}]"
        else:
            text += f".{key}" if text else key
    return text
