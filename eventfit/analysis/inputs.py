"""What a declaration reads: tables with provenance, files and objects of the user; all remembered with their hash."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from eventfit.analysis.files import FileDeclared
from eventfit.errors import ChecksumMismatch, InputError, MissingInput, UnknownName, did_you_mean
from eventfit.io import contents, read_columns
from eventfit.io.columns import Columns
from eventfit.io.root import TREES, class_of
from eventfit.io.source import Source, listed
from eventfit.quadrature import Array
from eventfit.tables import Table, Tables, inside
from eventfit.timing import StageClock

__all__ = ["USER", "Inputs", "snapshot"]

#: status of numbers that come from the user: nothing is known about them here
USER: Final = "user"


class Inputs(Tables):
    """Tables, and numbers of the user.

    Parameters
    ----------
    *roots, clock
        Folders that hold tables with provenance, and what takes the time of reading them.
    folder
        Where the paths of a declaration begin; None if it came from Python without one.
    objects
        Name -> what was handed over in Python: arrays, mappings of arrays, UHI histograms.
    """

    def __init__(
        self,
        *roots: Path,
        clock: StageClock | None = None,
        folder: Path | None = None,
        objects: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(*roots, clock=clock)
        self.folder = folder
        self.objects = dict(objects or {})

    def source(self, declared: FileDeclared, key: str | None = None) -> object:
        """What the readers of :mod:`eventfit.io` take: the path of a file with the ``key`` inside, or an object.

        Raises
        ------
        UnknownName
            No object was handed over under this name.
        MissingInput, PathOutsideFolder, ChecksumMismatch
            The path leads nowhere or out of the folder, or the content is not that of the declared sha256.
        """
        if declared.object is not None:
            if declared.object not in self.objects:
                raise UnknownName(
                    "nothing was handed over under this name",
                    where="object",
                    given=declared.object,
                    allowed=listed(list(self.objects)),
                    fix=did_you_mean(declared.object, list(self.objects)) or "Analysis.from_dict(..., objects={...})",
                )
            return self.objects[declared.object]
        path = self._path(declared)
        if declared.sha256 is not None and (given := Source.of(path).sha256) != declared.sha256:
            raise ChecksumMismatch(
                "the file is not the one that was declared: its content has another sha256",
                where=str(path),
                given=given,
                allowed=declared.sha256,
                fix="restore the file; if the change is meant, update sha256 or remove it",
            )
        return f"{path}:{key}" if key else str(path)

    def named_source(self, declared: FileDeclared, key: str | None, columns: str = "") -> object:
        """:meth:`source`, refused if a file is named without what to read from it: the message lists what it holds.

        ``columns`` says how columns would be named.
        """
        tree = getattr(declared, "tree", None)
        source = self.source(declared, key or tree)
        if isinstance(source, str) and declared.object is None and key is not None:
            self._refuse_tree(source, key)
        if isinstance(source, str) and declared.object is None and key is None:
            root = Source.of(source).kind == "root" and tree is None
            held = contents(source).items()
            raise UnknownName(
                "the file is named, but not what to read from it",
                where=source,
                allowed=listed([f"{name} ({kind})" if root else name for name, kind in held]),
                fix='name a histogram = "..." of it, or a tree = "..." with its columns' if root else f"add {columns}",
            )
        return source

    def _refuse_tree(self, source: str, key: str) -> None:
        """A tree is no histogram: it has columns."""
        place = Source.of(source)
        if place.kind == "root" and class_of(place) in TREES:
            raise UnknownName(
                "a tree stands where a histogram or graph is named",
                where=source,
                given=key,
                allowed=listed(list(contents(source))),
                fix=f'say tree = "{key}" and name its columns',
            )

    def columns(self, declared: FileDeclared, tree: str | None = None) -> Columns:
        """The columns of a table, of a ``tree``, or of a mapping or data frame from Python."""
        source: Any = self.source(declared, tree)
        if declared.object is None:
            return read_columns(source)
        if not (hasattr(source, "keys") and hasattr(source, "__getitem__")):
            raise InputError(
                "columns are named, but the object has none",
                where=self.place(declared),
                given=type(source).__name__,
                allowed="a mapping of arrays, or a table such as a pandas DataFrame",
                fix="leave the columns out for arrays (values, edges) or a histogram",
            )
        names = {str(name): name for name in source.keys()}  # noqa: SIM118 - a data frame iterates otherwise
        return Columns(self.place(declared), tuple(names), lambda name: np.asarray(source[names[name]]))

    def place(self, declared: FileDeclared) -> str:
        """Where the numbers come from, for messages."""
        return f"object {declared.object}" if declared.object is not None else str(self._path(declared))

    def remember(self, declared: FileDeclared, key: str | None, columns: Mapping[str, Array]) -> Table:
        """What was read, as a table without provenance, with the hash of the file, or of the numbers of an object."""
        if declared.file is not None:
            name = f"{declared.file}:{key}" if key else declared.file
            sha256, where = Source.of(self._path(declared)).sha256, "beside the declaration"
        else:
            name, where = f"object {declared.object}", "from Python"
            digest = hashlib.sha256(self._read[name].sha256.encode() if name in self._read else b"")
            for column in columns.values():
                digest.update(np.ascontiguousarray(column, dtype=float).tobytes())
            sha256 = digest.hexdigest()
        table = Table(name, columns, {}, "numbers of the user", (), where, USER, sha256, (), ())
        self._read[name] = table
        return table

    def _path(self, declared: FileDeclared) -> Path:
        assert declared.file is not None
        if self.folder is None:
            raise MissingInput(
                "a declaration from Python names a file, and no folder that it is in",
                given=declared.file,
                fix="name the folder: Analysis.from_dict(..., folder=...)",
            )
        return inside(self.folder, declared.file, where=f"file {declared.file[:60]!r}")


def snapshot(objects: Mapping[str, object]) -> dict[str, object]:
    """Copies of ``objects``: what is changed afterwards changes no analysis.

    Raises
    ------
    InputError
        One of them cannot be copied.
    """
    found = {}
    for name, thing in objects.items():
        try:
            found[str(name)] = copy.deepcopy(thing)
        except Exception as trouble:  # whatever a foreign class makes of it
            raise InputError("an object cannot be copied", where=f"object {name}", given=trouble) from trouble
    return found
