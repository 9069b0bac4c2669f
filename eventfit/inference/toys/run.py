"""A run of toys: its finished blocks in a directory that survives kill -9, resumes, merges and notices damage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eventfit.errors import EventfitError, InputError, MissingInput, RunMismatch
from eventfit.inference.toys.run_file import FILE, FORMAT, Content, Place, RunFile, create, link_of
from eventfit.inference.toys.run_file import Key as Key
from eventfit.quadrature import Array

__all__ = ["ToyRun", "differences", "merge"]


class ToyRun:
    """Finished blocks of a run directory; use it as a context manager, or close it.

    It comes from :meth:`open` (to add blocks, one process at a time) or :meth:`read` (any number of processes, while
    one writes too: they see what was there when they looked). All of the file is verified before either returns, and
    every block again when it is read.
    """

    def __init__(self, file: RunFile, content: Content) -> None:
        self._file = file
        self._content = content

    @classmethod
    def _of(cls, path: Path, *, writable: bool) -> Self:
        file = RunFile(path, writable=writable)
        try:
            return cls(file, file.begin())
        except BaseException:
            file.close()
            raise

    @classmethod
    def open(cls, folder: Path, identity: Mapping[str, object], columns: Sequence[str]) -> Self:
        """The run in ``folder``, started if there is none, to add blocks to.

        Parameters
        ----------
        identity
            What the toys depend on, as nested mappings and sequences that JSON can write: model, seed, versions ...
        columns
            Names of the columns of a block.

        Raises
        ------
        RunMismatch
            The run was started with another identity; every key path that differs is listed.
        RunDamaged, RunBusy, WriteFailed
        """
        path = Path(folder) / FILE
        rest = {"format": FORMAT, "columns": list(columns)}
        text = json.dumps({**rest, "identity": dict(identity)}, sort_keys=True, allow_nan=False)
        if not path.exists():
            create(path, text)
        run = cls._of(path, writable=True)
        for draft in path.parent.glob(f"{FILE}.*.new"):  # of a process that was killed while it started the run
            draft.unlink(missing_ok=True)
        stored = dict(run._content.header)
        found = differences(stored.pop("identity"), identity) + differences(stored, rest)
        if found:
            run.close()
            raise RunMismatch(
                "this run was started with other inputs",
                where=str(path),
                given=_listed(f"{key}: stored {old}, given {new}" for key, old, new in found),
                fix="use another -o folder, or the same model and seed",
            )
        return run

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The run in ``folder`` as it is now, whatever it is of.

        Raises
        ------
        MissingInput
            There is no run.
        RunDamaged, RunMismatch
            The file was changed, or has another format.
        """
        path = Path(folder) / FILE
        if not path.is_file():
            raise MissingInput(
                "there is no run of toys in this folder", where=str(folder), fix=f"name a folder that holds a {FILE}"
            )
        run = cls._of(path, writable=False)
        if (found := run._content.header["format"]) != FORMAT:
            run.close()
            fix = "read it with the eventfit that wrote it"
            raise RunMismatch("the run has another format", where=str(path), given=found, fix=fix)
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        self._file.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def identity(self) -> dict[str, Any]:
        """What the toys depend on, as JSON gives it back."""
        found: dict[str, Any] = self._content.header["identity"]
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of a block."""
        return tuple(self._content.header["columns"])

    @property
    def done(self) -> set[Key]:
        """Keys of the finished blocks."""
        return set(self._content.places)

    def __contains__(self, key: object) -> bool:
        return key in self._content.places

    def rows(self, key: Key) -> int:
        """Number of toys in a finished block."""
        return self._content.places[key].rows

    def get(self, key: Key) -> Array:
        """Records (n, n_column) of a finished block, a copy; RunDamaged where they are not those that were written."""
        return self._file.get(key, self._content.places[key])

    def blocks(self, hypothesis: int) -> Iterator[tuple[int, Array]]:
        """(block, records (n, n_column)) of a hypothesis in order of block, read one at a time."""
        for key in sorted(key for key in self._content.places if key[0] == hypothesis):
            yield key[1], self.get(key)

    def put(self, blocks: Iterable[tuple[Key, Array]]) -> None:
        """Add finished blocks, all or none: when this returns they survive kill -9 and power failure.

        Parameters
        ----------
        blocks
            Keys and records (n, n_column); an iterator is written as it comes.

        Raises
        ------
        InputError
            The run was opened for reading, a key is there already, or records have another shape.
        WriteFailed
            The disk is full, for example.
        """
        if not self._file.writable:
            raise InputError("this run was opened for reading", where=str(self.path))
        try:
            added, checksums = self._insert(blocks)
            if added:
                link = link_of(self._content.link, checksums)
                self._file.commit(len(added), link)
                self._content.places.update(added)
                self._content = self._content._replace(link=link)
                self._file.go_on()
        except BaseException:  # Ctrl-C included: on whichever side of COMMIT it came, memory and file have to agree
            self._look_again()
            raise

    def _insert(self, blocks: Iterable[tuple[Key, Array]]) -> tuple[dict[Key, Place], list[bytes]]:
        """Rows for ``blocks`` in the open transaction: their places and checksums."""
        added: dict[Key, Place] = {}
        checksums = []
        for key, records in blocks:
            if key in self or key in added:
                raise InputError("a block is in the run already", where=str(self.path), given=key)
            if records.ndim != 2 or records.shape[1] != len(self.columns):
                shape = f"(n, {len(self.columns)})"
                raise InputError("records have another shape", where=str(self.path), given=records.shape, allowed=shape)
            place = Place(len(self._content.places) + len(added) + 1, len(records))
            checksums.append(self._file.insert(key, place.number, records))
            added[key] = place
        return added, checksums

    def _look_again(self) -> None:
        """Undo the open transaction and read what is in the file; where that fails, the run is closed."""
        try:
            self._content = self._file.begin()
        except BaseException as error:
            self.close()
            if not isinstance(error, EventfitError):
                raise


def merge(sources: Sequence[Path], target: Path) -> ToyRun:
    """The blocks of all runs in ``sources`` as a new run, open to add more.

    Parameters
    ----------
    sources
        Run directories of one identity, without a block in common.
    target
        A folder that does not exist or is empty; nothing is written to it before all sources have been verified.

    Raises
    ------
    RunMismatch
        Identities differ (every key path is listed), or runs overlap (every pair of folders and its blocks are).
    InputError
        ``target`` holds something, or there are no sources.
    MissingInput, RunDamaged, WriteFailed
    """
    if not sources:
        raise InputError("no runs to merge", allowed="one folder or more")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError("runs merge into a new folder", where=str(target), fix="name one that does not exist")
    with ExitStack() as stack:
        runs = [(folder, stack.enter_context(ToyRun.read(folder))) for folder in sources]
        _require_one_identity(runs)
        _require_disjoint(runs)
        owner = {key: run for _, run in runs for key in run.done}
        merged = ToyRun.open(target, runs[0][1].identity, runs[0][1].columns)
        try:
            merged.put((key, owner[key].get(key)) for key in sorted(owner))
        except BaseException:
            merged.close()
            merged.path.unlink()
            raise
        return merged


def _require_one_identity(runs: Sequence[tuple[Path, ToyRun]]) -> None:
    (first, reference), *others = runs
    lines = []
    for folder, run in others:
        found = differences(reference.identity, run.identity)
        found += differences({"columns": reference.columns}, {"columns": run.columns})
        lines += [f"{key}: {old} in {first}, {new} in {folder}" for key, old, new in found]
    if lines:
        raise RunMismatch(
            "these runs are of different inputs", given=_listed(lines), fix="merge runs of the same model and seed"
        )


def _require_disjoint(runs: Sequence[tuple[Path, ToyRun]]) -> None:
    lines = []
    for (one, a), (other, b) in combinations(runs, 2):
        if common := a.done & b.done:
            lines.append(f"{one} and {other}: {_ranges(common)}")
    if lines:
        fix = "leave out one folder of each pair; one seed gives the same toys in both"
        raise RunMismatch("these runs have blocks in common", given=_listed(lines), fix=fix)


def _ranges(keys: Iterable[Key]) -> str:
    """``{(0, 1), (0, 2), (0, 4)}`` -> ``hypothesis 0 blocks 1-2, 4``."""
    found: dict[int, list[list[int]]] = {}
    for hypothesis, block in sorted(keys):
        pieces = found.setdefault(hypothesis, [])
        if pieces and pieces[-1][1] == block - 1:
            pieces[-1][1] = block
        else:
            pieces.append([block, block])
    shown = {h: ", ".join(f"{a}-{b}" if a < b else f"{a}" for a, b in pieces) for h, pieces in found.items()}
    return "; ".join(f"hypothesis {hypothesis} blocks {blocks}" for hypothesis, blocks in shown.items())


def differences(stored: Mapping[str, object], given: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """Key path, stored and given value of everything in which two identities differ, as JSON writes them."""
    old, new = (dict(_leaves(json.loads(json.dumps(tree)))) for tree in (stored, given))
    found = []
    for path in dict.fromkeys([*old, *new]):
        a, b = (tree.get(path, _Absent) for tree in (old, new))
        if a != b or isinstance(a, bool) != isinstance(b, bool):
            found.append(("".join(path).removeprefix("."), _shown(a), _shown(b)))
    return found


class _Absent:
    """What a key path has that does not exist; JSON's null is a value."""


def _shown(leaf: object) -> str:
    return "nothing" if leaf is _Absent else json.dumps(leaf)


def _leaves(tree: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """(key path, value) of everything in a JSON tree that has nothing below it."""
    if isinstance(tree, dict) and tree:
        for key, below in tree.items():
            yield from _leaves(below, (*path, f".{key}"))
    elif isinstance(tree, list) and tree:
        for number, below in enumerate(tree):
            yield from _leaves(below, (*path, f"[{number}]"))
    else:
        yield path, tree


def _listed(lines: Iterable[str]) -> str:
    """Several lines under the first one of an error's ``given``."""
    return "\n           ".join(lines)
