"""Blocks of toys on one process, on several, or on any executor: the same blocks in the same order.

A chunk, several whole blocks, is what a worker gets at a time and what goes into the run in one transaction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import closing, suppress
from itertools import islice
from typing import Any

from eventfit.errors import EventfitError, InputError, OutOfRange, WorkerDied
from eventfit.inference.toys.run import ToyRun
from eventfit.inference.toys.run_file import Key
from eventfit.inference.toys.workers import Blocks, Submit, Work, compute, limit_blas, local_workers, one_blas_thread
from eventfit.quadrature import Array

__all__ = ["BLOCKS_PER_CHUNK", "run_blocks"]

BLOCKS_PER_CHUNK = 4
#: chunks that are under way or wait for their turn: per worker of ours, and in an executor whose workers nobody counted
_WINDOW, _FOREIGN_WINDOW = 3, 64

Keep = Callable[[Blocks], None]
Progress = Callable[[int], None]


def run_blocks(
    work: Work,
    payload: Any,
    keys: Iterable[Key],
    *,
    executor: Executor | None = None,
    jobs: int = 1,
    blocks_per_chunk: int = BLOCKS_PER_CHUNK,
    store: ToyRun | None = None,
    progress: Progress | None = None,
) -> Generator[tuple[Key, Array], None, None]:
    """(key, records (n, n_column)) of every block in the order of ``keys``, whoever computes them.

    Memory holds a bounded number of chunks. When the iteration ends early (Ctrl-C, an error, ``close``), chunks that
    are finished go into the store, the others are cancelled, and workers of ours leave at once; so wrap it in
    :func:`contextlib.closing` where something may go wrong between two blocks.

    Parameters
    ----------
    work
        ``work(payload, key)`` gives the records of a block; a function of a module, so that workers can import it.
    payload
        Plain arrays, texts and numbers; workers of ours get it once, an executor's with every chunk.
    executor
        Where to compute instead, anything with the interface of :mod:`concurrent.futures`. It is not shut down.
    jobs
        Number of worker processes; 1 computes in this one. With an ``executor`` the number of its workers, which
        matters above 20 of them.
    blocks_per_chunk
        At most; a small run makes smaller chunks, so that every worker has one.
    store
        Blocks that are there already are read and not computed; others are stored before they are yielded.
    progress
        Called with the number of toys finished since the last call; with a store, the first call is for those that
        were there already, 0 included.

    Raises
    ------
    OutOfRange, InputError
        No jobs, empty chunks, or a key twice.
    WorkerDied
        A worker process ended before its work did.
    RunDamaged, RunBusy, WriteFailed
        From the store; and whatever ``work`` raises.
    """
    wanted = tuple(keys)
    if jobs < 1 or blocks_per_chunk < 1:
        given = f"jobs={jobs}, blocks_per_chunk={blocks_per_chunk}"
        raise OutOfRange("toys need a worker, and chunks a block", given=given, allowed="1 or more")
    if len(set(wanted)) != len(wanted):
        raise InputError("a block is wanted twice", given=sorted({key for key in wanted if wanted.count(key) > 1}))
    done = {key for key in wanted if store is not None and key in store}
    missing = [key for key in wanted if key not in done]
    size = min(blocks_per_chunk, -(-len(missing) // jobs) or 1)
    chunks = [missing[first : first + size] for first in range(0, len(missing), size)]
    computed = _computed(work, payload, chunks, executor, jobs, _keeping(store, progress))
    return _merged(wanted, done, store, computed, progress)


def _merged(
    wanted: Sequence[Key],
    done: set[Key],
    store: ToyRun | None,
    computed: Generator[tuple[Key, Array], None, None],
    progress: Progress | None,
) -> Generator[tuple[Key, Array], None, None]:
    """Blocks that were there already and new ones, in the order in which they are wanted."""
    with closing(computed):
        if store is not None and progress is not None:
            progress(sum(store.rows(key) for key in done))
        for key in wanted:
            yield (key, store.get(key)) if store is not None and key in done else next(computed)


def _keeping(store: ToyRun | None, progress: Progress | None) -> Keep:
    """What is done with the blocks of a chunk as soon as they are here."""

    def keep(blocks: Blocks) -> None:
        if store is not None:
            blocks = [(key, records) for key, records in blocks if key not in store]
            store.put(blocks)
        if progress is not None and blocks:
            progress(sum(len(records) for _, records in blocks))

    return keep


def _computed(
    work: Work, payload: Any, chunks: Sequence[Sequence[Key]], executor: Executor | None, jobs: int, keep: Keep
) -> Generator[tuple[Key, Array], None, None]:
    """The blocks of ``chunks`` in their order, each chunk kept when it is finished."""
    try:
        if executor is not None:

            def submit(keys: Sequence[Key]) -> Future[Blocks]:
                return executor.submit(_compute_there, work, payload, keys)

            with one_blas_thread():  # its workers may be threads of this process
                yield from _ordered(submit, chunks, max(_FOREIGN_WINDOW, _WINDOW * jobs), keep)
        elif jobs == 1 or len(chunks) < 2:
            with one_blas_thread():
                yield from _one_by_one(work, payload, chunks, keep)
        else:
            workers = min(jobs, len(chunks))
            with local_workers(work, payload, workers) as submit_here:
                yield from _ordered(submit_here, chunks, _WINDOW * workers, keep)
    except BrokenExecutor as error:
        raise WorkerDied(
            "a worker process ended before its work did",
            given=error,
            fix="run the same command again: a run directory (-o) keeps its finished chunks. Look for a lack of "
            "memory; a script of yours that uses several jobs has to start below `if __name__ == '__main__':`",
        ) from error


def _compute_there(work: Work, payload: Any, keys: Sequence[Key]) -> Blocks:
    """The blocks of a chunk in a process that is not ours."""
    limit_blas()
    return compute(work, payload, keys)


def _one_by_one(
    work: Work, payload: Any, chunks: Iterable[Sequence[Key]], keep: Keep
) -> Generator[tuple[Key, Array], None, None]:
    """Blocks computed in this process; those of a chunk that is interrupted are kept too."""
    for chunk in chunks:
        blocks: Blocks = []
        try:
            for key in chunk:
                blocks.append((key, work(payload, key)))
        finally:
            keep(blocks)
        yield from blocks


def _ordered(
    submit: Submit, chunks: Iterable[Sequence[Key]], window: int, keep: Keep
) -> Generator[tuple[Key, Array], None, None]:
    """Blocks computed elsewhere, with at most ``window`` chunks under way or waiting for their turn."""
    todo = iter(chunks)
    pending: deque[Future[Blocks]] = deque()
    kept: dict[Future[Blocks], Blocks] = {}
    try:
        while True:
            for chunk in islice(todo, window - len(pending)):
                pending.append(submit(chunk))
            if not pending:
                return
            while pending[0] not in kept:
                wait([future for future in pending if future not in kept], return_when=FIRST_COMPLETED)
                for future in _finished(pending, kept):
                    keep(future.result())
                    kept[future] = future.result()
            yield from kept.pop(pending.popleft())
    finally:
        for future in pending:
            future.cancel()
        for future in _finished(pending, kept):
            if not future.cancelled() and future.exception() is None:
                with suppress(EventfitError):  # what went wrong first is what is said
                    keep(future.result())


def _finished(pending: Iterable[Future[Blocks]], kept: dict[Future[Blocks], Blocks]) -> Iterator[Future[Blocks]]:
    return (future for future in pending if future not in kept and future.done())
