"""Options that several verbs share, with the one help text of each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Bounds",
    "Calibration",
    "CalibrationOption",
    "Cl",
    "FluxOption",
    "HistoSysCode",
    "HistoSysOption",
    "Jobs",
    "Json",
    "Measurement",
    "NormSysCode",
    "NormSysOption",
    "Output",
    "Poi",
    "Scheduler",
    "Seed",
    "Spectrum",
    "Target",
    "Targets",
    "ToyCount",
    "Universal",
    "Variant",
    "Variants",
]


class Calibration(StrEnum):
    """Where the distribution of the test statistic comes from."""

    ASYMPTOTIC = "asymptotic"
    TOYS = "toys"


class NormSysCode(StrEnum):
    """Interpolation of normsys."""

    CODE1 = "code1"
    CODE4 = "code4"


class HistoSysCode(StrEnum):
    """Interpolation of histosys."""

    CODE0 = "code0"
    CODE4P = "code4p"


def _level(cl: float) -> float:
    if not 0.0 < cl < 1.0:
        raise typer.BadParameter(f"{cl} is not between 0 and 1")
    return cl


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]
Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="An analysis id (see 'list'), a declaration (.toml), a pyhf workspace (.json), or - for a workspace on "
        "standard input.",
    ),
]
Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="TARGET",
        help="An analysis id (see 'list'), a declaration (.toml), a pyhf workspace (.json), or - for a workspace on "
        "standard input. Several analyses or declarations are combined.",
    ),
]
Universal = Annotated[
    bool,
    typer.Option(
        "--universal",
        help="Of several: mu_nu, q_nu or r2_nu is the same for all neutrinos, so that different sources combine.",
    ),
]
Spectrum = Annotated[
    Path | None,
    typer.Option(
        "--spectrum",
        metavar="FILE",
        help="Put this recoil spectrum through the experiment in place of its signal and ask for its strength: columns "
        "T_keV and rate_per_keV_kg_day, or sigma_cm2_per_keV (per electron) with --flux.",
    ),
]
FluxOption = Annotated[
    float | None,
    typer.Option("--flux", metavar="F", help="Of a cross section in --spectrum, in 1/(cm^2 s).", show_default=False),
]
Cl = Annotated[float, typer.Option("--cl", callback=_level, help="Confidence level, between 0 and 1.")]
CalibrationOption = Annotated[
    Calibration | None,
    typer.Option(
        "--calibration",
        help="Asymptotic formulae (the default), or toys, which --toys asks for too.",
        show_default=False,
    ),
]
ToyCount = Annotated[int | None, typer.Option("--toys", min=1, metavar="N", help="Toys per tested value.")]
Seed = Annotated[
    int, typer.Option("--seed", min=0, max=2**64 - 1, help="Seed of the toys: the same seed gives the same toys.")
]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Local processes; they change no digit.")]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Throw on a dask cluster: tcp://host:8786.")
]
Variant = Annotated[str | None, typer.Option("--variant", help="Of an analysis; the default is 'default'.")]
Variants = Annotated[
    str | None,
    typer.Option(
        "--variant", help="Of an analysis; the default is 'default'. Of several: ANALYSIS=VARIANT,ANALYSIS=VARIANT."
    ),
]
Measurement = Annotated[str | None, typer.Option("--measurement", help="Of a workspace; needed where it has several.")]
NormSysOption = Annotated[
    NormSysCode | None, typer.Option("--normsys-code", help="Of a workspace: interpolation, code4 by default.")
]
HistoSysOption = Annotated[
    HistoSysCode | None, typer.Option("--histosys-code", help="Of a workspace: interpolation, code4p by default.")
]
Poi = Annotated[str | None, typer.Option("--poi", metavar="NAME", help="Ask for another parameter.")]
Bounds = Annotated[
    tuple[float, float] | None,
    typer.Option("--poi-bounds", metavar="LOW HIGH", help="Other bounds of the fit parameter.", show_default=False),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="DIR", help="Write figures (PNG, PDF), the JSON document and the toys here."
    ),
]
