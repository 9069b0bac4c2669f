"""Toys of real models: the same records for any workers, chunks, executors and interruptions; models that travel."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import benchmark_like, bilinear, counting, everything, interfering, morphed, on_off, per_bin, sparse

from eventfit.errors import EventfitError, StatisticsError
from eventfit.inference import (
    Hypothesis,
    Profile,
    ToyRun,
    Toys,
    ToySample,
    coverage,
    discovery_significance_toys,
    feldman_cousins_interval,
    upper_limit_cls_toys,
)
from eventfit.inference.toys.jobs import run_blocks
from eventfit.inference.toys.throw import BLOCK, evaluate_block, throw_block
from eventfit.likelihood import Likelihood
from eventfit.likelihood.plain import from_plain, to_plain

Array = np.ndarray
MODELS: dict[str, Callable[[], Likelihood]] = {
    "counting": lambda: counting(5.0, 3.0),
    "poisson-constraint": lambda: on_off(20.0, 30.0, 3.0),
    "benchmark": benchmark_like,
    "bilinear": bilinear,
    "interference": interfering,
    "code0": lambda: morphed(0, "0"),
    "code1": lambda: morphed(1, "0", folding=True),
    "code4": lambda: morphed(4, "4p"),
    "shapesys": lambda: per_bin("poisson"),
    "staterror": lambda: per_bin("gaussian"),
    "sparse": sparse,
    "every-factor": lambda: everything()[0].bounded("mu2", 0.0, 30.0).bounded("q", 0.1, 30.0),
}
#: seed of the program that is killed
SEED = 41


def hypotheses(likelihood: Likelihood) -> list[Hypothesis]:
    """At the start and with half of the parameter of interest, tested there."""
    half = likelihood.start.copy()
    half[0] *= 0.5
    return [Hypothesis(at, float(at[0])) for at in (likelihood.start, half)]


def throw(likelihood: Likelihood, n: int, seed: int = 5, **where: Any) -> list[ToySample]:
    return Toys(n, seed, **where).samples(likelihood, likelihood.names[0], hypotheses(likelihood))


def content(samples: list[ToySample]) -> list[tuple[bytes, bytes, bytes, int]]:
    """Everything in the samples, to the bit."""
    return [(s.estimate.tobytes(), s.delta.tobytes(), s.failed.tobytes(), s.fallback) for s in samples]


def program(folder: str, jobs: str, blocks: str) -> None:
    """What is killed: ``blocks`` of toys per hypothesis into a run; it says how many toys are stored."""
    finished = 0

    def report(n: int) -> None:
        nonlocal finished
        finished += n
        print(finished, flush=True)

    throw(bilinear(), int(blocks) * BLOCK, SEED, jobs=int(jobs), run=Path(folder), progress=report)


# -- invariant --


@pytest.fixture(scope="module")
def reference() -> list[tuple[bytes, bytes, bytes, int]]:
    """Three blocks and a part of one, two hypotheses."""
    return content(throw(bilinear(), 3 * BLOCK + 100))


@pytest.mark.parametrize("jobs", [2, 7])
def test_processes_change_nothing(reference: list[tuple[bytes, bytes, bytes, int]], jobs: int) -> None:
    assert content(throw(bilinear(), 3 * BLOCK + 100, jobs=jobs)) == reference


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_change_nothing(reference: list[tuple[bytes, bytes, bytes, int]], workers: int) -> None:
    executor: Executor
    with ThreadPoolExecutor(workers) as executor:
        assert content(throw(bilinear(), 3 * BLOCK + 100, executor=executor)) == reference


def test_a_run_directory_changes_nothing_nor_does_reading_it_again(
    reference: list[tuple[bytes, bytes, bytes, int]], tmp_path: Path
) -> None:
    ticks: list[int] = []
    assert content(throw(bilinear(), 3 * BLOCK + 100, run=tmp_path / "run")) == reference
    again = throw(bilinear(), 3 * BLOCK + 100, run=tmp_path / "run", progress=ticks.append)
    assert content(again) == reference
    assert ticks == [2 * 4 * BLOCK]  # all there already
    grown = throw(bilinear(), 5 * BLOCK, run=tmp_path / "run")
    assert grown[0].estimate[: 3 * BLOCK + 100].tobytes() == reference[0][0]


@pytest.mark.parametrize("chunk", [1, 2, 5, 100])
def test_chunks_change_nothing(chunk: int) -> None:
    likelihood = per_bin("poisson")
    payload = {
        "likelihood": to_plain(likelihood),
        "parameter": "mu",
        "seed": 3,
        "hypotheses": [{"theta": h.theta, "tested": h.tested} for h in hypotheses(likelihood)],
    }
    keys = [(h, b) for h in range(2) for b in range(3)]
    with ThreadPoolExecutor(2) as executor:
        found = list(run_blocks(evaluate_block, payload, keys, executor=executor, blocks_per_chunk=chunk))
    assert [key for key, _ in found] == keys
    for key, records in found:
        assert records.tobytes() == evaluate_block(payload, key).tobytes()


@pytest.mark.parametrize("name", ["counting", "shapesys", "sparse"])
def test_the_first_toys_of_a_longer_run_are_the_same(name: str) -> None:
    likelihood = MODELS[name]()
    short, long = throw(likelihood, 300), throw(likelihood, 2 * BLOCK)
    for few, many in zip(short, long, strict=True):
        assert len(few.estimate) == 300
        np.testing.assert_array_equal(few.estimate, many.estimate[:300])
        np.testing.assert_array_equal(few.delta, many.delta[:300])
    assert not np.array_equal(long[0].estimate[:BLOCK], long[0].estimate[BLOCK:])


def test_seeds_hypotheses_and_blocks_differ() -> None:
    likelihood = bilinear()
    seen = {
        throw_block(likelihood, likelihood.start, seed=seed, hypothesis=h, block=b).counts.tobytes()
        for seed in (0, 1, 2**63)
        for h in (0, 1)
        for b in (0, 1, 2**20)
    }
    assert len(seen) == 18
    again = [throw_block(likelihood, likelihood.start, seed=1, hypothesis=1, block=0) for _ in range(2)]
    assert again[0].counts.tobytes() == again[1].counts.tobytes()
    assert again[0].auxiliary.tobytes() == again[1].auxiliary.tobytes()


def test_streams_of_blocks_are_not_correlated() -> None:
    likelihood = benchmark_like()
    blocks = [
        throw_block(likelihood, likelihood.start, seed=s, hypothesis=h, block=b)
        for s, h, b in ((7, 0, 0), (7, 0, 1), (7, 1, 0), (8, 0, 0))
    ]
    columns = [np.concatenate([d.counts, d.auxiliary], axis=1) for d in blocks]
    columns = [(c - c.mean(axis=0)) / c.std(axis=0) for c in columns]
    for i, one in enumerate(columns):
        for other in columns[:i]:
            assert np.abs((one * other).mean(axis=0)).max() < 5.0 / np.sqrt(BLOCK)


def test_results_are_the_same_with_two_jobs() -> None:
    profile = Profile(bilinear(), "mu2")
    for method in (
        lambda toys: discovery_significance_toys(profile, toys),
        lambda toys: feldman_cousins_interval(profile, toys, points=np.array([0.5, 1.0])),
    ):
        assert repr(method(Toys(BLOCK + 1, 2))) == repr(method(Toys(BLOCK + 1, 2, jobs=2)))


@pytest.mark.slow
def test_more_results_are_the_same_with_two_jobs() -> None:
    profile = Profile(bilinear(), "mu2")
    for method in (lambda toys: coverage(profile, 1.0, toys), lambda toys: upper_limit_cls_toys(profile, toys)):
        assert repr(method(Toys(BLOCK + 1, 2))) == repr(method(Toys(BLOCK + 1, 2, jobs=2)))


@pytest.mark.parametrize("name", MODELS)
def test_models_travel_as_plain_arrays(name: str) -> None:
    likelihood = MODELS[name]()
    plain = to_plain(likelihood)
    for leaf in leaves(plain):
        assert leaf is None or isinstance(leaf, str | int | float | np.ndarray)
    back = from_plain(plain)
    assert back.model_hash == likelihood.model_hash
    points = likelihood.start + 0.05 * np.random.default_rng(2).uniform(0.0, 1.0, (6, len(likelihood.start)))
    for one, other in zip(likelihood.derivatives(points), back.derivatives(points), strict=True):
        np.testing.assert_array_equal(one, other)
    thrown = [throw_block(x, likelihood.start, seed=1, hypothesis=0, block=0) for x in (likelihood, back)]
    np.testing.assert_array_equal(thrown[0].counts, thrown[1].counts)
    np.testing.assert_array_equal(thrown[0].auxiliary, thrown[1].auxiliary)


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    if isinstance(tree, list | tuple):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def changes(plain: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The same model with one thing moved by a rounding error, or by a word."""
    component, parameter = plain["components"][0], plain["parameters"][0]
    return {
        "template": {"components": [component | {"counts": np.nextafter(component["counts"], 99.0)}]},
        "component name": {"components": [component | {"name": "other"}]},
        "factor": {"components": [component | {"factors": [["Power", {"parameter": "mu", "exponent": 2}]]}]},
        "bound": {"parameters": [parameter | {"lower": -1.0}]},
        "start": {"parameters": [parameter | {"start": 0.5}]},
        "counts": {"counts": np.nextafter(plain["counts"], 99.0)},
        "auxiliary": {"auxiliary": plain["auxiliary"] + 1e-12},
        "strength": {"scales": [s | {"strength": s["strength"] * (1 + 1e-15)} for s in plain["scales"]]},
        "constraint": {"scales": [s | {"constraint": "gaussian"} for s in plain["scales"]]},
        "inputs": {"input_hashes": {"table": "0af3"}},
    }


@pytest.mark.parametrize("what", list(changes(to_plain(per_bin("poisson")))))
def test_a_model_that_changed_on_its_way_is_refused(what: str) -> None:
    plain = to_plain(per_bin("poisson"))
    changed = changes(plain)[what]
    for part in ("components", "parameters"):
        if part in changed:
            changed[part] = [*changed[part], *plain[part][1:]]
    with pytest.raises(StatisticsError, match="arrived changed"):
        from_plain(plain | changed)


def test_a_run_of_another_model_seed_or_hypothesis_is_refused(tmp_path: Path) -> None:
    likelihood = bilinear()
    throw(likelihood, 10, run=tmp_path / "run")
    counts = likelihood.data.counts.copy()
    counts[3] += 1.0
    other = likelihood.with_data(replace(likelihood.data, counts=counts))
    with pytest.raises(EventfitError, match="seed"):
        throw(likelihood, 10, seed=6, run=tmp_path / "run")
    with pytest.raises(EventfitError, match="model_sha256"):
        throw(other, 10, run=tmp_path / "run")
    with pytest.raises(EventfitError, match="tested"):
        Toys(10, 5, run=tmp_path / "run").samples(
            likelihood, "mu2", [replace(h, tested=h.tested + 0.1) for h in hypotheses(likelihood)]
        )
    assert content(throw(likelihood, 10, run=tmp_path / "run")) == content(throw(likelihood, 10))


def killed(folder: Path, kills: int, jobs: int, blocks: int) -> None:
    """The program is killed ``kills`` times at random moments, ends at last, and its toys are those of one process."""
    rng = random.Random(kills)
    command = [sys.executable, __file__, str(folder), str(jobs), str(blocks)]
    safe = 0
    for _ in range(kills):
        one = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert one.stdout is not None
        lines = [int(one.stdout.readline() or 0) for _ in range(rng.randint(1, 2))]
        time.sleep(rng.uniform(0.0, 0.15))
        os.killpg(one.pid, signal.SIGKILL)
        lines += [int(line) for line in one.stdout.read().split("\n")[:-1]]
        one.stdout.close()
        one.wait()
        assert safe < 2 * blocks * BLOCK  # else there was nothing left to interrupt
        assert all(a <= b for a, b in pairwise([safe, *lines]))
        safe = max(safe, *lines)
        with ToyRun.read(folder) as run:  # what was said to be finished is there
            assert sum(run.rows(key) for key in run.done) >= safe
    last = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert int(last.stdout.split()[0]) >= safe
    assert int(last.stdout.split()[-1]) == 2 * blocks * BLOCK
    whole = throw(bilinear(), blocks * BLOCK, SEED, run=folder)
    assert content(whole) == content(throw(bilinear(), blocks * BLOCK, SEED))


def test_a_killed_run_ends_in_the_same_toys(tmp_path: Path) -> None:
    killed(tmp_path / "run", kills=2, jobs=1, blocks=12)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_killed_many_times_ends_in_the_same_toys(tmp_path: Path, jobs: int) -> None:
    killed(tmp_path / "run", kills=20, jobs=jobs, blocks=150)


if __name__ == "__main__":
    program(*sys.argv[1:])
