"""What the declared norms and nuisances scale: parameters, and the factors of components."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.nuisances import (
    BentNuisance,
    ComponentNorm,
    CouplingError,
    EfficiencyNuisance,
    FluxNorm,
    Norm,
    NormSysNuisance,
    Nuisance,
    PerBinNuisance,
    PoissonNuisance,
    ScaleNuisance,
)
from eventfit.analysis.physics import Physics
from eventfit.errors import DeclarationError, did_you_mean
from eventfit.likelihood import Component, Factor, GaussianScale, LogNormalScale, NormSys, Power
from eventfit.parameters import GaussianConstraint, Parameter, PoissonConstraint

__all__ = ["ALL", "SIGNAL", "apply_nuisance", "norm_parameter", "parameter_name", "refuse_wrong_norms"]

#: what ``applies_to`` may say besides component names
ALL = "all"
SIGNAL = "signal"
#: a nuisance that interpolates, or whose polynomial means nothing far away, stays within these standard deviations
FAR = 5.0


def parameter_name(declared: Declaration, prefix: str, name: str) -> str:
    """The parameter of the nuisance ``name``: local to the analysis ``prefix``, unless it is shared."""
    return name if name in declared.shared else f"{prefix}.{name}"


def norm_parameter(norm: Norm, name: str, meaning: str) -> Parameter:
    """The parameter of a norm: free, or constrained around 1."""
    low, high = norm.bounds
    constraint = None if norm.relative is None else GaussianConstraint(1.0, norm.relative)
    return Parameter(name, "", norm.start, low, high, constraint=constraint, meaning=meaning)


def apply_nuisance(
    declared: Nuisance,
    whole: Declaration,
    physics: Physics,
    components: Mapping[str, Component],
    *,
    scaled: Sequence[str],
    poi: str,
    prefix: str,
    where: str,
) -> tuple[Parameter, dict[str, Component]]:
    """The parameter of a nuisance, and the components with its factor, or with one that it adds.

    What bends is not bent here, see :mod:`eventfit.analysis.bending`; ``scaled`` are backgrounds that have the factor
    of a relative efficiency.

    Raises
    ------
    DeclarationError
        It names a component that nobody declared, or scales one that another norm scales.
    """
    assert not isinstance(declared, PerBinNuisance)
    name, signal = parameter_name(whole, prefix, declared.name), [t.name for t in physics.templates if poi in t.powers]
    if isinstance(declared, BentNuisance):
        factor = None
        if isinstance(declared, EfficiencyNuisance) and declared.relative is not None:
            factor = GaussianScale(name, declared.relative)
        folded = [t.name for t in physics.templates]
        meaning = declared.kind.replace("_", " ")
        parameter = Parameter(name, "sigma", 0.0, -FAR, FAR, GaussianConstraint(0.0, 1.0), meaning)
        return parameter, dict(components) if factor is None else _with(components, [*folded, *scaled], factor)
    if isinstance(declared, CouplingError):
        parameter = Parameter(name, "sigma", 0.0, constraint=GaussianConstraint(0.0, 1.0), meaning=f"error of {poi}")
        return parameter, dict(components) | _coupling_error(declared, name, poi, components)
    if isinstance(declared, FluxNorm):
        return _parameter(declared, name), _with(components, _of_fluxes(declared, whole, physics), Power(name))
    spectral = [n for n in components if not any(n.endswith(f".{m.name}") for m in whole.measurement)]
    named = _named(declared, spectral, signal, where)
    return _parameter(declared, name), _with(components, named, _factor(declared, name))


def refuse_wrong_norms(declared: Declaration, known: Sequence[str], where: str) -> None:
    """Flux norms scale the ``known`` components, each once: twice would be its square; measurements name such norms."""
    norms = [nuisance for nuisance in declared.nuisance if isinstance(nuisance, FluxNorm)]
    owner: dict[str, str] = {}
    for norm in norms:
        for name in norm.components:
            if name in known and name not in owner:
                owner[name] = norm.name
                continue
            raise DeclarationError(
                "a component is scaled twice"
                if name in owner
                else "a flux norm scales a component that nobody declared",
                where=f"{where}: nuisance[{norm.name}].components",
                given=f"{name}, which {owner[name]} scales already" if name in owner else name,
                allowed=", ".join(known) + ", each once",
                fix="leave it out of one of the two" if name in owner else did_you_mean(name, known),
            )
    for measurement in declared.measurement:
        for name in measurement.norms:
            if name not in [norm.name for norm in norms]:
                raise DeclarationError(
                    "a measurement names a parameter that nobody declared",
                    where=f"{where}: measurement[{measurement.name}].norms",
                    given=name,
                    allowed=", ".join(norm.name for norm in norms) or "none: no nuisance of kind flux_norm is declared",
                    fix=did_you_mean(name, [norm.name for norm in norms])
                    or "declare a nuisance of kind flux_norm with this name",
                )
        if norms and (not measurement.norms or len(set(measurement.norms)) < len(measurement.norms)):
            raise DeclarationError(
                "a measurement shares flux norms by name, each once: without them it would constrain nothing",
                where=f"{where}: measurement[{measurement.name}].norms",
                given=", ".join(measurement.norms) or "none",
                allowed=", ".join(norm.name for norm in norms),
            )


def _with(components: Mapping[str, Component], names: Sequence[str], factor: Factor) -> dict[str, Component]:
    return {n: replace(c, factors=(*c.factors, factor)) if n in names else c for n, c in components.items()}


def _parameter(
    declared: ScaleNuisance | PoissonNuisance | ComponentNorm | FluxNorm | NormSysNuisance, name: str
) -> Parameter:
    if isinstance(declared, FluxNorm):
        return norm_parameter(declared, name, f"flux of {', '.join(declared.components)}")
    if isinstance(declared, ComponentNorm):
        return norm_parameter(declared, name, f"norm of {', '.join(declared.applies_to)}")
    if isinstance(declared, PoissonNuisance):
        constraint = PoissonConstraint(declared.observed, declared.tau)
        start = declared.observed / declared.tau
        return Parameter(name, "", start, 0.0, constraint=constraint, meaning="norm by OFF counts")
    on = declared.applies_to if isinstance(declared.applies_to, str) else ", ".join(declared.applies_to)
    if isinstance(declared, NormSysNuisance):
        meaning = f"{declared.lo:g} to {declared.hi:g} on {on}"
        return Parameter(name, "sigma", 0.0, -FAR, FAR, GaussianConstraint(0.0, 1.0), meaning)
    meaning = f"{100 * declared.relative:g} % on {on}"
    return Parameter(name, "sigma", 0.0, constraint=GaussianConstraint(0.0, 1.0), meaning=meaning)


def _factor(declared: ScaleNuisance | PoissonNuisance | ComponentNorm | NormSysNuisance, name: str) -> Factor:
    if isinstance(declared, NormSysNuisance):
        return NormSys(name, declared.lo, declared.hi, 1 if declared.code == "code1" else 4)
    if not isinstance(declared, ScaleNuisance):
        return Power(name)
    scale = GaussianScale if declared.kind == "gaussian_scale" else LogNormalScale
    return scale(name, declared.relative)


def _coupling_error(
    declared: CouplingError, name: str, poi: str, components: Mapping[str, Component]
) -> dict[str, Component]:
    """Components that make ``poi + size * theta`` of the coupling wherever it stands: (poi + size theta)^p expanded."""
    found: dict[str, Component] = {}
    for component in components.values():
        power = sum(f.exponent for f in component.factors if isinstance(f, Power) and f.parameter == poi)
        others = tuple(f for f in component.factors if f.parameter != poi)
        for k in range(1, power + 1):
            kept = (Power(poi, power - k),) if k < power else ()
            counts = math.comb(power, k) * declared.size**k * component.counts
            said = f"{component.name}.{declared.name}" + (f"_{k}" if power > 1 else "")
            found[said] = Component(said, counts, (*others, *kept, Power(name, k)))
    return found


def _of_fluxes(declared: FluxNorm, whole: Declaration, physics: Physics) -> list[str]:
    """The templates of the components, and their part in the measurements that share this norm."""
    sharing = [m.name for m in whole.measurement if declared.name in m.norms]
    return [t.name for t in physics.templates if t.component in declared.components] + [
        f"{component}.{measurement}" for measurement in sharing for component in declared.components
    ]


def _named(
    declared: ScaleNuisance | PoissonNuisance | ComponentNorm | NormSysNuisance,
    components: Sequence[str],
    signal: Sequence[str],
    where: str,
) -> list[str]:
    if declared.applies_to == ALL:
        return list(components)
    names: list[str] = []
    for name in declared.applies_to:
        if name != SIGNAL and name not in components:
            raise DeclarationError(
                "a nuisance applies to a component that nobody declared",
                where=f"{where}: nuisance[{declared.name}].applies_to",
                given=name,
                allowed=", ".join([ALL, SIGNAL, *components]),
            )
        names += signal if name == SIGNAL else [name]
    return list(dict.fromkeys(names))
