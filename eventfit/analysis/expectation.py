"""What an analysis expects: events per component and term through its response, and its backgrounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eventfit.analysis.model import Model
from eventfit.rates import SOLAR_SUMS, RateRow, rate_rows
from eventfit.rates.total import total_flux
from eventfit.spectrum import Template

__all__ = ["BACKGROUND", "Expectation", "expectation"]

#: the column of the backgrounds
BACKGROUND = "background"


@dataclass(frozen=True, eq=False)
class Expectation:
    """Expected events of ``model`` in its window; ``columns`` name the terms with the couplings they are taken at."""

    model: Model
    columns: Mapping[str, str]
    rows: tuple[RateRow, ...]


def expectation(model: Model) -> Expectation:
    """Events of every template at unit couplings and of every background at its nominal norm."""
    columns = {template.term: _coefficient(model, template) for template in model.templates}
    if model.backgrounds:
        columns[BACKGROUND] = "at its nominal norm"
    components = {
        flux.name: (
            total_flux(flux),
            {t.term: float(t.spectrum.values().sum()) for t in model.templates if t.component == flux.name},
        )
        for flux in model.fluxes
    }
    backgrounds = {b.name: {BACKGROUND: float(b.values().sum())} for b in model.backgrounds}
    return Expectation(model, columns, rate_rows(components, SOLAR_SUMS, backgrounds))


def _coefficient(model: Model, template: Template) -> str:
    """The values of its couplings that the template was folded with."""
    values = [f"{c.reported} = {c.scale:g} {c.reported_unit}" for c in model.couplings if c.name in template.powers]
    return f"{template.process.replace('_', ' ')} " + (f"at {', '.join(values)}" if values else "scattering")
