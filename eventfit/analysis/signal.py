"""A new signal in the place of the declared one: its recoil spectrum, put through the response of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np

from eventfit.analysis.declaration import COUNTED, Declaration
from eventfit.analysis.detector import build_electrons, build_response
from eventfit.analysis.inputs import Inputs
from eventfit.analysis.nuisances import CouplingError, FluxNorm, ResponseNuisance
from eventfit.analysis.physics import Physics
from eventfit.analysis.recoil_spectrum import Rate, RecoilSpectrum
from eventfit.analysis.scaling import ALL, SIGNAL
from eventfit.analysis.systematics import build_distortions
from eventfit.cross_section import Coupling
from eventfit.errors import DeclarationError, located
from eventfit.folding import BendingError, fold_recoils, morph_recoils, seen_recoils
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum, Template
from eventfit.target import Target

__all__ = ["STRENGTH", "with_signal"]

#: the parameter of interest of a recast: the signal is so many times the given spectrum
STRENGTH = Coupling(
    name="strength",
    unit="",
    start=1.0,
    lower=0.0,
    reported="strength",
    reported_unit="",
    power=1,
    scale=1.0,
    meaning="factor of the given spectrum",
)
#: more rows of a table than this lie closer than panels need to be cut
MOST_KNOTS = 2000


def with_signal(
    declared: Declaration, physics: Physics, signal: RecoilSpectrum, tables: Inputs, events: Array | None
) -> tuple[Declaration, Physics]:
    """Declaration and physics with ``signal`` in the place of everything that a coupling scales.

    The weak scattering stays. Nuisances of the old signal scale the new one.

    Raises
    ------
    OutOfRange, NumericalError
        The spectrum ends inside the window, or is too coarse for it.
    DeclarationError
        The declaration states an error of its coupling, which says nothing about another signal; or its data are one
        number relative to the weak scattering, which depends on no exposure.
    """
    if signal.per_electron and declared.response.quenching is not None:
        raise DeclarationError(
            "a quenching is declared, and electron recoils are not quenched",
            where="response.quenching",
            given="a cross section per electron",
            allowed="a rate of the recoils that the quenching is of, in true energy",
        )
    if declared.data.counted is not None:
        raise DeclarationError(
            "the data are one number relative to the weak scattering of the declared source: there is no exposure "
            "that would say how many events another signal makes",
            where="data",
            given=next(form for form in COUNTED if getattr(declared.data, form) is not None),
            allowed="counts, or rates with errors",
        )
    response, edges = build_response(declared.response, tables, physics.target), declared.response.edges
    distortions = build_distortions(declared, response, tables)
    with located(f"spectrum {signal.name}"):
        lowest, highest = seen_recoils(response, edges, distortions)
        signal.require(lowest, highest)
        shape = _shape(signal, declared, physics.target, end=min(signal.end, 2.0 * highest))
        counts, density, error = fold_recoils(
            shape.rate, response, edges, thinned=shape.thinned, points=events, **shape.recoils
        )
        name = STRENGTH.name
        template = Template(Spectrum(edges, counts, name=SIGNAL), "recast", "recast", SIGNAL, {name: 1}, error, density)
        bending = physics.bending
        if distortions:
            tolerance = {n.name: n.tolerance for n in declared.nuisance if isinstance(n, ResponseNuisance)}
            tolerance = {error: tolerance[error] for error in distortions}
            morphed = morph_recoils(template, shape.rate, response, distortions, tolerance, **shape.recoils)
            (template,), bending = morphed.templates, (*bending, *morphed.errors)
    old = [t.name for t in physics.templates if t.powers]
    weak = tuple(t for t in physics.templates if not t.powers)
    changed = replace(
        physics,
        templates=(*weak, template),
        couplings=(STRENGTH,),
        bending=_worst(bending),
        processes=tuple(process for process in physics.processes if not process.couplings),
    )
    nuisances = [_carried_over(nuisance, old) for nuisance in declared.nuisance]
    kept = [n for n in nuisances if not (isinstance(n, FluxNorm) and _idle(n, declared, weak))]
    return declared.model_copy(update={"poi": name, "nuisance": kept}), changed


class _Recoils(TypedDict):
    """What a fold of given recoils needs besides their rate."""

    exposure: float
    end: float
    knots: Array


@dataclass(frozen=True, eq=False)
class _Shape:
    """The spectrum as rates per kg in the declared target."""

    rate: Rate
    thinned: Rate | None
    recoils: _Recoils


def _shape(signal: RecoilSpectrum, declared: Declaration, target: Target, *, end: float) -> _Shape:
    electrons = build_electrons(declared.target, target)
    per_kg = target.units_per_kg * (signal.flux or 0.0)

    def events_of(rate: Rate) -> Rate:
        return (lambda T: per_kg * electrons.count(T) * rate(T)) if signal.per_electron else rate

    knots = np.empty(0) if signal.table is None or len(signal.table.T) > MOST_KNOTS else signal.table.T
    shells = electrons.breakpoints if signal.per_electron else np.empty(0)
    recoils = _Recoils(exposure=declared.exposure.internal, end=end, knots=np.concatenate([knots, shells]))
    return _Shape(events_of(signal.rate), None if signal.thinned is None else events_of(signal.thinned), recoils)


def _worst(errors: Sequence[BendingError]) -> tuple[BendingError, ...]:
    """The worst of every error of the response."""
    found: dict[str, BendingError] = {}
    for error in errors:
        if error.label not in found or error.error > found[error.label].error:
            found[error.label] = error
    return tuple(found.values())


def _carried_over(nuisance: Any, old: list[str]) -> Any:
    """A nuisance with the new signal wherever it named the old one."""
    if isinstance(nuisance, CouplingError):
        raise DeclarationError(
            "a systematic error of the declared coupling says nothing about another signal",
            where=f"nuisance[{nuisance.name}]",
            given=nuisance.kind,
            fix="recast a variant without it",
        )
    applies_to = getattr(nuisance, "applies_to", ALL)
    if applies_to != ALL:
        names = [SIGNAL if name in old else name for name in applies_to]
        return nuisance.model_copy(update={"applies_to": list(dict.fromkeys(names))})
    return nuisance


def _idle(norm: FluxNorm, declared: Declaration, weak: tuple[Template, ...]) -> bool:
    """Whether a flux norm scaled nothing but the old signal."""
    measured = any(norm.name in measurement.norms for measurement in declared.measurement)
    return not measured and not any(template.component in norm.components for template in weak)
