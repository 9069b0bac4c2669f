"""The verb limit."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventfit.cli.app import app, guarded
from eventfit.cli.finish import Ending, calibrated, opened
from eventfit.cli.options import (
    Bounds,
    Calibration,
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
from eventfit.cli.progress import busy

if TYPE_CHECKING:
    from eventfit.analysis.problem import Problem
    from eventfit.inference import Impact, Limit, Profile
    from eventfit.inference.toys.throw import Toys

__all__ = ["LimitMethod", "limit"]

#: toys per tested value where the options do not say, and roughly how many values are tested
TOYS, VALUES = 10_000, 7


class LimitMethod(StrEnum):
    """Published definitions of an upper limit."""

    PROFILE = "profile"
    CLS = "cls"
    FELDMAN_COUSINS = "feldman-cousins"
    BAYES_FLAT = "bayes-flat"
    DELTA_2_71 = "delta-2.71"


#: methods that toys never calibrate, and those that give expected bands
NEVER = (LimitMethod.BAYES_FLAT, LimitMethod.DELTA_2_71)
BANDED = (LimitMethod.PROFILE, LimitMethod.CLS)


@app.command()
@guarded
def limit(
    target: Targets,
    method: Annotated[LimitMethod, typer.Option("--method", help="See above.")] = LimitMethod.PROFILE,
    cl: Cl = 0.90,
    calibration: CalibrationOption = None,
    toys: ToyCount = None,
    seed: Seed = 1,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    expected: Annotated[
        bool, typer.Option("--expected", help="Also the limits expected without signal, -2 to +2 standard deviations.")
    ] = False,
    marginalise: Annotated[
        bool, typer.Option("--marginalise", help="With bayes-flat: integrate over the nuisances instead of profiling.")
    ] = False,
    impacts: Annotated[
        bool, typer.Option("--impacts", help="Also which bin, measurement and nuisance move the limit how far.")
    ] = False,
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
    """Upper limit, with the method that made it on its card.

    Methods: profile, the one-sided likelihood-ratio test (qmu_tilde for a parameter bounded at zero, else qmu); cls,
    the same test with CLs = p_sb / p_b; feldman-cousins, the upper end of the two-sided unified interval, always by
    toys; bayes-flat, a prior flat in the fit parameter above zero; delta-2.71, the older practice of the upper end of
    the two-sided profile interval. profile and cls are asymptotic or by toys.

    Example: eventfit limit xenon1t_2020 --method cls --expected -o figures

    Example: eventfit limit xenon1t_2020 xenonnt_2022 -o figures
    """
    _refuse_combinations(method, calibration, toys, expected, marginalise, impacts)
    by_toys = method is LimitMethod.FELDMAN_COUSINS
    named = f"--method {method.value}" if method in NEVER else ""
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
    from eventfit.inference import Profile, toy_cost
    from eventfit.report.result import impact_entries, limit_entry

    ending = Ending(json, output)
    profile, taken, timing = Profile(problem.likelihood, problem.poi), [], None
    rule = partial(_asymptotic, method=method, cl=cl, expected=expected, marginalise=marginalise)
    if n is not None:
        from eventfit.cli.throwing import throwing

        with throwing(n, seed=seed, jobs=jobs, scheduler=scheduler, run=output) as thrown:
            result = _by_toys(profile, method, cl, thrown)
        taken, timing = thrown.taken, thrown.timing
    else:
        with busy(method.value):
            result = rule(profile)
        remedy = f"check with --method {'profile' if method in NEVER else method.value} --calibration toys"
        ending.warn(result.card, toy_cost(problem.likelihood, TOYS, VALUES), f"{remedy} --toys {TOYS}")
    entry = limit_entry(result, problem.reported)
    if n is not None and not by_toys:
        entry["asymptotic"] = limit_entry(rule(profile), problem.reported)
    moved = _impacts(problem, profile, partial(rule, expected=False)) if impacts else []
    if impacts:
        entry["impacts"] = impact_entries(moved, result, problem.reported)
    document = ending.document(problem, "upper_limit", entry, jobs=jobs, timing=timing)

    def figures() -> Any:
        from eventfit.report.result_figures import limit_figures

        return limit_figures(problem, profile, result, method.value, taken, moved)

    ending.end(document, f"limit_{method.value}", figures)


def _refuse_combinations(
    method: LimitMethod,
    calibration: Calibration | None,
    toys: int | None,
    expected: bool,
    marginalise: bool,
    impacts: bool,
) -> None:
    from eventfit.errors import InputError

    given = f"--method {method.value}"
    by_toys = toys is not None or calibration is Calibration.TOYS or method is LimitMethod.FELDMAN_COUSINS
    if marginalise and method is not LimitMethod.BAYES_FLAT:
        raise InputError("--marginalise belongs to bayes-flat", given=given, fix="add --method bayes-flat")
    if expected and method not in BANDED:
        raise InputError("this method has no expected bands", given=given, allowed=", ".join(BANDED))
    if expected and by_toys and method is LimitMethod.PROFILE:
        raise InputError("bands of the profile method are asymptotic", given="--expected with toys", fix="use cls")
    if impacts and by_toys:
        raise InputError(
            "impacts take an asymptotic limit: toys would have to be thrown for every bin",
            given="--impacts with toys",
            fix="ask for them without toys",
        )


def _asymptotic(profile: Profile, *, method: LimitMethod, cl: float, expected: bool, marginalise: bool) -> Limit:
    """The limit without toys."""
    from eventfit.inference import (
        upper_limit_cls,
        upper_limit_delta_2_71,
        upper_limit_flat_prior,
        upper_limit_qmu,
        upper_limit_qmu_tilde,
    )

    bounded = profile.bounds[0] == 0.0
    if method is LimitMethod.CLS:
        return upper_limit_cls(profile, cl=cl, statistic="qmu_tilde" if bounded else "qmu", expected=expected)
    if method is LimitMethod.BAYES_FLAT:
        return upper_limit_flat_prior(profile, cl=cl, nuisances="marginalised" if marginalise else "profiled")
    if method is LimitMethod.DELTA_2_71:
        return upper_limit_delta_2_71(profile, cl=cl)
    rule = upper_limit_qmu_tilde if bounded else upper_limit_qmu
    return rule(profile, cl=cl, expected=expected)


def _by_toys(profile: Profile, method: LimitMethod, cl: float, toys: Toys) -> Limit:
    """The limit with the distributions of toys."""
    from eventfit.inference import (
        Limit,
        feldman_cousins_interval,
        upper_limit_cls_toys,
        upper_limit_qmu_tilde_toys,
    )

    if method is LimitMethod.CLS:
        return upper_limit_cls_toys(profile, toys, cl=cl)
    if method is LimitMethod.PROFILE:
        return upper_limit_qmu_tilde_toys(profile, toys, cl=cl)
    found = feldman_cousins_interval(profile, toys, cl=cl)
    card = replace(found.card, note=f"upper end of the two-sided interval; {found.card.note}")
    return Limit(profile.parameter, found.pieces[-1][1], (), found.status, card, found.errors[-1][1])


def _impacts(problem: Problem, profile: Profile, rule: partial[Limit]) -> list[Impact]:
    """Impacts on the limit, bins called by their energies."""
    from eventfit.cli.progress import toy_progress
    from eventfit.inference import impacts_on_limit

    names = {f"bin {i + 1}": f"bin {i + 1} ({label})" for i, label in enumerate(problem.bins)}
    constrained = [p for p in problem.likelihood.parameters if p.constraint is not None]
    moves = len(problem.bins) + len(constrained) + len(problem.likelihood.parameters) - 1
    with toy_progress() as progress:
        bar = progress.add_task("impacts", total=moves, plain=True)
        found = impacts_on_limit(profile, rule=rule, progress=lambda n: progress.update(bar, advance=n))
    return [replace(impact, name=names.get(impact.name, impact.name)) for impact in found]
