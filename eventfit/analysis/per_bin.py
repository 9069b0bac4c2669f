"""A factor per bin of backgrounds: ``shapesys`` and ``staterror`` as HistFactory defines them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.nuisances import PerBinNuisance, ShapeSysNuisance
from eventfit.analysis.scaling import parameter_name
from eventfit.analysis.systematics import Systematics
from eventfit.io.histfactory import BinFactors, Sample, assemble
from eventfit.likelihood import BinScale, Component
from eventfit.parameters import Constraint, GaussianConstraint, Parameter, PoissonConstraint

__all__ = ["with_factors_per_bin"]


def with_factors_per_bin(
    declared: Declaration, systematics: Systematics, components: Mapping[str, Component], prefix: str
) -> tuple[list[Parameter], dict[str, Component], tuple[BinScale, ...]]:
    """Parameters and factors per bin, and the components with theirs.

    One factor in a bin is eliminated in closed form, as in workspaces; where a bin has more, the others become
    parameters of parts of their own. A bin without counts or without error has no factor.
    """
    nuisances = [nuisance for nuisance in declared.nuisance if isinstance(nuisance, PerBinNuisance)]
    if not nuisances:
        return [], dict(components), ()
    width = max(len(component.counts) for component in components.values())
    parameters: list[Parameter] = []
    sets: list[BinFactors] = []
    for nuisance in nuisances:
        name, errors = parameter_name(declared, prefix, nuisance.name), systematics.errors[nuisance.name]
        counts = np.sum([components[b].counts[: len(e)] for b, e in errors.items()], axis=0)
        error = np.hypot.reduce(list(errors.values()), axis=0)
        entry = np.full(width, -1)
        for i in np.flatnonzero((counts > 0) & (error > 0)):
            relative, entry[i] = float(error[i] / counts[i]), i
            constraint: Constraint = GaussianConstraint(1.0, relative)
            if isinstance(nuisance, ShapeSysNuisance):
                constraint = PoissonConstraint(relative**-2, relative**-2)
            meaning = f"{nuisance.kind} on {', '.join(errors)}"
            parameters.append(Parameter(f"{name}[{i}]", "", 1.0, 0.0, constraint=constraint, meaning=meaning))
        sets.append(BinFactors(name, entry))
    carried = {
        name: tuple(
            factors.name
            for factors, nuisance in zip(sets, nuisances, strict=True)
            if component.whole in systematics.errors[nuisance.name]
        )
        for name, component in components.items()
    }
    samples = [
        Sample("", name, slice(0, width), component.counts, component.factors, per_bin=carried[name])
        for name, component in components.items()
        if carried[name]
    ]
    parts = assemble(parameters, {}, samples, sets, width, "4p")
    made = {component.name: component for component in parts.components}
    found: dict[str, Component] = {}
    for name, component in components.items():
        if not carried[name]:
            found[name] = component
        for part in parts.samples.get(name, ()):
            found[part] = replace(made[part], of="" if part == component.whole else component.whole)
    return list(parts.parameters), found, parts.scales
