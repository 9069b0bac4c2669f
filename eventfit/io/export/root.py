"""Results as ROOT histograms, written with uproot."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eventfit.errors import InputError, WriteFailed
from eventfit.io.measured import Histogram
from eventfit.io.uhi import histogram_of

__all__ = ["write_histograms"]

#: names that ROOT has no other meaning for: a semicolon would be a cycle, a colon ends the path of a file
NAME = re.compile(r"[^;:/\x00-\x1f]+(/[^;:/\x00-\x1f]+)*")


def write_histograms(path: str | Path, histograms: Mapping[str, object]) -> None:
    """Write UHI objects (spectra of ours, ``hist``), :class:`Histogram` or ``(values, edges)`` as TH1D.

    A name may have folders, ``best_fit/background``. Errors become ``Sumw2``; flow is kept. The file is made in memory
    and written at once, over one that is there.

    Raises
    ------
    InputError
        A name that ROOT cannot have, or no histogram.
    WriteFailed
        The file cannot be written.
    """
    import uproot

    if not histograms:
        raise InputError("there is no histogram to write", where=str(path))
    if bad := [name for name in histograms if not NAME.fullmatch(name)]:
        raise InputError(
            "a histogram cannot have this name in a ROOT file",
            where=str(path),
            given=repr(bad[0]),
            allowed="anything but ; and :, with / between folders",
        )
    content = io.BytesIO()
    with uproot.recreate(content) as file:
        for name, one in histograms.items():
            file[name] = _th1(histogram_of(one, where=name))
        file.file.sink.flush()
        written = content.getvalue()
    try:
        Path(path).write_bytes(written)
    except (OSError, ValueError) as trouble:
        given = trouble.strerror if isinstance(trouble, OSError) else trouble
        raise WriteFailed("a file could not be written", where=str(path), given=given) from trouble


def _th1(histogram: Histogram) -> Any:
    from uproot.writing.identify import to_TAxis, to_TH1x

    edges, values = histogram.edges, np.concatenate([[histogram.underflow], histogram.values, [histogram.overflow]])
    squares = None
    if (errors := histogram.symmetric_errors) is not None:
        squares = np.concatenate([[histogram.flow_errors[0]], errors, [histogram.flow_errors[1]]]) ** 2
    centres = 0.5 * (edges[1:] + edges[:-1])
    title = histogram.label
    if histogram.unit and histogram.unit not in title:
        title = f"{title} [{histogram.unit}]".strip()
    return to_TH1x(
        fName=None,
        fTitle=histogram.name,
        data=values.astype(">f8"),
        fEntries=float(values.sum()),
        fTsumw=float(histogram.values.sum()),
        fTsumw2=float((histogram.values if squares is None else squares[1:-1]).sum()),
        fTsumwx=float(histogram.values @ centres),
        fTsumwx2=float(histogram.values @ centres**2),
        fSumw2=None if squares is None else squares.astype(">f8"),
        fXaxis=to_TAxis("xaxis", title, len(centres), float(edges[0]), float(edges[-1]), edges.astype(">f8")),
    )
