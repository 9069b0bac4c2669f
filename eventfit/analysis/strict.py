"""What every part of a declaration is: closed and strictly typed, with the number types that several parts share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Finite", "Level", "Name", "NonNegative", "Pair", "Positive", "Strict"]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Level = Annotated[float, Field(gt=0, lt=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Pair = Annotated[list[Finite], Field(min_length=2, max_length=2)]


class Strict(BaseModel):
    """No unknown keys, no conversions, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
