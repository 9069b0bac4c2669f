"""The rates of a source in a target, side by side with and without what one may leave out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventfit.cross_section import CorrectedElectron, MagneticMoment, Process, StandardModelElectron
from eventfit.errors import OutOfRange
from eventfit.flux import Flux
from eventfit.quadrature import Array
from eventfit.rates.source import Source
from eventfit.rates.table import RateRow, rate_rows
from eventfit.rates.total import Window, largest_recoil, recoil_spectrum, total_rates, window_of
from eventfit.target import Target

__all__ = ["PREDICTED", "Case", "Prediction", "Weak", "predict_rates"]

Weak = StandardModelElectron | CorrectedElectron
#: the column that was asked for; the others leave something out, or stand beside it
PREDICTED = "predicted"


@dataclass(frozen=True, eq=False)
class Case:
    """A way to compute the rates: a column. ``scale`` is the coefficient of the one term of ``process``."""

    name: str
    meaning: str
    fluxes: tuple[Flux, ...]
    process: Process
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Prediction:
    """Expected events by component and column.

    Attributes
    ----------
    exposure
        In kg s.
    window
        Recoil energies in keV that were counted, already without what lies beyond the largest recoil.
    numerical_error
        Largest relative change of any rate when all quadrature nodes are doubled.
    """

    source: Source
    target: Target
    process: Weak
    cases: tuple[Case, ...]
    rows: tuple[RateRow, ...]
    exposure: float
    window: Window
    numerical_error: float

    @property
    def all_recoils(self) -> bool:
        """Whether the window leaves no recoil out."""
        return self.window == (0.0, largest_recoil(self.source.fluxes, self.process))

    @property
    def cite(self) -> tuple[str, ...]:
        """Bibliography keys of fluxes and formulas."""
        fluxes = [key for case in self.cases for flux in case.fluxes for key in flux.cite]
        return tuple(dict.fromkeys([*fluxes, *(key for case in self.cases for key in case.process.cite)]))

    def row(self, name: str) -> RateRow:
        """The row called ``name``."""
        return next(row for row in self.rows if row.name == name)

    def spectra(self, T: Array, column: str = PREDICTED) -> Mapping[str, Array]:
        """Component -> dR/dT at recoils ``T`` (n_T,) above zero, in events per keV."""
        case = next(case for case in self.cases if case.name == column)
        per_kg = {"exposure": self.exposure, "units_per_kg": self.target.units_per_kg}
        return {f.name: case.scale * recoil_spectrum(f, case.process, T, **per_kg)[0] for f in case.fluxes}


def predict_rates(
    source: Source,
    target: Target,
    process: Weak,
    *,
    exposure: float,
    window: Window | None = None,
    moment: float | None = None,
) -> Prediction:
    """Events of ``source`` in ``target``: as asked, without oscillation, without corrections, and of a magnetic moment.

    "Without corrections" is the tree level with the same sin^2 theta_W, so that nothing else differs; a tree level with
    the low-energy angle is a ``process`` of its own.

    Parameters
    ----------
    process
        Weak scattering on the electrons of ``target``.
    exposure
        In kg s.
    window
        True recoil energies in keV; None for all recoils, from zero.
    moment
        A flavour-universal magnetic moment in mu_B, whose events are a column of their own; it needs a ``window``.

    Raises
    ------
    OutOfRange
        An exposure, a window or a moment without meaning.
    """
    if not 0.0 < exposure < math.inf:
        raise OutOfRange("an exposure is a positive number", where="exposure", given=f"{exposure:g} kg s")
    cases = _cases(source, process, moment)
    per_kg = {"exposure": exposure, "units_per_kg": target.units_per_kg}
    rates = {c.name: total_rates(c.fluxes, c.process, window=window, **per_kg) for c in cases}
    events = {c.name: {rate.component: c.scale * rate.events for rate in rates[c.name]} for c in cases}
    components = {
        rate.component: (rate.flux, {name: found[rate.component] for name, found in events.items()})
        for rate in rates[PREDICTED]
    }
    return Prediction(
        source=source,
        target=target,
        process=process,
        cases=cases,
        rows=rate_rows(components, source.sums),
        exposure=exposure,
        window=window_of(source.fluxes, process, window),
        numerical_error=max(rate.numerical_error for column in rates.values() for rate in column),
    )


def _cases(source: Source, process: Weak, moment: float | None) -> tuple[Case, ...]:
    cases = [Case(PREDICTED, f"{source.meaning}; {_said(process)}", source.fluxes, process)]
    if source.unoscillated:
        cases.append(Case("without_oscillation", "every neutrino arrives as it was born", source.unoscillated, process))
    if isinstance(process, CorrectedElectron):
        tree = StandardModelElectron(process.electrons, process.sin2_theta_w_mz)
        cases.append(
            Case(
                "tree_level",
                f"no radiative corrections, {_angle(tree)} as before: nothing else differs",
                source.fluxes,
                tree,
            )
        )
    if moment is not None:
        magnetic = MagneticMoment(process.electrons)
        what = f"events of a flavour-universal magnetic moment of {moment:g} mu_B alone, to be added to the others"
        cases.append(Case("magnetic", what, source.fluxes, magnetic, _squared(magnetic, moment)))
    return tuple(cases)


def _said(process: Weak) -> str:
    """Order and mixing angle in words."""
    if isinstance(process, CorrectedElectron):
        parts = "electroweak and QED corrections" if process.qed else "electroweak corrections without QED"
        return f"{parts}, sin^2 theta_W(M_Z) = {process.sin2_theta_w_mz:g}"
    return f"tree level, {_angle(process)}"


def _angle(process: StandardModelElectron) -> str:
    return f"sin^2 theta_W = {process.sin2_theta_w:g}"


def _squared(process: MagneticMoment, moment: float) -> float:
    """The coefficient of the magnetic term."""
    if not 0.0 < moment < math.inf:
        raise OutOfRange(
            "this is not a magnetic moment",
            where="moment",
            given=f"{moment:g} mu_B",
            allowed="a positive number of Bohr magnetons, e.g. 1e-11",
            fix="leave it out for no moment",
        )
    coupling = process.couplings[0]
    return float(np.power(moment / coupling.scale, coupling.power))
