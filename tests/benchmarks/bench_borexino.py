"""The Borexino fit, its profile and its limit against the same likelihood by hand, in the same run.

OMP_NUM_THREADS=1 python tests/benchmarks/bench_borexino.py

851 bins and the gallium rate, 12 parameters, bilinear in mu2 and the fluxes. By hand: numpy and iminuit without
gradient, each fit of the profile starting where the last one ended, the limit by brentq. Every fit of ours begins at
two places and is certified. The last line is about physics: all solar templates after a change of the oscillation
parameters.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from iminuit import Minuit
from scipy.optimize import brentq
from timing import cpu_time

from eventfit.analysis import Analysis, Model
from eventfit.cross_section import CorrectedElectron, FreeElectrons, MagneticMoment
from eventfit.flux import Oscillated
from eventfit.folding import CachedFold
from eventfit.inference import Profile, upper_limit_qmu_tilde
from eventfit.inference.toys.workers import one_blas_thread
from eventfit.response import Hits, PolynomialResolution, Response
from eventfit.tables import Tables, shipped
from eventfit.target import Target

POINTS, CUT = 50, 1.6423744  # of qmu_tilde at 90 %


class ByHand:
    """-2 ln L as a notebook writes it: templates as arrays, fluxes and mu2 by name, iminuit."""

    def __init__(self, model: Model) -> None:
        likelihood = model.likelihood
        parts = {c.name: c.counts for c in likelihood.components}
        self.names, self.start, self.limits = likelihood.names, likelihood.start, likelihood.bounds
        self.n, self.gallium, self.error = (
            likelihood.data.counts[:-1],
            likelihood.data.counts[-1],
            likelihood.errors[-1],
        )
        self.log_n = np.sum(np.where(self.n > 0, self.n * np.log(np.maximum(self.n, 1)), 0.0))
        place = {name.rpartition(".")[2]: i for i, name in enumerate(self.names)}
        fluxes = {"pp": ["pp"], "be7": ["be7"], "pep": ["pep"], "cno": ["n13", "o15", "f17"], None: ["b8", "hep"]}

        def total(kind: str, names: list[str]) -> np.ndarray:
            return np.sum([parts[f"{name}.{kind}"] for name in names], axis=0)

        self.scaled = [i for name, i in place.items() if name in fluxes]
        kinds = ("standard_model", "magnetic_moment", "gallium")
        groups = [fluxes[self.names[i].rpartition(".")[2]] for i in self.scaled]
        self.weak, self.magnetic, self.captures = (np.array([total(kind, g) for g in groups]) for kind in kinds)
        self.rest = [total(kind, fluxes[None]) for kind in kinds]
        self.backgrounds = [i for name, i in place.items() if name in parts]
        self.shapes = np.array([parts[self.names[i].rpartition(".")[2]] for i in self.backgrounds])[:, :-1]
        constrained = [(i, p.constraint) for i, p in enumerate(likelihood.parameters) if p.constraint is not None]
        self.constrained = np.array([i for i, _ in constrained])
        self.widths = np.array([constraint.width for _, constraint in constrained])

    def __call__(self, theta: np.ndarray) -> float:
        flux, mu2 = theta[self.scaled], theta[0]
        spectrum = flux @ (self.weak + mu2 * self.magnetic) + self.rest[0] + mu2 * self.rest[1]
        lam = np.maximum(spectrum[:-1] + theta[self.backgrounds] @ self.shapes, 1e-12)
        value = 2.0 * (np.sum(lam - self.n - self.n * np.log(lam)) + self.log_n)
        rate = flux @ self.captures[:, -1] + self.rest[2][-1]
        pulls = (theta[self.constrained] - 1.0) / self.widths
        return float(value + ((rate - self.gallium) / self.error) ** 2 + pulls @ pulls)

    def fit(self, start: np.ndarray, mu2: float | None = None) -> Minuit:
        minuit = Minuit(self, start, name=self.names)
        minuit.errordef = Minuit.LEAST_SQUARES
        minuit.limits = list(zip(*self.limits, strict=True))
        minuit.errors = np.full(len(start), 0.1)
        if mu2 is not None:
            minuit.values[0], minuit.fixed[0] = mu2, True
        return minuit.migrad()

    def scan(self, values: np.ndarray) -> np.ndarray:
        best = self.fit(self.start)
        point, found = np.array(best.values), []
        for value in values:
            held = self.fit(point, value)
            point = np.array(held.values)
            found.append(held.fval - best.fval)
        return np.array(found)

    def limit(self) -> float:
        best = self.fit(self.start)
        point = np.array(best.values)
        return float(brentq(lambda mu2: self.fit(point, mu2).fval - best.fval - CUT, best.values[0], 40.0, rtol=1e-6))


def oscillation_times(model: Model) -> tuple[float, float]:
    """CPU time of all solar templates after a change of oscillation parameters, and of a cached fold without one."""
    declared = model.declaration
    resolution = declared.response.resolution
    noise, stochastic, linear = resolution.sigma
    width = PolynomialResolution(tuple(resolution.mean), noise, stochastic, linear, 1e3 * resolution.known_to_MeV)
    target = Target.load(Tables(shipped("data")), "pseudocumene")
    electrons = FreeElectrons(target)
    cached = CachedFold.build(
        model.fluxes,
        [CorrectedElectron(electrons, 0.23122, qed=True), MagneticMoment(electrons)],
        Response(("resolution",), width, axis=Hits),
        declared.response.edges,
        exposure=declared.exposure.internal,
        units_per_kg=target.units_per_kg,
    )
    known = np.array([t.spectrum.values() for t in model.templates])
    assert np.allclose(cached.counts(model.fluxes), known, rtol=2e-3, atol=1e-6 * known.sum())
    angles = iter(np.linspace(0.29, 0.32, 10_000))

    def changed() -> list[np.ndarray]:
        angle = float(next(angles))
        fluxes = [
            replace(f, parameters=replace(f.parameters, sin2_theta12=angle))
            for f in model.fluxes
            if isinstance(f, Oscillated)
        ]
        return cached.counts(fluxes)

    arriving = cached.arriving(model.fluxes)
    return cpu_time(changed, 20), cpu_time(lambda: cached.products(arriving), 20)


def main() -> None:
    """Print times, ratios with their goals, and how far results are apart."""
    model = Analysis.load("borexino_2017").model()
    by_hand = ByHand(model)
    likelihood, poi = model.likelihood, model.poi
    values = np.linspace(0.0, 20.0, POINTS)
    ours = {
        "fit": lambda: Profile(likelihood, poi),
        "profile": lambda: Profile(likelihood, poi).scan(values),
        "limit": lambda: upper_limit_qmu_tilde(Profile(likelihood, poi), cl=0.90).value,
    }
    theirs = {
        "fit": lambda: by_hand.fit(by_hand.start),
        "profile": lambda: by_hand.scan(values),
        "limit": by_hand.limit,
    }
    print(f"Borexino, {likelihood.n_bin} bins, {len(likelihood.names)} parameters, CPU time of ours and by hand:")
    for what, goal in (("fit", "goal >= 5x"), ("profile", "goal >= 10x"), ("limit", "no goal")):
        mine, slow = cpu_time(ours[what], 10), cpu_time(theirs[what], 3)
        print(f"  {what:10s} {1e3 * mine:8.1f} ms {1e3 * slow:10.1f} ms {slow / mine:8.1f}x   {goal}")
    height = by_hand.fit(by_hand.start).fval - ours["fit"]().best.minus_2_ln_l
    apart = float(np.abs(ours["profile"]().delta - by_hand.scan(values)).max())
    print(f"  by hand the minimum lies {height:.1e} higher, profiles differ by {apart:.1e},", end=" ")
    print(f"limits by {abs(ours['limit']() / by_hand.limit() - 1):.1e} (relative)")
    changed, products = oscillation_times(model)
    print(f"  all solar templates after a change of oscillation parameters: {1e3 * changed:.1f} ms,", end=" ")
    print(f"{changed / products:.1f} cached folds ({1e3 * products:.1f} ms each); goal < 100")


if __name__ == "__main__":
    with one_blas_thread():
        main()
