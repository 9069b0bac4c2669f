"""The extended unbinned likelihood, -2 ln L = 2 nu - 2 sum_i ln f(x_i), as a binned one without width.

Around every event stands a bin of width w that holds it alone and expects w f(x_i); the rest of the window expects
nu - w sum_i f(x_i) and holds nothing. Summed over these bins the Poisson statistic is

    2 nu - 2 sum_i ln f(x_i) - 2 n (1 + ln w),

exactly, whatever w is: so one code serves both, and the likelihood is that of the events to the last digit. Only
differences mean something: there is no saturated model, and no toys are thrown in such bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from eventfit.errors import InputError, OutOfRange
from eventfit.likelihood.binned import Likelihood
from eventfit.likelihood.component import Component, Data
from eventfit.parameters import Parameter
from eventfit.quadrature import Array

__all__ = ["UnbinnedLikelihood", "only_observed"]

#: largest share of a component that the bins around the events hold together; the rest has to stay positive
SHARE = 0.5


class UnbinnedLikelihood(Likelihood):
    """The likelihood of single events; see the module for how."""

    unbinned = True

    @classmethod
    def of_events(
        cls,
        parameters: Sequence[Parameter],
        components: Sequence[Component],
        density: Mapping[str, Array],
        *,
        input_hashes: Mapping[str, str] | None = None,
    ) -> Likelihood:
        """The likelihood of the events at which ``density`` was taken.

        Parameters
        ----------
        components
            With binned counts over the whole window; their sum is what a component expects.
        density
            Name of every component -> expected counts per unit of the axis at each event, (n_event,), without negative.

        Raises
        ------
        OutOfRange
            A density is negative or not finite.
        """
        for name, values in density.items():
            if not (np.all(np.isfinite(values)) and np.all(values >= 0)):
                raise OutOfRange("a density is negative or not finite at an event", where=name, given=values.min())
        total = {c.name: float(c.counts.sum()) for c in components}
        width = SHARE * min(total[name] / sum_ for name in total if (sum_ := float(density[name].sum())) > 0)
        narrow = [
            replace(c, counts=np.append(total[c.name] - width * density[c.name].sum(), width * density[c.name]))
            for c in components
        ]
        n = len(next(iter(density.values())))
        return cls.build(parameters, narrow, np.append(0.0, np.ones(n)), input_hashes=input_hashes)

    def asimov(self, theta: Array) -> Data:
        raise only_observed("an expected result")

    def toys(self, theta: Array, n: int, rng: np.random.Generator) -> Data:
        raise only_observed("toys")


def only_observed(what: str) -> InputError:
    """The refusal of ``what`` single events cannot give."""
    return InputError(
        "an unbinned likelihood knows the observed events only",
        given=what,
        fix="use bins no wider than a tenth of the resolution: the likelihood is the same, and toys can be thrown",
    )
