"""Blocks that stand for toys: what workers, killed programs and clusters compute in the tests of runs and jobs."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.linalg import _umath_linalg

from eventfit.inference.toys.jobs import run_blocks
from eventfit.inference.toys.run import ToyRun
from eventfit.inference.toys.run_file import Key
from eventfit.inference.toys.throw import BLOCK
from eventfit.quadrature import Array

COLUMNS = ("t", "estimate", "status")
IDENTITY = {"seed": 5, "model": {"sha256": "0af3", "bins": 29}, "hypotheses": [{"mu2": 0.0}, {"mu2": 1.5}]}


def payload(**more: object) -> dict[str, Any]:
    """Plain arrays and texts."""
    mixing = np.random.default_rng(1).normal(size=(11, 29))
    return {"seed": 5, "mixing": mixing, "settings": json.dumps({"sleep": 0.0, "trace": None} | more)}


def throw(given: dict[str, Any], key: Key) -> Array:
    """A block (1024, 3); the last digits of its second column depend on the number of BLAS threads."""
    settings = json.loads(given["settings"])
    time.sleep(settings["sleep"] if key[1] < settings.get("endless_from", key[1] + 1) else 600.0)
    if settings["trace"]:
        Path(settings["trace"], f"{key[0]}-{key[1]}-{time.time_ns()}").touch()
    if list(key) == settings.get("poison"):
        os._exit(9)
    rng = np.random.Generator(np.random.Philox(key=given["seed"], counter=[0, 0, *key]))
    data = rng.normal(size=(BLOCK, 29))
    matrices = np.einsum("ab,ib,jb->aij", data, given["mixing"], given["mixing"], optimize=True)
    status = np.where(rng.random(BLOCK) < 0.1, np.nan, -0.0)
    return np.column_stack([data[:, 0], matrices[:, 3, 4], status])


def fail_at_three(given: dict[str, Any], key: Key) -> Array:
    """As :func:`throw`, but for block 3."""
    if key[1] == 3:
        raise ZeroDivisionError(f"block {key}")
    return throw(given, key)


def threads_of_blas(given: object, key: Key) -> Array:
    """The number of threads that numpy's BLAS library has (1, 1), 0 where it cannot be asked."""
    library = ctypes.CDLL(_umath_linalg.__file__)
    for name in ("scipy_openblas_get_num_threads64_", "openblas_get_num_threads64_", "openblas_get_num_threads"):
        if hasattr(library, name):
            return np.array([[float(getattr(library, name)())]])
    return np.zeros((1, 1))


def keys(n: int, hypotheses: int = 1) -> list[Key]:
    return [(hypothesis, block) for hypothesis in range(hypotheses) for block in range(n)]


def open_run(folder: Path) -> ToyRun:
    return ToyRun.open(folder, IDENTITY, COLUMNS)


def content(run: ToyRun) -> dict[Key, bytes]:
    """Everything in a run, to the bit."""
    return {(hypothesis, b): a.tobytes() for hypothesis in range(4) for b, a in run.blocks(hypothesis)}


def main(arguments: Sequence[str]) -> int:
    """A program that computes blocks into a folder and says which toys are safe: FOLDER N JOBS SETTINGS."""
    folder, n, jobs, settings = arguments
    print("started", flush=True)
    finished = 0

    def report(toys: int) -> None:
        nonlocal finished
        finished += toys
        print(finished, flush=True)

    try:
        with open_run(Path(folder)) as store:
            given = payload(**json.loads(settings))
            computed = run_blocks(
                throw, given, keys(int(n)), jobs=int(jobs), blocks_per_chunk=2, store=store, progress=report
            )
            with closing(computed):
                for _ in computed:
                    pass
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
