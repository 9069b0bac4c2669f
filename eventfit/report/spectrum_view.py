"""What the figures of a spectrum show: bins with their label, data, and what a fit expects of every component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from eventfit.analysis import Model
from eventfit.analysis.problem import Problem
from eventfit.cross_section.nucleus import ON_NUCLEI
from eventfit.errors import StatisticsError, ZeroPrediction
from eventfit.inference import FitResult, Profile
from eventfit.likelihood import Likelihood, poisson_deviance
from eventfit.parameters import Reported
from eventfit.quadrature import Array, Index
from eventfit.report.method_axis import QuotedAxis, mathtext

__all__ = [
    "POINTS",
    "BinAxis",
    "SpectrumView",
    "axis_label",
    "bin_axis",
    "expected_parts",
    "poisson_errors",
    "signal_names",
    "without_signal",
]

#: most points of data that stand apart in a figure as wide as a page
POINTS = 160
#: more bins, or contents that differ more, are wide
FEW_BINS, SPREAD = 120, 1e3
#: an estimate below this share of the limit is shown as none, with the signal at the limit
NEGLIGIBLE = 1e-4


#: reconstructed quantities that have a longer name on paper
QUANTITIES = {"energy": "reconstructed energy", "n_hits": "number of hits"}


def axis_label(model: Model) -> str:
    """Name and unit of the axis of a model's bins."""
    axis = model.declaration.response.axis
    name = QUANTITIES.get(axis.name, axis.name)
    return f"{name} [{axis.unit}]" if axis.unit else name


@dataclass(frozen=True, eq=False)
class BinAxis:
    """Bins on paper: ``edges`` (n_bin + 1,), a label, and which of them belong to which channel (none: one axis)."""

    edges: Array
    label: str
    channels: Mapping[str, slice]

    @property
    def centres(self) -> Array:
        """Middle of every bin, (n_bin,)."""
        return np.asarray(0.5 * (self.edges[:-1] + self.edges[1:]))

    @property
    def per(self) -> str:
        """What a count is per: ``1 keV``, or ``bin`` where they differ or have no unit."""
        width, unit = np.diff(self.edges), self.label.rpartition("[")[2].rstrip("]")
        uniform = np.ptp(width) < 1e-9 * width[0]
        return f"{width[0]:.4g} {unit}" if uniform and unit != self.label else "bin"

    def groups(self, most: int) -> Index:
        """First bins of at most about ``most`` groups of neighbours of one channel, (n_group,)."""
        size = -(-(len(self.edges) - 1) // most)
        stretches = self.channels.values() or [slice(0, len(self.edges) - 1)]
        return np.concatenate([np.arange(s.start, s.stop, size, dtype=np.intp) for s in stretches])


def bin_axis(problem: Problem) -> BinAxis:
    """The axis of an analysis, or the bins of a workspace side by side, channel by channel."""
    if problem.model is not None:
        return BinAxis(problem.model.observed.edges, axis_label(problem.model), {})
    channels = {channel.name: channel.bins for channel in problem.channels}
    return BinAxis(np.arange(len(problem.bins) + 1, dtype=np.float64), "bin", channels)


@dataclass(frozen=True, eq=False)
class SpectrumView:
    """Data and fits in bins, all arrays (n_bin,).

    Attributes
    ----------
    errors
        Given standard deviations, 0 where counts were taken.
    best, null
        Expectation of the best fit, and of that without signal if there is one.
    components, signal_names
        Expectation of the best fit by component, and which of them scale with the parameter of interest.
    signal
        Their sum, or if it is zero that at a limit; None without either.
    best_label, signal_label, data_label
        For the legend, in TeX where the quantity has a symbol.
    """

    axis: BinAxis
    observed: Array
    errors: Array
    best: Array
    null: Array | None
    components: Mapping[str, Array]
    signal_names: frozenset[str]
    signal: Array | None
    best_label: str
    signal_label: str
    data_label: str = "data"

    @classmethod
    def of(
        cls,
        profile: Profile,
        reported: Reported,
        axis: BinAxis,
        *,
        model: Model | None = None,
        samples: Mapping[str, tuple[str, ...]] | None = None,
        limit: float = float("nan"),
    ) -> SpectrumView:
        """The view of a profile's best fit.

        Parameters
        ----------
        samples
            Sums of components that have a name of their own.
        limit
            Fit value whose signal is shown if the best fit has none.
        """
        likelihood, null = profile.likelihood, without_signal(profile)
        parts = expected_parts(likelihood, profile.best.values, model, samples)
        names = signal_names(likelihood, profile.parameter, samples)
        quoted = QuotedAxis.reaching(reported, profile.estimate)
        symbol = f"best fit, {mathtext(reported.name)} = "
        signal, said = _sum(parts, names), "best fit"
        if np.isfinite(limit) and abs(profile.estimate) < NEGLIGIBLE * abs(limit):
            parts |= {name: np.zeros_like(parts[name]) for name in names & parts.keys()}
            at = expected_parts(likelihood, profile.at(limit).values, model, samples)
            signal, said = _sum(at, names), f"at {QuotedAxis.reaching(reported, limit).quote(limit)}"
        observed = likelihood.data.counts if model is None else model.observed.values()
        given = likelihood.errors if likelihood.errors.size else np.zeros(likelihood.n_bin)
        errors = given if model is None else model.spectrum_errors
        return cls(
            axis=axis,
            observed=observed,
            errors=errors,
            best=_sum(parts, parts),
            null=None if null is None else _sum(expected_parts(likelihood, null.values, model, samples), parts),
            components=parts,
            signal_names=names,
            signal=signal if signal.any() else None,
            best_label=symbol + quoted.quote(profile.estimate),
            signal_label=f"{_process(model, profile.parameter, names)}, {said}",
            data_label="expected without signal" if model is not None and model.kind == "expected" else "data",
        )

    @property
    def wide(self) -> bool:
        """Whether a linear scale shows nothing of it: many bins, or contents that differ by orders of magnitude.

        Not so of residuals, which a logarithmic scale cannot show.
        """
        positive = self.best[self.best > 0]
        if np.any(self.observed < 0):
            return False
        return len(self.best) > FEW_BINS or bool(len(positive) and positive.max() > SPREAD * positive.min())

    def residuals(self, expected: Array, groups: Index) -> Array:
        """Signed root of the deviance, or the pull, of the sums over ``groups`` of bins, (n_group,)."""
        n, expected, errors = (np.add.reduceat(a, groups) for a in (self.observed, expected, self.errors**2))
        deviance = poisson_deviance(n, np.maximum(expected, 0.0))[0]
        counted = np.sign(n - expected) * np.sqrt(np.maximum(deviance, 0.0))
        return np.where(errors > 0, (n - expected) / np.sqrt(np.where(errors > 0, errors, 1.0)), counted)

    def spread(self, groups: Index) -> tuple[Array, Array]:
        """Lengths of the error bars of the sums over ``groups`` below and above, (n_group,) each."""
        n, variance = np.add.reduceat(self.observed, groups), np.add.reduceat(self.errors**2, groups)
        below, above = poisson_errors(np.maximum(n, 0.0))
        return np.where(variance > 0, np.sqrt(variance), below), np.where(variance > 0, np.sqrt(variance), above)


def poisson_errors(n: Array) -> tuple[Array, Array]:
    """Lengths of the central 68.27 % Garwood interval below and above each count, shape (n,) each."""
    tail = 0.5 * (1.0 - 0.6826894921370859)
    low = np.where(n > 0, gammaincinv(np.maximum(n, 1e-12), tail), 0.0)
    return n - low, gammaincinv(n + 1.0, 1.0 - tail) - n


def without_signal(profile: Profile) -> FitResult | None:
    """The fit with the parameter held at zero; None where zero is out of bounds or leaves events unexplained."""
    if not profile.bounds[0] <= 0.0 <= profile.bounds[1]:
        return None
    try:
        return profile.at(0.0)
    except (StatisticsError, ZeroPrediction):
        return None


def signal_names(
    likelihood: Likelihood, poi: str, samples: Mapping[str, tuple[str, ...]] | None = None
) -> frozenset[str]:
    """Components, or samples, that scale with ``poi``."""
    scaling = {c.whole for c in likelihood.components if any(f.parameter == poi for f in c.factors)}
    return frozenset(name for name, parts in _grouped(likelihood, samples).items() if scaling & set(parts))


def expected_parts(
    likelihood: Likelihood,
    theta: Array,
    model: Model | None = None,
    samples: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Array]:
    """Expected counts (n_bin,) of every component, or of every sample if ``samples`` name their parts.

    Of a ``model`` the bins of its spectrum, and the components that have a part in them: not those of measurements and
    OFF data beside it. A fit of single events expects totals: its templates spread them over the bins.
    """
    parts = likelihood.expected_by_component(theta)
    if likelihood.unbinned and model is not None:
        shapes = {t.name: t.spectrum.values() for t in model.templates} | {
            b.name: b.values() for b in model.backgrounds
        }
        parts = {name: shapes[name] * (part.sum() / (shapes[name].sum() or 1.0)) for name, part in parts.items()}
    elif model is not None:
        here = {c.whole for c in likelihood.components if model.spectrum_of(c.counts).any()}
        parts = {name: model.spectrum_of(part) for name, part in parts.items() if name in here}
    nothing = np.zeros(len(next(iter(parts.values()))))
    return {
        name: np.asarray(sum((parts[part] for part in group if part in parts), nothing))
        for name, group in _grouped(likelihood, samples).items()
        if samples or name in parts
    }


def _grouped(likelihood: Likelihood, samples: Mapping[str, tuple[str, ...]] | None) -> Mapping[str, tuple[str, ...]]:
    return samples or {c.whole: (c.whole,) for c in likelihood.components}


def _sum(parts: Mapping[str, Array], names: Mapping[str, Array] | frozenset[str]) -> Array:
    nothing = np.zeros(len(next(iter(parts.values()))))
    return np.asarray(sum((part for name, part in parts.items() if name in names), nothing))


def _process(model: Model | None, poi: str, names: frozenset[str]) -> str:
    """What to call the signal."""
    if model is not None:
        processes = dict.fromkeys(t.process for t in model.templates if poi in t.powers)
        if len(processes) > 1:  # one mechanism on electrons and on nuclei is called by its name
            processes = dict.fromkeys(process.removesuffix(ON_NUCLEI) for process in processes)
        if processes:
            return " + ".join(processes).replace("_", " ")
    return mathtext(next(iter(names))) if len(names) == 1 else "signal"
