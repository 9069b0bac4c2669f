"""What became of a likelihood on its way into another format: nothing is dropped without being said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventfit.errors import ExportLoss, UnknownName, WriteFailed

__all__ = ["ExportReport", "Exported", "Translation", "settle"]


@dataclass(frozen=True)
class Translation:
    """A parameter as the other program has it: ``exported = intercept + slope * name**power``."""

    name: str
    exported: str
    power: int = 1
    slope: float = 1.0
    intercept: float = 0.0

    def value(self, ours: float) -> float:
        """The other program's value for ``ours``."""
        return float(self.intercept + self.slope * ours**self.power)

    @property
    def trivial(self) -> bool:
        """Whether name and value are the same."""
        return self == Translation(self.exported, self.name)

    def __str__(self) -> str:
        power = self.name if self.power == 1 else f"{self.name}**{self.power}"
        line = power if self.slope == 1.0 else f"{self.slope:.6g} {power}"
        return f"{self.exported} = " + (line if self.intercept == 0.0 else f"{self.intercept:.6g} + {line}")


@dataclass(frozen=True, eq=False)
class ExportReport:
    """How faithful an export is.

    Attributes
    ----------
    format
        ``pyhf`` or ``hs3``.
    poi
        The other program's name of the parameter of interest.
    settings
        What the other program has to be told for the likelihood to be the same, since the file cannot say it.
    lost
        What the format says otherwise, with the size of the difference.
    notes
        What is said in another way with the same meaning.
    parameters
        Every parameter and what it is called and worth there.
    """

    format: str
    poi: str
    settings: Mapping[str, str]
    lost: tuple[str, ...]
    notes: tuple[str, ...]
    parameters: tuple[Translation, ...]

    @property
    def exact(self) -> bool:
        """Whether both likelihoods differ by a constant at most (to 1e-10 of a component), with these ``settings``."""
        return not self.lost

    def translation(self, name: str) -> Translation:
        """That of the parameter ``name``."""
        for translation in self.parameters:
            if translation.name == name:
                return translation
        raise UnknownName(
            "there is no such parameter", given=name, allowed=", ".join(t.name for t in self.parameters) or "none"
        )

    def __str__(self) -> str:
        settings = ", ".join(f"{key} {value}" for key, value in self.settings.items())
        lines = [f"{self.format}: {'exact' if self.exact else 'not exact'}" + (f" with {settings}" if settings else "")]
        lines += [f"  lost: {text}" for text in self.lost]
        lines += [f"  parameter: {t}" for t in self.parameters if not t.trivial]
        return "\n".join([*lines, *(f"  note: {text}" for text in self.notes)])


@dataclass(frozen=True, eq=False)
class Exported:
    """The document of another format, JSON objects and lists only, and how faithful it is."""

    document: dict[str, Any]
    report: ExportReport

    @property
    def text(self) -> str:
        """The document as JSON, without NaN or Infinity."""
        return json.dumps(self.document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"

    def write(self, path: str | Path) -> None:
        """Write the document to ``path``; :class:`WriteFailed` if that cannot be."""
        try:
            Path(path).write_text(self.text, encoding="utf-8")
        except (OSError, ValueError) as trouble:
            given = trouble.strerror if isinstance(trouble, OSError) else trouble
            raise WriteFailed("a file could not be written", where=str(path), given=given) from trouble


def settle(lost: Sequence[str], *, allow_loss: bool, where: str, instead: str) -> None:
    """Refuse a loss that is not allowed.

    Raises
    ------
    ExportLoss
        With everything that would be lost.
    """
    if lost and not allow_loss:
        raise ExportLoss(
            f"{where} cannot say all of this likelihood",
            where=where,
            given="; ".join(lost),
            allowed="an exact export",
            fix=f"accept it with allow_loss (--allow-loss), {instead}",
        )
