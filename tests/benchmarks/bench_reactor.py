"""Folding a reactor analysis against folding XENON1T, in the same run and node for node.

OMP_NUM_THREADS=1 python tests/benchmarks/bench_reactor.py

A node is a pair of a recoil and a neutrino energy at which a cross section is evaluated; the public ``fold`` does it
twice, the second time with all nodes doubled to measure its error. What a reactor costs in nodes stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from timing import cpu_time

from eventfit.analysis import Analysis
from eventfit.analysis.detector import build_electrons, build_response
from eventfit.analysis.mechanisms import build_processes
from eventfit.analysis.physics import build_physics
from eventfit.analysis.sources import build_fluxes
from eventfit.folding import fold
from eventfit.folding.fold import arranged
from eventfit.tables import Tables, shipped
from eventfit.target import Target

ANALYSES = ("xenon1t_2020", "texono_2010", "gemma_2012")
GOAL = 3.0


@dataclass(frozen=True)
class Timed:
    """Nodes of one fold, and CPU seconds of the fold and of everything from the tables to the templates."""

    nodes: int
    fold: float
    whole: float

    @property
    def per_node(self) -> float:
        """Nanoseconds of the fold per node."""
        return 1e9 * self.fold / self.nodes


def timed(name: str) -> Timed:
    """Fold the default variant of ``name``."""
    declared, tables = Analysis.load(name).default, Tables(shipped("data"))
    target = Target.load(tables, declared.target.material)
    fluxes = build_fluxes(declared.flux, declared.oscillation, tables)
    processes = build_processes(declared.process, build_electrons(declared.target, target))
    response, edges = build_response(declared.response, tables), declared.response.edges
    size = {"exposure": declared.exposure.internal, "units_per_kg": target.units_per_kg}
    nodes = sum(
        len(folding.T) * len(group.nodes.energy)
        for factor in (1, 2)
        for *_, folding, arriving in arranged(fluxes, processes, response, edges, factor, None)
        for group in arriving
    )
    folded = cpu_time(lambda: fold(fluxes, processes, response, edges, **size), 10)
    return Timed(nodes, folded, cpu_time(lambda: build_physics(declared, Tables(shipped("data"))), 10))


def main() -> None:
    """Print nodes, times and ratios with the goal."""
    found = {name: timed(name) for name in ANALYSES}
    first = found[ANALYSES[0]]
    print("fold with its doubling check      nodes    CPU time   per node   ratio   tables to templates")
    for name, entry in found.items():
        ratio = entry.per_node / first.per_node
        goal = f"goal <= {GOAL:g}" if entry is not first else ""
        print(
            f"  {name:24s} {1e-6 * entry.nodes:9.2f} M {1e3 * entry.fold:8.1f} ms {entry.per_node:7.1f} ns"
            f" {ratio:6.2f}x   {1e3 * entry.whole:8.1f} ms   {goal}"
        )


if __name__ == "__main__":
    main()
