"""The verb export."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import file_name, opened
from eventfit.cli.options import Bounds, HistoSysOption, Json, Measurement, NormSysOption, Poi, Target, Variant

if TYPE_CHECKING:
    from eventfit.analysis.problem import Problem
    from eventfit.io import Exported

__all__ = ["Format", "export"]


class Format(StrEnum):
    """What to write."""

    PYHF = "pyhf"
    HS3 = "hs3"
    ROOT = "root"
    CSV = "csv"
    PARQUET = "parquet"


#: ending of each
ENDINGS = {Format.PYHF: "json", Format.HS3: "json", Format.ROOT: "root", Format.CSV: "csv", Format.PARQUET: "parquet"}
MODELS = (Format.PYHF, Format.HS3)


@app.command()
@guarded
def export(
    target: Target,
    to: Annotated[
        Format, typer.Option("--format", help="pyhf, hs3: the likelihood; root: spectra; csv, parquet: a scan.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE|DIR", help="Where to write; pyhf and hs3 go to standard output without it."
        ),
    ] = None,
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help="Accept what the format can only say nearly; it is reported.")
    ] = False,
    points: Annotated[int, typer.Option("--points", min=2, help="Values of the scan.")] = 50,
    span: Annotated[
        tuple[float, float] | None,
        typer.Option("--range", metavar="LOW HIGH", help="Of the scan, by default 3 sigma.", show_default=False),
    ] = None,
    variant: Variant = None,
    measurement: Measurement = None,
    poi: Poi = None,
    poi_bounds: Bounds = None,
    normsys_code: NormSysOption = None,
    histosys_code: HistoSysOption = None,
    json: Json = False,
) -> None:
    """Hand the likelihood, its spectra or its scan to another program.

    pyhf and hs3: the likelihood as a pyhf workspace or in HS3, with a report of what it takes to be exact and what
    would be lost; a loss is refused without --allow-loss, and no parameter or component is ever left out. root:
    observed counts, the best fit and its components as TH1D. csv and parquet: the profile of the parameter of
    interest, a row per value.

    Example: eventfit export xenon1t_2020 --format pyhf -o workspace.json

    Example: eventfit export xenon1t_2020 --format csv --range 0 4e-11 -o scan.csv
    """
    from eventfit.errors import InputError

    if to not in MODELS and output is None:
        raise InputError("this format needs a file", given=f"--format {to}", fix=f"add -o FILE.{ENDINGS[to]}")
    problem = opened(target, variant, measurement, normsys_code, histosys_code, poi, poi_bounds)
    path = None if output is None else _path(problem, output, to)
    if path is not None:
        _refuse_inputs(target, problem, path)
    exported = None
    if to in MODELS:
        exported = _exported(problem, to, allow_loss)
        if path is not None:
            exported.write(path)
    elif path is not None and to is Format.ROOT:
        _write_spectra(problem, path)
    elif path is not None:
        _write_scan(problem, path, points, span)
    if path is not None:
        typer.echo(f"wrote {path}", err=True)
    if json:
        from eventfit.report.json import dumps

        typer.echo(dumps(_document(problem, to, path, exported)))
    elif exported is not None:
        if path is None:
            typer.echo(exported.text, nl=False)
        typer.echo(str(exported.report), err=path is None)


def _path(problem: Problem, output: Path, to: Format) -> Path:
    """The file, its folder made: ``output`` itself if it has an ending, else in the folder ``output``."""
    from eventfit.errors import InputError
    from eventfit.report.store import prepare

    ending = ENDINGS[to]
    if output.is_dir() or not output.suffix:
        stem = file_name(
            {"name": problem.name, "variant": problem.variant}, "scan" if ending in ("csv", "parquet") else to
        )
        return prepare(output) / f"{stem}.{ending}"
    if output.suffix != f".{ending}":
        raise InputError(
            "the file has the ending of another format", given=f"--format {to} -o {output}", allowed=f".{ending}"
        )
    prepare(output.parent)
    return output


def _refuse_inputs(target: str, problem: Problem, path: Path) -> None:
    """Refuse to write over what was read: the declaration or workspace, and the files that it names."""
    from eventfit.errors import InputError

    own = Path(target)
    folder = own if own.is_dir() else own.parent
    read = [own, folder / "analysis.toml"]
    read += [folder / table.name.partition(":")[0] for table in problem.tables if table.status == "user"]
    if path.resolve() in [one.resolve() for one in read]:
        raise InputError(
            "the export would overwrite what it was made from", given=f"-o {path}", fix="name another file"
        )


def _exported(problem: Problem, to: Format, allow_loss: bool) -> Exported:
    from eventfit.io import export_hs3, export_pyhf

    likelihood, poi, channels = problem.likelihood, problem.poi, problem.channels
    if to is Format.PYHF:
        name = problem.measurement or problem.name
        return export_pyhf(likelihood, poi, channels=channels, measurement=name, allow_loss=allow_loss)
    return export_hs3(
        likelihood, poi, channels=channels, title=problem.title, publications=problem.cite, allow_loss=allow_loss
    )


def _write_spectra(problem: Problem, path: Path) -> None:
    """Observed counts, the best fit and its components, in a folder per channel where there are several."""
    import numpy as np

    from eventfit.inference import Profile
    from eventfit.io import Histogram, write_histograms
    from eventfit.likelihood.unbinned import only_observed

    if not problem.channels:
        raise only_observed("histograms")
    likelihood, best = problem.likelihood, Profile(problem.likelihood, problem.poi).best
    spectra = {"observed": likelihood.data.counts, "best_fit": likelihood.expected(best.values)}
    parts = likelihood.expected_by_component(best.values)
    spectra |= {f"components/{name.replace('/', '_')}": counts for name, counts in parts.items()}
    channels, model = problem.channels, problem.model
    if model is not None and model.rotation is not None:  # of combinations of bins, the bins themselves
        n, edges = len(model.rotation), model.observed.edges
        channels = (replace(channels[0], edges=edges, unit=model.declaration.response.axis.unit), *channels[1:])
        spectra = {name: np.append(model.spectrum_of(counts), counts[n:]) for name, counts in spectra.items()}
    write_histograms(
        path,
        {
            f"{channel.name.replace('/', '_')}/{name}" if len(channels) > 1 else name: Histogram(
                channel.axis, counts[channel.bins], name=name, unit=channel.unit
            )
            for channel in channels
            for name, counts in spectra.items()
        },
    )


def _write_scan(problem: Problem, path: Path, points: int, span: tuple[float, float] | None) -> None:
    """A row per value: as it is quoted, as it is fitted, and -2 Delta ln L."""
    from eventfit.cli.scan import scan_values
    from eventfit.inference import Profile
    from eventfit.io import write_table

    profile, reported = Profile(problem.likelihood, problem.poi), problem.reported
    scan = profile.scan(scan_values(profile, reported, points, span))
    write_table(
        path,
        {
            "parameter": [reported.name] * points,
            "value": [reported.value(float(value)) for value in scan.values],
            "unit": [reported.unit] * points,
            "fit_parameter": [problem.poi] * points,
            "fitted": scan.values,
            "minus_2_delta_ln_l": scan.delta,
        },
    )


def _document(problem: Problem, to: Format, path: Path | None, exported: Exported | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "quantity": "export",
        "name": problem.name,
        "variant": problem.variant,
        "measurement": problem.measurement,
        "format": to.value,
        "file": None if path is None else str(path),
    }
    if exported is None:
        return found
    report = exported.report
    return {
        **found,
        "exact": report.exact,
        "settings": dict(report.settings),
        "lost": list(report.lost),
        "notes": list(report.notes),
        "poi": report.poi,
        "parameters": [
            {"name": t.name, "exported": t.exported, "power": t.power, "slope": t.slope, "intercept": t.intercept}
            for t in report.parameters
        ],
        "document": exported.document if path is None else None,
    }
