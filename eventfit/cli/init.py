"""The verb init."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from eventfit.cli.app import app, guarded

__all__ = ["init"]


class SourceChoice(StrEnum):
    """Where the neutrinos come from."""

    SOLAR = "solar"
    REACTOR = "reactor"
    STOPPED_PION = "stopped_pion"
    TABLE = "table"


class PoiChoice(StrEnum):
    """What is asked for."""

    MU_NU = "mu_nu"
    Q_NU = "q_nu"
    R2_NU = "r2_nu"


class EfficiencyOf(StrEnum):
    """The energy that an efficiency is a function of."""

    RECONSTRUCTED = "reconstructed"
    RECOIL = "recoil"


@app.command()
@guarded
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Where the files are and analysis.toml is written.")
    ] = Path(),
    source: Annotated[SourceChoice | None, typer.Option("--source", help="Where the neutrinos come from.")] = None,
    flux: Annotated[
        str | None,
        typer.Option(
            "--flux",
            metavar="SAID",
            help="reactor, stopped_pion: 1/(cm^2 s), of the latter per flavour; reactor also '2.9 GW 28 m'; "
            "table: FILE:ENERGY,nubar_e=COLUMN,...",
        ),
    ] = None,
    flux_per: Annotated[
        str | None,
        typer.Option("--flux-per", metavar="UNIT", help="Of a table: 'cm2 s keV' or 'cm2 s MeV', or its total flux."),
    ] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="MATERIAL", help="germanium, xenon, ...")] = None,
    exposure: Annotated[
        str | None, typer.Option("--exposure", metavar="'VALUE UNIT'", help="Live time times mass: '200 kg day'.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="FILE[:NAMES]", help="Counts, rates with errors, or single events.")
    ] = None,
    asimov: Annotated[bool, typer.Option("--asimov", help="No data: expected results.")] = False,
    background: Annotated[
        list[str] | None, typer.Option("--background", metavar="FILE[:NAMES]", help="Expected; may be repeated.")
    ] = None,
    background_error: Annotated[
        float | None, typer.Option("--background-error", metavar="RELATIVE", help="Of the norms; free without it.")
    ] = None,
    efficiency: Annotated[
        str | None, typer.Option("--efficiency", metavar="FILE[:NAMES]", help="A curve between 0 and 1.")
    ] = None,
    efficiency_of: Annotated[
        EfficiencyOf, typer.Option("--efficiency-of", help="The energy that it is a function of.")
    ] = EfficiencyOf.RECONSTRUCTED,
    resolution: Annotated[
        str | None,
        typer.Option(
            "--resolution",
            metavar="SAID",
            help="perfect; fwhm=0.2 (keV); sqrt=A,B for A sqrt(E) + B E; sigma=FILE[:NAMES], fwhm=FILE[:NAMES].",
        ),
    ] = None,
    poi: Annotated[PoiChoice, typer.Option("--poi", help="Parameter of interest.")] = PoiChoice.MU_NU,
    bins: Annotated[
        tuple[float, float, float] | None,
        typer.Option("--bins", metavar="START STOP WIDTH", help="In keV; by default those of the data."),
    ] = None,
    window: Annotated[
        tuple[float, float] | None,
        typer.Option("--window", metavar="LOW HIGH", help="In keV; part of the bins of the data."),
    ] = None,
    per: Annotated[
        str | None,
        typer.Option("--per", metavar="UNIT", help="What the data are per: 'keV kg day'; else counts."),
    ] = None,
    background_per: Annotated[
        str | None, typer.Option("--background-per", metavar="UNIT", help="The same of the backgrounds.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="UNIT", help="Of the energies, where a file does not say it.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="One line for people.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an analysis.toml that is there.")] = False,
) -> None:
    """Write a declaration for your own data.

    Takes flags, and on a terminal asks for those that are missing. FILE is a CSV or text table, a ROOT file or Parquet
    in FOLDER; NAMES say what to read from it: a histogram (data.root:h_energy), columns (counts.csv:LOW,HIGH,VALUE with
    an error behind if there is one, counts.csv:CENTRE,VALUE, events.csv:ENERGY), or columns of a tree
    (data.root:TREE:ENERGY). They may be left out where only one reading is possible; otherwise what the file holds is
    listed. What was understood is checked, written to FOLDER/analysis.toml with comments, and yours to change.

    Example: eventfit init detector --source reactor --flux 6.4e12 --target germanium --exposure '200 kg day'
    --data counts.csv --background background.csv --efficiency efficiency.csv --resolution fwhm=0.2
    """
    from eventfit.cli.asked import Asked
    from eventfit.cli.starting import new_path, start

    asked = Asked(
        source=None if source is None else source.value,
        flux=flux,
        flux_per=flux_per,
        target=target,
        exposure=exposure,
        data=data,
        asimov=asimov,
        backgrounds=None if background is None else tuple(background),
        background_error=background_error,
        efficiency=efficiency,
        efficiency_first=efficiency_of is EfficiencyOf.RECOIL,
        resolution=resolution,
        poi=poi.value,
        bins=bins,
        window=window,
        per=per,
        background_per=background_per,
        unit=unit,
        title=title,
    )
    path = new_path(folder, force=force)
    if sys.stdin.isatty():
        from eventfit.cli.asking import completed

        asked = completed(asked, folder)
    start(path, asked)
    typer.echo(f"wrote {path}")
    typer.echo(f"next: eventfit inspect {path}, then eventfit limit {path}", err=True)
