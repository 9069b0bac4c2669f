"""Verbs about declarations: list, validate, cite, schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.options import Json
from eventfit.cli.progress import console

if TYPE_CHECKING:
    from eventfit.likelihood import Likelihood

__all__ = ["cite", "list_analyses", "schema", "validate"]


@app.command("list")
@guarded
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
    console().print(table)


@app.command()
@guarded
def validate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A declaration (.toml) or the id of an analysis.")],
    json: Json = False,
) -> None:
    """Check a declaration and its tables.

    Reads every key, unit, table and name of every variant, folds the templates and states their numerical error, and
    how far the morphs of errors of the response are from exact re-folds within 3 standard deviations.

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
        from eventfit.report.json import dumps, morph_entry

        entries = [{"variant": m.variant, "numerical_error": m.numerical_error, **morph_entry(m)} for m in models]
        typer.echo(dumps({"analysis": analysis.id, "valid": True, "variants": entries}))
        return
    for model in models:
        likelihood = model.likelihood
        typer.echo(
            f"ok: {analysis.id}, {model.variant}: {_data(likelihood)}, {len(likelihood.whole_components)} components, "
            f"{len(likelihood.parameters)} parameters, {len(model.tables)} tables, "
            f"folding error {model.numerical_error:.0e}"
        )
        for error in model.bending:
            typer.echo(f"    morph of {error.label}: error {error.error:.0e} of {error.tolerance:.0e} ({error.where})")


def _data(likelihood: Likelihood) -> str:
    return f"{likelihood.n_bin - 1} single events" if likelihood.unbinned else f"{likelihood.n_bin} bins"


@app.command()
@guarded
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
@guarded
def schema() -> None:
    """Print the JSON Schema of a declaration.

    Editors that know it complete keys and mark errors in analysis.toml.
    """
    from eventfit.analysis import Declaration
    from eventfit.report.json import dumps

    typer.echo(dumps(Declaration.model_json_schema()))
