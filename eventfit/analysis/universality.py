"""Whether couplings of one name are one observable: what a ``mu_nu`` means depends on the neutrinos that arrive.

Reactors measure the effective moment of anti-nu_e close by, the Sun that of a mixture which depends on the energy,
pion decay those of nu_mu, anti-nu_mu and nu_e (arXiv:1403.6344, section 5.1). A coupling of all flavours, ``mu_nu``,
``q_nu`` or ``r2_nu``, is therefore one number for several experiments only if their signals come from the same
neutrinos, or if it is universal. Couplings of a flavour or of mass states (``mu_e``, ``mu_12``) mean the same anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.model import Model
from eventfit.analysis.sources import ReactorDeclared, SolarDeclared, StoppedPionDeclared
from eventfit.errors import NotUniversal

__all__ = ["SAME", "effective_couplings", "signal_shares", "universality_notes"]

#: signals come from the same neutrinos if the shares of the sources differ by less: within the Sun the survival
#: probability of pp and 7Be differs by 5 %, so that a share of 5 % moves a squared moment by 0.3 %
SAME = 0.05
#: shares below are not printed
SEEN = 0.005


def effective_couplings(models: Sequence[Model]) -> list[str]:
    """Fit parameters of couplings of all flavours that at least two ``models`` have."""
    names = [c.name for model in models for c in model.couplings if c.reported.endswith("_nu")]
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def signal_shares(model: Model, coupling: str) -> dict[str, float]:
    """Source -> its share of the events that ``coupling`` alone makes in the window of ``model``."""
    made: dict[str, float] = {}
    sources = _sources(model.declaration)
    highest = max(t.powers.get(coupling, 0) for t in model.templates)
    for template in model.templates:
        if template.powers == {coupling: highest}:
            source = sources.get(template.component, f"{model.analysis}: {template.component}")
            made[source] = made.get(source, 0.0) + abs(float(template.spectrum.values().sum()))
    total = sum(made.values())
    return {source: counts / total for source, counts in made.items()} if total > 0 else {}


def universality_notes(models: Sequence[Model], *, universal: bool) -> tuple[str, ...]:
    """What a combination of ``models`` takes its couplings for, one note per coupling of all flavours they share.

    Raises
    ------
    NotUniversal
        Signals come from different neutrinos, and nobody said that the coupling is ``universal``.
    """
    notes = []
    for coupling in effective_couplings(models):
        holders = [model for model in models if any(c.name == coupling for c in model.couplings)]
        reported = next(c.reported for c in holders[0].couplings if c.name == coupling)
        shares = {model.analysis: signal_shares(model, coupling) for model in holders}
        said = "; ".join(f"{name}: {_written(found)}" for name, found in shares.items())
        alike = all(_distance(one, other) <= SAME for one, other in combinations(shares.values(), 2))
        if not alike and not universal:
            raise NotUniversal(
                f"{reported} of different neutrinos are different observables: each is an effective coupling of the "
                "flavours and energies that arrive",
                where=" and ".join(shares),
                given=f"the signal comes from {said}",
                allowed=f"the same sources, with shares that differ by at most {100 * SAME:g} %",
                fix=f"if {reported} is meant to be the same for all flavours, say so: --universal, or universal=True; "
                "couplings of a flavour (mu_e, q_e ...) combine as they are",
            )
        taken = "declared flavour-universal" if universal else "taken as one effective coupling of the same neutrinos"
        notes.append(f"{reported} is {taken}; its signal comes from {said}")
    return tuple(notes)


def _sources(declared: Declaration) -> dict[str, str]:
    """Flux component -> what its neutrinos are, for the sources that have a name common to all experiments."""
    found: dict[str, str] = {}
    for source in declared.flux:
        if isinstance(source, SolarDeclared):
            found |= {name: f"solar {name}" for name in source.components}
        elif isinstance(source, ReactorDeclared):
            found[source.name] = "reactor"
        elif isinstance(source, StoppedPionDeclared):
            found |= {name: f"stopped-pion {name}" for name in source.components}
    return found


def _distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return max((abs(one.get(s, 0.0) - other.get(s, 0.0)) for s in {*one, *other}), default=0.0)


def _written(shares: Mapping[str, float]) -> str:
    seen = sorted(((share, source) for source, share in shares.items() if share >= SEEN), reverse=True)
    return ", ".join(f"{source} {100 * share:.0f} %" for share, source in seen) or "nothing"
