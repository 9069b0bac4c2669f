"""The report of an analysis or a workspace: what was found, and the page that shows it."""

from eventfit.report.html.findings import Findings, find
from eventfit.report.html.page import page

__all__ = ["Findings", "find", "page"]
