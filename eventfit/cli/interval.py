"""The verb interval."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import Ending, calibrated, opened
from eventfit.cli.options import (
    Bounds,
    CalibrationOption,
    Cl,
    FluxOption,
    HistoSysOption,
    Jobs,
    Json,
    Measurement,
    NormSysOption,
    Output,
    Poi,
    Scheduler,
    Seed,
    Spectrum,
    Targets,
    ToyCount,
    Universal,
    Variants,
)

__all__ = ["IntervalMethod", "interval"]

#: toys per tested value where the options do not say, and roughly how many values are tested
TOYS, VALUES = 10_000, 16


class IntervalMethod(StrEnum):
    """Published definitions of a two-sided interval."""

    PROFILE = "profile"
    FELDMAN_COUSINS = "feldman-cousins"
    MINOS = "minos"


@app.command()
@guarded
def interval(
    target: Targets,
    method: Annotated[IntervalMethod, typer.Option("--method", help="See above.")] = IntervalMethod.PROFILE,
    cl: Cl = 0.90,
    calibration: CalibrationOption = None,
    toys: ToyCount = None,
    seed: Seed = 1,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    variant: Variants = None,
    universal: Universal = False,
    spectrum: Spectrum = None,
    flux: FluxOption = None,
    measurement: Measurement = None,
    poi: Poi = None,
    poi_bounds: Bounds = None,
    normsys_code: NormSysOption = None,
    histosys_code: HistoSysOption = None,
    json: Json = False,
    output: Output = None,
) -> None:
    """Two-sided interval, all of its pieces.

    Methods: profile, all values whose likelihood ratio (tmu, or tmu_tilde for a parameter bounded at zero) is below the
    chi-square quantile; feldman-cousins, the same ratio with critical values from toys at each tested value, nuisances
    profiled; minos, one piece around the best fit as MINOS gives it. Only feldman-cousins takes toys, and it always
    does; the profile interval is printed beside it.

    Example: eventfit interval xenon1t_2020 --method feldman-cousins --toys 20000 --seed 1 -o run
    """
    by_toys = method is IntervalMethod.FELDMAN_COUSINS
    named = "" if by_toys else f"--method {method.value}"
    n = calibrated(calibration, toys, default=TOYS, needs="feldman-cousins" if by_toys else "", never=named)
    problem = opened(
        target,
        variant,
        measurement,
        normsys_code,
        histosys_code,
        poi,
        poi_bounds,
        universal=universal,
        spectrum=spectrum,
        flux=flux,
    )
    from eventfit.inference import (
        Profile,
        feldman_cousins_interval,
        minos_interval,
        profile_interval,
        toy_cost,
    )
    from eventfit.report.result import interval_entry

    ending = Ending(json, output)
    profile, taken, timing = Profile(problem.likelihood, problem.poi), [], None
    if n is not None:
        from eventfit.cli.throwing import throwing

        with throwing(n, seed=seed, jobs=jobs, scheduler=scheduler, run=output) as thrown:
            result = feldman_cousins_interval(profile, thrown, cl=cl)
        taken, timing = thrown.taken, thrown.timing
    elif method is IntervalMethod.MINOS:
        result = minos_interval(profile.best, problem.poi, cl=cl)
    else:
        result = profile_interval(profile, cl=cl)
        remedy = f"check with --method feldman-cousins --toys {TOYS}"
        ending.warn(result.card, toy_cost(problem.likelihood, TOYS, VALUES), remedy)
    entry = interval_entry(result, problem.reported)
    if n is not None:
        entry["asymptotic"] = interval_entry(profile_interval(profile, cl=cl), problem.reported)
    document = ending.document(problem, "interval", entry, jobs=jobs, timing=timing)

    def figures() -> Any:
        from eventfit.report.result_figures import interval_figures

        return interval_figures(problem, profile, result, taken)

    ending.end(document, f"interval_{method.value}", figures)
