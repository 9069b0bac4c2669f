"""ROOT files, read with uproot: histograms (TH1, TH2), graphs, and columns of trees (TTree, RNTuple).

Files that RDataFrame wrote are such files. A damaged file may not cost more than its own size: its bytes come through
:class:`Clamped`, which never reads beyond its end, and sizes that it claims are checked before anything is allocated.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from eventfit.errors import BadFile, EventfitError, UnknownName, did_you_mean
from eventfit.io.columns import Columns
from eventfit.io.measured import Curve, Histogram, Matrix
from eventfit.io.measured.axis_unit import unit_in
from eventfit.io.source import MOST_BYTES, MOST_NUMBERS, Source, listed
from eventfit.io.uhi import histogram_of, matrix_of
from eventfit.quadrature import Array

__all__ = ["CURVES", "HISTOGRAMS", "MATRICES", "TREES", "class_of", "read_graph", "read_th1", "read_th2", "read_tree"]
__all__ += ["root_contents"]

#: ROOT's classes
HISTOGRAMS = tuple(f"TH1{kind}" for kind in "CSILFD")
MATRICES = tuple(f"TH2{kind}" for kind in "CSILFD")
#: with the members that hold the errors of the values, below and above
ERRORS = {"TGraph": (), "TGraphErrors": ("fEY", "fEY"), "TGraphAsymmErrors": ("fEYlow", "fEYhigh")}
CURVES = tuple(ERRORS)
TREES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple", "ROOT::Experimental::RNTuple")
#: more numbers than a tree's compressed bytes can hold at the highest ratio of any algorithm that ROOT has
MOST_PER_BYTE = 10_000


class Clamped(io.RawIOBase):
    """A file that knows its size: reading beyond its end gives what is there, and no buffer for what is not."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def __repr__(self) -> str:
        return str(self._file.name)

    def read(self, size: int = -1) -> bytes:
        left = max(self._size - self._file.tell(), 0)
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def root_contents(source: Source) -> dict[str, str]:
    """Name -> class of everything in a file."""
    with _opened(source) as file:
        return _named(file)


def class_of(source: Source) -> str:
    """The class of what the key names.

    Raises
    ------
    UnknownName
        There is no such thing; the message lists what there is.
    """
    with _opened(source) as file:
        return _class(file, source)


def read_th1(source: Source) -> Histogram:
    """A histogram with its flow; errors where it was filled with weights (``Sumw2``)."""
    with _opened(source) as file:
        found = _object(file, source, HISTOGRAMS, "a histogram (TH1)")
        _check_size(found, 1, source)
        label = _title(found, "fXaxis")
        return replace(histogram_of(found, where=source.where), label=label, unit=unit_in(label))


def read_th2(source: Source) -> Matrix:
    """A histogram over two axes, its flow summed."""
    with _opened(source) as file:
        found = _object(file, source, MATRICES, "a histogram over two axes (TH2)")
        _check_size(found, 2, source)
        x, y = _title(found, "fXaxis"), _title(found, "fYaxis")
        matrix = matrix_of(found, where=source.where)
        return replace(matrix, x_label=x, y_label=y, units=(unit_in(x), unit_in(y)))


def read_graph(source: Source) -> Curve:
    """A graph; the errors of its values where it has some."""
    with _opened(source) as file:
        found = _object(file, source, CURVES, "a graph")
        x, y = (np.asarray(found.member(name), dtype=float) for name in ("fX", "fY"))
        sides = ERRORS[found.classname]
        below, above = (np.asarray(found.member(name), dtype=float) for name in sides) if sides else (None, None)
        label = _graph_label(found)
    name = source.key.rpartition("/")[2]
    errors = None if below is None or above is None else (below, above)
    return Curve(x, y, errors, name=name, label=label, unit=unit_in(label), where=source.where)


def read_tree(source: Source) -> Columns:
    """The columns of a tree, each read when asked for.

    Raises
    ------
    BadFile
        (When a column is asked for) it does not hold one number per entry, or claims more than the file can hold.
    """
    with _opened(source) as file:
        names = tuple(_object(file, source, TREES, "a tree").keys())

    def load(name: str) -> Array:
        with _opened(source) as file:
            return _branch(_object(file, source, TREES, "a tree")[name], source, name)

    return Columns(source.where, names, load)


@contextmanager
def _opened(source: Source) -> Iterator[Any]:
    """The file, open; whatever uproot makes of a damaged one is one named error."""
    import uproot

    try:
        with source.path.open("rb") as raw, uproot.open(Clamped(raw, source.size), use_threads=False) as file:
            yield file
    except EventfitError:
        raise
    except Exception as trouble:  # a damaged file raises anything: struct, key, index, zlib, unicode, memory errors
        raise BadFile(
            "the ROOT file is damaged, or holds what cannot be read",
            where=source.where,
            given=f"{type(trouble).__name__}: {' '.join(str(trouble).split())[:120]}",
            fix="copy it again, or write the histogram anew",
        ) from trouble


def _named(file: Any) -> dict[str, str]:
    return {name.partition(";")[0]: kind for name, kind in file.classnames().items() if kind != "TDirectory"}


def _class(file: Any, source: Source) -> str:
    every = _named(file)
    name = source.key.partition(";")[0]
    if name not in every:
        raise UnknownName(
            "the ROOT file holds nothing of this name" if name else "name what to read from the ROOT file",
            where=str(source.path),
            given=name or None,
            allowed=listed([f"{known} ({kind})" for known, kind in every.items()]),
            fix=did_you_mean(name, list(every)) or f"{source.path.name}:NAME, with NAME from this list",
        )
    return every[name]


def _object(file: Any, source: Source, classes: tuple[str, ...], what: str) -> Any:
    kind = _class(file, source)
    if kind not in classes:
        fitting = [f"{name} ({known})" for name, known in _named(file).items() if known in classes]
        raise BadFile(
            f"{what} is needed",
            where=source.where,
            given=kind,
            allowed=f"{', '.join(classes)}; here: {listed(fitting)}",
        )
    key = file.key(source.key)
    if key.fObjlen > MOST_BYTES or key.fNbytes > source.size:
        raise BadFile(
            "the ROOT file claims more than it can hold",
            where=source.where,
            given=f"{key.fNbytes} bytes, {key.fObjlen} uncompressed, in a file of {source.size}",
            allowed=f"at most {MOST_BYTES // 2**20} MiB",
        )
    return key.get()


def _check_size(found: Any, dimensions: int, source: Source) -> None:
    """Bins that the axes claim against contents that are there: edges are not made for bins that do not exist."""
    bins = [int(found.member(axis).member("fNbins")) for axis in ("fXaxis", "fYaxis")[:dimensions]]
    there = len(np.asarray(found.values(flow=True)).ravel()) if min(bins) > 0 and max(bins) < MOST_NUMBERS else -1
    if there != np.prod([n + 2 for n in bins]):
        raise BadFile(
            "a histogram claims another number of bins than it has",
            where=source.where,
            given=" x ".join(map(str, bins)),
            allowed="the number of its contents without underflow and overflow",
        )


def _branch(branch: Any, source: Source, name: str) -> Array:
    """One number per entry of a branch or field."""
    where = f"{source.where}, column {name}"
    entries = int(getattr(branch, "num_entries", getattr(branch, "_length", 0)))
    if not 0 <= entries <= min(MOST_NUMBERS, MOST_PER_BYTE * source.size):
        raise BadFile(
            "a column claims more entries than the file can hold",
            where=where,
            given=f"{entries} entries in {source.size} bytes",
            allowed=f"at most {MOST_NUMBERS}",
        )
    stored = int(getattr(branch, "compressed_bytes", 0)), int(getattr(branch, "uncompressed_bytes", 0))
    if stored[0] > source.size or stored[1] > 8 * MOST_NUMBERS:
        raise BadFile("a column claims more bytes than the file has", where=where, given=f"{stored[0]} bytes")
    values = branch.array(library="np")
    if values.dtype.kind not in "biuf" or values.ndim != 1:
        raise BadFile(
            "a column does not hold one number per entry",
            where=where,
            given=getattr(branch, "typename", values.dtype),
            allowed="bool, int, float and double",
            fix="write a plain column, e.g. with RDataFrame::Define",
        )
    return np.asarray(values, dtype=float)


def _title(histogram: Any, axis: str) -> str:
    return str(histogram.member(axis).member("fTitle"))


def _graph_label(graph: Any) -> str:
    """The title of the x axis: that of the histogram that draws the axes, else the second part of ``title;x;y``."""
    drawn = graph.member("fHistogram")
    if drawn is not None:
        return _title(drawn, "fXaxis")
    return [*str(graph.member("fTitle")).split(";"), ""][1]
