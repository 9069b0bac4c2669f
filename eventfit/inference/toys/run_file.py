"""The SQLite file of a run: its tables, how it is started, locked and verified, and what its errors mean.

``header`` says what the toys are of. ``block`` has one row per block, each with a checksum over key and records.
``chunk`` is the ledger, one row per transaction, each with a checksum over the one before and those of its blocks: a
block that vanished, moved or appeared breaks the chain. No index can disagree with its table, for there is none.

The journal is SQLite's rollback journal; a write-ahead log needs shared memory, which network file systems lack.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np

from eventfit.errors import InputError, RunBusy, RunDamaged, WriteFailed
from eventfit.quadrature import Array

__all__ = ["FILE", "FORMAT", "Content", "Key", "Place", "RunFile", "create", "link_of"]

#: (hypothesis, block)
Key = tuple[int, int]
FILE = "toys.sqlite"
FORMAT = 1
_TABLES = {
    "header": "CREATE TABLE header (text TEXT NOT NULL, sha256 BLOB NOT NULL)",
    "chunk": "CREATE TABLE chunk (number INTEGER PRIMARY KEY, blocks INTEGER NOT NULL, sha256 BLOB NOT NULL)",
    "block": "CREATE TABLE block (number INTEGER PRIMARY KEY, hypothesis INTEGER NOT NULL, block INTEGER NOT NULL, "
    "rows INTEGER NOT NULL, sha256 BLOB NOT NULL, records BLOB NOT NULL)",
}
#: seconds: a second writer is told at once, a look at the file is soon over, and readers finish by themselves
_OPENING, _REOPENING, _COMMIT = 0.2, 5.0, 300.0
#: SQLITE_IOERR_SHORT_READ, which Python does not name: the file ends too early
_SHORT_READ = 522


class Place(NamedTuple):
    """Where a block lies: its number in the table, and its rows."""

    number: int
    rows: int


class Content(NamedTuple):
    """What a verified file holds: its header, the places of its blocks, and the last link of the ledger."""

    header: Mapping[str, Any]
    places: dict[Key, Place]
    link: bytes


class RunFile:
    """A connection to the file of a run, for one writer or for a reader.

    A writer is always inside a transaction, which keeps other writers out and lets readers in. Should another process
    slip in between a commit and the next transaction, this one stops with RunBusy, and nothing is lost.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        self.writable = writable
        with named(path):
            self._db = _connect(path, "rw", _OPENING if writable else _COMMIT)

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        with suppress(sqlite3.Error):  # the lock first: closing alone may leave it until memory is collected
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        self._db.close()

    def begin(self) -> Content:
        """Lock the file, and verify all of it; a reader lets go of it again.

        Raises
        ------
        RunDamaged, RunBusy, WriteFailed
        """
        with named(self.path):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            # EXTRA: a power failure after COMMIT does not bring the journal back, and so undo it
            self._db.execute("PRAGMA synchronous = EXTRA")
            self._db.execute("PRAGMA cell_size_check = ON")
            self._db.execute("BEGIN IMMEDIATE" if self.writable else "BEGIN")
            try:
                content = self._verified()
            except (TypeError, ValueError, OverflowError) as error:  # a field that changed its type
                raise _damage(self.path, str(error)) from error
            if not self.writable:
                self._db.execute("COMMIT")
                self._db.execute("PRAGMA query_only = ON")
            return content

    def insert(self, key: Key, number: int, records: Array) -> bytes:
        """Add a block to the open transaction; its checksum."""
        content = np.ascontiguousarray(records, dtype="<f8").tobytes()
        checksum = _checksum(*key, len(records), content)
        with named(self.path):
            row = (number, *key, len(records), checksum, content)
            self._db.execute("INSERT INTO block VALUES (?, ?, ?, ?, ?, ?)", row)
        return checksum

    def commit(self, blocks: int, link: bytes) -> None:
        """End the transaction with its line in the ledger."""
        with named(self.path):
            self._db.execute("INSERT INTO chunk (blocks, sha256) VALUES (?, ?)", (blocks, link))
            self._db.execute(f"PRAGMA busy_timeout = {1000 * _COMMIT:.0f}")
            self._db.execute("COMMIT")

    def go_on(self) -> None:
        """Begin the next transaction."""
        with named(self.path):
            self._db.execute(f"PRAGMA busy_timeout = {1000 * _REOPENING:.0f}")
            self._db.execute("BEGIN IMMEDIATE")

    def get(self, key: Key, place: Place) -> Array:
        """Records (rows, n_column) of a block, a copy.

        Raises
        ------
        RunDamaged
            They are not those that were written.
        """
        query = "SELECT hypothesis, block, rows, records, sha256 FROM block WHERE number = ?"
        with named(self.path):
            row = self._db.execute(query, (place.number,)).fetchone()
        if row is None or row[:3] != (*key, place.rows) or _checksum(*row[:4]) != row[4]:
            raise _damage(self.path, f"hypothesis {key[0]}, block {key[1]}")
        return np.frombuffer(row[3], dtype="<f8").astype(np.float64).reshape(place.rows, -1)

    def _verified(self) -> Content:
        (pages,), (page,) = (self._db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
        if self.path.stat().st_size != pages * page:
            raise _damage(self.path, f"it does not have the length of {pages} pages of {page} bytes")
        problem = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if problem != ("ok",):
            raise _damage(self.path, f"its pages: {problem}")
        headers = self._db.execute("SELECT text, sha256 FROM header").fetchall()
        if len(headers) != 1 or _digest(str(headers[0][0])) != headers[0][1]:
            raise _damage(self.path, "its header")
        header = json.loads(headers[0][0])
        if header["format"] != FORMAT:  # intact, and nothing that this version could follow
            return Content(header, {}, b"")
        if dict(self._db.execute("SELECT name, sql FROM sqlite_master")) != _TABLES:
            raise _damage(self.path, "its tables")
        places, link = self._ledger(headers[0][1], 8 * len(header["columns"]))
        return Content(header, places, link)

    def _ledger(self, link: bytes, row_bytes: int) -> tuple[dict[Key, Place], bytes]:
        """Places of all blocks, every checksum verified, and the last link."""
        places: dict[Key, Place] = {}
        query = "SELECT number, hypothesis, block, rows, records, sha256 FROM block ORDER BY number"
        ledger = "SELECT number, blocks, sha256 FROM chunk ORDER BY number"
        # closed whatever happens: a query that a traceback holds would keep its lock
        with closing(self._db.execute(query)) as rows, closing(self._db.execute(ledger)) as chunks:
            for chunk, blocks, stored in chunks:
                checksums = []
                for number, hypothesis, block, n, records, checksum in islice(rows, blocks):
                    key = (hypothesis, block)
                    intact = checksum == _checksum(hypothesis, block, n, records) and len(records) == n * row_bytes
                    if not intact or number != len(places) + 1 or key in places:
                        raise _damage(self.path, f"hypothesis {hypothesis}, block {block}, row {number}")
                    places[key] = Place(number, n)
                    checksums.append(checksum)
                link = link_of(link, checksums)
                if link != stored or len(checksums) != blocks:
                    raise _damage(self.path, f"chunk {chunk}: blocks are missing or out of place")
            if next(rows, None) is not None:
                raise _damage(self.path, "blocks that no chunk has")
        return places, link


def link_of(before: bytes, checksums: list[bytes]) -> bytes:
    """The link of a chunk in the ledger; the header's checksum is before the first."""
    return hashlib.sha256(before + b"".join(checksums)).digest()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _checksum(hypothesis: int, block: int, rows: int, records: bytes) -> bytes:
    return hashlib.sha256(f"{hypothesis} {block} {rows} ".encode() + records).digest()


def _connect(path: Path, mode: str, patience: float) -> sqlite3.Connection:
    """A connection that begins no transaction by itself; whoever holds the run may move it to another thread."""
    address = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)


def create(path: Path, header: str) -> None:
    """Write a run without blocks to ``path``, complete or not at all; another process that was faster wins."""
    draft = path.with_name(f"{path.name}.{uuid4().hex}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with named(path), closing(_connect(draft, "rwc", _OPENING)) as db:
            db.execute("PRAGMA journal_mode = MEMORY")  # nothing to roll back to
            db.execute("BEGIN")
            for statement in _TABLES.values():
                db.execute(statement)
            db.execute("INSERT INTO header VALUES (?, ?)", (header, _digest(header)))
            db.execute("COMMIT")
        _publish(draft, path)
    except OSError as error:
        raise WriteFailed("the run cannot be started", where=str(path), given=error.strerror) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    """Give the ``draft`` its name; a link, unlike a rename, never replaces a run."""
    try:
        os.link(draft, path)
    except (FileExistsError, FileNotFoundError):  # another process was faster, and may have tidied up since
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            draft.rename(path)


def _damage(path: Path, what: str) -> RunDamaged:
    return RunDamaged(
        "the file of this run is damaged: it is not what was written",
        where=str(path),
        given=what,
        fix="restore it from a copy, or delete it and run again: the same seed gives the same toys",
    )


@contextmanager
def named(path: Path) -> Iterator[None]:
    """What SQLite says inside, as an error of ours about the run at ``path``."""
    try:
        yield
    except UnicodeDecodeError as error:  # SQLite quotes what it stumbled over
        raise _damage(path, "names or texts") from error
    except sqlite3.ProgrammingError as error:
        raise InputError("this run is closed", where=str(path), given=error) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        family = code & 0xFF
        if family in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            fix = "wait until it has finished, or use another -o folder and merge the two"
            raise RunBusy("another process writes to this run", where=str(path), fix=fix) from error
        ours = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        kept_out = family in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM) and not ours
        if family == sqlite3.SQLITE_FULL or kept_out or (family == sqlite3.SQLITE_IOERR and code != _SHORT_READ):
            fix = "finished chunks are kept: make room or give access, and run the same command again"
            raise WriteFailed("the file of this run cannot be used", where=str(path), given=error, fix=fix) from error
        raise _damage(path, str(error)) from error
