"""Closed and strictly typed TOML: number types, the base of every declared table, and complaints that name the key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from eventfit.errors import InputError, MissingInput, did_you_mean

__all__ = [
    "Finite",
    "Level",
    "Name",
    "NonNegative",
    "Pair",
    "Plausible",
    "Positive",
    "Strict",
    "read_toml",
    "validated",
]

#: bytes of a TOML file that a person may have written
LARGEST_FILE = 2_000_000
#: magnitudes of numbers in declarations: nothing measured lies outside, and squares and products stay finite
SMALLEST, LARGEST = 1e-60, 1e60


def _plausible(number: float) -> float:
    if number != 0.0 and not SMALLEST <= abs(number) <= LARGEST:
        raise ValueError(f"zero, or a magnitude between {SMALLEST:g} and {LARGEST:g}")
    return number


#: what every declared number has to be besides finite
Plausible = AfterValidator(_plausible)
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), Plausible]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), Plausible]
Level = Annotated[float, Field(gt=0, lt=1), Plausible]
Finite = Annotated[float, Field(allow_inf_nan=False), Plausible]
Pair = Annotated[list[Finite], Field(min_length=2, max_length=2)]


class Strict(BaseModel):
    """No unknown keys, no conversions, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=Strict)


def read_toml(path: Path, error: type[InputError]) -> dict[str, Any]:
    """The content of a TOML file; ``error`` if it is not TOML, :class:`MissingInput` if it cannot be read."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            size, allowed = f"{path.stat().st_size} bytes", f"up to {LARGEST_FILE} bytes"
            raise error("the file is too large", where=str(path), given=size, allowed=allowed)
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as trouble:
        raise MissingInput("the file cannot be read", where=str(path), given=trouble.strerror) from trouble
    except (ValueError, RecursionError) as trouble:  # not TOML, not UTF-8, or a number without end
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
    """The most telling complaint of pydantic in the words of our errors; the others are counted."""
    first, *others = sorted(complaints.errors(include_url=False), key=_rank)
    keys, model, candidates = _locate(root, raw, first["loc"], missing=first["type"] == "missing")
    others = [other for other in others if _locate(root, raw, other["loc"], missing=False)[0] != keys]
    allowed, fix = "", ""
    given: str | None = _shown(first.get("input"))
    if first["type"] == "extra_forbidden":
        problem, allowed, given = "unknown key", ", ".join(model.model_fields), str(keys[-1])
        fix = did_you_mean(str(keys[-1]), list(model.model_fields))
    elif first["type"] == "missing":
        problem, given = "missing key", None
        allowed = ", ".join(_choices(model.model_fields[str(keys[-1])].annotation))
        fix = "add it"
    elif first["type"] in ("union_tag_not_found", "union_tag_invalid"):
        tag = str(first["ctx"]["discriminator"]).strip("'")
        keys, options = [*keys, tag], [str(option) for m in candidates for option in _tags(m, (tag,))]
        allowed, found = ", ".join(options), first["ctx"].get("tag")
        problem, given = ("missing key", None) if found is None else ("a value is not accepted", repr(found))
        fix = "add it" if found is None else did_you_mean(str(found), options)
    elif first["type"] in WANTS_TABLE:
        problem = "a value is not accepted"
        allowed = "a table with " + " or ".join(", ".join(m.model_fields) for m in candidates)
    else:
        message = first["msg"].removeprefix("Value error, ").replace(" after validation", "")
        problem, allowed = "a value is not accepted", message[0].lower() + message[1:]
    if others:
        fix += f"{'; ' if fix else ''}{len(others)} more complaint{'s' if len(others) > 1 else ''} after this one"
    return {"problem": problem, "where": where + _dotted(keys, raw), "given": given, "allowed": allowed, "fix": fix}


#: complaints of pydantic about something that should have been a table
WANTS_TABLE = ("model_type", "model_attributes_type", "dict_type")


def _rank(complaint: ErrorDetails) -> int:
    """A misspelt key explains the missing one; that a list is no table matters only if nothing else is wrong."""
    return 0 if complaint["type"] == "extra_forbidden" else 2 if complaint["type"] in WANTS_TABLE else 1


def _shown(given: object) -> str:
    try:
        text = repr(given)
    except ValueError:
        return "a number with too many digits"
    return text if len(text) <= 100 else text[:100] + " ..."


def _locate(
    root: type[BaseModel], raw: object, loc: Sequence[str | int], *, missing: bool
) -> tuple[list[str | int], type[BaseModel], list[type[BaseModel]]]:
    """Keys as they stand in the file, the model that holds the last of them, and the models that could stand there.

    Pydantic adds tags of unions and validators to its path; what does not lead on in the file is such a tag.
    """
    keys: list[str | int] = []
    here, model, candidates = raw, root, [root]
    for position, part in enumerate(loc):
        there = _has(here, part)
        if not there and not (missing and position == len(loc) - 1):
            candidates = [m for m in candidates if m.__name__ in str(part) or part in _tags(m)] or candidates
            continue
        keys.append(part)
        here = here[part] if there else None  # type: ignore[index]
        if isinstance(part, str) and candidates:
            model = next((m for m in candidates if part in m.model_fields), candidates[0])
            if part in model.model_fields:
                candidates = _models(model.model_fields[part].annotation)
    return keys, model, candidates


def _has(here: object, part: str | int) -> bool:
    if isinstance(here, list):
        return isinstance(part, int) and part < len(here)
    return isinstance(here, dict) and part in here


def _tags(model: type[BaseModel], keys: Sequence[str] = ("kind", "quantity", "order")) -> tuple[object, ...]:
    """What may stand at the keys by which a union tells its models apart."""
    found: tuple[object, ...] = ()
    for key in keys:
        if key in model.model_fields:
            found += get_args(model.model_fields[key].annotation)
    return found


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for arg in get_args(annotation) for model in _models(arg)]


def _choices(annotation: object) -> list[str]:
    return [str(arg) for arg in get_args(annotation) if isinstance(arg, str)]


def _dotted(keys: Sequence[str | int], raw: object) -> str:
    """``background[b0].table``: items of lists by their name where they have one, else by number from 1."""
    text, here = "", raw
    for key in keys:
        here = here[key] if _has(here, key) else None  # type: ignore[index]
        if isinstance(key, int):
            text += f"[{here.get('name', key + 1) if isinstance(here, dict) else key + 1}]"
        else:
            word = key if re.fullmatch(r"[\w-]+", key) else repr(key)
            text += f".{word}" if text else word
    return text
