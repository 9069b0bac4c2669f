"""Other programs' files: measured numbers and pyhf workspaces come in, likelihoods and results go out."""

from eventfit.io.columns import BinColumns, CurveColumns, MatrixColumns
from eventfit.io.counts import counts_of_rate, observed_counts
from eventfit.io.covariance import read_covariance
from eventfit.io.export import (
    Channel,
    Exported,
    ExportReport,
    export_hs3,
    export_pyhf,
    write_histograms,
    write_table,
)
from eventfit.io.measured import Curve, Events, Histogram, Matrix
from eventfit.io.pyhf import Workspace, read_workspace
from eventfit.io.reading import (
    contents,
    read_columns,
    read_curve,
    read_events,
    read_histogram,
    read_histograms,
    read_matrix,
)
from eventfit.io.recoil_table import RecoilTable, read_recoils

__all__ = [
    "BinColumns",
    "Channel",
    "Curve",
    "CurveColumns",
    "Events",
    "ExportReport",
    "Exported",
    "Histogram",
    "Matrix",
    "MatrixColumns",
    "RecoilTable",
    "Workspace",
    "contents",
    "counts_of_rate",
    "export_hs3",
    "export_pyhf",
    "observed_counts",
    "read_columns",
    "read_covariance",
    "read_curve",
    "read_events",
    "read_histogram",
    "read_histograms",
    "read_matrix",
    "read_recoils",
    "read_workspace",
    "write_histograms",
    "write_table",
]
