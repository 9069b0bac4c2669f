"""The binned likelihood with auxiliary measurements: value, gradient and Hessian, analytic.

Expected counts are ``sum_k c_k(theta) N_k``: fixed templates N_k times coefficients c_k, each a product of factors of
one parameter; in some bins a part of them carries a gamma of that bin, which is always at its best. A bin holds counts
(Poisson) or, where ``errors`` are given, a measured number (Gaussian): a rate from elsewhere, a residual.
``-2 ln L`` is relative to the saturated model, so its minimum is a goodness of fit. Parameters and data may carry
leading toy axes: ``theta`` is (..., n_par), counts are (..., n_bin), and all results keep the leading axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from eventfit.errors import OutOfRange, UnknownName
from eventfit.likelihood.auxiliary import Auxiliary
from eventfit.likelihood.bin_scale import BinScale
from eventfit.likelihood.checks import check_bins, check_data
from eventfit.likelihood.coefficients import Coefficients
from eventfit.likelihood.component import Component, Data
from eventfit.likelihood.identity import sha256_of
from eventfit.likelihood.main import Main
from eventfit.likelihood.streams import LinearStreams, Streams, stream_templates, streams_of
from eventfit.parameters import Parameter
from eventfit.quadrature import Array, Index, Mask

__all__ = ["Likelihood"]


#: what depends on the model and not on its data or bounds
COMPILED = ("_templates", "_main", "_product", "_streams", "_auxiliary", "_possible")
#: what was computed and depends on the data, or on the bounds
STALE = {"data": ("_observed", "size", "model_hash"), "parameters": ("start", "bounds", "model_hash")}


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The likelihood of ``components`` and constraints given ``data``.

    Raises
    ------
    UnknownName
        A factor names a parameter that nobody declared.
    OutOfRange
        Shapes differ, counts are negative or NaN, a template is not finite. (Templates may be negative: interference.)
    ZeroPrediction
        Events were observed in a bin where no component expects any.
    """

    parameters: tuple[Parameter, ...]
    components: tuple[Component, ...]
    data: Data
    scales: tuple[BinScale, ...] = ()
    input_hashes: Mapping[str, str] = field(default_factory=dict)
    #: (n_bin,): standard deviations of bins that hold a measured number, 0 for counts; empty: counts everywhere
    errors: Array = field(default_factory=lambda: np.zeros(0))
    #: whether the bins are those around single events, see :mod:`eventfit.likelihood.unbinned`
    unbinned = False

    @classmethod
    def build(
        cls,
        parameters: Sequence[Parameter],
        components: Sequence[Component],
        observed: Array,
        *,
        scales: Sequence[BinScale] = (),
        input_hashes: Mapping[str, str] | None = None,
        errors: Array | None = None,
    ) -> Likelihood:
        """A likelihood whose auxiliary measurements are those stated by the constraints and the factors per bin."""
        stated = [p.constraint.observed for p in parameters if p.constraint is not None]
        per_bin = [scale.observed[scale.strength > 0] for scale in scales]
        data = Data(np.asarray(observed, dtype=float), np.concatenate([stated, *per_bin]).astype(float))
        given = np.zeros(0) if errors is None else np.asarray(errors, dtype=float)
        return cls(tuple(parameters), tuple(components), data, tuple(scales), dict(input_hashes or {}), given)

    def __post_init__(self) -> None:
        for what, names in (("parameter", self.names), ("component", tuple(c.name for c in self.components))):
            if len(set(names)) != len(names):
                raise UnknownName(f"a {what} is declared twice", given=", ".join(names))
        check_bins(self.components, self.n_bin)
        for component in self.components:
            if not np.all(np.isfinite(component.counts)):
                raise OutOfRange("a template is not finite", where=component.name)
            for factor in component.factors:
                self.index(factor.parameter)
        for scale in self.scales:
            for name in set(scale.components) - {c.name for c in self.components}:
                raise UnknownName("a factor per bin names no component", where=scale.name, given=name)
        check_data(self.data, self.counted, self._possible)

    # -- names and starts -------------------------------------------------------------------------------------------

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameter names in the order of ``theta``."""
        return tuple(p.name for p in self.parameters)

    @property
    def whole_components(self) -> tuple[str, ...]:
        """Names of the components, the parts of each under its own."""
        return tuple(dict.fromkeys(component.whole for component in self.components))

    def index(self, name: str) -> int:
        """Position of the parameter ``name``."""
        if name not in self.names:
            raise UnknownName("there is no such parameter", given=name, allowed=", ".join(self.names) or "none")
        return self.names.index(name)

    @cached_property
    def start(self) -> Array:
        """Declared start values, shape (n_par,)."""
        return np.array([p.start for p in self.parameters], dtype=float)

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds, each (n_par,)."""
        lower, upper = ([getattr(p, side) for p in self.parameters] for side in ("lower", "upper"))
        return np.array(lower, dtype=float), np.array(upper, dtype=float)

    @property
    def n_bin(self) -> int:
        """Number of bins of the main measurement."""
        return int(self.data.counts.shape[-1])

    @property
    def counted(self) -> Mask:
        """(n_bin,): bins that hold counts, not measured numbers with an error."""
        return self._main.statistic.counted

    @cached_property
    def size(self) -> Array:
        """How large the terms of -2 ln L are, shape (...), which sets their rounding: counts, and squared pulls."""
        statistic, data = self._main.statistic, self.data.counts
        pulls = (data[..., statistic.measured] / statistic.error) ** 2
        return np.asarray(data[..., self.counted].sum(axis=-1) + pulls.sum(axis=-1))

    @cached_property
    def convex(self) -> bool:
        """Whether -2 ln L is known to be convex, so that a minimum is the minimum: counts linear in the parameters."""
        return isinstance(self._streams, LinearStreams) and not self.scales

    @property
    def kinks(self) -> Mask:
        """(n_par,): parameters at whose zero the slope jumps; ``+0.0`` and ``-0.0`` are the two sides."""
        return self._product.kinks

    @property
    def mirrored(self) -> Mask:
        """(n_par,): parameters that enter squared, so that two values may describe the data equally."""
        return self._product.mirrored

    # -- expectation ------------------------------------------------------------------------------------------------

    def expected(self, theta: Array) -> Array:
        """Expected counts (..., n_bin), factors per bin at their best for the data."""
        streams = self._streams.streams(theta)
        return self._main.expected(streams, self._gamma(streams))

    def spread(self, theta: Array) -> Array:
        """Standard deviation of every bin (..., n_bin): the root of its expectation, or its given error."""
        return self._main.statistic.spread(self.expected(theta))

    def gross_expected(self, theta: Array) -> Array:
        """Expected counts (..., n_bin) if no component cancelled another: the sum of their sizes."""
        streams = np.abs(self._product.value(theta)) @ np.abs(self._templates)
        return self._main.expected(streams, self._gamma(self._streams.streams(theta)))

    def expected_by_component(self, theta: Array) -> dict[str, Array]:
        """Expected counts (..., n_bin) of every component, its parts added up."""
        coefficients, gamma = self._product.value(theta), self._gamma(self._streams.streams(theta))
        parts: dict[str, list[int]] = {}
        for k, component in enumerate(self.components):
            parts.setdefault(component.whole, []).append(k)
        return {
            name: self._main.expected(coefficients[..., rows] @ self._templates[rows], gamma)
            for name, rows in parts.items()
        }

    def bin_scales(self, theta: Array) -> dict[str, Array]:
        """The factors per bin at their best for the data, name -> (..., n_bin), 1 where a bin is not scaled."""
        gamma = self._gamma(self._streams.streams(theta))
        found, done = {}, 0
        for scale in self.scales:
            where = np.flatnonzero(scale.strength > 0)
            found[scale.name] = np.ones((*gamma.shape[:-1], self.n_bin))
            found[scale.name][..., where] = gamma[..., done : done + len(where)]
            done += len(where)
        return found

    def _gamma(self, streams: Array) -> Array:
        return self._main.gamma(streams, self.data.counts, self._observed[1])

    # -- value and derivatives ----------------------------------------------------------------------------------------

    def value(self, theta: Array) -> Array:
        """-2 ln L relative to the saturated model, constraints included, shape (...)."""
        stated, per_bin = self._observed
        value = self._main.terms(self._streams.streams(theta), self.data.counts, per_bin)[0]
        return np.asarray(value + self._auxiliary.terms(theta, stated)[0])

    def value_and_gradient(self, theta: Array) -> tuple[Array, Array]:
        """Value (...) and gradient (..., n_par)."""
        stated, per_bin = self._observed
        streams, state = self._streams.first(theta)
        value, slope, _ = self._main.terms(streams, self.data.counts, per_bin)
        aux_value, aux_gradient, _ = self._auxiliary.terms(theta, stated)
        return np.asarray(value + aux_value), self._streams.gradient(state, slope) + aux_gradient

    def gradient(self, theta: Array) -> Array:
        """Gradient of :meth:`value`, (..., n_par)."""
        return self.value_and_gradient(theta)[1]

    def derivatives(self, theta: Array) -> tuple[Array, Array, Array]:
        """Value (...), gradient (..., n_par) and Hessian (..., n_par, n_par) of -2 ln L."""
        stated, per_bin = self._observed
        streams, state = self._streams.first(theta)
        value, slope, curvature = self._main.terms(streams, self.data.counts, per_bin)
        aux_value, aux_gradient, aux_diagonal = self._auxiliary.terms(theta, stated)
        hessian = self._streams.outer(state, curvature) + self._streams.second(state, slope)
        index = np.arange(len(self.parameters))
        hessian[..., index, index] += aux_diagonal
        return np.asarray(value + aux_value), self._streams.gradient(state, slope) + aux_gradient, hessian

    def hessian(self, theta: Array) -> Array:
        """Second derivatives of :meth:`value`, (..., n_par, n_par)."""
        return self.derivatives(theta)[2]

    def fisher(self, theta: Array) -> Array:
        """Expected Hessian of :meth:`value` (twice the Fisher information), positive semi-definite."""
        stated, per_bin = self._observed
        streams, state = self._streams.first(theta)
        information = self._streams.outer(state, self._main.information(streams, self.data.counts, per_bin))
        index = np.arange(len(self.parameters))
        information[..., index, index] += self._auxiliary.terms(theta, stated)[2]
        return information

    # -- pseudo-data --------------------------------------------------------------------------------------------------

    def with_data(self, data: Data) -> Likelihood:
        """The same model with other data: what was compiled and checked for the model is shared, data are checked."""
        other = self._changed(data=data)
        check_bins(other.components, other.n_bin)
        check_data(other.data, other.counted, other._possible)
        return other

    def rows(self, rows: Index | slice | int) -> Likelihood:
        """The same model with some of its data sets; one with a single data set is itself, whatever the rows."""
        counts, auxiliary = self.data.counts, self.data.auxiliary
        if counts.ndim == auxiliary.ndim == 1:
            return self
        data = Data(counts if counts.ndim == 1 else counts[rows], auxiliary if auxiliary.ndim == 1 else auxiliary[rows])
        return self._changed(data=data)

    def bounded(self, name: str, lower: float, upper: float) -> Likelihood:
        """The same likelihood with ``name`` kept between ``lower`` and ``upper``, its start moved inside."""
        index = self.index(name)
        moved = replace(self.parameters[index], lower=lower, upper=upper, start=0.0 if lower <= 0.0 <= upper else lower)
        if lower <= self.start[index] <= upper:
            moved = replace(moved, start=float(self.start[index]))
        return self._changed(parameters=(*self.parameters[:index], moved, *self.parameters[index + 1 :]))

    def _changed(self, **changed: object) -> Likelihood:
        """A copy with other data, or other bounds; it shares what was compiled and does not depend on what changed."""
        for name in COMPILED:
            getattr(self, name)
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        for name in STALE[next(iter(changed))]:
            other.__dict__.pop(name, None)
        other.__dict__.update(changed)
        return other

    def asimov(self, theta: Array) -> Data:
        """The data set that equals its own expectation, auxiliary measurements included."""
        streams = self._streams.streams(theta)
        gamma = self._gamma(streams)
        per_bin = self._main.expected_auxiliary(gamma)
        return Data(
            self._main.expected(streams, gamma), np.concatenate([self._auxiliary.expected(theta), per_bin], axis=-1)
        )

    def toys(self, theta: Array, n: int, rng: np.random.Generator) -> Data:
        """``n`` data sets thrown at ``theta`` (n_par,): main and every auxiliary measurement (unconditional).

        Factors per bin stand at their best for this likelihood's data.
        """
        streams = self._streams.streams(theta)
        gamma = self._gamma(streams)
        counts = self._main.statistic.throw(self._main.expected(streams, gamma), n, rng)
        per_bin = self._main.throw(gamma, n, rng)
        return Data(counts, np.concatenate([self._auxiliary.throw(theta, n, rng), per_bin], axis=-1))

    @cached_property
    def model_hash(self) -> str:
        """sha256 over templates, factors, parameters, data and the hashes of the inputs."""
        declared = [(c.name, c.factors) for c in self.components]
        per_bin = [(s.name, s.components, s.constraint) for s in self.scales]
        strengths = [*(scale.strength for scale in self.scales), self.errors]
        return sha256_of(
            (self.parameters, declared, per_bin, sorted(self.input_hashes.items())),
            (self._templates, *strengths, self.data.counts, self.data.auxiliary),
        )

    # -- compiled once ------------------------------------------------------------------------------------------------

    @cached_property
    def _templates(self) -> Array:
        """Templates in streams, (n_component, n_stream)."""
        counts = np.array([c.counts for c in self.components]).reshape(len(self.components), self.n_bin)
        scaled = np.zeros_like(counts)
        for scale in self.scales:
            for k, component in enumerate(self.components):
                if component.name in scale.components:
                    scaled[k, scale.strength > 0] = counts[k, scale.strength > 0]
        return stream_templates(self._main, counts, scaled)

    @cached_property
    def _main(self) -> Main:
        return Main.compile(self.n_bin, self.scales, self.errors)

    @cached_property
    def _product(self) -> Coefficients:
        return Coefficients.compile(self.names, [c.factors for c in self.components])

    @cached_property
    def _streams(self) -> Streams:
        return streams_of(self.names, [c.factors for c in self.components], self._templates, self._main)

    @cached_property
    def _auxiliary(self) -> Auxiliary:
        return Auxiliary.compile(self.parameters)

    @cached_property
    def _possible(self) -> Mask:  # bins where some component expects something
        return np.asarray(np.any([c.counts != 0 for c in self.components], axis=0))

    @cached_property
    def _observed(self) -> tuple[Array, Array]:
        """Auxiliary measurements of the constraints, and of the factors per bin."""
        first = self.data.auxiliary.shape[-1] - len(self._main.where)
        return self.data.auxiliary[..., :first], self.data.auxiliary[..., first:]
