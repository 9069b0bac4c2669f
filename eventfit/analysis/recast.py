"""Another signal through experiments that are declared: one of them, or all that come with eventfit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eventfit.analysis.model import Analysis, shipped_analyses
from eventfit.analysis.problem import Problem, problem_of
from eventfit.analysis.reading import DEFAULT
from eventfit.analysis.recoil_spectrum import recoil_spectrum
from eventfit.errors import EventfitError

__all__ = ["Recast", "recast", "recast_all"]


@dataclass(frozen=True, eq=False)
class Recast:
    """One experiment with another signal, or why it has none."""

    analysis: Analysis
    problem: Problem | None
    error: EventfitError | None


def recast(
    analysis: Analysis | str | Path,
    spectrum: object,
    *,
    variant: str = DEFAULT,
    flux: float | None = None,
    unit: str = "",
    end_keV: float = np.inf,
) -> Problem:
    """The problem of ``analysis`` with ``spectrum`` as its signal; its parameter of interest is ``strength``.

    Efficiency, resolution, exposure, backgrounds and nuisances are those of the declaration; the new recoil spectrum
    takes the place of everything that its couplings scale, and errors of the old signal are those of the new one.

    Parameters
    ----------
    spectrum, flux, unit, end_keV
        A file, arrays or a function: see :func:`eventfit.analysis.recoil_spectrum.recoil_spectrum`.

    Examples
    --------
    >>> import eventfit
    >>> flat = lambda T: 0.0 * T + 1e-3
    >>> problem = eventfit.recast("xenonnt_2022", flat, unit="per_keV_kg_day")
    >>> limit = eventfit.upper_limit_qmu_tilde(eventfit.Profile(problem.likelihood, problem.poi), cl=0.90)
    >>> 0.0 < limit.value < 0.1
    True
    """
    loaded = analysis if isinstance(analysis, Analysis) else Analysis.load(analysis)
    signal = recoil_spectrum(spectrum, flux=flux, unit=unit, end_keV=end_keV)
    return problem_of(loaded, variant, signal=signal)


def recast_all(
    spectrum: object,
    analyses: Sequence[Analysis | str | Path] = (),
    *,
    flux: float | None = None,
    unit: str = "",
    end_keV: float = np.inf,
    on_analysis: Callable[[str], None] | None = None,
) -> tuple[Recast, ...]:
    """``spectrum`` through the default of every analysis, by default all that come with eventfit.

    An experiment that cannot take it (the spectrum ends inside its window, its declaration states an error of the old
    coupling) has its error in place of a problem.
    """
    signal = recoil_spectrum(spectrum, flux=flux, unit=unit, end_keV=end_keV)
    found = []
    for name in analyses or shipped_analyses():
        loaded = name if isinstance(name, Analysis) else Analysis.load(name)
        if on_analysis is not None:
            on_analysis(loaded.id)
        try:
            found.append(Recast(loaded, problem_of(loaded, DEFAULT, signal=signal), None))
        except EventfitError as error:
            found.append(Recast(loaded, None, error))
    return tuple(found)
