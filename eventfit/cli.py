"""The command line: one verb per job. Heavy imports stay inside the verb that needs them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

if TYPE_CHECKING:
    from eventfit.published import Reproduction

P = ParamSpec("P")

app = typer.Typer(
    name="eventfit",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rendering help with rich would double its time
    pretty_exceptions_enable=False,
    help="From a neutrino flux, a cross section and a detector response to a likelihood-ratio result.",
    epilog="Start with: eventfit reproduce xenon1t_2020. "
    "Exit codes: 0 ok, 2 bad input, 3 fit or statistics failure, 4 writing failed, 130 interrupted.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("eventfit"))
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


def _guarded(verb: Callable[P, None]) -> Callable[P, None]:
    """A named error becomes one message on standard error and its exit code; never a traceback."""

    @functools.wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from eventfit.errors import EventfitError

        try:
            verb(*args, **kwargs)
            sys.stdout.flush()
        except EventfitError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            from eventfit.report.store import silence

            silence(sys.stdout)
            if not isinstance(error, BrokenPipeError):
                typer.echo(f"WriteFailed: standard output could not be written\n  given:   {error.strerror}", err=True)
            raise typer.Exit(4) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None

    return run


@app.command("list")
@_guarded
def list_analyses(json: Json = False) -> None:
    """List the analyses that come with eventfit.

    One line each: id, title, parameter of interest, variants.
    """
    from eventfit.analysis import Analysis, shipped_analyses

    loaded = [Analysis.load(name) for name in shipped_analyses()]
    if json:
        from eventfit.report.json import dumps

        keys = [(a.id, a.default.title, a.default.poi, list(a.variants)) for a in loaded]
        typer.echo(dumps([dict(zip(("analysis", "title", "poi", "variants"), key, strict=True)) for key in keys]))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold")
    for column in ("analysis", "title", "parameter", "variants"):
        table.add_column(column)
    for a in loaded:
        table.add_row(a.id, Text(a.default.title), a.default.poi, ", ".join(a.variants))
    _console().print(table)


@app.command()
@_guarded
def reproduce(
    analyses: Annotated[list[str], typer.Argument(metavar="ANALYSIS", help="Ids (see 'list') or .toml files.")],
    json: Json = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write figures (PNG, PDF) and the JSON here.")
    ] = None,
    toys: Annotated[
        int, typer.Option(min=0, help="Toys for the significance of the default variant; about 200 a second.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the toys: the same seed gives the same toys.")] = 1,
    accept: Annotated[
        bool, typer.Option("--accept", help="In a checkout: store the result as analyses/<id>/result.json.")
    ] = False,
) -> None:
    """Rerun published results, ours beside theirs.

    Computes every declared quantity for every variant and prints quantity, variant, published, ours, ratio, method.
    With -o DIR also the spectrum and the profile as PNG and PDF, and the result as JSON.

    Example: eventfit reproduce xenon1t_2020 -o figures
    """
    from eventfit.analysis import Analysis
    from eventfit.report.json import document, dumps
    from eventfit.report.store import accept_result, prepare, require_acceptable, write_text

    loaded = [Analysis.load(name) for name in analyses]
    for analysis in loaded if accept else ():
        require_acceptable(analysis)
    folder = prepare(output) if output is not None else None
    results = [_reproduced(analysis, toys, seed) for analysis in loaded]
    documents = [document(result) for result in results]
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


@app.command()
@_guarded
def validate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A declaration (.toml) or the id of an analysis.")],
    json: Json = False,
) -> None:
    """Check a declaration and its tables.

    Reads every key, unit, table and name of every variant, folds the templates and states their numerical error.

    Example: eventfit validate my_experiment/analysis.toml
    """
    from eventfit.analysis import Analysis
    from eventfit.published import check_published
    from eventfit.report.bibliography import bibliography, reference

    analysis = Analysis.load(file)
    check_published(analysis)
    models = [analysis.model(name) for name in analysis.variants]
    for table in {table.name: table for model in models for table in model.tables}.values():
        table.verify()
    known = bibliography()
    for key in (key for model in models for key in model.cite):
        reference(key, known)
    if json:
        from eventfit.report.json import dumps

        entries = [{"variant": m.variant, "numerical_error": m.numerical_error} for m in models]
        typer.echo(dumps({"analysis": analysis.id, "valid": True, "variants": entries}))
        return
    for model in models:
        likelihood = model.likelihood
        typer.echo(
            f"ok: {analysis.id}, {model.variant}: {likelihood.n_bin} bins, {len(likelihood.components)} components, "
            f"{len(likelihood.parameters)} parameters, {len(model.tables)} tables, "
            f"folding error {model.numerical_error:.0e}"
        )


@app.command()
@_guarded
def cite(
    analysis: Annotated[str, typer.Argument(metavar="ANALYSIS", help="An id or a .toml file.")],
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Print BibTeX instead of one line each.")] = False,
) -> None:
    """Print the bibliography of an analysis.

    The paper, every table that any variant reads, the formulas and the statistical methods.

    Example: eventfit cite xenon1t_2020 --bibtex
    """
    from eventfit.analysis import Analysis
    from eventfit.report.bibliography import METHODS, bibliography, reference
    from eventfit.report.bibliography import bibtex as as_bibtex

    loaded, entries = Analysis.load(analysis), bibliography()
    cited = [key for name in loaded.variants for key in loaded.model(name).cite]
    keys = list(dict.fromkeys([*cited, *METHODS]))
    if bibtex:
        typer.echo(as_bibtex(keys, entries))
        return
    for key in keys:
        typer.echo(f"[{key}] {reference(key, entries)}")


@app.command()
@_guarded
def schema() -> None:
    """Print the JSON Schema of a declaration.

    Editors that know it complete keys and mark errors in analysis.toml.
    """
    from eventfit.analysis import Declaration
    from eventfit.report.json import dumps

    typer.echo(dumps(Declaration.model_json_schema()))


def _console(**options: Any) -> Any:
    """A rich console; wide enough for the tables when the output is not a terminal."""
    from rich.console import Console

    stream = sys.stderr if options.get("stderr") else sys.stdout
    return Console(width=None if stream.isatty() else 160, **options)


def _reproduced(analysis: Any, toys: int, seed: int) -> Reproduction:
    """Reproduce with a progress bar on standard error: one step a variant, one a toy."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from eventfit.published import reproduce as run

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    quiet = not sys.stderr.isatty()
    with Progress(*columns, console=_console(stderr=True), transient=True, disable=quiet) as progress:
        variants = progress.add_task(analysis.id, total=len(analysis.variants))
        bar = progress.add_task("toys", total=toys, visible=toys > 0)
        return run(
            analysis,
            toys=toys,
            seed=seed,
            on_variant=lambda name: progress.update(variants, advance=1, description=f"{analysis.id}: {name}"),
            on_toys=lambda n: progress.update(bar, advance=n),
        )


def _print(result: Reproduction) -> None:
    from eventfit.report.text import result_table, table_of_tables

    console = _console()
    console.print(result_table(result))
    for row in result.rows:
        if row.status != "ok":
            console.print(f"{row.quantity}, {row.variant}: {row.remedy}", style="yellow", highlight=False, markup=False)
    console.print("variants:", style="bold")
    for name, (meaning, _) in result.analysis.variants.items():
        error = result.runs[name].model.numerical_error
        console.print(f"  {name}: {meaning} (folding error {error:.0e})", highlight=False, markup=False)
    console.print(table_of_tables(result))
    console.print(" ".join(f"{name} {number}" for name, number in result.versions.items()), style="dim")


def _write_figures(result: Reproduction, folder: Path) -> None:
    from eventfit.report.figures import profile_figure, save, spectrum_figure

    if result.runs["default"].profile is None:
        return
    figures = {"spectrum": spectrum_figure(result), "profile": profile_figure(result)}
    for name, figure in figures.items():
        for path in save(figure, folder / f"{result.analysis.id}_{name}"):
            typer.echo(f"wrote {path}", err=True)
