"""Parameters of a workspace: the defaults of their kind, overlaid with what the measurement says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eventfit.errors import DeclarationError
from eventfit.io.pyhf.modifiers import Use
from eventfit.io.pyhf.schema import ParameterDeclared, ShapeSysDeclared, StatErrorDeclared
from eventfit.parameters import Constraint, GaussianConstraint, Parameter, PoissonConstraint
from eventfit.quadrature import Array, Index

__all__ = ["Parameters", "declared_parameters"]

#: what a measurement may say about each kind; ``fixed`` always
SETTABLE = {
    "normfactor": ("inits", "bounds"),
    "lumi": ("inits", "bounds", "auxdata", "sigmas"),
    "normsys": ("inits", "bounds", "auxdata"),
    "histosys": ("inits", "bounds", "auxdata"),
    "shapefactor": ("inits", "bounds"),
    "shapesys": ("inits", "bounds", "auxdata", "factors"),
    "staterror": ("inits", "bounds", "auxdata", "sigmas"),
}
#: most samples that a meaning lists
LISTED = 3


@dataclass(frozen=True, eq=False)
class Parameters:
    """All parameters of a measurement, those per bin included, and what is said about them."""

    parameters: tuple[Parameter, ...]
    held: Mapping[str, float]
    per_bin: tuple[BinFactors, ...]
    poi: str
    where_poi: str
    notes: tuple[str, ...]


def declared_parameters(
    chosen: MeasurementDeclared,
    uses: Mapping[str, Sequence[Use]],
    channels: Mapping[str, slice],
    poi: str | None,
    poi_bounds: tuple[float, float] | None,
) -> Parameters:
    where = f"measurements[{chosen.name}].config"
    settings = {p.name: p for p in chosen.config.parameters}
    if len(settings) < len(chosen.config.parameters):
        names = [p.name for p in chosen.config.parameters]
        twice = next(name for name in names if names.count(name) > 1)
        raise DeclarationError("a parameter has two settings", where=f"{where}.parameters[{twice}]", given=twice)
    found: dict[str, _Declared] = {}
    for name, used in uses.items():
        with located(f"{where}.parameters[{name}]"):
            found[name] = _declare(name, used, settings.get(name), channels)
    parameters = [p for one in found.values() for p in one.parameters]
    held = {p.name: p.start for one in found.values() for p in one.parameters if p.name in one.held}
    where_poi = f"{where}.poi" if poi is None else "poi"
    poi = _poi(poi or chosen.config.poi, [p.name for p in parameters], held, where_poi)
    if poi_bounds is not None:
        with located("poi_bounds"):
            parameters = [_bounded(p, *poi_bounds) if p.name == poi else p for p in parameters]
    unused = [f"settings of {name}, which no modifier has, are not used" for name in settings if name not in uses]
    return Parameters(
        parameters=tuple(parameters),
        held=held,
        per_bin=tuple(BinFactors(name, one.entry) for name, one in found.items() if one.entry is not None),
        poi=poi,
        where_poi=where_poi,
        notes=tuple([note for one in found.values() for note in one.notes] + unused),
    )


def _poi(poi: str, names: Sequence[str], held: Mapping[str, float], where: str) -> str:
    free = [name for name in names if name not in held]
    scalar = [name for name in free if not name.endswith("]")]
    if not poi:
        raise DeclarationError(
            "the measurement has no parameter of interest", where=where, allowed=", ".join(scalar), fix="choose one"
        )
    if poi in held:
        raise DeclarationError(
            "the parameter of interest is fixed", where=where, given=f"{poi} = {held[poi]:g}", fix="free it"
        )
    if poi not in free:
        raise UnknownName(
            "no modifier has the parameter of interest",
            where=where,
            given=poi,
            allowed=", ".join(scalar) or "none: every parameter is fixed or per bin",
            fix=did_you_mean(poi, free),
        )
    return poi


def _bounded(parameter: Parameter, lower: float, upper: float) -> Parameter:
    start = min(max(parameter.start, lower), upper)
    return replace(parameter, lower=lower, upper=upper, start=start)


@dataclass(frozen=True, eq=False)
class _Declared:
    """The parameters behind one name.

    Attributes
    ----------
    held
        Names of those that are fixed, at their start.
    entry
        (n_bin,): which of them acts in a bin, -1 none; None for a parameter of all bins.
    """

    parameters: tuple[Parameter, ...]
    held: frozenset[str]
    entry: Index | None
    notes: tuple[str, ...]


@dataclass(eq=False)
class _Defaults:
    """What pyhf assumes for ``n`` parameters of one kind; ``settled`` is that with the measurement's settings."""

    n: int
    settled: dict[str, Any]
    without: Sequence[bool] = ()
    entry: Index | None = None
    gamma: bool = False
    notes: list[str] = field(default_factory=list)


def _declare(
    name: str, uses: Sequence[Use], settings: ParameterDeclared | None, channels: Mapping[str, slice]
) -> _Declared:
    """The parameters of ``name``, which ``uses`` have.

    Raises
    ------
    DeclarationError
        A setting that this kind of parameter does not have, of the wrong length, or missing.
    OutOfRange
        A start outside its bounds, a constraint without width.
    """
    kind = uses[0].modifier.type
    defaults = _DEFAULTS[kind](uses, channels)
    _overlay(defaults, kind, settings)
    names = [name] if defaults.entry is None else [f"{name}[{i}]" for i in range(defaults.n)]
    meaning = _meaning(uses)
    parameters = []
    for i, own in enumerate(names):
        start, (lower, upper) = defaults.settled["inits"][i], defaults.settled["bounds"][i]
        unit = "sigma" if kind in ("normsys", "histosys") else ""
        parameters.append(Parameter(own, unit, start, lower, upper, _constraint(defaults.settled, i), meaning))
    fixed = settings is not None and settings.fixed is True
    without = defaults.without or [False] * defaults.n
    held = frozenset(own for own, bare in zip(names, without, strict=True) if fixed or bare)
    return _Declared(tuple(parameters), held, defaults.entry, tuple(defaults.notes))


def _overlay(defaults: _Defaults, kind: str, settings: ParameterDeclared | None) -> None:
    """Put the measurement's settings over the defaults, checked."""
    for key in ("inits", "bounds", "auxdata", "sigmas", "factors"):
        given = getattr(settings, key) if settings is not None else None
        if given is None:
            if key in defaults.settled and defaults.settled[key] is None:
                raise DeclarationError(
                    f"{kind} needs a setting that the measurement does not have", where=key, fix=f"add {key}"
                )
            continue
        if key not in SETTABLE[kind]:
            raise DeclarationError(
                f"a {kind} parameter has no such setting", where=key, given=given, allowed=", ".join(SETTABLE[kind])
            )
        if len(given) != defaults.n:
            raise DeclarationError(
                "a list has the wrong length", where=key, given=len(given), allowed=f"{defaults.n} here"
            )
        if key == "bounds" and defaults.gamma:
            defaults.notes.append(f"bounds of {settings.name if settings else ''}, a factor per bin, are not used")
        else:
            defaults.settled[key] = given


def _constraint(settled: Mapping[str, Any], i: int) -> Constraint | None:
    if "factors" in settled:
        return PoissonConstraint(settled["auxdata"][i], settled["factors"][i])
    if "sigmas" in settled:
        return GaussianConstraint(settled["auxdata"][i], settled["sigmas"][i])
    return None


def _meaning(uses: Sequence[Use]) -> str:
    kinds = dict.fromkeys(use.modifier.type for use in uses)
    samples = list(dict.fromkeys(use.sample.name for use in uses))
    more = f" and {len(samples) - LISTED} more" if len(samples) > LISTED else ""
    return f"{' and '.join(kinds)} on {', '.join(samples[:LISTED])}{more}"


# -- defaults of pyhf 0.7 ---------------------------------------------------------------------------------------------


def _normfactor(uses: Sequence[Use], channels: Mapping[str, slice]) -> _Defaults:
    return _Defaults(1, {"inits": [1.0], "bounds": [(0.0, 10.0)]})


def _lumi(uses: Sequence[Use], channels: Mapping[str, slice]) -> _Defaults:
    return _Defaults(1, dict.fromkeys(SETTABLE["lumi"]))


def _alpha(uses: Sequence[Use], channels: Mapping[str, slice]) -> _Defaults:
    return _Defaults(1, {"inits": [0.0], "bounds": [(-5.0, 5.0)], "auxdata": [0.0], "sigmas": [1.0]})


def _shapefactor(uses: Sequence[Use], channels: Mapping[str, slice]) -> _Defaults:
    """Bin by bin the same factor in every channel; the longest channel says how many there are."""
    entry = _nowhere(channels)
    for use in uses:
        bins = channels[use.channel]
        entry[bins] = np.arange(bins.stop - bins.start)
    n = int(entry.max()) + 1
    return _Defaults(n, {"inits": [1.0] * n, "bounds": [(0.0, 10.0)] * n}, entry=entry)


def _shapesys(uses: Sequence[Use], channels: Mapping[str, slice]) -> _Defaults:
    """``tau = (N / sigma)**2``; a bin without yield or uncertainty has no factor."""
    use = uses[0]
    assert isinstance(use.modifier, ShapeSysDeclared)
    counts, sigma = np.array(use.sample.data, dtype=float), np.array(use.modifier.data, dtype=float)
    valid = (counts > 0) & (sigma > 0)
    with np.errstate(over="ignore", under="ignore"):  # the constraint refuses what is left then
        tau = np.where(valid, counts / np.where(valid, sigma, 1.0), 1.0) ** 2
    entry = _nowhere(channels)
    entry[channels[use.channel]] = np.arange(len(counts))
    return _gammas(entry, ~valid, auxdata=tau.tolist(), factors=tau.tolist())


def _staterror(uses: Sequence[Use], channels: Mapping[str, slice]) -> _Defaults:
    """Width ``sqrt(sum sigma**2) / sum N`` over the samples that carry it in a channel."""
    entry = _nowhere(channels)
    widths: list[Array] = []
    n = 0
    for channel in dict.fromkeys(use.channel for use in uses):
        here = [use for use in uses if use.channel == channel]
        counts = np.sum([use.sample.data for use in here], axis=0)
        sigma = np.sqrt(
            np.sum(
                [np.square(use.modifier.data) for use in here if isinstance(use.modifier, StatErrorDeclared)], axis=0
            )
        )
        entry[channels[channel]] = n + np.arange(len(counts))
        n += len(counts)
        widths.append(np.where(counts > 0, sigma / np.where(counts > 0, counts, 1.0), 0.0))
    width = np.concatenate(widths)
    ones = [1.0] * n
    return _gammas(entry, width == 0, auxdata=ones, sigmas=np.where(width > 0, width, 1.0).tolist())


_DEFAULTS = {
    "normfactor": _normfactor,
    "lumi": _lumi,
    "normsys": _alpha,
    "histosys": _alpha,
    "shapefactor": _shapefactor,
    "shapesys": _shapesys,
    "staterror": _staterror,
}


def _gammas(entry: Index, without: Array | np.ndarray, **constraint: list[float]) -> _Defaults:
    n = len(without)
    settled = {"inits": [1.0] * n, "bounds": [(0.0, math.inf)] * n, **constraint}
    return _Defaults(n, settled, without=without.tolist(), entry=entry, gamma=True)


def _nowhere(channels: Mapping[str, slice]) -> Index:
    return np.full(sum(bins.stop - bins.start for bins in channels.values()), -1)
