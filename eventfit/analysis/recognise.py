"""What a file holds, in the words of a declaration: columns and histograms named, or recognised where only one fits.

A source is written as ``FILE``, ``FILE:HISTOGRAM``, ``FILE:COLUMN,COLUMN,...`` or ``FILE:TREE:COLUMN,...``. What is
recognised is written into the declaration, where it can be seen; for what is not a list says what there is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from eventfit.analysis.files import Per
from eventfit.errors import InputError, PathOutsideFolder, UnknownName
from eventfit.io import contents
from eventfit.io.source import Source, listed

__all__ = ["Role", "Spoken", "named_bins", "named_curve", "named_flux", "spoken"]

Role = Literal["data", "background"]
#: words in names of columns
LOW = r"low|lo|min|left|from"
HIGH = r"high|hi|max|right|to|up"
CENTRE = r"centre|center|mid|energy|e|erec|t"
ERROR = r"error|err|sigma|std|unc|uncertainty"
FLAVOURS = ("nu_e", "nu_mu", "nu_tau", "nubar_e", "nubar_mu", "nubar_tau")
#: ROOT classes by what they are read as
HISTOGRAM, GRAPH, TREE = "TH1", "TGraph", ("TTree", "TNtuple", "ROOT::")


@dataclass(frozen=True)
class Spoken:
    """A source as it was written: a file by its path in the folder, and the names behind it.

    ``held`` is what the file, or the named tree, holds: name -> ``column`` or the ROOT class.
    """

    text: str
    folder: Path
    file: str
    names: tuple[str, ...]
    tree: str | None
    held: Mapping[str, str]

    @property
    def is_root(self) -> bool:
        """Whether it is a ROOT file."""
        return Source.of(self.folder / self.file).kind == "root"

    def unclear(self, what: str, fix: str) -> UnknownName:
        """The error that says what could not be recognised, and what there is."""
        shown = [f"{name} ({kind})" if kind != "column" else name for name, kind in self.held.items()]
        return UnknownName(what, where=str(self.folder / self.file), given=self.text, allowed=listed(shown), fix=fix)

    def require(self, names: Sequence[str]) -> None:
        """Refuse names that the file does not hold."""
        for name in names:
            if name not in self.held:
                raise self.unclear(f"the file holds nothing called {name!r}", "take a name from this list")


def spoken(text: str, folder: Path) -> Spoken:
    """The source that ``text`` names, its file in ``folder``.

    Raises
    ------
    MissingInput, BadFile
        There is no such file, or it cannot be read.
    PathOutsideFolder
        It lies outside of the folder.
    """
    file, _, behind = text.partition(":")
    tree, names = None, tuple(part.strip() for part in behind.split(",") if part.strip())
    path = _inside(file, folder)
    place = folder / path
    if Source.of(place).kind == "root" and (":" in behind or len(names) > 1):
        tree, _, columns = behind.partition(":")
        names = tuple(part.strip() for part in columns.split(",") if part.strip())
        return Spoken(text, folder, path, names, tree, contents(f"{place}:{tree}"))
    return Spoken(text, folder, path, names, None, contents(place))


def named_bins(source: Spoken, role: Role, *, per: str | None, unit: str | None) -> dict[str, Any]:
    """The keys of a histogram: of a ROOT file, of columns with bins, or of single events.

    Columns are given as low, high, value, or centre, value, with an error behind if there is one; one column alone is
    single events.
    """
    if source.is_root and source.tree is None:
        return _finished(source, {"histogram": _one_object(source, HISTOGRAM)}, per, unit)
    names = source.names or _recognised(source, role)
    source.require(names)
    keys: dict[str, Any]
    match names:
        case (events,) if role == "data":
            return _finished(source, {"events": events}, None, unit)
        case (centre, value):
            keys = {"centre": centre, "value": value}
        case (low, high, value):
            keys = {"low": low, "high": high, "value": value}
        case (low, high, value, error):
            keys = {"low": low, "high": high, "value": value, "error": error}
        case _:
            raise source.unclear("these columns make no histogram", _said(source, role))
    return _finished(source, keys, per or _per_of(source, str(keys["value"])), unit)


def named_curve(source: Spoken, *, unit: str | None) -> dict[str, Any]:
    """The keys of a curve: a graph or histogram of a ROOT file, or two columns."""
    if source.is_root and source.tree is None:
        name = _one_object(source, GRAPH, HISTOGRAM)
        return _finished(source, {"graph" if source.held[name].startswith(GRAPH) else "histogram": name}, None, unit)
    names = source.names or (tuple(source.held) if len(source.held) == 2 else ())
    source.require(names)
    if len(names) != 2:
        raise source.unclear("a curve has two columns", f"{source.file}:X,Y with names from this list")
    return _finished(source, {"x": names[0], "y": names[1]}, None, unit)


def named_flux(source: Spoken, *, unit: str | None) -> dict[str, Any]:
    """The keys of a flux: the column of the energy, and the columns of flavours, called so or as ``flavour=column``."""
    names = source.names or tuple(source.held)
    pairs = [name.partition("=") for name in names[1:]]
    columns = {flavour.strip(): (column or flavour).strip() for flavour, _, column in pairs}
    unknown = [flavour for flavour in columns if flavour not in FLAVOURS]
    if not columns or unknown:
        raise source.unclear(
            f"which column is which flavour is not known ({', '.join(FLAVOURS)})",
            f"{source.file}:ENERGY,nubar_e=COLUMN with names from this list",
        )
    source.require([names[0], *columns.values()])
    return _finished(source, {"energy": names[0], "columns": columns}, None, unit)


def _inside(file: str, folder: Path) -> str:
    """The path of ``file`` from ``folder``; it may be given from there, or from the working folder."""
    places = folder / file, Path(file)
    for path in places:
        if path.exists() and path.resolve().is_relative_to(folder.resolve()):
            return path.resolve().relative_to(folder.resolve()).as_posix()
    if any(path.exists() for path in places):
        raise PathOutsideFolder(
            "the file lies outside of the folder of the declaration",
            given=file,
            allowed=f"a file below {folder}",
            fix="copy it there: the declaration and what it reads stay together",
        )
    Source.of(folder / file)  # says why it cannot be read
    return file


def _one_object(source: Spoken, *kinds: str) -> str:
    """The object of a ROOT file that was named, or the only one of these classes."""
    if source.names:
        source.require(source.names)
        return source.names[0]
    fitting = [name for name, kind in source.held.items() if kind.startswith(kinds)]
    if len(fitting) == 1:
        return fitting[0]
    what = "nothing of the right kind" if not fitting else f"{len(fitting)} that could be meant"
    tree = any(kind.startswith(TREE) for kind in source.held.values())
    fix = f"{source.file}:NAME with a name from this list" + (f", or {source.file}:TREE:COLUMN,..." if tree else "")
    raise source.unclear(f"the ROOT file holds {what}", fix)


def _recognised(source: Spoken, role: Role) -> tuple[str, ...]:
    """Columns by their names: low and high edges or a centre, one of contents, perhaps one of errors."""
    left = list(source.held)
    if role == "data" and len(left) == 1:
        return tuple(left)
    low, high = _take(left, LOW), _take(left, HIGH)
    centre = _take(left, CENTRE) if low is None and high is None else None
    error = _take(left, ERROR)
    bins = (low, high) if low and high else (centre,)
    if None in bins or len(left) != 1:
        raise source.unclear("the columns are not plain from their names", f"name them: {_said(source, role)}")
    return (*(name for name in bins if name), left[0], *([error] if error else []))


def _take(left: list[str], words: str) -> str | None:
    """The one column with one of these ``words`` in its name, taken out of ``left``; None if there is none, or more."""
    found = [name for name in left if re.search(rf"(?:^|[_\W])(?:{words})(?:$|[_\W])", name, re.IGNORECASE)]
    if len(found) != 1:
        return None
    left.remove(found[0])
    return found[0]


def _per_of(source: Spoken, value: str) -> str | None:
    """What a content is per, if its name says so: ``rate_per_keV_kg_day``."""
    _, said, behind = value.partition("per_")
    if not said:
        return None
    per = behind.replace("_", " ")
    if per not in get_args(Per):
        raise source.unclear(f"{value!r} is per something that is not known here", f"say --per with {get_args(Per)}")
    return per


def _finished(source: Spoken, keys: Mapping[str, Any], per: str | None, unit: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"file": source.file}
    found |= {"tree": source.tree} if source.tree else {}
    found |= dict(keys)
    if per is not None:
        if per not in get_args(Per):
            raise InputError("this is nothing that a content is per", given=per, allowed=", ".join(get_args(Per)))
        found["per"] = per
    return found | ({"unit": unit} if unit else {})


def _said(source: Spoken, role: Role) -> str:
    place = f"{source.file}:{source.tree}" if source.tree else source.file
    text = f"{place}:LOW,HIGH,VALUE or {place}:LOW,HIGH,VALUE,ERROR or {place}:CENTRE,VALUE"
    return text + (f" or {place}:EVENTS" if role == "data" else "")
