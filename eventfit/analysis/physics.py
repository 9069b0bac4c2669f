"""The physics of a declaration: sources, target, processes and response, folded to templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.detector import build_electrons, build_response
from eventfit.analysis.measurements import GalliumDeclared
from eventfit.analysis.mechanisms import process_groups
from eventfit.analysis.recoils import strikes_nuclei
from eventfit.analysis.sources import build_fluxes
from eventfit.cross_section import SNU, Coupling, GalliumCapture, Process
from eventfit.errors import MissingInput
from eventfit.flux import Flux
from eventfit.flux.solar import COMPONENTS
from eventfit.folding import fold
from eventfit.quadrature import Array
from eventfit.response import Response
from eventfit.spectrum import Template
from eventfit.tables import Tables
from eventfit.target import Target

__all__ = ["WEAK", "Folded", "Physics", "build_physics", "fold_key"]

#: name of the process that is scattered weakly, and kind of its declaration
WEAK = "standard_model"
#: what was declared of a fold -> its templates
Folded = dict[tuple[str, ...], tuple[Template, ...]]


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

    @property
    def weak(self) -> list[Process]:
        """The weak scattering, if it is declared."""
        return [process for process in self.processes if process.name == WEAK]


def build_physics(
    declared: Declaration, tables: Tables, events: Array | None = None, done: Folded | None = None
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
    shared = fold_key(declared)
    mechanisms = [process.model_dump_json() for process in declared.process]
    weak = [said for said, process in zip(mechanisms, declared.process, strict=True) if process.kind == WEAK]
    templates: list[Template] = []
    for number, group in enumerate(groups):  # what interferes depends on the weak process, cross terms on all
        own = mechanisms[number : number + 1] or mechanisms
        key = (shared, declared.data.events or "", *own, *weak)
        if key not in done:
            done[key] = tuple(_folded(group, fluxes, response, declared, target, events))
        templates += done[key]
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
    )


def _folded(
    group: Sequence[Process],
    fluxes: Sequence[Flux],
    response: Response,
    declared: Declaration,
    target: Target,
    events: Array | None,
) -> Iterator[Template]:
    """Templates of one declared mechanism; those of its processes on different isotopes are added."""
    for name in dict.fromkeys(process.name for process in group):
        rows = [
            fold(
                fluxes,
                [process],
                response,
                declared.response.edges,
                exposure=declared.exposure.internal,
                units_per_kg=target.units_per_kg,
                points=events,
            )
            for process in group
            if process.name == name
        ]
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
