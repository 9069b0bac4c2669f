"""The analyses that come with this installation."""

from __future__ import annotations

from pathlib import Path

from eventfit.errors import UnknownName, did_you_mean
from eventfit.tables import shipped

__all__ = ["shipped_analyses", "shipped_path"]


def shipped_analyses() -> tuple[str, ...]:
    """Ids of the analyses that come with eventfit."""
    return tuple(sorted(path.parent.name for path in shipped("analyses").glob("*/analysis.toml")))


def shipped_path(name: str) -> Path:
    """The declaration of a shipped analysis; :class:`UnknownName` lists them."""
    known = shipped_analyses()
    if name not in known:
        raise UnknownName(
            "there is no such analysis",
            given=name,
            allowed=", ".join(known) + ", or the path of a .toml file",
            fix=did_you_mean(name, known) or "see 'eventfit list'",
        )
    return shipped("analyses") / name / "analysis.toml"
