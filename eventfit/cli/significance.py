"""The verb significance."""

from __future__ import annotations

from typing import Any

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import Ending, calibrated, opened
from eventfit.cli.options import (
    Bounds,
    CalibrationOption,
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

__all__ = ["significance"]

#: toys where the options do not say how many: enough for 3 sigma
TOYS = 100_000


@app.command()
@guarded
def significance(
    target: Targets,
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
    """Evidence against the hypothesis without signal: Z and its p-value.

    The statistic is q0 for a parameter bounded at zero (one-sided) and t0 for one of either sign (two-sided). With toys
    the p-value (k + 1) / (n + 1) and its binomial error stand beside the asymptotic value. With -o DIR the toys are
    kept: Ctrl-C and the same command again go on from there, and so do toys that several machines threw
    (see 'eventfit toys --help').

    Example: eventfit significance xenon1t_2020 --calibration toys --toys 1000000 --seed 1 --jobs 2 -o run
    """
    n = calibrated(calibration, toys, default=TOYS)
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
    from eventfit.inference import Profile, discovery_significance, discovery_significance_toys, toy_cost
    from eventfit.report.result import significance_entry

    ending = Ending(json, output)
    profile, sample, timing = Profile(problem.likelihood, problem.poi), None, None
    result = None
    if n is not None:
        from eventfit.cli.throwing import throwing

        with throwing(n, seed=seed, jobs=jobs, scheduler=scheduler, run=output) as thrown:
            result = discovery_significance_toys(profile, thrown)
        (sample,), timing = thrown.taken, thrown.timing
    asymptotic = discovery_significance(profile)
    entry = significance_entry(result or asymptotic)
    if result is None:
        ending.warn(asymptotic.card, toy_cost(problem.likelihood, TOYS), f"check with --calibration toys --toys {TOYS}")
    else:
        entry["asymptotic"] = significance_entry(asymptotic)
    document = ending.document(problem, "significance", entry, jobs=jobs, timing=timing)

    def figures() -> Any:
        from eventfit.report.result_figures import significance_figures

        found = result or asymptotic
        statistic: Any = found.card.statistic
        return significance_figures(problem, profile, found, statistic, sample)

    ending.end(document, "significance", figures)
