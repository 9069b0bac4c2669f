"""Likelihoods and results for other programs: pyhf workspaces, HS3, ROOT histograms, tables."""

from eventfit.io.export.channel import Channel
from eventfit.io.export.hs3 import export_hs3
from eventfit.io.export.pyhf import export_pyhf
from eventfit.io.export.report import Exported, ExportReport
from eventfit.io.export.root import write_histograms
from eventfit.io.export.table import write_table

__all__ = ["Channel", "ExportReport", "Exported", "export_hs3", "export_pyhf", "write_histograms", "write_table"]
