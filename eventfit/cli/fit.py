"""The verb fit."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import Ending, opened
from eventfit.cli.options import (
    Bounds,
    FluxOption,
    HistoSysOption,
    Json,
    Measurement,
    NormSysOption,
    Output,
    Poi,
    Spectrum,
    Targets,
    Universal,
    Variants,
)
from eventfit.cli.progress import busy

__all__ = ["fit"]


@app.command()
@guarded
def fit(
    target: Targets,
    at: Annotated[
        float | None,
        typer.Option(
            "--at", metavar="VALUE", help="Hold the parameter of interest at this quoted value, 0: no signal."
        ),
    ] = None,
    variant: Variants = None,
    universal: Universal = False,
    spectrum: Spectrum = None,
    flux: FluxOption = None,
    measurement: Measurement = None,
    poi: Poi = None,
    poi_bounds: Bounds = None,
    normsys_code: NormSysOption = None,
    histosys_code: HistoSysOption = None,
    json: Json = False,
    output: Output = None,
) -> None:
    """Best fit: every parameter with its error and pull, events by component, correlations, goodness of fit.

    Errors are those of the curvature (HESSE); 'eventfit interval' gives those of the profile. A parameter at a bound
    has none and is named. With -o DIR also figures of the spectrum, of its components, of pulls and correlations.

    Example: eventfit fit xenon1t_2020 -o figures
    """
    problem = opened(
        target,
        variant,
        measurement,
        normsys_code,
        histosys_code,
        poi,
        poi_bounds,
        universal=universal,
        spectrum=spectrum,
        flux=flux,
    )
    from eventfit.analysis.problem import fitted_value
    from eventfit.inference import Profile
    from eventfit.report.fit import fit_entry

    ending = Ending(json, output)
    with busy("fit"):
        profile = Profile(problem.likelihood, problem.poi)
        result = profile.best if at is None else profile.at(fitted_value(problem.reported, at))
    document = ending.document(problem, "fit", fit_entry(problem, profile, result))

    def figures() -> Any:
        from eventfit.report.result_figures import fit_figures

        return fit_figures(problem, profile, result)

    ending.end(document, "fit", figures)
