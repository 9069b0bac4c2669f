"""The command line: one verb per job. Heavy imports stay inside the verb that needs them."""

from eventfit.cli import (
    catalogue,
    contour,
    export,
    interval,
    limit,
    rate,
    recast,
    report,
    reproduce,
    scan,
    significance,
    toys,
)
from eventfit.cli.app import app

__all__ = [
    "app",
    "catalogue",
    "contour",
    "export",
    "interval",
    "limit",
    "rate",
    "recast",
    "report",
    "reproduce",
    "scan",
    "significance",
    "toys",
]
