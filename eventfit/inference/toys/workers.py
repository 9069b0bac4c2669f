"""Worker processes of this machine: one BLAS thread each, deaf to Ctrl-C, and gone as soon as their work is unwanted.

The number of BLAS threads moves results in their last digits, so everything that computes a block has one of them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from eventfit.inference.toys.run_file import Key
from eventfit.quadrature import Array

__all__ = ["Blocks", "Submit", "Work", "compute", "limit_blas", "local_workers", "one_blas_thread"]

Blocks = list[tuple[Key, Array]]
Work = Callable[[Any, Key], Array]
Submit = Callable[[Sequence[Key]], "Future[Blocks]"]
#: what names a piece of work, and what comes out of it: plain values that go from process to process
Name = TypeVar("Name")
Result = TypeVar("Result")

#: read by the BLAS libraries when they are loaded
_ENVIRONMENT = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
#: modules that are linked to a BLAS library, and what such libraries call reading and setting their number of threads
_LINKED = ("numpy.linalg._umath_linalg", "scipy.linalg._fblas")
_CONTROLS = (
    ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"),
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("openblas_get_num_threads64_", "openblas_set_num_threads64_"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
)


def compute(work: Callable[[Any, Name], Result], payload: Any, keys: Sequence[Name]) -> list[tuple[Name, Result]]:
    """The pieces of a chunk."""
    return [(key, work(payload, key)) for key in keys]


# -- BLAS threads -----------------------------------------------------------------------------------------------------


def limit_blas() -> list[Callable[[], None]]:
    """Give the BLAS libraries of this process one thread each; calls that undo it."""
    undo: list[Callable[[], None]] = []
    for module in _LINKED:
        path = getattr(sys.modules.get(module), "__file__", None)
        if path is not None:
            undo += _limit(ctypes.CDLL(path))
    return undo


def _limit(library: ctypes.CDLL) -> list[Callable[[], None]]:
    for get_name, set_name in _CONTROLS:
        if hasattr(library, get_name) and hasattr(library, set_name):  # in what it is linked to
            before = getattr(library, get_name)()
            getattr(library, set_name)(1)
            return [partial(getattr(library, set_name), before)]
    return []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One BLAS thread inside."""
    undo = limit_blas()
    try:
        yield
    finally:
        for call in undo:
            call()


# -- worker processes -------------------------------------------------------------------------------------------------


@contextmanager
def local_workers(
    work: Callable[[Any, Name], Result], payload: Any, n: int
) -> Iterator[Callable[[Sequence[Name]], Future[list[tuple[Name, Result]]]]]:
    """A function that gives chunks to ``n`` worker processes, which end with the block, whatever ends it.

    Workers are new interpreters (the same on every platform, and no lock or open file of this process is copied into
    them); ``work`` and ``payload`` go to each once. They hold the reading end of a pipe, the lifeline, and leave when
    its writing end is closed: by this process, or by the system when this process is killed.
    """
    context = get_context("spawn")
    reading, writing = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(n, context, _settle, (work, payload, reading))

    def submit(keys: Sequence[Name]) -> Future[list[tuple[Name, Result]]]:
        with _launching():  # a pool launches its workers when it is given something to do
            return pool.submit(_compute_here, keys)

    try:
        yield submit
    except BaseException:
        writing.close()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        writing.close()
        reading.close()


@contextmanager
def _launching() -> Iterator[None]:
    """What a process that is started inside inherits: one BLAS thread, and no ear for Ctrl-C from its first moment."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
    os.environ.update(dict.fromkeys(_ENVIRONMENT, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class _Worker:
    """What a worker process knows."""

    def __init__(self, work: Callable[[Any, Any], Any], payload: Any) -> None:
        self._work = work
        self._payload = payload
        self._lock = threading.Lock()
        self._computing = False
        self._unwanted = False

    def compute(self, keys: Sequence[Any]) -> list[tuple[Any, Any]]:
        with self._lock:
            if self._unwanted:
                return []
            self._computing = True
        try:
            return compute(self._work, self._payload, keys)
        finally:
            with self._lock:
                self._computing = False

    def watch(self, lifeline: Connection) -> None:
        """Leave when the main process wants no more, in the middle of a block but never of handing over a result.

        A result that is cut off would leave the main process waiting for its rest.
        """
        with suppress(EOFError, OSError):
            lifeline.recv_bytes()
        with self._lock:
            self._unwanted = True
            if self._computing:
                os._exit(1)
        if (main := parent_process()) is not None:  # it sends idle workers home, unless it is dead
            main.join()
        os._exit(1)


_worker: _Worker | None = None


def _settle(work: Callable[[Any, Any], Any], payload: Any, lifeline: Connection) -> None:
    """Make this process a worker."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker = _Worker(work, payload)
    threading.Thread(target=_worker.watch, args=(lifeline,), daemon=True).start()


def _compute_here(keys: Sequence[Any]) -> list[tuple[Any, Any]]:
    assert _worker is not None
    return _worker.compute(keys)
