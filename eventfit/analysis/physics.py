"""The physics of a declaration: sources, target, processes and response, folded to templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.detector import PolynomialResolutionDeclared, ResponseDeclared, SqrtResolutionDeclared
from eventfit.analysis.measurements import GalliumDeclared
from eventfit.analysis.mechanisms import (
    CorrectedDeclared,
    FlavourMomentsDeclared,
    MagneticMomentDeclared,
    OscillationDeclared,
    ProcessDeclared,
    TreeDeclared,
)
from eventfit.cross_section import (
    SNU,
    CorrectedElectron,
    Coupling,
    ElectronTreatment,
    FlavourMoments,
    FreeElectrons,
    GalliumCapture,
    MagneticMoment,
    Process,
    StandardModelElectron,
    SteppingElectrons,
    TransitionMoments,
)
from eventfit.errors import MissingInput, located
from eventfit.flux import Flux, OscillationParameters, oscillated_solar_flux, solar_flux
from eventfit.flux.solar import COMPONENTS
from eventfit.folding import fold
from eventfit.quadrature import Array
from eventfit.response import (
    ConstantQuenching,
    Efficiency,
    PerfectResolution,
    PolynomialResolution,
    Resolution,
    Response,
    SqrtResolution,
)
from eventfit.spectrum import Template
from eventfit.tables import Tables
from eventfit.target import Target
from eventfit.units import MeV

__all__ = ["Folded", "Physics", "build_physics", "fold_key"]


#: what was declared of a fold -> its templates
Folded = dict[tuple[str, ...], tuple[Template, ...]]


@dataclass(frozen=True, eq=False)
class Physics:
    """What the statistics side needs to know: templates, the couplings they scale with, and what to cite."""

    templates: tuple[Template, ...]
    couplings: tuple[Coupling, ...]
    fluxes: tuple[Flux, ...]
    #: measurement -> component -> what it makes of it at unit norm, in the unit of the measurement
    rates: Mapping[str, Mapping[str, float]]
    cite: tuple[str, ...]


def build_physics(
    declared: Declaration, tables: Tables, events: Array | None = None, done: Folded | None = None
) -> Physics:
    """Read the tables and fold every term of every process for every source component, with densities at ``events``.

    Folds are taken from ``done`` and added to it: variants that differ in statistics share their physics.
    """
    done = {} if done is None else done
    target = Target.load(tables, declared.target.material)
    electrons = _electrons(declared.target.electrons, target)
    fluxes = _fluxes(declared, tables)
    response = _response(declared.response, tables)
    shared = fold_key(declared)
    processes: list[Process] = []
    templates: list[Template] = []
    for number, process in enumerate(declared.process, 1):
        with located(f"process[{number}]"):
            processes.append(_process(process, electrons))
        key = (shared, process.model_dump_json(), declared.data.events or "")
        if key not in done:
            done[key] = fold(
                fluxes,
                processes[-1:],
                response,
                declared.response.edges,
                exposure=declared.exposure.internal,
                units_per_kg=target.units_per_kg,
                points=events,
            )
        templates += done[key]
    return Physics(
        templates=tuple(templates),
        couplings=tuple(dict.fromkeys(coupling for process in processes for coupling in process.couplings)),
        fluxes=tuple(fluxes),
        rates={m.name: _capture_rates(m, fluxes, tables) for m in declared.measurement},
        cite=(
            *(key for flux in fluxes for key in flux.cite),
            *(key for process in processes for key in process.cite),
            *(key for measurement in declared.measurement for key in measurement.cite),
        ),
    )


def fold_key(declared: Declaration) -> str:
    """What a fold depends on besides its process and its points: variants that agree in it share folds."""
    return declared.model_dump_json(include={"exposure", "target", "flux", "oscillation", "response"})


def _capture_rates(declared: GalliumDeclared, fluxes: Sequence[Flux], tables: Tables) -> dict[str, float]:
    """Captures per component in SNU; the sum means something only if the whole Sun is declared."""
    missing = [name for name in COMPONENTS if name not in [flux.name for flux in fluxes]]
    if missing:
        raise MissingInput(
            "a capture rate sums over all solar neutrinos, but the source lacks some",
            where=f"measurement[{declared.name}]",
            given="without " + ", ".join(missing),
            allowed="all of " + ", ".join(COMPONENTS),
            fix="add them to the components of the flux",
        )
    process = GalliumCapture.load(tables)
    return {flux.name: process.rate(flux) / SNU for flux in fluxes}


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
    if isinstance(declared.resolution, PolynomialResolutionDeclared):
        mean, (noise, stochastic, linear) = tuple(declared.resolution.mean), declared.resolution.sigma
        known_to = declared.resolution.known_to_MeV * MeV
        resolution = PolynomialResolution(mean, noise, stochastic, linear, known_to)
    return Response(
        order=tuple(declared.order),
        resolution=resolution,
        efficiency=efficiency,
        quenching=None if declared.quenching is None else ConstantQuenching(declared.quenching.factor),
        axis=declared.axis,
    )
