"""The statistics of a declaration: parameters and components with the factors that scale them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.nuisances import FluxNorm, Norm, Nuisance, PoissonNuisance
from eventfit.analysis.physics import Physics
from eventfit.errors import DeclarationError, UnknownName, did_you_mean
from eventfit.likelihood import Component, Factor, GaussianScale, LogNormalScale, Power
from eventfit.parameters import GaussianConstraint, Parameter, PoissonConstraint, Reported
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum

__all__ = ["build_components", "find_poi", "measured"]

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
    captures = [(m, component) for m in declared.measurement for component in physics.rates[m.name]]
    names = [*(t.name for t in physics.templates), *backgrounds, *(f"{c}.{m.name}" for m, c in captures)]
    _refuse_repeated([*names, ALL, SIGNAL], where)
    counts = _side_by_side(declared, physics, backgrounds)
    factors: dict[str, list[Factor]] = {name: [] for name in counts}
    for template in physics.templates:
        factors[template.name] += [Power(name, power) for name, power in template.powers.items()]
    for background in declared.background:
        if background.norm is not None:
            parameters.append(_norm(background.norm, f"{prefix}.{background.name}", f"norm of {background.name}"))
            factors[background.name].append(Power(parameters[-1].name))
    norms = [nuisance for nuisance in declared.nuisance if isinstance(nuisance, FluxNorm)]
    _refuse_wrong_norms(norms, [flux.name for flux in physics.fluxes], where)
    _refuse_unknown_norms(declared, [norm.name for norm in norms], where)
    scaled = {norm.name: _scaled_by_flux(norm, declared, physics) for norm in norms}
    signal = [template.name for template in physics.templates if poi in template.powers]
    for nuisance in declared.nuisance:
        parameter, factor = _nuisance(nuisance, prefix)
        parameters.append(parameter)
        for name in scaled.get(nuisance.name) or _scaled_by(nuisance, list(backgrounds), signal, physics, where):
            factors[name].append(factor)
    return parameters, [Component(name, counts[name], tuple(factors[name])) for name in counts]


def measured(declared: Declaration) -> tuple[Array, Array]:
    """Values and errors of the measurements beside the spectrum, (n_measurement,) each."""
    pairs = [(m.rate_SNU, m.error) for m in declared.measurement]
    values, errors = np.array(pairs, dtype=float).reshape(-1, 2).T
    return values, errors


def _side_by_side(declared: Declaration, physics: Physics, backgrounds: Mapping[str, Spectrum]) -> dict[str, Array]:
    """What every component expects: the bins of the spectrum, then one bin for each measurement beside it."""
    beside = len(declared.measurement)
    counts = {t.name: t.spectrum.values() for t in physics.templates}
    counts |= {name: spectrum.values() for name, spectrum in backgrounds.items()}
    counts = {name: np.append(values, np.zeros(beside)) for name, values in counts.items()}
    n_bin = len(next(iter(counts.values()))) - beside
    for number, measurement in enumerate(declared.measurement):
        for component, rate in physics.rates[measurement.name].items():
            alone = np.zeros(n_bin + beside)
            alone[n_bin + number] = rate
            counts[f"{component}.{measurement.name}"] = alone
    return counts


def _refuse_repeated(names: Sequence[str], where: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DeclarationError(
            "two components have one name, or a background has a name that means something else",
            where=f"{where}: flux, process, background, measurement",
            given=", ".join(repeated),
            allowed=f"each source component and each process once; backgrounds not called {ALL!r} or {SIGNAL!r}",
            fix="declare a component or process once, or rename the background or measurement",
        )


def _norm(norm: Norm, name: str, meaning: str) -> Parameter:
    low, high = norm.bounds
    constraint = None if norm.relative is None else GaussianConstraint(1.0, norm.relative)
    return Parameter(name, "", norm.start, low, high, constraint=constraint, meaning=meaning)


def _nuisance(declared: Nuisance, prefix: str) -> tuple[Parameter, Factor]:
    name = f"{prefix}.{declared.name}"
    if isinstance(declared, FluxNorm):
        return _norm(declared, name, f"flux of {', '.join(declared.components)}"), Power(name)
    if isinstance(declared, PoissonNuisance):
        constraint = PoissonConstraint(declared.observed, declared.tau)
        start = declared.observed / declared.tau
        return Parameter(name, "", start, 0.0, constraint=constraint, meaning="norm by OFF counts"), Power(name)
    scale = GaussianScale if declared.kind == "gaussian_scale" else LogNormalScale
    on = declared.applies_to if isinstance(declared.applies_to, str) else ", ".join(declared.applies_to)
    meaning = f"{100 * declared.relative:g} % on {on}"
    parameter = Parameter(name, "sigma", 0.0, constraint=GaussianConstraint(0.0, 1.0), meaning=meaning)
    return parameter, scale(name, declared.relative)


def _scaled_by_flux(declared: FluxNorm, whole: Declaration, physics: Physics) -> list[str]:
    """The templates of the components, and their part in the measurements that share this norm."""
    sharing = [m.name for m in whole.measurement if declared.name in m.norms]
    return [t.name for t in physics.templates if t.component in declared.components] + [
        f"{component}.{measurement}" for measurement in sharing for component in declared.components
    ]


def _refuse_wrong_norms(norms: Sequence[FluxNorm], known: Sequence[str], where: str) -> None:
    """Every component of a flux norm is one of the ``known`` ones, and scaled once: twice would be its square."""
    owner: dict[str, str] = {}
    for norm in norms:
        for name in norm.components:
            place = f"{where}: nuisance[{norm.name}].components"
            if name not in known:
                raise DeclarationError(
                    "a flux norm scales a component that nobody declared",
                    where=place,
                    given=name,
                    allowed=", ".join(known),
                    fix=did_you_mean(name, known),
                )
            if name in owner:
                raise DeclarationError(
                    "a component is scaled twice",
                    where=place,
                    given=f"{name}, which {owner[name]} scales already",
                    allowed="each component once",
                    fix="leave it out of one of the two",
                )
            owner[name] = norm.name


def _refuse_unknown_norms(declared: Declaration, norms: Sequence[str], where: str) -> None:
    for measurement in declared.measurement:
        for name in measurement.norms:
            if name not in norms:
                raise DeclarationError(
                    "a measurement names a parameter that nobody declared",
                    where=f"{where}: measurement[{measurement.name}].norms",
                    given=name,
                    allowed=", ".join(norms) or "none: no nuisance of kind flux_norm is declared",
                    fix=did_you_mean(name, norms) or "declare a nuisance of kind flux_norm with this name",
                )


def _scaled_by(
    declared: Nuisance, backgrounds: Sequence[str], signal: Sequence[str], physics: Physics, where: str
) -> list[str]:
    assert not isinstance(declared, FluxNorm)
    components = [*(template.name for template in physics.templates), *backgrounds]
    if declared.applies_to == ALL:
        return components
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
