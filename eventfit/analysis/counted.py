"""A counted number as counts in the one bin of a declaration: in units of the weak scattering that it expects there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from eventfit.analysis.binning import require_bins
from eventfit.analysis.counting import CountedDeclared, OverEnergyDeclared, PerFissionDeclared, RatioDeclared
from eventfit.analysis.declaration import COUNTED, Declaration
from eventfit.analysis.physics import WEAK, Physics
from eventfit.errors import BadTable, DeclarationError, OutOfRange, located
from eventfit.flux import Flux
from eventfit.flux.reactor import ReactorFlux
from eventfit.folding import ORDER_E
from eventfit.quadrature import Array
from eventfit.rates import total_rates
from eventfit.response import KeV
from eventfit.tables import Tables

__all__ = ["counted", "weak_over_energy", "weak_per_fission"]


def counted(declared: Declaration, physics: Physics, tables: Tables) -> tuple[float, float]:
    """Counts of the declared exposure in the one bin, and their error.

    The number is taken relative to the weak scattering of the components that it names, which is expected from the same
    flux, target and response; so neither the norm of the flux nor the exposure matters. What is expected weakly from
    the other components is added, and cancels in the fit.

    Raises
    ------
    DeclarationError
        More than one bin, no weak process, an unknown component, backgrounds beside a number without them, a cross
        section that the source cannot have.
    BadTable, OutOfRange
        A table of several rows, without errors, or with another window.
    """
    number = declared.data.counted
    assert number is not None
    form = next(name for name in COUNTED if getattr(declared.data, name) is number)
    weak = {t.component: float(t.spectrum.values().sum()) for t in physics.templates if t.process == WEAK}
    _require_one_bin(declared, form, number, weak)
    of = list(weak) if number.of is None else number.of
    with located(f"data.{form}"):
        value, errors = _numbers(number, declared, tables)
        unit = sum(weak[name] for name in of) / _weak_value(number, declared, physics, of)
        if not unit > 0.0:
            raise OutOfRange(
                "nothing scatters weakly into the window", given=", ".join(of), fix="widen response.edges_keV"
            )
    rest = sum(counts for name, counts in weak.items() if name not in of)
    return value * unit + rest, math.hypot(*errors) * unit


def weak_per_fission(physics: Physics, reactors: Sequence[ReactorFlux], edges: Array) -> float:
    """The expected weak cross section in cm^2 per electron and fission, for recoils between the ends of ``edges``."""
    rates = total_rates(
        reactors, physics.weak[0], exposure=1.0, units_per_kg=1.0, window=(float(edges[0]), float(edges[-1]))
    )
    per_electron = sum(rate.events for rate in rates) / physics.target.electrons
    return per_electron / sum(flux.fission_rate for flux in reactors)


def weak_over_energy(physics: Physics, fluxes: Sequence[Flux]) -> float:
    """The expected int flux sigma dE / int flux E dE in cm^2/keV, of all recoils on one electron."""
    rates = total_rates(fluxes, physics.weak[0], exposure=1.0, units_per_kg=1.0)
    measures = [measure for flux in fluxes for measure in flux.measure("flavour", order=ORDER_E).values()]
    energy = sum(measure.integral(lambda E: E) for measure in measures)
    return sum(rate.events for rate in rates) / physics.target.electrons / energy


def _weak_value(number: CountedDeclared, declared: Declaration, physics: Physics, of: Sequence[str]) -> float:
    """What the number would be if there were nothing but the weak scattering ``of`` these components."""
    if isinstance(number, RatioDeclared):
        return 1.0
    fluxes = [flux for flux in physics.fluxes if flux.name in of]
    if isinstance(number, OverEnergyDeclared):
        return weak_over_energy(physics, fluxes)
    assert isinstance(number, PerFissionDeclared)
    reactors = [flux for flux in fluxes if isinstance(flux, ReactorFlux)]
    if len(reactors) < len(fluxes) or declared.response.axis != KeV:
        raise DeclarationError(
            "a cross section per fission needs reactors, and a window of recoil energies",
            given=f"{', '.join(flux.name for flux in fluxes if flux not in reactors) or 'edges_n_hits'}",
            allowed='sources of kind = "reactor" and edges_keV',
            fix="name the reactor in 'of', or give the number as a ratio to the weak rate",
        )
    return weak_per_fission(physics, reactors, declared.response.edges)


def _numbers(number: CountedDeclared, declared: Declaration, tables: Tables) -> tuple[float, list[float]]:
    """The number and its errors, from the table or as they are given."""
    if number.table is None:
        return number.numbers
    table = tables.read(number.table)
    if table.is_binned:
        require_bins(table, declared.response)
    errors = number.error_columns or [name for name in table.columns if name.startswith("error")]
    values = table[number.column]
    if len(values) != 1 or not errors or any(table[name][0] <= 0.0 for name in errors):
        raise BadTable(
            "a counted number needs a table of one row, with errors above zero",
            where=table.name,
            given=f"{len(values)} rows, {', '.join(errors) or 'no column that begins with error'}",
            allowed=f"one row with {number.column} and columns that begin with error",
        )
    return float(values[0]), [float(table[name][0]) for name in errors]


def _require_one_bin(declared: Declaration, form: str, number: CountedDeclared, weak: Mapping[str, float]) -> None:
    """One bin, the weak scattering of every named component, and nothing that was subtracted already."""
    bins, unknown = len(declared.response.edges) - 1, [name for name in number.of or [] if name not in weak]
    if bins != 1 or not weak or unknown:
        raise DeclarationError(
            "a counted number needs one bin, and a weak process for the components that it names",
            where=f"data.{form}",
            given=f"{bins} bin{'s' if bins > 1 else ''}, weak scattering of {', '.join(weak) or 'nothing'}"
            + (f", not of {', '.join(unknown)}" if unknown else ""),
            fix='declare one bin and a process of kind = "standard_model"',
        )
    subtracted = [item.name for item in declared.background] + (["off"] if declared.off is not None else [])
    if subtracted:
        raise DeclarationError(
            "the background of a counted number has been subtracted, and would count twice",
            where=f"data.{form}",
            given=f"beside {', '.join(subtracted)}",
            fix="leave backgrounds and [off] out, or declare the observed counts instead",
        )
