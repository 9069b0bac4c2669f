"""What the bins of an analysis are called, and which of them belong together."""

from __future__ import annotations

from itertools import pairwise

from eventfit.analysis.model import Model
from eventfit.io import Channel

__all__ = ["bins_of"]


def bins_of(model: Model) -> tuple[tuple[str, ...], tuple[Channel, ...]]:
    """Labels and channels: the spectrum, OFF bins that are fitted beside it, measurements.

    Of single events the labels are those of the bins in which they were counted.
    """
    edges, axis = model.observed.edges, model.declaration.response.axis
    spans = [axis.span(low, high) for low, high in pairwise(edges)]
    beside = [measurement.name for measurement in model.declaration.measurement]
    n = len(spans)
    behind = n if model.likelihood.unbinned else model.likelihood.n_bin - len(beside)
    off = [f"OFF {span}" for span in spans[: behind - n]]
    channels = [Channel(model.analysis, slice(0, n), edges, axis.unit)]
    if off:
        channels.append(Channel(f"{model.analysis}.off", slice(n, behind), edges, axis.unit))
    channels += [Channel(label, slice(i, i + 1)) for i, label in enumerate(beside, behind)]
    return (*spans, *off, *beside), tuple(channels)
