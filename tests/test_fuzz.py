"""Thousands of mutated declarations: each gives a valid result or one named error, in time."""

from __future__ import annotations

import json
import math
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutations import Mutation, Tree, mutated, seeds, toml
from typer.testing import CliRunner

from eventfit.analysis import Analysis
from eventfit.analysis.physics import Folded
from eventfit.cli import app
from eventfit.errors import EventfitError, located
from eventfit.inference import Profile, upper_limit_qmu, upper_limit_qmu_tilde
from eventfit.tables import shipped

#: seconds of processor time that one case may take, and seconds in all where other programs take their share
PATIENCE, ASLEEP = 10.0, 60.0
#: cases of the slow suite, in pieces; of the fast one; and one in how many of them goes through the command line
CASES, PIECE, FAST, CLI = 10_000, 500, 150, 12


class Hung(BaseException):
    """A case took too long; no handler of ours may catch it."""


@contextmanager
def in_time() -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise Hung(f"longer than {PATIENCE:g} s")

    handlers = [(alarm, signal.signal(alarm, late)) for alarm in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    signal.setitimer(signal.ITIMER_REAL, ASLEEP)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for alarm, handler in handlers:
            signal.signal(alarm, handler)


@cache
def documents() -> dict[str, Tree]:
    return seeds(shipped("analyses"), Path(__file__).parent / "broken" / "valid.toml")


@pytest.fixture(scope="module")
def folds() -> Folded:
    """Folds that cases with the same physics share, as variants of one analysis do."""
    return {}


def complaint(error: EventfitError, path: Path) -> str | None:
    """What the message of ``error`` fails to say."""
    if error.exit_code == 3:  # the input is valid, but its fit or fold did not converge
        return None
    if error.exit_code != 2:
        return f"exit code {error.exit_code}"
    if str(path) not in error.where:
        return "names no file"
    whole = any(word in error.problem for word in ("TOML", "the file is"))
    if not error.where.split(str(path), 1)[1].strip(": ") and not whole:
        return "names no key"
    if error.given is None and not any(word in error.problem for word in ("missing", "needs", "nothing", "'")):
        return "says not what was given"
    if not (error.allowed or error.fix or "TOML" in error.problem or "may not" in error.problem):
        return "says not what is allowed"
    return None


def outcome(case: Mutation, folder: Path, folds: Folded) -> tuple[str, str | None]:
    """What became of a case: how it ended, and what is wrong with that."""
    path = folder / "case.toml"
    path.write_bytes(case.content)
    try:
        with in_time():
            if case.seed % CLI == 0:
                return through_program(case, path)
            if len(folds) > 400:  # bound the memory
                folds.clear()
            return in_process(case, path, folds)
    except EventfitError as error:
        wrong = complaint(error, path)
        return type(error).__name__, None if wrong is None else f"{wrong}: {error}"
    except (Exception, Hung) as error:
        return "crash", f"{type(error).__name__}: {error}"


def in_process(case: Mutation, path: Path, folds: Folded) -> tuple[str, str | None]:
    analysis = replace(Analysis.load(path), folded=folds)
    model = analysis.model(case.variant if case.variant in analysis.variants else "default")
    likelihood = model.likelihood
    expected = np.asarray(likelihood.expected(likelihood.start)) if hasattr(likelihood, "expected") else np.zeros(1)
    if not (np.all(np.isfinite(expected)) and np.all(expected >= 0)):
        return "result", f"expects {expected}"
    if not math.isfinite(model.numerical_error):
        return "result", f"numerical error {model.numerical_error}"
    with located(str(path)):  # a likelihood knows no file: who asks for its limit does
        profile = Profile(likelihood, model.poi)
        rule = upper_limit_qmu_tilde if profile.bounds[0] == 0.0 else upper_limit_qmu
        limit = rule(profile, cl=0.90)
    value = model.reported.value(limit.value)
    return "result", None if math.isfinite(value) else f"limit {value} ({limit.value})"


def through_program(case: Mutation, path: Path) -> tuple[str, str | None]:
    verb = ["limit", str(path), "--json"] if case.seed % (2 * CLI) else ["validate", str(path)]
    if verb[0] == "limit" and case.variant in documents()[case.origin].get("variant", {}):
        verb += ["--variant", case.variant]
    result = CliRunner().invoke(app, verb)
    if result.exit_code not in (0, 2, 3) or not isinstance(result.exception, SystemExit | None):
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return "crash", f"exit code {result.exit_code}: {result.exception!r}"
    if result.exit_code == 0:
        if verb[0] == "limit":
            json.loads(result.stdout, parse_constant=_refuse)
        return "result", None
    message = result.stderr.lstrip()
    said = message.split(":")[0]
    if result.stdout or "Traceback" in message or not said.isidentifier():
        return said, f"not one message: {result.stdout} {message}"
    return said, None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} in a result")


def run(numbers: range, folder: Path, folds: Folded) -> Counter[str]:
    """How the cases ended; fails with all that are wrong."""
    ends: Counter[str] = Counter()
    wrong = []
    for number in numbers:
        case = mutated(number, documents())
        end, trouble = outcome(case, folder, folds)
        ends[end] += 1
        if trouble is not None:
            wrong.append(f"seed {number}, {case.origin}, variant {case.variant}, {'; '.join(case.done)}\n    {trouble}")
    assert not wrong, f"{len(wrong)} of {len(numbers)}:\n" + "\n".join(wrong)
    return ends


# -- invariant --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["valid", "xenon1t_2020", "gemma_2012"])
def test_what_is_mutated_is_valid(name: str, tmp_path: Path) -> None:
    """The writer of the mutations changes nothing itself."""
    path = tmp_path / f"{name}.toml"
    path.write_text(toml(documents()[name]))
    assert seeds(tmp_path, path)["valid"] == documents()[name]
    case = Mutation(1, name, "default", path.read_bytes(), ())
    assert outcome(case, tmp_path, {}) == ("result", None)


def test_sample(tmp_path: Path, folds: Folded) -> None:
    ends = run(range(FAST), tmp_path, folds)
    assert ends["result"] >= FAST // 10, "too few mutations are still valid to say anything about results"
    assert ends["DeclarationError"] >= FAST // 5


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FAST, FAST + CASES, PIECE))
def test_many(first: int, tmp_path: Path, folds: Folded) -> None:
    run(range(first, first + PIECE), tmp_path, folds)
