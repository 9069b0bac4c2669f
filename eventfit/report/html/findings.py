"""What a report is about, computed once: the fit, the answers with their cards, the reproduction, and what to doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eventfit.analysis import Analysis
from eventfit.analysis.problem import Problem
from eventfit.analysis.reading import DEFAULT
from eventfit.errors import InputError, StatisticsError
from eventfit.inference import (
    FitResult,
    Profile,
    Status,
    discovery_significance,
    goodness_of_fit,
    profile_interval,
    toy_cost,
    upper_limit_qmu,
    upper_limit_qmu_tilde,
)
from eventfit.likelihood import Likelihood
from eventfit.published import Reproduction, reproduce, versions
from eventfit.report.json import card_entry, document, finite
from eventfit.report.result import Entry, interval_entry, limit_entry, significance_entry
from eventfit.report.spectrum_view import without_signal
from eventfit.report.store import with_stored_toys

__all__ = ["Answer", "Findings", "find"]

#: two minima whose -2 ln L differ by more are two
APART = 1e-3
#: a fit with a smaller p-value is called poor
POOR = 0.01
#: toys that a doubtful number should be checked with, and how many values a limit tests
TOYS, VALUES = 10_000, 7
#: the verb that throws toys for a quantity
VERBS = {
    "upper_limit": "limit {}",
    "interval": "interval {} --method feldman-cousins",
    "significance": "significance {}",
}


@dataclass(frozen=True)
class Answer:
    """A number with its card as the JSON documents have it, or why there is none."""

    quantity: str
    entry: Entry | None
    trouble: str = ""


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that stands in a report.

    Attributes
    ----------
    target
        What a command line calls the problem.
    source
        Name and text of the declaration or workspace, None where it was read from standard input.
    null
        The fit without signal, None where there is none.
    answers
        Limit, interval, significance and goodness of fit at level ``cl``, with the declared method of each verb.
    reproduction, results
        The declared results of an analysis, and their JSON document, with accepted rows by toys; None without.
    doubts, notes
        What a reader should know before trusting a number, and what belongs beside it.
    """

    problem: Problem
    cl: float
    target: str
    source: tuple[str, str] | None
    profile: Profile
    null: FitResult | None
    answers: tuple[Answer, ...]
    reproduction: Reproduction | None
    results: Mapping[str, Any] | None
    doubts: tuple[str, ...]
    notes: tuple[str, ...]
    versions: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """Start of the names of the analysis' own parameters."""
        return f"{self.problem.name}."

    @property
    def limit(self) -> float:
        """The upper limit in the fit parameter, NaN without one."""
        entry = next((a.entry for a in self.answers if a.quantity == "upper_limit"), None)
        value = entry["fitted"]["value"] if entry else None
        return float("nan") if value is None else float(value)

    @property
    def complete(self) -> bool:
        """Whether no number is missing."""
        rows = self.results["results"] if self.results else ()
        return all(a.entry and a.entry["value"] is not None for a in self.answers) and all(
            row["value"] is not None for row in rows
        )


def find(
    problem: Problem,
    *,
    cl: float = 0.90,
    analysis: Analysis | None = None,
    target: str = "",
    source: tuple[str, str] | None = None,
    on_variant: Callable[[str], None] | None = None,
) -> Findings:
    """Fit ``problem`` and answer the usual questions; for an ``analysis`` also all declared results of all variants.

    Parameters
    ----------
    target
        What a command line calls the problem; its name by default.
    source
        Name and text of the file that declares it.
    on_variant
        Called with the variant that starts.

    Raises
    ------
    FitFailed
        There is no best fit.
    """
    profile = Profile(problem.likelihood, problem.poi)
    rerun = reproduce(analysis, on_variant=on_variant) if analysis is not None and analysis.default.result else None
    results, dropped = (None, "") if rerun is None else (document(rerun), "")
    if rerun is not None and results is not None and rerun.analysis.shipped:
        results, said = with_stored_toys(rerun.analysis.id, results)
        dropped = "" if any(row["method"]["calibration"] == "toys" for row in results["results"]) else said
    answers = tuple(_answers(problem, profile, cl))
    null = without_signal(profile)
    return Findings(
        problem=problem,
        cl=cl,
        target=target or problem.name,
        source=source,
        profile=profile,
        null=null,
        answers=answers,
        reproduction=rerun,
        results=results,
        doubts=tuple(dict.fromkeys(_doubts(problem, profile, answers, rerun, target or problem.name))),
        notes=(*problem.notes, *([dropped] if dropped else [])),
        versions=versions(),
    )


def _answers(problem: Problem, profile: Profile, cl: float) -> Iterator[Answer]:
    bounded, reported = profile.bounds[0] == 0.0, problem.reported
    expected = not problem.likelihood.unbinned
    if profile.bounds[0] <= 0.0:  # a limit, and evidence, are against nothing
        rule = upper_limit_qmu_tilde if bounded else upper_limit_qmu
        yield _answer("upper_limit", lambda: limit_entry(rule(profile, cl=cl, expected=expected), reported))
    yield _answer("interval", lambda: interval_entry(profile_interval(profile, cl=cl), reported))
    if profile.bounds[0] <= 0.0 <= profile.bounds[1]:
        yield _answer("significance", lambda: significance_entry(discovery_significance(profile)))
    if not problem.likelihood.unbinned:
        yield _answer("gof", lambda: _goodness(profile.best))


def _answer(quantity: str, compute: Callable[[], Entry]) -> Answer:
    try:
        return Answer(quantity, finite(compute()))
    except (InputError, StatisticsError) as error:
        return Answer(quantity, None, str(error))


def _goodness(best: FitResult) -> Entry:
    found = goodness_of_fit(best)
    return {
        "value": found.minus_2_ln_l,
        "degrees_of_freedom": found.degrees_of_freedom,
        "p_value": found.p_value,
        "card": card_entry(found.card),
        "status": found.status.name.lower(),
        "status_text": found.status.value,
    }


# -- what to doubt ----------------------------------------------------------------------------------------------------


def _doubts(
    problem: Problem, profile: Profile, answers: tuple[Answer, ...], rerun: Reproduction | None, target: str
) -> Iterator[str]:
    """Everything that a reader should know before trusting a number."""
    asked = target if problem.variant in (None, DEFAULT) else f"{target} --variant {problem.variant}"
    if profile.best.status is not Status.OK:
        yield f"The best fit {profile.best.status.value}." if profile.best.status.good else profile.best.status.value
    spread = [value - profile.best.starts[0] for value in profile.best.starts]
    if any(value > APART for value in spread):
        yield "The fit has more than one minimum: starts ended at values of -2 ln L that differ. The lowest is quoted."
    for answer in answers:
        yield from _about(answer, "" if problem.likelihood.unbinned else asked, problem.likelihood)
    tables = {table.name: table for table in (rerun.tables if rerun is not None else problem.tables)}
    for table in tables.values():
        if table.status == "recalled-unverified":
            yield f"Table {table.name} was recalled and not verified against its source."
        if not table.checks_hold:
            yield f"Table {table.name} fails a check that was taken from its publication."
    for row in rerun.rows if rerun is not None else ():
        if row.value is None:
            yield f"No {row.quantity.replace('_', ' ')} for variant {row.variant}: {row.remedy}"


def _about(answer: Answer, asked: str, likelihood: Likelihood) -> Iterator[str]:
    """What is missing or doubtful; ``asked`` is what toys are thrown for, empty where none can be."""
    named = {"upper_limit": "upper limit", "gof": "goodness of fit"}.get(answer.quantity, answer.quantity)
    if answer.entry is None:
        yield f"No {named}: {answer.trouble}"
        return
    if answer.entry["value"] is None:
        yield f"No {named}: {answer.entry['status_text']}."
    doubts = answer.entry["card"]["doubts"]
    if doubts:
        verb, values = VERBS[answer.quantity].format(asked), 1 if answer.quantity == "significance" else VALUES
        command = f"eventfit {verb} --toys {TOYS} ({toy_cost(likelihood, TOYS, values)})"
        said = f"The {named} is asymptotic, and its distributions are doubtful here: {'; '.join(doubts)}."
        yield f"{said} Check it by toys: {command if asked else 'those of a variant with bins'}."
    p_value = answer.entry.get("p_value")
    if answer.quantity == "gof" and p_value is not None and p_value < POOR:
        yield f"The best fit is poor: p = {p_value:.2g}. No number below knows that."
