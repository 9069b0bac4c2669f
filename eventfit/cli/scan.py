"""The verb scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

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
    Spectrum,
    Targets,
    Universal,
    Variants,
)

if TYPE_CHECKING:
    from eventfit.inference import Profile
    from eventfit.parameters import Reported
    from eventfit.quadrature import Array

__all__ = ["scan", "scan_values"]

#: without --range a scan reaches to this height, three standard deviations
REACH = 9.0


@app.command()
@guarded
def scan(
    target: Targets,
    parameter: Annotated[
        str | None, typer.Option("--parameter", metavar="NAME", help="Any parameter; that of interest by default.")
    ] = None,
    points: Annotated[int, typer.Option("--points", min=2, help="Values, evenly spaced in the quoted quantity.")] = 50,
    span: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--range", metavar="LOW HIGH", help="In the quoted quantity; by default 3 sigma.", show_default=False
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Also with the other parameters held at the best fit: narrower.")
    ] = False,
    variant: Variants = None,
    universal: Universal = False,
    spectrum: Spectrum = None,
    flux: FluxOption = None,
    measurement: Measurement = None,
    poi_bounds: Bounds = None,
    normsys_code: NormSysOption = None,
    histosys_code: HistoSysOption = None,
    json: Json = False,
    output: Output = None,
) -> None:
    """-2 Delta ln L against one parameter, all others re-optimised at every value (the profile).

    --raw adds the curve with the others held at the best fit, which ignores their uncertainty.

    Example: eventfit scan xenon1t_2020 --range 0 4e-11 --points 81 --raw -o figures
    """
    problem = opened(
        target,
        variant,
        measurement,
        normsys_code,
        histosys_code,
        parameter,
        poi_bounds,
        universal=universal,
        spectrum=spectrum,
        flux=flux,
    )
    from eventfit.inference import Profile
    from eventfit.inference.card import profile_card
    from eventfit.inference.statistic import COWAN
    from eventfit.report.result import scan_entry

    profile, reported = Profile(problem.likelihood, problem.poi), problem.reported
    values = scan_values(profile, reported, points, span)
    ending = Ending(json, output)
    scanned = profile.scan(values)
    held = profile.raw_scan(values) if raw else None
    card = profile_card(
        profile,
        method="profile likelihood scan",
        statistic="-2 Delta ln L",
        reference=COWAN,
        calibration="none",
        note="factors per bin are at their best in the raw scan too" if raw and problem.likelihood.scales else "",
    )
    document = ending.document(problem, "scan", scan_entry(scanned, reported, card, held))

    def figures() -> Any:
        from eventfit.report.result_figures import scan_figures

        return scan_figures(problem, profile, held)

    ending.end(document, "scan" if parameter is None else f"scan_{problem.poi}", figures)


def scan_values(profile: Profile, reported: Reported, points: int, span: tuple[float, float] | None) -> Array:
    """Fit values, evenly spaced as they are quoted."""
    import numpy as np

    from eventfit.analysis.problem import fitted_value
    from eventfit.errors import OutOfRange

    if span is None:
        crossings = [profile.crossing(REACH, side) for side in (-1, +1)]
        ends = [bound if end is None else end for end, bound in zip(crossings, profile.bounds, strict=True)]
        low, high = (reported.value(end) for end in ends)
    else:
        low, high = span
    if not low < high:
        raise OutOfRange("the range of a scan encloses nothing", given=f"{low:g} to {high:g}", allowed="low, then high")
    fitted = np.array([fitted_value(reported, float(value)) for value in np.linspace(low, high, points)])
    # the ends of a default range come back from quoting with a rounding that may leave the bounds
    return fitted if span is not None else np.clip(fitted, *profile.bounds)
