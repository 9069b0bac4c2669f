"""Closed and strictly typed TOML: number types, the base of every declared table, and complaints that name the key."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eventfit.errors import InputError, MissingInput

__all__ = ["Finite", "Level", "Name", "NonNegative", "Pair", "Positive", "Strict", "read_toml", "validated"]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Level = Annotated[float, Field(gt=0, lt=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Pair = Annotated[list[Finite], Field(min_length=2, max_length=2)]


class Strict(BaseModel):
    """No unknown keys, no conversions, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=Strict)


def read_toml(path: Path, error: type[InputError]) -> dict[str, Any]:
    """The content of a TOML file; ``error`` if it is not TOML, :class:`MissingInput` if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as trouble:
        raise MissingInput("the file cannot be read", where=str(path), given=trouble.strerror) from trouble
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as trouble:
        raise error("the file is not TOML in UTF-8", where=str(path), given=trouble) from trouble


def validated(model: type[Model], raw: Mapping[str, Any], *, where: str, error: type[InputError]) -> Model:
    """``raw`` as a ``model``; ``error`` names the key path after ``where``, what was given and what is allowed."""
    try:
        return model.model_validate(raw)
    except ValidationError as complaints:
        entries = _explained(model, raw, where, complaints)
        raise error(entries.pop("problem"), **entries) from None


def _explained(
    root: type[BaseModel], raw: Mapping[str, Any], where: str, complaints: ValidationError
) -> dict[str, Any]:
    """The first complaint of pydantic in the words of our errors; the others are counted."""
    first, *others = complaints.errors(include_url=False)
    keys, model = _locate(root, first["loc"])
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
    return {
        "problem": problem,
        "where": f"{where}{_dotted(keys, raw)}",
        "given": given,
        "allowed": allowed,
        "fix": fix,
    }


def _locate(root: type[BaseModel], loc: Sequence[str | int]) -> tuple[list[str | int], type[BaseModel]]:
    """Keys as they stand in the file (pydantic adds union tags) and the model that holds the last of them."""
    keys: list[str | int] = []
    model = root
    candidates = [root]
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
