"""The verb inspect."""

from __future__ import annotations

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import file_name, opened
from eventfit.cli.options import HistoSysOption, Json, Measurement, NormSysOption, Output, Poi, Target, Variant

__all__ = ["inspect"]


@app.command()
@guarded
def inspect(
    target: Target,
    variant: Variant = None,
    measurement: Measurement = None,
    poi: Poi = None,
    normsys_code: NormSysOption = None,
    histosys_code: HistoSysOption = None,
    json: Json = False,
    output: Output = None,
) -> None:
    """What was understood, before any fit.

    The bins and what is in them; parameters with start, bounds and what was measured beforehand; events of every
    component at the start, and of the signal at a unit coupling; tables and files with their status and sha256; the
    numerical error of the templates. With -o DIR also a quick-look figure.

    Example: eventfit inspect my_experiment/analysis.toml -o figures
    """
    problem = opened(target, variant, measurement, normsys_code, histosys_code, poi, None)
    if output is not None:
        from eventfit.report.store import prepare

        prepare(output)
    from eventfit.report.inspection import inspection_document, inspection_text
    from eventfit.report.json import dumps

    variants = {} if problem.variant is None else _variants(target)
    document = inspection_document(problem, variants)
    typer.echo(dumps(document) if json else inspection_text(document))
    if output is not None:
        from eventfit.report.figures import save
        from eventfit.report.quick_look import quick_look_figure
        from eventfit.report.store import write_text

        stem = file_name(document, "inspect")
        write_text(output / f"{stem}.json", dumps(document) + "\n")
        for path in (output / f"{stem}.json", *save(quick_look_figure(problem), output / stem)):
            typer.echo(f"wrote {path}", err=True)


def _variants(target: str) -> dict[str, str]:
    """The variants of an analysis and what each changes."""
    from eventfit.analysis import Analysis

    return {name: meaning for name, (meaning, _) in Analysis.load(target).variants.items()}
