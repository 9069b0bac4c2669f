"""Blocks of toys on a dask cluster (the optional extra ``eventfit[dask]``)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager

from eventfit.errors import MissingInput, WorkerDied

__all__ = ["dask_executor"]

#: seconds for the scheduler to answer
_PATIENCE = 10


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """An executor for :func:`eventfit.inference.toys.jobs.run_blocks` on the workers of a dask scheduler.

    When a worker dies, dask gives what it had to another one, and waits for a new one if there is none. Workers need
    the eventfit and numpy of this process.

    Parameters
    ----------
    address
        Of the scheduler, ``tcp://host:8786``.

    Raises
    ------
    MissingInput
        ``distributed`` is not installed, or no scheduler answers.
    WorkerDied
        dask gave up: the scheduler is gone, or a chunk killed several workers.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingInput(
            "dask.distributed is not installed", given=error, fix='pip install "eventfit[dask]"'
        ) from error
    try:
        distributed.comm.resolve_address(address)  # a client that cannot read it would not let the process end
        client = distributed.Client(address, set_as_default=False, timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        fix = "start one with `dask scheduler`, and give the address that it prints: tcp://HOST:PORT"
        raise MissingInput("no dask scheduler answers", where=address, given=error, fix=fix) from error
    try:
        with client:
            yield client.get_executor(pure=False)  # a pure task would be hashed, payload and all
    except (distributed.KilledWorker, CancelledError) as error:
        raise WorkerDied(
            "the dask cluster lost its scheduler, or several workers over one chunk",
            where=address,
            given=error,
            fix="run the same command again: a run directory (-o) keeps its finished chunks",
        ) from error
