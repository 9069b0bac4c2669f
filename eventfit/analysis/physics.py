"""The physics of a declaration: sources, target, processes and response, folded to templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eventfit.analysis.declaration import (
    Declaration,
    MagneticMomentDeclared,
    ResponseDeclared,
    SqrtResolutionDeclared,
    StandardModelDeclared,
)
from eventfit.cross_section import (
    Coupling,
    ElectronTreatment,
    FreeElectrons,
    MagneticMoment,
    Process,
    StandardModelElectron,
    SteppingElectrons,
)
from eventfit.errors import located
from eventfit.flux import Flux, solar_flux
from eventfit.response import ConstantQuenching, Efficiency, PerfectResolution, Resolution, Response, SqrtResolution
from eventfit.spectrum import Template, fold
from eventfit.tables import Tables
from eventfit.target import Target

__all__ = ["Physics", "build_physics"]


@dataclass(frozen=True, eq=False)
class Physics:
    """What the statistics side needs to know: templates, the couplings they scale with, and what to cite."""

    templates: tuple[Template, ...]
    couplings: tuple[Coupling, ...]
    cite: tuple[str, ...]


def build_physics(declared: Declaration, tables: Tables) -> Physics:
    """Read the tables and fold every term of every process for every source component."""
    target = Target.load(tables, declared.target.material)
    processes = [_process(process, _electrons(declared.target.electrons, target)) for process in declared.process]
    templates = fold(
        _fluxes(declared, tables),
        processes,
        _response(declared.response, tables),
        declared.response.edges,
        exposure=declared.exposure.internal,
        units_per_kg=target.units_per_kg,
    )
    return Physics(
        templates=templates,
        couplings=tuple(dict.fromkeys(coupling for process in processes for coupling in process.couplings)),
        cite=tuple(key for process in processes for key in process.cite),
    )


def _fluxes(declared: Declaration, tables: Tables) -> Sequence[Flux]:
    return [flux for source in declared.flux for flux in solar_flux(tables, source.components, source.model)]


def _electrons(kind: str, target: Target) -> ElectronTreatment:
    return SteppingElectrons(target) if kind == "stepping" else FreeElectrons(target)


def _process(declared: MagneticMomentDeclared | StandardModelDeclared, electrons: ElectronTreatment) -> Process:
    if isinstance(declared, MagneticMomentDeclared):
        return MagneticMoment(electrons)
    return StandardModelElectron(electrons, declared.sin2_theta_w)


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
