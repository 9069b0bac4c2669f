"""The verb reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.options import Jobs, Json, Seed
from eventfit.cli.progress import console, toy_progress

if TYPE_CHECKING:
    from eventfit.analysis import Analysis
    from eventfit.published import Reproduction

__all__ = ["reproduce"]


@app.command()
@guarded
def reproduce(
    analyses: Annotated[list[str], typer.Argument(metavar="ANALYSIS", help="Ids (see 'list') or .toml files.")],
    json: Json = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write figures (PNG, PDF) and the JSON here.")
    ] = None,
    toys: Annotated[
        int,
        typer.Option(
            min=0, help="Toys for the significance, and at each of some 15 values for the interval; default variant."
        ),
    ] = 0,
    seed: Seed = 1,
    jobs: Jobs = 1,
    accept: Annotated[
        bool, typer.Option("--accept", help="In a checkout: store the result as analyses/<id>/result.json.")
    ] = False,
) -> None:
    """Rerun published results, ours beside theirs.

    Computes every declared quantity for every variant and prints quantity, variant, published, ours, ratio, method.
    With -o DIR also the spectrum, the profile and, where neutrinos oscillate, their survival as PNG and PDF, and the
    result as JSON. With --toys N the significance and the interval (Feldman-Cousins) of the default variant also by
    toys, kept below DIR, where an interrupted run goes on; --accept without --toys keeps the accepted rows by toys as
    long as model and versions are theirs.

    Example: eventfit reproduce xenon1t_2020 -o figures
    """
    from eventfit.analysis import Analysis
    from eventfit.report.json import document, dumps
    from eventfit.report.store import accept_result, prepare, require_acceptable, with_stored_toys, write_text

    loaded = [Analysis.load(name) for name in analyses]
    for analysis in loaded if accept else ():
        require_acceptable(analysis)
    folder = prepare(output) if output is not None else None
    results = [_reproduced(analysis, toys, seed, jobs, folder) for analysis in loaded]
    documents = [document(result) for result in results]
    for i, result in enumerate(results) if accept else ():
        documents[i], said = with_stored_toys(result.analysis.id, documents[i])
        if said:
            typer.echo(said, err=True)
    for result, content in zip(results, documents, strict=True):
        if folder is not None:
            _write_figures(result, folder)
            write_text(folder / f"{result.analysis.id}.json", dumps(content) + "\n")
        if accept and not result.failed:
            accept_result(result.analysis, content)
    if json:
        typer.echo(dumps(documents[0] if len(documents) == 1 else documents))
    else:
        for result in results:
            _print(result)
    if any(result.failed for result in results):
        typer.echo("some fits failed: see the status of the rows without a value", err=True)
        raise typer.Exit(3)


def _reproduced(analysis: Analysis, toys: int, seed: int, jobs: int, folder: Path | None) -> Reproduction:
    """Reproduce with progress bars on standard error: the toys, else the variants."""
    from eventfit.published import reproduce as run

    if toys:
        from eventfit.cli.throwing import throwing

        kept = None if folder is None else folder / f"{analysis.id}_toys"
        with throwing(toys, seed=seed, jobs=jobs, run=kept, label=f"{analysis.id}: toys") as thrown:
            return run(analysis, toys=thrown)
    with toy_progress() as progress:
        bar = progress.add_task(analysis.id, total=len(analysis.variants), plain=True)
        return run(
            analysis,
            on_variant=lambda name: progress.update(bar, advance=1, description=f"{analysis.id}: {name}"),
        )


def _print(result: Reproduction) -> None:
    from eventfit.report.text import result_table, table_of_tables

    terminal = console()
    terminal.print(result_table(result))
    for row in result.rows:
        if row.status != "ok":
            terminal.print(
                f"{row.quantity}, {row.variant}: {row.remedy}", style="yellow", highlight=False, markup=False
            )
    terminal.print("variants:", style="bold")
    for name, (meaning, _) in result.analysis.variants.items():
        model = result.runs[name].model
        errors = f"folding error {model.numerical_error:.0e}"
        errors += "" if model.morph_error is None else f", morph error {model.morph_error:.0e}"
        terminal.print(f"  {name}: {meaning} ({errors})", highlight=False, markup=False)
    terminal.print(table_of_tables(result))
    terminal.print(" ".join(f"{name} {number}" for name, number in result.versions.items()), style="dim")


def _write_figures(result: Reproduction, folder: Path) -> None:
    from eventfit.report.figures import other_parameters, profile_figure, save, spectrum_figure
    from eventfit.report.survival_figure import oscillated, survival_figure

    run, figures = result.runs["default"], {}
    if arriving := oscillated(run.model.fluxes):
        figures["survival"] = survival_figure(arriving)
    if run.profile is not None:
        figures |= {"spectrum": spectrum_figure(result), "profile": profile_figure(result)}
        if other_parameters(result):
            figures["other_moments"] = profile_figure(result, others=True)
    for name, figure in figures.items():
        for path in save(figure, folder / f"{result.analysis.id}_{name}"):
            typer.echo(f"wrote {path}", err=True)
