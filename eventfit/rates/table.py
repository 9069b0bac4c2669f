"""The table of rates: a row per component, per sum that has a name, and for the total; a column per way to compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["RateRow", "rate_rows"]

Events = Mapping[str, float]


@dataclass(frozen=True)
class RateRow:
    """Events by column of one component, or of the ``members`` that a sum or the total adds.

    ``flux`` in 1/(cm^2 s), None for what is no neutrino.
    """

    name: str
    kind: Literal["component", "sum", "background", "total"]
    members: tuple[str, ...]
    flux: float | None
    events: Events


def rate_rows(
    components: Mapping[str, tuple[float, Events]],
    sums: Mapping[str, tuple[str, ...]],
    backgrounds: Mapping[str, Events] | None = None,
) -> tuple[RateRow, ...]:
    """Rows in order: components, each sum after the last of its members, backgrounds, and the total of everything.

    Parameters
    ----------
    components
        Name -> flux and events by column.
    sums
        Name -> members; a sum that lacks one of them is left out.
    """
    single = {
        name: RateRow(name, "component", (name,), flux, dict(events)) for name, (flux, events) in components.items()
    }
    added = {
        name: _added(name, "sum", [single[m] for m in members])
        for name, members in sums.items()
        if set(members) <= set(single)
    }
    rows = []
    for name, row in single.items():
        rows.append(row)
        rows += [extra for extra in added.values() if name == [n for n in single if n in extra.members][-1]]
    others = [RateRow(name, "background", (name,), None, dict(e)) for name, e in (backgrounds or {}).items()]
    return (*rows, *others, _added("total", "total", [*single.values(), *others]))


def _added(name: str, kind: Literal["sum", "total"], rows: Sequence[RateRow]) -> RateRow:
    columns = dict.fromkeys(column for row in rows for column in row.events)
    events = {column: sum(row.events.get(column, 0.0) for row in rows) for column in columns}
    fluxes = [row.flux for row in rows if row.flux is not None]
    return RateRow(name, kind, tuple(row.name for row in rows), sum(fluxes) if fluxes else None, events)
