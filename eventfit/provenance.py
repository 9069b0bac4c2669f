"""Where a table comes from: the contract of ``name.toml`` beside ``name.csv``, see ``data/README.md``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from eventfit.errors import BadTable, MissingInput
from eventfit.strict import Finite, NonNegative, Strict, read_toml, validated

__all__ = ["UNIT_SUFFIX", "Check", "Column", "Provenance", "Status", "read_provenance", "worst"]

#: how far a number can be trusted, best first
Status = Literal["official", "transcribed", "digitised", "computed", "recalled-unverified"]
Unit = Literal["keV", "1/keV", "1/(keV kg day)", "1/(cm^2 s)", "cm^2", "cm^2/keV", "u", "counts", "1", "text"]
#: unit in the provenance -> what the column name has to end with
UNIT_SUFFIX = {
    "keV": "_keV",
    "1/keV": "_per_keV",
    "1/(keV kg day)": "_per_keV_kg_day",
    "1/(cm^2 s)": "_per_cm2_s",
    "cm^2": "_cm2",
    "cm^2/keV": "_cm2_per_keV",
    "u": "_u",
    "counts": "_counts",
}
Text = Annotated[str, Field(min_length=1)]
Row = Annotated[int, Field(ge=0)]


class Column(Strict):
    """Unit and meaning of a column; the unit is one of the internal system, so nothing is converted on reading."""

    unit: Unit
    meaning: Text


class Check(Strict):
    """A value that a person took from the publication, with its tolerance; rows ``first`` to ``last`` (exclusive)."""

    kind: Literal["sum", "integral", "maximum", "end_point", "value_at"]
    column: Text
    value: Finite
    tolerance: NonNegative
    note: Text
    first: Row | None = None
    last: Row | None = None
    at: Finite = 0.0

    @model_validator(mode="after")
    def _at_belongs_to_value_at(self) -> Check:
        if (self.kind == "value_at") != ("at" in self.model_fields_set):
            raise ValueError("'at' is needed for kind value_at, and for no other")
        return self


class Provenance(Strict):
    """Everything that stands beside a table."""

    title: Text
    cite: Annotated[list[Text], Field(min_length=1)]
    where: Text
    status: Status
    obtained: Text
    licence: Text
    caveats: list[Text] = Field(default_factory=list)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    columns: Annotated[dict[str, Column], Field(min_length=1)]
    check: Annotated[list[Check], Field(min_length=1)]


def worst(statuses: Iterable[Status]) -> Status:
    """The one that can be trusted least, of one or more."""
    return max(statuses, key=get_args(Status).index)


def read_provenance(path: Path) -> Provenance:
    """The provenance in ``path``.

    Raises
    ------
    MissingInput
        The file does not exist or cannot be read.
    BadTable
        A key is unknown, missing or of the wrong type, or a column's name does not carry its unit.
    """
    if not path.is_file():
        raise MissingInput(
            f"the table {path.stem!r} has no provenance",
            where=str(path),
            fix=f"write {path.name} beside it (see data/README.md)",
        )
    provenance = validated(Provenance, read_toml(path, BadTable), where=f"{path}: ", error=BadTable)
    for name, column in provenance.columns.items():
        if not name.endswith(suffix := UNIT_SUFFIX.get(column.unit, "")):
            raise BadTable(
                "a column's name does not carry its unit",
                where=f"{path}: columns.{name}",
                given=f"unit {column.unit}",
                allowed=f"a name that ends with {suffix!r}",
            )
    return provenance
