"""Testing one value of the parameter of interest: p-values with and without signal, and CLs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from eventfit.errors import OutOfRange
from eventfit.inference.asymptotic import p_value, p_value_background, warnings_of
from eventfit.inference.card import profile_card
from eventfit.inference.fitting.profile import Profile, fit_together
from eventfit.inference.fitting.starts import displaced
from eventfit.inference.results import Hypotest
from eventfit.inference.statistic import COWAN, STATISTICS, StatisticName
from eventfit.likelihood import Likelihood
from eventfit.quadrature import Array

__all__ = ["BANDS", "READ", "CLsCurve", "hypotest"]

READ = "read2002"
#: standard deviations of the expected bands
BANDS = (-2.0, -1.0, 0.0, 1.0, 2.0)
#: rounding of fits: below this -2 ln lambda on the Asimov data the data cannot tell the value from zero
INSENSITIVE = 1e-9


@dataclass(frozen=True, eq=False)
class CLsCurve:
    """Asymptotic p-values as functions of the tested value, from the observed and the Asimov profile.

    ``asimov`` is the profile of the data set that equals the expectation for mu = 0, nuisances as fitted to the data.
    """

    observed: Profile
    asimov: Profile
    statistic: StatisticName

    @classmethod
    def of(cls, observed: Profile, statistic: StatisticName) -> CLsCurve:
        """The curve for a profile; :class:`OutOfRange` for a statistic that is not one of an upper limit."""
        if statistic not in ("qmu", "qmu_tilde"):
            raise OutOfRange(
                "CLs is defined for the statistics of upper limits", given=statistic, allowed="qmu, qmu_tilde"
            )
        return cls(observed, asimov_profile(observed), statistic)

    def values(self, mu: Array) -> tuple[Array, Array]:
        """The statistic on the observed data and -2 ln lambda on the Asimov data, at ``mu`` (n,)."""
        fit_together((self.observed, self.asimov), mu)
        delta, asimov = self.observed.deltas(mu), self.asimov.deltas(mu)
        return np.where(self.observed.estimate <= mu, delta, 0.0), asimov

    def p_values(self, mu: Array) -> tuple[Array, Array]:
        """p of signal plus background, p of background alone (CL_b), both (n,)."""
        value, asimov = self.values(mu)
        return p_value(self.statistic, value, asimov), p_value_background(self.statistic, value, asimov)

    def cls(self, mu: Array) -> Array:
        """CL_s = p_sb / p_b (n,): Read, J. Phys. G 28 (2002) 2693."""
        with_signal, without = self.p_values(mu)
        far = np.where(self.asimov.deltas(mu) < INSENSITIVE, 1.0, 0.0)  # where both underflow
        return np.divide(with_signal, without, out=far, where=without > 0.0)

    def expected_cls(self, mu: Array, sigmas: float) -> Array:
        """CL_s (n,) if the data of mu = 0 fluctuate by ``sigmas`` in the direction of a signal."""
        root = np.sqrt(self.asimov.deltas(mu))
        return np.asarray(ndtr(sigmas - root) / ndtr(sigmas))


def asimov_profile(observed: Profile, at: float = 0.0) -> Profile:
    """The profile of the Asimov data at ``at``, nuisances fitted to the observed data there; its best fit is known.

    A coupling that enters squared has no curvature at zero; its fit comes from beside.
    """
    theta = observed.point(at)
    likelihood: Likelihood = observed.likelihood.with_data(observed.likelihood.asimov(theta))
    squared = likelihood.mirrored[observed.index]
    start = displaced(likelihood, theta, np.ones(len(theta), dtype=bool)) if squared else theta
    return Profile(likelihood, observed.parameter, starts=[start])


def hypotest(profile: Profile, mu: float, *, statistic: StatisticName = "qmu_tilde") -> Hypotest:
    """Asymptotic p-values and CLs of ``mu``, with the CLs expected without signal.

    Read, J. Phys. G 28 (2002) 2693; distributions of arXiv:1007.1727 as in :mod:`eventfit.inference.asymptotic`.
    """
    curve = CLsCurve.of(profile, statistic)
    tested = profile.tested(mu)
    value = float(STATISTICS[statistic](tested))
    point = np.array([mu])
    with_signal, without = (float(p[0]) for p in curve.p_values(point))
    doubts = warnings_of(
        profile.likelihood, profile.parameter, profile.best.values, profile.parameter in profile.best.at_bound
    )
    card = profile_card(profile, method="CLs", statistic=statistic, reference=COWAN, sided="one", doubts=doubts)
    cls = float(curve.cls(point)[0])
    expected = {n: float(curve.expected_cls(point, n)[0]) for n in BANDS}
    return Hypotest(profile.parameter, mu, value, with_signal, without, cls, expected, profile.best.status, card)
