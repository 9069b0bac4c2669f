"""The fold against the usual notebook way, nested scipy.integrate.quad, in the same run and for the same physics.

OMP_NUM_THREADS=1 python tests/benchmarks/bench_fold.py

Solar pp and 7Be neutrinos on xenon (stepping approximation), weak and magnetic, in the 29 bins of XENON1T. The
efficiency is taken at the true recoil energy, so that the notebook's formula is exact and only numerics differ.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from scipy.integrate import IntegrationWarning, quad
from scipy.special import ndtr
from timing import cpu_time

from eventfit.cross_section import MagneticMoment, StandardModelElectron, SteppingElectrons, maximum_recoil
from eventfit.flux import Measure, solar_flux
from eventfit.folding import ORDER_E, Arriving, Folding, fold
from eventfit.folding.fold import folded
from eventfit.response import Efficiency, Response, SqrtResolution
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import tonne, year

TABLES = Tables(shipped("data"))
XENON = Target.load(TABLES, "xenon")
EXPOSURE, EDGES = 0.65 * tonne * year, np.arange(1.0, 31.0)
FLUXES = solar_flux(TABLES, ["pp", "be7"], "b16_gs98")
PROCESSES = (StandardModelElectron(SteppingElectrons(XENON), 0.23857), MagneticMoment(SteppingElectrons(XENON)))
EFFICIENCY = TABLES.read("experiments/xenon1t_2020/efficiency")


def response(*order: str) -> Response:
    efficiency = Efficiency(EFFICIENCY["energy_keV"], EFFICIENCY["efficiency"])
    return Response(order, SqrtResolution(0.3171, 0.0015), efficiency)


# -- the notebook -----------------------------------------------------------------------------------------------------

M, ATOMS = 510.99895069, EXPOSURE * 6.02214076e23 / 0.131293
WEAK = 2 * (1.1663788e-17 * 1.973269804e-8) ** 2 * M / math.pi
MAGNETIC = math.pi * (1e-11 * 7.2973525643e-3 * 1.973269804e-8 / M) ** 2
G_L, G_R = 0.23857 + 0.5, 0.23857
PP, SHELLS = TABLES.read("flux/solar/spectrum_pp"), TABLES.read("target/xenon_shells")
PP_E, PP_DENSITY = np.append(0.0, PP["energy_keV"]), np.append(0.0, PP["density_per_keV"])
PP_DENSITY = 5.98e10 * PP_DENSITY / np.trapezoid(PP_DENSITY, PP_E)
LINES = ((384.3, 0.1044 * 4.93e9), (861.3, 0.8956 * 4.93e9))
EDGE_T, OPEN = SHELLS["binding_energy_keV"], np.append(0.0, np.cumsum(SHELLS["electrons"]))
EFF_E, EFF = EFFICIENCY["energy_keV"], EFFICIENCY["efficiency"]


def weak(T, E):
    return WEAK * (G_L**2 + (G_R * (1 - T / E)) ** 2 - G_L * G_R * M * T / E**2)


def magnetic(T, E):
    return MAGNETIC * (1 / T - 1 / E)


def rate(T, sigma, epsrel):
    """Recoils of one electron per keV and s: quad over the pp continuum, and the lines."""
    E_min = 0.5 * (T + math.sqrt(T * (T + 2 * M)))
    total = 0.0
    if E_min < PP_E[-1]:
        total = quad(
            lambda E: np.interp(E, PP_E, PP_DENSITY) * sigma(T, E), E_min, PP_E[-1], epsabs=0, epsrel=epsrel, limit=200
        )[0]
    return total + sum(intensity * sigma(T, E) for E, intensity in LINES if E_min < E)


def notebook(epsrel: float = 1e-4, points: int = 300) -> np.ndarray:
    """Counts (2, 29): d rate / dT on a fine grid, then quad over T for each bin."""
    grid = np.geomspace(0.05, 60.0, points)  # 1/T wants a logarithmic grid
    counts = []
    for sigma in (weak, magnetic):
        on_grid = np.array([rate(T, sigma, epsrel) for T in grid])

        def integrand(T, low, high, on_grid=on_grid):
            width = math.sqrt(2) * (0.3171 * math.sqrt(T) + 0.0015 * T)
            seen = 0.5 * (math.erf((high - T) / width) - math.erf((low - T) / width))
            electrons = OPEN[EDGE_T.searchsorted(T)]
            return np.interp(T, grid, on_grid) * electrons * np.interp(T, EFF_E, EFF) * seen

        for low, high in pairwise(EDGES):
            reach = 5 * 0.3171 * math.sqrt(high)
            span = max(0.05, low - reach), min(60.0, high + reach)
            counts.append(quad(integrand, *span, args=(low, high), epsabs=0, epsrel=epsrel, limit=200)[0])
    return ATOMS * np.reshape(counts, (2, -1))


def tight_reference() -> np.ndarray:
    """The same integrals in plain numpy: Gauss-Legendre between all kinks of flux, shells and efficiency."""
    x, w = np.polynomial.legendre.leggauss(6)
    cuts = np.unique(np.concatenate([EDGE_T, EFF_E[(EFF_E > 0) & (EFF_E < 100)], np.geomspace(EDGE_T[0], 100, 200)]))
    T = (cuts[:-1, None] + 0.5 * np.diff(cuts)[:, None] * (x + 1)).ravel()
    dT = (0.5 * np.diff(cuts)[:, None] * w).ravel()
    E_min = 0.5 * (T + np.sqrt(T * (T + 2 * M)))
    low, high = np.maximum(PP_E[:-1], E_min[:, None]), np.maximum(PP_E[1:], E_min[:, None])
    E = low[..., None] + 0.5 * (high - low)[..., None] * (x + 1)
    flux = 0.5 * (high - low)[..., None] * w * np.interp(E, PP_E, PP_DENSITY)
    bins = np.diff(ndtr((EDGES[:, None] - T) / (0.3171 * np.sqrt(T) + 0.0015 * T)), axis=0)
    seen = bins * OPEN[EDGE_T.searchsorted(T)] * np.interp(T, EFF_E, EFF) * dT
    rates = [np.sum(flux * sigma(T[:, None, None], E), axis=(1, 2)) for sigma in (weak, magnetic)]
    for total, sigma in zip(rates, (weak, magnetic), strict=True):
        total += sum(np.where(E_min < E, intensity * sigma(T, E), 0.0) for E, intensity in LINES)
    return ATOMS * np.array([seen @ total for total in rates])


# -- eventfit ---------------------------------------------------------------------------------------------------------


def from_nothing(detector: Response) -> np.ndarray:
    """Counts (2, 29) with all nodes and the response matrix built anew, without the doubling check."""
    counts = [counts for *_, counts, _ in folded(FLUXES, PROCESSES, detector, EDGES, 1)]
    return EXPOSURE * XENON.units_per_kg * np.reshape(counts, (2, 2, -1)).sum(axis=1)


def with_check(detector: Response) -> np.ndarray:
    """The same through the public ``fold``, which doubles all nodes to measure its error."""
    templates = fold(FLUXES, PROCESSES, detector, EDGES, exposure=EXPOSURE, units_per_kg=XENON.units_per_kg)
    return np.array([t.spectrum.values() for t in templates]).reshape(2, 2, -1).sum(axis=1)


class Cached:
    """Nodes, response matrix and optionally the cross sections on the nodes, built once."""

    def __init__(self, detector: Response) -> None:
        self.measures = [flux.measure("flavour", order=ORDER_E) for flux in FLUXES]
        self.folding = self.build(detector)
        self.struck = PROCESSES[0].struck(self.folding.T)
        self.sigma = [
            [
                self.folding.cross_sections(p, p.terms[0], group)["nu_e"]
                for m in self.measures
                for group in self.arriving(m)
            ]
            for p in PROCESSES
        ]

    def arriving(self, measures: Mapping[str, Measure]) -> list[Arriving]:
        """Neutrino nodes in front of electrons, kinematic edges cut anew."""
        return self.folding.arriving(measures, M)

    def build(self, detector: Response) -> Folding:
        """Recoil nodes and the response matrix on them."""
        ends = maximum_recoil(np.array([FLUXES[0].nodes_keV[-1], *FLUXES[1].nodes_keV]), M)
        breakpoints = np.concatenate([PROCESSES[0].breakpoints, ends])
        return Folding.build(detector, EDGES, limit=float(ends.max()), breakpoints=breakpoints)

    def counts(self) -> np.ndarray:
        """Cross sections evaluated again, kinematic edges cut again."""
        arriving = [self.arriving(m) for m in self.measures]
        counts = [sum(self.folding.counts(p, p.terms[0], a) for a in arriving) for p in PROCESSES]
        return EXPOSURE * XENON.units_per_kg * np.array(counts)

    def products(self) -> np.ndarray:
        """Only the products: what a change of the flux costs."""
        rates = [sum(s @ m["nu_e"].weight for s, m in zip(row, self.measures, strict=True)) for row in self.sigma]
        return EXPOSURE * XENON.units_per_kg * (self.struck * np.array(rates)) @ self.folding.detector.T


def main() -> None:
    """Print CPU times, their ratios and the largest relative errors of any bin."""
    warnings.simplefilter("ignore", IntegrationWarning)  # as a notebook does: the flux has kinks
    at_recoil, reconstructed = response("efficiency", "resolution"), response("resolution", "efficiency")
    cached = Cached(at_recoil)
    reference = tight_reference()
    slow = cpu_time(notebook, 3)

    def report(name: str, call: Callable[[], np.ndarray], repeat: int = 100, compare: bool = True) -> None:
        spent = slow if call is notebook else cpu_time(call, repeat)
        error = f"{np.max(np.abs(call() / reference - 1)):8.1e}" if compare else "   other"
        print(f"  {name:58s} {1e3 * spent:9.3f} ms {slow / spent:8.0f}x  {error}")

    print("pp + 7Be on xenon, weak + magnetic, 29 bins         CPU time    quad / ours    largest error of a bin")
    report("notebook: nested quad, epsrel 1e-4", notebook)
    report("(a) fold from nothing, no check            goal >= 50x", lambda: from_nothing(at_recoil))
    report("    fold with the doubling check", lambda: with_check(at_recoil))
    report("(b) nodes and response cached              goal >= 150x", cached.counts)
    report("    cross sections cached too: products only", cached.products)
    print("efficiency in reconstructed energy (integrated inside each bin), against the same notebook time:")
    report("(a) fold from nothing, no check", lambda: from_nothing(reconstructed), compare=False)
    report("    fold with the doubling check", lambda: with_check(reconstructed), compare=False)

    measure, T = cached.measures[0]["nu_e"], cached.folding.T
    E_min = 0.5 * (T + np.sqrt(T * (T + 2 * M)))
    parts = {
        "panels and response matrix": lambda: cached.build(at_recoil),
        "share_above, pp": lambda: measure.share_above(E_min),
        "weak kernel, pp": lambda: PROCESSES[0].kernel(PROCESSES[0].terms[0], T[:, None], measure.energy, "nu_e"),
    }
    print(f"parts, on {len(T)} recoil and {len(measure.energy)} neutrino nodes:")
    for name, call in parts.items():
        print(f"  {name:58s} {1e3 * cpu_time(call, 100):9.3f} ms")


if __name__ == "__main__":
    main()
