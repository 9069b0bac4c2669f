"""A new signal in the place of the declared one: its recoil spectrum, put through the response of an experiment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eventfit.analysis.declaration import COUNTED, Declaration
from eventfit.analysis.detector import build_electrons, build_response
from eventfit.analysis.nuisances import ComponentNorm, CouplingError, FluxNorm, PoissonNuisance, ScaleNuisance
from eventfit.analysis.physics import Physics
from eventfit.analysis.scaling import ALL, SIGNAL
from eventfit.cross_section import Coupling
from eventfit.errors import DeclarationError, InputError, OutOfRange, located
from eventfit.folding import fold_recoils, seen_recoils
from eventfit.io.recoil_table import RecoilTable, intensity_of, read_recoils
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum, Template
from eventfit.tables import Tables

__all__ = ["STRENGTH", "RecoilSpectrum", "on_off", "recoil_spectrum", "with_signal"]

Rate = Callable[[Array], Array]

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
#: nuisances that do to another signal what they did to the declared one
SCALING = ScaleNuisance | PoissonNuisance | ComponentNorm | FluxNorm
#: more rows of a table than this lie closer than panels need to be cut
MOST_KNOTS = 2000
#: a table that ends with less than this, relative to its largest value, ends with nothing
NEGLIGIBLE = 1e-9


@dataclass(frozen=True, eq=False)
class RecoilSpectrum:
    """The recoil spectrum of a new signal at strength 1.

    Attributes
    ----------
    rate
        Of recoils in keV, in 1/(keV kg s), or with ``flux`` in cm^2/keV per electron.
    table
        Its points; None for a function of Python.
    end
        The largest recoil in keV; infinite for a function without one.
    flux
        In 1/(cm^2 s), what a cross section per electron is multiplied with.
    """

    name: str
    rate: Rate
    table: RecoilTable | None
    end: float
    flux: float | None

    @property
    def per_electron(self) -> bool:
        """Whether it is a cross section, which means the same in every material."""
        return self.flux is not None

    @property
    def sha256(self) -> str:
        """Of the file or the points; empty for a function."""
        return "" if self.table is None else self.table.sha256

    @property
    def thinned(self) -> Rate | None:
        """The spectrum from every second row of its table, both ends kept."""
        if self.table is None or len(self.table.T) < 3:
            return None
        last = len(self.table.T) - 1
        rows = np.unique(np.append(np.arange(0, last, 2), last))
        return _interpolated(self.table.T[rows], self.table.value[rows])

    def notes(self, declared: Declaration, numerical_error: float) -> tuple[str, ...]:
        """What belongs beside a number of a recast."""
        material = declared.target.material
        where = self.name if self.table is None else Path(self.table.where).name
        if self.flux is None:
            meaning = f"recoils per kg of {material}, taken as given"
        else:
            meaning = f"cross section per electron times {self.flux:g} per cm^2 and s"
        found = (
            f"recast: {where} in the place of the declared signal ({meaning}); response, backgrounds and errors as "
            f"declared; numerical error {numerical_error:.1g}"
        )
        cancels = "the signal is taken as absent from what is subtracted (OFF data): one that is always there cancels"
        return (found, cancels) if on_off(declared) else (found,)

    def require(self, low: float, high: float) -> None:
        """Refuse a table that ends where recoils are seen, ``low`` to ``high`` keV, unless it ends with zero."""
        if self.table is None:
            return
        T, value = self.table.T, self.table.value
        first, last = value[[0, -1]] > NEGLIGIBLE * value.max()
        if (T[0] > low and first) or (T[-1] < high and last):
            raise OutOfRange(
                "the spectrum ends where this experiment sees recoils",
                where=self.table.where,
                given=f"{T[0]:g} to {T[-1]:g} keV",
                allowed=f"at least {low:.3g} to {high:.4g} keV, or a value of zero where the recoils end",
                fix="add rows; nothing is extrapolated",
            )


def recoil_spectrum(
    source: object, *, flux: float | None = None, unit: str = "", end_keV: float = np.inf
) -> RecoilSpectrum:
    """The spectrum that ``source`` gives.

    Parameters
    ----------
    source
        A file with a column ``T_keV`` and one such as ``rate_per_keV_kg_day`` or ``sigma_cm2_per_keV``; arrays
        ``(T, values)``; or a function of an array of recoil energies in keV. A spectrum is returned as it is.
    flux
        In 1/(cm^2 s): needed for a cross section per electron, and by nothing else.
    unit
        Of arrays and functions, which have no column to say it: ``per_keV_kg_day``, ``cm2_per_keV`` ...
    end_keV
        The largest recoil of a function.

    Raises
    ------
    InputError
        A flux without a cross section or the other way round, a unit that is missing; and what reading raises.
    """
    if isinstance(source, RecoilSpectrum):
        return source
    if callable(source):
        factor, per_electron = intensity_of(unit, "spectrum")
        name = getattr(source, "__name__", "function").strip("<>")
        given: Rate = source
        found = RecoilSpectrum(name, lambda T: factor * np.asarray(given(T)), None, end_keV, flux)
    else:
        if isinstance(source, str | Path):
            table = read_recoils(source)
            name = Path(source).stem
        elif isinstance(source, tuple) and len(source) == 2:
            table, name = RecoilTable.of(source[0], source[1], unit, "spectrum"), "spectrum"
        else:
            raise InputError(
                "this is no recoil spectrum",
                given=type(source).__name__,
                allowed="a file, a pair of arrays (T, values), or a function of T in keV",
            )
        per_electron = table.per_electron
        found = RecoilSpectrum(name, _interpolated(table.T, table.value), table, float(table.T[-1]), flux)
    _require_flux(flux, per_electron)
    return found


def on_off(declared: Declaration) -> bool:
    """Whether data without the source are subtracted, or measure the background."""
    return declared.off is not None or declared.data.residual is not None


def with_signal(
    declared: Declaration, physics: Physics, signal: RecoilSpectrum, tables: Tables, events: Array | None
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
    response, edges = build_response(declared.response, tables), declared.response.edges
    electrons = build_electrons(declared.target, physics.target)
    with located(f"spectrum {signal.name}"):
        lowest, highest = seen_recoils(response, edges)
        signal.require(lowest, highest)
        per_kg = physics.target.units_per_kg * (signal.flux or 0.0)

        def events_of(rate: Rate) -> Rate:
            return (lambda T: per_kg * electrons.count(T) * rate(T)) if signal.per_electron else rate

        knots = np.empty(0) if signal.table is None or len(signal.table.T) > MOST_KNOTS else signal.table.T
        thinned = signal.thinned
        counts, density, error = fold_recoils(
            events_of(signal.rate),
            response,
            edges,
            exposure=declared.exposure.internal,
            end=min(signal.end, 2.0 * highest),
            knots=np.concatenate([knots, electrons.breakpoints if signal.per_electron else np.empty(0)]),
            thinned=None if thinned is None else events_of(thinned),
            points=events,
        )
    name = STRENGTH.name
    template = Template(Spectrum(edges, counts, name=SIGNAL), "recast", "recast", SIGNAL, {name: 1}, error, density)
    old = [t.name for t in physics.templates if t.powers]
    weak = tuple(t for t in physics.templates if not t.powers)
    changed = replace(
        physics,
        templates=(*weak, template),
        couplings=(STRENGTH,),
        processes=tuple(process for process in physics.processes if not process.couplings),
    )
    nuisances = [_carried_over(nuisance, old) for nuisance in declared.nuisance]
    kept = [n for n in nuisances if not (isinstance(n, FluxNorm) and _idle(n, declared, weak))]
    return declared.model_copy(update={"poi": name, "nuisance": kept}), changed


def _interpolated(T: Array, value: Array) -> Rate:
    return lambda at: np.interp(at, T, value, right=0.0)


def _require_flux(flux: float | None, per_electron: bool) -> None:
    if per_electron != (flux is not None):
        raise InputError(
            "a cross section needs the flux that it is averaged over" if per_electron else "a rate needs no flux",
            where="spectrum",
            given="no flux" if flux is None else f"a flux of {flux:g} per cm^2 and s",
            fix="add --flux in 1/(cm^2 s)" if per_electron else "leave --flux out, or give sigma_cm2_per_keV",
        )
    if flux is not None and not 0.0 < flux < np.inf:
        raise OutOfRange("a flux is a positive number", given=flux, allowed="1/(cm^2 s)")


def _carried_over(nuisance: Any, old: list[str]) -> Any:
    """A nuisance with the new signal wherever it named the old one."""
    if isinstance(nuisance, CouplingError):
        raise DeclarationError(
            "a systematic error of the declared coupling says nothing about another signal",
            where=f"nuisance[{nuisance.name}]",
            given=nuisance.kind,
            fix="recast a variant without it",
        )
    if not isinstance(nuisance, SCALING):
        raise DeclarationError(
            "a recast does not know what this error does to another signal",
            where=f"nuisance[{nuisance.name}]",
            given=nuisance.kind,
            allowed="errors that scale a signal or a background",
            fix="recast a variant without it",
        )
    if isinstance(nuisance, ScaleNuisance | PoissonNuisance | ComponentNorm) and nuisance.applies_to != ALL:
        names = [SIGNAL if name in old else name for name in nuisance.applies_to]
        return nuisance.model_copy(update={"applies_to": list(dict.fromkeys(names))})
    return nuisance


def _idle(norm: FluxNorm, declared: Declaration, weak: tuple[Template, ...]) -> bool:
    """Whether a flux norm scaled nothing but the old signal."""
    measured = any(norm.name in measurement.norms for measurement in declared.measurement)
    return not measured and not any(template.component in norm.components for template in weak)
