"""Data without the source: what they say about the background of those with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import betainc

from eventfit.analysis.binning import observed_spectrum
from eventfit.analysis.declaration import Declaration, OffDeclared
from eventfit.errors import MissingInput, located
from eventfit.likelihood import BinScale, Component, Power
from eventfit.parameters import Parameter
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum
from eventfit.tables import Tables

__all__ = ["Off", "build_off"]


@dataclass(frozen=True, eq=False)
class Off:
    """The background as the OFF data know it, beside the ON bins.

    Attributes
    ----------
    components
        With counts over the ON bins and, behind them, the OFF bins that are fitted as such.
    counts
        (n_off,): the counts of these OFF bins; none where each bin has a factor of its own.
    scales
        Factors per bin, over the ON bins, eliminated in closed form.
    """

    components: tuple[Component, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    counts: Array = field(default_factory=lambda: np.zeros(0))
    scales: tuple[BinScale, ...] = ()


def build_off(declared: Declaration, tables: Tables, backgrounds: Mapping[str, Spectrum], prefix: str) -> Off:
    """A pair of counts per bin, or a smooth background common to ON and OFF.

    Raises
    ------
    MissingInput
        Neither OFF counts nor backgrounds that could stand for them.
    """
    off = declared.off
    if off is None:
        return Off()
    counts, edges = _off_counts(declared, off, tables, backgrounds), declared.response.edges
    tau, ones = off.time_ratio, np.ones(len(edges) - 1)
    if off.background == "per_bin":
        scale = BinScale(f"{prefix}.off", ("off_background",), "poisson", tau * ones, counts)
        return Off((Component("off_background", ones),), scales=(scale,))
    assert off.degree is not None
    shapes = _bernstein(edges, off.degree)
    start = float(counts.sum()) / (tau * (off.degree + 1))
    names = [f"{prefix}.off_{k}" for k in range(off.degree + 1)]
    return Off(
        components=tuple(
            Component(f"off_background_{k}", np.concatenate([shape, tau * shape]), (Power(names[k]),))
            for k, shape in enumerate(shapes)
        ),
        parameters=tuple(
            Parameter(name, "counts", max(start, 1e-3), 0.0, meaning="coefficient of the smooth background")
            for name in names
        ),
        counts=counts,
    )


def _off_counts(declared: Declaration, off: OffDeclared, tables: Tables, backgrounds: Mapping[str, Spectrum]) -> Array:
    if off.observed is not None:
        with located("off"):
            return observed_spectrum(tables, off.observed, declared.response).values()
    if declared.data.asimov is None or not backgrounds:
        raise MissingInput(
            "the OFF counts are missing",
            where="off.observed",
            fix="name their table; only expected results (data.asimov) take the declared backgrounds instead",
        )
    return np.asarray(off.time_ratio * np.sum([spectrum.values() for spectrum in backgrounds.values()], axis=0))


def _bernstein(edges: Array, degree: int) -> Array:
    """Shares of the bins in each Bernstein polynomial of ``degree``, (degree + 1, n_bin); rows sum to 1."""
    x = (edges - edges[0]) / (edges[-1] - edges[0])
    return np.array([np.diff(betainc(k + 1, degree - k + 1, x)) for k in range(degree + 1)])
