"""The physics of a declaration: sources, target, processes and response, folded to templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.detector import build_electrons, build_response
from eventfit.analysis.inputs import USER, Inputs
from eventfit.analysis.measurements import GalliumDeclared
from eventfit.analysis.mechanisms import process_groups
from eventfit.analysis.nuisances import ResponseNuisance
from eventfit.analysis.recoils import strikes_nuclei
from eventfit.analysis.sources import build_fluxes
from eventfit.analysis.systematics import build_distortions
from eventfit.cross_section import SNU, Coupling, GalliumCapture, Process
from eventfit.errors import MissingInput
from eventfit.flux import Flux
from eventfit.flux.solar import COMPONENTS
from eventfit.folding import BendingError, fold, morph
from eventfit.folding.morph import Morphed
from eventfit.folding.refold import acts_on
from eventfit.quadrature import Array
from eventfit.response import Distortion, Response
from eventfit.spectrum import Template
from eventfit.tables import Tables
from eventfit.target import Target

__all__ = ["WEAK", "Folded", "Physics", "build_physics", "fold_key"]

#: name of the process that is scattered weakly, and kind of its declaration
WEAK = "standard_model"
#: what was declared of a fold -> the templates of each of its processes
Folded = dict[tuple[str, ...], tuple[Morphed, ...]]


@dataclass(frozen=True, eq=False)
class Physics:
    """What the statistics side needs to know: templates, the couplings they scale with, and what to cite."""

    templates: tuple[Template, ...]
    couplings: tuple[Coupling, ...]
    fluxes: tuple[Flux, ...]
    processes: tuple[Process, ...]
    target: Target
    #: measurement -> component -> what it makes of it at unit norm, in the unit of the measurement
    rates: Mapping[str, Mapping[str, float]]
    cite: tuple[str, ...]
    #: how exact the morphs are, the worst of all processes for each error of the response and errors together
    bending: tuple[BendingError, ...]

    @property
    def weak(self) -> list[Process]:
        """The weak scattering, if it is declared."""
        return [process for process in self.processes if process.name == WEAK]


def build_physics(
    declared: Declaration, tables: Inputs, events: Array | None = None, done: Folded | None = None
) -> Physics:
    """Read the tables and fold every term of every process for every source component, with densities at ``events``.

    Folds are taken from ``done`` and added to it: variants that differ in statistics share their physics.
    """
    done = {} if done is None else done
    target = Target.load(tables, declared.target.material)
    fluxes = build_fluxes(declared.flux, declared.oscillation, tables)
    nuclei = target.nuclei(tables) if any(strikes_nuclei(process) for process in declared.process) else ()
    groups = process_groups(declared.process, build_electrons(declared.target, target), nuclei)
    processes = [process for group in groups for process in group]
    response = build_response(declared.response, tables, target)
    distortions = build_distortions(declared, response, tables)
    errors = [n for n in declared.nuisance if isinstance(n, ResponseNuisance) and n.name in distortions]
    shared = fold_key(declared)
    read = ",".join(table.sha256 for table in tables.used if table.status == USER)  # files and objects may change
    mechanisms = [process.model_dump_json() for process in declared.process]
    weak = [said for said, process in zip(mechanisms, declared.process, strict=True) if process.kind == WEAK]
    templates: list[Template] = []
    bending: dict[str, BendingError] = {}
    for number, group in enumerate(groups):  # what interferes depends on the weak process, cross terms on all
        own = mechanisms[number : number + 1] or mechanisms
        key = (shared, read, declared.data.model_dump_json(include={"events"}), *own, *weak)
        if key not in done:
            done[key] = tuple(_folded(process, fluxes, response, declared, target, events) for process in group)
        found = done[key]
        if errors:
            key = (*(error.model_dump_json() for error in errors), *key)
            if key not in done:
                tolerance = {error.name: error.tolerance for error in errors}
                scale = declared.exposure.internal * target.units_per_kg
                done[key] = tuple(
                    _bent(one.templates, process, fluxes, response, distortions, tolerance, scale)
                    for one, process in zip(found, group, strict=True)
                )
            found = done[key]
        templates += _added(found)
        for error in (error for one in found for error in one.errors):
            if error.label not in bending or error.error > bending[error.label].error:
                bending[error.label] = error
    return Physics(
        templates=tuple(templates),
        couplings=tuple(dict.fromkeys(coupling for process in processes for coupling in process.couplings)),
        fluxes=tuple(fluxes),
        processes=tuple(processes),
        target=target,
        rates={m.name: _capture_rates(m, fluxes, tables) for m in declared.measurement},
        cite=(
            *(key for flux in fluxes for key in flux.cite),
            *(key for process in processes for key in process.cite),
            *response.cite,
            *(key for measurement in declared.measurement for key in measurement.cite),
        ),
        bending=tuple(bending.values()),
    )


def _folded(
    process: Process,
    fluxes: Sequence[Flux],
    response: Response,
    declared: Declaration,
    target: Target,
    events: Array | None,
) -> Morphed:
    """Templates of one process, which do not bend yet."""
    scale = declared.exposure.internal, target.units_per_kg
    edges = declared.response.edges
    return Morphed(
        fold(fluxes, [process], response, edges, exposure=scale[0], units_per_kg=scale[1], points=events), ()
    )


def _bent(
    templates: Sequence[Template],
    process: Process,
    fluxes: Sequence[Flux],
    response: Response,
    distortions: Mapping[str, Distortion],
    tolerance: Mapping[str, float],
    scale: float,
) -> Morphed:
    """Templates of one process that bend with the errors which act on its recoils."""
    acting = {name: error for name, error in distortions.items() if acts_on(error, process.recoil)}
    if not acting:
        return Morphed(tuple(templates), ())
    allowed = {name: tolerance[name] for name in acting}
    return morph(templates, fluxes, [process], response, acting, allowed, scale=scale)


def _added(group: Sequence[Morphed]) -> Iterator[Template]:
    """Templates of one declared mechanism; those of its processes on different isotopes are added."""
    names = dict.fromkeys(template.process for one in group for template in one.templates)
    for name in names:
        rows = [one.templates for one in group if one.templates[0].process == name]
        for isotopes in zip(*rows, strict=True):
            yield reduce(add, isotopes)


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
