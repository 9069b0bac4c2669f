"""What the parts of a workspace have to mean together: names, lengths, and who carries which modifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventfit.errors import DeclarationError, did_you_mean
from eventfit.io.pyhf.schema import (
    MODIFIERS,
    HistoSysDeclared,
    ModifierDeclared,
    SampleDeclared,
    ShapeSysDeclared,
    StatErrorDeclared,
    WorkspaceDeclared,
)
from eventfit.quadrature import Array
from eventfit.strict import validated

__all__ = ["Use", "layout", "observed_counts", "uses_of"]

#: modifiers that may share one parameter
ALPHA = {"normsys", "histosys"}


@dataclass(frozen=True)
class Use:
    """A modifier, the sample and the channel that carry it, and where that stands."""

    channel: str
    sample: SampleDeclared
    modifier: ModifierDeclared
    where: str


def layout(declared: WorkspaceDeclared) -> dict[str, slice]:
    """Channel -> its bins, one after the other as in the file."""
    _differ([channel.name for channel in declared.channels], "channels")
    found, start = {}, 0
    for channel in declared.channels:
        where = f"channels[{channel.name}].samples"
        _differ([sample.name for sample in channel.samples], where)
        n = len(channel.samples[0].data)
        for sample in channel.samples:
            _length(sample.data, n, f"{where}[{sample.name}].data", f"{channel.samples[0].name} has")
        found[channel.name] = slice(start, start + n)
        start += n
    return found


def observed_counts(declared: WorkspaceDeclared, channels: Mapping[str, slice]) -> Array:
    """Observed counts (n_bin,): every channel has them once."""
    given = [observation.name for observation in declared.observations]
    _differ(given, "observations")
    for name in given:
        if name not in channels:
            raise DeclarationError(
                "observations of a channel that does not exist",
                where=f"observations[{name}]",
                given=name,
                allowed=", ".join(channels),
                fix=did_you_mean(name, list(channels)),
            )
    counts = []
    for channel, bins in channels.items():
        if channel not in given:
            raise DeclarationError(
                "a channel has no observations", where="observations", given=", ".join(given), fix=f"add {channel!r}"
            )
        data = declared.observations[given.index(channel)].data
        _length(data, bins.stop - bins.start, f"observations[{channel}].data", "the channel has")
        counts.append(np.array(data, dtype=float))
    return np.concatenate(counts)


def uses_of(declared: WorkspaceDeclared) -> dict[str, list[Use]]:
    """Parameter -> the modifiers that have it, in the order of the file."""
    found: dict[str, list[Use]] = {}
    for channel in declared.channels:
        for sample in channel.samples:
            where = f"channels[{channel.name}].samples[{sample.name}].modifiers"
            seen: set[tuple[str, str]] = set()
            for number, raw in enumerate(sample.modifiers, 1):
                modifier = _modifier(raw, where, number)
                use = Use(channel.name, sample, modifier, f"{where}[{modifier.name}]")
                if (modifier.type, modifier.name) in seen:
                    raise DeclarationError("a sample carries a modifier twice", where=use.where, given=modifier.type)
                seen.add((modifier.type, modifier.name))
                _lengths(use)
                _share(found.setdefault(modifier.name, []), use)
    return found


def _modifier(raw: object, where: str, number: int) -> ModifierDeclared:
    """One modifier, by its type."""
    name = raw.get("name") if isinstance(raw, dict) else None
    place = f"{where}[{name if isinstance(name, str) and name else number}]"
    kind = raw.get("type") if isinstance(raw, dict) else None
    if not isinstance(raw, dict):
        raise DeclarationError(
            "a modifier is not a table", where=place, given=repr(raw)[:100], allowed="a table with name, type, data"
        )
    if not isinstance(kind, str) or kind not in MODIFIERS:
        missing = "type" not in raw
        raise DeclarationError(
            "missing key" if missing else "there is no such modifier",
            where=f"{place}.type",
            given=None if missing else repr(kind)[:100],
            allowed=", ".join(MODIFIERS),
            fix="add it" if missing else did_you_mean(str(kind), list(MODIFIERS)),
        )
    return validated(MODIFIERS[kind], raw, where=f"{place}.", error=DeclarationError)


def _lengths(use: Use) -> None:
    n, has = len(use.sample.data), "the sample has"
    if isinstance(use.modifier, HistoSysDeclared):
        _length(use.modifier.data.lo_data, n, f"{use.where}.data.lo_data", has)
        _length(use.modifier.data.hi_data, n, f"{use.where}.data.hi_data", has)
    elif isinstance(use.modifier, ShapeSysDeclared | StatErrorDeclared):
        _length(use.modifier.data, n, f"{use.where}.data", has)


def _share(others: list[Use], use: Use) -> None:
    """Add ``use`` to the others of its parameter, if they may share it."""
    kinds = {use.modifier.type, *(other.modifier.type for other in others)}
    if len(kinds) > 1 and not kinds <= ALPHA:
        raise DeclarationError(
            "one name means two kinds of parameter",
            where=use.where,
            given=f"{use.modifier.type} here, {others[0].modifier.type} at {others[0].where}",
            allowed="normsys and histosys may share a name; all others only with their own kind",
            fix="rename one of the two",
        )
    if others and isinstance(use.modifier, ShapeSysDeclared):
        raise DeclarationError(
            "a shapesys belongs to one sample in one channel",
            where=use.where,
            given=f"the same name at {others[0].where}",
            fix="rename one of the two",
        )
    others.append(use)


def _differ(names: Sequence[str], where: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise DeclarationError(
                "a name stands twice", where=f"{where}[{name}]", given=name, fix="rename one of the two"
            )


def _length(data: Sequence[float], n: int, where: str, has: str) -> None:
    if len(data) != n:
        raise DeclarationError("a list has the wrong length", where=where, given=len(data), allowed=f"{has} {n} bins")
