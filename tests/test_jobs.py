"""Blocks on workers: the same blocks in the same order everywhere, whatever is killed or interrupted."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import blocks
import numpy as np
import pytest
from blocks import content, fail_at_three, keys, open_run, payload, threads_of_blas, throw
from models import hears_ctrl_c

from eventfit.errors import InputError, MissingInput, OutOfRange, WorkerDied
from eventfit.inference.toys.dask import dask_executor
from eventfit.inference.toys.jobs import run_blocks
from eventfit.inference.toys.run import ToyRun
from eventfit.inference.toys.run_file import FILE, Key
from eventfit.inference.toys.workers import limit_blas
from eventfit.quadrature import Array

WANTED = [*keys(7, hypotheses=2), (3, 1)]
TESTS = Path(__file__).parent


def bits(computed: Iterator[tuple[Key, Array]]) -> list[tuple[Key, bytes]]:
    return [(key, records.tobytes()) for key, records in computed]


@pytest.fixture(scope="module")
def reference() -> list[tuple[Key, bytes]]:
    """Computed in this process, a block at a time."""
    return bits(run_blocks(throw, payload(), WANTED, blocks_per_chunk=1))


# -- the same everywhere --


@pytest.mark.parametrize(("jobs", "chunk"), [(1, 2), (1, 5), (2, 1), (2, 2), (2, 5), (7, 1)])
def test_workers_and_chunks_change_nothing(reference: list[tuple[Key, bytes]], jobs: int, chunk: int) -> None:
    assert bits(run_blocks(throw, payload(), WANTED, jobs=jobs, blocks_per_chunk=chunk)) == reference


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_threads_change_nothing(reference: list[tuple[Key, bytes]], chunk: int, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool, open_run(tmp_path) as store:
        found = run_blocks(throw, payload(), WANTED, executor=pool, blocks_per_chunk=chunk, store=store)
        assert bits(found) == reference
        assert content(store) == dict(reference)


def test_chunks_that_finish_out_of_order_are_yielded_in_order() -> None:
    def slow_first(given: Any, key: Key) -> Array:
        time.sleep(0.2 if key[1] == 0 else 0.0)
        return np.full((2, 1), float(key[1]))

    with ThreadPoolExecutor(4) as pool:
        found = run_blocks(slow_first, None, keys(20), executor=pool, blocks_per_chunk=1)
        assert [key[1] for key, _ in found] == list(range(20))


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_worker_has_one_blas_thread(jobs: int) -> None:
    if not limit_blas():
        pytest.skip("a BLAS library that cannot be asked")
    counts = [records[0, 0] for _, records in run_blocks(threads_of_blas, None, keys(4), jobs=jobs)]
    assert counts == [1.0] * 4


def test_blas_threads_of_this_process_are_given_back() -> None:
    before = threads_of_blas(None, (0, 0))
    with closing(run_blocks(threads_of_blas, None, keys(2))) as computed:
        assert next(computed)[1] == 1.0 or before == 0.0
    assert threads_of_blas(None, (0, 0)) == before


def test_the_environment_of_this_process_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    before = dict(os.environ)
    assert len(list(run_blocks(throw, payload(), keys(2), jobs=2))) == 2
    assert dict(os.environ) == before


# -- stores, progress, memory --


@pytest.mark.parametrize("jobs", [1, 2])
def test_only_what_is_missing_is_computed(reference: list[tuple[Key, bytes]], jobs: int, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.mkdir()
    given = payload(trace=str(trace))
    ticks: list[int] = []
    with open_run(tmp_path / "run") as store:
        store.put((key, throw(payload(), key)) for key in WANTED[3:8])
        found = run_blocks(throw, given, WANTED, jobs=jobs, blocks_per_chunk=2, store=store, progress=ticks.append)
        assert bits(found) == reference
    computed = sorted(tuple(int(n) for n in path.name.split("-")[:2]) for path in trace.iterdir())
    assert computed == sorted(set(WANTED) - set(WANTED[3:8]))
    assert ticks == [5 * 1024, *[2048] * 5]
    with open_run(tmp_path / "run") as store:
        assert bits(run_blocks(throw, given, WANTED, jobs=jobs, store=store)) == reference
    assert len(list(trace.iterdir())) == len(computed)


def test_a_chunk_is_stored_before_it_is_yielded(tmp_path: Path) -> None:
    with open_run(tmp_path) as store:
        for key, _ in run_blocks(throw, payload(), keys(5), blocks_per_chunk=2, store=store):
            with ToyRun.read(tmp_path) as seen:
                assert key in seen
                assert len(seen.done) == min(5, key[1] // 2 * 2 + 2)


class Counting(Executor):
    """Computes at once, and counts the chunks that it got."""

    def __init__(self) -> None:
        self.chunks: list[Sequence[Key]] = []

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **more: Any) -> Future[Any]:
        self.chunks.append(arguments[-1])
        future: Future[Any] = Future()
        future.set_result(work(*arguments, **more))
        return future


def one_number(given: Any, key: Key) -> Array:
    return np.array([[float(key[1])]])


def test_a_million_toys_do_not_queue_at_once() -> None:
    executor = Counting()
    for key, records in run_blocks(one_number, None, keys(1000), executor=executor):
        assert records[0, 0] == key[1]
        assert len(executor.chunks) <= 65 + key[1] / 4
    assert [len(chunk) for chunk in executor.chunks] == [4] * 250


def test_a_small_run_has_a_chunk_for_every_worker() -> None:
    executor = Counting()
    assert len(list(run_blocks(one_number, None, keys(6), executor=executor, jobs=3, blocks_per_chunk=4))) == 6
    assert [len(chunk) for chunk in executor.chunks] == [2, 2, 2]


def test_what_makes_no_sense_is_refused_before_anything_starts() -> None:
    for jobs, chunk in ((0, 1), (1, 0)):
        with pytest.raises(OutOfRange):
            run_blocks(throw, payload(), keys(2), jobs=jobs, blocks_per_chunk=chunk)
    with pytest.raises(InputError, match="twice"):
        run_blocks(throw, payload(), [(0, 1), (0, 1)])
    assert list(run_blocks(throw, payload(), [], jobs=2)) == []


# -- what goes wrong --


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_in_a_block_is_raised_and_finished_blocks_are_stored(jobs: int, tmp_path: Path) -> None:
    with open_run(tmp_path) as store:
        with pytest.raises(ZeroDivisionError, match=r"\(0, 3\)"):
            list(run_blocks(fail_at_three, payload(), keys(8), jobs=jobs, blocks_per_chunk=1, store=store))
        assert len(store.done & set(keys(3))) >= 2
        assert len(list(run_blocks(throw, payload(), keys(8), jobs=jobs, store=store))) == 8


def test_an_error_in_a_thread_stores_what_the_others_finish(tmp_path: Path) -> None:
    finished = threading.Event()

    def work(given: Any, key: Key) -> Array:
        if key[1] == 0:
            finished.wait(10.0)
            raise ZeroDivisionError
        return throw(given, key)

    with ThreadPoolExecutor(1) as first, open_run(tmp_path) as store:
        executor = Counting()
        real = executor.submit
        executor.submit = lambda f, *a: first.submit(f, *a) if (0, 0) in a[-1] else real(f, *a)  # type: ignore[method-assign]
        finished.set()
        with pytest.raises(ZeroDivisionError):
            list(run_blocks(work, payload(), keys(5), executor=executor, blocks_per_chunk=1, store=store))
        assert store.done == set(keys(5)) - {(0, 0)}


def test_a_worker_that_dies_has_a_name(tmp_path: Path) -> None:
    given = payload(poison=[0, 5])
    with open_run(tmp_path) as store:
        with pytest.raises(WorkerDied) as caught:
            list(run_blocks(throw, given, keys(8), jobs=2, blocks_per_chunk=1, store=store))
        assert caught.value.exit_code == 3
        assert "run the same command again" in str(caught.value)
        assert len(store.done) >= 2
        found = bits(run_blocks(throw, payload(), keys(8), jobs=2, store=store))
    assert found == bits(run_blocks(throw, payload(), keys(8)))


def test_whoever_stops_early_leaves_no_worker(tmp_path: Path) -> None:
    """The other chunks would take minutes."""
    given = payload(endless_from=2)
    with open_run(tmp_path) as store:
        with closing(run_blocks(throw, given, keys(8), jobs=2, blocks_per_chunk=2, store=store)) as computed:
            assert next(computed)[0] == (0, 0)
            started = time.monotonic()
        assert time.monotonic() - started < 15.0
        assert store.done == set(keys(2))


# -- killed and interrupted programs --


def program(folder: Path, n: int, jobs: int, **settings: object) -> subprocess.Popen[str]:
    """``blocks.main`` in a process group of its own, as a terminal starts it."""
    command = [sys.executable, blocks.__file__, str(folder), str(n), str(jobs), json.dumps(settings)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=TESTS,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    )


def group_is_gone(group: int, patience: float = 10.0) -> bool:
    """Whether no process of the group is left alive within ``patience`` seconds."""
    end = time.monotonic() + patience
    while members(group):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def members(group: int) -> list[str]:
    """Processes of a group, where the system shows them; dead ones whose parent has not noticed do not count."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            name, _, rest = file.read_text().rpartition(")")
            state, _, of = rest.split()[:3]
            found += [name] if of == str(group) and state != "Z" else []
    return found


def reported(lines: str) -> int:
    """Toys that a program said to be safe."""
    return max((int(line) for line in lines.split() if line.isdigit()), default=0)


def survives_kills(folder: Path, kills: int, seed: int) -> None:
    """Killed at random moments, with one and two workers in turn, a program loses nothing that it called safe."""
    rng = random.Random(seed)
    n, before, survived = 60, 0, 0
    for number in range(kills):
        with program(folder, n, 1 + number % 2, sleep=0.03) as run:
            assert run.stdout is not None
            assert run.stdout.readline() == "started\n"
            time.sleep(rng.uniform(0.0, 1.2 if number % 2 else 0.4))
            run.send_signal(signal.SIGKILL)
            said = run.communicate()[0]
            survived += run.returncode == -signal.SIGKILL
        assert group_is_gone(run.pid)
        if not (folder / FILE).exists():  # killed before it started the run
            continue
        with ToyRun.read(folder) as store:
            after = 1024 * len(store.done)
        assert after >= max(before, reported(said))
        before = after
    assert survived >= kills // 2
    with program(folder, n, 2) as run:
        said, complaint = run.communicate()
    assert (run.returncode, complaint, reported(said)) == (0, "", 1024 * n)
    with open_run(folder) as store:
        assert content(store) == dict(bits(run_blocks(throw, payload(), keys(n))))
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_killed_programs_lose_nothing(tmp_path: Path) -> None:
    survives_kills(tmp_path / "run", 3, seed=3)


@pytest.mark.slow
def test_programs_killed_many_times_lose_nothing(tmp_path: Path) -> None:
    for seed in range(4):
        survives_kills(tmp_path / f"{seed}", 5, seed)


def test_ctrl_c_leaves_a_run_that_goes_on_and_no_process(tmp_path: Path) -> None:
    """From block 6 on each would take ten minutes."""
    with program(tmp_path, 12, 2, endless_from=6) as run:
        assert run.stdout is not None
        lines = [run.stdout.readline() for _ in range(3)]
        assert lines == ["started\n", "0\n", "2048\n"]
        time.sleep(0.3)
        started = time.monotonic()
        os.killpg(run.pid, signal.SIGINT)
        said, complaint = run.communicate()
    assert time.monotonic() - started < 15.0
    assert (run.returncode, complaint) == (130, "")
    assert group_is_gone(run.pid)
    with ToyRun.read(tmp_path) as store:
        assert len(store.done) == max(2048, reported(said)) // 1024
    with program(tmp_path, 12, 2) as run:
        assert (run.communicate()[1], run.returncode) == ("", 0)
    with open_run(tmp_path) as store:
        assert content(store) == dict(bits(run_blocks(throw, payload(), keys(12))))


def test_ctrl_c_in_one_process_keeps_every_finished_block(tmp_path: Path) -> None:
    with program(tmp_path, 12, 1, endless_from=3) as run:
        assert run.stdout is not None
        assert [run.stdout.readline() for _ in range(3)] == ["started\n", "0\n", "2048\n"]
        time.sleep(0.5)
        os.killpg(run.pid, signal.SIGINT)
        assert (run.communicate(), run.returncode) == (("3072\n", ""), 130)
    with ToyRun.read(tmp_path) as store:
        assert store.done == set(keys(3))


# -- dask --


def dask(*arguments: str) -> subprocess.Popen[bytes]:
    """A dask program that can import what the tests define."""
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Address of a scheduler on this machine, and its two worker processes."""
    description = folder / "scheduler.json"
    with ExitStack() as stack:
        place = ["--scheduler-file", str(description)]
        stack.callback(stop, dask("scheduler", *place, "--host", "127.0.0.1", "--port", "0"))
        workers = []
        for number in range(2):
            scratch = ["--local-directory", str(folder / f"worker{number}")]
            one = ["--nthreads", "1", "--no-nanny", "--host", "127.0.0.1"]  # a nanny would start it again
            workers.append(dask("worker", *place, *one, *scratch))
            stack.callback(stop, workers[-1])
        end = time.monotonic() + 60.0
        while not description.exists() or not description.read_text():
            assert time.monotonic() < end, "no scheduler"
            time.sleep(0.05)
        yield json.loads(description.read_text())["address"], workers


def test_a_dask_cluster_changes_nothing_and_may_lose_a_worker(tmp_path: Path) -> None:
    wanted = keys(60)
    reference = bits(run_blocks(throw, payload(), wanted))
    with cluster(tmp_path) as (address, workers), dask_executor(address) as executor:
        found = run_blocks(throw, payload(), wanted, executor=executor, blocks_per_chunk=2)
        assert bits(found) == reference
        with open_run(tmp_path / "run") as store:
            given = payload(sleep=0.05)
            computed = run_blocks(throw, given, wanted, executor=executor, blocks_per_chunk=1, store=store)
            after = [next(computed) for _ in range(3)]
            assert len(store.done) < 60
            workers[0].kill()
            assert bits(iter([*after, *computed])) == reference
            assert content(store) == dict(reference)
        assert [worker.poll() for worker in workers] == [-signal.SIGKILL, None]


def test_where_there_is_no_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingInput, match="no dask scheduler answers"), dask_executor("here"):
        pass
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "distributed", None)
        with pytest.raises(MissingInput, match=r'pip install "eventfit\[dask\]"'), dask_executor("tcp://127.0.0.1:1"):
            pass
