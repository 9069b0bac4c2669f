"""Results: every number with its status and the method that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from eventfit.likelihood import Likelihood
from eventfit.notebook import Shown, html_table, written
from eventfit.quadrature import Array

__all__ = [
    "Calibration",
    "Contour",
    "Coverage",
    "FitResult",
    "GoodnessOfFit",
    "Hypotest",
    "Impact",
    "Interval",
    "Limit",
    "MethodCard",
    "PValue",
    "Scan",
    "Significance",
    "Status",
]

Calibration = Literal["asymptotic", "toys", "exact", "none"]


class Status(Enum):
    """How a calculation ended; the value is the sentence to show, with the remedy where there is one."""

    OK = "converged to a certified minimum"
    AT_BOUND = "converged with parameters at a bound: their errors are one-sided and not quoted"
    NOT_CONVERGED = "no start converged: move the starts, narrow the bounds, or look for parameters the data do not fix"
    NOT_POSITIVE = "the Hessian is not positive definite at the minimum: fix or constrain the parameters it leaves free"
    ZERO_EXPECTATION = "the estimate stands where a bin's expectation reaches zero, the edge of the model: no errors"
    OPEN_RANGE = "the interval does not end inside the bounds of the parameter: widen the bounds"

    @property
    def good(self) -> bool:
        """Whether a number may be quoted."""
        return self in (Status.OK, Status.AT_BOUND, Status.ZERO_EXPECTATION)


@dataclass(frozen=True)
class MethodCard(Shown):
    """What a limit, interval or significance means; it is printed with the number.

    Attributes
    ----------
    method, statistic, reference
        Name of the method, the test statistic, and the publication that defines it.
    sided
        ``"one"``, ``"two"``, or None where the word has no meaning.
    fitted_in
        The parameter that was varied, e.g. ``mu2`` for a result quoted as mu.
    boundary
        Bounds of the parameter of interest.
    constraints
        Auxiliary measurements in the likelihood.
    note
        Anything that belongs beside the number.
    doubts
        Reasons why an asymptotic calibration should be checked with toys.
    """

    method: str
    statistic: str
    reference: str
    sided: Literal["one", "two"] | None = None
    cl: float | None = None
    cut: float | None = None
    fitted_in: str = ""
    boundary: str = ""
    calibration: Calibration = "asymptotic"
    toys: int | None = None
    seed: int | None = None
    ensemble: str | None = None
    constraints: tuple[str, ...] = ()
    note: str = ""
    doubts: tuple[str, ...] = ()
    model_sha256: str = ""


@dataclass(frozen=True, eq=False)
class FitResult(Shown):
    """A fit and its certificate.

    Attributes
    ----------
    values, errors
        (n_par,); errors from the analytic Hessian, NaN for fixed parameters and those at a bound.
    covariance
        (n_par, n_par), zero for fixed parameters and those at a bound.
    minus_2_ln_l
        -2 ln L relative to the saturated model.
    edm
        Estimated distance to the minimum, half the Newton decrement on the free parameters.
    starts
        -2 ln L reached from every start before the best was polished, the best first; values that differ by more than
        1e-3 mean more than one minimum.
    ends
        The points reached from the starts, (n_start, n_par), in the same order.
    minimiser
        ``"newton"``, or ``"migrad"`` where iminuit was asked.
    """

    names: tuple[str, ...]
    values: Array
    errors: Array
    covariance: Array
    minus_2_ln_l: float
    status: Status
    edm: float
    fixed: tuple[str, ...]
    at_bound: tuple[str, ...]
    starts: tuple[float, ...]
    ends: Array
    minimiser: str
    likelihood: Likelihood = field(repr=False)

    def __getitem__(self, name: str) -> float:
        return float(self.values[self.names.index(name)])

    def _repr_html_(self) -> str:
        """The parameters with their errors, those without one by the reason."""
        why = dict.fromkeys(self.fixed, "held") | dict.fromkeys(self.at_bound, "at its bound")
        rows = [
            (parameter.name, written(float(value)), why.get(parameter.name, written(float(error))), parameter.unit)
            for parameter, value, error in zip(self.likelihood.parameters, self.values, self.errors, strict=True)
        ]
        caption = f"FitResult: -2 ln L = {written(self.minus_2_ln_l)}, {self.status.value}"
        return html_table(caption, rows, ("parameter", "value", "error", "unit"))


@dataclass(frozen=True)
class GoodnessOfFit(Shown):
    """-2 ln L relative to the saturated model, its degrees of freedom and asymptotic p-value."""

    minus_2_ln_l: float
    degrees_of_freedom: int
    p_value: float
    status: Status
    card: MethodCard


@dataclass(frozen=True)
class Significance(Shown):
    """Evidence against the background-only hypothesis: q0, its p-value, and Z, with errors by toys (None: no toys)."""

    q0: float
    p_value: float
    z: float
    error: float | None
    status: Status
    card: MethodCard
    p_error: float | None = None


@dataclass(frozen=True)
class Interval(Shown):
    """Two-sided interval of the fit parameter as a list of pieces; disconnected ones are all there.

    ``errors`` are the statistical errors of their ends, if toys calibrated them.
    """

    parameter: str
    pieces: tuple[tuple[float, float], ...]
    estimate: float
    status: Status
    card: MethodCard
    errors: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Limit(Shown):
    """Upper limit on the fit parameter.

    Attributes
    ----------
    expected
        (standard deviations, limit) of the bands expected without signal; empty where they were not asked for.
    error
        Statistical error of a calibration by toys, else None.
    """

    parameter: str
    value: float
    expected: tuple[tuple[float, float], ...]
    status: Status
    card: MethodCard
    error: float | None = None


@dataclass(frozen=True)
class PValue(Shown):
    """The p-value of a tested value, and its error by toys (None: no toys)."""

    parameter: str
    tested: float
    value: float
    p_value: float
    error: float | None
    status: Status
    card: MethodCard


@dataclass(frozen=True)
class Hypotest(Shown):
    """A tested value: the statistic, its p-value with signal and without (CL_b), CL_s, and the CL_s expected."""

    parameter: str
    tested: float
    value: float
    p_value: float
    p_value_background: float
    cls: float
    expected: Mapping[float, float]
    status: Status
    card: MethodCard
    error: float | None = None


@dataclass(frozen=True, eq=False)
class Scan(Shown):
    """-2 Delta ln L (n,) at fixed values (n,) of the fit parameter, the others re-optimised (profile) or not (raw)."""

    parameter: str
    values: Array
    delta: Array
    best: FitResult
    status: Status
    kind: Literal["profile", "raw"]


@dataclass(frozen=True, eq=False)
class Contour(Shown):
    """-2 Delta ln L (n_y, n_x) on a grid of two parameters, all others re-optimised, and the heights of its contours.

    ``levels`` are pairs (cl, height) with the chi-square quantiles of two degrees of freedom.
    """

    parameters: tuple[str, str]
    x: Array
    y: Array
    delta: Array
    levels: tuple[tuple[float, float], ...]
    best: FitResult
    status: Status
    card: MethodCard


@dataclass(frozen=True)
class Coverage(Shown):
    """How often a method's interval contains the true value, with its binomial error."""

    parameter: str
    true: float
    coverage: float
    error: float
    failed: int
    card: MethodCard


@dataclass(frozen=True)
class Impact(Shown):
    """How far the upper limit moves if one thing moves by a standard deviation down or up.

    ``kind``: ``"bin"`` and ``"auxiliary"`` move a measurement by its error, ``"nuisance"`` holds a parameter one
    standard deviation from its best fit.
    """

    name: str
    kind: Literal["bin", "auxiliary", "nuisance"]
    down: float
    up: float
