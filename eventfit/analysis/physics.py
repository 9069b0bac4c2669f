"""The physics of a declaration: sources, target, processes and response, folded to templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eventfit.analysis.declaration import Declaration, ResponseDeclared, SqrtResolutionDeclared
from eventfit.analysis.mechanisms import (
    CorrectedDeclared,
    FlavourMomentsDeclared,
    MagneticMomentDeclared,
    OscillationDeclared,
    ProcessDeclared,
    TreeDeclared,
)
from eventfit.cross_section import (
    CorrectedElectron,
    Coupling,
    ElectronTreatment,
    FlavourMoments,
    FreeElectrons,
    MagneticMoment,
    Process,
    StandardModelElectron,
    SteppingElectrons,
    TransitionMoments,
)
from eventfit.errors import located
from eventfit.flux import Flux, OscillationParameters, oscillated_solar_flux, solar_flux
from eventfit.folding import fold
from eventfit.quadrature import Array
from eventfit.response import ConstantQuenching, Efficiency, PerfectResolution, Resolution, Response, SqrtResolution
from eventfit.spectrum import Template
from eventfit.tables import Tables
from eventfit.target import Target

__all__ = ["Physics", "build_physics"]


@dataclass(frozen=True, eq=False)
class Physics:
    """What the statistics side needs to know: templates, the couplings they scale with, and what to cite."""

    templates: tuple[Template, ...]
    couplings: tuple[Coupling, ...]
    cite: tuple[str, ...]


def build_physics(declared: Declaration, tables: Tables, events: Array | None = None) -> Physics:
    """Read the tables and fold every term of every process for every source component, with densities at ``events``."""
    target = Target.load(tables, declared.target.material)
    electrons = _electrons(declared.target.electrons, target)
    fluxes = _fluxes(declared, tables)
    processes = []
    for number, process in enumerate(declared.process, 1):
        with located(f"process[{number}]"):
            processes.append(_process(process, electrons))
    templates = fold(
        fluxes,
        processes,
        _response(declared.response, tables),
        declared.response.edges,
        exposure=declared.exposure.internal,
        units_per_kg=target.units_per_kg,
        points=events,
    )
    return Physics(
        templates=templates,
        couplings=tuple(dict.fromkeys(coupling for process in processes for coupling in process.couplings)),
        cite=(*(key for flux in fluxes for key in flux.cite), *(key for process in processes for key in process.cite)),
    )


def _fluxes(declared: Declaration, tables: Tables) -> Sequence[Flux]:
    if declared.oscillation is None:
        return [flux for source in declared.flux for flux in solar_flux(tables, source.components, source.model)]
    parameters = _oscillation(declared.oscillation, tables)
    return [
        flux
        for source in declared.flux
        for flux in oscillated_solar_flux(tables, source.components, source.model, parameters)
    ]


def _oscillation(declared: OscillationDeclared, tables: Tables) -> OscillationParameters:
    """The declared fit, with the values that are declared instead of its own."""
    changed = declared.model_dump(exclude={"parameters"}, exclude_none=True)
    with located("oscillation"):
        return replace(OscillationParameters.load(tables, declared.parameters), **changed)


def _electrons(kind: str, target: Target) -> ElectronTreatment:
    return SteppingElectrons(target) if kind == "stepping" else FreeElectrons(target)


def _process(declared: ProcessDeclared, electrons: ElectronTreatment) -> Process:
    if isinstance(declared, TreeDeclared):
        return StandardModelElectron(electrons, declared.sin2_theta_w)
    if isinstance(declared, CorrectedDeclared):
        return CorrectedElectron(electrons, declared.sin2_theta_w_mz, declared.qed)
    if isinstance(declared, MagneticMomentDeclared):
        return MagneticMoment(electrons)
    if isinstance(declared, FlavourMomentsDeclared):
        return FlavourMoments(electrons, tuple(declared.couplings))
    return TransitionMoments(electrons, tuple(declared.couplings))


def _response(declared: ResponseDeclared, tables: Tables) -> Response:
    efficiency = None
    if declared.efficiency is not None:
        with located("response.efficiency"):
            table = tables.read(declared.efficiency)
            efficiency = Efficiency(table["energy_keV"], table["efficiency"], name=table.name)
    resolution: Resolution = PerfectResolution()
    if isinstance(declared.resolution, SqrtResolutionDeclared):
        resolution = SqrtResolution(declared.resolution.a, declared.resolution.b)
    return Response(
        order=tuple(declared.order),
        resolution=resolution,
        efficiency=efficiency,
        quenching=None if declared.quenching is None else ConstantQuenching(declared.quenching.factor),
    )
