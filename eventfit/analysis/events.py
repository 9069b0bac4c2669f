"""Fits of single events: their energies, and the densities of signal and background there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eventfit.analysis.binning import integrals, within
from eventfit.analysis.declaration import Background, DataDeclared
from eventfit.analysis.detector import Exposure
from eventfit.analysis.inputs import Inputs
from eventfit.analysis.own import own_background, own_events
from eventfit.errors import OutOfRange, located
from eventfit.quadrature import Array
from eventfit.response import KeV
from eventfit.spectrum import Spectrum

__all__ = ["background_densities", "read_events"]

#: by how much a background may differ as a curve and in bins, relative to its counts
TOLERANCE = 5e-3


def read_events(declared: DataDeclared, tables: Inputs, observed: Spectrum) -> Array | None:
    """The energies of the events (n_event,) in keV, None if none are declared.

    Raises
    ------
    OutOfRange
        An event outside the window, or events that are not those of the counts.
    """
    if declared.events is None:
        return None
    with located("data.events"):
        edges = observed.edges
        if isinstance(declared.events, str):
            table = tables.read(declared.events)
        else:
            table = own_events(tables, declared.events, KeV, edges)
        energy = within(table, edges)
        wrong = np.flatnonzero(np.histogram(energy, edges)[0] != observed.values())
        if len(wrong):
            low, high = edges[wrong[0]], edges[wrong[0] + 1]
            raise OutOfRange(
                "the events are not those of the counts",
                where=table.name,
                given=f"{np.sum((energy >= low) & (energy < high))} events in {low:g} to {high:g} keV",
                allowed=f"{observed.values()[wrong[0]]:g} in the declared counts",
            )
        return energy


def background_densities(
    declared: Sequence[Background],
    tables: Inputs,
    binned: Mapping[str, Spectrum],
    events: Array,
    exposure: Exposure,
) -> dict[str, Array]:
    """Counts per keV of every background at the ``events``: piecewise linear tables over the whole window.

    Raises
    ------
    OutOfRange
        A table ends inside the window, or its integral is not the sum of the counts in bins.
    """
    found = {}
    for background in declared:
        assert background.density is not None
        with located(f"background[{background.name}].density"):
            spectrum = binned[background.name]
            if isinstance(background.density, str):
                table = tables.read(background.density)
            else:
                table = own_background(tables, background.density, KeV, spectrum.edges, exposure.internal)
            integral = float(integrals(table, spectrum.edges[[0, -1]])[0])
            total = float(spectrum.values().sum())
            if not abs(integral - total) <= TOLERANCE * total:
                raise OutOfRange(
                    "a background differs as a curve and in bins",
                    where=table.name,
                    given=f"{integral:.5g} events in the window",
                    allowed=f"{total:.5g}, the sum over the bins, to {100 * TOLERANCE:g} %",
                )
            found[background.name] = np.interp(events, table["energy_keV"], table["expected_per_keV"])
    return found
