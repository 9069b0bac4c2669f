"""Parameters of a workspace: the defaults of their kind, overlaid with what the measurement says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eventfit.errors import DeclarationError, UnknownName, did_you_mean, located
from eventfit.io.histfactory import BinFactors
from eventfit.io.pyhf.modifiers import Use
from eventfit.io.pyhf.schema import MeasurementDeclared, ParameterDeclared, ShapeSysDeclared, StatErrorDeclared
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
    """All parameters of a measurement, those per bin included.

    Attributes
    ----------
    held
        Fixed ones with their values.
    per_bin
        Names that stand for one parameter per bin, and where each acts.
    notes
        Settings without effect.
    """

    parameters: tuple[Parameter, ...]
    held: Mapping[str, float]
    per_bin: tuple[BinFactors, ...]
    notes: tuple[str, ...]

    def interest(self, poi: str, where: str) -> str:
        """``poi``, if it is one of the parameters and free; ``where`` it is named."""
        free = [p.name for p in self.parameters if p.name not in self.held]
        per_bin = {factors.name for factors in self.per_bin}
        allowed = ", ".join(name for name in free if name.partition("[")[0] not in per_bin)
        allowed = allowed or "none: every parameter is fixed or one per bin"
        if not poi:
            raise DeclarationError("the measurement has no parameter of interest", where=where, allowed=allowed)
        if poi in self.held:
            raise DeclarationError(
                "the parameter of interest is fixed", where=where, given=f"{poi} = {self.held[poi]:g}", allowed=allowed
            )
        if poi not in free:
            raise UnknownName(
                "no modifier has the parameter of interest",
                where=where,
                given=poi,
                allowed=allowed,
                fix=did_you_mean(poi, free),
            )
        return poi

    def bounded(self, name: str, bounds: tuple[float, float]) -> Parameters:
        """The same with other bounds of one parameter, its start moved inside."""
        lower, upper = bounds
        with located("poi_bounds"):
            changed = [
                replace(p, lower=lower, upper=upper, start=min(max(p.start, lower), upper)) if p.name == name else p
                for p in self.parameters
            ]
        return replace(self, parameters=tuple(changed))


def declared_parameters(
    measurement: MeasurementDeclared, uses: Mapping[str, Sequence[Use]], channels: Mapping[str, slice]
) -> Parameters:
    """The parameters that modifiers have, with the settings of the measurement.

    Raises
    ------
    DeclarationError
        A setting stands twice, does not exist for this kind of parameter, has the wrong length, or is missing.
    OutOfRange
        A start outside its bounds, a constraint without width.
    """
    where = f"measurements[{measurement.name}].config.parameters"
    settings: dict[str, ParameterDeclared] = {}
    for one in measurement.config.parameters:
        if one.name in settings:
            raise DeclarationError("a parameter has two settings", where=f"{where}[{one.name}]", given=one.name)
        settings[one.name] = one
    parameters: list[Parameter] = []
    held: dict[str, float] = {}
    per_bin, notes = [], []
    for name, used in uses.items():
        kind, given = used[0].modifier.type, settings.pop(name, ParameterDeclared(name=name))
        defaults = _defaults(kind, used, channels)
        with located(f"{where}[{name}]"):
            settled = _overlay(defaults, kind, given)
            mine = _made(name, settled, _meaning(used), "sigma" if kind in ("normsys", "histosys") else "")
        if clash := {p.name for p in mine} & {p.name for p in parameters}:
            raise DeclarationError(
                "two parameters have one name", where=used[0].where, given=min(clash), fix="rename one of the two"
            )
        parameters += mine
        held |= {p.name: p.start for i, p in enumerate(mine) if given.fixed or i in settled.bare}
        if settled.entry is not None:
            per_bin.append(BinFactors(name, settled.entry))
        if settled.unbounded and given.bounds:
            notes.append(f"bounds of {name}, one factor per bin, are not used: they are at least 0")
    notes += [f"settings of {name}, which no modifier has, are not used" for name in settings]
    return Parameters(tuple(parameters), held, tuple(per_bin), tuple(notes))


@dataclass(frozen=True, eq=False)
class _Settings:
    """The ``n`` parameters behind one name.

    Attributes
    ----------
    auxdata, sigmas, factors
        Auxiliary measurements; widths if they are gaussian, tau if they are Poisson counts; empty without constraint.
    entry
        (n_bin,): which of them acts in a bin, -1 none; None for one of all bins.
    bare
        Those of bins without yield or uncertainty.
    unbounded
        Whether only zero bounds them, whatever the measurement says.
    """

    inits: Sequence[float]
    bounds: Sequence[Sequence[float]]
    auxdata: Sequence[float] = ()
    sigmas: Sequence[float] = ()
    factors: Sequence[float] = ()
    entry: Index | None = None
    bare: frozenset[int] = frozenset()
    unbounded: bool = False


def _overlay(defaults: _Settings, kind: str, given: ParameterDeclared) -> _Settings:
    """The defaults with what is given put over them."""
    changed = {}
    for key in ("inits", "bounds", "auxdata", "sigmas", "factors"):
        value = getattr(given, key)
        if value is None and kind == "lumi" and key in SETTABLE[kind]:
            raise DeclarationError("missing key", where=key, fix="add it: lumi has no default")
        if value is None:
            continue
        if key not in SETTABLE[kind]:
            raise DeclarationError(
                f"a {kind} parameter has no such setting", where=key, given=value, allowed=", ".join(SETTABLE[kind])
            )
        if len(value) != len(defaults.inits):
            n = len(defaults.inits)
            raise DeclarationError(
                "a list has the wrong length", where=key, given=len(value), allowed=f"{n} parameter{'s' * (n > 1)}"
            )
        if not (key == "bounds" and defaults.unbounded):
            changed[key] = value
    return replace(defaults, **changed)


def _made(name: str, settled: _Settings, meaning: str, unit: str) -> list[Parameter]:
    made = []
    for i, (start, (lower, upper)) in enumerate(zip(settled.inits, settled.bounds, strict=True)):
        own = name if settled.entry is None else f"{name}[{i}]"
        constraint: Constraint | None = None
        if settled.factors:
            constraint = PoissonConstraint(settled.auxdata[i], settled.factors[i])
        elif settled.sigmas:
            constraint = GaussianConstraint(settled.auxdata[i], settled.sigmas[i])
        made.append(Parameter(own, unit, start, lower, upper, constraint, meaning))
    return made


def _meaning(uses: Sequence[Use]) -> str:
    """``normsys and histosys on bkg, signal``."""
    kinds = dict.fromkeys(use.modifier.type for use in uses)
    samples = list(dict.fromkeys(use.sample.name for use in uses))
    more = f" and {len(samples) - LISTED} more" if len(samples) > LISTED else ""
    return f"{' and '.join(kinds)} on {', '.join(samples[:LISTED])}{more}"


# -- defaults, those of pyhf 0.7 --------------------------------------------------------------------------------------


def _defaults(kind: str, uses: Sequence[Use], channels: Mapping[str, slice]) -> _Settings:
    if kind == "normfactor":
        return _Settings(inits=[1.0], bounds=[(0.0, 10.0)])
    if kind == "lumi":  # all of it stands in the measurement
        return _Settings(inits=[1.0], bounds=[(0.0, math.inf)])
    if kind in ("normsys", "histosys"):
        return _Settings(inits=[0.0], bounds=[(-5.0, 5.0)], auxdata=[0.0], sigmas=[1.0])
    if kind == "shapefactor":
        return _shapefactor(uses, channels)
    return _shapesys(uses[0], channels) if kind == "shapesys" else _staterror(uses, channels)


def _shapefactor(uses: Sequence[Use], channels: Mapping[str, slice]) -> _Settings:
    """One free factor for the first bins of all channels, one for the second ...; the longest channel has the last."""
    entry = _nowhere(channels)
    for bins in (channels[use.channel] for use in uses):
        entry[bins] = np.arange(bins.stop - bins.start)
    n = int(entry.max()) + 1
    return _Settings(inits=[1.0] * n, bounds=[(0.0, 10.0)] * n, entry=entry)


def _shapesys(use: Use, channels: Mapping[str, slice]) -> _Settings:
    """``tau = (N / sigma)**2``."""
    assert isinstance(use.modifier, ShapeSysDeclared)
    counts, sigma = np.array(use.sample.data, dtype=float), np.array(use.modifier.data, dtype=float)
    valid = (counts > 0) & (sigma > 0)
    with np.errstate(over="ignore", under="ignore"):  # the constraint refuses what is left then
        tau = np.where(valid, counts / np.where(valid, sigma, 1.0), 1.0) ** 2
    entry = _nowhere(channels)
    entry[channels[use.channel]] = np.arange(len(counts))
    return replace(_gammas(entry, ~valid), auxdata=tau.tolist(), factors=tau.tolist())


def _staterror(uses: Sequence[Use], channels: Mapping[str, slice]) -> _Settings:
    """Width ``sqrt(sum sigma**2) / sum N`` over the samples that carry it in a channel; numbered channel by channel.

    Channels go by name here, as in pyhf, since the settings of a measurement are lists in that order.
    """
    entry = _nowhere(channels)
    widths: list[Array] = []
    for channel in sorted({use.channel for use in uses}):
        here = [use for use in uses if use.channel == channel]
        counts = np.sum([use.sample.data for use in here], axis=0)
        errors = [use.modifier.data for use in here if isinstance(use.modifier, StatErrorDeclared)]
        sigma = np.hypot.reduce(np.array(errors, dtype=float), axis=0)
        entry[channels[channel]] = sum(map(len, widths)) + np.arange(len(counts))
        widths.append(np.where(counts > 0, sigma / np.where(counts > 0, counts, 1.0), 0.0))
    width = np.concatenate(widths)
    held = _gammas(entry, width == 0)
    return replace(held, auxdata=[1.0] * len(width), sigmas=np.where(width > 0, width, 1.0).tolist())


def _gammas(entry: Index, bare: np.ndarray) -> _Settings:
    n = len(bare)
    which = frozenset(int(i) for i in np.flatnonzero(bare))
    return _Settings([1.0] * n, [(0.0, math.inf)] * n, entry=entry, bare=which, unbounded=True)


def _nowhere(channels: Mapping[str, slice]) -> Index:
    return np.full(sum(bins.stop - bins.start for bins in channels.values()), -1)
