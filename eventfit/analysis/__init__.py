"""Analyses: the one place where physics and statistics meet."""

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.installed import shipped_analyses
from eventfit.analysis.model import Analysis, Model

__all__ = ["Analysis", "Declaration", "Model", "shipped_analyses"]
