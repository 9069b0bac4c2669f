"""The verb recast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.options import Cl, FluxOption, Json
from eventfit.cli.progress import busy

__all__ = ["recast"]


@app.command()
@guarded
def recast(
    spectrum: Annotated[Path, typer.Argument(metavar="SPECTRUM", help="A recoil spectrum, see above.")],
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET", help="Ids or declarations; all that come with eventfit by default."),
    ] = None,
    flux: FluxOption = None,
    cl: Cl = 0.90,
    json: Json = False,
) -> None:
    """One recoil spectrum through many experiments: upper limits on its strength, one per experiment.

    The spectrum takes the place of the declared signal; response, exposure, backgrounds and nuisances stay as declared.
    It is a CSV (or Parquet, or ROOT tree) with a column T_keV of true recoil energies and rate_per_keV_kg_day, or
    sigma_cm2_per_keV: a cross section per electron, which --flux turns into a rate in every material. Experiments that
    cannot take it say why. 'limit', 'interval', 'significance' and 'scan' take it as --spectrum, with all methods.

    Example: eventfit recast my_signal.csv
    """
    from eventfit.analysis.recast import recast_all
    from eventfit.report.json import dumps
    from eventfit.report.recast import recast_document, recast_text

    with busy("recast"):
        found = recast_all(spectrum, targets or (), flux=flux)
        errors = [one.error for one in found if one.error is not None]
        if len(errors) == len(found):
            raise errors[0]
        document = recast_document(found, spectrum=spectrum.name, cl=cl)
    typer.echo(dumps(document) if json else recast_text(document))
