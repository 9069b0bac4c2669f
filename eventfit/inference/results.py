"""Results: every number with its status and the method that made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from eventfit.likelihood import Likelihood
from eventfit.quadrature import Array

__all__ = [
    "Calibration",
    "FitResult",
    "GoodnessOfFit",
    "Interval",
    "Limit",
    "MethodCard",
    "Scan",
    "Significance",
    "Status",
]

Calibration = Literal["asymptotic", "toys", "none"]


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
class MethodCard:
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
        Warnings and anything that belongs beside the number.
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
    model_sha256: str = ""


@dataclass(frozen=True, eq=False)
class FitResult:
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
    likelihood: Likelihood = field(repr=False)

    def __getitem__(self, name: str) -> float:
        return float(self.values[self.names.index(name)])


@dataclass(frozen=True)
class GoodnessOfFit:
    """-2 ln L relative to the saturated model, its degrees of freedom and asymptotic p-value."""

    minus_2_ln_l: float
    degrees_of_freedom: int
    p_value: float
    status: Status
    card: MethodCard


@dataclass(frozen=True)
class Significance:
    """Evidence against the background-only hypothesis: q0, its p-value, and Z with the toy error (None: exact)."""

    q0: float
    p_value: float
    z: float
    error: float | None
    status: Status
    card: MethodCard


@dataclass(frozen=True)
class Interval:
    """Two-sided interval of the fit parameter as a list of pieces; disconnected ones are all there."""

    parameter: str
    pieces: tuple[tuple[float, float], ...]
    estimate: float
    status: Status
    card: MethodCard


@dataclass(frozen=True)
class Limit:
    """Upper limit on the fit parameter."""

    parameter: str
    value: float
    status: Status
    card: MethodCard


@dataclass(frozen=True, eq=False)
class Scan:
    """-2 Delta ln L (n,) at fixed values (n,) of the fit parameter, all others re-optimised (a profile)."""

    parameter: str
    values: Array
    delta: Array
    best: FitResult
    status: Status
