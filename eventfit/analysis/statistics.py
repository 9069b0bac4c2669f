"""The statistics of a declaration: parameters and components with the factors that scale them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eventfit.analysis.declaration import Background, Declaration, Nuisance, PoissonNuisance
from eventfit.analysis.physics import Physics
from eventfit.errors import DeclarationError, UnknownName
from eventfit.likelihood import Component, Factor, GaussianScale, LogNormalScale, Power
from eventfit.parameters import GaussianConstraint, Parameter, PoissonConstraint, Reported
from eventfit.spectrum import Spectrum

__all__ = ["build_components", "find_poi"]

#: what ``applies_to`` may say besides component names
ALL, SIGNAL = "all", "signal"


def find_poi(declared: Declaration, physics: Physics, where: str) -> tuple[str, Reported]:
    """The fit parameter behind the declared parameter of interest, and how it is quoted."""
    for c in physics.couplings:
        if c.reported == declared.poi:
            return c.name, Reported(c.reported, c.reported_unit, c.power, c.scale)
    raise UnknownName(
        "no declared process has this parameter of interest",
        where=f"{where}: poi",
        given=declared.poi,
        allowed=", ".join(c.reported for c in physics.couplings) or "none: the declared processes have no coupling",
        fix="declare the process that the parameter belongs to",
    )


def build_components(
    declared: Declaration, physics: Physics, backgrounds: Mapping[str, Spectrum], *, poi: str, prefix: str, where: str
) -> tuple[list[Parameter], list[Component]]:
    """Parameters, couplings first, and components: templates times couplings, backgrounds, and what scales them.

    Couplings are global names; all others are local and carry ``prefix``, the id of the analysis.
    """
    parameters = [Parameter(c.name, c.unit, c.start, c.lower, meaning=c.meaning) for c in physics.couplings]
    _refuse_repeated([*(t.name for t in physics.templates), *backgrounds, ALL, SIGNAL], where)
    counts = {t.name: t.spectrum.values() for t in physics.templates}
    counts |= {name: spectrum.values() for name, spectrum in backgrounds.items()}
    factors: dict[str, list[Factor]] = {name: [] for name in counts}
    for template in physics.templates:
        factors[template.name] += [Power(name, power) for name, power in template.powers.items()]
    for background in declared.background:
        if background.norm is not None:
            parameters.append(_norm(background, prefix))
            factors[background.name].append(Power(parameters[-1].name))
    signal = [template.name for template in physics.templates if poi in template.powers]
    for nuisance in declared.nuisance:
        parameter, factor = _nuisance(nuisance, prefix)
        parameters.append(parameter)
        for name in _scaled_by(nuisance, list(counts), signal, where):
            factors[name].append(factor)
    return parameters, [Component(name, counts[name], tuple(factors[name])) for name in counts]


def _refuse_repeated(names: Sequence[str], where: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DeclarationError(
            "two components have one name, or a background has a name that means something else",
            where=f"{where}: flux, process, background",
            given=", ".join(repeated),
            allowed=f"each source component and each process once; backgrounds not called {ALL!r} or {SIGNAL!r}",
            fix="declare a component or process once, or rename the background",
        )


def _norm(background: Background, prefix: str) -> Parameter:
    assert background.norm is not None
    low, high = background.norm.bounds
    name, meaning = f"{prefix}.{background.name}", f"norm of {background.name}"
    return Parameter(name, "", background.norm.start, low, high, meaning=meaning)


def _nuisance(declared: Nuisance, prefix: str) -> tuple[Parameter, Factor]:
    name = f"{prefix}.{declared.name}"
    if isinstance(declared, PoissonNuisance):
        constraint = PoissonConstraint(declared.observed, declared.tau)
        start = declared.observed / declared.tau
        return Parameter(name, "", start, 0.0, constraint=constraint, meaning="norm by OFF counts"), Power(name)
    scale = GaussianScale if declared.kind == "gaussian_scale" else LogNormalScale
    on = declared.applies_to if isinstance(declared.applies_to, str) else ", ".join(declared.applies_to)
    meaning = f"{100 * declared.relative:g} % on {on}"
    parameter = Parameter(name, "sigma", 0.0, constraint=GaussianConstraint(0.0, 1.0), meaning=meaning)
    return parameter, scale(name, declared.relative)


def _scaled_by(declared: Nuisance, components: Sequence[str], signal: Sequence[str], where: str) -> list[str]:
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
