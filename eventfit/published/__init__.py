"""Published results beside ours: every declared quantity for every declared variant."""

from eventfit.published.compare import check_published
from eventfit.published.limits import PublishedLimit, published_limits
from eventfit.published.reproduction import Reproduction, Run, reproduce, versions
from eventfit.published.row import Row, nearest, ratios

__all__ = [
    "PublishedLimit",
    "Reproduction",
    "Row",
    "Run",
    "check_published",
    "nearest",
    "published_limits",
    "ratios",
    "reproduce",
    "versions",
]
