"""Components that bend: terms of the morphs of folded templates, and of backgrounds between their tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.nuisances import BentNuisance, CouplingError, HistoSysNuisance, ResponseNuisance
from eventfit.analysis.physics import Physics
from eventfit.analysis.scaling import parameter_name
from eventfit.analysis.systematics import Systematics
from eventfit.errors import NumericalError
from eventfit.folding.morph import POSITIVE
from eventfit.likelihood import Component, Factor, Likelihood, MorphEven, MorphPower, Power
from eventfit.quadrature import Array
from eventfit.spectrum import Bend

__all__ = ["bent_components", "refuse_negative"]

#: an even part below this share of the tables is what rounding left of symmetric ones
ROUNDING = 1e-14


def bent_components(
    declared: Declaration, physics: Physics, systematics: Systematics, components: Mapping[str, Component], prefix: str
) -> dict[str, Component]:
    """The components and, after each of them, the terms of its morph: parts with its factors and those of the term."""
    terms = {template.name: [(bend, 1.0) for bend in template.bends] for template in physics.templates}
    for nuisance in declared.nuisance:
        if isinstance(nuisance, CouplingError):  # its components are templates, scaled
            terms |= {
                f"{template.name}.{nuisance.name}": [(bend, nuisance.size) for bend in template.bends]
                for template in physics.templates
            }
    names = {nuisance.name: parameter_name(declared, prefix, nuisance.name) for nuisance in declared.nuisance}
    found: dict[str, Component] = {}
    for name, component in components.items():
        parts = [component]
        for bend, size in terms.get(name, []):
            label = " ".join(f"{error}^{order or 'even'}" for error, order in bend.orders.items())
            factors = tuple(_factor(names[error], order, "4p") for error, order in bend.orders.items())
            parts.append(_part(component, label, size * bend.counts, factors))
        parts += _between_tables(declared, systematics, component, names)
        found |= {part.name: part for part in parts}
    return found


def refuse_negative(declared: Declaration, physics: Physics, likelihood: Likelihood, prefix: str) -> None:
    """Refuse errors of the response that make a bin expect less than nothing within +-5 standard deviations.

    Asked at the start of all other parameters and, as a signal may hide it, with all couplings at zero.

    Raises
    ------
    NumericalError
        With the bin and the nuisance.
    """
    errors = [nuisance for nuisance in declared.nuisance if isinstance(nuisance, ResponseNuisance)]
    without = likelihood.start.copy()
    without[[likelihood.index(coupling.name) for coupling in physics.couplings]] = 0.0
    for nuisance, start in product(errors, (likelihood.start, without)):
        index = likelihood.index(parameter_name(declared, prefix, nuisance.name))
        nominal = likelihood.expected(start)
        for theta in (-POSITIVE, POSITIVE):
            point = start.copy()
            point[index] = theta
            expected = likelihood.expected(point)
            below = np.flatnonzero(likelihood.counted & (nominal >= 0) & (expected < 0))
            if len(below):
                raise NumericalError(
                    f"an error of the response makes a bin negative within +-{POSITIVE:g} standard deviations",
                    where=f"nuisance[{nuisance.name}], bin {below[0] + 1}",
                    given=f"{expected[below[0]]:.3g} expected at {theta:+g}, nominal {nominal[below[0]]:.3g}",
                    allowed="counts above zero",
                    fix="a narrower error, or a window without this bin",
                )


def _between_tables(
    declared: Declaration, systematics: Systematics, component: Component, names: Mapping[str, str]
) -> Iterator[Component]:
    """The odd and even parts of a background for every error that has tables of it."""
    for nuisance in declared.nuisance:
        tables = systematics.edges.get(nuisance.name, {})
        if component.name not in tables or not isinstance(nuisance, BentNuisance):
            continue
        down, up = tables[component.name]
        nominal = component.counts[: len(up)]
        even = up + down - 2.0 * nominal
        even = np.where(np.abs(even) > ROUNDING * (np.abs(up) + np.abs(down) + 2.0 * np.abs(nominal)), even, 0.0)
        code = nuisance.code.removeprefix("code") if isinstance(nuisance, HistoSysNuisance) else "4p"
        for label, counts, order in (("1", 0.5 * (up - down), 1), ("even", 0.5 * even, Bend.EVEN)):
            if counts.any():
                factors = (_factor(names[nuisance.name], order, code),)
                yield _part(component, f"{nuisance.name}^{label}", counts, factors)


def _factor(parameter: str, order: int, code: str) -> Factor:
    if order == Bend.EVEN:
        return MorphEven(parameter, "0" if code == "0" else "4p")
    return Power(parameter) if order == 1 else MorphPower(parameter, order)


def _part(component: Component, label: str, counts: Array, factors: tuple[Factor, ...]) -> Component:
    """A term of a component; ``counts`` end where the spectrum does, and beside it nothing bends."""
    beside = np.zeros(len(component.counts) - len(counts))
    return Component(
        f"{component.name} {label}", np.append(counts, beside), (*component.factors, *factors), component.name
    )
