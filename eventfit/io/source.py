"""Where numbers come from: a file, and what is named inside it; looked at before any library opens it."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eventfit.errors import BadFile, MissingInput

__all__ = ["LISTED", "MOST_BYTES", "MOST_NUMBERS", "Source", "listed"]

Kind = Literal["text", "root", "parquet"]
#: first bytes of a file that say what it is
MAGIC: dict[bytes, Kind] = {b"root": "root", b"PAR1": "parquet"}
#: endings that promise a kind
ENDINGS: dict[str, Kind] = {
    ".root": "root",
    ".parquet": "parquet",
    ".csv": "text",
    ".txt": "text",
    ".dat": "text",
    ".tsv": "text",
}
#: largest file or object that is read as a whole
MOST_BYTES = 64 * 2**20
#: most numbers that a file may claim to hold in one column
MOST_NUMBERS = 50_000_000
#: most names that a message lists
LISTED = 20


@dataclass(frozen=True)
class Source:
    """A file that exists, is readable and not empty, and ``key``, what is named inside (empty: nothing).

    ``where`` names both in messages.
    """

    path: Path
    key: str
    kind: Kind
    size: int

    @classmethod
    def of(cls, text: str | Path) -> Source:
        """The source that ``text`` names: ``counts.csv``, ``detector.root:folder/histogram``.

        Raises
        ------
        MissingInput
            There is no such file, it is a folder or a device, or it cannot be read.
        BadFile
            It is empty, or not what its ending promises.
        """
        path, key = _split(text)
        try:
            about = path.stat()
        except (OSError, ValueError) as trouble:  # a null character in the name is a ValueError
            raise _unreadable(path, trouble) from None
        if not stat.S_ISREG(about.st_mode):
            folder = stat.S_ISDIR(about.st_mode)
            raise MissingInput(
                "a folder stands where a file is needed" if folder else "this is no file with content",
                where=str(path),
                given="a folder" if folder else "a device or pipe",
                allowed="a CSV or text file, a ROOT file, a Parquet file",
            )
        try:
            with path.open("rb") as file:
                first = file.read(4)
        except OSError as trouble:
            raise _unreadable(path, trouble) from None
        if about.st_size == 0:
            raise BadFile("the file is empty", where=str(path), given="0 bytes")
        return cls(path, key, _kind(path, key, first), about.st_size)

    @property
    def where(self) -> str:
        """``detector.root:histogram``."""
        return f"{self.path}:{self.key}" if self.key else str(self.path)

    @property
    def sha256(self) -> str:
        """Of the whole file, for the hashes of the inputs that a result states."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def listed(names: list[str]) -> str:
    """``names`` for a message, the first twenty of them."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more if names else "nothing"


def _split(text: str | Path) -> tuple[Path, str]:
    found = re.fullmatch(r"(.+?\.root):(.*)", str(text), re.IGNORECASE | re.DOTALL)
    return (Path(found[1]), found[2].strip("/")) if found else (Path(text), "")


def _kind(path: Path, key: str, first: bytes) -> Kind:
    kind = MAGIC.get(first, "text")
    promised = ENDINGS.get(path.suffix.lower(), kind)
    if promised != kind:
        raise BadFile(
            f"the file is not what its name says: not {promised}",
            where=str(path),
            given=f"first bytes {first!r}",
            allowed=", ".join(f"{magic!r} ({name})" for magic, name in MAGIC.items()) + "; anything else is text",
            fix=f"rename it to {path.stem}.{kind if kind != 'text' else 'csv'}, or export it again",
        )
    if key and kind != "root":
        raise BadFile("only a ROOT file has names inside", where=str(path), given=key, fix="name columns instead")
    return kind


def _unreadable(path: Path, trouble: Exception) -> MissingInput:
    given = trouble.strerror if isinstance(trouble, OSError) else str(trouble)
    return MissingInput("the file cannot be read", where=os.fspath(path), given=given, fix="check the path")
