"""The verb rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import file_name
from eventfit.cli.options import Json, Variant
from eventfit.cli.progress import console
from eventfit.cli.source_options import (
    DISTANCES,
    OPTIONS,
    POWERS,
    Captures,
    Components,
    Distance,
    Flux,
    Fractions,
    HighEnergy,
    LowEnergy,
    Model,
    Oscillation,
    Pions,
    Power,
    Protons,
    fractions_of,
    names,
    quantity,
)

if TYPE_CHECKING:
    from eventfit.analysis import Analysis
    from eventfit.analysis.expectation import Expectation
    from eventfit.rates import Prediction
    from eventfit.rates.prediction import Weak
    from eventfit.tables import Tables
    from eventfit.target import Target

__all__ = ["rate"]

EXPOSURE = "1 tonne year"
#: largest number of an exposure, as in a declaration
MOST = 1e12


class Electrons(StrEnum):
    """How electrons are bound."""

    FREE = "free"
    STEPPING = "stepping"


class Order(StrEnum):
    """Order of the weak cross section."""

    CORRECTED = "corrected"
    TREE = "tree"


@app.command()
@guarded
def rate(
    what: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="solar, reactor or stopped_pion; or an analysis id (see 'list') or a declaration (.toml).",
        ),
    ],
    target: Annotated[
        str | None, typer.Option("--target", metavar="MATERIAL", help="xenon, germanium, pseudocumene ...")
    ] = None,
    exposure: Annotated[
        str | None,
        typer.Option("--exposure", metavar="'N UNIT'", help=f"Mass times time; {EXPOSURE} by default."),
    ] = None,
    window: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--window",
            metavar="LOW HIGH",
            help="True recoil energies in keV; by default all recoils, from zero.",
            show_default=False,
        ),
    ] = None,
    components: Components = None,
    model: Model = None,
    oscillation: Oscillation = None,
    power: Power = None,
    distance: Distance = None,
    flux: Flux = None,
    fractions: Fractions = None,
    captures: Captures = None,
    low_energy: LowEnergy = None,
    high_energy: HighEnergy = None,
    protons: Protons = None,
    pions_per_proton: Pions = None,
    electrons: Annotated[
        Electrons | None, typer.Option("--electrons", help="Free (the default), or bound, in steps.")
    ] = None,
    order: Annotated[
        Order | None, typer.Option("--order", help="Of the weak cross section: corrected (the default) or tree.")
    ] = None,
    qed: Annotated[
        bool | None,
        typer.Option("--qed/--no-qed", help="QED corrections, on by default.", show_default=False),
    ] = None,
    sin2_theta_w: Annotated[
        float | None,
        typer.Option(
            "--sin2-theta-w", metavar="X", help="0.23122 (MS-bar at M_Z) by default; for tree 0.23857 (low energy)."
        ),
    ] = None,
    moment: Annotated[
        float | None,
        typer.Option("--moment", metavar="MU", help="A magnetic moment in mu_B, e.g. 1e-11; it needs a --window."),
    ] = None,
    variant: Variant = None,
    json: Json = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write figures (PNG, PDF) and the JSON here.")
    ] = None,
) -> None:
    """Predicted events per component: of a source in a target, or of an analysis through its own response.

    For a source: the recoils themselves, before a detector sees them, as they are expected, and beside that without
    oscillation (the Sun), without radiative corrections (tree level with the same sin^2 theta_W), and of a magnetic
    moment. For an analysis: every component and term at unit couplings, and the backgrounds at their nominal norms.
    With -o DIR also dR/dT of every component and its survival probability as figures.

    The Sun has the norms of a solar model. A reactor takes --power and --distance, or a published --flux; its
    components are the isotopes and neutron capture. Stopped pions (beam stops, spallation sources) take --flux of each
    kind, or --protons, --pions-per-proton and --distance. An option that a source does not have is refused.

    Example: eventfit rate solar --target pseudocumene --exposure "100 tonne day" -o figures

    Example: eventfit rate solar --target xenon --electrons stepping --window 1 30 --moment 2e-11

    Example: eventfit rate reactor --power "3 GW" --distance "13.9 m" --target germanium --electrons stepping
    --exposure "1 kg day" --window 2.8 55 --moment 3e-11

    Example: eventfit rate stopped_pion --flux 1e7 --target mineral_oil --window 18000 50000 --moment 7e-10

    Example: eventfit rate xenonnt_2022
    """
    choices: dict[str, object] = {
        "components": names(components),
        "model": model,
        "oscillation": oscillation,
        "power_GW": quantity(power, "--power", POWERS, "3 GW", MOST),
        "distance_m": quantity(distance, "--distance", DISTANCES, "13.9 m", MOST),
        "flux_per_cm2_s": flux,
        "fractions": fractions_of(fractions),
        "captures_per_fission": captures,
        "low_energy": low_energy,
        "high_energy": high_energy,
        "protons_per_s": protons,
        "pions_per_proton": pions_per_proton,
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    weak = {"--order": order, "--qed": qed, "--sin2-theta-w": sin2_theta_w}
    taken = {"--target": target, "--exposure": exposure, "--window": window, "--electrons": electrons, **weak}
    from eventfit.rates import SOURCES, choices_of, open_source, predict_rates
    from eventfit.report.rates import expectation_document, prediction_document
    from eventfit.tables import Tables, shipped

    if what not in SOURCES:
        analysis = _analysis(what, tuple(SOURCES))
        declared = {**taken, "--moment": moment, **{OPTIONS[name]: value for name, value in chosen.items()}}
        _refuse("an analysis declares this itself", declared, "leave it out, or change the declaration")
        from eventfit.analysis.expectation import expectation
        from eventfit.analysis.reading import DEFAULT

        expected = expectation(analysis.model(DEFAULT if variant is None else variant))
        _end(expectation_document(expected), expected, json, output)
        return
    _refuse("a source has no variants", {"--variant": variant}, "leave it out")
    tables = Tables(shipped("data"))
    material = _target(target, tables)
    amount = EXPOSURE if exposure is None else exposure
    _require_choices(what, chosen, choices_of(what))
    prediction = predict_rates(
        open_source(what, tables, chosen),
        material,
        _process(material, electrons or Electrons.FREE, order or Order.CORRECTED, qed, sin2_theta_w),
        exposure=_exposure(amount),
        window=window,
        moment=moment,
    )
    _end(prediction_document(prediction, " ".join(amount.split()), tables.used), prediction, json, output)


def _end(document: dict[str, Any], found: Prediction | Expectation, json: bool, output: Path | None) -> None:
    """Print, then write: what can be said is not lost to a full disk."""
    from eventfit.report.json import dumps
    from eventfit.report.rates import rate_notes, rate_table, rate_title
    from eventfit.report.store import prepare, write_text

    folder = None if output is None else prepare(output)
    if json:
        typer.echo(dumps(document))
    else:
        terminal = console()
        terminal.print(rate_title(document))
        terminal.print(rate_table(document))
        for line in rate_notes(document):
            terminal.print(line, highlight=False, markup=False)
    if folder is not None:
        from eventfit.report.rate_figures import rate_figures
        from eventfit.report.result_figures import save_figures

        stem = file_name(document, "rate")
        write_text(folder / f"{stem}.json", dumps(document) + "\n")
        for path in [folder / f"{stem}.json", *save_figures(rate_figures(found, document["unit"]), folder, stem)]:
            typer.echo(f"wrote {path}", err=True)


def _analysis(what: str, sources: Sequence[str]) -> Analysis:
    """The analysis that is meant, if what was asked for is no source."""
    from eventfit.analysis import Analysis, shipped_analyses
    from eventfit.errors import InputError, UnknownName, did_you_mean

    if what.endswith(".json") or what == "-":
        raise InputError("a pyhf workspace says nothing about a source", given=what, fix="see 'eventfit list'")
    known = [*sources, *shipped_analyses()]
    if what not in known and "/" not in what and not Path(what).exists() and not what.endswith(".toml"):
        raise UnknownName(
            "there is no such source or analysis",
            given=what,
            allowed=", ".join(known) + ", or the path of a .toml file",
            fix=did_you_mean(what, known),
        )
    return Analysis.load(what)


def _target(material: str | None, tables: Tables) -> Target:
    from eventfit.errors import MissingInput, located
    from eventfit.target import MATERIALS, Target

    if material is None:
        raise MissingInput("a source needs a target", allowed=", ".join(MATERIALS), fix="--target MATERIAL")
    with located("--target"):
        return Target.load(tables, material)


def _exposure(text: str) -> float:
    """``100 tonne day`` in kg s."""
    from eventfit.units import exposure_units

    found = quantity(text, "--exposure", exposure_units, "100 tonne day", MOST)
    assert found is not None
    return found


def _require_choices(source: str, chosen: Mapping[str, object], allowed: Sequence[str]) -> None:
    """Refuse the options of another source."""
    from eventfit.errors import InputError

    for name in chosen:
        if name not in allowed:
            said = ", ".join(OPTIONS[choice] for choice in allowed)
            raise InputError(f"the source {source!r} has no such option", given=OPTIONS[name], allowed=said)


def _process(target: Target, electrons: Electrons, order: Order, qed: bool | None, sin2: float | None) -> Weak:
    """Weak scattering as the options say."""
    from eventfit.cross_section import CorrectedElectron, FreeElectrons, StandardModelElectron, SteppingElectrons
    from eventfit.cross_section.electron import SIN2_THETA_W_LOW
    from eventfit.cross_section.radiative import SIN2_THETA_W_MZ
    from eventfit.errors import InputError

    bound = SteppingElectrons(target) if electrons is Electrons.STEPPING else FreeElectrons(target)
    if order is Order.CORRECTED:
        return CorrectedElectron(bound, SIN2_THETA_W_MZ if sin2 is None else sin2, qed is None or qed)
    if qed is not None:
        given = "--qed" if qed else "--no-qed"
        raise InputError("the tree level has no QED corrections", given=given, fix="leave it out, or --order corrected")
    return StandardModelElectron(bound, SIN2_THETA_W_LOW if sin2 is None else sin2)


def _refuse(problem: str, options: Mapping[str, object], fix: str) -> None:
    from eventfit.errors import InputError

    for option, value in options.items():
        if value is not None:
            raise InputError(problem, given=option, fix=fix)
