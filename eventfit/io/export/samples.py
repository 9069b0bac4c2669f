"""A likelihood as HistFactory's samples: (nominal + morphs) times factors, exactly where that is possible.

A gaussian-constrained parameter becomes ``alpha = (theta - centre) / width``. What it does to a component beside
exponential factors is a function g(alpha); a morph says it through its values at -1, 0 and +1. That a morph or a
``normsys`` is the same function is measured, on a grid of alpha, and not assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from eventfit.errors import ExportLoss
from eventfit.io.export.report import Translation
from eventfit.io.export.usage import Use, product
from eventfit.likelihood import Factor, Likelihood, MorphEven, NormSys
from eventfit.likelihood.factor import evaluator
from eventfit.parameters import Parameter, PoissonConstraint
from eventfit.quadrature import Array

__all__ = [
    "HISTOSYS",
    "LUMI",
    "NORMSYS",
    "SAME",
    "Interpolated",
    "Morph",
    "Role",
    "Sample",
    "Sides",
    "assemble",
    "best_code",
]
__all__ += ["roles_of"]

#: alpha at which interpolations are compared, and the share of a component that is no difference: it moves -2 ln L by
#: less than fits are tight. (With lo = 1 / hi code 4 follows code 1 to 3e-12 for 10 %, to 4e-9 for 30 %.)
GRID = np.linspace(-3.0, 3.0, 241)
SAME = 1e-10
NODES = np.array([-1.0, 0.0, 1.0])
#: the one constrained factor that pyhf has
LUMI = "lumi"
#: pyhf's interpolation codes, its default first
NORMSYS = ("code4", "code1")
HISTOSYS = ("code4p", "code0")
CODES: dict[str, Literal[0, 1, 4]] = {"code0": 0, "code1": 1, "code4": 4}


@dataclass(frozen=True)
class Role:
    """What a parameter is in the other program.

    Attributes
    ----------
    alpha
        Whether it is the parameter of morphs and ``normsys``, with unit width; else it is a factor itself.
    """

    parameter: Parameter
    translation: Translation
    alpha: bool

    @property
    def name(self) -> str:
        return self.translation.exported

    def theta(self, alpha: Array) -> Array:
        """Ours for theirs."""
        return np.asarray((alpha - self.translation.intercept) / self.translation.slope)


@dataclass(frozen=True, eq=False)
class Interpolated:
    """A function of ``parameter`` on :data:`GRID` that the other program interpolates between -1, 0 and 1."""

    parameter: str
    component: str
    kind: str
    truth: Array
    low: float
    nominal: float
    high: float

    @classmethod
    def of(cls, parameter: str, component: str, kind: str, function: Callable[[Array], Array]) -> Interpolated:
        """That of ``function``."""
        low, nominal, high = (float(x) for x in function(NODES))
        return cls(parameter, component, kind, function(GRID), low, nominal, high)

    def difference(self, code: str) -> float:
        """Largest distance of the interpolation with this code, relative to the nominal, or to the morph of nothing."""
        scale = abs(self.nominal) or max(abs(self.low), abs(self.high)) or 1.0
        if self.kind == "normsys":
            found = self.nominal * _at(NormSys("", self.low / self.nominal, self.high / self.nominal, CODES[code]))
        else:
            odd, even = 0.5 * (self.high - self.low), 0.5 * (self.high + self.low) - self.nominal
            found = self.nominal + odd * GRID + even * _at(MorphEven("", "4p" if code == "code4p" else "0"))
        difference = float(np.abs(found - self.truth).max()) / scale
        return difference if difference > SAME else 0.0

    def loss(self, code: str) -> str:
        """What is lost with this code, in words; empty if nothing is."""
        if not (difference := self.difference(code)):
            return ""
        return (
            f"{self.parameter} on {self.component} becomes a {self.kind} ({code}) "
            f"that differs by up to {difference:.1g} of the component within 3 sigma"
        )


@dataclass(frozen=True)
class Sides:
    """A multiplicative ``normsys``: factors at -1 and +1."""

    name: str
    low: float
    high: float


@dataclass(eq=False)
class Morph:
    """A ``histosys``: what is added at -1 and at +1, (n_bin,), and the functions that it stands for."""

    low: Array
    high: Array
    functions: list[Interpolated] = field(default_factory=list)


@dataclass(eq=False)
class Sample:
    """One sample: nominal counts (n_bin,), morphs by parameter, factors, and the factors per bin that act on it."""

    name: str
    counts: Array
    factors: tuple[str, ...]
    sides: tuple[Sides, ...]
    scales: frozenset[str]
    morphs: dict[str, Morph] = field(default_factory=dict)

    @property
    def key(self) -> tuple[object, ...]:
        """Samples with the same may be added."""
        return self.factors, self.sides, self.scales

    @property
    def size(self) -> Array:
        """(n_bin,): zero where neither nominal nor any morph has content."""
        return np.abs(self.counts) + sum(np.abs(m.low) + np.abs(m.high) for m in self.morphs.values())


#: a factor of its own that says what an alpha does to a component, None if the format has none
Beyond = Callable[[Role, Use], str | None]


def roles_of(
    likelihood: Likelihood,
    uses: Mapping[str, Mapping[str, Use]],
    *,
    names: Mapping[str, str],
    factors: Sequence[str],
    square_free: bool,
) -> dict[str, Role]:
    """The role of every parameter.

    Parameters
    ----------
    names
        Its name there.
    factors
        Gaussian-constrained parameters that may be factors themselves (``lumi`` in pyhf).
    square_free
        Whether a free parameter that only enters as theta**k is exported as that power.
    """
    found = {}
    for p in likelihood.parameters:
        own = tuple(uses[p.name].values())
        if isinstance(p.constraint, PoissonConstraint):
            found[p.name] = Role(p, Translation(p.name, names[p.name]), alpha=False)
        elif p.constraint is None or p.name in factors:
            found[p.name] = Role(p, _as_factor(p, names[p.name], own, square_free), alpha=False)
        else:
            scaling = p.start != 0.0 and all(use.affine == (0.0, 1.0) and not use.sides for use in own)
            centre = p.constraint.observed if scaling else 0.0
            width, name = p.constraint.width, names[p.name]
            translation = Translation(p.name, name)
            if (centre, width) != (0.0, 1.0):
                translation = Translation(p.name, f"{name}_alpha", slope=1.0 / width, intercept=-centre / width)
            found[p.name] = Role(p, translation, alpha=True)
    return found


def _as_factor(parameter: Parameter, name: str, uses: Sequence[Use], square_free: bool) -> Translation:
    """The parameter, a power of it, or ``1 + relative theta``: whatever all its uses have in common."""
    powers, lines = {use.power for use in uses}, {use.affine if not use.sides else None for use in uses}
    if len(powers) == 1 and (power := powers.pop()) is not None and (power == 1 or square_free):
        return Translation(parameter.name, name if power == 1 else f"{name}_power_{power}", power=power)
    if len(lines) == 1 and (line := lines.pop()) is not None and line[0] and line[1]:
        new = name if name == LUMI else f"{name}_factor"
        return Translation(parameter.name, new, slope=line[1], intercept=line[0])
    return Translation(parameter.name, name)


def assemble(
    likelihood: Likelihood, uses: Mapping[str, Mapping[str, Use]], roles: Mapping[str, Role], beyond: Beyond
) -> tuple[list[Sample], list[Interpolated]]:
    """All components as samples, and the ``normsys`` among their factors that interpolate a function.

    Raises
    ------
    ExportLoss
        A component that these samples cannot say at all.
    """
    samples: list[Sample] = []
    sides: list[Interpolated] = []
    for component in likelihood.components:
        factors: list[str] = []
        exponential: dict[str, tuple[Factor, ...]] = {}
        additive: list[tuple[Role, Use]] = []
        for name, role in roles.items():
            use = uses[name].get(component.name)
            if use is not None and not role.alpha:
                factors.append(_factor(role, use, component.name, beyond))
            elif use is not None:
                exponential |= {name: use.sides} if use.sides else {}
                additive += [(role, use)] if use.others else []
        kept = _one_additive(additive, component.name, factors, exponential, beyond)
        normsys = [_interpolated(roles[n], component.name, "normsys", f) for n, f in exponential.items()]
        sides += normsys
        counts = component.counts * np.prod([n.nominal for n in normsys])
        made = tuple(Sides(n.parameter, n.low / n.nominal, n.high / n.nominal) for n in normsys)
        scales = frozenset(s.name for s in likelihood.scales if component.name in s.components and s.strength.any())
        sample = Sample(component.name, counts, tuple(sorted(factors)), tuple(sorted(made, key=repr)), scales)
        if kept is not None:
            change = Morph((kept.low - kept.nominal) * counts, (kept.high - kept.nominal) * counts, [kept])
            sample.counts, sample.morphs = kept.nominal * counts, {kept.parameter: change}
        samples.append(sample)
    return _merged(samples), sides


def best_code(functions: Sequence[Interpolated], codes: Sequence[str]) -> str:
    """The interpolation code with the fewest losses, then the smallest, then the default."""

    def cost(code: str) -> tuple[int, float]:
        sizes = [f.difference(code) for f in functions]
        return sum(size > 0.0 for size in sizes), max(sizes, default=0.0)

    return min(codes, key=cost)


def _factor(role: Role, use: Use, component: str, beyond: Beyond) -> str:
    """The factor that the parameter is, or one that the format has for it."""
    t = role.translation
    plain = t.intercept == 0.0 and use.power == t.power
    if plain or (t.intercept != 0.0 and use.affine == (t.intercept, t.slope) and not use.sides):
        return role.name
    if (made := beyond(role, use)) is not None:
        return made
    raise ExportLoss(
        "a parameter acts in ways that one factor cannot say",
        where=f"{role.parameter.name} on {component}",
        given=", ".join(map(str, use.factors)),
        fix="HS3 can say powers and linear functions",
    )


def _interpolated(role: Role, component: str, kind: str, factors: tuple[Factor, ...]) -> Interpolated:
    return Interpolated.of(role.name, component, kind, lambda alpha: product(factors, role.theta(alpha)))


def _one_additive(
    additive: list[tuple[Role, Use]],
    component: str,
    factors: list[str],
    exponential: dict[str, tuple[Factor, ...]],
    beyond: Beyond,
) -> Interpolated | None:
    """Morphs add, so one may act on a component; the others become factors, or ``normsys`` that are nearly the same.

    The one that stays is what no ``normsys`` can follow: zero at the nominal, or the largest change.
    """
    made = [(_interpolated(role, component, "histosys", use.others), role, use) for role, use in additive]
    made.sort(key=lambda m: (m[0].nominal == 0.0, abs(m[0].high - m[0].low)), reverse=True)
    kept: Interpolated | None = None
    for morph, role, use in made:
        exact = any(morph.difference(code) == 0.0 for code in HISTOSYS)
        if kept is None and (exact or beyond(role, use) is None):
            kept = morph
        elif (name := beyond(role, use)) is not None:
            factors.append(name)
        elif min(morph.low, morph.nominal, morph.high) > 0.0:
            own = role.parameter.name
            exponential[own] = (*exponential.get(own, ()), *use.others)
        else:
            raise ExportLoss(
                "two morphs multiply each other",
                where=component,
                given=f"{kept.parameter if kept else ''} and {role.name}",
                allowed="one, the others as factors",
                fix="HS3 can say products of linear functions",
            )
    return kept


def _merged(samples: list[Sample]) -> list[Sample]:
    """Samples without nominal, morphs only, added to the one of the same factors whose name is nearest."""
    found = [sample for sample in samples if sample.counts.any()]
    for sample in (s for s in samples if not s.counts.any()):
        fitting = [host for host in found if host.key == sample.key]
        if not fitting:
            found.append(sample)
            continue
        host = max(fitting, key=lambda h: _alike(h.name, sample.name))
        for name, morph in sample.morphs.items():
            there = host.morphs.setdefault(name, Morph(np.zeros_like(morph.low), np.zeros_like(morph.low)))
            there.low, there.high = there.low + morph.low, there.high + morph.high
            there.functions += morph.functions
    return found


def _alike(one: str, other: str) -> int:
    """How many first letters two names share."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _at(factor: NormSys | MorphEven) -> Array:
    return evaluator((type(factor), factor.code), [factor])(GRID[:, None])[0][:, 0]
