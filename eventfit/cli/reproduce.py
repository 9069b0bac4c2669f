"""The verb reproduce."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.options import Jobs, Json, Seed
from eventfit.cli.parts import Outcome, Part, joined_outcomes, parts_of, run_parts
from eventfit.cli.progress import console
from eventfit.timing import StageClock

if TYPE_CHECKING:
    from eventfit.analysis import Analysis
    from eventfit.inference import Toys
    from eventfit.published import Reproduction

__all__ = ["reproduce"]

#: beside the figures of the analyses
GLOBAL_PICTURE = "published_limits"


@app.command()
@guarded
def reproduce(
    analyses: Annotated[
        list[str] | None, typer.Argument(metavar="ANALYSIS...", help="Ids (see 'list') or .toml files.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every analysis that comes with eventfit.")] = False,
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
        bool,
        typer.Option(
            "--accept", help="In a checkout: store the result as analyses/<id>/result.json and rewrite the tables."
        ),
    ] = False,
    timings: Annotated[bool, typer.Option("--timings", help="Say on standard error where the time went.")] = False,
) -> None:
    """Rerun published results, ours beside theirs.

    Computes every declared quantity for every variant and prints quantity, variant, published, ours, ratio, method.
    With -o DIR also the spectrum (of one counted number its rate, and the limits by rule), the profile and, where
    neutrinos oscillate, their survival as PNG and PDF, and the result as JSON. With --toys N the significance and the
    interval (Feldman-Cousins) of the default variant also by toys, kept below DIR, where an interrupted run goes on;
    --accept without --toys keeps the accepted rows by toys as long as model and versions are theirs.

    --all prints one table of all published values with the status of the worst input; with -o DIR it also draws the
    published limits on magnetic moments by year, ours among them; with --accept it rewrites every accepted result, and
    the tables of README.md and analyses/README.md. --jobs works on analyses, and on variants that share no fold, at the
    same time (with -o on analyses, since their figures show all variants; with --toys on toys).

    Example: eventfit reproduce xenon1t_2020 -o figures

    Example: eventfit reproduce --all --jobs 2 -o figures
    """
    began, clock = time.perf_counter(), _started()
    with clock.stage("other"):
        with clock.stage("imports"):
            from eventfit.analysis import Analysis
            from eventfit.report import store
            from eventfit.report.json import dumps
        names = _asked_for(analyses or [], everything=everything, toys=toys)
        with clock.stage("reading"):
            loaded = [Analysis.load(name) for name in names]
        for analysis in loaded if accept else ():
            store.require_acceptable(analysis)
        folder = store.prepare(output) if output is not None else None
        with clock.stage("analyses"):
            if toys:
                outcomes = [
                    _with_toys(analysis, name, toys, seed, jobs, folder)
                    for analysis, name in zip(loaded, names, strict=True)
                ]
            else:
                outcomes = _asymptotic(loaded, names, jobs, folder)
        documents = _stored(outcomes, folder, clock, accept=accept)
        if everything and folder is not None:
            _draw_limits(documents, folder, clock)
        with clock.stage("writing"):
            if json:
                typer.echo(dumps(documents if everything or len(documents) > 1 else documents[0]))
            else:
                _print(documents, summary=everything)
    if timings:
        _print_timings(documents, outcomes, clock, time.perf_counter() - began + clock.wall["start"], jobs)
    if any(outcome.failed for outcome in outcomes):
        typer.echo("some fits failed: see the status of the rows without a value", err=True)
        raise typer.Exit(3)


def _started() -> StageClock:
    """A clock that knows what it took to get here: the interpreter and the command line are busy all the time."""
    clock, busy = StageClock(), time.process_time()
    clock.add("start", wall=busy, cpu=busy)
    return clock


def _asked_for(names: Sequence[str], *, everything: bool, toys: int) -> list[str]:
    """The analyses to run."""
    from eventfit.analysis import shipped_analyses
    from eventfit.errors import InputError

    if not everything and not names:
        raise InputError("no ANALYSIS is named", allowed=", ".join(shipped_analyses()) + ", .toml files, or --all")
    if everything and names:
        raise InputError("--all takes no names", given=" ".join(names), fix="leave out --all, or the names")
    if everything and toys:
        raise InputError(
            "--all computes asymptotic results",
            given=f"--toys {toys}",
            fix="throw toys for named analyses; --accept keeps the accepted rows by toys",
        )
    return list(shipped_analyses()) if everything else list(names)


def _asymptotic(loaded: Sequence[Analysis], names: Sequence[str], jobs: int, folder: Path | None) -> list[Outcome]:
    """The outcome of every analysis, several at a time."""
    parts = parts_of(loaded, names, whole=jobs == 1 or folder is not None)
    found = run_parts(_reproduced_part, folder, parts, jobs)
    return [
        joined_outcomes([found[part] for part in parts if part.position == position], list(analysis.variants))
        for position, analysis in enumerate(loaded)
    ]


def _with_toys(analysis: Analysis, name: str, toys: int, seed: int, jobs: int, folder: Path | None) -> Outcome:
    """The outcome with toys, which have a bar of their own."""
    from eventfit.cli.throwing import throwing

    kept = None if folder is None else folder / f"{analysis.id}_toys"
    part = Part(0, name, tuple(analysis.variants), 0)
    with throwing(toys, seed=seed, jobs=jobs, run=kept, label=f"{analysis.id}: toys") as thrown:
        return _reproduced_part(folder, part, toys=thrown)


def _reproduced_part(
    folder: Path | None, part: Part, on_variant: Callable[[str], None] | None = None, toys: Toys | None = None
) -> Outcome:
    """Rerun a part, in any process; with a ``folder`` draw its figures there."""
    clock = StageClock()
    with clock.stage("other"):
        with clock.stage("imports"):
            from eventfit.analysis import Analysis
            from eventfit.published import reproduce as run
            from eventfit.report.json import document

            if folder is not None:
                import eventfit.report.figures  # noqa: F401
        with clock.stage("reading"):
            analysis = Analysis.load(part.name)
        result = run(analysis, toys=toys, on_variant=_naming(part, on_variant), variants=part.variants, clock=clock)
        written: list[Path] = []
        if folder is not None:
            with clock.stage("figures"):
                written = _write_figures(result, folder)
        content = document(result)
    return Outcome(content, result.failed, tuple(map(str, written)), clock)


def _naming(part: Part, on_variant: Callable[[str], None] | None) -> Callable[[str], None] | None:
    return None if on_variant is None else lambda variant: on_variant(f"{part.name}: {variant}")


def _stored(
    outcomes: Sequence[Outcome], folder: Path | None, clock: StageClock, *, accept: bool
) -> list[dict[str, Any]]:
    """The documents, completed by accepted toys, written and accepted where that is wanted."""
    from eventfit.report.json import dumps
    from eventfit.report.store import accept_results, with_stored_toys, write_text

    documents = []
    for outcome in outcomes:
        content, said = outcome.document, ""
        if accept:
            content, said = with_stored_toys(content["analysis"], content)
        documents.append(content)
        if said:
            typer.echo(said, err=True)
        _say_written(outcome.written)
        if folder is not None:
            with clock.stage("writing"):
                write_text(folder / f"{content['analysis']}.json", dumps(content) + "\n")
    if accept:
        with clock.stage("writing"):
            pairs = zip(documents, outcomes, strict=True)
            accept_results([content for content, outcome in pairs if not outcome.failed])
    return documents


def _draw_limits(documents: Sequence[dict[str, Any]], folder: Path, clock: StageClock) -> None:
    """The figure of all published limits with ours among them."""
    with clock.stage("imports"):
        from eventfit.published import published_limits
        from eventfit.report.figures import save
        from eventfit.report.limits_figure import limits_figure
        from eventfit.tables import Tables, shipped
    with clock.stage("figures"):
        figure = limits_figure(published_limits(Tables(shipped("data"), clock=clock)), documents)
        _say_written(save(figure, folder / GLOBAL_PICTURE))


def _say_written(paths: Sequence[Path | str]) -> None:
    for path in paths:
        typer.echo(f"wrote {path}", err=True)


def _print(documents: Sequence[dict[str, Any]], *, summary: bool) -> None:
    from eventfit.report.summary import summary_table
    from eventfit.report.text import result_table, table_of_tables

    terminal = console()
    if summary:
        terminal.print(summary_table(documents))
    for content in documents:
        if not summary:
            terminal.print(result_table(content))
        for row in content["results"]:
            if row["status"] != "ok" and (row["value"] is None or not summary):
                where = f"{content['analysis']}: " if summary else ""
                said = f"{where}{row['quantity']}, {row['variant']}: {row['status_text']}"
                terminal.print(said, style="yellow", highlight=False, markup=False)
        if summary:
            continue
        terminal.print("variants:", style="bold")
        for name, about in content["variants"].items():
            said = f"  {name}: {about['meaning']} (folding error {about['numerical_error']:.0e}"
            if "morph_errors" in about:
                said += f", morph error {max(one['error'] for one in about['morph_errors']):.0e}"
            said += ")"
            terminal.print(said, highlight=False, markup=False)
        terminal.print(table_of_tables(content))
    used = {" ".join(f"{name} {number}" for name, number in content["versions"].items()) for content in documents}
    for said in sorted(used):
        terminal.print(said, style="dim")


def _print_timings(
    documents: Sequence[dict[str, Any]], outcomes: Sequence[Outcome], clock: StageClock, wall: float, jobs: int
) -> None:
    from eventfit.report.timings import timings_table

    # the clocks of the analyses say better what happened meanwhile
    own = clock.without("analyses")
    clocks = [(content["analysis"], outcome.clock) for content, outcome in zip(documents, outcomes, strict=True)]
    terminal = console(stderr=True)
    terminal.print(timings_table([*clocks, ("the command", own)], wall=wall, jobs=jobs))


def _write_figures(result: Reproduction, folder: Path) -> list[Path]:
    from eventfit.report.counting_figure import counting_figures
    from eventfit.report.figures import coupling_figure, couplings_beside, other_parameters, profile_figure, save
    from eventfit.report.spectrum_figures import reproduced_spectrum
    from eventfit.report.survival_figure import oscillated, survival_figure

    run, figures = result.runs["default"], {}
    if arriving := oscillated(run.model.fluxes):
        figures["survival"] = survival_figure(arriving)
    if run.profile is not None:
        one = run.model.kind == "counting"  # one bin is no spectrum
        figures |= counting_figures(result) if one else {"spectrum": reproduced_spectrum(result)}
        figures["profile"] = profile_figure(result)
        if other_parameters(result):
            figures["other_moments"] = profile_figure(result, others=True)
        figures |= {f"profile_{poi}": coupling_figure(result, poi) for poi in couplings_beside(result)}
    written = [save(figure, folder / f"{result.analysis.id}_{name}") for name, figure in figures.items()]
    return [path for paths in written for path in paths]
