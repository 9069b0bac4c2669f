"""The statistics of a declaration: parameters, components with the factors that scale them, data and their errors.

All bins stand in one row: those of the spectrum, OFF bins if a background is fitted to them, and one for each
measurement beside the spectrum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eventfit.analysis.bending import bent_components
from eventfit.analysis.declaration import Declaration
from eventfit.analysis.measured import Measured
from eventfit.analysis.nuisances import ComponentNorm, CouplingError, FluxNorm, PerBinNuisance
from eventfit.analysis.off import Off
from eventfit.analysis.per_bin import with_factors_per_bin
from eventfit.analysis.physics import Physics
from eventfit.analysis.scaling import (
    ALL,
    SIGNAL,
    apply_nuisance,
    norm_parameter,
    parameter_name,
    refuse_wrong_norms,
)
from eventfit.analysis.systematics import Systematics
from eventfit.errors import DeclarationError, UnknownName
from eventfit.likelihood import BinScale, Component, Likelihood, Power
from eventfit.parameters import Parameter, Reported
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum

__all__ = ["Statistics", "build_statistics", "find_poi"]


@dataclass(frozen=True, eq=False)
class Statistics:
    """What a likelihood is built of; see the module for the order of the bins."""

    parameters: tuple[Parameter, ...]
    components: tuple[Component, ...]
    data: Array
    errors: Array
    scales: tuple[BinScale, ...]

    def likelihood(self, hashes: Mapping[str, str]) -> Likelihood:
        """The likelihood, with the hashes of its tables."""
        errors = self.errors if self.errors.any() else None
        return Likelihood.build(
            self.parameters, self.components, self.data, scales=self.scales, input_hashes=hashes, errors=errors
        )


def find_poi(declared: Declaration, physics: Physics, prefix: str, where: str) -> tuple[str, Reported]:
    """The fit parameter behind the declared parameter of interest, and how it is quoted: a coupling, or a norm."""
    for c in physics.couplings:
        if c.reported == declared.poi:
            return c.name, Reported(c.reported, c.reported_unit, c.power, c.scale)
    norms = [n.name for n in declared.nuisance if isinstance(n, ComponentNorm | FluxNorm)]
    if declared.poi in norms:
        return parameter_name(declared, prefix, declared.poi), Reported(declared.poi, "")
    known = [*(c.reported for c in physics.couplings), *norms]
    raise UnknownName(
        "no declared process has this parameter of interest, and no norm is called so",
        where=f"{where}: poi",
        given=declared.poi,
        allowed=", ".join(known) or "none: the declared processes have no coupling",
        fix="declare the process that the parameter belongs to",
    )


def build_statistics(
    declared: Declaration,
    physics: Physics,
    backgrounds: Mapping[str, Spectrum],
    systematics: Systematics,
    measured: Measured,
    off: Off,
    *,
    poi: str,
    prefix: str,
    where: str,
) -> Statistics:
    """Parameters, couplings first; templates times couplings, backgrounds, and what scales them; data.

    Couplings are global names; all others are local and carry ``prefix``, the id of the analysis.
    """
    parameters = [Parameter(c.name, c.unit, c.start, c.lower, meaning=c.meaning) for c in physics.couplings]
    shown = {} if declared.off is not None else backgrounds  # OFF data measure what the others would describe
    components = _components(declared, physics, shown, off, where)
    parameters += off.parameters
    for background in declared.background:
        if background.norm is not None and background.name in shown:
            name = f"{prefix}.{background.name}"
            parameters.append(norm_parameter(background.norm, name, f"norm of {background.name}"))
            normed = components[background.name]
            components[background.name] = replace(normed, factors=(*normed.factors, Power(name)))
    refuse_wrong_norms(declared, [flux.name for flux in physics.fluxes], where)
    for nuisance in sorted(declared.nuisance, key=lambda n: isinstance(n, CouplingError)):  # what it copies is complete
        if isinstance(nuisance, PerBinNuisance):
            continue
        scaled = systematics.scaled.get(nuisance.name, ())
        parameter, components = apply_nuisance(
            nuisance, declared, physics, components, scaled=scaled, poi=poi, prefix=prefix, where=where
        )
        parameters.append(parameter)
    components = bent_components(declared, physics, systematics, components, prefix)
    more, components, per_bin = with_factors_per_bin(declared, systematics, components, prefix)
    parameters += more
    pairs = np.array([(m.rate_SNU, m.error) for m in declared.measurement], dtype=float).reshape(-1, 2)
    behind = np.zeros(len(off.counts) + len(pairs))
    return Statistics(
        parameters=tuple(parameters),
        components=tuple(components.values()),
        data=np.concatenate([measured.spectrum.values(), off.counts, pairs[:, 0]]),
        errors=np.concatenate([measured.errors, np.zeros(len(off.counts)), pairs[:, 1]]),
        scales=(
            *(
                replace(s, strength=np.append(s.strength, behind), observed=np.append(s.observed, behind))
                for s in off.scales
            ),
            *per_bin,
        ),
    )


def _components(
    declared: Declaration, physics: Physics, backgrounds: Mapping[str, Spectrum], off: Off, where: str
) -> dict[str, Component]:
    """Every component over all bins, with the couplings of its process."""
    n_bin = len(declared.response.edges) - 1
    width = n_bin + len(off.counts) + len(declared.measurement)
    found = [
        Component(t.name, t.spectrum.values(), tuple(Power(name, power) for name, power in t.powers.items()))
        for t in physics.templates
    ]
    found += [Component(name, spectrum.values()) for name, spectrum in backgrounds.items()]
    found += off.components
    for number, measurement in enumerate(declared.measurement):
        alone = np.zeros(n_bin + len(off.counts) + number + 1)
        for component, rate in physics.rates[measurement.name].items():
            alone[-1] = rate
            found.append(Component(f"{component}.{measurement.name}", alone.copy()))
    _refuse_repeated([*(component.name for component in found), ALL, SIGNAL], where)
    return {c.name: replace(c, counts=np.append(c.counts, np.zeros(width - len(c.counts)))) for c in found}


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
