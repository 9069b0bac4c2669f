"""The verb contour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import Ending, opened
from eventfit.cli.options import (
    Bounds,
    HistoSysOption,
    Json,
    Measurement,
    NormSysOption,
    Output,
    Targets,
    Universal,
    Variants,
)
from eventfit.cli.progress import busy

if TYPE_CHECKING:
    from eventfit.analysis.problem import Problem

__all__ = ["contour"]

Range = tuple[float, float] | None


@app.command()
@guarded
def contour(
    target: Targets,
    x: Annotated[str, typer.Argument(metavar="X", help="A parameter, e.g. mu2.")],
    y: Annotated[str, typer.Argument(metavar="Y", help="Another one, e.g. b0_scale.")],
    points: Annotated[int, typer.Option("--points", min=5, help="Values of each.")] = 41,
    x_range: Annotated[
        Range, typer.Option("--x-range", metavar="LOW HIGH", help="Of X, as fitted.", show_default=False)
    ] = None,
    y_range: Annotated[
        Range, typer.Option("--y-range", metavar="LOW HIGH", help="Of Y, as fitted.", show_default=False)
    ] = None,
    variant: Variants = None,
    universal: Universal = False,
    measurement: Measurement = None,
    poi_bounds: Bounds = None,
    normsys_code: NormSysOption = None,
    histosys_code: HistoSysOption = None,
    json: Json = False,
    output: Output = None,
) -> None:
    """Contours of two parameters at 68, 90 and 95 %, all others re-optimised.

    The heights of -2 Delta ln L are the chi-square quantiles with two degrees of freedom. Both axes are fit parameters:
    mu2, not mu_nu. A nuisance parameter of an analysis may leave out the analysis' name.

    Example: eventfit contour xenon1t_2020 mu2 efficiency_scale -o figures
    """
    from eventfit.errors import OutOfRange

    for name, span in (("--x-range", x_range), ("--y-range", y_range)):
        if span is not None and not span[0] < span[1]:
            raise OutOfRange("a range encloses nothing", given=f"{name} {span[0]:g} {span[1]:g}")
    problem = opened(
        target,
        variant,
        measurement,
        normsys_code,
        histosys_code,
        None,
        poi_bounds,
        universal=universal,
    )
    from eventfit.inference import contour as profile_contour
    from eventfit.report.result import contour_entry

    names = [problem.parameter(name)[0] for name in (x, y)]
    ending = Ending(json, output)
    with busy(f"contour of {names[0]} and {names[1]}"):
        found = profile_contour(problem.likelihood, names[0], names[1], points=points, x_range=x_range, y_range=y_range)
    labels = (_label(problem, names[0]), _label(problem, names[1]))
    document = ending.document(problem, "contour", contour_entry(found, labels))

    def figures() -> Any:
        from eventfit.report.result_figures import contour_figures

        return contour_figures(problem, found, labels)

    ending.end(document, f"contour_{names[0]}_{names[1]}", figures)


def _label(problem: Problem, name: str) -> str:
    unit = problem.likelihood.parameters[problem.likelihood.index(name)].unit
    return f"{name} [{unit}]" if unit else name
