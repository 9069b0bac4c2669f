"""One likelihood of independent data sets: their bins side by side, parameters of one name once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from eventfit.errors import DeclarationError, OutOfRange
from eventfit.likelihood.bin_scale import BinScale
from eventfit.likelihood.binned import Likelihood
from eventfit.likelihood.component import Component, Data
from eventfit.likelihood.unbinned import UnbinnedLikelihood
from eventfit.parameters import Parameter
from eventfit.quadrature import Array

__all__ = ["joint"]

#: what equal names have to have in common; start and meaning change no result
DEFINES = ("unit", "constraint", "lower", "upper")


def joint(parts: Mapping[str, Likelihood], input_hashes: Mapping[str, str] | None = None) -> Likelihood:
    """The product of the likelihoods ``parts`` (label -> likelihood of one data set).

    -2 ln L is the sum of the parts', with the auxiliary measurement of a parameter that several of them have counted
    once. Components are called ``label.name``; parameters keep their names. It is one of single events if any part is:
    then it has no saturated model and throws no toys.

    Raises
    ------
    DeclarationError
        A parameter of one name differs in unit, constraint, bounds or in its auxiliary measurement.
    OutOfRange
        A part with more than one data set.
    """
    parameters, stated = _merged(parts)
    width = [part.n_bin for part in parts.values()]
    starts = np.concatenate([[0], np.cumsum(width)])
    components: list[Component] = []
    scales: list[BinScale] = []
    for (label, part), start in zip(parts.items(), starts, strict=False):
        behind = int(starts[-1]) - int(start) - part.n_bin

        def padded(values: Array, around: tuple[int, int] = (int(start), behind)) -> Array:
            return np.pad(values, around)

        components += [c.labelled(label, padded(c.counts)) for c in part.components]
        scales += [
            replace(
                s,
                name=s.name if s.name.startswith(f"{label}.") else f"{label}.{s.name}",
                components=tuple(f"{label}.{name}" for name in s.components),
                strength=padded(s.strength),
                observed=padded(s.observed),
            )
            for s in part.scales
        ]
    measured = any(part.errors.any() for part in parts.values())
    errors = [part.errors if part.errors.size else np.zeros(part.n_bin) for part in parts.values()]
    per_bin = [part.data.auxiliary[_constrained(part) :] for part in parts.values()]
    kind = UnbinnedLikelihood if any(part.unbinned for part in parts.values()) else Likelihood
    return kind(
        tuple(parameters),
        tuple(components),
        Data(np.concatenate([part.data.counts for part in parts.values()]), np.concatenate([stated, *per_bin])),
        tuple(scales),
        dict(input_hashes or {}),
        np.concatenate(errors) if measured else np.zeros(0),
    )


def _merged(parts: Mapping[str, Likelihood]) -> tuple[list[Parameter], Sequence[float]]:
    """Every parameter once, and the auxiliary measurements of those that have one."""
    found: dict[str, tuple[str, Parameter, float | None]] = {}
    for label, part in parts.items():
        if part.data.counts.ndim != 1 or part.data.auxiliary.ndim != 1:
            raise OutOfRange("only single data sets are joined", where=label, given=part.data.counts.shape)
        auxiliary = iter(part.data.auxiliary)
        for parameter in part.parameters:
            measured = None if parameter.constraint is None else float(next(auxiliary))
            first, known, before = found.setdefault(parameter.name, (label, parameter, measured))
            _refuse_different(first, known, label, parameter)
            if measured != before:
                raise DeclarationError(
                    "one auxiliary measurement has two outcomes",
                    where=f"{first} and {label}: {parameter.name}",
                    given=f"{before:g} and {measured:g}",
                )
    return [p for _, p, _ in found.values()], [a for _, _, a in found.values() if a is not None]


def _refuse_different(first: str, known: Parameter, label: str, parameter: Parameter) -> None:
    for what in DEFINES:
        one, other = getattr(known, what), getattr(parameter, what)
        if one != other:
            raise DeclarationError(
                f"two experiments share a parameter, but not its {what}",
                where=f"{first} and {label}: {parameter.name}",
                given=f"{one!r} and {other!r}",
                allowed="the same unit, constraint and bounds wherever a name is global",
                fix="declare both alike, or give one of them another name",
            )


def _constrained(part: Likelihood) -> int:
    return sum(p.constraint is not None for p in part.parameters)
