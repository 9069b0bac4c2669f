"""Numbers of the user in a declaration: which file, or object from Python, and what is named inside it.

They stand wherever the name of a table may stand, as ``{ file = "counts.csv", low = "E_low_keV", ... }``. A path begins
at the folder of the declaration and does not leave it. What a file holds is named and never guessed; its sha256 goes
into the results. With a stated ``sha256`` another content is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from eventfit.strict import Finite, Positive, Strict

__all__ = [
    "BackgroundFile",
    "BackgroundSource",
    "BinsFile",
    "BinsSource",
    "CovarianceFile",
    "CurveFile",
    "CurveSource",
    "FileDeclared",
    "MatrixFile",
    "Per",
]

Text = Annotated[str, Field(min_length=1)]
#: what becomes of entries outside the axis of a histogram
Overflow = Literal["refuse", "drop", "include"]
#: what a content is divided by: bin width, exposure, or both
Per = Literal[
    "keV",
    "MeV",
    "kg day",
    "kg year",
    "tonne day",
    "tonne year",
    "keV kg day",
    "keV kg year",
    "keV tonne day",
    "keV tonne year",
    "MeV kg day",
    "MeV kg year",
    "MeV tonne day",
    "MeV tonne year",
]


class FileDeclared(Strict):
    """A ``file`` below the folder of the declaration, or an ``object`` that was handed over in Python, by its name."""

    file: Text | None = None
    object: Text | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    unit: Text | None = None  # of the energies, where the file does not say it

    @model_validator(mode="after")
    def _one_place(self) -> FileDeclared:
        if (self.file is None) == (self.object is None):
            raise ValueError("either file or object has to be given, and not both")
        if self.object is not None and self.sha256 is not None:
            raise ValueError("sha256 belongs to a file")
        return self

    def _given(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]

    def _exclusive(self, *ways: Sequence[str]) -> None:
        """Refuse keys of more than one of these ways to say a thing."""
        used = [given for way in ways if (given := self._given(way))]
        if len(used) > 1:
            raise ValueError(f"{used[0][0]} and {used[1][0]} do not go together: the numbers are named in one way")


class BinsFile(FileDeclared):
    """Contents in bins.

    ``histogram`` names a TH1 of a ROOT file; columns of a table (or of the ``tree`` of a ROOT file) are ``value`` with
    the bins as ``low`` and ``high``, as ``centre``, or, if the rows are the bins of the response in their order, as
    ``rows = "bins"``. ``events`` is a column of single events, which are counted. ``error`` is a column of standard
    deviations, ``error_low`` and ``error_high`` columns of distances. A rate says what it is ``per``. ``overflow`` says
    what becomes of entries outside the axis of the histogram, or of events outside the window. With ``rebin`` the bins
    of the file are summed to those of the response, each of whose edges has to be one of theirs, and others left out.
    """

    histogram: Text | None = None
    tree: Text | None = None
    low: Text | None = None
    high: Text | None = None
    centre: Text | None = None
    rows: Literal["bins"] | None = None
    value: Text | None = None
    error: Text | None = None
    error_low: Text | None = None
    error_high: Text | None = None
    events: Text | None = None
    per: Per | None = None
    overflow: Overflow = "refuse"
    rebin: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> BinsFile:
        columns = ("low", "high", "centre", "rows", "value", "error", "error_low", "error_high")
        self._exclusive(("histogram",), ("tree",))
        self._exclusive(("histogram",), columns, ("events",))
        self._exclusive(("low", "high"), ("centre",), ("rows",))
        self._exclusive(("error",), ("error_low", "error_high"))
        for pair in (("low", "high"), ("error_low", "error_high")):
            if len(self._given(pair)) == 1:
                raise ValueError(f"{pair[0]} and {pair[1]} belong together")
        if self._given(columns) and self.value is None:
            raise ValueError("value is missing: the column that holds the contents")
        if self.value is not None and not self._given(("low", "centre", "rows")):
            raise ValueError(
                'the bins are missing: low and high, or centre, or rows = "bins" for those of the response'
            )
        if self.events is not None and self.per is not None:
            raise ValueError("single events are counted and not per anything")
        if self.rows is not None and (self.rebin or self.unit is not None):
            raise ValueError('rows = "bins" are those of the response: neither unit nor rebin has a meaning')
        if self.rebin and self.events is not None:
            raise ValueError("rebin needs bins in the file: events are counted in those of the response")
        return self


class BackgroundFile(BinsFile):
    """As :class:`BinsFile`, or a curve that is integrated: columns ``x`` and ``y``, or a ``graph``; it says ``per``."""

    x: Text | None = None
    y: Text | None = None
    graph: Text | None = None

    @property
    def is_curve(self) -> bool:
        """Whether it is integrated over the bins."""
        return bool(self._given(("x", "graph")))

    @model_validator(mode="after")
    def _curve(self) -> BackgroundFile:
        self._exclusive(("x", "y"), ("graph",), ("histogram", "value", "events", "rows"))
        self._exclusive(("graph",), ("tree",))
        if len(self._given(("x", "y"))) == 1:
            raise ValueError("x and y belong together")
        if self.events is not None:
            raise ValueError("events are no background to expect: give a histogram of them, with its error")
        if self.is_curve and (self.per is None or self.per.split()[0] not in ("keV", "MeV")):
            raise ValueError('a curve is integrated, so it is per keV or MeV, e.g. per = "keV kg day" or per = "keV"')
        return self


class CurveFile(FileDeclared):
    """Points of a function: columns ``x`` and ``y`` of a table or ``tree``, a ``graph``, or a ``histogram``.

    A histogram is taken as linear between the centres of its bins. Without names of an object it is a pair of arrays or
    a histogram.
    """

    x: Text | None = None
    y: Text | None = None
    tree: Text | None = None
    graph: Text | None = None
    histogram: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> CurveFile:
        self._exclusive(("x", "y"), ("graph",), ("histogram",))
        self._exclusive(("tree",), ("graph",), ("histogram",))
        if len(self._given(("x", "y"))) == 1:
            raise ValueError("x and y belong together")
        return self


class MatrixFile(FileDeclared):
    """Probabilities of bins for bins of true energy.

    ``histogram`` names a TH2, whose ``true`` axis is ``x`` or ``y``. A text file of numbers has a row per bin in x and
    a column per bin in y, and needs ``true_edges_keV``. Columns ``true_low``, ``true_high``, ``low``, ``high`` and
    ``value`` hold a row per cell. If the contents are counts, ``generated`` lists the events that were generated per
    true bin, or names a TH1 of them in the file.
    """

    histogram: Text | None = None
    tree: Text | None = None
    true: Literal["x", "y"] | None = None
    true_edges_keV: Annotated[list[Finite], Field(min_length=2)] | None = None
    true_low: Text | None = None
    true_high: Text | None = None
    low: Text | None = None
    high: Text | None = None
    value: Text | None = None
    generated: Text | Annotated[list[Positive], Field(min_length=1)] | None = None
    overflow: Literal["refuse", "drop"] = "refuse"
    rebin: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> MatrixFile:
        columns = ("true_low", "true_high", "low", "high", "value")
        self._exclusive(("histogram",), columns, ("true_edges_keV",))
        given = self._given(columns)
        if given and len(given) < len(columns):
            raise ValueError(f"missing {', '.join(name for name in columns if name not in given)}")
        if given and self.true is not None:
            raise ValueError("true tells the axes of a histogram or of rows of numbers apart, not columns")
        if not given and self.true is None:
            raise ValueError('which axis is the true energy has to be said: true = "x" or true = "y"')
        return self


class CovarianceFile(FileDeclared):
    """A covariance matrix of all bins, in the unit of the residual squared: rows of numbers, or a TH2 ``histogram``."""

    histogram: Text | None = None

    @model_validator(mode="after")
    def _no_unit(self) -> CovarianceFile:
        if self.unit is not None:
            raise ValueError("a covariance has no axis with a unit: it is in the unit of the residual, squared")
        return self


def _kind(value: Any) -> str:
    """Which of a table's name and a file is meant; the names of the tags are no keys of a declaration."""
    return "the name of a table" if isinstance(value, str) else "a file"


_TableName = Annotated[Text, Tag("the name of a table")]
BinsSource = Annotated[_TableName | Annotated[BinsFile, Tag("a file")], Discriminator(_kind)]
BackgroundSource = Annotated[_TableName | Annotated[BackgroundFile, Tag("a file")], Discriminator(_kind)]
CurveSource = Annotated[_TableName | Annotated[CurveFile, Tag("a file")], Discriminator(_kind)]
