"""The verb toys, which throws, and toys merge."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import Ending, opened
from eventfit.cli.options import (
    Bounds,
    Cl,
    HistoSysOption,
    Jobs,
    Json,
    Measurement,
    NormSysOption,
    Output,
    Poi,
    Scheduler,
    Seed,
    Target,
    Variant,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventfit.analysis.problem import Problem
    from eventfit.inference import Profile, ToySample
    from eventfit.inference.statistic import StatisticName

__all__ = ["StatisticChoice", "merge", "throw"]

THROW = "throw"


class StatisticChoice(StrEnum):
    """Test statistics."""

    Q0 = "q0"
    T0 = "t0"
    TMU = "tmu"
    TMU_TILDE = "tmu_tilde"
    QMU = "qmu"
    QMU_TILDE = "qmu_tilde"


class ThrowUnlessNamed(TyperGroup):
    """A first word that is no command of the group is what to throw for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands:
            args = [THROW, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return f"[{name}]" if name == THROW else name, command, rest


group = typer.Typer(
    cls=ThrowUnlessNamed,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Throw toys and keep them (toys TARGET), or merge runs (toys merge RUN...).",
)
app.add_typer(group, name="toys")


@group.command(THROW, epilog="See also: eventfit toys merge --help")
@guarded
def throw(
    target: Target,
    n: Annotated[int, typer.Option("--toys", min=1, metavar="N", help="Toys per value.")] = 10_000,
    at: Annotated[
        list[float] | None,
        typer.Option("--at", metavar="VALUE", help="True value, as quoted; may be repeated. [default: 0]"),
    ] = None,
    tested: Annotated[
        float | None, typer.Option("--tested", metavar="VALUE", help="Tested value, as quoted. [default: that of --at]")
    ] = None,
    statistic: Annotated[
        StatisticChoice | None,
        typer.Option(
            "--statistic",
            help="By default q0 or t0 where zero is tested, else tmu_tilde or tmu, by the parameter's lower bound.",
        ),
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="How often the asymptotic interval and limits contain the true value.")
    ] = False,
    cl: Cl = 0.90,
    seed: Seed = 1,
    first: Annotated[
        int, typer.Option("--first", min=0, help="Number of the first toy, a multiple of 1024: for other machines.")
    ] = 0,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    variant: Variant = None,
    measurement: Measurement = None,
    poi: Poi = None,
    poi_bounds: Bounds = None,
    normsys_code: NormSysOption = None,
    histosys_code: HistoSysOption = None,
    json: Json = False,
    output: Output = None,
) -> None:
    """Throw toys at a true value, fit each freely and at the tested value, and say what came out.

    Each toy fluctuates the counts and every auxiliary measurement. -o DIR keeps the records; the same command goes on
    after an interruption. Machines that share a seed throw different toys with --first; their folders merge, and
    the merged folder serves as -o of 'toys', or of 'significance' for toys thrown and tested at zero.

    Example: eventfit toys xenon1t_2020 --at 0 --toys 102400 --seed 1 -o run1

    Example: eventfit toys xenon1t_2020 --at 0 --toys 102400 --seed 1 --first 102400 -o run2

    Example: eventfit toys merge run1 run2 -o run

    Example: eventfit toys xenon1t_2020 --coverage --at 1e-11 --at 2e-11 --toys 100000
    """
    from eventfit.errors import InputError

    if coverage and tested is not None:
        raise InputError("coverage tests the true value", given=f"--tested {tested:g}", fix="leave out --tested")
    problem = opened(target, variant, measurement, normsys_code, histosys_code, poi, poi_bounds)
    from eventfit.analysis.problem import fitted_value
    from eventfit.cli.throwing import throwing
    from eventfit.inference import Hypothesis, Profile

    true = [fitted_value(problem.reported, value) for value in dict.fromkeys(at or [0.0])]
    test = None if tested is None else fitted_value(problem.reported, tested)
    ending = Ending(json, output)
    profile = Profile(problem.likelihood, problem.poi)
    hypotheses = [Hypothesis(profile.at(value).values, value if test is None else test) for value in true]
    names = [_statistic(profile, statistic, hypothesis.tested) for hypothesis in hypotheses]
    observed = [_observed(profile, name, h.tested) for name, h in zip(names, hypotheses, strict=True)]
    with throwing(n, seed=seed, jobs=jobs, scheduler=scheduler, run=output, first=first) as thrown:
        samples = thrown.samples(problem.likelihood, problem.poi, hypotheses)
    entry = _entry(problem, profile, samples, true, names, observed)
    entry["card"]["seed"] = seed
    if coverage:
        entry["coverage"] = _coverage(problem, profile, samples, cl, seed)
    document = ending.document(problem, "toys", entry, jobs=jobs, timing=thrown.timing)

    def figures() -> Any:
        from eventfit.report.result_figures import toys_figures

        return toys_figures(problem, samples, names, observed)

    ending.end(document, "toys", figures)


@group.command()
@guarded
def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders with toys, as -o made them.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="TARGET", help="A folder that is new or empty.")],
    json: Json = False,
) -> None:
    """Join runs of the same model, seed and hypotheses that hold different toys.

    Everything is verified first; runs with toys in common, or of different inputs, are refused and the message names
    what differs. Go on with the command that threw them and -o TARGET.

    Example: eventfit toys merge run1 run2 -o run
    """
    from eventfit.inference.toys.run import merge as merge_runs
    from eventfit.report.json import dumps

    with merge_runs(runs, output) as merged:
        found: dict[int, dict[str, int]] = {}
        for key in sorted(merged.done):
            entry = found.setdefault(key[0], {"hypothesis": key[0], "toys": 0, "blocks": 0})
            entry["toys"] += merged.rows(key)
            entry["blocks"] += 1
        identity = merged.identity
    document = {
        "quantity": "merge",
        "runs": [str(run) for run in runs],
        "target": str(output),
        "hypotheses": list(found.values()),
        "identity": identity,
    }
    if json:
        typer.echo(dumps(document))
        return
    typer.echo(f"{len(runs)} runs merged into {output}: model {identity['model_sha256'][:12]}, seed {identity['seed']}")
    for entry in found.values():
        typer.echo(f"  hypothesis {entry['hypothesis'] + 1}: {entry['toys']} toys in {entry['blocks']} blocks")


def _statistic(profile: Profile, choice: StatisticChoice | None, tested: float) -> StatisticName:
    if choice is not None:
        return choice.value
    bounded = profile.bounds[0] == 0.0
    if tested == 0.0:
        return "q0" if bounded else "t0"
    return "tmu_tilde" if bounded else "tmu"


def _observed(profile: Profile, name: StatisticName, tested: float) -> float:
    """The statistic of the data; a statistic that does not fit the parameter is refused before toys are thrown."""
    from eventfit.inference.statistic import STATISTICS

    return float(STATISTICS[name](profile.tested(tested)))


def _entry(
    problem: Problem,
    profile: Profile,
    samples: Sequence[ToySample],
    true: Sequence[float],
    names: Sequence[StatisticName],
    observed: Sequence[float],
) -> dict[str, Any]:
    from eventfit.inference.card import profile_card
    from eventfit.inference.statistic import COWAN
    from eventfit.inference.toys.throw import ENSEMBLE
    from eventfit.report.json import card_entry
    from eventfit.report.result import sample_entry

    failed = sum(int(sample.failed.sum()) for sample in samples)
    card = profile_card(
        profile,
        method="toys",
        statistic=", ".join(dict.fromkeys(names)),
        reference=COWAN,
        calibration="toys",
        toys=sum(len(sample.failed) for sample in samples),
        ensemble=ENSEMBLE,
        note=f"{failed} toys failed" if failed else "no fit failed",
    )
    rows = zip(samples, true, names, observed, strict=True)
    status = profile.best.status
    return {
        "samples": [sample_entry(s, at, name, value, profile, problem.reported) for s, at, name, value in rows],
        "card": card_entry(card),
        "status": status.name.lower(),
        "status_text": status.value,
    }


def _coverage(
    problem: Problem, profile: Profile, samples: Sequence[ToySample], cl: float, seed: int
) -> list[dict[str, Any]]:
    from eventfit.inference import Toys
    from eventfit.inference.coverage import CoverageOf, coverage_of
    from eventfit.report.result import coverage_entry

    kinds: tuple[CoverageOf, ...] = ("interval", "upper_limit", "delta_2_71")
    return [
        coverage_entry(
            coverage_of(profile, sample, Toys(len(sample.failed), seed), of=kind, cl=cl), kind, problem.reported
        )
        for sample in samples
        for kind in kinds
    ]
