"""Fits of single events: their energies, and the densities of signal and background there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eventfit.analysis.binning import integrals, within
from eventfit.analysis.declaration import Declaration
from eventfit.errors import OutOfRange, located
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum
from eventfit.tables import Tables

__all__ = ["background_densities", "read_events"]

#: by how much a background may differ as a curve and in bins, relative to its counts
TOLERANCE = 5e-3


def read_events(whole: Declaration, tables: Tables, observed: Spectrum) -> Array | None:
    """The values of the events (n_event,) on the reconstructed axis, None if none are declared.

    Raises
    ------
    OutOfRange
        An event outside the window, or events that are not those of the counts.
    """
    declared, response = whole.data, whole.response
    if declared.events is None:
        return None
    with located("data.events"):
        edges = response.edges
        values = within(tables.read(declared.events), response)
        wrong = np.flatnonzero(np.histogram(values, edges)[0] != observed.values())
        if len(wrong):
            low, high = edges[wrong[0]], edges[wrong[0] + 1]
            raise OutOfRange(
                "the events are not those of the counts",
                where=declared.events,
                given=f"{np.sum((values >= low) & (values < high))} events in {response.axis.range(low, high)}",
                allowed=f"{observed.values()[wrong[0]]:g} in {declared.observed}",
            )
        return values


def background_densities(
    whole: Declaration, tables: Tables, binned: Mapping[str, Spectrum], events: Array
) -> dict[str, Array]:
    """Counts per unit of the axis of every background at the ``events``: piecewise linear tables over the window.

    Raises
    ------
    OutOfRange
        A table ends inside the window, or its integral is not the sum of the counts in bins.
    """
    found, axis = {}, whole.response.axis
    for background in whole.background:
        assert background.density is not None
        with located(f"background[{background.name}].density"):
            table, spectrum = tables.read(background.density), binned[background.name]
            integral = float(integrals(table, spectrum.edges[[0, -1]], axis)[0])
            total = float(spectrum.values().sum())
            if not abs(integral - total) <= TOLERANCE * total:
                raise OutOfRange(
                    "a background differs as a curve and in bins",
                    where=table.name,
                    given=f"{integral:.5g} events in the window",
                    allowed=f"{total:.5g}, the sum of {background.table}, to {100 * TOLERANCE:g} %",
                )
            found[background.name] = np.interp(events, table[axis.points], table[axis.density])
    return found
