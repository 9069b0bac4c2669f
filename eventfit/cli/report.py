"""The verb report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import file_name, opened
from eventfit.cli.options import (
    Bounds,
    Cl,
    HistoSysOption,
    Measurement,
    NormSysOption,
    Poi,
    Target,
    Variant,
)
from eventfit.cli.progress import toy_progress

if TYPE_CHECKING:
    from eventfit.analysis.problem import Problem
    from eventfit.report.html import Findings

__all__ = ["report"]


@app.command()
@guarded
def report(
    target: Target,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Write NAME_report.html here; else to standard output."),
    ] = None,
    cl: Cl = 0.90,
    variant: Variant = None,
    measurement: Measurement = None,
    poi: Poi = None,
    poi_bounds: Bounds = None,
    normsys_code: NormSysOption = None,
    histosys_code: HistoSysOption = None,
) -> None:
    """One page of HTML with everything behind a result, to read, print and hand on.

    Doubts and warnings; limit, interval, significance and goodness of fit with their method cards; published values
    beside ours; spectrum with residuals and every component; profile; yields before and after the fit; pulls,
    constraints and correlations; every variant; tables with their provenance; the declaration, bibliography and
    versions. It needs no network and no script, and the same input gives the same bytes. Numbers are asymptotic, with
    accepted ones by toys beside them where a shipped analysis has them.

    Example: eventfit report xenon1t_2020 -o page
    """
    from eventfit.errors import InputError

    if output is None and sys.stdout.isatty():
        raise InputError("a page is not for a terminal", given="no -o", fix="add -o DIR, or send it to a file with >")
    if output is not None:
        from eventfit.report.store import prepare

        prepare(output)
    problem = opened(target, variant, measurement, normsys_code, histosys_code, poi, poi_bounds)
    from eventfit.report.html import page
    from eventfit.report.store import write_text

    asked = {"variant": variant, "measurement": measurement, "poi": poi, "poi-bounds": poi_bounds}
    asked |= {"normsys-code": normsys_code, "histosys-code": histosys_code}
    findings = _found(problem, target, cl)
    text = page(findings, _command(target, cl, asked))
    if output is None:
        typer.echo(text, nl=False)
    else:
        path = output / f"{file_name({'name': problem.name, 'variant': problem.variant}, 'report')}.html"
        write_text(path, text)
        typer.echo(f"wrote {path}", err=True)
    if not findings.complete:
        typer.echo("some numbers are missing: the page says which, and why", err=True)
        raise typer.Exit(3)


def _found(problem: Problem, target: str, cl: float) -> Findings:
    """The findings with progress on standard error; an analysis is rerun with all of its variants."""
    from eventfit.analysis import Analysis
    from eventfit.report.html import find
    from eventfit.report.store import read_source

    if problem.model is None:
        source = None if target == "-" else read_source(Path(target))
        return find(problem, cl=cl, target=_called(target), source=source)
    analysis = Analysis.load(target)
    with toy_progress() as progress:
        bar = progress.add_task(analysis.id, total=len(analysis.variants), plain=True)

        def advance(name: str) -> None:
            progress.update(bar, advance=1, description=f"{analysis.id}: {name}")

        return find(
            problem,
            cl=cl,
            analysis=analysis,
            target=_called(target),
            source=read_source(analysis.path),
            on_variant=advance,
        )


def _called(target: str) -> str:
    """A file by its name alone: whoever reads the page keeps it elsewhere."""
    return Path(target).name if "/" in target else target


def _command(target: str, cl: float, asked: Mapping[str, object]) -> str:
    """What makes the page again."""
    words = ["eventfit", "report", _called(target)]
    words += ["--cl", f"{cl:g}"] if cl != 0.90 else []
    for option, value in asked.items():
        if value is not None:
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{option}", *(f"{one:g}" if isinstance(one, float) else str(one) for one in values)]
    return shlex.join(words)
