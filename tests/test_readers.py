"""Readers: what files hold comes in unchanged, and whatever is wrong with them ends in one named error."""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot

from eventfit.errors import (
    BadFile,
    InputError,
    MissingExtra,
    MissingInput,
    OutOfRange,
    UnknownName,
    WriteFailed,
)
from eventfit.io import (
    BinColumns,
    Curve,
    CurveColumns,
    Histogram,
    Matrix,
    MatrixColumns,
    contents,
    counts_of_rate,
    observed_counts,
    read_columns,
    read_covariance,
    read_curve,
    read_events,
    read_histogram,
    read_histograms,
    read_matrix,
    write_histograms,
)
from eventfit.io.measured.axis_unit import factor_between, unit_in
from eventfit.io.source import MOST_BYTES, Source
from eventfit.spectrum import Spectrum

EDGES = np.array([0.0, 1.0, 2.5, 3.0, 10.0])
BINS = BinColumns("n", "low_keV", "high_keV")
TABLE = "low_keV,high_keV,n\n0,1,3\n1,2.5,4\n2.5,3,5\n3,10,6\n"


def weighted() -> Any:
    """A histogram filled with weights, with entries below and above its axis."""
    found = hist.Hist.new.Var(EDGES, name="E", label="energy [keV]").Weight()
    return found.fill([0.5, 0.7, 2.7, 5.0, -1.0, 10.0, 99.0], weight=[1.0, 2.0, 0.5, 1.0, 4.0, 1.0, 1.0])


def root_file(path: Path) -> Path:
    """One of everything; uncompressed, so that tests can find its bytes."""
    plain = hist.Hist.new.Reg(7, 0.0, 3.5, label="E").Double().fill([0.1, 0.2, 3.4])
    both = hist.Hist.new.Reg(2, 0.0, 2.0, label="true [keV]").Reg(3, 0.0, 3.0, label="reconstructed [keV]").Double()
    with uproot.recreate(path, compression=None) as file:
        file["weighted"] = weighted()
        file["folder/plain"] = plain
        file["both"] = both.fill([0.5, 0.6, 1.5, 9.0], [0.5, 1.5, 2.5, 1.0])
        file["profile"] = hist.Hist.new.Reg(2, 0.0, 2.0).Mean().fill([0.5, 1.5], sample=[1.0, 2.0])
        file["graph"] = uproot.as_TGraph({"x": np.array([1.0, 2.0, 4.0]), "y": np.array([0.0, 0.5, 0.9])})
        file.mktree("events", {"e": np.float64, "n": np.int32, "good": bool, "pair": ("f8", (2,))})
        columns = {"e": np.arange(321.0) / 100.0, "n": np.arange(321, dtype=np.int32), "good": np.ones(321, bool)}
        file["events"].extend({**columns, "pair": np.ones((321, 2))})
        file.mkrntuple("ntuple", {"low": np.array([0.0, 1.0]), "high": np.array([1.0, 3.0]), "n": np.array([4, 5])})
    return path


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return root_file(tmp_path_factory.mktemp("root") / "all.root")


@contextmanager
def writes_graph_errors() -> Iterator[None]:
    """Uproot reads graphs with errors and does not write them: their arrays follow the plain graph."""
    from uproot.models.TGraph import Model_TGraphAsymmErrors_v3, Model_TGraphErrors_v3

    def serialiser(*arrays: str) -> Callable[..., None]:
        def serialise(self: Any, out: Any, header: bool, name: Any, flags: Any) -> None:
            where = len(out)
            for base in self._bases:
                base._serialize(out, True, None, flags)
            out += [b"\x01" + self._members[array].astype(">f8").tobytes() for array in arrays]
            if header:
                size = sum(len(part) for part in out[where:])
                out.insert(where, uproot.serialization.numbytes_version(size, self.class_version))

        return serialise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model_TGraphErrors_v3, "_serialize", serialiser("fEX", "fEY"))
        asymmetric = serialiser("fEXlow", "fEXhigh", "fEYlow", "fEYhigh")
        patch.setattr(Model_TGraphAsymmErrors_v3, "_serialize", asymmetric)
        yield


# -- invariant --


def test_what_a_root_histogram_holds_comes_in(everything: Path) -> None:
    found = read_histogram(f"{everything}:weighted", flow="drop")
    assert found.edges.tolist() == EDGES.tolist()
    assert found.values.tolist() == [3.0, 0.0, 0.5, 1.0]
    assert found.errors is not None
    assert found.errors[0] == pytest.approx(np.sqrt([5.0, 0.0, 0.25, 1.0]))
    assert (found.name, found.label, found.unit) == ("weighted", "energy [keV]", "keV")
    plain = read_histogram(f"{everything}:folder/plain")
    assert plain.errors is None, "nobody gave errors"
    assert plain.values.tolist() == [2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]


def test_flow_is_refused_dropped_or_included(everything: Path) -> None:
    with pytest.raises(OutOfRange, match=r"(?s)entries lie outside.*underflow 4, overflow 2"):
        read_histogram(f"{everything}:weighted")
    included = read_histogram(f"{everything}:weighted", flow="include")
    assert included.values.tolist() == [7.0, 0.0, 0.5, 3.0]
    assert included.errors is not None
    assert included.errors[1] == pytest.approx(np.sqrt([5.0 + 16.0, 0.0, 0.25, 1.0 + 2.0]))
    assert included.with_flow("refuse") is included
    with pytest.raises(UnknownName, match="refuse, drop, include"):
        read_histogram(f"{everything}:weighted", flow="keep")  # type: ignore[arg-type]
    one = Histogram(np.array([0.0, 1.0]), np.array([1.0]), underflow=2.0, overflow=3.0).with_flow("include")
    assert one.values.tolist() == [6.0], "the only bin is the first and the last"


def test_a_histogram_from_python_is_that_from_a_file(everything: Path) -> None:
    ours, theirs = read_histogram(weighted(), flow="drop"), read_histogram(f"{everything}:weighted", flow="drop")
    assert ours.errors is not None
    assert theirs.errors is not None
    for mine, other in ((ours.edges, theirs.edges), (ours.values, theirs.values), (ours.errors[0], theirs.errors[0])):
        assert np.array_equal(mine, other)
    with uproot.open(everything) as file:
        assert np.array_equal(read_histogram(file["weighted"], flow="drop").values, ours.values)
    spectrum = Spectrum(EDGES, np.array([1.0, 2.0, 3.0, 4.0]))
    assert read_histogram(spectrum).errors is None, "an expectation has no errors"
    assert read_histogram(spectrum).values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert read_histogram(np.histogram([0.5, 2.0], EDGES)).values.tolist() == [1.0, 1.0, 0.0, 0.0]
    no_flow = hist.Hist(hist.axis.Regular(2, 0.0, 2.0, underflow=False), storage=hist.storage.Double()).fill([1.5, 7.0])
    assert read_histogram(no_flow, flow="include").values.tolist() == [0.0, 2.0]


def test_writing_and_reading_again_changes_nothing(tmp_path: Path) -> None:
    given = read_histogram(weighted(), flow="drop")
    lossless = Histogram(
        EDGES, np.array([0.1, 1e-300, 7.0, 1 / 3]), None, 0.5, 0.25, name="x", label="energy", unit="keV"
    )
    write_histograms(tmp_path / "out.root", {"a/given": given, "lossless": lossless, "hist": weighted()})
    assert contents(tmp_path / "out.root") == dict.fromkeys(["a/given", "lossless", "hist"], "TH1D")
    again = read_histogram(f"{tmp_path}/out.root:a/given")
    assert again.errors is not None
    assert given.errors is not None
    assert np.array_equal(again.values, given.values)
    assert again.errors[0] == pytest.approx(given.errors[0], rel=1e-15)
    same = read_histogram(f"{tmp_path}/out.root:lossless", flow="include")
    assert same.values.tolist() == [0.6, 1e-300, 7.0, 1 / 3 + 0.25]
    assert (same.errors, same.unit) == (None, "keV")
    with uproot.open(tmp_path / "out.root") as file:
        assert file["hist"].values(flow=True).tolist() == weighted().values(flow=True).tolist()


def test_columns_of_every_format_make_the_same_histogram(tmp_path: Path, everything: Path) -> None:
    texts = {
        "a.csv": TABLE,
        "b.csv": TABLE.replace(",", ";"),
        "c.txt": "# a comment\n" + TABLE.replace(",", "\t").replace("\n", "\r\n"),
        "d.dat": "# low_keV high_keV n\n" + TABLE.split("\n", 1)[1].replace(",", "   "),
        "e.csv": "\ufeff" + TABLE.replace("low_keV", '"low_keV"'),
        "f.csv": TABLE.replace("\n", ",note\n").replace("n,note", "n,text", 1),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        found = read_histogram(tmp_path / name, BINS)
        assert found.edges.tolist() == EDGES.tolist(), name
        assert found.values.tolist() == [3.0, 4.0, 5.0, 6.0], name
        assert found.unit == "keV", name
    (tmp_path / "g.txt").write_text(TABLE.split("\n", 1)[1].replace(",", " "), encoding="utf-8")
    assert read_histogram(tmp_path / "g.txt", BinColumns("3", "1", "2")).values.tolist() == [3.0, 4.0, 5.0, 6.0]
    tree = read_histogram(f"{everything}:ntuple", BinColumns("n", "low", "high"))
    assert (tree.edges.tolist(), tree.values.tolist()) == ([0.0, 1.0, 3.0], [4.0, 5.0])


def test_centres_and_edges_and_given_errors(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("E_keV,n,up,down\n0.5,1,0.2,0.1\n1.5,2,0.4,0.3\n2.5,3,0.5,0.4\n", encoding="utf-8")
    found = read_histogram(tmp_path / "t.csv", BinColumns("n", centre="E_keV", error_low="down", error_high="up"))
    assert found.edges == pytest.approx([0.0, 1.0, 2.0, 3.0])
    assert found.errors is not None
    assert (found.errors[0].tolist(), found.errors[1].tolist()) == ([0.1, 0.3, 0.4], [0.2, 0.4, 0.5])
    with pytest.raises(OutOfRange, match="errors below and above differ"):
        _ = found.symmetric_errors
    symmetric = read_histogram(tmp_path / "t.csv", BinColumns("n", error="up"), edges=[0, 1, 2, 5], unit="MeV")
    assert symmetric.symmetric_errors == pytest.approx([0.2, 0.4, 0.5])
    assert symmetric.in_unit("keV").edges.tolist() == [0.0, 1000.0, 2000.0, 5000.0]


def test_rebinning_keeps_the_sum_and_says_what_is_outside() -> None:
    errors = np.array([0.1, 0.2, 0.3, 0.4])
    given = Histogram(EDGES, np.array([1.0, 2.0, 3.0, 4.0]), (errors, errors), underflow=0.5)
    found = given.rebinned(np.array([1.0, 3.0]))
    assert (found.values.tolist(), found.underflow, found.overflow) == ([5.0], 1.5, 4.0)
    assert found.errors is not None
    assert found.errors[0] == pytest.approx([np.hypot(0.2, 0.3)])
    assert found.with_flow("include").values.sum() == given.with_flow("include").values.sum()
    with pytest.raises(OutOfRange, match="not those that are needed"):
        given.rebinned(np.array([1.0, 2.0]))


def test_rounded_edges_agree_and_others_do_not() -> None:
    given = Histogram(EDGES + 1e-9, np.arange(4.0))
    assert np.array_equal(given.over(EDGES).edges, EDGES)
    for other in (EDGES[:-1], EDGES + 1e-3, EDGES * 1000):
        with pytest.raises(OutOfRange, match="not those that are needed"):
            given.over(other)


def test_events_fall_into_bins_as_root_fills_them(everything: Path) -> None:
    events = read_events(f"{everything}:events", ["e", "n", "good"])
    edges = np.array([0.5, 1.0, 2.0])
    found = events.histogram("e", edges)
    with uproot.open(everything) as file:
        filled = hist.Hist.new.Var(edges).Double().fill(file["events"]["e"].array(library="np"))
    assert filled.values(flow=True).tolist() == [found.underflow, *found.values, found.overflow]
    assert found.values.sum() + found.underflow + found.overflow == len(events) == 321
    by_weight = events.histogram("e", edges, weights="n")
    assert by_weight.errors is not None
    assert by_weight.errors[0] ** 2 == pytest.approx(
        [sum(i**2 for i in range(50, 100)), sum(i**2 for i in range(100, 200))]
    )


def test_graphs_with_and_without_errors(tmp_path: Path, everything: Path) -> None:
    plain = read_curve(f"{everything}:graph")
    assert (plain.x.tolist(), plain.y.tolist(), plain.errors) == ([1.0, 2.0, 4.0], [0.0, 0.5, 0.9], None)
    x, low, high = np.array([1.0, 2.0]), np.array([0.1, 0.2]), np.array([0.3, 0.4])
    with writes_graph_errors(), uproot.recreate(tmp_path / "graphs.root") as file:
        both = {"x": x, "y": 2 * x, "x_errors": low, "y_errors": high}
        file["symmetric"] = uproot.as_TGraph(both, title="efficiency", xAxisLabel="recoil [keV]")
        sides = {"x_errors_low": 0 * x, "x_errors_high": 0 * x, "y_errors_low": low, "y_errors_high": high}
        file["asymmetric"] = uproot.as_TGraph({"x": x, "y": 2 * x, **sides})
    symmetric = read_curve(f"{tmp_path}/graphs.root:symmetric")
    assert symmetric.errors is not None
    assert [side.tolist() for side in symmetric.errors] == [high.tolist(), high.tolist()]
    assert (symmetric.label, symmetric.unit) == ("recoil [keV]", "keV")
    asymmetric = read_curve(f"{tmp_path}/graphs.root:asymmetric")
    assert asymmetric.errors is not None
    assert [side.tolist() for side in asymmetric.errors] == [low.tolist(), high.tolist()]


def test_a_histogram_as_a_curve_goes_through_its_centres(everything: Path) -> None:
    found = read_curve((np.array([0.2, 0.8]), np.array([0.0, 1.0, 3.0])))
    assert found.x.tolist() == [0.0, 0.5, 2.0, 3.0]
    assert found.y.tolist() == [0.2, 0.2, 0.8, 0.8]
    assert read_curve(f"{everything}:folder/plain").x[[0, -1]].tolist() == [0.0, 3.5]


def test_a_matrix_from_root_table_numbers_and_python(tmp_path: Path, everything: Path) -> None:
    with pytest.raises(OutOfRange, match="entries lie outside the axes"):
        read_matrix(f"{everything}:both")
    found = read_matrix(f"{everything}:both", flow="drop")
    assert found.values.tolist() == [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    assert found.units == ("keV", "keV")
    rows = [
        f"{i},{i + 1},{j},{j + 1},{found.values[i, j]}" for j in range(3) for i in range(2)
    ]  # another order than the array's
    (tmp_path / "m.csv").write_text("xl,xh,yl,yh,p\n" + "\n".join(rows), encoding="utf-8")
    (tmp_path / "m.txt").write_text("1 1 0\n0 0 1\n", encoding="utf-8")
    others = [
        read_matrix(tmp_path / "m.csv", MatrixColumns("xl", "xh", "yl", "yh", "p")),
        read_matrix(tmp_path / "m.txt", x_edges=[0, 1, 2], y_edges=[0, 1, 2, 3]),
        read_matrix((found.values, found.x_edges, found.y_edges)),
    ]
    for other in others:
        assert np.array_equal(other.values, found.values)
        assert np.array_equal(other.y_edges, found.y_edges)


def test_a_migration_matrix_gives_probabilities_of_true_bins() -> None:
    counts = Matrix(np.arange(3.0), np.arange(4.0), np.array([[8.0, 1.0, 0.0], [0.0, 3.0, 6.0]]))
    found = counts.migration("x", generated=np.array([10.0, 12.0]))
    assert found.tolist() == [[0.8, 0.0], [0.1, 0.25], [0.0, 0.5]]
    assert np.array_equal(counts.transposed.migration("y", generated=np.array([10.0, 12.0])), found)
    with pytest.raises(OutOfRange, match="more than all events"):
        counts.migration("x")


def test_rates_become_counts_and_counts_are_whole() -> None:
    n = np.array([3.0, 0.0, 12.0, 7.0])
    rate = Histogram(EDGES, n / (0.65 * np.diff(EDGES)), unit="keV")
    counts = counts_of_rate(rate, 0.65)
    assert observed_counts(counts).values.tolist() == n.tolist()
    assert counts_of_rate(counts_of_rate(rate, 2.0), 3.0, per_unit=False).values == pytest.approx(
        counts_of_rate(rate, 6.0).values
    ), "linear in the exposure"
    printed = Histogram(EDGES, np.round(rate.values, 2))
    assert observed_counts(counts_of_rate(printed, 0.65), rounding=0.05).values.tolist() == n.tolist()
    with pytest.raises(OutOfRange, match="not whole numbers"):
        observed_counts(counts_of_rate(printed, 0.66))
    with pytest.raises(OutOfRange, match="negative"):
        observed_counts(Histogram(EDGES, np.array([1.0, -2.0, 0.0, 0.0])))


def test_backgrounds_have_one_binning(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("low,high,a,b\n0,1,3,0.5\n1,3,4,0.25\n", encoding="utf-8")
    same = {name: read_histogram(tmp_path / "b.csv", BinColumns(name, "low", "high")) for name in ("a", "b")}
    assert [h.values.tolist() for h in read_histograms(same).values()] == [[3.0, 4.0], [0.5, 0.25]]
    other = Histogram(np.array([0.0, 1.0, 4.0]), np.ones(2), where="cosmics")
    with pytest.raises(OutOfRange, match=r"(?s)not those that are needed.*where:   histogram 'c': cosmics"):
        read_histograms({**same, "c": other})


def test_a_covariance_is_checked(tmp_path: Path) -> None:
    good = np.array([[4.0, 1.2], [1.2, 1.0]])
    assert np.array_equal(read_covariance(good, 2), good)
    (tmp_path / "c.txt").write_text("4, 1.2\n1.2, 1\n", encoding="utf-8")
    assert np.array_equal(read_covariance(tmp_path / "c.txt", 2), good)
    degenerate = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert np.array_equal(read_covariance(degenerate, 2), degenerate)
    for bad, said in (
        (good[:1], "wrong shape"),
        (np.array([[4.0, 1.2], [1.3, 1.0]]), "not symmetric"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "negative variance"),
        (np.array([[np.nan, 0.0], [0.0, 1.0]]), "NaN"),
    ):
        with pytest.raises(OutOfRange, match=said):
            read_covariance(bad, 2)


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("Energy [keV]", "keV"),
        ("Energy (MeV)", "MeV"),
        ("E / keV", "keV"),
        ("energy_low_keVee", "keVee"),
        ("T_keV_nr", "keV_nr"),
        ("counts", ""),
        ("", ""),
        ("entries [1/keV]", "1/keV"),
    ],
)
def test_units_in_titles_and_names(title: str, unit: str) -> None:
    assert unit_in(title) == unit


def test_units_convert_and_scales_do_not() -> None:
    assert factor_between("MeV", "keV", "here") == 1000.0
    assert factor_between("keV_ee", "keV", "here") == 1.0
    for given, wanted, said in (
        ("keVnr", "keVee", "quenching"),
        ("", "keV", "does not say"),
        ("m", "keV", "converted"),
    ):
        with pytest.raises(OutOfRange, match=said):
            factor_between(given, wanted, "here")


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: eventfit[parquet]")
    from pyarrow import parquet

    table = pyarrow.table({"low": [0.0, 1.0], "high": [1.0, 3.0], "n": [4, 5], "text": ["a", "b"], "gap": [1.0, None]})
    parquet.write_table(table, tmp_path / "t.parquet")
    found = read_histogram(tmp_path / "t.parquet", BinColumns("n", "low", "high"))
    assert (found.edges.tolist(), found.values.tolist()) == ([0.0, 1.0, 3.0], [4.0, 5.0])
    for name in ("text", "gap"):
        with pytest.raises(BadFile, match="does not hold one number per row"):
            read_columns(tmp_path / "t.parquet")[name]
    whole = (tmp_path / "t.parquet").read_bytes()
    for broken in (whole[:60], whole[:-20] + b"\xff" * 16 + b"PAR1", b"PAR1" + b"\0" * 200):
        (tmp_path / "broken.parquet").write_bytes(broken)
        with pytest.raises(BadFile, match="damaged"):
            read_columns(tmp_path / "broken.parquet")


def test_parquet_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1....PAR1")
    with pytest.raises(MissingExtra, match=r"eventfit\[parquet\]"):
        read_columns(tmp_path / "t.parquet")


def test_the_unit_of_a_declaration_may_not_contradict_the_file(everything: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)another unit.*given:   MeV.*allowed: keV"):
        read_histogram(f"{everything}:weighted", flow="drop", unit="MeV")
    assert read_histogram(f"{everything}:folder/plain", unit="MeV").in_unit("keV").edges[-1] == 3500.0


# -- invariant: what is wrong is said, and where ----------------------------------------------------------------------

#: content of a text file, what is read from it -> error, words of its message
WRONG_TEXT: dict[str, tuple[str | bytes, type[InputError], str]] = {
    "empty": ("", BadFile, "the file is empty"),
    "blank": ("\n \n", BadFile, "no rows"),
    "comments": ("# low,high,n\n", BadFile, "no rows"),
    "header_only": ("low_keV,high_keV,n\n", BadFile, "a header and no rows"),
    "rubbish": (bytes(range(256)) * 4, BadFile, "not text in UTF-8"),
    "null_bytes": ("low_keV,high_keV,n\n0,1,\x003\n", BadFile, "not text"),
    "latin1": ("low_keV,high_keV,n\n0,1,3\n# M\xfcnchen\n".encode("latin-1"), BadFile, "save it as UTF-8"),
    "utf16": (TABLE.encode("utf-16"), BadFile, "save it as UTF-8"),
    "wrong_column": (TABLE.replace("high_keV", "high"), UnknownName, "allowed: low_keV, high, n"),
    "repeated_column": ("n,n,n\n0,1,3\n", BadFile, "two columns have one name"),
    "unnamed_column": ("low_keV,,n\n0,1,3\n", BadFile, "a column has no name"),
    "text_cell": (TABLE.replace("2.5,4", "2.5,many"), OutOfRange, "line 3, column n"),
    "empty_cell": (TABLE.replace("2.5,4", "2.5,"), OutOfRange, "a cell is empty"),
    "short_row": (TABLE.replace("1,2.5,4", "1,2.5"), OutOfRange, "line 3, column n"),
    "long_row": (TABLE.replace("1,2.5,4", "1,2.5,4,9"), BadFile, "line 3 has more"),
    "longer_row": (TABLE.replace("1,2.5,4", "1,2.5,4,9,9,9"), BadFile, "different numbers of cells"),
    "open_quote": (TABLE.replace("1,2.5,4", '1,2.5,"4'), BadFile, "different numbers of cells"),
    "decimal_comma": ("low_keV;high_keV;n\n0;1;3\n1;2,5;4\n", OutOfRange, "write decimals with a point"),
    "underscore": (TABLE.replace("2.5,4", "2.5,1_000"), OutOfRange, "not a number"),
    "hexadecimal": (TABLE.replace("2.5,4", "2.5,0x10"), OutOfRange, "not a number"),
    "fortran": (TABLE.replace("2.5,4", "2.5,1d3"), OutOfRange, "not a number"),
    "nan": (TABLE.replace("2.5,4", "2.5,nan"), OutOfRange, "column n, values, number 2 of 4"),
    "infinity": (TABLE.replace("2.5,4", "2.5,inf"), OutOfRange, "NaN or infinite"),
    "overflowing": (TABLE.replace("2.5,4", "2.5,1e999"), OutOfRange, "NaN or infinite"),
    "gap": (TABLE.replace("1,2.5,4", "1.1,2.5,4"), OutOfRange, "given:   0 to 1, then 1.1 to 2.5"),
    "overlap": (TABLE.replace("1,2.5,4", "0.9,2.5,4"), OutOfRange, "not contiguous"),
    "reversed_bin": (TABLE.replace("1,2.5,4", "2.5,1,4"), OutOfRange, "not contiguous and increasing"),
    "shuffled": ("low_keV,high_keV,n\n1,2,4\n0,1,3\n", OutOfRange, "sort the rows"),
    "expression": (TABLE.replace("2.5,4", "2.5,=1+1"), OutOfRange, "not a number"),
    "python": (TABLE.replace("2.5,4", "2.5,__import__('os')"), OutOfRange, "not a number"),
}


@pytest.mark.parametrize("name", WRONG_TEXT)
def test_wrong_text(name: str, tmp_path: Path) -> None:
    content, error, said = WRONG_TEXT[name]
    path = tmp_path / "counts.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(error) as caught:
        read_histogram(path, BINS)
    assert said in str(caught.value)
    assert str(path) in caught.value.where


def spoiled(**changed: Any) -> Histogram:
    given: dict[str, Any] = {"edges": EDGES, "values": np.ones(4), "where": "here"}
    return Histogram(**{**given, **changed})


#: whatever is handed over from Python
WRONG_OBJECTS: dict[str, tuple[Callable[[], object], type[InputError], str]] = {
    "no_histogram": (lambda: read_histogram(42), InputError, "this is no histogram"),
    "two_axes": (lambda: read_histogram(hist.Hist.new.Reg(2, 0, 1).Reg(2, 0, 1).Double()), InputError, "given:   2"),
    "categories": (lambda: read_histogram(hist.Hist.new.IntCat([1, 2]).Double()), InputError, "has no edges"),
    "means": (lambda: read_histogram(hist.Hist.new.Reg(2, 0, 1).Mean()), InputError, "holds means"),
    "lengths": (lambda: read_histogram((np.ones(3), np.arange(3.0))), OutOfRange, "2: one per bin"),
    "nan_content": (lambda: spoiled(values=np.array([1.0, np.nan, 1.0, 1.0])), OutOfRange, "number 2 of 4"),
    "nan_flow": (lambda: spoiled(underflow=np.nan), OutOfRange, "underflow and overflow"),
    "infinite_edge": (lambda: spoiled(edges=np.append(EDGES[:-1], np.inf)), OutOfRange, "edges, number 5"),
    "equal_edges": (lambda: spoiled(edges=np.array([0.0, 1.0, 1.0, 2.0, 3.0])), OutOfRange, "edges do not increase"),
    "one_edge": (lambda: spoiled(edges=np.array([1.0])), OutOfRange, "two edges"),
    "negative_error": (lambda: spoiled(errors=(np.ones(4), -np.ones(4))), OutOfRange, "an error is negative"),
    "text_values": (lambda: spoiled(values=["a", "b", "c", "d"]), OutOfRange, "not numbers"),
    "negative_efficiency": (
        lambda: read_curve((np.arange(3.0), np.array([0.1, -0.2, 0.3]))).within(0.0, 1.0, "an efficiency"),
        OutOfRange,
        "an efficiency has an impossible value",
    ),
    "percent_efficiency": (
        lambda: read_curve((np.arange(3.0), np.array([10.0, 20.0, 90.0]))).within(0.0, 1.0, "an efficiency"),
        OutOfRange,
        "divide percentages by 100",
    ),
    "unsorted_curve": (lambda: Curve(np.array([0.0, 2.0, 1.0]), np.ones(3)), OutOfRange, "do not increase"),
    "short_curve": (lambda: Curve(np.array([0.0]), np.ones(1)), OutOfRange, "two points"),
    "curve_lengths": (lambda: Curve(np.arange(3.0), np.ones(4)), OutOfRange, "wrong length"),
    "matrix_shape": (lambda: Matrix(np.arange(3.0), np.arange(3.0), np.ones((2, 3))), OutOfRange, "does not fit"),
    "negative_migration": (
        lambda: Matrix(np.arange(3.0), np.arange(3.0), -np.ones((2, 2))).migration("x"),
        OutOfRange,
        "negative entry",
    ),
    "negative_exposure": (lambda: counts_of_rate(spoiled(), -1.0), OutOfRange, "has to be positive"),
    "rate_with_flow": (lambda: counts_of_rate(spoiled(overflow=1.0), 1.0), OutOfRange, "no bin width"),
    "missing_file": (
        lambda: read_histogram(str(Path(__file__).parent / "data_that_is_not_there.csv"), BINS),
        MissingInput,
        "cannot be read",
    ),
}


@pytest.mark.parametrize("name", WRONG_OBJECTS)
def test_wrong_objects(name: str) -> None:
    call, error, said = WRONG_OBJECTS[name]
    with pytest.raises(error) as caught:
        call()
    assert said in str(caught.value)


WRONG_ROOT: dict[str, tuple[Callable[[Path], object], type[InputError], str]] = {
    "no_name": (lambda p: read_histogram(p), UnknownName, "weighted (TH1D), folder/plain (TH1D)"),
    "misspelt": (lambda p: read_histogram(f"{p}:weigthed"), UnknownName, "did you mean 'weighted'?"),
    "a_tree": (lambda p: read_histogram(f"{p}:events"), UnknownName, "allowed: e, n, good, pair"),
    "a_graph": (lambda p: read_histogram(f"{p}:graph"), BadFile, "here: weighted (TH1D), folder/plain (TH1D)"),
    "two_axes": (lambda p: read_histogram(f"{p}:both"), BadFile, "a histogram (TH1) is needed"),
    "a_profile": (lambda p: read_histogram(f"{p}:profile"), BadFile, "given:   TProfile"),
    "one_axis": (lambda p: read_matrix(f"{p}:weighted"), BadFile, "over two axes"),
    "a_folder": (lambda p: read_histogram(f"{p}:folder"), UnknownName, "holds nothing of this name"),
    "no_branch": (lambda p: read_events(f"{p}:events", ["energy"]), UnknownName, "allowed: e, n, good, pair"),
    "an_array": (lambda p: read_events(f"{p}:events", ["pair"]), BadFile, "double[2]"),
    "columns_of_a_histogram": (lambda p: read_histogram(f"{p}:weighted", BINS), InputError, "leave the columns out"),
    "other_edges": (
        lambda p: read_histogram(f"{p}:folder/plain", edges=[0.0, 1.0]),
        OutOfRange,
        "given:   7 bins from 0 to 3.5",
    ),
    "events_no_tree": (lambda p: read_events(f"{p}:weighted", ["e"]), BadFile, "a tree is needed"),
}


@pytest.mark.parametrize("name", WRONG_ROOT)
def test_wrong_root(name: str, everything: Path) -> None:
    call, error, said = WRONG_ROOT[name]
    with pytest.raises(error) as caught:
        call(everything)
    assert said in str(caught.value)
    assert everything.name in str(caught.value)


def test_bins_stated_twice_or_by_half(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    wrong = [BinColumns("n"), BinColumns("n", "low_keV"), BinColumns("n", "low_keV", "high_keV", centre="low_keV")]
    for columns in wrong:
        with pytest.raises(OutOfRange, match="stated once"):
            read_histogram(tmp_path / "t.csv", columns)
    with pytest.raises(OutOfRange, match="errors are stated once"):
        read_histogram(tmp_path / "t.csv", BinColumns("n", "low_keV", "high_keV", error_low="n"))
    with pytest.raises(OutOfRange, match="evenly spaced"):
        read_histogram(tmp_path / "t.csv", BinColumns("n", centre="low_keV"))
    with pytest.raises(UnknownName, match="name the columns"):
        read_histogram(tmp_path / "t.csv")
    with pytest.raises(UnknownName, match="name the columns"):
        read_curve(tmp_path / "t.csv")
    assert read_curve(tmp_path / "t.csv", CurveColumns("low_keV", "n")).unit == "keV"


def test_paths_that_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.csv")
    paths = ["missing.csv", ".", "link.csv", "pipe.csv", "missing.root:h", "nul\0l.csv", "n" * 300 + ".csv"]
    for path in [*(f"{tmp_path}/{name}" for name in paths), "http://example.org/a.root:h", "/dev/zero"]:
        with pytest.raises(MissingInput):
            read_histogram(path, BINS)
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MissingInput, match="Permission denied"):
        read_histogram(tmp_path / "t.csv", BINS)


def test_files_that_are_not_what_their_names_say(tmp_path: Path, everything: Path) -> None:
    disguised = {"a.root": TABLE.encode(), "b.csv": everything.read_bytes(), "c.parquet": b"PAR", "d.root": b"root"}
    for name, content in disguised.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadFile):
            read_histogram(f"{tmp_path / name}:weighted" if name.endswith("root") else tmp_path / name, BINS)


def test_a_claim_of_ten_gigabytes_allocates_nothing(tmp_path: Path) -> None:
    """A text file of that size, and ROOT files whose histogram, tree or key claims it."""
    giant = tmp_path / "giant.csv"
    giant.write_text(TABLE, encoding="utf-8")
    os.truncate(giant, 10 * 2**30)  # sparse: no disk is used
    assert giant.stat().st_size > MOST_BYTES
    whole = root_file(tmp_path / "all.root").read_bytes()
    bins, entries = struct.pack(">idd", 7, 0.0, 3.5), struct.pack(">q", 321)
    assert whole.count(bins) == 1
    assert whole.count(entries) > 3
    claims = {
        "bins.root:folder/plain": whole.replace(bins, struct.pack(">idd", 1_300_000_000, 0.0, 3.5)),
        "entries.root:events": whole.replace(entries, struct.pack(">q", 1_300_000_000)),
    }
    key = whole.index(b"\x04TH1D\x08weighted") - 26  # fNbytes, version, fObjlen, date, key length, cycle, two pointers
    assert struct.unpack(">ihi", whole[key : key + 10])[1] == 4
    claims["key.root:weighted"] = whole[:key] + struct.pack(">ihi", 2**31 - 1, 4, 2**31 - 1) + whole[key + 10 :]
    for name, content in claims.items():
        (tmp_path / name.partition(":")[0]).write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(BadFile, match="too large"):
            read_histogram(giant, BINS)
        with pytest.raises(BadFile, match="another number of bins"):
            read_histogram(f"{tmp_path}/bins.root:folder/plain")
        with pytest.raises(BadFile, match="claims more entries"):
            read_events(f"{tmp_path}/entries.root:events", ["e"])
        assert read_histogram(f"{tmp_path}/key.root:weighted", flow="drop").values.sum() == 4.5, (
            "the directory is right"
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20


def test_truncated_root_files(tmp_path: Path, everything: Path) -> None:
    """At every length: what is asked for, or one named error."""
    whole = everything.read_bytes()
    path = tmp_path / "cut.root"
    ends = {"read": 0, "refused": 0}
    for length in [*range(4, 600, 7), *range(600, len(whole), 997)]:
        path.write_bytes(whole[:length])
        try:
            assert read_histogram(f"{path}:weighted", flow="drop").values.tolist() == [3.0, 0.0, 0.5, 1.0]
            ends["read"] += 1
        except InputError:
            ends["refused"] += 1
    assert ends["refused"] > 80


def test_damaged_files_end_in_a_result_or_a_named_error(tmp_path: Path, everything: Path) -> None:
    """Bytes changed at random, seeded; anything but an error of ours fails the test by itself."""
    rng = np.random.default_rng(20)
    root, text = everything.read_bytes(), TABLE.encode() * 3
    readers: list[Callable[[Path], object]] = [
        lambda p: read_histogram(f"{p}:weighted", flow="drop"),
        lambda p: read_matrix(f"{p}:both", flow="drop"),
        lambda p: read_curve(f"{p}:graph"),
        lambda p: read_events(f"{p}:events", ["e", "n"]),
        lambda p: read_events(f"{p}:ntuple", ["n"]),
    ]
    ends, trials = {True: 0, False: 0}, 400
    for trial in range(trials):
        is_text = trial % 4 == 0
        content = bytearray(text if is_text else root)
        for _ in range(int(rng.integers(1, 8))):
            place = rng.integers(600 if rng.random() < 0.5 else len(content)) % len(content)
            content[place] = rng.choice([0, 1, 127, 128, 255, 44, 10, int(rng.integers(256))])
        path = tmp_path / ("t.csv" if is_text else "t.root")
        path.write_bytes(bytes(content))
        try:
            if is_text:
                found = read_histogram(path, BINS)
                assert np.all(np.isfinite(found.values))
            else:
                readers[int(rng.integers(len(readers)))](path)
            ends[True] += 1
        except InputError as error:
            ends[False] += path.name in str(error)
    assert sum(ends.values()) == trials, "every error names the file"
    assert min(ends.values()) > 40, "both happen"


def test_refusals_of_writing(tmp_path: Path) -> None:
    good = {"h": (np.ones(2), np.arange(3.0))}
    with pytest.raises(WriteFailed):
        write_histograms(tmp_path / "no" / "folder.root", good)
    for bad in ({}, {"a;1": good["h"]}, {"/a": good["h"]}, {"a//b": good["h"]}, {"h": 42}):
        with pytest.raises(InputError):
            write_histograms(tmp_path / "out.root", bad)
    assert list(tmp_path.iterdir()) == [], "nothing half written"


# -- regression --


def test_the_hash_of_a_source_is_that_of_its_file(everything: Path) -> None:
    source = Source.of(f"{everything}:folder/plain")
    assert source.sha256 == hashlib.sha256(everything.read_bytes()).hexdigest()
    assert (source.key, source.kind, source) == ("folder/plain", "root", Source.of(Path(f"{everything}:folder/plain")))


def test_contents_lists_what_there_is(everything: Path, tmp_path: Path) -> None:
    assert contents(everything) == {
        "weighted": "TH1D",
        "folder/plain": "TH1D",
        "both": "TH2D",
        "profile": "TProfile",
        "graph": "TGraph",
        "events": "TTree",
        "ntuple": "ROOT::RNTuple",
    }
    assert contents(f"{everything}:events") == dict.fromkeys(["e", "n", "good", "pair"], "column")
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    assert list(contents(tmp_path / "t.csv")) == ["low_keV", "high_keV", "n"]
