"""The binned Poisson likelihood with auxiliary measurements: value, gradient and Hessian, analytic.

Expected counts are ``sum_k c_k(theta) N_k``: fixed templates N_k times coefficients c_k, each a product of factors of
one parameter. ``-2 ln L`` is relative to the saturated model, so its minimum is a goodness of fit. Parameters and data
may carry leading toy axes: ``theta`` is (..., n_par), counts are (..., n_bin), and all results keep the leading axes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from eventfit.errors import OutOfRange, UnknownName, ZeroPrediction
from eventfit.likelihood.auxiliary import Auxiliary
from eventfit.likelihood.factor import Coefficients, Factor
from eventfit.likelihood.poisson import FLOOR, poisson_deviance
from eventfit.parameters import Parameter
from eventfit.quadrature import Array

__all__ = ["Component", "Data", "Likelihood"]


@dataclass(frozen=True, eq=False)
class Component:
    """One template ``counts`` (n_bin,) with the factors of its coefficient; ``name`` for people and plots."""

    name: str
    counts: Array
    factors: tuple[Factor, ...] = ()


@dataclass(frozen=True, eq=False)
class Data:
    """One data set or many: ``counts`` (..., n_bin) and the auxiliary measurements ``auxiliary`` (..., n_constraint).

    Auxiliary measurements stand in the order of the constrained parameters.
    """

    counts: Array
    auxiliary: Array


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
    input_hashes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        parameters: Sequence[Parameter],
        components: Sequence[Component],
        observed: Array,
        input_hashes: Mapping[str, str] | None = None,
    ) -> Likelihood:
        """A likelihood whose auxiliary measurements are those stated by the constraints."""
        auxiliary = np.array([p.constraint.observed for p in parameters if p.constraint is not None])
        data = Data(np.asarray(observed, dtype=float), auxiliary)
        return cls(tuple(parameters), tuple(components), data, dict(input_hashes or {}))

    def __post_init__(self) -> None:
        names = [p.name for p in self.parameters]
        if len(set(names)) != len(names):
            raise UnknownName("a parameter is declared twice", given=", ".join(names))
        self._check_bins()
        for component in self.components:
            if not np.all(np.isfinite(component.counts)):
                raise OutOfRange("a template is not finite", where=component.name)
            for factor in component.factors:
                self.index(factor.parameter)
        self._check_data()

    def _check_bins(self) -> None:
        for component in self.components:
            if component.counts.shape != self.data.counts.shape[-1:]:
                raise OutOfRange(
                    "a template and the data have different numbers of bins",
                    where=component.name,
                    given=component.counts.shape,
                    allowed=str(self.data.counts.shape[-1:]),
                )

    def _check_data(self) -> None:
        if not (np.all(np.isfinite(self.data.counts)) and np.all(self.data.counts >= 0)):
            raise OutOfRange("observed counts are negative or NaN", where="data", given=self.data.counts)
        possible = np.any(self._templates != 0, axis=0)
        empty = np.flatnonzero(~possible & np.any(np.atleast_2d(self.data.counts) > 0, axis=0))
        if len(empty):
            raise ZeroPrediction(
                "events were observed in a bin where no component expects any",
                where=f"data, bin {int(empty[0]) + 1} of {len(possible)}",
                given=f"{np.atleast_2d(self.data.counts)[0, empty[0]]:g} observed, 0 expected",
                fix="add the missing background, or leave the bin out of the window",
            )

    # -- names and starts -------------------------------------------------------------------------------------------

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameter names in the order of ``theta``."""
        return tuple(p.name for p in self.parameters)

    def index(self, name: str) -> int:
        """Position of the parameter ``name``."""
        for position, parameter in enumerate(self.parameters):
            if parameter.name == name:
                return position
        raise UnknownName(
            "there is no such parameter", given=name, allowed=", ".join(p.name for p in self.parameters) or "none"
        )

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

    # -- expectation ------------------------------------------------------------------------------------------------

    def expected(self, theta: Array) -> Array:
        """Expected counts (..., n_bin)."""
        return np.asarray(self._product.value(theta) @ self._templates)

    def expected_by_component(self, theta: Array) -> dict[str, Array]:
        """Expected counts (..., n_bin) of every component."""
        coefficients = self._product.value(theta)
        return {c.name: coefficients[..., [k]] * c.counts for k, c in enumerate(self.components)}

    # -- value and derivatives ----------------------------------------------------------------------------------------

    def value(self, theta: Array) -> Array:
        """-2 ln L relative to the saturated model, constraints included, shape (...)."""
        total = poisson_deviance(self.data.counts, self.expected(theta))[0].sum(axis=-1)
        return np.asarray(total + self._auxiliary.terms(theta, self.data.auxiliary)[0])

    def value_and_gradient(self, theta: Array) -> tuple[Array, Array]:
        """Value (...) and gradient (..., n_par)."""
        return self._first(theta)[:2]

    def gradient(self, theta: Array) -> Array:
        """Gradient of :meth:`value`, (..., n_par)."""
        return self.value_and_gradient(theta)[1]

    def derivatives(self, theta: Array) -> tuple[Array, Array, Array]:
        """Value (...), gradient (..., n_par) and Hessian (..., n_par, n_par) of -2 ln L."""
        value, gradient, (curve, jacobian, diagonal, pull) = self._first(theta)
        return value, gradient, self._outer(curve, jacobian, diagonal) + self._product.second(theta, pull)

    def _first(self, theta: Array) -> tuple[Array, Array, tuple[Array, Array, Array, Array]]:
        """Value, gradient, and what the Hessian needs besides: curvatures, Jacobian, auxiliary diagonal, pulls."""
        coefficients, jacobian = self._product.first(theta)
        value, slope, curve = poisson_deviance(self.data.counts, coefficients @ self._templates)
        pull = slope @ self._templates.T
        aux_value, aux_gradient, aux_diagonal = self._auxiliary.terms(theta, self.data.auxiliary)
        gradient = (pull[..., None, :] @ jacobian)[..., 0, :] + aux_gradient
        parts = (curve, jacobian, aux_diagonal, pull)
        return np.asarray(value.sum(axis=-1) + aux_value), np.asarray(gradient), parts

    def hessian(self, theta: Array) -> Array:
        """Second derivatives of :meth:`value`, (..., n_par, n_par)."""
        return self.derivatives(theta)[2]

    def fisher(self, theta: Array) -> Array:
        """Expected Hessian of :meth:`value` (twice the Fisher information), positive semi-definite."""
        coefficients, jacobian = self._product.first(theta)
        lam = np.maximum(coefficients @ self._templates, FLOOR)
        return self._outer(2.0 / lam, jacobian, self._auxiliary.terms(theta, self.data.auxiliary)[2])

    def _outer(self, curve: Array, jacobian: Array, diagonal: Array) -> Array:
        slopes = np.swapaxes(jacobian, -1, -2) @ self._templates
        result = (slopes * curve[..., None, :]) @ np.swapaxes(slopes, -1, -2)
        index = np.arange(len(self.parameters))
        result[..., index, index] += diagonal
        return np.asarray(result)

    # -- pseudo-data --------------------------------------------------------------------------------------------------

    def with_data(self, data: Data) -> Likelihood:
        """The same model with other data: what was compiled and checked for the model is shared, data are checked."""
        compiled = ("names", "start", "bounds", "_templates", "_product", "_auxiliary")
        shared = {name: getattr(self, name) for name in compiled}
        other = object.__new__(type(self))
        fields = {"parameters": self.parameters, "components": self.components, "input_hashes": self.input_hashes}
        other.__dict__.update(fields, data=data, **shared)
        other._check_bins()
        other._check_data()
        return other

    def asimov(self, theta: Array) -> Data:
        """The data set that equals its own expectation, auxiliary measurements included."""
        return Data(self.expected(theta), self._auxiliary.expected(theta))

    def toys(self, theta: Array, n: int, rng: np.random.Generator) -> Data:
        """``n`` data sets thrown at ``theta`` (n_par,): main and every auxiliary measurement (unconditional)."""
        counts = rng.poisson(np.maximum(self.expected(theta), 0.0), size=(n, self.n_bin)).astype(float)
        return Data(counts, self._auxiliary.throw(theta, n, rng))

    @cached_property
    def model_hash(self) -> str:
        """sha256 over templates, factors, parameters, data and the hashes of the inputs."""
        digest = hashlib.sha256()
        declared = [(c.name, c.factors) for c in self.components]
        for part in (self.parameters, declared, sorted(self.input_hashes.items())):
            digest.update(repr(part).encode())
        for array in (self._templates, self.data.counts, self.data.auxiliary):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @cached_property
    def _templates(self) -> Array:
        return np.array([c.counts for c in self.components])

    @cached_property
    def _product(self) -> Coefficients:
        return Coefficients.compile(self.names, [c.factors for c in self.components])

    @cached_property
    def _auxiliary(self) -> Auxiliary:
        return Auxiliary.compile(self.parameters)
