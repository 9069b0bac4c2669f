"""The only reader of tables: ``name.csv`` with its provenance ``name.toml``, verified, read when asked.

The contract is written in ``data/README.md``: one header row, columns named with their unit, an increasing (or unique
text) first column, finite numbers, a sha256 of the bytes, and checks that a human took from the publication.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from eventfit.errors import (
    AmbiguousTable,
    BadTable,
    ChecksumMismatch,
    MissingInput,
    PathOutsideFolder,
    did_you_mean,
    located,
)
from eventfit.provenance import Check, Provenance, Status, read_provenance
from eventfit.quadrature import Array
from eventfit.timing import StageClock

__all__ = ["Table", "Tables", "inside", "shipped"]


@dataclass(frozen=True, eq=False)
class Table:
    """A verified table: numeric columns as float arrays, text columns as tuples, and where they come from."""

    name: str
    columns: Mapping[str, Array]
    text: Mapping[str, tuple[str, ...]]
    title: str
    cite: tuple[str, ...]
    where: str
    status: Status
    sha256: str
    caveats: tuple[str, ...]
    checks: tuple[Check, ...]

    def verify(self) -> None:
        """Hold the table against the checks of its provenance, which a person took from the publication.

        Not done on reading: someone who changes a number and its checksum means it, and the result should follow.

        Raises
        ------
        BadTable
            The first check that fails.
        """
        for check in self.checks:
            with located(self.name):
                _verify(self, check)

    @property
    def checks_hold(self) -> bool:
        """Whether all checks of the provenance hold."""
        try:
            self.verify()
        except BadTable:
            return False
        return True

    def __getitem__(self, column: str) -> Array:
        if column not in self.columns:
            raise BadTable(
                f"table has no numeric column {column!r}",
                where=self.name,
                allowed=", ".join(self.columns),
                fix="name a column of the table, units included",
            )
        return self.columns[column]

    @property
    def is_binned(self) -> bool:
        """Whether the table holds bins: a column with their low edges comes first."""
        return "_low" in next(iter(self.columns), "")

    def edges(self, low_column: str, high_column: str) -> Array:
        """Bin edges (n + 1,) of a binned table, by the names of its columns, e.g. ``energy_low_keV``."""
        low, high = self[low_column], self[high_column]
        if np.any(high <= low) or np.any(low[1:] != high[:-1]):
            row = int(np.argmax(np.append(low[1:] != high[:-1], False) | (high <= low)))
            raise BadTable(
                "bins are not contiguous and increasing",
                where=f"{self.name}, row {row + 1}",
                given=f"[{low[row]:g}, {high[row]:g}]" + (" keV" if low_column.endswith("_keV") else ""),
                allowed=f"{high_column} > {low_column}, each bin starting where the last one ended",
                fix="sort the rows and close the gaps",
            )
        return np.append(low, high[-1])


class Tables:
    """A reader over one or more folders that remembers what it has read.

    Parameters
    ----------
    *roots
        Folders that hold tables; a name must exist in exactly one of them and may not leave it.
    clock
        Takes the time of reading.
    """

    def __init__(self, *roots: Path, clock: StageClock | None = None) -> None:
        self.roots = roots
        self._clock = clock or StageClock()
        self._read: dict[str, Table] = {}

    @property
    def used(self) -> tuple[Table, ...]:
        """Tables read so far, by name."""
        return tuple(self._read[name] for name in sorted(self._read))

    def read(self, name: str) -> Table:
        """The verified table ``name`` (no ending), e.g. ``flux/solar/fluxes``.

        Raises
        ------
        MissingInput, AmbiguousTable, PathOutsideFolder
            The name points nowhere, at two places, or outside the roots.
        ChecksumMismatch, BadTable
            The bytes differ from the recorded sha256, or the content breaks the contract.
        """
        if name not in self._read:
            with self._clock.stage("reading"):
                self._read[name] = _load(name, self._find(name))
        return self._read[name]

    def _find(self, name: str) -> Path:
        places = [inside(root, name + ".csv", where=f"table {name[:60]!r}") for root in self.roots]
        found = [path for path in places if path.is_file()]
        if not found:
            raise MissingInput(
                f"there is no table {name!r}",
                where=" or ".join(str(root) for root in self.roots),
                allowed="name.csv with its provenance name.toml beside it",
                fix=self._near(name) or "check the spelling (no ending, '/' between folders) or add the table",
            )
        if len(found) > 1:
            raise AmbiguousTable(
                f"the table {name!r} exists twice",
                where=" and ".join(str(path) for path in found),
                fix="rename your own table, so that it is plain which one is meant",
            )
        return found[0]

    def _near(self, name: str) -> str:
        known = [p.relative_to(root).with_suffix("").as_posix() for root in self.roots for p in root.rglob("*.csv")]
        return did_you_mean(name, known)


def inside(root: Path, name: str, *, where: str) -> Path:
    """``root / name``, refused when it would leave ``root`` (absolute, ``..``, or a link that points outside)."""
    if not re.fullmatch(r"[\w./+ -]{1,200}", name):
        raise MissingInput(
            "this cannot be the name of a table",
            where=where,
            given=repr(name[:60]),
            allowed="letters, digits, '_', '-', '+', '.', ' ' and '/', at most 200 of them",
        )
    parts = PurePosixPath(name)
    path = root / parts
    outside = parts.is_absolute() or ".." in parts.parts
    if outside or not path.resolve().is_relative_to(root.resolve()):
        raise PathOutsideFolder(
            "a path leaves the folder it has to stay in",
            where=where,
            given=name,
            allowed=f"a relative path below {root}, without '..'",
            fix="copy the file next to the declaration and name it from there",
        )
    return path


def shipped(folder: str) -> Path:
    """The folder ``data`` or ``analyses`` that belongs to this installation: the packaged copy, else the checkout."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "_shipped" / folder, package.parent / folder):
        if candidate.is_dir():
            return candidate
    raise MissingInput(
        f"the folder {folder!r} of eventfit is missing",
        where=str(package),
        fix="install eventfit from its wheel or run it from a complete checkout",
    )


def _load(name: str, path: Path) -> Table:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingInput(f"cannot read the table {name!r}", where=str(path), given=error.strerror) from error
    provenance = read_provenance(path.with_suffix(".toml"))
    digest = hashlib.sha256(data).hexdigest()
    if digest != provenance.sha256:
        raise ChecksumMismatch(
            f"the table {name!r} was changed after its provenance was written",
            where=str(path),
            given=digest,
            allowed=provenance.sha256,
            fix="restore the file; if the change is meant, say so in 'obtained' and update sha256",
        )
    columns, text = _parse(path, data, provenance)
    return Table(
        name=name,
        columns=columns,
        text=text,
        title=provenance.title,
        cite=tuple(provenance.cite),
        where=provenance.where,
        status=provenance.status,
        sha256=digest,
        caveats=tuple(provenance.caveats),
        checks=tuple(provenance.check),
    )


def _parse(path: Path, data: bytes, provenance: Provenance) -> tuple[dict[str, Array], dict[str, tuple[str, ...]]]:
    try:
        rows = list(csv.reader(data.decode("utf-8").splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadTable("the file is not CSV in UTF-8", where=str(path), given=error) from error
    header = rows[0] if rows else []
    if header != list(provenance.columns) or len(rows) < 2:
        raise BadTable(
            "the columns differ from those of the provenance, or there are no rows",
            where=str(path),
            given=", ".join(header) or "no header",
            allowed=", ".join(provenance.columns),
        )
    if ragged := [i for i, row in enumerate(rows[1:], 1) if len(row) != len(header)]:
        raise BadTable("a row has the wrong number of cells", where=f"{path}, row {ragged[0]}")
    columns: dict[str, Array] = {}
    text: dict[str, tuple[str, ...]] = {}
    for index, (column, about) in enumerate(provenance.columns.items()):
        cells = [row[index] for row in rows[1:]]
        if about.unit == "text":
            text[column] = tuple(cells)
        else:
            columns[column] = _numbers(f"{path}, column {column}", cells, about.unit)
    _check_first(path, header[0], columns, text)
    return columns, text


def _numbers(where: str, cells: list[str], unit: str) -> Array:
    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            values[row] = float(cell if "_" not in cell else "not a number")
        except ValueError:
            raise BadTable("a cell is not a number", where=f"{where}, row {row + 1}", given=repr(cell)) from None
        if not math.isfinite(values[row]) or (unit == "counts" and values[row] < 0):
            raise BadTable(
                "a number is negative, NaN or infinite where it may not be",
                where=f"{where}, row {row + 1}",
                given=cell,
                allowed="finite" + (" and not negative (counts)" if unit == "counts" else ""),
                fix="correct the row; leave a bin out of the window rather than marking it",
            )
    values.flags.writeable = False
    return values


def _check_first(path: Path, first: str, columns: Mapping[str, Array], text: Mapping[str, tuple[str, ...]]) -> None:
    unique = first in text and len(set(text[first])) == len(text[first])
    if not unique and not (first in columns and np.all(np.diff(columns[first]) > 0)):
        raise BadTable(
            "the first column is not strictly increasing (numbers) or unique (text)",
            where=f"{path}, column {first}",
            fix="sort the rows and remove repeated ones",
        )


def _verify(table: Table, check: Check) -> None:
    column = table[check.column]
    x = next(iter(table.columns.values()))
    part = column[check.first : check.last]
    if not len(part):
        raise BadTable("a check looks at no row", where=table.name, given=f"rows {check.first} to {check.last}")
    match check.kind:
        case "sum":
            found = float(part.sum())
        case "maximum":
            found = float(part.max())
        case "end_point":
            found = float(part[-1])
        case "integral":
            found = float(np.trapezoid(part, x[check.first : check.last]))
        case "value_at":
            found = float(np.interp(check.at, x, column))
    if not abs(found - check.value) <= check.tolerance * (1 + 1e-12):
        raise BadTable(
            f"a check of the provenance fails: {check.kind} of {check.column} ({check.note})",
            where=table.name,
            given=f"{found:.9g}",
            allowed=f"{check.value} +- {check.tolerance}",
            fix="correct the table, or the check if the publication says otherwise",
        )
